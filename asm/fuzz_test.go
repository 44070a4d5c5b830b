package asm

import (
	"io/fs"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"ebtools/elf"
)

// FuzzAssemble assembles anything. It must not panic, and what it takes must
// print as text that assembles to the same object.
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
		checkBack(t, Printer{Source: true}, img)
	})
}

// FuzzPrintImage prints any object. It must not panic, the text must be in
// proportion to the file, and assemble to the same object.
func FuzzPrintImage(f *testing.F) {
	for _, path := range objectsAtHand(f) {
		if file, err := os.ReadFile(path); err == nil && len(file) < 16<<10 {
			f.Add(file)
		}
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		img, err := elf.Read(file)
		if err != nil {
			return
		}
		for _, o := range []Printer{{Source: true}, {Debug: true}} {
			if text, err := imageText(o, img); err == nil && len(text) > 1<<17+256*len(file) {
				t.Fatalf("%d bytes of text for a file of %d", len(text), len(file))
			}
			checkBack(t, o, img)
		}
	})
}

// noFiles keeps the fuzzer from reading what lies about.
func noFiles(name string) ([]byte, error) { return nil, fs.ErrNotExist }

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
