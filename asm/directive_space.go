package asm

import (
	stdelf "debug/elf"
)

var spaceDirectives = map[string]handler{
	".zero":     (*assembler).doZero,
	".skip":     (*assembler).doZero,
	".space":    (*assembler).doZero,
	".fill":     (*assembler).doFill,
	".org":      (*assembler).doOrg,
	".align":    alignment(1, false),
	".balign":   alignment(1, false),
	".balignw":  alignment(2, false),
	".balignl":  alignment(4, false),
	".p2align":  alignment(1, true),
	".p2alignw": alignment(2, true),
	".p2alignl": alignment(4, true),
}

// maxAlign is the largest alignment of a section, in bytes.
const maxAlign = 1 << 31

// expressionAndFill reads an expression and, behind a comma, the byte to fill
// the space with; no pattern without one.
func (a *assembler) expressionAndFill() (e expr, at span, pattern []byte, f *fault) {
	if e, at, f = a.expression(); f != nil || !a.another() {
		return e, at, nil, f
	}
	fill, f := a.absoluteIn("the byte to fill with", -128, 255)
	return e, at, []byte{byte(fill)}, f
}

// doZero is .zero COUNT [, BYTE].
func (a *assembler) doZero(d token) *fault {
	count, at, pattern, f := a.expressionAndFill()
	if f != nil {
		return f
	}
	v, f := a.eval(count, at)
	switch {
	case f != nil:
		return f
	case !v.isNumber():
		return a.openGap(gap{kind: gapFill, expr: count, fill: pattern, at: at})
	case v.num < 0:
		return faultAt(at, ErrRange, "a size of %d bytes", v.num)
	}
	return a.reserve(uint64(v.num), pattern, at)
}

// reserve adds n bytes of a pattern, zeros if it is nil.
func (a *assembler) reserve(n uint64, pattern []byte, at span) *fault {
	s := a.section
	if n > maxSection || s.here().off+n > maxSection {
		return faultAt(at, ErrRange, "section %s would grow by %d bytes: more than %d in all are not supported", s.name, n, maxSection)
	}
	if s.typ != stdelf.SHT_NOBITS {
		if a.reserved += n; a.reserved > a.limits.reserved {
			return faultAt(at, ErrRange, "the object would have more than %d bytes", a.limits.reserved)
		}
		s.data = appendFill(s.data, n, pattern)
		return nil
	}
	if f := a.emit(pattern, at); f != nil {
		return f
	}
	s.length += n - uint64(len(pattern))
	return nil
}

// doFill is .fill COUNT [, SIZE [, VALUE]]: of SIZE bytes, at most the first
// four are VALUE's and the rest zeros.
func (a *assembler) doFill(d token) *fault {
	count, f := a.absoluteIn("the count", 0, maxSection)
	if f != nil {
		return f
	}
	size, value := int64(1), int64(0)
	if a.another() {
		if size, f = a.absoluteIn("the size", 0, 8); f != nil {
			return f
		}
		if a.another() {
			if value, _, f = a.absolute(); f != nil {
				return f
			}
		}
	}
	var b [8]byte
	a.putInt(b[:min(size, 4)], uint64(value))
	return a.reserve(uint64(count*size), b[:size], a.span(d))
}

// doOrg is .org OFFSET [, BYTE]: an offset into the section, or a label of it.
func (a *assembler) doOrg(d token) *fault {
	e, at, pattern, f := a.expressionAndFill()
	if f != nil {
		return f
	}
	return a.openGap(gap{kind: gapOrg, expr: e, fill: pattern, at: at})
}

// alignment makes the directives BOUNDARY [, FILL [, MOST]]. unit is how many
// bytes FILL has, and BOUNDARY the number of bytes or, for powers, its
// logarithm.
func alignment(unit int, power bool) handler {
	return func(a *assembler, d token) *fault {
		n, at, f := a.absolute()
		if f != nil {
			return f
		}
		align := uint64(n)
		if power {
			if n < 0 || n > 31 {
				return faultAt(at, ErrRange, "the power of two is %d, and must be from 0 to 31", n)
			}
			align = 1 << n
		}
		if n < 0 || align > maxAlign || align&(align-1) != 0 {
			return faultAt(at, ErrRange, "an alignment is a power of two, not %d", n)
		}
		var fill []byte
		var most int64
		if a.another() {
			if t := a.toks[a.i]; t.kind != tokComma && t.kind != tokEnd {
				v, f := a.absoluteIn("the fill", -1<<(8*unit-1), 1<<(8*unit)-1)
				if f != nil {
					return f
				}
				fill = make([]byte, unit)
				a.putInt(fill, uint64(v))
			}
			if a.another() {
				if most, f = a.absoluteIn("the most bytes to add", 0, maxSection); f != nil {
					return f
				}
			}
		}
		return a.alignTo(max(align, 1), fill, uint64(most), at)
	}
}

// alignTo pads the current section to a multiple of align bytes; with no
// operation if it holds instructions and no fill is given.
func (a *assembler) alignTo(align uint64, fill []byte, most uint64, at span) *fault {
	s := a.section
	s.align = max(s.align, align)
	if len(s.gaps) > 0 {
		return a.openGap(gap{kind: gapAlign, align: align, fill: fill, most: most, at: at})
	}
	pad := padding(s.here().off, align)
	switch {
	case most > 0 && pad > most:
		return nil
	case fill == nil && s.isExecutable() && pad <= a.limits.reserved:
		s.data = a.appendNops(s.data, int(pad))
		return nil
	}
	return a.reserve(pad, fill, at)
}

// appendNops adds n bytes that do nothing: zeros up to the next instruction,
// and then goto +0. (LLVM writes eight bytes that are no instruction there, or
// gives up.)
func (a *assembler) appendNops(b []byte, n int) []byte {
	for ; n%8 != 0; n-- {
		b = append(b, 0)
	}
	for ; n > 0; n -= 8 {
		b = append(b, 0x05, 0, 0, 0, 0, 0, 0, 0)
	}
	return b
}
