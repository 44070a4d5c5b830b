package elf

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
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

// handmade is an image as an assembler makes it, with the positions of its
// lines in handmade.s. Program count looks up a map of maps, calls bump, which
// adds to a variable, and passes the packet.
func handmade(t testing.TB, order binary.ByteOrder) *Image {
	t.Helper()
	u32 := &btf.Typedef{Name: "u32", Type: &btf.Int{Name: "unsigned int", Size: 4}}
	counter := &btf.Struct{Size: 16, Members: []btf.Member{
		{Name: "packets", Type: &btf.Int{Name: "unsigned long long", Size: 8}},
		{Name: "bytes", Type: &btf.Int{Name: "unsigned long long", Size: 8}, Offset: 64},
	}}
	maps := []*bpf.Map{
		{Name: "counts", Type: linux.MapHash, KeySize: 4, ValueSize: 16, MaxEntries: 64, Flags: linux.FNoPrealloc, Key: u32, Value: counter},
		{Name: "sizes", Type: linux.MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 3, Pinning: 0},
		{Name: "outer", Type: linux.MapHashOfMaps, KeySize: 8, MaxEntries: 2, Inner: &bpf.Map{
			Type: linux.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Key: u32, Value: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
		}},
		{Name: "events", Type: linux.MapRingbuf, MaxEntries: 4096},
		{Name: "bloom", Type: linux.MapBloomFilter, ValueSize: 4, MaxEntries: 8, Extra: 2},
	}

	img := &Image{ByteOrder: order}
	section := func(name string, flags stdelf.SectionFlag, align uint64, data []byte) *Section {
		s := &Section{Name: name, Type: stdelf.SHT_PROGBITS, Flags: flags, Align: align, Data: data}
		img.Sections = append(img.Sections, s)
		return s
	}
	symbol := func(name string, bind stdelf.SymBind, typ stdelf.SymType, s *Section, value, size uint64) *Symbol {
		sym := &Symbol{Name: name, Bind: bind, Type: typ, Section: s, Value: value, Size: size}
		img.Symbols = append(img.Symbols, sym)
		return sym
	}
	code := func(insns ...bpf.Instruction) []byte { return bpf.Encode(insns, order) }
	lddw := bpf.LoadImm64(bpf.R1, 0, 0)

	xdp := section("xdp", stdelf.SHF_ALLOC|stdelf.SHF_EXECINSTR, 8, code(
		bpf.Instruction{Op: 0x7a, Dst: bpf.R10, Off: -8}, // key = 0
		bpf.Instruction{Op: 0xbf, Dst: bpf.R2, Src: bpf.R10},
		bpf.Instruction{Op: 0x07, Dst: bpf.R2, Imm: -8},
		lddw[0], lddw[1], // r1 = outer
		bpf.Instruction{Op: bpf.OpcodeCall, Imm: 1},
		bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: -1}, // bump
		bpf.Instruction{Op: 0xb7, Imm: 2},
		bpf.Instruction{Op: bpf.OpcodeExit},
	))
	text := section(".text", stdelf.SHF_ALLOC|stdelf.SHF_EXECINSTR, 8, code(
		lddw[0], lddw[1], // r1 = total
		bpf.Instruction{Op: 0xb7, Dst: bpf.R0, Imm: 1},
		bpf.Instruction{Op: 0xdb, Dst: bpf.R1, Src: bpf.R0},
		bpf.Instruction{Op: bpf.OpcodeExit},
	))
	data := section(".data", stdelf.SHF_ALLOC|stdelf.SHF_WRITE, 8, make([]byte, 24))
	license := section("license", stdelf.SHF_ALLOC|stdelf.SHF_WRITE, 1, []byte("GPL\x00"))
	bss := &Section{Name: ".bss", Type: stdelf.SHT_NOBITS, Flags: stdelf.SHF_ALLOC | stdelf.SHF_WRITE, Align: 8, Size: 8}
	img.Sections = append(img.Sections, bss)
	defs := section(".maps", stdelf.SHF_ALLOC|stdelf.SHF_WRITE, 8, nil)

	count := symbol("count", stdelf.STB_GLOBAL, stdelf.STT_FUNC, xdp, 0, 72)
	bump := symbol("bump", stdelf.STB_LOCAL, stdelf.STT_FUNC, text, 0, 40)
	total := symbol("total", stdelf.STB_GLOBAL, stdelf.STT_OBJECT, data, 16, 8)
	zero := symbol("zero", stdelf.STB_LOCAL, stdelf.STT_OBJECT, bss, 0, 8)
	gpl := symbol("_license", stdelf.STB_GLOBAL, stdelf.STT_OBJECT, license, 0, 4)
	u64 := &btf.Int{Name: "unsigned long long", Size: 8}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	info := &TypeInfo{
		Vars: []VarInfo{
			{total, u64},
			{zero, &btf.Volatile{Type: u64}},
			{gpl, &btf.Array{Type: char, Index: &btf.Int{Name: "__ARRAY_SIZE_TYPE__", Size: 4}, Nelems: 4}},
		},
		Funcs: []FuncInfo{
			{bump, &btf.FuncProto{Return: &btf.Void{}}},
			{count, &btf.FuncProto{
				Return: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed},
				Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Struct{Name: "xdp_md", Size: 0}}}},
			}},
		},
	}
	for _, m := range maps {
		size := uint64(MapDefSize(m))
		sym := symbol(m.Name, stdelf.STB_GLOBAL, stdelf.STT_OBJECT, defs, uint64(len(defs.Data)), size)
		defs.Data = append(defs.Data, make([]byte, size)...)
		info.Maps = append(info.Maps, MapInfo{sym, m})
		if m.Name == "outer" {
			xdp.Relocs = append(xdp.Relocs, Relocation{Offset: 24, Type: Reloc64_64, Symbol: sym})
		}
	}
	xdp.Relocs = append(xdp.Relocs, Relocation{Offset: 48, Type: Reloc64_32, Symbol: img.SectionSymbol(text)})
	text.Relocs = []Relocation{{Offset: 0, Type: Reloc64_64, Symbol: total}}
	for slot := range 9 {
		info.Lines = append(info.Lines, LineInfo{xdp, uint64(slot * 8), bpf.Pos{File: "handmade.s", Line: slot + 1, Col: 9}, fmt.Sprintf("\txdp %d", slot)})
	}
	info.Lines = append(info.Lines, LineInfo{text, 16, bpf.Pos{File: "handmade.s", Line: 20, Col: 3}, "\ttext 2"})
	if err := img.AddTypeInfo(info); err != nil {
		t.Fatal(err)
	}
	return img
}

func write(t testing.TB, img *Image) []byte {
	t.Helper()
	file, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAddTypeInfo reads back, here and with cilium/ebpf, what was added.
func TestAddTypeInfo(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		t.Run(order.String(), func(t *testing.T) {
			file := write(t, handmade(t, order))
			if !bytes.Equal(file, write(t, handmade(t, order))) {
				t.Error("the same image gives different files")
			}
			img, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			obj, problems, err := Load(img, "handmade.o", Options{})
			if err != nil || len(problems) > 0 {
				t.Fatal(err, problems)
			}
			want, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
			if err != nil {
				t.Fatal(err)
			}
			comparePrograms(t, img, obj, problems, want)
			compareMaps(t, obj, want)
			checkHandmade(t, obj)
			if v := want.Variables["total"]; v == nil || v.Offset != 16 || v.Type.Linkage != btf.GlobalVar {
				t.Errorf("cilium/ebpf finds variable total as %v", v)
			}
		})
	}
}

func checkHandmade(t *testing.T, obj *bpf.Object) {
	t.Helper()
	var names []string
	for _, m := range obj.Maps {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{".data", ".bss", "counts", "sizes", "outer", "events", "bloom"}, names); diff != "" {
		t.Errorf("maps (-want +got):\n%s", diff)
	}
	counts := obj.Maps[slices.Index(names, "counts")]
	if key, ok := counts.Key.(*btf.Typedef); !ok || key.Name != "u32" {
		t.Errorf("key of counts is %v", counts.Key)
	}
	if bloom := obj.Maps[slices.Index(names, "bloom")]; bloom.Extra != 2 {
		t.Errorf("map_extra of bloom is %d", bloom.Extra)
	}
	p := obj.Programs[0]
	wantLines := []string{
		"0 handmade.s:1:9", "1 handmade.s:2:9", "2 handmade.s:3:9", "3 handmade.s:4:9",
		"5 handmade.s:6:9", "6 handmade.s:7:9", "7 handmade.s:8:9", "8 handmade.s:9:9",
		"9 handmade.s:20:3", "11 handmade.s:20:3",
	}
	var lines []string
	for _, l := range p.Lines {
		lines = append(lines, fmt.Sprint(l.PC, " ", l.Pos))
	}
	if diff := cmp.Diff(wantLines, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	var functions []string
	for _, f := range p.Functions {
		functions = append(functions, fmt.Sprint(f.Name, " ", f.Start, " ", f.Len, " ", f.Type.Linkage))
	}
	if diff := cmp.Diff([]string{"count 0 9 global", "bump 9 5 static"}, functions); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
	if l, _ := p.LineAt(4); l.Text != "\txdp 3" {
		t.Errorf("line of the second half of the load is %q", l.Text)
	}
}

// TestAddTypeInfoMergesTypes looks for types that stand there twice.
func TestAddTypeInfoMergesTypes(t *testing.T) {
	img := handmade(t, binary.LittleEndian)
	raw, err := parseBTF(img.Section(".BTF").Data, img.ByteOrder)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, offset := range raw.offsets {
		typ, _, _ := raw.typeAt(offset)
		name, _ := raw.string(typ.name)
		if typ.kind == kindInt || typ.kind == kindTypedef {
			seen[name]++
		}
	}
	for name, n := range seen {
		if n > 1 {
			t.Errorf("type %s stands there %d times", name, n)
		}
	}
}

func TestAddTypeInfoErrors(t *testing.T) {
	array := &bpf.Map{Type: linux.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	for name, c := range map[string]struct {
		change func(img *Image, info *TypeInfo)
		want   string
	}{
		"size":      {func(_ *Image, i *TypeInfo) { i.Maps[0].Symbol.Size = 8 }, `map "m": its symbol has 8 bytes, not the 32`},
		"section":   {func(img *Image, i *TypeInfo) { i.Maps[0].Symbol.Section = img.Sections[1] }, `map "m": 32 bytes at offset 0 run beyond`},
		"undefined": {func(_ *Image, i *TypeInfo) { i.Maps[0].Symbol.Section = nil }, "not defined"},
		"no symbol": {func(_ *Image, i *TypeInfo) { i.Maps[0].Symbol = nil }, "no symbol"},
		"no map":    {func(_ *Image, i *TypeInfo) { i.Maps[0].Map = nil }, "not described"},
		"name":      {func(_ *Image, i *TypeInfo) { i.Maps[0].Symbol.Name = "a-b" }, "its name is not one of letters"},
		"key":       {func(_ *Image, i *TypeInfo) { i.Maps[0].Map.Key = &btf.Int{Size: 8} }, "key of 4 bytes has a type of 8 bytes"},
		"nested": {func(_ *Image, i *TypeInfo) {
			i.Maps[0].Map = &bpf.Map{Type: linux.MapArrayOfMaps, KeySize: 4, MaxEntries: 1, Flags: 1, Inner: &bpf.Map{Inner: &bpf.Map{}}}
		}, "maps nest only once"},
		"variable":  {func(_ *Image, i *TypeInfo) { i.Vars[0].Type = nil }, `variable "v": has no type`},
		"too large": {func(_ *Image, i *TypeInfo) { i.Vars[0].Type = &btf.Int{Size: 8} }, "its type has 8 bytes, its symbol 4"},
		"nil type":  {func(_ *Image, i *TypeInfo) { i.Vars[0].Type = &btf.Struct{Size: 4, Members: []btf.Member{{Name: "x"}}} }, "add type information: "},
		"twice":     {func(_ *Image, i *TypeInfo) { i.Vars = append(i.Vars, i.Vars[0]) }, "lie upon the variable before it"},
		"function":  {func(_ *Image, i *TypeInfo) { i.Funcs = []FuncInfo{{Symbol: i.Vars[0].Symbol, Type: &btf.FuncProto{}}} }, "not in a section of instructions"},
		"line":      {func(img *Image, i *TypeInfo) { i.Lines = []LineInfo{{Section: img.Sections[1]}} }, "no functions"},
		"again":     {func(img *Image, _ *TypeInfo) { img.Sections = append(img.Sections, &Section{Name: ".BTF"}) }, "has a section .BTF already"},
	} {
		t.Run(name, func(t *testing.T) {
			m := *array
			defs := &Section{Name: ".maps", Type: stdelf.SHT_PROGBITS, Data: make([]byte, 32)}
			data := &Section{Name: ".data", Type: stdelf.SHT_PROGBITS, Data: make([]byte, 8)}
			img := &Image{ByteOrder: binary.LittleEndian, Sections: []*Section{defs, data}}
			info := &TypeInfo{
				Maps: []MapInfo{{&Symbol{Name: "m", Section: defs, Size: 32}, &m}},
				Vars: []VarInfo{{&Symbol{Name: "v", Section: data, Size: 4}, &btf.Int{Name: "int", Size: 4}}},
			}
			c.change(img, info)
			n := len(img.Sections)
			err := img.AddTypeInfo(info)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
			if len(img.Sections) != n {
				t.Error("the image was changed")
			}
		})
	}
}

// pinned is a folder of bpffs for the test to pin in.
func pinned(t *testing.T) string {
	t.Helper()
	require.Kernel(t)
	require.Tools(t, "bpftool")
	dir := filepath.Join("/sys/fs/bpf", "ebtools_elf_"+strings.NewReplacer("/", "_", ".", "_").Replace(t.Name()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func writeFile(t *testing.T, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKernelTakesHandmade loads a handmade image with bpftool and looks for its
// lines and types in what the kernel then knows.
func TestKernelTakesHandmade(t *testing.T) {
	dir := pinned(t)
	path := writeFile(t, "handmade.o", write(t, handmade(t, binary.LittleEndian)))
	run(t, "bpftool", "prog", "load", path, dir+"/count")
	dump := string(run(t, "bpftool", "prog", "dump", "xlated", "pinned", dir+"/count", "linum"))
	for _, want := range []string{
		"int count(struct xdp_md * ctx):",
		"; xdp 0 [file:handmade.s line_num:1 line_col:9]",
		"; xdp 6 [file:handmade.s line_num:7 line_col:9]",
		"void bump():",
		"; text 2 [file:handmade.s line_num:20 line_col:3]",
	} {
		if !strings.Contains(dump, want) {
			t.Errorf("bpftool prints no %q in\n%s", want, dump)
		}
	}
}

// TestBpftoolReadsTypes has bpftool print the types of an object, and link it
// with nothing else, which looks at every part of it.
func TestBpftoolReadsTypes(t *testing.T) {
	require.Tools(t, "bpftool")
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		path := writeFile(t, "handmade.o", write(t, handmade(t, order)))
		dump := string(run(t, "bpftool", "btf", "dump", "file", path))
		for _, want := range []string{
			"VAR 'counts' type_id=", "DATASEC '.maps' size=144 vlen=5", "DATASEC '.data' size=24 vlen=1", "linkage=static",
		} {
			if !strings.Contains(dump, want) {
				t.Errorf("bpftool prints no %q in\n%s", want, dump)
			}
		}
		if order == binary.LittleEndian {
			run(t, "bpftool", "gen", "object", path+".linked", path)
		}
	}
}

// TestIproute2TakesHandmade attaches a handmade image to the loopback device of
// a network namespace of its own.
func TestIproute2TakesHandmade(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "ip", "unshare")
	path := writeFile(t, "handmade.o", write(t, handmade(t, binary.LittleEndian)))
	out := run(t, "unshare", "-n", "sh", "-c", `ip link set dev lo xdpgeneric obj "$1" sec xdp && ip -d link show dev lo`, "sh", path)
	if !bytes.Contains(out, []byte("prog/xdp id")) {
		t.Errorf("no program on the device:\n%s", out)
	}
}

// TestKernelTakesWritten loads objects of clang that went through Read and
// Write.
func TestKernelTakesWritten(t *testing.T) {
	for _, name := range []string{"linked.o", "maps.o"} {
		t.Run(name, func(t *testing.T) {
			dir := pinned(t)
			img, err := Read(readFile(t, filepath.Join("testdata", name)))
			if err != nil {
				t.Fatal(err)
			}
			path := writeFile(t, name, write(t, img))
			load := func() {
				out, err := combined("bpftool", "prog", "loadall", path, dir)
				t.Cleanup(func() { os.Remove("/sys/fs/bpf/sizes") })
				if err != nil {
					t.Fatalf("bpftool: %v\n%s", err, out)
				}
			}
			load()
			entries, err := os.ReadDir(dir)
			if err != nil || len(entries) == 0 {
				t.Errorf("no programs were pinned: %v", err)
			}
		})
	}
}
