package asm

import (
	"cmp"
	stdelf "debug/elf"
	"slices"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// Loaders find programs and variables by the types and sizes of symbols. What a
// file leaves unsaid is filled in here, once everything has its place.

// labelsBySection gives the named labels of every section by their place.
func (a *assembler) labelsBySection() map[*section][]*symbol {
	labels := map[*section][]*symbol{}
	for _, s := range a.symbols.order {
		if s.state == symLabel && !s.isTemporary() {
			labels[s.section] = append(labels[s.section], s)
		}
	}
	for sec, list := range labels {
		slices.SortStableFunc(list, func(x, y *symbol) int {
			return cmp.Compare(sec.address(x.place), sec.address(y.place))
		})
	}
	return labels
}

// completeSymbols gives symbols the types and sizes that the file does not.
func (a *assembler) completeSymbols() {
	labels := a.labelsBySection()
	for _, sec := range a.sections {
		switch {
		case sec.isExecutable():
			a.completeFunctions(sec, labels[sec])
		case sec.flags&stdelf.SHF_ALLOC != 0 && !a.compiled:
			a.completeVariables(sec, labels[sec])
		}
	}
}

// completeFunctions makes functions of the labels that other files see and of
// those that are called. A function reaches to the next one.
func (a *assembler) completeFunctions(sec *section, labels []*symbol) {
	var functions []*symbol
	for _, s := range labels {
		if s.declared != nil {
			a.checkDeclared(s, stdelf.STT_FUNC)
			s.typ, s.typed = stdelf.STT_FUNC, true
		}
		if !s.typed && (s.called || s.bind != stdelf.STB_LOCAL) {
			s.typ = stdelf.STT_FUNC
		}
		if s.typ == stdelf.STT_FUNC {
			functions = append(functions, s)
		}
	}
	for i, s := range functions {
		if s.bind == stdelf.STB_LOCAL && s.called && sec.name != ".text" && !a.compiled {
			if _, _, ok := linux.SectionByName(sec.name); ok {
				a.warn(faultAt(s.def, ErrMisuse, "%s is called, and stands in section %s: loaders expect the functions that programs call in .text", s.name, sec.name).
					note("begin it with .func %s", s.name))
			}
		}
		a.sizeUpTo(sec, s, functions[i+1:])
	}
}

// completeVariables makes variables of the labels in a section of data. A
// variable reaches to the next label.
func (a *assembler) completeVariables(sec *section, labels []*symbol) {
	for i, s := range labels {
		if s.declared != nil {
			a.checkDeclared(s, stdelf.STT_OBJECT)
		}
		if !s.typed || s.declared != nil {
			s.typ, s.typed = stdelf.STT_OBJECT, true
		}
		if s.typ == stdelf.STT_OBJECT {
			a.sizeUpTo(sec, s, labels[i+1:])
		}
	}
}

// sizeUpTo lets s reach to the first of the symbols behind it that has another
// address, or to the end of the section.
func (a *assembler) sizeUpTo(sec *section, s *symbol, behind []*symbol) {
	if s.more != nil && s.more.hasSize {
		return
	}
	if s.declared != nil && s.declared.size > 0 {
		a.sizeAsDeclared(sec, s, behind)
		return
	}
	start := sec.address(s.place)
	end := sec.size()
	for _, next := range behind {
		if addr := sec.address(next.place); addr > start {
			end = addr
			break
		}
	}
	m := s.extra()
	m.size, m.hasSize = number(int64(end-start)), true
}

// sizeAsDeclared gives a variable the size of its type, if there are as many
// bytes for it.
func (a *assembler) sizeAsDeclared(sec *section, s *symbol, behind []*symbol) {
	room := sec.size() - sec.address(s.place)
	for _, next := range behind {
		if between := sec.address(next.place) - sec.address(s.place); between > 0 {
			room = min(room, between)
		}
	}
	if s.declared.size > room {
		a.report(faultAt(s.declared.at, ErrRange, "%s has a type of %d bytes, and only %d are there for it", s.name, s.declared.size, room).
			note("defined at %s", s.def.at()))
		return
	}
	m := s.extra()
	m.size, m.hasSize = number(int64(s.declared.size)), true
}

// checkDeclared makes sure that a symbol's type in words of C is one of
// functions where instructions are, and of variables elsewhere.
func (a *assembler) checkDeclared(s *symbol, want stdelf.SymType) {
	_, isFunc := s.declared.typ.(*btf.FuncProto)
	switch {
	case isFunc && want != stdelf.STT_FUNC:
		a.report(faultAt(s.declared.at, ErrMisuse, "%s is a variable, and this is the type of a function", s.name))
	case !isFunc && want == stdelf.STT_FUNC:
		a.report(faultAt(s.declared.at, ErrMisuse, "%s is a function: its type is written like int (u32 a, void *b)", s.name))
	case !isFunc && s.declared.size == 0:
		a.report(faultAt(s.declared.at, ErrMisuse, "a variable can't be of a type without size"))
	}
}

// size is the section's length, in bytes, once its gaps are filled.
func (s *section) size() uint64 {
	if s.typ == stdelf.SHT_NOBITS {
		return s.length
	}
	return uint64(len(s.data))
}
