package asm

import (
	"bytes"
	"fmt"
	"slices"
)

// maxVariableLines bounds the lines of one variable; what is behind them comes
// out as it looks.
const maxVariableLines = 512

// variableLines divides a section of variables as their types say, as far as
// there is something in them.
func (p *imagePrinter) variableLines(plan *sectionPlan) []dataLine {
	s := plan.s
	if p.types == nil || len(s.Data) == 0 || s.Name == mapsSection {
		return nil
	}
	var lines []dataLine
	end := uint64(0)
	for _, sym := range plan.symbols {
		id := p.types.vars[sym.Name]
		if id == 0 || sym.Value < end || sym.Size > uint64(len(s.Data))-sym.Value {
			continue
		}
		end = sym.Value + sym.Size
		f := flattener{p: p, plan: plan, end: end}
		f.add(id, sym.Value, "", 0)
		lines = append(lines, f.lines...)
	}
	return lines
}

// flattener makes lines of a variable's members.
type flattener struct {
	p     *imagePrinter
	plan  *sectionPlan
	end   uint64 // of the variable
	at    uint64 // end of the last line
	lines []dataLine
	steps int
}

// add makes the lines of a type at a place; what says which member it is.
func (f *flattener) add(id uint32, off uint64, what string, depth int) {
	t := f.p.types
	size, ok := t.sizeOf(id, 0)
	if f.steps++; !ok || depth > 16 || f.steps > maxVariableLines || off < f.at || size == 0 || size > f.end-min(off, f.end) || f.isEmpty(off, off+size) {
		return
	}
	r := t.resolved(id)
	switch r.kind {
	case btfStruct:
		for i := range int(r.vlen) {
			if f.steps > maxVariableLines {
				return
			}
			member := r.extra[12*i:]
			name, bits := t.string(t.order.Uint32(member)), t.order.Uint32(member[8:])
			if r.flag && bits>>24 != 0 || bits%8 != 0 {
				continue
			}
			if what != "" && name != "" {
				name = what + "." + name
			}
			f.add(t.order.Uint32(member[4:]), off+uint64(bits&0xffffff)/8, name, depth+1)
		}
	case btfArray:
		element := t.order.Uint32(r.extra)
		one, ok := t.sizeOf(element, 0)
		if !ok || one == 0 {
			return
		}
		e := t.resolved(element)
		if e.isWord() {
			if one > 1 || textLength(f.plan.s.Data[off:off+size]) == 0 {
				f.wordsOf(e, off, size, what)
			}
			return
		}
		for i := range size / one {
			if f.steps > maxVariableLines {
				return
			}
			f.add(element, off+i*one, fmt.Sprintf("%s[%d]", what, i), depth+1)
		}
	default:
		if r.isWord() {
			f.wordsOf(r, off, size, what)
		}
	}
}

// wordsOf adds lines of words.
func (f *flattener) wordsOf(r *btfRecord, off, size uint64, what string) {
	word := uint64(8)
	if r.kind != btfPtr {
		word = uint64(r.sizeType)
	}
	if word != 1 && word != 2 && word != 4 && word != 8 {
		return
	}
	signed := r.kind == btfInt && f.p.types.order.Uint32(r.extra)>>24&1 != 0 || r.kind == btfEnum && r.flag
	for size >= word {
		n := min(size/word, max(32/word, 4), 16)
		f.lines = append(f.lines, dataLine{off: off, size: int(word), words: int(n), signed: signed, comment: what})
		off, size = off+n*word, size-n*word
	}
	f.at = off
}

// isEmpty reports whether nothing but zeros is in a stretch of data.
func (f *flattener) isEmpty(off, end uint64) bool {
	i, _ := slices.BinarySearch(f.plan.refOffsets, off)
	hasRef := i < len(f.plan.refOffsets) && f.plan.refOffsets[i] < end
	return !hasRef && len(bytes.Trim(f.plan.s.Data[off:end], "\x00")) == 0
}

// isWord reports whether a type is a number or an address.
func (r *btfRecord) isWord() bool {
	switch r.kind {
	case btfInt, btfPtr, btfEnum, btfEnum64:
		return true
	}
	return false
}

// sizeOf is how many bytes a type has; false when that is not known.
func (t *btfText) sizeOf(id uint32, depth int) (uint64, bool) {
	r := t.resolved(id)
	if r == nil || depth > 16 {
		return 0, false
	}
	switch r.kind {
	case btfInt, btfStruct, btfUnion, btfEnum, btfFloat, btfEnum64:
		return uint64(r.sizeType), true
	case btfPtr:
		return 8, true
	case btfArray:
		one, ok := t.sizeOf(t.order.Uint32(r.extra), depth+1)
		n := uint64(t.order.Uint32(r.extra[8:]))
		if !ok || one > 1<<32 {
			return 0, false
		}
		return one * n, true
	}
	return 0, false
}
