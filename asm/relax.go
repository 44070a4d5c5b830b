package asm

import (
	stdelf "debug/elf"
	"math"
)

// gapKind says what decides the size of a gap.
type gapKind uint8

const (
	gapUnsigned gapKind = iota // an unsigned LEB128 number
	gapSigned                  // a signed LEB128 number
	gapAlign                   // padding up to an alignment
	gapOrg                     // padding up to an offset
	gapFill                    // a number of bytes
)

// gap is a stretch of a section whose size is not known when it is read,
// because it depends on something further down in the file. Most sections have
// none.
type gap struct {
	off   uint64 // in the section's data, where the gap is missing
	kind  gapKind
	expr  expr // the number, offset or count
	align uint64
	most  uint64 // padding of more bytes than this is left out; 0: no limit
	fill  []byte // repeated over padding
	at    span
	size  uint64
	bytes []byte // of LEB128
}

// maxSection bounds a section, in bytes.
const maxSection = math.MaxInt32

// maxPasses is how often relax looks at all gaps. Compilers' output needs two
// or three.
const maxPasses = 1000

// relax gives all gaps their sizes. A size may depend on distances that other
// gaps are part of, so this goes on until nothing changes.
func (a *assembler) relax() {
	var open []*section
	for _, s := range a.sections {
		if len(s.gaps) > 0 {
			open = append(open, s)
			s.base = make([]uint64, len(s.gaps)+1)
			s.visited = len(s.gaps)
		}
	}
	var last span
	for pass, changed := 0, true; changed; pass++ {
		changed = false
		if pass == maxPasses {
			a.report(faultAt(last, ErrMisuse, "this size depends on itself, and never settles"))
			break
		}
		for _, s := range open {
			for i := range s.gaps {
				g := &s.gaps[i]
				s.visit(i)
				size, f := a.measure(s, g, i)
				if f != nil {
					if f != told {
						a.report(f)
					}
					g.kind, g.align, size = gapAlign, 1, 0
				}
				if size != g.size {
					s.moved += size - g.size
					g.size, changed, last = size, true, g.at
				}
			}
			s.visit(len(s.gaps))
		}
	}
	for _, s := range open {
		a.fillGaps(s)
	}
}

// visit makes gap i, or what lies behind the last one, the current gap of a
// pass. What the gaps in front of it have grown by in this pass is added to its
// base now, and to those behind it when they are asked for: so that a pass takes
// time in proportion to the gaps, and all distances are right at any moment.
func (s *section) visit(i int) {
	if i == 0 {
		s.moved = 0
	}
	s.base[i] += s.moved
	s.visited = i
}

// measure gives the size that gap i should have as things stand.
func (a *assembler) measure(s *section, g *gap, i int) (uint64, *fault) {
	start := g.off + s.base[i]
	switch g.kind {
	case gapAlign:
		pad := padding(start, g.align)
		if g.most > 0 && pad > g.most {
			pad = 0
		}
		return pad, nil
	case gapOrg:
		to, f := a.offsetIn(s, g.expr, g.at)
		if f != nil {
			return 0, f
		}
		if to < int64(start) {
			return 0, faultAt(g.at, ErrRange, ".org can't go back: it asks for offset %d, and section %s is %d bytes long here", to, s.name, start)
		}
		return uint64(to) - start, a.checkLength(s, uint64(to), g.at)
	}
	n, f := a.evalNumber(g.expr, g.at)
	if f != nil {
		return 0, f
	}
	switch g.kind {
	case gapFill:
		if n < 0 {
			return 0, faultAt(g.at, ErrRange, "a size of %d bytes", n)
		}
		return uint64(n), a.checkLength(s, start+uint64(n), g.at)
	case gapUnsigned:
		g.bytes = appendUnsigned(g.bytes[:0], uint64(n), int(g.size))
	default:
		g.bytes = appendSigned(g.bytes[:0], n, int(g.size))
	}
	return uint64(len(g.bytes)), nil
}

// offsetIn gives the offset into s that .org names: a number, or a label of s.
func (a *assembler) offsetIn(s *section, e expr, at span) (int64, *fault) {
	v, f := a.eval(e, at)
	switch {
	case f != nil:
		return 0, f
	case v.isNumber():
		return v.num, nil
	case v.sub == nil && v.add.state == symLabel && v.add.section == s:
		return int64(s.address(v.add.place)) + v.num, nil
	}
	return 0, a.notNumber(v, at)
}

func (a *assembler) checkLength(s *section, n uint64, at span) *fault {
	limit := uint64(maxSection)
	if s.typ != stdelf.SHT_NOBITS {
		limit = a.limits.reserved
	}
	if n > limit {
		return faultAt(at, ErrRange, "section %s would grow to %d bytes: more than %d are not supported", s.name, n, limit)
	}
	return nil
}

// fillGaps puts the content of the gaps into the section's data.
func (a *assembler) fillGaps(s *section) {
	if s.typ == stdelf.SHT_NOBITS {
		s.length += s.base[len(s.gaps)]
		return
	}
	out := make([]byte, 0, uint64(len(s.data))+s.base[len(s.gaps)])
	last := uint64(0)
	for i := range s.gaps {
		g := &s.gaps[i]
		out = append(out, s.data[last:g.off]...)
		last = g.off
		switch {
		case g.bytes != nil:
			out = append(out, g.bytes...)
		case g.kind == gapAlign && g.fill == nil && s.isExecutable():
			out = a.appendNops(out, int(g.size))
		default:
			out = appendFill(out, g.size, g.fill)
		}
	}
	s.data = append(out, s.data[last:]...)
}

// appendFill adds n bytes of a repeated pattern, zeros if there is none.
func appendFill(b []byte, n uint64, pattern []byte) []byte {
	if len(pattern) == 0 {
		return append(b, make([]byte, n)...)
	}
	for ; n >= uint64(len(pattern)); n -= uint64(len(pattern)) {
		b = append(b, pattern...)
	}
	return append(b, pattern[:n]...)
}

// padding gives how many bytes are missing to a multiple of align.
func padding(off, align uint64) uint64 {
	if align <= 1 {
		return 0
	}
	return (align - off%align) % align
}

// appendUnsigned writes n in LEB128, in at least size bytes.
func appendUnsigned(b []byte, n uint64, size int) []byte {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		if n == 0 && len(b)+1 >= size {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// appendSigned writes n in signed LEB128, in at least size bytes.
func appendSigned(b []byte, n int64, size int) []byte {
	for {
		c := byte(n & 0x7f)
		n >>= 7
		last := n == 0 && c&0x40 == 0 || n == -1 && c&0x40 != 0
		if last && len(b)+1 >= size {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
