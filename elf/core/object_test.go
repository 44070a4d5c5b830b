package core_test

import (
	stdelf "debug/elf"
	"encoding/binary"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// object is as much of an object file as relocations need, read without the
// package that will use this one.
type object struct {
	types    *core.Types
	btf      []byte
	sections map[int]*section
	funcs    []function
}

type section struct {
	name    string
	insns   []bpf.Instruction
	relocs  map[int]stdelf.Symbol // by slot
	records []record              // in the order of the file
}

type record struct {
	slot int
	core.Relocation
}

// function is a program, or what one calls.
type function struct {
	name        string
	section     int
	start, size int // slots
}

func readObject(t testing.TB, path string) *object {
	t.Helper()
	f, err := stdelf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := &object{sections: map[int]*section{}}
	byName := map[string]*section{}
	var ext []byte
	for i, s := range f.Sections {
		data, err := s.Data()
		switch {
		case s.Type == stdelf.SHT_NOBITS:
		case err != nil:
			t.Fatal(err)
		case s.Name == ".BTF":
			o.btf = data
		case s.Name == ".BTF.ext":
			ext = data
		case s.Flags&stdelf.SHF_EXECINSTR != 0:
			insns, err := bpf.Decode(data, f.ByteOrder)
			if err != nil {
				t.Fatal(err)
			}
			o.sections[i] = &section{name: s.Name, insns: insns, relocs: map[int]stdelf.Symbol{}}
			byName[s.Name] = o.sections[i]
		}
	}
	if o.btf == nil {
		return o
	}
	if o.types, err = core.ReadTypes(o.btf, nil); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for _, sym := range symbols {
		if stdelf.ST_TYPE(sym.Info) == stdelf.STT_FUNC && o.sections[int(sym.Section)] != nil {
			o.funcs = append(o.funcs, function{sym.Name, int(sym.Section), int(sym.Value / 8), int(sym.Size / 8)})
		}
	}
	for _, s := range f.Sections {
		code := o.sections[int(s.Info)]
		if s.Type != stdelf.SHT_REL || code == nil {
			continue
		}
		data, _ := s.Data()
		for ; len(data) >= 16; data = data[16:] {
			if n := f.ByteOrder.Uint64(data[8:]) >> 32; n > 0 && n <= uint64(len(symbols)) {
				code.relocs[int(f.ByteOrder.Uint64(data)/8)] = symbols[n-1]
			}
		}
	}
	readRecords(t, ext, o.btf, f.ByteOrder, byName)
	return o
}

// readRecords reads the CO-RE part of .BTF.ext.
func readRecords(t testing.TB, ext, types []byte, order binary.ByteOrder, sections map[string]*section) {
	if len(ext) < 32 || order.Uint32(ext[4:]) < 32 {
		return
	}
	at := order.Uint32(types[4:]) + order.Uint32(types[12:])
	text := func(offset uint32) string {
		b := types[at+offset:]
		return string(b[:slices.Index(b, 0)])
	}
	b := ext[order.Uint32(ext[4:])+order.Uint32(ext[24:]):][:order.Uint32(ext[28:])]
	if len(b) == 0 {
		return
	}
	size := order.Uint32(b)
	for b = b[4:]; len(b) > 0; {
		s := sections[text(order.Uint32(b))]
		n := order.Uint32(b[4:])
		b = b[8:]
		for range n {
			if s == nil {
				t.Fatal("records for a section without code")
			}
			s.records = append(s.records, record{int(order.Uint32(b) / 8), core.Relocation{
				Kind: bpf.COREKind(order.Uint32(b[12:])), ID: order.Uint32(b[4:]), Access: text(order.Uint32(b[8:])),
			}})
			b = b[size:]
		}
	}
}

// at gives the function of the object at a place.
func (o *object) at(section, slot int) (function, bool) {
	i := slices.IndexFunc(o.funcs, func(f function) bool { return f.section == section && f.start == slot })
	if i < 0 {
		return function{}, false
	}
	return o.funcs[i], true
}

// named gives the program of a name. Only that of a function in .text is not one.
func (o *object) named(name string) (function, bool) {
	i := slices.IndexFunc(o.funcs, func(f function) bool { return f.name == name && o.sections[f.section].name != ".text" })
	if i < 0 {
		return function{}, false
	}
	return o.funcs[i], true
}

// compile makes an object of a C program. What can't be made is logged.
func compile(t testing.TB, dir, source string, args ...string) string {
	t.Helper()
	out := filepath.Join(dir, strings.TrimSuffix(filepath.Base(source), ".c")+".o")
	args = append(args, "-O2", "-g", "--target=bpf", "-w", "-c", source, "-o", out)
	if msg, err := exec.Command("clang-19", args...).CombinedOutput(); err != nil {
		t.Logf("not built: %s: %.200s", filepath.Base(source), msg)
		return ""
	}
	return out
}
