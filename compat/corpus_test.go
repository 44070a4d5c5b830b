package compat_test

import (
	"os"
	"path/filepath"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/elf"
	"ebtools/internal/require"
)

// load reads an object file without a kernel to resolve it against.
func load(t testing.TB, name string) *bpf.Object {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	img, err := elf.Read(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	obj, _, err := elf.Load(img, filepath.Base(name), elf.Options{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return obj
}

// Programs of the kernel's own tests of 6.12 need nothing newer than that kernel,
// but for what they ask before they use, and Of says the same as Read.
func TestCorpus(t *testing.T) {
	programs, unknown := 0, 0
	for _, name := range require.Corpus(t, 40) {
		obj := load(t, name)
		report := compat.Read(obj)
		if len(report.Programs) != len(obj.Programs) {
			t.Fatalf("%s: %d answers for %d programs", name, len(report.Programs), len(obj.Programs))
		}
		for i, p := range obj.Programs {
			programs++
			needs := report.Programs[i]
			if of := compat.Of(obj, p); len(of) != len(needs) {
				t.Errorf("%s: %s: Of says %d things, Read %d", name, p.Name, len(of), len(needs))
			}
			for _, n := range compat.TooNew(needs, linux.Version{Major: 6, Minor: 12}) {
				if n.Since == (linux.Version{}) {
					unknown++
				}
				t.Logf("%s: %s: %v: %s %s (%s)", filepath.Base(name), p.Name, n.Since, n.Kind, n.Name, n.Detail)
			}
			for j, n := range needs {
				if n.PC != bpf.NoPC && (n.PC < 0 || n.PC >= len(p.Instructions)) {
					t.Errorf("%s: %s: %s %s at instruction %d of %d", name, p.Name, n.Kind, n.Name, n.PC, len(p.Instructions))
				}
				if j > 0 && n.Since != (linux.Version{}) && needs[j-1].Since != (linux.Version{}) && needs[j-1].Since.Less(n.Since) {
					t.Errorf("%s: %s: %s is not sorted", name, p.Name, n.Name)
				}
			}
		}
	}
	t.Logf("%d programs, %d things that no release has", programs, unknown)
}
