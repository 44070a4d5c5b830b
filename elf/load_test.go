package elf

import (
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

func readImage(t testing.TB, path string) *Image {
	t.Helper()
	img, err := Read(readFile(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// load loads an image that has no problems.
func load(t testing.TB, img *Image, name string) *bpf.Object {
	t.Helper()
	obj, problems, err := Load(img, name, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return obj
}

// outline says in a line each what programs and functions an object has.
func outline(obj *bpf.Object) []string {
	var lines []string
	for _, p := range obj.Programs {
		line := fmt.Sprintf("%s %s %q:", p.Section, p.Name, fmt.Sprint(p.Type, " ", p.Target))
		for _, f := range p.Functions {
			line += fmt.Sprintf(" %s@%d+%d", f.Name, f.Start, f.Len)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestLoadLinked(t *testing.T) {
	want := []string{
		`xdp first "xdp ": first@0+22 weigh@22+7 scale@29+9`,
		`xdp second "xdp ": second@0+15 each@15+8 scale@23+9 alone@32+5`,
		`tc third "sched_cls ": third@0+12 all@12+12 alone@24+5 scale@29+9 weigh@38+7`,
		`tp/sched/sched_switch fourth "tracepoint sched/sched_switch": fourth@0+2`,
	}
	for _, name := range []string{"linked.o", "linked-be.o"} {
		obj := load(t, readImage(t, "testdata/"+name), name)
		if diff := cmp.Diff(want, outline(obj)); diff != "" {
			t.Errorf("%s: programs (-want +got):\n%s", name, diff)
		}
		if obj.License != "Dual BSD/GPL" || obj.Programs[0].License != obj.License || obj.Name != name || obj.Types == nil {
			t.Errorf("%s: license %q, name %q, types %v", name, obj.License, obj.Name, obj.Types)
		}
		p := obj.Programs[0]
		line, ok := p.LineAt(31)
		if f, _ := p.FunctionAt(31); !ok || f.Name != "scale" || line.Text != "\treturn a * limit + calls;" || !strings.HasSuffix(line.Pos.File, "linked.c") {
			t.Errorf("%s: instruction 31 of first is in function %s, line %v", name, f.Name, line)
		}
	}
}

func TestLoadVariables(t *testing.T) {
	obj := load(t, readImage(t, "testdata/linked.o"), "linked.o")
	byName := map[string]*bpf.Map{}
	var names []string
	for _, m := range obj.Maps {
		byName[m.Name] = m
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{".data", ".rodata", ".rodata.extra", ".data.tuning", "counts", ".bss"}, names); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
	if m := byName[".rodata"]; !m.Frozen || m.Section != ".rodata" || !slices.Equal(m.Contents, []byte{7, 0, 0, 0}) || m.Flags != linux.FRdonlyProg {
		t.Errorf(".rodata is %+v", m)
	}
	if m := byName[".bss"]; m.Frozen || m.Contents != nil || m.ValueSize != 16 && m.ValueSize != 12 {
		t.Errorf(".bss is %+v", m)
	}
	datasec, ok := byName[".data"].Value.(*btf.Datasec)
	if !ok || datasec.Size != byName[".data"].ValueSize {
		t.Fatalf("type of .data is %v", byName[".data"].Value)
	}
	for _, v := range datasec.Vars {
		if v.Type.TypeName() == "calls" && byName[".data"].Contents[v.Offset] != 6 {
			t.Errorf("variable calls, which is 6, is said to be at %d of %v", v.Offset, byName[".data"].Contents)
		}
	}
	// table[2] is at offset 8 of .data and 16 more.
	for pc, in := range obj.Programs[0].Instructions {
		if in.IsLoadImm64() && in.Src == bpf.PseudoMapIdxValue && obj.Maps[in.Imm].Name == ".data" && obj.Programs[0].Instructions[pc+1].Imm == 8 {
			return
		}
	}
	t.Error("first does not load the address of table")
}

func TestLoadMaps(t *testing.T) {
	obj := load(t, readImage(t, "testdata/maps.o"), "maps.o")
	lines := describeMaps(obj)
	want := []string{
		"one: array key 4 value 8 max 1 flags 0 extra 0 pinning 0",
		"two: array key 4 value 8 max 1 flags 0 extra 0 pinning 0",
		"outer: array_of_maps key 4 value 4 max 3 flags 0 extra 0 pinning 0 of outer.inner: array key 4 value 8 max 1 flags 0 extra 0 pinning 0",
		"jumps: prog_array key 4 value 4 max 2 flags 0 extra 0 pinning 0",
		"sizes: hash key 12 value 20 max 100 flags 1 extra 0 pinning 1",
		"types: lru_hash key 8 value 16 max 8 flags 0 extra 0 pinning 0",
		"events: ringbuf key 0 value 0 max 4096 flags 0 extra 0 pinning 0",
		"bloom: bloom_filter key 0 value 4 max 64 flags 0 extra 3 pinning 0",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
}

func describeMaps(obj *bpf.Object) []string {
	describe := func(m *bpf.Map) string {
		return fmt.Sprintf("%s: %s key %d value %d max %d flags %d extra %d pinning %d",
			m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Extra, m.Pinning)
	}
	var lines []string
	for _, m := range obj.Maps {
		line := describe(m)
		if m.Inner != nil {
			line += " of " + describe(m.Inner)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestLoadRare loads what other loaders refuse.
func TestLoadRare(t *testing.T) {
	obj := load(t, readImage(t, "testdata/rare.o"), "rare.o")
	if diff := cmp.Diff([]string{`xdp visible "xdp ": visible@0+12 helper@12+3`}, outline(obj)); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	want := []string{
		"hidden: array key 4 value 8 max 4 flags 0 extra 0 pinning 0",
		"arena: arena key 0 value 0 max 10 flags 1024 extra 17592186044416 pinning 0",
	}
	if diff := cmp.Diff(want, describeMaps(obj)); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
}

func TestLoadOldMaps(t *testing.T) {
	obj := load(t, readImage(t, "testdata/oldmaps.o"), "oldmaps.o")
	want := []string{
		"plain: hash key 4 value 8 max 32 flags 1 extra 0 pinning 0",
		"inner: array key 4 value 8 max 1 flags 0 extra 0 pinning 0",
		"outer: array_of_maps key 4 value 4 max 2 flags 0 extra 0 pinning 1 of inner: array key 4 value 8 max 1 flags 0 extra 0 pinning 0",
	}
	if diff := cmp.Diff(want, describeMaps(obj)); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
}

// TestLoadRust reads what rustc's assembly becomes: every function and constant
// in a section of its own, under mangled names.
func TestLoadRust(t *testing.T) {
	obj := load(t, readImage(t, "testdata/rust.o"), "rust.o")
	want := []string{
		`xdp count "xdp ": count@0+14 _RNvCshKuLGoDTFBq_4rust6lookup@14+2`,
		`classifier mark "sched_cls ": mark@0+7 _RNvCshKuLGoDTFBq_4rust6lookup@7+2`,
	}
	if diff := cmp.Diff(want, outline(obj)); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	want = []string{
		"HITS: array key 4 value 8 max 16 flags 0 extra 0 pinning 0",
		"LATER: hash key 8 value 4 max 2 flags 0 extra 0 pinning 0",
		".rodata.LIMIT: array key 4 value 4 max 1 flags 128 extra 0 pinning 0",
	}
	if diff := cmp.Diff(want, describeMaps(obj)); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
}

// TestLoadTailCalls reads sections named as iproute2 wants them.
func TestLoadTailCalls(t *testing.T) {
	obj, problems, err := Load(readImage(t, "testdata/tailcalls.o"), "tailcalls.o", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`7/2 last "sched_act ": last@0+2`,
		`7/0 start "sched_act ": start@0+6`,
		`7/3 beyond "unspec ": beyond@0+2`,
		`action entry "sched_act ": entry@0+6`,
	}
	if diff := cmp.Diff(want, outline(obj)); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]bpf.MapValue{{Index: 0, Name: "start"}, {Index: 2, Name: "last"}}, obj.Maps[0].Values); diff != "" {
		t.Errorf("values of the map (-want +got):\n%s", diff)
	}
	if len(problems) != 1 || !strings.Contains(problems.Error(), "7/3") {
		t.Errorf("problems: %v", problems)
	}
	obj, problems, err = Load(readImage(t, "testdata/tailcalls.o"), "tailcalls.o", Options{Type: linux.ProgXDP})
	if err != nil || len(problems) > 0 || obj.Programs[2].Type != linux.ProgXDP || obj.Programs[3].Type != linux.ProgSchedACT {
		t.Errorf("with a type given: %v, %v", problems, err)
	}
}

// TestLoadProblems: what is wrong with some programs is said, and the others
// are there.
func TestLoadProblems(t *testing.T) {
	obj, problems, err := Load(readImage(t, "testdata/problems.o"), "problems.o", Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`xdp well "xdp ": well@0+2`,
		`tc calls_kernel "sched_cls ": calls_kernel@0+2`,
		`tc reads_config "sched_cls ": reads_config@0+4`,
		`nonsense/of/mine untyped "unspec ": untyped@0+2`,
	}
	if diff := cmp.Diff(want, outline(obj)); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	var said []string
	for _, p := range problems {
		said = append(said, p.Error())
		for _, note := range p.Note {
			said = append(said, "= "+note)
		}
	}
	wantSaid := []string{
		`problems.o: map "winged" at .maps+0x0: bad map definition: wings: is not an attribute of a map`,
		`./problems.c:30:9: calls_missing: insn 1: "missing" is not defined in this object (R_BPF_64_32 at xdp+0x18)`,
		`./problems.c:20:9: calls_helper: insn 3: "missing" is not defined in this object (R_BPF_64_32 at .text+0x8)`,
		`./problems.c:50:9: reads_elsewhere: insn 0: impossible reference to "elsewhere" (R_BPF_64_64 at socket+0x0): section attic holds neither maps nor variables: those belong into .data, .rodata or .bss`,
		`./problems.c:57:9: uses_winged: insn 4: map "winged" at .maps+0x0: bad map definition: wings: is not an attribute of a map`,
		`problems.o: untyped: warning: section "nonsense/of/mine" is not the name of a kind of program: the program has no type`,
	}
	if diff := cmp.Diff(wantSaid, said); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if !errors.Is(problems.Err(), ErrUndefined) || !errors.Is(problems.Err(), ErrRelocation) {
		t.Error("the errors are not recognised")
	}
}

func TestLoadNothing(t *testing.T) {
	img := &Image{ByteOrder: binary.LittleEndian, Sections: []*Section{{Name: "license", Type: stdelf.SHT_PROGBITS, Data: []byte("GPL")}}}
	if _, _, err := Load(img, "empty.o", Options{}); !errors.Is(err, ErrNoPrograms) {
		t.Errorf("error is %v", err)
	}
	if _, _, err := Load(&Image{}, "zero.o", Options{}); !errors.Is(err, ErrImage) {
		t.Errorf("error is %v", err)
	}
}

// sameInstructions compares the programs of two objects.
func sameInstructions(t *testing.T, want, got *bpf.Object) {
	t.Helper()
	if len(want.Programs) != len(got.Programs) {
		t.Fatalf("programs are %v, want %v", outline(got), outline(want))
	}
	for i, w := range want.Programs {
		if g := got.Programs[i]; g.Name != w.Name || !slices.Equal(g.Instructions, w.Instructions) {
			t.Errorf("program %s has other instructions than %s", g.Name, w.Name)
		}
	}
}

// TestLoadUntyped takes types and sizes away from the functions' symbols, as
// old compilers left them.
func TestLoadUntyped(t *testing.T) {
	want := load(t, readImage(t, "testdata/linked.o"), "linked.o")
	for name, spoil := range map[string]func(sym *Symbol){
		"no sizes":          func(sym *Symbol) { sym.Size = 0 },
		"no types":          func(sym *Symbol) { sym.Type = stdelf.STT_NOTYPE },
		"no types or sizes": func(sym *Symbol) { sym.Type, sym.Size = stdelf.STT_NOTYPE, 0 },
	} {
		img := readImage(t, "testdata/linked.o")
		for _, sym := range img.Symbols {
			if sym.Type == stdelf.STT_FUNC {
				spoil(sym)
			}
		}
		t.Run(name, func(t *testing.T) {
			got := load(t, img, "linked.o")
			sameInstructions(t, want, got)
			if diff := cmp.Diff(outline(want), outline(got)); diff != "" {
				t.Errorf("programs (-typed +untyped):\n%s", diff)
			}
		})
	}
}

// TestLoadWithoutSymbols takes all symbols of functions away: each section of
// programs becomes one program.
func TestLoadWithoutSymbols(t *testing.T) {
	img := readImage(t, "testdata/oldmaps.o")
	img.Symbols = slices.DeleteFunc(img.Symbols, func(sym *Symbol) bool { return sym.Type == stdelf.STT_FUNC })
	obj := load(t, img, "oldmaps.o")
	if len(obj.Programs) != 1 || obj.Programs[0].Name != "classifier" || obj.Programs[0].Type != linux.ProgSchedCLS {
		t.Errorf("programs are %v", outline(obj))
	}
}

// TestLoadAddends turns the relocations of the instructions into those that
// have addends of their own.
func TestLoadAddends(t *testing.T) {
	want := load(t, readImage(t, "testdata/linked.o"), "linked.o")
	img := readImage(t, "testdata/linked.o")
	for _, s := range img.Sections {
		if !s.IsExecutable() {
			continue
		}
		s.Rela = true
		for i := range s.Relocs {
			rel := &s.Relocs[i]
			in := bpf.DecodeOne(s.Data[rel.Offset:], img.ByteOrder)
			rel.Addend = int64(in.Imm)
			if in.Op == bpf.OpcodeCall {
				rel.Addend = (rel.Addend + 1) * bpf.InstructionSize
			}
			in.Imm = 0
			in.Put(s.Data[rel.Offset:], img.ByteOrder)
		}
	}
	sameInstructions(t, want, load(t, img, "linked.o"))
}

// program is an image with one section of instructions and one function over
// all of it.
func program(insns ...bpf.Instruction) *Image {
	xdp := &Section{
		Name: "xdp", Type: stdelf.SHT_PROGBITS, Flags: stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR, Align: 8,
		Data: bpf.Encode(insns, binary.LittleEndian),
	}
	main := &Symbol{Name: "main", Bind: stdelf.STB_GLOBAL, Type: stdelf.STT_FUNC, Section: xdp, Size: uint64(len(xdp.Data))}
	return &Image{ByteOrder: binary.LittleEndian, Sections: []*Section{xdp}, Symbols: []*Symbol{main}}
}

// TestLoadCallWithin calls a label within the function: the call stays, and the
// kernel will see two functions.
func TestLoadCallWithin(t *testing.T) {
	call, exit := bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: 1}, bpf.Instruction{Op: bpf.OpcodeExit}
	img := program(call, exit, bpf.Instruction{Op: 0xb7}, exit)
	img.Symbols = append(img.Symbols, &Symbol{Name: "part", Section: img.Sections[0], Value: 16})
	obj := load(t, img, "x.o")
	if diff := cmp.Diff([]string{`xdp main "xdp ": main@0+2 part@2+2`}, outline(obj)); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
	if got := obj.Programs[0].Instructions[0]; got != call {
		t.Errorf("the call became %v", got)
	}
}

// TestLoadBadReferences has one bad relocation or call each.
func TestLoadBadReferences(t *testing.T) {
	lddw := bpf.LoadImm64(bpf.R1, 0, 0)
	call := bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: -1}
	helper := bpf.Instruction{Op: bpf.OpcodeCall, Imm: 1}
	exit := bpf.Instruction{Op: bpf.OpcodeExit}
	data := &Section{Name: ".data", Type: stdelf.SHT_PROGBITS, Data: make([]byte, 8)}
	maps := &Section{Name: "maps", Type: stdelf.SHT_PROGBITS, Data: make([]byte, 40)}
	inData := func(at uint64) *Symbol { return &Symbol{Name: "v", Section: data, Value: at} }
	for _, c := range []struct {
		insns []bpf.Instruction
		rel   Relocation
		want  string
	}{
		{[]bpf.Instruction{{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: 7}, exit}, Relocation{}, "the instruction at xdp+0x0 leads outside of section xdp"},
		{[]bpf.Instruction{{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: -9}, exit}, Relocation{}, "leads outside of section xdp"},
		{[]bpf.Instruction{call, exit}, Relocation{Type: Reloc64_32, Symbol: inData(0)}, "section .data holds no functions"},
		{[]bpf.Instruction{helper, exit}, Relocation{Type: Reloc64_32, Symbol: inData(0)}, "the call is one of a helper"},
		{[]bpf.Instruction{exit}, Relocation{Type: Reloc64_64, Symbol: inData(0)}, `instruction "exit" does not take one of this type`},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Type: RelocABS64, Symbol: inData(0)}, "R_BPF_64_ABS64"},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Type: Reloc64_64, Symbol: inData(8)}, "offset 8 is outside of section .data (8 bytes)"},
		{[]bpf.Instruction{{Op: 0x18, Imm: -1}, {}, exit}, Relocation{Type: Reloc64_64, Symbol: inData(0)}, "offset -1 is outside of section .data"},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Type: Reloc64_64}, "to nothing (R_BPF_64_64 at xdp+0x0): it has no symbol"},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Type: Reloc64_64, Symbol: &Symbol{Name: "c", Special: stdelf.SHN_COMMON}}, "compile with -fno-common"},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Offset: 8, Type: Reloc64_64, Symbol: inData(0)}, "second half of a 64-bit immediate load"},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Offset: 3, Type: Reloc64_64, Symbol: inData(0)}, "between instructions"},
		{[]bpf.Instruction{exit, lddw[0]}, Relocation{Offset: 8, Type: Reloc64_64, Symbol: inData(0)}, "beyond the end of function"},
		{[]bpf.Instruction{lddw[0], lddw[1], exit}, Relocation{Type: Reloc64_64, Symbol: &Symbol{Name: "m", Section: maps, Value: 4}}, "no map begins at offset 4 of section maps"},
	} {
		img := program(c.insns...)
		img.Sections = append(img.Sections, data, maps)
		img.Symbols = append(img.Symbols, inData(0))
		if c.rel.Type != RelocNone {
			img.Sections[0].Relocs = []Relocation{c.rel}
		}
		obj, problems, err := Load(img, "x.o", Options{})
		if err != nil || len(obj.Programs) > 0 || !errors.Is(problems.Err(), ErrRelocation) || !strings.Contains(problems.Error(), c.want) {
			t.Errorf("%v %v: error %v, problems %v, want %q", c.insns, c.rel.Type, err, problems, c.want)
		}
	}
}

// TestLoadBadSymbols has functions that are not where instructions are, beside
// one that is.
func TestLoadBadSymbols(t *testing.T) {
	exit := bpf.Instruction{Op: bpf.OpcodeExit}
	for _, bad := range []Symbol{{Value: 3}, {Value: 64}, {Value: 8, Size: 16}, {Size: 5}, {Value: 1 << 62, Size: 1 << 62}} {
		img := program(exit, exit)
		bad.Name, bad.Type, bad.Bind, bad.Section = "bad", stdelf.STT_FUNC, stdelf.STB_GLOBAL, img.Sections[0]
		img.Symbols = append(img.Symbols, &bad)
		obj, problems, err := Load(img, "x.o", Options{})
		if err != nil || len(obj.Programs) != 1 || !errors.Is(problems.Err(), ErrSymbol) {
			t.Errorf("%+v: error %v, problems %v, programs %v", bad, err, problems, outline(obj))
		}
	}
}

// TestLoadBadTypes damages .BTF and .BTF.ext in turn: the programs stay.
func TestLoadBadTypes(t *testing.T) {
	for _, name := range []string{".BTF", ".BTF.ext"} {
		size := len(readImage(t, "testdata/linked.o").Section(name).Data)
		for at := 0; at < size; at += 7 {
			img := readImage(t, "testdata/linked.o")
			img.Section(name).Data[at] ^= 0xff
			obj, problems, err := Load(img, "linked.o", Options{})
			if err != nil || len(obj.Programs) == 0 {
				t.Errorf("%s, byte %d: error %v, problems %v", name, at, err, problems)
			}
		}
	}
}

// TestLoadWithoutTypes takes the type information away: what needs maps fails
// and says why.
func TestLoadWithoutTypes(t *testing.T) {
	img := readImage(t, "testdata/linked.o")
	img.Sections = slices.DeleteFunc(img.Sections, func(s *Section) bool { return strings.HasPrefix(s.Name, ".BTF") })
	obj, problems, err := Load(img, "linked.o", Options{})
	if err != nil || len(obj.Programs) != 3 || !strings.Contains(problems.Error(), "compile with -g") {
		t.Errorf("error %v, problems %v, programs %v", err, problems, outline(obj))
	}
}
