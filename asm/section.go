package asm

import (
	stdelf "debug/elf"
	"strings"

	"ebtools/elf"
)

// section is a section being filled.
type section struct {
	name   string
	typ    stdelf.SectionType
	flags  stdelf.SectionFlag
	entry  uint64
	align  uint64
	link   string // name of a symbol, for SHF_LINK_ORDER
	linkAt span
	group  *sectionGroup
	unique int64 // tells sections of the same name apart; 0 is the usual one
	plain  bool  // the file gave no flags, and the name says nothing
	data   []byte
	length uint64 // of SHT_NOBITS, in bytes
	gaps   []gap
	base   []uint64 // filled by relax: how far gaps move what is behind them
	// While relax is at it: the gap it is at, and what to add to bases behind it.
	visited int
	moved   uint64
	fixups  []fixup
	lines   []line
	rows    []lineRow
	relocs  []relocation
	placed  []placedReloc
	code    bool // holds an instruction
	entered bool // a directive named it
	sym     *symbol
	out     *elf.Section
}

// place is an offset into a section's data before the gaps in front of it have
// their sizes.
type place struct {
	off uint64
	gap int // how many gaps lie before it
}

// line says that the instruction at a place was written at a span.
type line struct {
	place place
	at    span
	loc   *location // where a compiler says it came from, if it does
}

func (s *section) here() place {
	off := uint64(len(s.data))
	if s.typ == stdelf.SHT_NOBITS {
		off = s.length
	}
	return place{off, len(s.gaps)}
}

// address gives the final offset of a place, once the gaps have their sizes.
func (s *section) address(p place) uint64 {
	if len(s.base) == 0 {
		return p.off
	}
	at := p.off + s.base[p.gap]
	if p.gap > s.visited {
		at += s.moved
	}
	return at
}

// distance gives how far b lies behind a when that is known already: when no
// gap is between them, or all have their sizes.
func (s *section) distance(a, b place) (int64, bool) {
	if a.gap == b.gap {
		return int64(b.off - a.off), true
	}
	if s.base != nil {
		return int64(s.address(b) - s.address(a)), true
	}
	return 0, false
}

func (s *section) isExecutable() bool { return s.flags&stdelf.SHF_EXECINSTR != 0 }

// wellKnown gives the flags of a section whose name alone says what it is for,
// as LLVM has it.
func wellKnown(name string) (stdelf.SectionFlag, bool) {
	for _, k := range wellKnownSections {
		if name == k.name || strings.HasPrefix(name, k.name+".") {
			return k.flags, true
		}
	}
	return 0, false
}

var wellKnownSections = []struct {
	name  string
	flags stdelf.SectionFlag
}{
	{".text", stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR},
	{".init", stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR},
	{".fini", stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR},
	{".rodata", stdelf.SHF_ALLOC},
	{".rodata1", stdelf.SHF_ALLOC},
	{".eh_frame", stdelf.SHF_ALLOC},
	{".data", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".data1", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".bss", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".init_array", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".fini_array", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".preinit_array", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".tdata", stdelf.SHF_ALLOC | stdelf.SHF_WRITE | stdelf.SHF_TLS},
	{".tbss", stdelf.SHF_ALLOC | stdelf.SHF_WRITE | stdelf.SHF_TLS},
	// Not LLVM's: what loaders of BPF objects look for.
	{"license", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{"version", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
	{".maps", stdelf.SHF_ALLOC | stdelf.SHF_WRITE},
}

// typeByName gives the type of a section that none was given for.
func typeByName(name string) stdelf.SectionType {
	for _, k := range []struct {
		prefix string
		typ    stdelf.SectionType
	}{
		{".bss", stdelf.SHT_NOBITS},
		{".tbss", stdelf.SHT_NOBITS},
		{".init_array", stdelf.SHT_INIT_ARRAY},
		{".fini_array", stdelf.SHT_FINI_ARRAY},
		{".preinit_array", stdelf.SHT_PREINIT_ARRAY},
	} {
		if name == k.prefix || strings.HasPrefix(name, k.prefix+".") {
			return k.typ
		}
	}
	if strings.HasPrefix(name, ".note") {
		return stdelf.SHT_NOTE
	}
	return stdelf.SHT_PROGBITS
}

// textAlign is the alignment .text starts with, as LLVM has it.
const textAlign = 4

// sectionGroup is a set of sections that a linker keeps or drops together.
type sectionGroup struct {
	name   string // of the symbol that stands for it
	comdat bool
	at     span
}

// sectionKey is what makes sections different.
type sectionKey struct {
	name, group, link string
	unique            int64
}

func (s *section) key() sectionKey {
	k := sectionKey{name: s.name, link: s.link, unique: s.unique}
	if s.group != nil {
		k.group = s.group.name
	}
	return k
}

// isUsual reports whether the name is all that makes the section different.
func (k sectionKey) isUsual() bool { return k.group == "" && k.link == "" && k.unique == 0 }

// sectionLike finds a section, nil if there is none.
func (a *assembler) sectionLike(k sectionKey) *section {
	if k.isUsual() {
		return a.byName[k.name]
	}
	return a.special[k]
}

// sectionNamed gives the section called name, made with LLVM's defaults when
// there is none yet.
func (a *assembler) sectionNamed(name string) *section {
	if s, ok := a.byName[name]; ok {
		return s
	}
	flags, known := wellKnown(name)
	s := a.newSection(name, typeByName(name), flags)
	s.plain = !known
	return s
}

// newSection makes a section that is known by its name.
func (a *assembler) newSection(name string, typ stdelf.SectionType, flags stdelf.SectionFlag) *section {
	return a.addSection(&section{name: name, typ: typ, flags: flags})
}

// addSection adds s to the file.
func (a *assembler) addSection(s *section) *section {
	s.align = 1
	switch s.name {
	case ".text":
		if s.key().isUsual() {
			s.align = textAlign
		}
	case ".BTF":
		a.compiled = true
	}
	s.sym = &symbol{name: s.name, state: symLabel, section: s}
	if k := s.key(); k.isUsual() {
		a.byName[s.name] = s
	} else {
		a.special[k] = s
	}
	a.sections = append(a.sections, s)
	return s
}

// enter makes s the current section.
func (a *assembler) enter(s *section) {
	if a.section != s {
		a.debug.pending = nil // a .loc is not about another section
	}
	a.previous, a.section = a.section, s
	if !s.entered && s == a.exactly.text && len(a.sections) > 1 && s.here() == (place{}) {
		a.sections = append(a.sections[1:], s) // it begins here
	}
	s.entered = true
}

// within runs do with another current section.
func (a *assembler) within(s *section, do func() *fault) *fault {
	current := a.section
	a.section = s
	defer func() { a.section = current }()
	return do()
}
