package asm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
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
	obj, diags, err := elf.Load(img, name, elf.Options{})
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
			args := []string{"-O2", "-g", "-target", "bpf", "-mcpu=v3", "-w", "-c", path, "-o", obj}
			for _, dir := range glob(t, "/usr/include/*-linux-gnu") { // where Debian keeps <asm/types.h>
				args = append(args, "-I"+dir)
			}
			run(t, "clang-19", args...)
			file, err := os.ReadFile(obj)
			if err != nil {
				t.Fatal(err)
			}
			img, err := elf.Read(file)
			if err != nil {
				t.Fatal(err)
			}
			o, diags, err := elf.Load(img, path, elf.Options{})
			if errors.Is(err, elf.ErrNoPrograms) {
				t.Skipf("skipped: it holds nothing that is printed: %v", err)
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

// TestBigEndian assembles for the other byte order: the programs are the same.
func TestBigEndian(t *testing.T) {
	for _, path := range glob(t, "testdata/*.s", "../programs/*/*.s") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		img, diags := Assemble(path, src, Options{ByteOrder: binary.BigEndian})
		if img == nil {
			t.Fatal(diags)
		}
		big := reload(t, path, img)
		for i, p := range load(t, path, string(src)).Programs {
			if diff := cmp.Diff(p.Instructions, big.Programs[i].Instructions); diff != "" {
				t.Errorf("%s: %s (-little +big):\n%s", path, p.Name, diff)
			}
		}
		text := printed(t, big)
		img, diags = Assemble("printed.s", []byte(text), Options{ByteOrder: binary.BigEndian})
		if img == nil {
			t.Fatal(diags)
		}
		samePrograms(t, text, big, reload(t, "printed.s", img))
	}
}

// TestPrintAnything prints instructions at random, what is none among them, and
// expects the same bytes back.
func TestPrintAnything(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	forms := bpf.Forms()
	for range 300 {
		p := &bpf.Program{Name: "f"}
		for len(p.Instructions) < 40 {
			if r.IntN(8) == 0 {
				p.Instructions = append(p.Instructions, bpf.DecodeOne(binary.LittleEndian.AppendUint64(nil, r.Uint64()), binary.LittleEndian))
				continue
			}
			insns := sample(r, &forms[r.IntN(len(forms))])
			if insns[0].IsJump() || insns[0].IsLocalCall() {
				insns[0].Off, insns[0].Imm = int16(r.IntN(20)-10), int32(r.IntN(20)-10)
			}
			p.Instructions = append(p.Instructions, insns...)
		}
		p.Functions = []bpf.Function{{Name: "f", Len: 20}, {Name: "call", Start: 20, Len: len(p.Instructions) - 20}}
		var b strings.Builder
		if err := Print(&b, p, nil); err != nil {
			t.Fatal(err)
		}
		img, diags := Assemble("any.s", []byte(b.String()), Options{})
		if img == nil {
			t.Fatalf("%s\n%s", rendered(t, diags), b.String())
		}
		if got, want := img.Section(".text").Data, bpf.Encode(p.Instructions, binary.LittleEndian); !bytes.Equal(got, want) {
			t.Fatalf("got\n%x\nwant\n%x\n%s", got, want, b.String())
		}
	}
}
