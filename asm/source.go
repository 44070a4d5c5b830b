package asm

import (
	"sort"
	"strings"

	"ebtools/bpf"
)

// maxSource is how large a source may be, in bytes: offsets are 32 bits.
const maxSource = 1 << 30

// buffer is a text being assembled: a file, or what a macro expanded to.
type buffer struct {
	name  string
	text  string
	lines []uint32 // where each line begins; made when first asked for
	kind  textKind // found out when first asked for

	// An expansion or included file knows what asked for it.
	outer span
	title string // "macro name"; "" for a file
}

// span is a stretch of a buffer: where something was written.
type span struct {
	buf        *buffer
	start, end uint32
}

func (s span) text() string { return s.buf.text[s.start:s.end] }

// line gives the number of the line that holds off, counting from 1, and where
// it begins and ends.
func (b *buffer) line(off uint32) (number int, start, end uint32) {
	if b.lines == nil {
		b.lines = append(b.lines, 0)
		for i := 0; ; {
			n := strings.IndexByte(b.text[i:], '\n')
			if n < 0 {
				break
			}
			i += n + 1
			b.lines = append(b.lines, uint32(i))
		}
	}
	number = sort.Search(len(b.lines), func(i int) bool { return b.lines[i] > off })
	start, end = b.lines[number-1], uint32(len(b.text))
	if number < len(b.lines) {
		end = b.lines[number] - 1
	}
	return number, start, end
}

// maxNotes is how many expansions within each other a message quotes.
const maxNotes = 3

// place gives the position of a span, the text of its line, and how much of the
// line it covers, in bytes. What stands in an expansion is placed where the
// expansion was asked for, with notes that quote the expanded lines.
func (s span) place() (pos bpf.Pos, line string, length int, notes []string) {
	for s.buf.title != "" {
		n, start, end := s.buf.line(s.start)
		text := strings.TrimSpace(s.buf.text[start:end])
		if len(notes) < maxNotes {
			notes = append(notes, "in line "+itoa(n)+" of "+s.buf.title+": "+text)
		}
		s = s.buf.outer
	}
	for from := s.buf.outer; from.buf != nil && len(notes) < maxNotes; from = from.buf.outer {
		n, _, _ := from.buf.line(from.start)
		notes = append(notes, "included from "+from.buf.name+":"+itoa(n))
	}
	n, start, end := s.buf.line(s.start)
	pos = bpf.Pos{File: s.buf.name, Line: n, Col: int(s.start-start) + 1}
	return pos, strings.TrimRight(s.buf.text[start:end], "\r"), int(min(s.end, end) - min(s.start, end)), notes
}
