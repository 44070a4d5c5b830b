package asm

import (
	"io/fs"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"ebtools/elf"
)

// FuzzAssemble assembles anything. It must not panic, and what it takes must
// print as text that prints the same when assembled again.
func FuzzAssemble(f *testing.F) {
	for _, pattern := range []string{"testdata/*.s", "testdata/llvm/*.s", "../programs/*/*.s"} {
		for _, path := range glob(f, pattern) {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	for _, path := range glob(f, "testdata/errors/*.txtar") {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	for _, c := range directiveCases {
		f.Add([]byte(c.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		img, diags := assemble("fuzz.s", src, Options{ReadFile: noFiles}, limits{expanded: 1 << 12, reserved: 1 << 16})
		for _, d := range diags {
			if err := d.Render(discard{}); err != nil {
				t.Fatal(err)
			}
		}
		if img == nil {
			if diags.Err() == nil {
				t.Fatal("neither an image nor an error")
			}
			return
		}
		file, err := img.Write()
		if err != nil {
			t.Fatalf("an image that can't be written: %v", err)
		}
		img, err = elf.Read(file)
		if err != nil {
			t.Fatalf("a file that can't be read: %v", err)
		}
		obj, diags, err := elf.Load(img, "fuzz.o", elf.Options{})
		if err != nil || diags.Err() != nil {
			return // there is more in ELF than in programs
		}
		first := printed(t, obj)
		again, diags := Assemble("printed.s", []byte(first), Options{})
		if again == nil {
			t.Fatalf("%v\n%s", diags, first)
		}
		back, err := again.Write()
		if err != nil {
			t.Fatal(err)
		}
		samePrograms(t, first, obj, loadFile(t, "printed.o", back))
	})
}

// noFiles keeps the fuzzer from reading what lies about.
func noFiles(name string) ([]byte, error) { return nil, fs.ErrNotExist }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
