package asm

import (
	"bytes"
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"slices"
	"strings"

	"ebtools/elf"
)

// isConstant reports whether a section holds data that programs only read.
func isConstant(s *elf.Section) bool {
	return s.Flags&(stdelf.SHF_ALLOC|stdelf.SHF_WRITE|stdelf.SHF_EXECINSTR) == stdelf.SHF_ALLOC
}

// oddAt finds the first odd relocation at or behind a place.
func (plan *sectionPlan) oddAt(off uint64) (int, bool) {
	return slices.BinarySearchFunc(plan.odd, off, func(r elf.Relocation, off uint64) int { return cmp.Compare(r.Offset, off) })
}

// dataLine is a stretch of data that belongs on a line: words of some size.
type dataLine struct {
	off     uint64
	size    int // bytes a word has: 1, 2, 4 or 8; 0 for text or what the bytes look like
	words   int // how many; bytes when size is 0
	signed  bool
	hex     bool
	comment string
	blank   bool // an empty line before it
}

func (d *dataLine) end() uint64 { return d.off + uint64(max(d.size, 1)*d.words) }

// data writes a section that holds no instructions.
func (p *imagePrinter) data(plan *sectionPlan) {
	labels := p.newLabels(plan)
	at := uint64(0)
	for _, d := range p.layout(plan) {
		if p.tooLong {
			return
		}
		if at = p.plainData(plan, labels, at, d.off); at == d.off { // else an address reaches into it
			at = p.words(plan, labels, d)
		}
	}
	p.plainData(plan, labels, at, plan.s.Len())
	labels.at(plan.s.Len(), func() {})
	labels.finish()
}

// layout says how the sections are divided that are for loaders, in ascending
// order.
func (p *imagePrinter) layout(plan *sectionPlan) []dataLine {
	switch {
	case plan.s.Name == ".BTF" && p.types != nil && p.types.s == plan.s:
		return p.types.lines
	case plan.s.Name == ".BTF.ext" && p.ext != nil && p.ext.s == plan.s:
		return p.ext.lines
	}
	return p.variableLines(plan)
}

// nextBreak gives the next place, end at most, where a label or an address
// stands or something ends.
func (p *imagePrinter) nextBreak(plan *sectionPlan, labels *labelsWriter, at, end uint64) uint64 {
	next := end
	if e := labels.open.next(); e > at {
		next = min(next, e)
	}
	for _, list := range [][]uint64{plan.labelOffsets, plan.refOffsets} {
		if i, _ := slices.BinarySearch(list, at+1); i < len(list) {
			next = min(next, list[i])
		}
	}
	return next
}

// plainData writes the bytes from at to end as they look, and gives where it
// ended: an address may reach further.
func (p *imagePrinter) plainData(plan *sectionPlan, labels *labelsWriter, at, end uint64) uint64 {
	for at < end && !p.tooLong {
		labels.at(at, func() {})
		next := p.nextBreak(plan, labels, at, end)
		if ref := plan.refs[at]; ref != nil && plan.starts == nil {
			p.line(dataWord(int(ref.size))+" "+p.refText(ref), "")
			at += ref.size
			continue
		}
		if plan.s.Type == stdelf.SHT_NOBITS {
			p.printf("\t.zero %d\n", next-at)
		} else {
			p.bytes(plan, plan.s.Data[at:next])
		}
		at = next
	}
	return at
}

// words writes a line of words, in which addresses may stand; what is divided in
// any other way comes out as it looks.
func (p *imagePrinter) words(plan *sectionPlan, labels *labelsWriter, d dataLine) (at uint64) {
	if d.blank {
		p.printf("\n")
	}
	end := d.end()
	if !plan.isWhole(d) {
		return p.plainData(plan, labels, d.off, end)
	}
	labels.at(d.off, func() {})
	switch {
	case d.size == 0:
		b := plan.s.Data[d.off:end]
		if n := len(b) - 1; n >= 0 && b[n] == 0 && bytes.IndexByte(b, 0) == n {
			p.line(".asciz "+quote(string(b[:n])), d.comment)
		} else {
			p.line(".ascii "+quote(string(b)), d.comment)
		}
	default:
		texts := make([]string, d.words)
		for i := range texts {
			at := d.off + uint64(i*d.size)
			switch ref := plan.refs[at]; {
			case ref != nil:
				texts[i] = p.refText(ref)
			case plan.distances[at] != nil:
				texts[i] = p.distanceText(plan.distances[at], uint64(p.order.Uint32(plan.s.Data[at:])))
			case d.hex:
				texts[i] = fmt.Sprintf("%#x", p.order.Uint16(plan.s.Data[at:]))
			default:
				texts[i] = p.number(plan.s.Data[at:], d.size, d.signed)
			}
		}
		p.line(dataWord(d.size)+" "+strings.Join(texts, ", "), d.comment)
	}
	return end
}

// isWhole reports whether no label stands within a line, and no address that is
// not one of its words.
func (plan *sectionPlan) isWhole(d dataLine) bool {
	off, end := d.off, d.end()
	i, _ := slices.BinarySearch(plan.labelOffsets, off+1)
	if i < len(plan.labelOffsets) && plan.labelOffsets[i] < end {
		return false
	}
	for i, _ = slices.BinarySearch(plan.refOffsets, off); i < len(plan.refOffsets) && plan.refOffsets[i] < end; i++ {
		at := plan.refOffsets[i]
		if size := uint64(d.size); plan.refs[at].size != size || (at-off)%size != 0 {
			return false
		}
	}
	return true
}

func dataWord(size int) string {
	switch size {
	case 1:
		return ".byte"
	case 2:
		return ".short"
	case 4:
		return ".long"
	}
	return ".quad"
}

// number writes the number of some size at the start of b.
func (p *imagePrinter) number(b []byte, size int, signed bool) string {
	var v uint64
	switch size {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(p.order.Uint16(b))
	case 4:
		v = uint64(p.order.Uint32(b))
	default:
		v = p.order.Uint64(b)
	}
	if shift := 64 - 8*size; signed {
		return fmt.Sprint(int64(v<<shift) >> shift)
	}
	if v > 1<<16 && size > 2 {
		return fmt.Sprintf("%#x", v)
	}
	return fmt.Sprint(v)
}

// minZeros is how many zero bytes in a row are worth a line of their own.
const minZeros = 8

// bytes writes bytes that nothing is known of: zeros, text, or numbers.
func (p *imagePrinter) bytes(plan *sectionPlan, b []byte) {
	for len(b) > 0 && !p.tooLong {
		zeros := len(b) - len(bytes.TrimLeft(b, "\x00"))
		if zeros == len(b) || zeros >= minZeros {
			p.printf("\t.zero %d\n", zeros)
			b = b[zeros:]
			continue
		}
		if n := textLength(b); n > 0 {
			switch {
			case n < len(b):
				p.printf("\t.asciz %s\n", quote(string(b[:n])))
				n++
			default:
				p.printf("\t.ascii %s\n", quote(string(b[:n])))
			}
			b = b[n:]
			continue
		}
		switch len(b) {
		case 2, 4, 8:
			p.printf("\t%s %s\n", dataWord(len(b)), p.number(b, len(b), false))
			return
		}
		n := numbersLength(b)
		size := 1
		switch {
		case n%8 == 0:
			size = 8
		case n%4 == 0:
			size = 4
		}
		for chunk := range slices.Chunk(b[:n], 16) {
			texts := make([]string, 0, 16)
			for i := 0; i < len(chunk); i += size {
				texts = append(texts, p.number(chunk[i:], size, false))
			}
			p.printf("\t%s %s\n", dataWord(size), strings.Join(texts, ", "))
		}
		b = b[n:]
	}
}

// textLength gives how many bytes of text b begins with: a few at least, with a
// zero behind them or nothing at all.
func textLength(b []byte) int {
	n := 0
	for n < len(b) && n < 4096 && (b[n] >= ' ' && b[n] < 0x7f || b[n] == '\n' || b[n] == '\t') {
		n++
	}
	if n < len(b) && b[n] != 0 && n < 4096 || n < 3 && n != len(b)-1 || n < 3 && len(b) <= 8 && len(b)&(len(b)-1) == 0 {
		return 0
	}
	return n
}

// numbersLength gives how many bytes go before a run of zeros.
func numbersLength(b []byte) int {
	zeros := 0
	for i, c := range b {
		if zeros++; c != 0 {
			zeros = 0
		}
		if zeros == 2*minZeros {
			return max((i+1-zeros+7)&^7, 1)
		}
	}
	return len(b)
}
