package elf

import (
	"bytes"
	"cmp"
	stdelf "debug/elf"
	"encoding/binary"
	"slices"
)

// Read takes an object file apart. It accepts ELF64 relocatable objects of
// either byte order for machine EM_BPF, and for EM_NONE, which compilers wrote
// before there was EM_BPF; Write makes EM_BPF of both. Nothing of b is kept.
//
// Everything in the file is in the Image, or else Read refuses the file with an
// error that is ErrFormat: Write gives back what Read took, apart from how the
// tables of the file are laid out, which includes the names of the sections that
// hold relocations.
//
// Only what an Image could not hold is refused: names, sizes, offsets within
// sections and the contents of sections may make no sense. What Read allocates
// is in proportion to len(b).
func Read(b []byte) (*Image, error) {
	r := reader{b: bytes.Clone(b), img: &Image{}}
	for _, step := range []func() error{
		r.fileHeader, r.sectionHeaders, r.bounds, r.tables,
		r.sections, r.symbols, r.links, r.relocations,
	} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.img, nil
}

// reader is an object file being taken apart.
type reader struct {
	b     []byte
	order binary.ByteOrder
	img   *Image

	headers  []sectionHeader
	headerAt uint64 // offset of the section headers
	names    *stringTable
	namesAt  int // section that holds the sections' names
	symtab   int // section that holds the symbols, 0 for none
	strtab   int // section that holds the symbols' names
	symNames *stringTable

	sectionAt []*Section // by index in the file; nil for tables that Write makes
	symbolAt  []*Symbol  // by index in the file; the null symbol is nil
}

// fileHeader checks the ELF header and finds the section headers.
func (r *reader) fileHeader() error {
	b := r.b
	if !bytes.HasPrefix(b, []byte(stdelf.ELFMAG)) {
		return notELF(b)
	}
	if len(b) < fileHeaderSize {
		return malformed("ELF header cut short: %d bytes of %d", len(b), fileHeaderSize)
	}
	switch class := stdelf.Class(b[stdelf.EI_CLASS]); class {
	case stdelf.ELFCLASS64:
	case stdelf.ELFCLASS32:
		return malformed("this is a 32-bit ELF file; BPF objects are 64-bit: " + compileForBPF)
	default:
		return malformed("ELF class %d is neither 32-bit nor 64-bit", class)
	}
	switch data := stdelf.Data(b[stdelf.EI_DATA]); data {
	case stdelf.ELFDATA2LSB:
		r.order = binary.LittleEndian
	case stdelf.ELFDATA2MSB:
		r.order = binary.BigEndian
	default:
		return malformed("ELF data encoding %d is neither little- nor big-endian", data)
	}
	order := r.order
	machine := stdelf.Machine(order.Uint16(b[18:]))
	if machine != stdelf.EM_BPF && machine != stdelf.EM_NONE {
		return malformed("this is an object for %s: %s", machineName(machine), compileForBPF)
	}
	switch typ := stdelf.Type(order.Uint16(b[16:])); typ {
	case stdelf.ET_REL:
	case stdelf.ET_EXEC, stdelf.ET_DYN:
		return malformed("this ELF file is linked (%s); BPF programs are loaded from relocatable objects (ET_REL)", typ)
	default:
		return malformed("ELF file type %s is not that of a relocatable object (ET_REL)", typ)
	}
	if version := stdelf.Version(b[stdelf.EI_VERSION]); version != stdelf.EV_CURRENT {
		return malformed("ELF version %d is not 1", version)
	}
	if order.Uint64(b[24:]) != 0 || order.Uint16(b[56:]) != 0 {
		return malformed("a relocatable object has neither an entry point nor program headers; this one does")
	}

	count, size := int(order.Uint16(b[60:])), order.Uint16(b[58:])
	r.headerAt, r.namesAt = order.Uint64(b[40:]), int(order.Uint16(b[62:]))
	switch {
	case r.headerAt == 0:
		return malformed("the file has no section headers")
	case count == 0 || r.namesAt == int(stdelf.SHN_XINDEX):
		return malformed("the file has no sections, or more than the %d a file header can count", int(stdelf.SHN_LORESERVE)-1)
	case size != sectionHeaderSize:
		return malformed("section headers of %d bytes; those of ELF64 have %d", size, sectionHeaderSize)
	case !fits(r.headerAt, uint64(count)*sectionHeaderSize, len(b)):
		return malformed("%d section headers at offset %d run beyond the end of the file (%d bytes): was it cut short?", count, r.headerAt, len(b))
	case r.namesAt == 0 || r.namesAt >= count:
		return malformed("section %d, which should hold the sections' names, is not one of %d", r.namesAt, count)
	}
	r.headers = make([]sectionHeader, count)
	r.img.ByteOrder = order
	r.img.OSABI = stdelf.OSABI(b[stdelf.EI_OSABI])
	r.img.ABIVersion = b[stdelf.EI_ABIVERSION]
	r.img.Flags = order.Uint32(b[48:])
	return nil
}

// fits reports whether size bytes at offset lie within n bytes.
func fits(offset, size uint64, n int) bool {
	return offset <= uint64(n) && size <= uint64(n)-offset
}

func (r *reader) sectionHeaders() error {
	for i := range r.headers {
		b := r.b[r.headerAt+uint64(i)*sectionHeaderSize:]
		r.headers[i] = sectionHeader{
			name:      r.order.Uint32(b),
			typ:       stdelf.SectionType(r.order.Uint32(b[4:])),
			flags:     stdelf.SectionFlag(r.order.Uint64(b[8:])),
			addr:      r.order.Uint64(b[16:]),
			offset:    r.order.Uint64(b[24:]),
			size:      r.order.Uint64(b[32:]),
			link:      r.order.Uint32(b[40:]),
			info:      r.order.Uint32(b[44:]),
			align:     r.order.Uint64(b[48:]),
			entrySize: r.order.Uint64(b[56:]),
		}
	}
	if typ := r.headers[0].typ; typ != stdelf.SHT_NULL {
		return malformed("section 0 has type %s, not SHT_NULL", typ)
	}
	return nil
}

// bounds checks that all sections lie within the file and none upon another.
func (r *reader) bounds() error {
	type stretch struct {
		start, end uint64
		section    int // -1 and -2 for the headers
	}
	used := []stretch{
		{0, fileHeaderSize, -1},
		{r.headerAt, r.headerAt + uint64(len(r.headers))*sectionHeaderSize, -2},
	}
	for i := range r.headers {
		h := &r.headers[i]
		if h.align&(h.align-1) != 0 {
			return malformed("section %d: alignment %d is not a power of two", i, h.align)
		}
		if !h.inFile() || h.size == 0 {
			continue
		}
		if !fits(h.offset, h.size, len(r.b)) {
			return malformed("section %d: %d bytes at offset %d run beyond the end of the file (%d bytes): was it cut short?", i, h.size, h.offset, len(r.b))
		}
		used = append(used, stretch{h.offset, h.offset + h.size, i})
	}
	slices.SortStableFunc(used, func(a, b stretch) int { return cmp.Compare(a.start, b.start) })
	for i, s := range used[1:] {
		if before := used[i]; s.start < before.end {
			switch {
			case s.section < 0 || before.section < 0:
				return malformed("section %d lies upon the file's headers", max(s.section, before.section))
			default:
				return malformed("sections %d and %d overlap", before.section, s.section)
			}
		}
	}
	return nil
}

// content returns the bytes of section i.
func (r *reader) content(i int) []byte {
	h := &r.headers[i]
	if !h.inFile() || h.size == 0 {
		return nil
	}
	return r.b[h.offset : h.offset+h.size : h.offset+h.size]
}

// tables finds the symbol table and the two string tables.
func (r *reader) tables() error {
	strings := func(i int, what string) (*stringTable, error) {
		if typ := r.headers[i].typ; typ != stdelf.SHT_STRTAB {
			return nil, malformed("section %d, which should hold the %s, has type %s", i, what, typ)
		}
		return newStringTable(r.content(i)), nil
	}
	var err error
	if r.names, err = strings(r.namesAt, "names of sections"); err != nil {
		return err
	}
	for i := range r.headers {
		h := &r.headers[i]
		if h.typ != stdelf.SHT_SYMTAB {
			continue
		}
		switch {
		case r.symtab != 0:
			return malformed("sections %d and %d are both symbol tables; an object has one", r.symtab, i)
		case h.entrySize != symbolSize || h.size%symbolSize != 0:
			return malformed("section %d: a symbol table of %d bytes with entries of %d; symbols have %d", i, h.size, h.entrySize, symbolSize)
		case uint64(h.link) >= uint64(len(r.headers)):
			return malformed("section %d: the symbols' names should be in section %d of %d", i, h.link, len(r.headers))
		}
		r.symtab, r.strtab = i, int(h.link)
		if r.strtab == r.namesAt {
			r.symNames = r.names
		} else if r.symNames, err = strings(r.strtab, "names of symbols"); err != nil {
			return err
		}
	}
	return nil
}

// isTable reports whether section i is one that Write makes anew.
func (r *reader) isTable(i int) bool {
	switch r.headers[i].typ {
	case stdelf.SHT_SYMTAB, stdelf.SHT_REL, stdelf.SHT_RELA:
		return true
	}
	return i == 0 || i == r.namesAt || i == r.strtab
}

// refusedTypes are the types of section whose contents are indexes into the
// tables of a linked file, or of one too large for us.
var refusedTypes = []stdelf.SectionType{
	stdelf.SHT_HASH, stdelf.SHT_DYNAMIC, stdelf.SHT_DYNSYM, stdelf.SHT_SYMTAB_SHNDX,
	stdelf.SHT_GNU_HASH, stdelf.SHT_GNU_VERDEF, stdelf.SHT_GNU_VERNEED, stdelf.SHT_GNU_VERSYM,
}

// sections makes a Section of everything but the tables.
func (r *reader) sections() error {
	r.sectionAt = make([]*Section, len(r.headers))
	for i := range r.headers {
		h := &r.headers[i]
		if r.isTable(i) {
			continue
		}
		name, err := r.names.at(h.name)
		if err != nil {
			return malformed("section %d: %v", i, err)
		}
		if slices.Contains(refusedTypes, h.typ) {
			return malformed("section %d (%s): type %s has no place in a BPF object", i, shorten(name), h.typ)
		}
		s := &Section{
			Name: name, Type: h.typ, Flags: h.flags, Addr: h.addr, Data: r.content(i),
			Align: h.align, Entry: h.entrySize, Info: h.info,
		}
		if !h.inFile() {
			s.Size = h.size
		}
		if h.flags&stdelf.SHF_INFO_LINK != 0 {
			return malformed("section %d (%s): only sections of relocations say which section they are about", i, shorten(name))
		}
		r.sectionAt[i] = s
		r.img.Sections = append(r.img.Sections, s)
	}
	return nil
}
