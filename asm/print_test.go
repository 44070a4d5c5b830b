package asm

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/require"
)

// load assembles a text and loads the object.
func load(t testing.TB, name, src string) *bpf.Object {
	t.Helper()
	img, diags := Assemble(name, []byte(src), Options{})
	if img == nil {
		t.Fatalf("%v\n%s", diags, src)
	}
	return reload(t, name, img)
}

// reload writes an image, reads it back and loads it.
func reload(t testing.TB, name string, img *elf.Image) *bpf.Object {
	t.Helper()
	file, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	return loadFile(t, name, file)
}

func loadFile(t testing.TB, name string, file []byte) *bpf.Object {
	t.Helper()
	img, err := elf.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	obj, diags, err := elf.Load(img, name)
	if err != nil || diags.Err() != nil {
		t.Fatal(err, diags)
	}
	return obj
}

func printed(t testing.TB, obj *bpf.Object) string {
	t.Helper()
	var b strings.Builder
	if err := (Printer{Source: true}).PrintObject(&b, obj); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// samePrograms compares what printing must keep.
func samePrograms(t testing.TB, text string, want, got *bpf.Object) {
	t.Helper()
	if len(want.Programs) != len(got.Programs) || len(want.Maps) != len(got.Maps) {
		t.Fatalf("%d programs and %d maps became %d and %d:\n%s", len(want.Programs), len(want.Maps), len(got.Programs), len(got.Maps), text)
	}
	if want.License != got.License {
		t.Errorf("license %q became %q", want.License, got.License)
	}
	for i, p := range want.Programs {
		q := got.Programs[i]
		if p.Name != q.Name || p.Section != q.Section {
			t.Errorf("%s of section %s became %s of section %s", p.Name, p.Section, q.Name, q.Section)
		}
		if diff := cmp.Diff(p.Functions, q.Functions); diff != "" {
			t.Errorf("%s: functions (-want +got):\n%s\n%s", p.Name, diff, text)
		}
		if diff := cmp.Diff(p.Instructions, q.Instructions); diff != "" {
			t.Errorf("%s: instructions (-want +got):\n%s\n%s", p.Name, diff, text)
		}
	}
	for i, m := range want.Maps {
		n := got.Maps[i]
		if m.Name != n.Name || m.Type != n.Type || m.KeySize != n.KeySize || m.ValueSize != n.ValueSize ||
			m.MaxEntries != n.MaxEntries || m.Flags != n.Flags || m.Extra != n.Extra || m.Pinning != n.Pinning ||
			!bytes.Equal(bytes.TrimRight(m.Contents, "\x00"), bytes.TrimRight(n.Contents, "\x00")) {
			t.Errorf("map %+v became %+v", m, n)
		}
	}
}

// TestPrintAssembled prints what was assembled and assembles that again.
func TestPrintAssembled(t *testing.T) {
	for _, path := range glob(t, "testdata/*.s", "../programs/*/*.s") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			checkPrint(t, load(t, path, string(src)))
		})
	}
}

// TestPrintCompiled does the same with what clang compiled.
func TestPrintCompiled(t *testing.T) {
	require.LLVM(t)
	for _, path := range glob(t, "../programs/*/*.c", "testdata/clang/*.c") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			obj := filepath.Join(t.TempDir(), "a.o")
			run(t, "clang-19", "-O2", "-g", "-target", "bpf", "-mcpu=v3", "-w", "-I/usr/include/x86_64-linux-gnu", "-c", path, "-o", obj)
			file, err := os.ReadFile(obj)
			if err != nil {
				t.Fatal(err)
			}
			img, err := elf.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			o, diags, err := elf.Load(img, path)
			if errors.Is(err, elf.ErrNoPrograms) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range diags {
				t.Log(d)
			}
			checkPrint(t, o)
		})
	}
}

func checkPrint(t *testing.T, obj *bpf.Object) {
	t.Helper()
	text := printed(t, obj)
	again := load(t, "printed.s", text)
	samePrograms(t, text, obj, again)
	var bare strings.Builder
	if err := PrintObject(&bare, again); err != nil {
		t.Fatal(err)
	}
	var second strings.Builder
	if err := PrintObject(&second, load(t, "again.s", bare.String())); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bare.String(), second.String()); diff != "" {
		t.Errorf("printing again changes the text (-first +second):\n%s", diff)
	}
}

func glob(t testing.TB, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, p := range patterns {
		paths, err := filepath.Glob(p)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, paths...)
	}
	return all
}
