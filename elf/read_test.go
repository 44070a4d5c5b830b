package elf

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
)

// TestReadOtherFiles gives Read what is not a BPF object.
func TestReadOtherFiles(t *testing.T) {
	header := func(change func(b []byte)) string {
		b := readFile(t, "testdata/linked.o")[:fileHeaderSize]
		change(b)
		return string(b)
	}
	machine := func(m stdelf.Machine) string {
		return header(func(b []byte) { binary.LittleEndian.PutUint16(b[18:], uint16(m)) })
	}
	for _, c := range []struct{ file, want string }{
		{"", "the file is empty"},
		{"\x7fELF", "ELF header cut short: 4 bytes of 64"},
		{"BC\xc0\xde\x35", "this is LLVM bitcode"},
		{"!<arch>\nx.o/", "this is an archive"},
		{"int main(void)\n{\n", "this is text"},
		{"// Zähler\n", "this is text"},
		{"\x1f\x8b\x08", "this is a gzip file"},
		{"\xd4\xc3\xb2\xa1\x02", "this is a packet capture"},
		{"\x9f\xeb\x01\x00", "this is BTF on its own"},
		{"\x00\x01\x02\x03\x04", "it starts with 00 01 02 03, not with 7f 45 4c 46 (ELF)"},
		{"\xff", "it starts with ff, not"},
		{machine(stdelf.EM_X86_64), "this is an object for x86-64: compile with clang -target bpf"},
		{machine(stdelf.EM_AARCH64), "this is an object for arm64"},
		{machine(stdelf.EM_SPARCV9), "this is an object for SPARCV9"},
		{header(func(b []byte) { b[stdelf.EI_CLASS] = 1 }), "this is a 32-bit ELF file"},
		{header(func(b []byte) { b[stdelf.EI_CLASS] = 9 }), "ELF class 9"},
		{header(func(b []byte) { b[stdelf.EI_DATA] = 3 }), "ELF data encoding 3"},
		{header(func(b []byte) { b[stdelf.EI_VERSION] = 2 }), "ELF version 2"},
		{header(func(b []byte) { b[16] = 2 }), "this ELF file is linked (ET_EXEC)"},
		{header(func(b []byte) { b[16] = 4 }), "ELF file type ET_CORE"},
		{header(func(b []byte) { b[24] = 1 }), "neither an entry point nor program headers"},
		{header(func(b []byte) { clear(b[40:48]) }), "no section headers"},
		{header(func(b []byte) { clear(b[60:62]) }), "no sections, or more than the 65279"},
		{header(func(b []byte) { b[58] = 40 }), "section headers of 40 bytes"},
		{header(func([]byte) {}), "run beyond the end of the file (64 bytes): was it cut short?"},
	} {
		_, err := Read([]byte(c.file))
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrFormat) {
			t.Errorf("%.10q: error is %v, want %q", c.file, err, c.want)
		}
	}
}

// small is an image with one of everything that Write numbers.
func small() *Image {
	text := &Section{Name: ".text", Type: stdelf.SHT_PROGBITS, Flags: stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR | stdelf.SHF_GROUP, Align: 8, Data: make([]byte, 16)}
	data := &Section{Name: ".data", Type: stdelf.SHT_PROGBITS, Flags: stdelf.SHF_ALLOC, Align: 128, Data: []byte{1, 2, 3}}
	bss := &Section{Name: ".bss", Type: stdelf.SHT_NOBITS, Flags: stdelf.SHF_ALLOC, Align: 1 << 40, Size: 1 << 50}
	f := &Symbol{Name: "f", Bind: stdelf.STB_GLOBAL, Type: stdelf.STT_FUNC, Section: text, Size: 16, Visibility: stdelf.STV_HIDDEN, Other: 0x60}
	extern := &Symbol{Name: "elsewhere", Bind: stdelf.STB_WEAK, Special: stdelf.SHN_UNDEF}
	file := &Symbol{Name: "small.c", Type: stdelf.STT_FILE, Special: stdelf.SHN_ABS}
	text.Relocs = []Relocation{{Offset: 0, Type: Reloc64_64, Symbol: extern}, {Offset: 8, Type: 77, Symbol: f}}
	data.Relocs = []Relocation{{Offset: 1 << 60, Type: RelocABS64, Symbol: file, Addend: -5}, {Type: RelocNone}}
	data.Rela = true
	group := &Section{Name: ".group", Type: stdelf.SHT_GROUP, Align: 4, Entry: 4, Data: []byte{1, 0, 0, 0}, LinkSymbols: true, Members: []*Section{text}, Symbols: []*Symbol{f}}
	addrsig := &Section{Name: ".llvm_addrsig", Type: typeAddrsig, Flags: 1 << 31, Align: 1, LinkSymbols: true, Symbols: []*Symbol{f, nil}}
	order := &Section{Name: "__patchable", Type: stdelf.SHT_PROGBITS, Flags: stdelf.SHF_LINK_ORDER, Link: text, Info: 3, Addr: 64, Entry: 8}
	return &Image{
		ByteOrder: binary.LittleEndian, OSABI: stdelf.ELFOSABI_LINUX, ABIVersion: 2, Flags: 0x1234,
		Sections: []*Section{group, text, data, bss, addrsig, order, {Name: ".data", Type: stdelf.SHT_PROGBITS, Align: 1}},
		Symbols:  []*Symbol{file, f, extern},
	}
}

// TestSmallGivesBack writes and reads what no compiler's object has together.
func TestSmallGivesBack(t *testing.T) {
	before := small()
	before.Sections[1].Data = append(before.Sections[1].Data[:0:0], before.Sections[1].Data...)
	after, err := Read(write(t, before))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(before, after) {
		t.Errorf("read %+v, wrote %+v", after, before)
	}
}

// TestWriteErrors spoils the image above.
func TestWriteErrors(t *testing.T) {
	for _, c := range []struct {
		spoil func(img *Image)
		want  string
	}{
		{func(img *Image) { img.ByteOrder = nil }, "byte order is not set"},
		{func(img *Image) { img.Sections[0] = nil }, "section 0 is nil"},
		{func(img *Image) { img.Symbols[1] = nil }, "symbol 1 is nil"},
		{func(img *Image) { img.Sections[1] = img.Sections[2] }, `section ".data" is in it twice`},
		{func(img *Image) { img.Symbols[1] = img.Symbols[2] }, `symbol "elsewhere" is in it twice`},
		{func(img *Image) { img.Symbols[1].Section = &Section{Name: "lost"} }, `defined in section "lost", which is not in the image`},
		{func(img *Image) { img.Symbols[2].Special = 7 }, `symbol "elsewhere" has section index 7`},
		{func(img *Image) { img.Symbols[1].Name = "f\x00g" }, "holds a zero byte"},
		{func(img *Image) { img.Symbols = img.Symbols[:2] }, `relocation at offset 0 refers to symbol "elsewhere", which is not in the image`},
		{func(img *Image) { img.Sections[1].Align = 3 }, "alignment 3 is not a power of two"},
		{func(img *Image) { img.Sections[3].Data = []byte{1} }, "a section of type SHT_NOBITS has no data"},
		{func(img *Image) { img.Sections[2].Rela = false }, "has an addend, but"},
		{func(img *Image) { img.Sections[5].Link = &Section{Name: "lost"} }, `linked to section "lost"`},
		{func(img *Image) { img.Sections[5].LinkSymbols = true }, "linked both"},
		{func(img *Image) { img.Sections[5].Symbols = img.Symbols }, "neither members nor symbols"},
		{func(img *Image) { img.Sections[0].Members[0] = &Section{} }, "a member of the group is not in the image"},
		{func(img *Image) { img.Sections[0].Symbols = nil }, "a group has one signature"},
		{func(img *Image) { img.Sections[4].Data = []byte{1} }, "no data of its own"},
		{func(img *Image) { img.Sections = append(img.Sections, make([]*Section, 0x10000)...) }, "section 7 is nil"},
		{func(img *Image) {
			for range 0x10000 {
				img.Sections = append(img.Sections, &Section{Type: stdelf.SHT_PROGBITS})
			}
		}, "more sections than the 65279"},
	} {
		img := small()
		c.spoil(img)
		_, err := img.Write()
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrImage) {
			t.Errorf("error is %v, want %q", err, c.want)
		}
	}
}

// fileOf is a written image with its headers at hand, to be damaged.
type fileOf struct {
	b     []byte
	order binary.ByteOrder
}

func (f fileOf) header(i int) []byte {
	return f.b[f.order.Uint64(f.b[40:])+uint64(i)*sectionHeaderSize:]
}

// find returns the index of the first section of the type.
func (f fileOf) find(typ stdelf.SectionType) int {
	for i := range int(f.order.Uint16(f.b[60:])) {
		if f.order.Uint32(f.header(i)[4:]) == uint32(typ) {
			return i
		}
	}
	return -1
}

func (f fileOf) content(i int) []byte { return f.b[f.order.Uint64(f.header(i)[24:]):] }

// TestReadDamaged damages one thing at a time of what small writes: a group, a
// text with its relocations, data with its relocations, and so on.
func TestReadDamaged(t *testing.T) {
	le := binary.LittleEndian
	const group, text, relText, data, relaData, bss, addrsig, order = 1, 2, 3, 4, 5, 6, 7, 8
	for _, c := range []struct {
		damage func(f fileOf)
		want   string
	}{
		{func(f fileOf) { le.PutUint16(f.b[62:], 200) }, "section 200, which should hold the sections' names"},
		{func(f fileOf) { le.PutUint16(f.b[62:], text) }, "has type SHT_PROGBITS"},
		{func(f fileOf) { f.header(0)[4] = 1 }, "section 0 has type SHT_PROGBITS"},
		{func(f fileOf) { le.PutUint64(f.header(text)[48:], 24) }, "section 2: alignment 24"},
		{func(f fileOf) { le.PutUint64(f.header(text)[32:], 1<<63) }, "section 2: 9223372036854775808 bytes at offset"},
		{func(f fileOf) { le.PutUint64(f.header(text)[24:], 1<<63) }, "run beyond the end of the file"},
		{func(f fileOf) { le.PutUint64(f.header(text)[24:], 8) }, "section 2 lies upon the file's headers"},
		{func(f fileOf) { copy(f.header(text)[24:40], f.header(data)[24:40]) }, "sections 2 and 4 overlap"},
		{func(f fileOf) { le.PutUint32(f.header(text), 1<<31) }, "section 2: name at offset"},
		{func(f fileOf) { le.PutUint32(f.header(text)[4:], uint32(stdelf.SHT_DYNSYM)) }, "type SHT_DYNSYM has no place"},
		{func(f fileOf) { le.PutUint32(f.header(text)[4:], uint32(stdelf.SHT_SYMTAB)) }, "section 2: a symbol table of 16 bytes with entries of 0"},
		{func(f fileOf) { f.header(data)[8] |= byte(stdelf.SHF_INFO_LINK) }, "only sections of relocations"},
		{func(f fileOf) { le.PutUint32(f.header(order)[40:], 99) }, "section 8 (__patchable): linked to section 99"},
		{func(f fileOf) { le.PutUint32(f.header(order)[40:], relText) }, "linked to section 3, a table of the file itself"},
		{func(f fileOf) { f.header(f.find(stdelf.SHT_SYMTAB))[56] = 16 }, "a symbol table of 96 bytes with entries of 16"},
		{func(f fileOf) { le.PutUint32(f.header(f.find(stdelf.SHT_SYMTAB))[40:], 99) }, "the symbols' names should be in section 99"},
		{func(f fileOf) { le.PutUint32(f.content(f.find(stdelf.SHT_SYMTAB))[24:], 1<<20) }, "symbol 1: name at offset 1048576"},
		{func(f fileOf) { le.PutUint16(f.content(f.find(stdelf.SHT_SYMTAB))[24*2+6:], 50) }, "symbol 2: f: section 50 is not one of"},
		{func(f fileOf) { le.PutUint16(f.content(f.find(stdelf.SHT_SYMTAB))[24*2+6:], relText) }, "section 3 is a table of the file itself"},
		{func(f fileOf) { le.PutUint16(f.content(f.find(stdelf.SHT_SYMTAB))[24*2+6:], 0xffff) }, "extended index"},
		{func(f fileOf) { f.header(relText)[56] = 12 }, "section 3: relocations of 12 bytes, in 32 bytes"},
		{func(f fileOf) { f.header(relText)[40] = text }, "relocations against section 2, which is not the symbol table"},
		{func(f fileOf) { f.header(relText)[44] = 0 }, "relocations for section 0, which has nothing to relocate"},
		{func(f fileOf) { f.header(relText)[44] = 200 }, "relocations for section 200"},
		{func(f fileOf) { f.header(relText)[44] = data }, "section .data has relocations both with and without addends"},
		{func(f fileOf) { le.PutUint32(f.content(relText)[12:], 9) }, "relocation against symbol 9 of 4"},
		{func(f fileOf) { f.header(group)[32] = 6 }, "section 1 (.group): not a group: 6 bytes"},
		{func(f fileOf) { f.header(group)[44] = 9 }, "signature is symbol 9 of 4"},
		{func(f fileOf) { f.content(group)[4] = 99 }, "member section 99"},
		{func(f fileOf) { f.content(group)[4] = byte(f.find(stdelf.SHT_SYMTAB)) }, "is a table of the file itself"},
		{func(f fileOf) { f.content(addrsig)[0] = 0x80 }, ""},
		{func(f fileOf) { f.content(addrsig)[1] = 0x80 }, "not a list of symbols: byte 1"},
		{func(f fileOf) { f.content(addrsig)[1] = 0x7f }, "not a list of symbols: byte 1"},
	} {
		f := fileOf{write(t, small()), le}
		c.damage(f)
		_, err := Read(f.b)
		switch {
		case c.want == "" && err != nil:
			t.Error(err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, ErrFormat)):
			t.Errorf("error is %v, want %q", err, c.want)
		}
	}
}

// TestReadCutShort cuts an object at many places: all are errors, or leave
// something out that the section headers, which come last, tell of.
func TestReadCutShort(t *testing.T) {
	file := readFile(t, "testdata/linked.o")
	for n := 0; n < len(file); n += 41 {
		if _, err := Read(file[:n]); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes of %d: error is %v", n, len(file), err)
		}
	}
}

func TestReadKeepsNothing(t *testing.T) {
	file := readFile(t, "testdata/linked.o")
	img, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	before := write(t, img)
	clear(file)
	if !bytes.Equal(before, write(t, img)) {
		t.Error("the image changed with the file's bytes")
	}
}

func TestReadOldMachine(t *testing.T) {
	file := readFile(t, "testdata/linked.o")
	clear(file[18:20]) // EM_NONE
	img, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if m := binary.LittleEndian.Uint16(write(t, img)[18:]); m != uint16(stdelf.EM_BPF) {
		t.Errorf("machine %d was written", m)
	}
}
