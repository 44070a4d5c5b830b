package asm

import (
	stdelf "debug/elf"
	"strings"
)

var symbolDirectives = map[string]handler{
	".globl":         bindTo(stdelf.STB_GLOBAL),
	".global":        bindTo(stdelf.STB_GLOBAL),
	".extern":        bindTo(stdelf.STB_GLOBAL),
	".weak":          bindTo(stdelf.STB_WEAK),
	".local":         bindTo(stdelf.STB_LOCAL),
	".hidden":        showAs(stdelf.STV_HIDDEN),
	".protected":     showAs(stdelf.STV_PROTECTED),
	".internal":      showAs(stdelf.STV_INTERNAL),
	".type":          (*assembler).doType,
	".size":          (*assembler).doSize,
	".set":           assignment(true),
	".equ":           assignment(true),
	".equiv":         assignment(false),
	".comm":          (*assembler).doComm,
	".common":        (*assembler).doComm,
	".lcomm":         (*assembler).doLocalComm,
	".addrsig":       (*assembler).doAddrsig,
	".addrsig_sym":   (*assembler).doAddrsigSymbol,
	".no_dead_strip": nameIgnored,
}

// symbolsNamed calls do for each of a list of symbols.
func (a *assembler) symbolsNamed(do func(*symbol, span) *fault) *fault {
	return a.list(func() *fault {
		name, t, f := a.name("a symbol")
		if f != nil {
			return f
		}
		return do(a.symbols.named(name), a.span(t))
	})
}

// bindTo makes the directives that say how a linker sees a name.
func bindTo(bind stdelf.SymBind) handler {
	return func(a *assembler, d token) *fault {
		return a.symbolsNamed(func(s *symbol, at span) *fault {
			if s.bound && s.bind != bind {
				if s.bind == stdelf.STB_WEAK && bind == stdelf.STB_GLOBAL {
					return nil // weak is the stronger word of the two
				}
				if bind != stdelf.STB_WEAK {
					return faultAt(at, ErrRedefined, "%s is %s already, and can't be %s too", s.name, bindNames[s.bind], bindNames[bind])
				}
			}
			if bind != stdelf.STB_LOCAL && strings.HasPrefix(s.name, ".L") {
				return faultAt(at, ErrMisuse, "names that begin with .L are only for the assembler: %s can't be %s", s.name, bindNames[bind])
			}
			s.bind, s.bound = bind, true
			return nil
		})
	}
}

var bindNames = map[stdelf.SymBind]string{
	stdelf.STB_LOCAL: "local", stdelf.STB_GLOBAL: "global", stdelf.STB_WEAK: "weak",
}

// showAs makes the directives that say how far a name is seen.
func showAs(vis stdelf.SymVis) handler {
	return func(a *assembler, d token) *fault {
		return a.symbolsNamed(func(s *symbol, _ span) *fault {
			s.vis = vis
			return nil
		})
	}
}

var symbolTypes = map[string]stdelf.SymType{
	"function": stdelf.STT_FUNC, "stt_func": stdelf.STT_FUNC,
	"object": stdelf.STT_OBJECT, "stt_object": stdelf.STT_OBJECT, "gnu_unique_object": stdelf.STT_OBJECT,
	"notype": stdelf.STT_NOTYPE, "stt_notype": stdelf.STT_NOTYPE,
	"tls_object": stdelf.STT_TLS, "stt_tls": stdelf.STT_TLS,
	"common": stdelf.STT_COMMON, "stt_common": stdelf.STT_COMMON,
}

// doType is .type NAME, @function; also with %, quotes, or STT_FUNC, and @10 for a
// type by its number. Types of C go into BTF: .type NAME, struct flow.
func (a *assembler) doType(token) *fault {
	name, _, f := a.name("a symbol")
	if f != nil {
		return f
	}
	a.another()
	if a.isDeclaration(a.toks[a.i]) {
		return a.declareType(a.symbols.named(name))
	}
	if at := a.accept(tokAt); !at {
		a.accept(tokPercent)
	} else if a.toks[a.i].kind == tokNumber {
		return a.numberedType(a.symbols.named(name))
	}
	word, t, f := a.name("a symbol's type, as @function or @object")
	if f != nil {
		return f
	}
	typ, ok := symbolTypes[strings.ToLower(word)]
	if !ok {
		return faultAt(a.span(t), ErrSyntax, "unknown symbol type %s: @function and @object are usual, or a type of C", word).suggest(word, scalarNames())
	}
	s := a.symbols.named(name)
	s.typ, s.typed = typ, true
	return nil
}

// doSize is .size NAME, EXPRESSION.
func (a *assembler) doSize(token) *fault {
	name, _, f := a.name("a symbol")
	if f != nil {
		return f
	}
	if _, f := a.expect(tokComma, "a comma and the symbol's size in bytes"); f != nil {
		return f
	}
	e, at, f := a.expression()
	if f != nil {
		return f
	}
	m := a.symbols.named(name).extra()
	m.size, m.hasSize, m.sizeAt = e, true, at
	return nil
}

// assignment makes .set and .equ, which may change a name again, and .equiv.
func assignment(again bool) handler {
	return func(a *assembler, d token) *fault {
		name, t, f := a.name("a symbol")
		if f != nil {
			return f
		}
		if _, f := a.expect(tokComma, "a comma and a value"); f != nil {
			return f
		}
		return a.assign(t, name, again)
	}
}

// assign gives a name the value of the expression that follows.
func (a *assembler) assign(t token, name string, again bool) *fault {
	p := exprParser{a: a, i: a.i, insn: true}
	e, f := p.expression(1)
	at := a.spanOf(a.i, p.i)
	a.i = p.i
	s := a.symbols.named(name)
	switch {
	case f != nil:
		s.broken = s.broken || s.state == symUndefined
		return f
	case s.state != symUndefined && !(again && s.mayChange && s.more.value.isNumber()):
		return a.checkUndefined(s, a.span(t))
	case e.add == s || e.sub == s:
		return faultAt(at, ErrMisuse, "the value of %s depends on itself", name)
	}
	// What is a number by now keeps its value, whatever the names in it become.
	if !e.isNumber() {
		if v, f := a.eval(e, at); f == nil && v.isNumber() {
			e = number(v.num)
		}
	}
	s.state, s.mayChange, s.def = symVariable, again, a.span(t)
	s.extra().value = e
	return nil
}

// doComm is .comm NAME, SIZE [, ALIGNMENT]: uninitialised data that the linker
// places, or .bss if the name is local.
func (a *assembler) doComm(token) *fault {
	s, t, size, align, f := a.commOperands()
	if f != nil {
		return f
	}
	if s.bound && s.bind == stdelf.STB_LOCAL {
		return a.inBSS(s, t, size, align)
	}
	if f := a.checkUndefined(s, a.span(t)); f != nil {
		return f
	}
	s.state, s.def = symCommon, a.span(t)
	if !s.bound {
		s.bind, s.bound = stdelf.STB_GLOBAL, true
	}
	m := s.extra()
	m.length, m.align = size, max(align, 1)
	return nil
}

// doLocalComm is .lcomm NAME, SIZE [, ALIGNMENT].
func (a *assembler) doLocalComm(token) *fault {
	s, t, size, align, f := a.commOperands()
	if f != nil {
		return f
	}
	s.bind, s.bound = stdelf.STB_LOCAL, true
	return a.inBSS(s, t, size, align)
}

func (a *assembler) commOperands() (s *symbol, t token, size, align uint64, f *fault) {
	name, t, f := a.name("a symbol")
	if f != nil {
		return nil, t, 0, 0, f
	}
	if _, f := a.expect(tokComma, "a comma and a size in bytes"); f != nil {
		return nil, t, 0, 0, f
	}
	n, f := a.absoluteIn("the size", 0, maxSection)
	if f == nil && a.another() {
		at := a.toks[a.i]
		var al int64
		al, f = a.absoluteIn("the alignment", 0, maxAlign)
		align = uint64(al)
		if f == nil && align&(align-1) != 0 {
			f = faultAt(a.span(at), ErrRange, "an alignment is a power of two, not %d", align)
		}
	}
	return a.symbols.named(name), t, uint64(n), align, f
}

// inBSS defines s as a variable at the end of .bss.
func (a *assembler) inBSS(s *symbol, t token, size, align uint64) *fault {
	if f := a.checkUndefined(s, a.span(t)); f != nil {
		return f
	}
	return a.within(a.sectionNamed(".bss"), func() *fault {
		if f := a.alignTo(max(align, 1), nil, 0, a.span(t)); f != nil {
			return f
		}
		a.placeLabel(s, a.span(t))
		s.typ, s.typed = stdelf.STT_OBJECT, true
		m := s.extra()
		m.size, m.hasSize = number(int64(size)), true
		return a.reserve(size, nil, a.span(t))
	})
}

// doAddrsig tells that a compiler wrote the file: it means the names it leaves
// undefined.
func (a *assembler) doAddrsig(token) *fault {
	a.compiled, a.significant = true, true
	return nil
}

// doAddrsigSymbol is .addrsig_sym NAME: its address is compared, so a linker must
// not merge it with another.
func (a *assembler) doAddrsigSymbol(token) *fault {
	return a.symbolsNamed(func(s *symbol, _ span) *fault {
		a.significantSymbols = append(a.significantSymbols, s)
		return nil
	})
}

// nameIgnored is a directive about a symbol that changes nothing here.
func nameIgnored(a *assembler, _ token) *fault {
	return a.symbolsNamed(func(*symbol, span) *fault { return nil })
}

// ignored skips the operands of a directive that changes nothing here.
func (a *assembler) ignored(token) *fault {
	a.i = len(a.toks) - 1
	return nil
}
