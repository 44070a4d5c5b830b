package asm

import (
	stdelf "debug/elf"

	"ebtools/elf"
)

// relocation is a relocation whose symbol is not the image's yet.
type relocation struct {
	offset uint64
	typ    elf.RelocType
	to     *symbol
}

// finish settles what the end of the file decides and makes the image. It
// gives nil after an error.
func (a *assembler) finish() *elf.Image {
	a.relax()
	for _, s := range a.sections {
		a.resolve(s)
	}
	if a.errors > 0 {
		return nil
	}
	a.completeSymbols()
	img := &elf.Image{ByteOrder: a.order}
	for _, s := range a.sections {
		a.imageSection(img, s)
	}
	a.imageSymbols(img)
	if a.errors > 0 {
		return nil
	}
	for _, s := range a.sections {
		for _, r := range s.relocs {
			s.out.Relocs = append(s.out.Relocs, elf.Relocation{Offset: r.offset, Type: r.typ, Symbol: r.to.out})
		}
	}
	if f := a.addTypeInfo(img); f != nil {
		a.report(f)
		return nil
	}
	return img
}

func (a *assembler) imageSection(img *elf.Image, s *section) {
	s.out = &elf.Section{
		Name: s.name, Type: s.typ, Flags: s.flags, Align: s.align, Entry: s.entry, Data: s.data, Size: s.length,
	}
	if s.code {
		s.out.Align = max(s.out.Align, 8)
	}
	img.Sections = append(img.Sections, s.out)
}

// imageSymbols makes the symbol table: names of the file that loaders have a use
// for, and sections that relocations refer to.
func (a *assembler) imageSymbols(img *elf.Image) {
	for _, s := range a.sections {
		if s.link == "" {
			continue
		}
		if to := a.symbols.byName[s.link]; to != nil && to.state == symLabel {
			s.out.Link = to.section.out
		}
	}
	for _, s := range a.sections {
		if s.sym.ref.buf != nil {
			s.sym.out = &elf.Symbol{Type: stdelf.STT_SECTION, Section: s.out}
			img.Symbols = append(img.Symbols, s.sym.out)
		}
	}
	for _, s := range a.symbols.order {
		if !a.isListed(s) {
			continue
		}
		out, f := a.imageSymbol(s)
		if f != nil {
			if f != told {
				a.report(f)
			}
			continue
		}
		s.out = out
		img.Symbols = append(img.Symbols, out)
	}
}

// isListed reports whether s goes into the symbol table. Labels within
// functions do not: loaders take them for functions.
func (a *assembler) isListed(s *symbol) bool {
	switch s.state {
	case symUndefined:
		return s.ref.buf != nil && (s.bound || a.compiled)
	case symVariable:
		return s.bind != stdelf.STB_LOCAL
	case symLabel:
		inner := s.section.isExecutable() && s.typ == stdelf.STT_NOTYPE && s.bind == stdelf.STB_LOCAL
		return !s.isTemporary() && !inner
	}
	return true
}

func (a *assembler) imageSymbol(s *symbol) (*elf.Symbol, *fault) {
	out := &elf.Symbol{Name: s.name, Bind: s.bind, Type: s.typ, Visibility: s.vis}
	switch s.state {
	case symUndefined:
		if !s.bound {
			out.Bind = stdelf.STB_GLOBAL
		}
	case symLabel:
		out.Section, out.Value = s.section.out, s.section.address(s.place)
	case symCommon:
		out.Special, out.Value, out.Size = stdelf.SHN_COMMON, s.more.align, s.more.length
		out.Type = stdelf.STT_OBJECT
		return out, nil
	case symVariable:
		v, f := a.eval(s.more.value, s.def)
		switch {
		case f != nil:
			return nil, f
		case v.isNumber():
			out.Special, out.Value = stdelf.SHN_ABS, uint64(v.num)
		default:
			label, n := s.label()
			if label == nil {
				return nil, a.notNumber(v, s.def)
			}
			out.Section, out.Value = label.section.out, label.section.address(label.place)+uint64(n)
			if !s.typed {
				out.Type = label.typ
			}
		}
	}
	if s.more != nil && s.more.hasSize {
		n, f := a.evalNumber(s.more.size, s.more.sizeAt)
		if f != nil {
			return nil, f
		}
		if n < 0 {
			return nil, faultAt(s.more.sizeAt, ErrRange, "%s has a size of %d bytes", s.name, n)
		}
		out.Size = uint64(n)
	}
	return out, nil
}
