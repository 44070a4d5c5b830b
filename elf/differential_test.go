package elf

import (
	"bytes"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

// ciliumObjects lists the objects that cilium/ebpf's own tests read, if its
// source is at hand: those of several versions of clang, in both byte orders.
func ciliumObjects(t testing.TB) []string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(ebpf.LoadCollectionSpec).Pointer()).FileLine(0)
	paths, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "testdata", "*.elf"))
	more, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "btf", "testdata", "*.elf"))
	if paths = append(paths, more...); len(paths) == 0 {
		t.Logf("no objects beside the source of cilium/ebpf (%s)", file)
	}
	return paths
}

// TestLoadLikeCilium holds Load to what cilium/ebpf makes of the same file:
// programs with their instructions, and maps. The environment variable
// EBTOOLS_OBJECTS may name more files, as a pattern.
func TestLoadLikeCilium(t *testing.T) {
	more, err := filepath.Glob(os.Getenv("EBTOOLS_OBJECTS"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Concat(ciliumObjects(t), checkedIn(t), require.Corpus(t, 60), more) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			file, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
			if err != nil {
				t.Skipf("skipped: cilium/ebpf does not read it: %v", err)
			}
			img, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			got, problems, err := Load(img, filepath.Base(path), Options{})
			if err != nil {
				t.Fatal(err)
			}
			comparePrograms(t, img, got, problems, want)
			compareMaps(t, got, want)
			for _, p := range problems {
				t.Log(p)
			}
		})
	}
}

// leftOut are the programs that Load reports instead of loading: they use what
// only a kernel can provide.
func leftOut(problems bpf.Diagnostics, name string) bool {
	for _, p := range problems {
		if p.Prog == name && errors.Is(p, ErrUndefined) {
			return true
		}
	}
	return false
}

func comparePrograms(t *testing.T, img *Image, got *bpf.Object, problems bpf.Diagnostics, want *ebpf.CollectionSpec) {
	t.Helper()
	index := map[string]int{}
	for i, m := range got.Maps {
		index[m.Name] = i
	}
	programs := map[string]*bpf.Program{}
	for _, p := range got.Programs {
		programs[p.Name] = p
		if want.Programs[p.Name] == nil {
			t.Errorf("program %s: cilium/ebpf has none of this name", p.Name)
		}
	}
	for name, w := range want.Programs {
		p := programs[name]
		if p == nil {
			if !leftOut(problems, name) && !isStatic(img, name) && !isLibrary(w.SectionName) {
				t.Errorf("program %s is missing", name)
			}
			continue
		}
		if p.Section != w.SectionName || p.License != w.License {
			t.Errorf("program %s: section %q license %q, want %q and %q", name, p.Section, p.License, w.SectionName, w.License)
		}
		if w.Type == ebpf.UnspecifiedProgram {
			// Its section's name means something to iproute2 at most.
		} else if p.Type != linux.ProgramType(w.Type) || p.Attach != linux.AttachType(w.AttachType) {
			t.Errorf("program %s: type %s attach %s, want %s and %s", name, p.Type, p.Attach, w.Type, w.AttachType)
		}
		ours := listing(bpf.Encode(settingsUnresolved(p, got), got.ByteOrder), img, p)
		if diff := cmp.Diff(listing(ciliumInstructions(t, w, index), img, p), ours); diff != "" {
			t.Errorf("program %s: instructions (-cilium +ours):\n%s", name, diff)
		}
		if got.Name != "linked-el.elf" {
			// In that, instructions that no symbol covers make cilium/ebpf give
			// every line after them to an earlier instruction.
			compareLines(t, p, w)
		}
	}
}

// settingsUnresolved are a program's instructions, settings as cilium/ebpf has
// them until it loads a program.
func settingsUnresolved(p *bpf.Program, obj *bpf.Object) []bpf.Instruction {
	insns := slices.Clone(p.Instructions)
	for pc, in := range insns {
		if in.IsLoadImm64() && in.Src == bpf.PseudoMapIdxValue && obj.Maps[in.Imm].Name == kconfigSection {
			insns[pc].Imm, insns[pc+1].Imm = 0, 0
		}
	}
	return insns
}

func compareLines(t *testing.T, got *bpf.Program, want *ebpf.ProgramSpec) {
	t.Helper()
	lines := map[int]bpf.Line{}
	for _, l := range got.Lines {
		lines[l.PC] = l
	}
	for iter := want.Instructions.Iterate(); iter.Next(); {
		w, ok := iter.Ins.Source().(*btf.Line)
		if !ok {
			continue
		}
		l := lines[int(iter.Offset)]
		wanted := bpf.Line{PC: l.PC, Text: w.Line(), Pos: bpf.Pos{File: w.FileName(), Line: int(w.LineNumber()), Col: int(w.LineColumn())}}
		if l != wanted {
			t.Errorf("program %s: line of instruction %d is %v, want %v", got.Name, iter.Offset, l, wanted)
		}
	}
}

func isStatic(img *Image, name string) bool {
	for _, sym := range img.Symbols {
		if sym.Name == name && sym.Type == stdelf.STT_FUNC {
			return sym.Bind == stdelf.STB_LOCAL
		}
	}
	return false
}

// fd stands for a map in an instruction.
type fd int

func (f fd) FD() int { return int(f) }

// ciliumInstructions encodes a program with the indexes of maps for descriptors.
func ciliumInstructions(t *testing.T, p *ebpf.ProgramSpec, index map[string]int) []byte {
	t.Helper()
	insns := p.Instructions
	for i := range insns {
		if in := &insns[i]; in.IsLoadFromMap() && in.Reference() != "" {
			n, ok := index[in.Reference()]
			if !ok {
				t.Errorf("program %s: no map %s", p.Name, in.Reference())
			}
			if err := in.AssociateMap(fd(n)); err != nil {
				t.Errorf("program %s: %v", p.Name, err)
			}
		}
	}
	var b bytes.Buffer
	if err := insns.Marshal(&b, p.ByteOrder); err != nil {
		t.Errorf("program %s: %v", p.Name, err)
	}
	return b.Bytes()
}

// listing prints instructions a line each, maps the way a loader names them, and
// leaves out those that cilium/ebpf has as compiled until it loads a program: with
// CO-RE relocations in p.
func listing(b []byte, img *Image, p *bpf.Program) []string {
	insns, err := bpf.Decode(b, img.ByteOrder)
	if err != nil {
		return []string{err.Error()}
	}
	relocated := map[int]bool{}
	for _, r := range p.CORE {
		relocated[r.PC] = true
		if r.Result == bpf.COREPoisoned && r.PC+1 < len(p.Instructions) && p.Instructions[r.PC+1] == p.Instructions[r.PC] {
			relocated[r.PC+1] = true // both slots of a 64-bit load
		}
	}
	var lines []string
	for pc := 0; pc < len(insns); {
		if in := &insns[pc]; in.Op == bpf.ClassALU64|bpf.OpMov|bpf.SourceX && in.Off == 1 {
			in.Off = 0 // addr_space_cast, which cilium/ebpf makes a plain move of
		}
		if in := &insns[pc]; in.IsLoadImm64() {
			switch in.Src {
			case bpf.PseudoMapIdx:
				in.Src = bpf.PseudoMapFD
			case bpf.PseudoMapIdxValue:
				in.Src = bpf.PseudoMapValue
			}
		}
		text, n := bpf.Disassemble(insns, pc)
		if relocated[pc] {
			for range n {
				lines = append(lines, "CO-RE")
				pc++
			}
			continue
		}
		lines = append(lines, fmt.Sprintf("%x  %s", bpf.Encode(insns[pc:pc+n], img.ByteOrder), text))
		pc += n
	}
	return lines
}

func compareMaps(t *testing.T, got *bpf.Object, want *ebpf.CollectionSpec) {
	t.Helper()
	maps := map[string]*bpf.Map{}
	for _, m := range got.Maps {
		maps[m.Name] = m
	}
	for name, w := range want.Maps {
		m := maps[name]
		if m == nil {
			t.Errorf("map %s is missing", name)
			continue
		}
		delete(maps, name)
		compareMap(t, m, w)
	}
	for name := range maps {
		if strings.HasPrefix(name, ".bss.") || name == kconfigSection {
			continue // to libbpf a section of variables, to cilium/ebpf not; made when a program is loaded
		}
		t.Errorf("map %s: cilium/ebpf has none of this name", name)
	}
}

func compareMap(t *testing.T, m *bpf.Map, w *ebpf.MapSpec) {
	t.Helper()
	type attributes struct {
		Type, KeySize, ValueSize, MaxEntries, Flags, Pinning uint32
		Extra                                                uint64
	}
	got := attributes{uint32(m.Type), m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Pinning, m.Extra}
	wanted := attributes{uint32(w.Type), w.KeySize, w.ValueSize, w.MaxEntries, w.Flags, uint32(w.Pinning), w.MapExtra}
	if w.Type == ebpf.PerfEventArray {
		got.ValueSize, wanted.ValueSize = 0, 0 // cilium/ebpf forgets it
	}
	if m.Section == "" && w.Pinning == 0 {
		got.Pinning = 0 // cilium/ebpf leaves that of iproute2's definitions in Extra
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Errorf("map %s (-cilium +ours):\n%s", m.Name, diff)
	}
	if m.Section == "" && m.Type != linux.MapStructOps && w.Key != nil {
		compareTypes(t, m.Name+" key", m.Key, w.Key)
	}
	if w.Value != nil {
		compareTypes(t, m.Name+" value", m.Value, w.Value)
	}
	if w.InnerMap == nil && w.Extra != nil {
		// cilium/ebpf leaves that of iproute2's definitions in Extra, too
	} else if (m.Inner != nil) != (w.InnerMap != nil) {
		t.Errorf("map %s: inner map %v, want %v", m.Name, m.Inner, w.InnerMap)
	} else if m.Inner != nil {
		compareMap(t, m.Inner, w.InnerMap)
	}
	if m.Section != "" {
		contents := m.Contents
		if contents == nil {
			contents = make([]byte, m.ValueSize)
		}
		if want, ok := w.Contents[0].Value.([]byte); !ok || !bytes.Equal(want, contents) {
			t.Errorf("map %s: contents %x, want %x", m.Name, contents, w.Contents[0].Value)
		}
		if frozen := strings.HasPrefix(m.Name, ".rodata"); m.Frozen != frozen {
			t.Errorf("map %s: frozen is %t", m.Name, m.Frozen)
		}
	}
}

// compareTypes compares types as C would print them, and what is in sections.
func compareTypes(t *testing.T, what string, got, want btf.Type) {
	t.Helper()
	if got == nil {
		t.Errorf("%s: no type, want %v", what, want)
		return
	}
	if diff := cmp.Diff(describe(want), describe(got)); diff != "" {
		t.Errorf("%s (-cilium +ours):\n%s", what, diff)
	}
}

func describe(typ btf.Type) []string {
	var f btf.GoFormatter
	datasec, ok := typ.(*btf.Datasec)
	if !ok {
		text, err := f.TypeDeclaration("T", typ)
		return []string{fmt.Sprintf("%T %s %v", typ, text, err)}
	}
	lines := []string{fmt.Sprintf("section %s of %d bytes", datasec.Name, datasec.Size)}
	for _, v := range datasec.Vars {
		of := v.Type.(*btf.Var)
		lines = append(lines, fmt.Sprintf("%s at %d of %d bytes, %s, %v", of.Name, v.Offset, v.Size, of.Linkage, describe(of.Type)))
	}
	return lines
}
