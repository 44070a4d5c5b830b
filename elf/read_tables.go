package elf

import (
	stdelf "debug/elf"
	"encoding/binary"
)

// symbols reads the symbol table.
func (r *reader) symbols() error {
	if r.symtab == 0 {
		return nil
	}
	table := r.content(r.symtab)
	count := len(table) / symbolSize
	r.symbolAt = make([]*Symbol, count)
	if count <= 1 {
		return nil
	}
	r.img.Symbols = make([]*Symbol, 0, count-1)
	for i := 1; i < count; i++ { // 0 is the null symbol
		sym, err := r.symbol(table[i*symbolSize:])
		if err != nil {
			return malformed("symbol %d: %v", i, err)
		}
		r.symbolAt[i] = sym
		r.img.Symbols = append(r.img.Symbols, sym)
	}
	return nil
}

func (r *reader) symbol(b []byte) (*Symbol, error) {
	name, err := r.symNames.at(r.order.Uint32(b))
	if err != nil {
		return nil, err
	}
	info, other := b[4], b[5]
	sym := &Symbol{
		Name: name, Bind: stdelf.ST_BIND(info), Type: stdelf.ST_TYPE(info),
		Visibility: stdelf.ST_VISIBILITY(other), Other: other &^ 3,
		Value: r.order.Uint64(b[8:]), Size: r.order.Uint64(b[16:]),
	}
	index := stdelf.SectionIndex(r.order.Uint16(b[6:]))
	switch {
	case index == stdelf.SHN_XINDEX:
		return nil, malformed("%s: its section has an extended index, which needs more sections than are read here", shorten(name))
	case index == stdelf.SHN_UNDEF || index >= stdelf.SHN_LORESERVE:
		sym.Special = index
	case int(index) >= len(r.sectionAt):
		return nil, malformed("%s: section %d is not one of %d", shorten(name), int(index), len(r.sectionAt))
	case r.sectionAt[index] == nil:
		return nil, malformed("%s: section %d is a table of the file itself", shorten(name), int(index))
	default:
		sym.Section = r.sectionAt[index]
	}
	return sym, nil
}

// links turns the indexes that sections hold into pointers.
func (r *reader) links() error {
	for i, s := range r.sectionAt {
		if s == nil {
			continue
		}
		h := &r.headers[i]
		switch link := h.link; {
		case link == 0:
		case uint64(link) >= uint64(len(r.headers)):
			return malformed("section %d (%s): linked to section %d of %d", i, shorten(s.Name), link, len(r.headers))
		case int(link) == r.symtab:
			s.LinkSymbols = true
		case r.sectionAt[link] == nil:
			return malformed("section %d (%s): linked to section %d, a table of the file itself", i, shorten(s.Name), link)
		default:
			s.Link = r.sectionAt[link]
		}
		var err error
		switch s.Type {
		case stdelf.SHT_GROUP:
			err = r.group(s)
		case typeAddrsig:
			err = r.addrsig(s)
		}
		if err != nil {
			return malformed("section %d (%s): %v", i, shorten(s.Name), err)
		}
	}
	return nil
}

// group takes the indexes out of a section of type SHT_GROUP.
func (r *reader) group(s *Section) error {
	if !s.LinkSymbols || len(s.Data) < groupWord || len(s.Data)%groupWord != 0 {
		return malformed("not a group: %d bytes, no word of flags with members behind it, or no symbol table", len(s.Data))
	}
	if int64(s.Info) >= int64(len(r.symbolAt)) {
		return malformed("signature is symbol %d of %d", s.Info, len(r.symbolAt))
	}
	s.Symbols, s.Info = []*Symbol{r.symbolAt[s.Info]}, 0
	for b := s.Data[groupWord:]; len(b) > 0; b = b[groupWord:] {
		index := r.order.Uint32(b)
		if int64(index) >= int64(len(r.headers)) || index == 0 {
			return malformed("member section %d of %d", index, len(r.headers))
		}
		member := r.sectionAt[index]
		if member == nil {
			// Sections of relocations are members with their targets; Write
			// makes them so again.
			if typ := r.headers[index].typ; typ == stdelf.SHT_REL || typ == stdelf.SHT_RELA {
				continue
			}
			return malformed("member section %d is a table of the file itself", index)
		}
		s.Members = append(s.Members, member)
	}
	s.Data = s.Data[:groupWord:groupWord]
	return nil
}

// addrsig takes the indexes out of a section of type SHT_LLVM_ADDRSIG. One that
// is not linked to the symbol table has been left behind by a tool that changed
// that table, and means nothing.
func (r *reader) addrsig(s *Section) error {
	if !s.LinkSymbols {
		return nil
	}
	for b := s.Data; len(b) > 0; {
		index, n := binary.Uvarint(b)
		if n <= 0 || index >= uint64(len(r.symbolAt)) {
			return malformed("not a list of symbols: byte %d", len(s.Data)-len(b))
		}
		s.Symbols = append(s.Symbols, r.symbolAt[index])
		b = b[n:]
	}
	s.Data = nil
	return nil
}

// relocations attaches the relocations to the sections they apply to.
func (r *reader) relocations() error {
	for i := range r.headers {
		h := &r.headers[i]
		size := relSize
		switch h.typ {
		case stdelf.SHT_REL:
		case stdelf.SHT_RELA:
			size = relaSize
		default:
			continue
		}
		table := r.content(i)
		if len(table) == 0 {
			continue
		}
		switch {
		case h.entrySize != uint64(size) || len(table)%size != 0:
			return malformed("section %d: relocations of %d bytes, in %d bytes; they have %d", i, h.entrySize, len(table), size)
		case uint64(h.link) != uint64(r.symtab) || r.symtab == 0:
			return malformed("section %d: relocations against section %d, which is not the symbol table", i, h.link)
		case int64(h.info) >= int64(len(r.headers)) || r.sectionAt[h.info] == nil:
			return malformed("section %d: relocations for section %d, which has nothing to relocate", i, h.info)
		}
		s := r.sectionAt[h.info]
		if rela := h.typ == stdelf.SHT_RELA; len(s.Relocs) == 0 {
			s.Rela = rela
			s.Relocs = make([]Relocation, 0, len(table)/size)
		} else if s.Rela != rela {
			return malformed("section %d: section %s has relocations both with and without addends", i, shorten(s.Name))
		}
		for ; len(table) > 0; table = table[size:] {
			info := r.order.Uint64(table[8:])
			index := info >> 32
			if index >= uint64(len(r.symbolAt)) {
				return malformed("section %d: relocation against symbol %d of %d", i, index, len(r.symbolAt))
			}
			rel := Relocation{Offset: r.order.Uint64(table), Type: RelocType(uint32(info)), Symbol: r.symbolAt[index]}
			if s.Rela {
				rel.Addend = int64(r.order.Uint64(table[16:]))
			}
			s.Relocs = append(s.Relocs, rel)
		}
	}
	return nil
}
