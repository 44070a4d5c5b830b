package asm

import (
	stdelf "debug/elf"
	"maps"
	"math"
	"slices"

	"ebtools/elf"
)

// What says of the object file what other directives leave to the assembler.
var objectDirectives = map[string]handler{
	".exact":  (*assembler).doExact,
	".reloc":  (*assembler).doReloc,
	".rename": (*assembler).doRename,
}

// exactly is what .exact says: the text has all that the object is to have.
// Nothing is added: no types, no .text, no alignment of instructions.
type exactly struct {
	exact bool
	text  *section // .text as every file begins with it
}

// doExact is .exact, before anything else.
func (a *assembler) doExact(d token) *fault {
	text := a.sections[0]
	if a.exact {
		return nil
	}
	if len(a.sections) > 1 || a.section != text || text.here() != (place{}) || a.previous != nil {
		return faultAt(a.span(d), ErrMisuse, ".exact stands before everything that goes into the object")
	}
	a.exactly, a.compiled = exactly{true, text}, true
	text.align = 1
	return nil
}

// dropText leaves out a .text that nothing asked for.
func (a *assembler) dropText() {
	if s := a.exactly.text; s != nil && !s.entered && s.here() == (place{}) && s.sym.ref.buf == nil {
		a.sections = a.sections[1:] // still the first
	}
}

// placedReloc is a relocation that the file writes as such.
type placedReloc struct {
	offset expr
	at     span
	typ    elf.RelocType
	to     *symbol // nil for none
	toAt   span
}

var relocTypes = func() map[string]elf.RelocType {
	types := map[string]elf.RelocType{}
	for _, t := range []elf.RelocType{elf.RelocNone, elf.Reloc64_64, elf.RelocABS64, elf.RelocABS32, elf.RelocNODYLD32, elf.Reloc64_32} {
		types[t.String()] = t
	}
	return types
}()

// doReloc is .reloc OFFSET, TYPE [, SYMBOL]: a relocation of the current section
// against the symbol itself or the section of that name. TYPE is a name
// (R_BPF_64_64) or a number. What is added to the symbol's value stands in the
// section.
func (a *assembler) doReloc(token) *fault {
	e, at, f := a.expression()
	if f != nil {
		return f
	}
	if _, f := a.expect(tokComma, "a comma and the type of the relocation"); f != nil {
		return f
	}
	r := placedReloc{offset: e, at: at}
	if t := a.toks[a.i]; t.kind == tokNumber {
		n, f := a.absoluteIn("the type", 0, math.MaxUint32)
		if f != nil {
			return f
		}
		r.typ = elf.RelocType(n)
	} else {
		word, t, f := a.name("a relocation type, as R_BPF_64_64")
		if f != nil {
			return f
		}
		typ, ok := relocTypes[word]
		if !ok {
			return faultAt(a.span(t), ErrSyntax, "unknown relocation type %s", word).suggest(word, slices.Sorted(maps.Keys(relocTypes)))
		}
		r.typ = typ
	}
	if a.another() {
		name, t, f := a.name("a symbol")
		if f != nil {
			return f
		}
		r.to, r.toAt = a.symbols.named(name), a.span(t)
	}
	a.section.placed = append(a.section.placed, r)
	return nil
}

// resolvePlaced settles the relocations that were written as such.
func (a *assembler) resolvePlaced(s *section) {
	for _, r := range s.placed {
		v, f := a.eval(r.offset, r.at)
		switch {
		case f != nil:
		case v.sub == nil && v.add != nil && v.add.state == symLabel && v.add.section == s:
			v.num += int64(s.address(v.add.place))
		case !v.isNumber():
			f = a.notNumber(v, r.at)
		}
		if f == nil && v.num < 0 {
			f = faultAt(r.at, ErrRange, "offset %d is before the section's beginning", v.num)
		}
		to := r.to
		if f == nil && to != nil && to.state == symUndefined && !to.bound {
			if section, ok := a.byName[to.name]; ok {
				to = section.sym
			}
		}
		switch {
		case f == told:
		case f != nil:
			a.report(f)
		case to != nil && to.state == symUndefined && !to.bound && !to.isWeakly && !a.compiled:
			a.report(a.undefined(to, r.toAt))
		default:
			if to != nil {
				to.use(r.toAt)
				to.isDirectly, to.kept = true, true
			}
			s.relocs = append(s.relocs, relocation{uint64(v.num), r.typ, to})
		}
	}
	s.placed = nil
}

// doRename is .rename SYMBOL, "NAME": what the symbol is called in the object's
// symbol table. So names that the text can't write, or has already for another
// symbol, stand there too; "" is no name.
func (a *assembler) doRename(token) *fault {
	name, _, f := a.name("a symbol")
	if f != nil {
		return f
	}
	if _, f := a.expect(tokComma, "a comma and the symbol's name in the object"); f != nil {
		return f
	}
	t := a.toks[a.i]
	renamed, f := a.quoted("a name in double quotes")
	if f != nil {
		return f
	}
	for i := range len(renamed) {
		if renamed[i] == 0 {
			return faultAt(a.span(t), ErrSyntax, "a name in an object can't have a zero byte")
		}
	}
	s := a.symbols.named(name)
	m := s.extra()
	m.renamed, m.name = true, renamed
	s.kept = true
	return nil
}

// outName is what a symbol is called in the object.
func (s *symbol) outName() string {
	if s.more != nil && s.more.renamed {
		return s.more.name
	}
	return s.name
}

// numberedType takes a symbol's type by its number, as in .type NAME, @10.
func (a *assembler) numberedType(s *symbol) *fault {
	n, f := a.absoluteIn("the type", 0, 15)
	if f == nil {
		s.typ, s.typed = stdelf.SymType(n), true
	}
	return f
}
