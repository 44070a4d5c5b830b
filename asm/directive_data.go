package asm

import (
	stdelf "debug/elf"
	"math"
	"strconv"
	"strings"

	"ebtools/bpf"
)

var dataDirectives = map[string]handler{
	".byte": integers(1), ".1byte": integers(1),
	".short": integers(2), ".2byte": integers(2), ".hword": integers(2), ".value": integers(2),
	".long": integers(4), ".4byte": integers(4), ".int": integers(4),
	".quad": integers(8), ".8byte": integers(8), ".xword": integers(8),
	".half": integers(2), ".word": integers(4), ".dword": integers(8), // GNU as for BPF
	".octa":    (*assembler).doOcta,
	".uleb128": leb128(gapUnsigned),
	".sleb128": leb128(gapSigned),
	".ascii":   text(""),
	".asciz":   text("\x00"),
	".string":  text("\x00"),
	".float":   reals(4), ".single": reals(4), ".double": reals(8),
}

// emit adds bytes to the current section.
func (a *assembler) emit(b []byte, at span) *fault {
	s := a.section
	a.noteLocation()
	if s.typ == stdelf.SHT_NOBITS {
		for _, c := range b {
			if c != 0 {
				return faultAt(at, ErrMisuse, "section %s has no content in the file: only zeros can stand there", s.name)
			}
		}
		s.length += uint64(len(b))
		return nil
	}
	s.data = append(s.data, b...)
	return nil
}

// putInt writes the low bytes of n in the object's byte order.
func (a *assembler) putInt(b []byte, n uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(n)
	case 2:
		a.order.PutUint16(b, uint16(n))
	case 4:
		a.order.PutUint32(b, uint32(n))
	case 8:
		a.order.PutUint64(b, n)
	default:
		for i := range b {
			j := i
			if bpf.IsBigEndian(a.order) {
				j = len(b) - 1 - i
			}
			b[j] = byte(n >> (8 * i))
		}
	}
}

// integers makes the directives that take a list of numbers or addresses of
// some size in bytes.
func integers(size int) handler {
	kind := map[int]fixKind{1: fixData1, 2: fixData2, 4: fixData4, 8: fixData8}[size]
	return func(a *assembler, d token) *fault {
		if a.atEnd() {
			return nil
		}
		return a.list(func() *fault { return a.integer(size, kind) })
	}
}

func (a *assembler) integer(size int, kind fixKind) *fault {
	e, at, f := a.expression()
	if f != nil {
		return f
	}
	if e.isNumber() {
		if f := checkData(e.num, size, at); f != nil {
			return f
		}
	} else {
		if a.section.typ == stdelf.SHT_NOBITS {
			return faultAt(at, ErrMisuse, "section %s has no content in the file: only zeros can stand there", a.section.name)
		}
		a.section.fixups = append(a.section.fixups, fixup{a.section.here(), kind, e, at})
	}
	var b [8]byte
	a.putInt(b[:size], uint64(e.num))
	return a.emit(b[:size], at)
}

// checkData refuses numbers that fit neither as signed nor as unsigned.
func checkData(n int64, size int, at span) *fault {
	if size == 8 {
		return nil
	}
	low, high := -(int64(1) << (8*size - 1)), int64(1)<<(8*size)-1
	if n < low || n > high {
		return faultAt(at, ErrRange, "%d does not fit in %d byte%s: from %d to %d", n, size, plural(size), low, high)
	}
	return nil
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}

// doOcta takes numbers of 16 bytes.
func (a *assembler) doOcta(token) *fault {
	return a.list(func() *fault {
		negative := a.accept(tokMinus)
		t := a.toks[a.i]
		if t.kind != tokNumber && t.kind != tokBig {
			return a.unexpected(t, "a number")
		}
		a.i++
		hi, lo := uint64(0), t.num
		if t.kind == tokBig {
			digits, base := splitBase(strings.TrimRight(a.text(t), "uUlL"))
			var ok bool
			if hi, lo, ok = parseWide(digits, base); !ok {
				return faultAt(a.span(t), ErrRange, "%s does not fit in 16 bytes", a.text(t))
			}
		}
		if negative {
			hi, lo = ^hi, -lo
			if lo == 0 {
				hi++
			}
		}
		var b [16]byte
		first, second := b[:8], b[8:]
		if bpf.IsBigEndian(a.order) {
			first, second = second, first
		}
		a.putInt(first, lo)
		a.putInt(second, hi)
		return a.emit(b[:], a.span(t))
	})
}

// leb128 makes the directives for numbers of variable length.
func leb128(kind gapKind) handler {
	return func(a *assembler, d token) *fault {
		return a.list(func() *fault {
			e, at, f := a.expression()
			switch {
			case f != nil:
				return f
			case !e.isNumber():
				return a.openGap(gap{kind: kind, expr: e, at: at})
			case kind == gapSigned:
				return a.emit(appendSigned(nil, e.num, 0), at)
			}
			return a.emit(appendUnsigned(nil, uint64(e.num), 0), at)
		})
	}
}

// openGap leaves room in the current section for what is not known yet.
func (a *assembler) openGap(g gap) *fault {
	s := a.section
	if s.typ == stdelf.SHT_NOBITS && (g.kind == gapUnsigned || g.kind == gapSigned) {
		return faultAt(g.at, ErrMisuse, "section %s has no content in the file: only zeros can stand there", s.name)
	}
	g.off = s.here().off
	s.gaps = append(s.gaps, g)
	return nil
}

// text makes the directives for strings, each of which ends in end.
func text(end string) handler {
	return func(a *assembler, d token) *fault {
		if a.atEnd() {
			return nil
		}
		return a.list(func() *fault {
			t := a.toks[a.i]
			s, f := a.quoted("a string in double quotes")
			if f != nil {
				return f
			}
			return a.emit([]byte(s+end), a.span(t))
		})
	}
}

// reals makes the directives for floating-point numbers.
func reals(size int) handler {
	return func(a *assembler, d token) *fault {
		return a.list(func() *fault {
			start := a.i
			if !a.accept(tokMinus) {
				a.accept(tokPlus)
			}
			t := a.toks[a.i]
			if t.kind != tokReal && t.kind != tokNumber && t.kind != tokIdent {
				return a.unexpected(t, "a number")
			}
			a.i++
			at := a.spanOf(start, a.i)
			v, err := strconv.ParseFloat(strings.ReplaceAll(at.text(), " ", ""), 8*size)
			if err != nil {
				return faultAt(at, ErrSyntax, "%s is not a number of %d bytes", at.text(), size)
			}
			var b [8]byte
			if size == 4 {
				a.putInt(b[:4], uint64(math.Float32bits(float32(v))))
			} else {
				a.putInt(b[:8], math.Float64bits(v))
			}
			return a.emit(b[:size], at)
		})
	}
}
