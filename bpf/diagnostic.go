package bpf

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"unicode/utf8"
)

// Pos is a place in a source file. Line and Col count from 1, Col in bytes; 0
// means unknown.
type Pos struct {
	File string
	Line int
	Col  int
}

// IsValid reports whether the line is known.
func (p Pos) IsValid() bool { return p.Line > 0 }

// String gives "file:line:col", leaving out what is unknown.
func (p Pos) String() string {
	s := p.File
	if p.Line > 0 {
		if s != "" {
			s += ":"
		}
		s += fmt.Sprint(p.Line)
		if p.Col > 0 {
			s += fmt.Sprintf(":%d", p.Col)
		}
	}
	return s
}

// NoPC is the PC of a Diagnostic that is not about an instruction.
const NoPC = -1

// Diagnostic is an error with a place: what the assembler, the object reader,
// the verifier and a fault in the virtual machine all report.
type Diagnostic struct {
	Pos  Pos
	PC   int      // instruction within its program, or NoPC
	Prog string   // program or function that PC counts in, if that needs saying
	Err  error    // what is wrong
	Line string   // the source line at Pos, if at hand
	Len  int      // bytes of Line, from Pos.Col, that the error is about; 0 is taken as 1
	Note []string // further sentences, one a line
	Warn bool     // a warning: nothing was refused
}

// Error gives the diagnostic on one line: "prog.s:12:5: insn 7: message".
func (d *Diagnostic) Error() string {
	var parts []string
	if p := d.Pos.String(); p != "" {
		parts = append(parts, p)
	}
	if d.Prog != "" {
		parts = append(parts, d.Prog)
	}
	if d.PC != NoPC {
		parts = append(parts, fmt.Sprintf("insn %d", d.PC))
	}
	if d.Warn {
		parts = append(parts, "warning")
	}
	return strings.Join(append(parts, d.Err.Error()), ": ")
}

// Unwrap gives Err, for errors.Is and errors.As.
func (d *Diagnostic) Unwrap() error { return d.Err }

// Render writes the diagnostic for a reader: the line of Error, the source line
// with a caret under the place, and the notes.
func (d *Diagnostic) Render(w io.Writer) error {
	var b strings.Builder
	b.WriteString(d.Error() + "\n")
	if line := strings.TrimRight(d.Line, " \t\r\n"); strings.TrimSpace(line) != "" {
		gutter := fmt.Sprintf("%5d | ", d.Pos.Line)
		line, col := clip(line, d.Pos.Col-1)
		b.WriteString(gutter + printable(line) + "\n")
		if col >= 0 && col <= len(line) {
			b.WriteString(strings.Repeat(" ", len(gutter)-2) + "| " + underline(line, col, d.Len) + "\n")
		}
	}
	for _, n := range d.Note {
		b.WriteString("      = " + n + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// clipTo is how much of a line is shown, in bytes.
const clipTo = 200

// clip cuts a long line to what is near byte col, and says where that is then.
func clip(line string, col int) (string, int) {
	if len(line) <= clipTo {
		return line, col
	}
	start := max(0, min(col-clipTo/2, len(line)-clipTo))
	end := start + clipTo
	for start > 0 && !utf8.RuneStart(line[start]) {
		start--
	}
	for end < len(line) && !utf8.RuneStart(line[end]) {
		end++
	}
	cut := line[start:end]
	col -= start
	if start > 0 {
		cut, col = "…"+cut, col+len("…")
	}
	if end < len(line) {
		cut += "…"
	}
	return cut, col
}

// underline places a caret under byte col of line and tildes under the rest of
// length bytes. Tabs stay tabs, so that columns agree however wide they show.
func underline(line string, col, length int) string {
	end := max(min(col+length, len(line)), col+1)
	var b strings.Builder
	for i, r := range line {
		switch {
		case i >= end:
			return b.String()
		case i == col:
			b.WriteByte('^')
		case i > col:
			b.WriteByte('~')
		case r == '\t':
			b.WriteByte('\t')
		default:
			b.WriteByte(' ')
		}
	}
	if col >= len(line) {
		b.WriteByte('^')
	}
	return b.String()
}

// printable replaces what would disturb a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r == utf8.RuneError {
			return '\ufffd'
		}
		return r
	}, s)
}

// Diagnostics is a list of diagnostics that is an error when it is not empty.
type Diagnostics []*Diagnostic

// Err gives the list as an error, nil when nothing in it is worse than a warning.
func (l Diagnostics) Err() error {
	for _, d := range l {
		if !d.Warn {
			return l
		}
	}
	return nil
}

// Error gives every diagnostic, one a line.
func (l Diagnostics) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the single diagnostics, for errors.Is and errors.As.
func (l Diagnostics) Unwrap() []error {
	errs := make([]error, len(l))
	for i, d := range l {
		errs[i] = d
	}
	return errs
}

// Sort orders the list by file, line and column, and drops what is said twice.
func (l *Diagnostics) Sort() {
	s := *l
	sort.SliceStable(s, func(i, j int) bool {
		a, b := s[i].Pos, s[j].Pos
		switch {
		case a.File != b.File:
			return a.File < b.File
		case a.Line != b.Line:
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	kept := s[:0]
	for i, d := range s {
		if i == 0 || d.Error() != s[i-1].Error() {
			kept = append(kept, d)
		}
	}
	*l = kept
}

// Render writes err for a reader, every diagnostic in it with its source line;
// an error of another kind as one line.
func Render(w io.Writer, err error) error {
	var list Diagnostics
	var one *Diagnostic
	switch {
	case errors.As(err, &list):
		for _, d := range list {
			if err := d.Render(w); err != nil {
				return err
			}
		}
		return nil
	case errors.As(err, &one):
		return one.Render(w)
	}
	_, werr := fmt.Fprintln(w, err)
	return werr
}
