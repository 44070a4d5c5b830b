package vm

import (
	"errors"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// newKernel makes maps in the kernel, the other side of the differential tests.
// It binds the test to one CPU, whose per-CPU values the programs then work on.
func newKernel(t testing.TB, maps ...*bpf.Map) (k *kernel.Kernel, cpu int) {
	t.Helper()
	require.Kernel(t)
	cpu, release, err := kernel.BindCPU()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	if k, err = kernel.New(maps); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k, cpu
}

// errnoOf is the error number in an error of package kernel, nil without.
func errnoOf(err error) error {
	var e *kernel.Error
	if errors.As(err, &e) {
		return e.Errno
	}
	return err
}
