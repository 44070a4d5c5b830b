package elf

import (
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"ebtools/bpf"
)

// ErrImage is what every error of Write is: the image says something that no
// file can, or contradicts itself.
var ErrImage = errors.New("image can't be written")

// Write makes the object file: ELF64, ET_REL, EM_BPF. The same image always
// gives the same bytes. Local symbols are put before the others, as ELF wants
// them, otherwise everything is in the image's order; the relocations of a
// section stand in a section called .rel or .rela and its name. Every symbol
// that something refers to must be among img.Symbols.
func (img *Image) Write() ([]byte, error) {
	w := writer{img: img}
	for _, step := range []func() error{w.number, w.tables} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrImage, err)
		}
	}
	w.layout()
	return w.file(), nil
}

// writer is an object file being put together.
type writer struct {
	img   *Image
	order byteOrder

	symbols       []*Symbol // in the order of the file, without the null symbol
	locals        int       // how many of them are local
	symbolIndex   map[*Symbol]uint32
	sectionIndex  map[*Section]uint32
	relocsOf      map[*Section]uint32 // index of the section of relocations
	symtab        uint32
	headers       []sectionHeader
	contents      [][]byte // by section index
	names         stringsBuilder
	headersOffset uint64
}

// stringsBuilder makes a string table; equal strings are stored once.
type stringsBuilder struct {
	b  []byte
	at map[string]uint32
}

func (t *stringsBuilder) add(s string) (uint32, error) {
	if s == "" {
		return 0, nil
	}
	if at, ok := t.at[s]; ok {
		return at, nil
	}
	if strings.Contains(s, "\x00") {
		return 0, fmt.Errorf("name %q holds a zero byte", shorten(s))
	}
	if t.at == nil {
		t.at, t.b = map[string]uint32{}, []byte{0}
	}
	if uint64(len(t.b))+uint64(len(s)) >= math.MaxUint32 {
		return 0, errors.New("names of more than 4 GiB")
	}
	at := uint32(len(t.b))
	t.at[s] = at
	t.b = append(append(t.b, s...), 0)
	return at, nil
}

// number gives every section and symbol its index.
func (w *writer) number() error {
	if w.img.ByteOrder == nil {
		return errors.New("its byte order is not set")
	}
	w.order = appending(w.img.ByteOrder)
	w.sectionIndex = make(map[*Section]uint32, len(w.img.Sections))
	w.relocsOf = map[*Section]uint32{}
	next := uint32(1) // 0 is the null section
	for i, s := range w.img.Sections {
		if s == nil {
			return fmt.Errorf("section %d is nil", i)
		}
		if _, ok := w.sectionIndex[s]; ok {
			return fmt.Errorf("section %q is in it twice", shorten(s.Name))
		}
		w.sectionIndex[s] = next
		next++
		if len(s.Relocs) > 0 {
			w.relocsOf[s] = next
			next++
		}
		if next > uint32(stdelf.SHN_LORESERVE)-2 {
			return fmt.Errorf("more sections than the %d a file header can count", int(stdelf.SHN_LORESERVE)-1)
		}
	}
	w.symtab = next

	w.symbolIndex = make(map[*Symbol]uint32, len(w.img.Symbols))
	for i, sym := range w.img.Symbols {
		if sym == nil {
			return fmt.Errorf("symbol %d is nil", i)
		}
		if sym.Section != nil && w.sectionIndex[sym.Section] == 0 {
			return fmt.Errorf("symbol %q is defined in section %q, which is not in the image", shorten(sym.Name), shorten(sym.Section.Name))
		}
		if sym.Section == nil && sym.Special > 0 && sym.Special < stdelf.SHN_LORESERVE || sym.Special >= stdelf.SHN_XINDEX {
			return fmt.Errorf("symbol %q has section index %d, which is not a special one", shorten(sym.Name), int(sym.Special))
		}
		if sym.Bind == stdelf.STB_LOCAL {
			w.symbols = append(w.symbols, sym)
		}
	}
	w.locals = len(w.symbols)
	for _, sym := range w.img.Symbols {
		if sym.Bind != stdelf.STB_LOCAL {
			w.symbols = append(w.symbols, sym)
		}
	}
	for i, sym := range w.symbols {
		if w.symbolIndex[sym] != 0 {
			return fmt.Errorf("symbol %q is in it twice", shorten(sym.Name))
		}
		w.symbolIndex[sym] = uint32(i) + 1
	}
	return nil
}

// symbol returns the index of a symbol that where refers to; 0 for nil.
func (w *writer) symbol(sym *Symbol, where string) (uint32, error) {
	if sym == nil {
		return 0, nil
	}
	index := w.symbolIndex[sym]
	if index == 0 {
		return 0, fmt.Errorf("%s refers to symbol %q, which is not in the image", shorten(where), shorten(sym.Name))
	}
	return index, nil
}

// tables makes the headers and contents of all sections.
func (w *writer) tables() error {
	w.add(sectionHeader{}, nil)
	for _, s := range w.img.Sections {
		h, data, err := w.section(s)
		if err != nil {
			return fmt.Errorf("section %q: %w", shorten(s.Name), err)
		}
		w.add(h, data)
		if len(s.Relocs) == 0 {
			continue
		}
		if h, data, err = w.relocations(s); err != nil {
			return fmt.Errorf("section %q: %w", shorten(s.Name), err)
		}
		w.add(h, data)
	}

	table := make([]byte, symbolSize, (len(w.symbols)+1)*symbolSize)
	for _, sym := range w.symbols {
		name, err := w.names.add(sym.Name)
		if err != nil {
			return err
		}
		section := uint16(sym.Special)
		if sym.Section != nil {
			section = uint16(w.sectionIndex[sym.Section])
		}
		table = w.order.AppendUint32(table, name)
		table = append(table, stdelf.ST_INFO(sym.Bind, sym.Type), sym.Other&^3|uint8(sym.Visibility)&3)
		table = w.order.AppendUint16(table, section)
		table = w.order.AppendUint64(table, sym.Value)
		table = w.order.AppendUint64(table, sym.Size)
	}
	symName, err := w.names.add(".symtab")
	if err != nil {
		return err
	}
	strName, err := w.names.add(".strtab")
	if err != nil {
		return err
	}
	w.add(sectionHeader{
		name: symName, typ: stdelf.SHT_SYMTAB, link: w.symtab + 1, info: uint32(w.locals) + 1,
		align: 8, entrySize: symbolSize,
	}, table)
	w.add(sectionHeader{name: strName, typ: stdelf.SHT_STRTAB, align: 1}, w.names.b)
	return nil
}

func (w *writer) add(h sectionHeader, data []byte) {
	if h.inFile() {
		h.size = uint64(len(data))
	}
	w.headers = append(w.headers, h)
	w.contents = append(w.contents, data)
}

func (w *writer) section(s *Section) (h sectionHeader, data []byte, err error) {
	h = sectionHeader{
		typ: s.Type, flags: s.Flags, addr: s.Addr, info: s.Info, align: s.Align, entrySize: s.Entry,
	}
	if h.name, err = w.names.add(s.Name); err != nil {
		return h, nil, err
	}
	if s.Align&(s.Align-1) != 0 {
		return h, nil, fmt.Errorf("alignment %d is not a power of two", s.Align)
	}
	if !h.inFile() {
		if len(s.Data) > 0 {
			return h, nil, fmt.Errorf("a section of type %s has no data, this one has %d bytes", s.Type, len(s.Data))
		}
		h.size = s.Size
	}
	switch {
	case s.LinkSymbols && s.Link != nil:
		return h, nil, errors.New("linked both to the symbol table and to another section")
	case s.LinkSymbols:
		h.link = w.symtab
	case s.Link != nil:
		if h.link = w.sectionIndex[s.Link]; h.link == 0 {
			return h, nil, fmt.Errorf("linked to section %q, which is not in the image", shorten(s.Link.Name))
		}
	}
	data = s.Data
	switch {
	case s.Type == stdelf.SHT_GROUP:
		h.info, data, err = w.group(s)
	case s.Type == typeAddrsig && s.LinkSymbols:
		data, err = w.addrsig(s)
	case len(s.Members) > 0 || len(s.Symbols) > 0:
		err = fmt.Errorf("a section of type %s has neither members nor symbols", s.Type)
	}
	return h, data, err
}

func (w *writer) group(s *Section) (signature uint32, data []byte, err error) {
	if len(s.Symbols) != 1 || len(s.Data) != groupWord || !s.LinkSymbols {
		return 0, nil, fmt.Errorf("a group has one signature and %d bytes of flags, and is linked to the symbol table", groupWord)
	}
	if signature, err = w.symbol(s.Symbols[0], "the group"); err != nil {
		return 0, nil, err
	}
	data = slices.Clone(s.Data)
	for _, member := range s.Members {
		index := w.sectionIndex[member]
		if index == 0 {
			return 0, nil, errors.New("a member of the group is not in the image")
		}
		data = w.order.AppendUint32(data, index)
		if relocs := w.relocsOf[member]; relocs != 0 {
			data = w.order.AppendUint32(data, relocs)
		}
	}
	return signature, data, nil
}

func (w *writer) addrsig(s *Section) (data []byte, err error) {
	if len(s.Data) > 0 {
		return nil, errors.New("a list of symbols has no data of its own")
	}
	for _, sym := range s.Symbols {
		index, err := w.symbol(sym, "the list")
		if err != nil {
			return nil, err
		}
		data = binary.AppendUvarint(data, uint64(index))
	}
	return data, nil
}

func (w *writer) relocations(s *Section) (h sectionHeader, data []byte, err error) {
	h = sectionHeader{
		typ: stdelf.SHT_REL, flags: stdelf.SHF_INFO_LINK | s.Flags&stdelf.SHF_GROUP,
		link: w.symtab, info: w.sectionIndex[s], align: 8, entrySize: relSize,
	}
	prefix := ".rel"
	if s.Rela {
		prefix, h.typ, h.entrySize = ".rela", stdelf.SHT_RELA, relaSize
	}
	if h.name, err = w.names.add(prefix + s.Name); err != nil {
		return h, nil, err
	}
	data = make([]byte, 0, len(s.Relocs)*int(h.entrySize))
	for _, rel := range s.Relocs {
		index, err := w.symbol(rel.Symbol, fmt.Sprintf("relocation at offset %d", rel.Offset))
		if err != nil {
			return h, nil, err
		}
		data = w.order.AppendUint64(data, rel.Offset)
		data = w.order.AppendUint64(data, uint64(index)<<32|uint64(rel.Type))
		switch {
		case s.Rela:
			data = w.order.AppendUint64(data, uint64(rel.Addend))
		case rel.Addend != 0:
			return h, nil, fmt.Errorf("relocation at offset %d has an addend, but the section's relocations are SHT_REL", rel.Offset)
		}
	}
	return h, data, nil
}

// layout gives every section its place in the file.
func (w *writer) layout() {
	offset := uint64(fileHeaderSize)
	for i := range w.headers {
		h := &w.headers[i]
		if i == 0 {
			continue
		}
		offset = alignUp(offset, min(h.align, maxFileAlign))
		h.offset = offset
		offset += uint64(len(w.contents[i]))
	}
	w.headersOffset = alignUp(offset, 8)
}

// alignUp rounds n up to a multiple of align, a power of two or 0.
func alignUp(n, align uint64) uint64 {
	if align == 0 {
		return n
	}
	return (n + align - 1) &^ (align - 1)
}

// file writes everything down.
func (w *writer) file() []byte {
	size := w.headersOffset + uint64(len(w.headers))*sectionHeaderSize
	b := make([]byte, fileHeaderSize, size)
	copy(b, stdelf.ELFMAG)
	b[stdelf.EI_CLASS] = byte(stdelf.ELFCLASS64)
	b[stdelf.EI_DATA] = byte(stdelf.ELFDATA2LSB)
	if bpf.IsBigEndian(w.order) {
		b[stdelf.EI_DATA] = byte(stdelf.ELFDATA2MSB)
	}
	b[stdelf.EI_VERSION] = byte(stdelf.EV_CURRENT)
	b[stdelf.EI_OSABI] = byte(w.img.OSABI)
	b[stdelf.EI_ABIVERSION] = w.img.ABIVersion
	w.order.PutUint16(b[16:], uint16(stdelf.ET_REL))
	w.order.PutUint16(b[18:], uint16(stdelf.EM_BPF))
	w.order.PutUint32(b[20:], uint32(stdelf.EV_CURRENT))
	w.order.PutUint64(b[40:], w.headersOffset)
	w.order.PutUint32(b[48:], w.img.Flags)
	w.order.PutUint16(b[52:], fileHeaderSize)
	w.order.PutUint16(b[58:], sectionHeaderSize)
	w.order.PutUint16(b[60:], uint16(len(w.headers)))
	w.order.PutUint16(b[62:], uint16(w.symtab+1))

	pad := func(to uint64) { b = append(b, make([]byte, to-uint64(len(b)))...) }
	for i, data := range w.contents {
		if len(data) > 0 {
			pad(w.headers[i].offset)
			b = append(b, data...)
		}
	}
	pad(w.headersOffset)
	for _, h := range w.headers {
		b = w.order.AppendUint32(b, h.name)
		b = w.order.AppendUint32(b, uint32(h.typ))
		b = w.order.AppendUint64(b, uint64(h.flags))
		b = w.order.AppendUint64(b, h.addr)
		b = w.order.AppendUint64(b, h.offset)
		b = w.order.AppendUint64(b, h.size)
		b = w.order.AppendUint32(b, h.link)
		b = w.order.AppendUint32(b, h.info)
		b = w.order.AppendUint64(b, h.align)
		b = w.order.AppendUint64(b, h.entrySize)
	}
	return b
}

// byteOrder is what both byte orders of encoding/binary are.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// appending returns the byte order that can append, too.
func appending(order binary.ByteOrder) byteOrder {
	if bpf.IsBigEndian(order) {
		return binary.BigEndian
	}
	return binary.LittleEndian
}
