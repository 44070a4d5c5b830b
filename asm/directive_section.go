package asm

import (
	stdelf "debug/elf"
	"strings"
)

var sectionDirectives = map[string]handler{
	".section":     (*assembler).doSection,
	".pushsection": (*assembler).doPushSection,
	".popsection":  (*assembler).doPopSection,
	".previous":    (*assembler).doPrevious,
	".text":        enterNamed,
	".data":        enterNamed,
	".bss":         enterNamed,
	".rodata":      enterNamed,
}

// enterNamed is a directive that names its section.
func enterNamed(a *assembler, d token) *fault {
	a.enter(a.sectionNamed(strings.ToLower(a.text(d))))
	return nil
}

func (a *assembler) doPushSection(d token) *fault {
	a.stack = append(a.stack, [2]*section{a.section, a.previous})
	f := a.doSection(d)
	if f != nil {
		a.stack = a.stack[:len(a.stack)-1]
	}
	return f
}

func (a *assembler) doPopSection(d token) *fault {
	if len(a.stack) == 0 {
		return faultAt(a.span(d), ErrMisuse, "no .pushsection is open")
	}
	top := a.stack[len(a.stack)-1]
	a.stack = a.stack[:len(a.stack)-1]
	a.enter(top[0])
	a.previous = top[1]
	return nil
}

func (a *assembler) doPrevious(d token) *fault {
	if a.previous == nil {
		return faultAt(a.span(d), ErrMisuse, "there is no section before this one")
	}
	a.enter(a.previous)
	return nil
}

// doSection is .section NAME [, "FLAGS" [, @TYPE [, …]]]. What may follow depends
// on the flags: the size of an entry (M), the name of a group and comdat (G), a
// symbol of the section that this one belongs to (o), and unique with a number
// for one of several sections with the same name.
func (a *assembler) doSection(token) *fault {
	name, at, f := a.sectionName()
	if f != nil {
		return f
	}
	if !a.another() {
		a.enter(a.sectionNamed(name))
		return nil
	}
	want := section{name: name, typ: typeByName(name)}
	if f := a.sectionFlags(&want); f != nil {
		return f
	}
	s := a.sectionLike(want.key())
	if s == nil {
		s = a.addSection(&want)
		a.enter(s)
		return nil
	}
	if s.plain || s.here() == (place{}) {
		// Nothing depends on what the section was so far.
		s.typ, s.flags, s.entry, s.plain = want.typ, want.flags, want.entry, false
	}
	if s.flags != want.flags || s.typ != want.typ || s.entry != want.entry {
		return faultAt(at, ErrRedefined, "section %s was opened before with other flags, type or entry size", name).
			note("a section that was opened once is opened again by its name alone")
	}
	if s.group != nil && s.group.comdat != want.group.comdat {
		return faultAt(at, ErrRedefined, "group %s was opened before, and only one of the two is comdat", s.group.name)
	}
	a.enter(s)
	return nil
}

// sectionName takes a section's name: a string, or all up to a comma.
func (a *assembler) sectionName() (string, span, *fault) {
	first := a.toks[a.i]
	if first.kind == tokString {
		a.i++
		name, f := a.nameOf(first)
		return name, a.span(first), f
	}
	return a.bareWord("a section's name")
}

// bareWord takes everything up to a comma or the end, written without spaces,
// as one word: section names with slashes, say.
func (a *assembler) bareWord(what string) (string, span, *fault) {
	first := a.toks[a.i]
	if first.kind == tokEnd || first.kind == tokComma {
		return "", a.span(first), a.unexpected(first, what)
	}
	start := a.i
	for a.i++; a.toks[a.i].kind != tokEnd && a.toks[a.i].kind != tokComma; a.i++ {
		if a.toks[a.i].start != a.toks[a.i-1].end {
			return "", span{}, a.unexpected(a.toks[a.i], "a comma or the end of the statement")
		}
	}
	at := a.spanOf(start, a.i)
	return at.text(), at, nil
}

var flagLetters = map[rune]stdelf.SectionFlag{
	'a': stdelf.SHF_ALLOC, 'w': stdelf.SHF_WRITE, 'x': stdelf.SHF_EXECINSTR,
	'M': stdelf.SHF_MERGE, 'S': stdelf.SHF_STRINGS, 'T': stdelf.SHF_TLS,
	'e': 0x80000000, // SHF_EXCLUDE
	'o': stdelf.SHF_LINK_ORDER,
	'R': 0x200000, // SHF_GNU_RETAIN
	'G': stdelf.SHF_GROUP,
	'?': 0, // the group of the section before
}

// sectionFlags takes what may follow a section's name.
func (a *assembler) sectionFlags(s *section) *fault {
	t := a.toks[a.i]
	letters, f := a.quoted(`the section's flags in quotes, as in "ax"`)
	if f != nil {
		return f
	}
	grouped, same := false, false
	for _, c := range letters {
		flag, ok := flagLetters[c]
		switch {
		case c == '?':
			same = true
		case !ok:
			return faultAt(a.span(t), ErrSyntax, "unknown section flag %c: they are a (loaded), w (writable), x (instructions), M, S, G, T, e, o, R and ?", c)
		}
		grouped = grouped || c == 'G'
		s.flags |= flag
	}
	if grouped && same {
		return faultAt(a.span(t), ErrSyntax, "flag G names a group, and ? means that of the section before: one of the two")
	}
	if same && a.section.group != nil {
		s.group, s.flags = a.section.group, s.flags|stdelf.SHF_GROUP
	}
	if a.another() {
		if f := a.sectionType(s); f != nil {
			return f
		}
	}
	if s.flags&stdelf.SHF_MERGE != 0 {
		if !a.another() {
			return a.unexpected(a.toks[a.i], "a comma and the size of an entry, for flag M")
		}
		size, f := a.absoluteIn("the size of an entry", 1, 1<<20)
		if f != nil {
			return f
		}
		s.entry = uint64(size)
	}
	if grouped {
		if f := a.sectionGroup(s); f != nil {
			return f
		}
	}
	if s.flags&stdelf.SHF_LINK_ORDER != 0 {
		if !a.another() {
			return a.unexpected(a.toks[a.i], "a comma and a symbol of the section that this one belongs to, for flag o")
		}
		if t := a.toks[a.i]; t.kind == tokNumber && t.num == 0 {
			a.i++
		} else {
			s.linkAt = a.span(t)
			if s.link, _, f = a.name("a symbol"); f != nil {
				return f
			}
		}
	}
	if a.another() {
		word, t, f := a.name("unique")
		switch {
		case f != nil:
			return f
		case word != "unique":
			return a.unexpected(t, "unique")
		case !a.another():
			return a.unexpected(a.toks[a.i], "a comma and a number")
		}
		n, f := a.absoluteIn("the number", 0, 1<<32-2)
		if f != nil {
			return f
		}
		s.unique = n + 1
	}
	return nil
}

// sectionGroup takes the name of the group that a section is a member of, and
// whether a linker keeps one group of that name only.
func (a *assembler) sectionGroup(s *section) *fault {
	if !a.another() {
		return a.unexpected(a.toks[a.i], "a comma and the name of a group, for flag G")
	}
	name, t, f := a.name("the name of a group")
	if f != nil {
		return f
	}
	comdat := false
	if next := a.toks[a.i+min(1, len(a.toks)-1-a.i)]; a.toks[a.i].kind == tokComma && next.kind == tokIdent && a.text(next) == "comdat" {
		a.i += 2
		comdat = true
	}
	s.group = &sectionGroup{name: name, comdat: comdat, at: a.span(t)}
	return nil
}

var sectionTypes = map[string]stdelf.SectionType{
	"progbits": stdelf.SHT_PROGBITS, "nobits": stdelf.SHT_NOBITS, "note": stdelf.SHT_NOTE,
	"init_array": stdelf.SHT_INIT_ARRAY, "fini_array": stdelf.SHT_FINI_ARRAY,
	"preinit_array": stdelf.SHT_PREINIT_ARRAY,
	// LLVM's own, by number.
	"llvm_addrsig": 0x6fff4c03, "llvm_odrtab": 0x6fff4c00, "llvm_linker_options": 0x6fff4c01,
	"llvm_dependent_libraries": 0x6fff4c04, "llvm_sympart": 0x6fff4c05,
	"llvm_call_graph_profile": 0x6fff4c09, "llvm_bb_addr_map": 0x6fff4c0a,
}

// sectionType takes @progbits, %progbits or "progbits".
func (a *assembler) sectionType(s *section) *fault {
	if !a.accept(tokAt) {
		a.accept(tokPercent)
	}
	if t := a.toks[a.i]; t.kind == tokNumber {
		n, f := a.absoluteIn("a section's type", 0, 1<<32-1)
		s.typ = stdelf.SectionType(n)
		return f
	}
	word, t, f := a.name("a section's type, as @progbits or @nobits")
	if f != nil {
		return f
	}
	typ, ok := sectionTypes[strings.ToLower(word)]
	if !ok {
		return faultAt(a.span(t), ErrSyntax, "unknown section type %s: @progbits, @nobits and @note are usual", word)
	}
	s.typ = typ
	return nil
}
