package asm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/elf"
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
	}
}

// TestPrintAnything lists instructions at random, what is none among them, and
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
		text := rowsText(Rows(p, nil))
		img, diags := Assemble("any.s", []byte(text), Options{})
		if img == nil {
			t.Fatalf("%s\n%s", rendered(t, diags), text)
		}
		if got, want := img.Section(".text").Data, bpf.Encode(p.Instructions, binary.LittleEndian); !bytes.Equal(got, want) {
			t.Fatalf("got\n%x\nwant\n%x\n%s", got, want, text)
		}
	}
}

// rowsText is a listing as assembly.
func rowsText(rows []Row) string {
	var b strings.Builder
	for _, r := range rows {
		for _, label := range []string{r.Function, r.Label} {
			if label != "" {
				fmt.Fprintf(&b, "%s:\n", symbolText(label))
			}
		}
		fmt.Fprintf(&b, "\t%s\t# %s\n", r.Text, r.Comment)
	}
	return b.String()
}
