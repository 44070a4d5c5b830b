package compat_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"golang.org/x/sys/unix"

	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/elf"
	"ebtools/internal/require"
)

// running is the release of the kernel that runs.
func running(t *testing.T) linux.Version {
	t.Helper()
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		t.Fatal(err)
	}
	var v linux.Version
	if _, err := fmt.Sscanf(unix.ByteSliceToString(name.Release[:]), "%d.%d", &v.Major, &v.Minor); err != nil {
		t.Fatal(err)
	}
	return v
}

// A kernel takes what is said to need no newer one, and refuses what no release is
// said to have. Where it refuses a program for another reason, the program says
// for which.
func TestFeaturesAgainstKernel(t *testing.T) {
	require.Kernel(t)
	if err := rlimit.RemoveMemlock(); err != nil {
		t.Fatal(err)
	}
	v := running(t)
	accepted, refused := 0, 0
	for _, f := range features {
		t.Run(f.name, func(t *testing.T) {
			img, obj := f.load(t)
			tooNew := compat.TooNew(compat.Of(obj, obj.Programs[0]), v)
			err := loadKernel(img)
			switch {
			case errors.Is(err, unix.EPERM), errors.Is(err, ebpf.ErrNotSupported):
				t.Skipf("not for this kernel or process: %v", err)
			case err == nil && len(tooNew) > 0:
				t.Errorf("Linux %v takes it, but it is said to need\n%s", v, text(tooNew))
			case err != nil && f.refused != "" && strings.Contains(fmt.Sprintf("%+v", err), f.refused):
				refused++
			case err != nil && len(tooNew) == 0:
				t.Errorf("Linux %v refuses it: %+v", v, err)
			case err == nil:
				accepted++
			}
		})
	}
	t.Logf("Linux %v: %d accepted, %d refused for their other reason", v, accepted, refused)
}

func loadKernel(img *elf.Image) error {
	b, err := img.Write()
	if err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(b))
	if err != nil {
		return err
	}
	c, err := ebpf.NewCollection(spec)
	if err == nil {
		c.Close()
	}
	return err
}
