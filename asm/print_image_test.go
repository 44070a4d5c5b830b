package asm

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/require"
)

// imageText prints an image.
func imageText(o Printer, img *elf.Image) (string, error) {
	var b strings.Builder
	err := o.PrintImage(&b, img)
	return b.String(), err
}

// imageLines is what printing an image keeps, as text a line each: of sections in
// their order, of symbols sorted. The order of symbols, of relocations at
// different places, and symbols of sections that nothing refers to have no
// meaning.
func imageLines(img *elf.Image, debug bool) []string {
	keep := map[*elf.Section]bool{}
	count := map[string]int{}
	label := map[*elf.Section]string{}
	for _, s := range img.Sections {
		keep[s] = debug || !isForDebuggers(s)
		label[s] = fmt.Sprintf("%s/%d", s.Name, count[s.Name])
		count[s.Name]++
	}
	name := func(s *elf.Symbol) string {
		if s == nil {
			return "no symbol"
		}
		text := s.Name
		if len(text) > 300 {
			text = fmt.Sprintf("%.20s… %d %x", text, len(text), hashOf(text))
		}
		if s.Section != nil {
			return fmt.Sprintf("%q %v %v %v %s+%d size %d", text, s.Bind, s.Type, s.Visibility, label[s.Section], s.Value, s.Size)
		}
		return fmt.Sprintf("%q %v %v %v %v=%d size %d", text, s.Bind, s.Type, s.Visibility, s.Special, s.Value, s.Size)
	}
	var lines, last []string
	used := map[*elf.Symbol]bool{}
	for _, s := range img.Sections {
		if !keep[s] {
			continue
		}
		text := fmt.Sprintf("section %s type %#x flags %#x align %d entry %d size %d", label[s], s.Type, s.Flags, max(s.Align, 1), s.Entry, s.Len())
		if s.Link != nil {
			text += " of " + label[s.Link]
		}
		for _, m := range s.Members {
			if keep[m] {
				text += " " + label[m]
			}
		}
		for _, sym := range s.Symbols {
			text += " " + name(sym)
		}
		if s.Name == ".llvm_addrsig" {
			last = append(last, text)
			continue
		}
		lines = append(lines, text)
		for i := 0; i < len(s.Data); i += 16 {
			lines = append(lines, fmt.Sprintf("  %s+%d: %x", label[s], i, s.Data[i:min(i+16, len(s.Data))]))
		}
		relocs := slices.Clone(s.Relocs)
		slices.SortStableFunc(relocs, func(a, b elf.Relocation) int { return int(int64(a.Offset) - int64(b.Offset)) })
		for _, r := range relocs {
			used[r.Symbol] = true
			lines = append(lines, fmt.Sprintf("  %s+%d: %v %s %+d", label[s], r.Offset, r.Type, name(r.Symbol), r.Addend))
		}
	}
	lines = append(lines, last...)
	var symbols []string
	for _, s := range img.Symbols {
		if s.Section != nil && !keep[s.Section] || s.Type == stdelf.STT_SECTION && !used[s] {
			continue
		}
		symbols = append(symbols, "symbol "+name(s))
	}
	slices.Sort(symbols)
	return append(lines, symbols...)
}

// differences compares what imageLines gives.
func differences(want, got []string) string {
	var b strings.Builder
	in := func(list []string) map[string]bool {
		m := map[string]bool{}
		for _, s := range list {
			m[s] = true
		}
		return m
	}
	wanted, gotten := in(want), in(got)
	n := 0
	for _, s := range want {
		if !gotten[s] && n < 12 {
			fmt.Fprintf(&b, "- %s\n", s)
			n++
		}
	}
	for _, s := range got {
		if !wanted[s] && n < 24 {
			fmt.Fprintf(&b, "+ %s\n", s)
			n++
		}
	}
	if b.Len() == 0 && !slices.Equal(want, got) {
		i := 0
		for i < min(len(want), len(got)) && want[i] == got[i] {
			i++
		}
		fmt.Fprintf(&b, "order or number differs at %d: %q and %q\n", i, want[i:min(i+2, len(want))], got[i:min(i+2, len(got))])
	}
	return b.String()
}

// backAgain prints an image, assembles the text and compares.
func backAgain(o Printer, img *elf.Image) (text, diff string, err error) {
	text, err = imageText(o, img)
	if err != nil {
		return text, "", err
	}
	again, diags := Assemble("printed.s", []byte(text), Options{ByteOrder: img.ByteOrder})
	if again == nil {
		var b bytes.Buffer
		for _, d := range diags[:min(len(diags), 5)] {
			if err := d.Render(&b); err != nil {
				return text, "", err
			}
		}
		return text, b.String(), nil
	}
	return text, differences(imageLines(img, o.Debug), imageLines(again, o.Debug)), nil
}

// loaded is what a loader makes of an image, as text: programs and maps in their
// order, or what is wrong with it. Source lines count unless they are of DWARF
// and that is not asked for.
func loaded(img *elf.Image, dwarf bool) []string {
	if !dwarf {
		bare := *img
		bare.Sections = slices.DeleteFunc(slices.Clone(img.Sections), func(s *elf.Section) bool { return strings.HasPrefix(s.Name, ".debug_line") })
		img = &bare
	}
	obj, _, err := elf.Load(img, "a.o", elf.Options{})
	if err != nil {
		return []string{err.Error()}
	}
	list := []string{obj.License}
	for _, p := range obj.Programs {
		list = append(list, fmt.Sprintf("%s of %s: %v %v", p.Name, p.Section, p.Instructions, p.Lines))
	}
	for _, m := range obj.Maps {
		list = append(list, fmt.Sprintf("%s: %s %x %v", m.Name, MapText(m), m.Contents, m.Values))
	}
	return list
}

// checkBack expects an image back, unless text has no words for it.
func checkBack(t testing.TB, o Printer, img *elf.Image) {
	t.Helper()
	text, diff, err := backAgain(o, img)
	if err != nil && !errors.Is(err, ErrUnprintable) {
		t.Fatal(err)
	}
	if diff != "" {
		t.Fatalf("%s\n%s", diff, text)
	}
}

// objectsAtHand lists objects of several compilers.
func objectsAtHand(t testing.TB) []string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(ebpf.LoadCollectionSpec).Pointer()).FileLine(0)
	dir := filepath.Dir(file)
	paths := glob(t, "../testdata/objects/*.o", "../elf/testdata/*.o", "../elf/testdata/core/*.o", filepath.Join(dir, "testdata", "*.elf"), filepath.Join(dir, "btf", "testdata", "*.elf"))
	return append(paths, glob(t, os.Getenv("EBTOOLS_OBJECTS"))...)
}

// llvmAgain assembles with llvm-mc what backAgain has assembled here.
func llvmAgain(t *testing.T, o Printer, img *elf.Image, text string) (diff string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "printed.s")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	triple := "bpfel"
	if bpf.IsBigEndian(img.ByteOrder) {
		triple = "bpfeb"
	}
	out, err := exec.Command("llvm-mc-19", "-triple", triple, "-mcpu=v4", "-filetype=obj", path, "-o", path+".o").CombinedOutput()
	if err != nil {
		return fmt.Sprintf("%v: %.1500s", err, out)
	}
	file, err := os.ReadFile(path + ".o")
	if err != nil {
		t.Fatal(err)
	}
	again, err := elf.Read(file)
	if err != nil {
		return fmt.Sprint("its object can't be read: ", err)
	}
	for _, i := range []*elf.Image{img, again} {
		i.Sections = slices.DeleteFunc(i.Sections, func(s *elf.Section) bool { return s.Name == ".text" && len(s.Data) == 0 }) // it always makes one
	}
	return differences(imageLines(img, o.Debug), imageLines(again, o.Debug))
}

// TestPrintAssembled prints what was assembled, with types and without, in both
// byte orders.
func TestPrintAssembled(t *testing.T) {
	for _, path := range glob(t, "testdata/*.s", "testdata/llvm/*.s", "../programs/*/*.s") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i, opts := range []Options{{}, {NoDebug: true}, {ByteOrder: binary.BigEndian}} {
			img, diags := Assemble(path, src, opts)
			if img == nil {
				t.Fatal(diags)
			}
			for k, o := range []Printer{{Source: true}, {Debug: true}} {
				t.Run(fmt.Sprintf("%s/%d", filepath.Base(path), 2*i+k), func(t *testing.T) { checkBack(t, o, img) })
			}
		}
	}
}

// tally counts what became of objects.
type tally struct{ objects, same, forLLVM, notForLLVM int }

func (c *tally) log(t *testing.T) {
	t.Logf("%d objects, %d texts here and %d by llvm-mc make the same again; %d are not for llvm-mc", c.objects, c.same, c.forLLVM, c.notForLLVM)
}

// checkFile prints an object with and without what is for debuggers, and takes
// the text to ebas, and to llvm-mc if it is for that too and llvm says so.
func (c *tally) checkFile(t *testing.T, path string, llvm bool) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := elf.Read(file)
	if err != nil {
		t.Logf("skipped: %s: %v", path, err)
		return
	}
	c.objects++
	for _, o := range []Printer{{Source: true}, {Debug: true}} {
		text, diff, err := backAgain(o, img)
		if err != nil || diff != "" {
			t.Errorf("%s %+v: %v\n%s", path, o, err, diff)
			continue
		}
		c.same++
		again, _ := Assemble("printed.s", []byte(text), Options{ByteOrder: img.ByteOrder})
		if diff := cmp.Diff(loaded(img, o.Debug), loaded(again, o.Debug)); diff != "" {
			t.Errorf("%s: loaded (-object +printed and assembled):\n%s", path, diff)
		}
		switch {
		case !llvm:
		case strings.Contains(text, "\t.reloc ") || strings.Contains(text, "\t.rename ") || strings.Contains(text, ".llvm_addrsig"):
			c.notForLLVM++ // the last is a list that a tool left without its symbols
		default:
			if diff := llvmAgain(t, o, img, text); diff != "" {
				t.Errorf("%s %+v: llvm-mc:\n%s", path, o, diff)
				continue
			}
			c.forLLVM++
		}
	}
}

func hasLLVM() bool {
	_, err := exec.LookPath("llvm-mc-19")
	return err == nil || require.Demanded("llvm")
}

// TestPrintImage takes objects at hand and a sample of the corpus; with
// EBTOOLS_LONG all of it.
func TestPrintImage(t *testing.T) {
	var c tally
	for i, path := range append(objectsAtHand(t), require.Corpus(t, 20)...) {
		c.checkFile(t, path, hasLLVM() && (require.Long() || i%4 == 0))
	}
	c.log(t)
}

// compilers are ways to make an object of a C program.
var compilers = func() (all []string) {
	for _, clang := range []string{"clang-13", "clang-14", "clang-16", "clang-19"} {
		for _, flags := range []string{"-O2 -g", "-O2", "-O0 -g", "-O0", "-O2 -g -mcpu=v1", "-O1 -ffunction-sections -fdata-sections"} {
			for _, target := range []string{"bpfel", "bpfeb"} {
				all = append(all, clang+" --target="+target+" "+flags)
			}
		}
	}
	for _, flags := range []string{"-O2", "-O2 -gbtf", "-O0 -gdwarf", "-O1 -mbig-endian"} {
		all = append(all, "bpf-gcc "+flags)
	}
	return all
}()

// TestPrintCompiled has the compilers at hand make objects, and bpftool link them.
func TestPrintCompiled(t *testing.T) {
	var c tally
	var missing []string
	sources := glob(t, "../programs/*/*.c", "testdata/clang/*.c", "../elf/testdata/*.c")
	dir := t.TempDir()
	for i, way := range compilers {
		words := strings.Fields(way)
		if _, err := exec.LookPath(words[0]); err != nil {
			missing = append(missing, way)
			continue
		}
		for k, source := range sources {
			if !require.Long() && (i+k)%11 != 0 {
				continue
			}
			obj := filepath.Join(dir, fmt.Sprintf("%d-%d.o", i, k))
			args := append(words[1:], "-I/usr/include/x86_64-linux-gnu", "-w", "-c", source, "-o", obj)
			if err := exec.Command(words[0], args...).Run(); err != nil {
				continue // bpf-gcc does not take all of them
			}
			c.checkFile(t, obj, hasLLVM())
			if linked := obj + ".linked"; strings.Contains(way, "-g") && exec.Command("bpftool", "gen", "object", linked, obj).Run() == nil {
				c.checkFile(t, linked, hasLLVM())
			}
		}
	}
	c.log(t)
	if len(missing) > 0 {
		t.Logf("skipped: compilers not on PATH: %q", missing)
	}
}
