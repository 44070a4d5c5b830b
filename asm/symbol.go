package asm

import (
	stdelf "debug/elf"
	"strings"

	"ebtools/elf"
)

// symbolState says what is known of a symbol's meaning.
type symbolState uint8

const (
	symUndefined symbolState = iota
	symLabel                 // a place in a section
	symVariable              // set to an expression
	symCommon                // a size and an alignment, for a linker to place
)

// symbol is a name and what the file says about it. Numeric labels and the
// current place (.) are symbols without a name.
type symbol struct {
	name    string
	section *section // of a label
	place   place
	state   symbolState

	bind   stdelf.SymBind
	typ    stdelf.SymType
	vis    stdelf.SymVis
	bound  bool // .globl, .weak, .local or .extern spoke of it
	typed  bool // .type gave typ
	called bool // a call names it
	kept   bool // it goes into the symbol table whatever it is
	// How an undefined symbol is referred to: by .weakref, by its own name, or
	// as the name of a group.
	isWeakly, isDirectly, isSignature bool
	broken                            bool // its definition was refused: no further complaints
	mayChange                         bool // a variable of .set, which may be set again

	def, ref span         // where it is defined; where it is first needed
	declared *declaration // in words of C
	more     *symbolMore
	out      *elf.Symbol
}

// symbolMore is what few symbols have.
type symbolMore struct {
	value   expr  // of a variable
	base    value // of a variable that is another name for a place
	weakref bool  // by .weakref, which makes weak what it stands for
	renamed bool  // name is what .rename calls it
	name    string
	size    expr
	hasSize bool
	sizeAt  span
	// Of a common symbol, in bytes.
	length, align uint64
	evaluating    bool
}

func (s *symbol) extra() *symbolMore {
	if s.more == nil {
		s.more = &symbolMore{}
	}
	return s.more
}

// isTemporary reports whether the name is for the assembler only and does not
// go into the object's symbol table.
func (s *symbol) isTemporary() bool {
	return s.name == "" || strings.HasPrefix(s.name, ".L")
}

// isPreemptible reports whether a linker may let the name mean something else,
// so that references to it must name it.
func (s *symbol) isPreemptible() bool { return s.bind != stdelf.STB_LOCAL }

// symbolTable holds a file's symbols.
type symbolTable struct {
	byName map[string]*symbol
	order  []*symbol // in the order they were first seen
	local  map[uint64]*numericLabel
}

// numericLabel is what 1b and 1f mean at the moment.
type numericLabel struct{ last, next *symbol }

// named gives the symbol called name, made if this is the first mention.
func (t *symbolTable) named(name string) *symbol {
	if s, ok := t.byName[name]; ok {
		return s
	}
	s := &symbol{name: name}
	t.byName[name] = s
	t.order = append(t.order, s)
	return s
}

func (t *symbolTable) numeric(n uint64) *numericLabel {
	l, ok := t.local[n]
	if !ok {
		l = &numericLabel{}
		t.local[n] = l
	}
	return l
}

// defineLabel gives the name at t the current place of the current section.
func (a *assembler) defineLabel(t token, name string) *fault {
	s := a.symbols.named(name)
	if f := a.checkUndefined(s, a.span(t)); f != nil {
		return f
	}
	a.placeLabel(s, a.span(t))
	return nil
}

func (a *assembler) placeLabel(s *symbol, at span) {
	s.state, s.section, s.place, s.def = symLabel, a.section, a.section.here(), at
}

// checkUndefined refuses a second definition of s.
func (a *assembler) checkUndefined(s *symbol, at span) *fault {
	if s.broken {
		return nil
	}
	if s.state != symUndefined {
		return faultAt(at, ErrRedefined, "%s is defined twice", s.name).
			note("first defined at %s", s.def.at())
	}
	return nil
}

// defineNumeric starts a new label n: what 1f meant so far is here.
func (a *assembler) defineNumeric(t token) {
	l := a.symbols.numeric(t.num)
	s := l.next
	if s == nil {
		s = &symbol{}
	}
	a.placeLabel(s, a.span(t))
	l.last, l.next = s, nil
}

// numericRef gives the symbol that 1f or 1b means here.
func (a *assembler) numericRef(t token) (*symbol, *fault) {
	l := a.symbols.numeric(t.num)
	if t.kind == tokBackward {
		if l.last == nil {
			return nil, faultAt(a.span(t), ErrUndefined, "no label %d stands before this line", t.num)
		}
		return l.last, nil
	}
	if l.next == nil {
		l.next = &symbol{ref: a.span(t)}
	}
	return l.next, nil
}

// use notes that the object depends on a symbol.
func (s *symbol) use(at span) {
	if s.ref.buf == nil {
		s.ref = at
	}
}
