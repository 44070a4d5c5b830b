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
	a.writeLines()
	a.writeFrames()
	for _, s := range a.sections {
		a.resolve(s)
		a.resolvePlaced(s)
	}
	a.dropText()
	if a.errors > 0 {
		return nil
	}
	a.completeSymbols()
	img := &elf.Image{ByteOrder: a.order}
	groups := a.imageSections(img)
	a.imageSymbols(img)
	for _, g := range groups {
		if g.signature.out != nil { // else an error was reported
			g.out.Symbols = []*elf.Symbol{g.signature.out}
		}
	}
	a.imageSignificant(img)
	if a.errors > 0 {
		return nil
	}
	for _, s := range a.sections {
		for _, r := range s.relocs {
			out := elf.Relocation{Offset: r.offset, Type: r.typ}
			if r.to != nil {
				out.Symbol = r.to.out
			}
			s.out.Relocs = append(s.out.Relocs, out)
		}
	}
	if f := a.addTypeInfo(img); f != nil {
		a.report(f)
		return nil
	}
	return img
}

// imageGroup is a group of sections and the symbol that stands for it.
type imageGroup struct {
	out       *elf.Section
	signature *symbol
}

// imageSections makes the sections. A group comes before its first member.
func (a *assembler) imageSections(img *elf.Image) []imageGroup {
	var groups []imageGroup
	at := map[string]int{}
	for _, s := range a.sections {
		if s.group == nil {
			a.imageSection(img, s)
			continue
		}
		i, ok := at[s.group.name]
		if !ok {
			i = len(groups)
			at[s.group.name] = i
			g := imageGroup{a.newGroup(s.group), a.symbols.named(s.group.name)}
			g.signature.kept, g.signature.isSignature = true, true
			groups = append(groups, g)
			img.Sections = append(img.Sections, g.out)
		}
		a.imageSection(img, s)
		groups[i].out.Members = append(groups[i].out.Members, s.out)
	}
	return groups
}

// newGroup makes the section that lists the members of a group.
func (a *assembler) newGroup(g *sectionGroup) *elf.Section {
	const comdat = 1 // GRP_COMDAT
	var flags uint64
	if g.comdat {
		flags = comdat
	}
	word := make([]byte, 4)
	a.putInt(word, flags)
	return &elf.Section{Name: ".group", Type: stdelf.SHT_GROUP, Data: word, Align: 4, Entry: 4, LinkSymbols: true}
}

// imageSignificant makes section .llvm_addrsig, if the file asks for it.
func (a *assembler) imageSignificant(img *elf.Image) {
	const typeAddrsig, flagExclude = 0x6fff4c03, 0x80000000
	if !a.significant {
		return
	}
	out := &elf.Section{Name: ".llvm_addrsig", Type: typeAddrsig, Flags: flagExclude, Align: 1, LinkSymbols: true}
	for _, s := range a.significantSymbols {
		if s.out != nil {
			out.Symbols = append(out.Symbols, s.out)
		}
	}
	img.Sections = append(img.Sections, out)
}

func (a *assembler) imageSection(img *elf.Image, s *section) {
	s.out = &elf.Section{
		Name: s.name, Type: s.typ, Flags: s.flags, Align: s.align, Entry: s.entry, Data: s.data, Size: s.length,
	}
	if s.code && !a.exact {
		s.out.Align = max(s.out.Align, 8)
	}
	img.Sections = append(img.Sections, s.out)
}

// imageSymbols makes the symbol table: names of the file that loaders have a use
// for, and sections that relocations refer to.
func (a *assembler) imageSymbols(img *elf.Image) {
	for _, name := range a.debug.names {
		img.Symbols = append(img.Symbols, &elf.Symbol{Name: name, Type: stdelf.STT_FILE, Special: stdelf.SHN_ABS})
	}
	for _, s := range a.sections {
		if s.link == "" {
			continue
		}
		switch to := a.symbols.byName[s.link]; {
		case to != nil && to.state == symLabel:
			s.out.Link = to.section.out
		default:
			a.report(faultAt(s.linkAt, ErrUndefined, "section %s belongs to that of %s, which is no label of this file", s.name, s.link))
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
// functions do not, unless .type speaks of them: loaders take them for functions.
func (a *assembler) isListed(s *symbol) bool {
	if s.kept {
		return true
	}
	switch s.state {
	case symUndefined:
		return s.bound && s.typed || s.ref.buf != nil && (s.bound || s.isWeakly || a.compiled)
	case symVariable:
		return s.bind != stdelf.STB_LOCAL || s.typed
	case symLabel:
		inner := s.section.isExecutable() && s.typ == stdelf.STT_NOTYPE && s.bind == stdelf.STB_LOCAL && !s.typed
		return !s.isTemporary() && !inner
	}
	return true
}

func (a *assembler) imageSymbol(s *symbol) (*elf.Symbol, *fault) {
	out := &elf.Symbol{Name: s.outName(), Bind: s.bind, Type: s.typ, Visibility: s.vis}
	switch s.state {
	case symUndefined:
		switch {
		case s.bound:
		case s.isWeakly && !s.isDirectly:
			out.Bind = stdelf.STB_WEAK
		case s.ref.buf != nil || !s.isSignature:
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
			label, n := v.add.label()
			if label == nil || v.sub != nil {
				return nil, a.notNumber(v, s.def)
			}
			out.Section, out.Value = label.section.out, label.section.address(label.place)+uint64(n+v.num)
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
