package main

import (
	"fmt"
	"io"
	"strings"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/internal/show"
)

// writeListing writes the instructions of a program, under a line that says what
// it is.
func (d *dump) writeListing(w io.Writer, p *bpf.Program) {
	fmt.Fprintf(w, "%s\n", d.colors.Heading(d.title(p)))
	l := listing{dump: d, w: w, p: p, rows: d.rows(p), types: map[int]string{}, poisoned: map[int]bool{}}
	l.measure()
	for i := range l.rows {
		l.row(&l.rows[i])
	}
}

// title says what a program is: "Program xdp_drop: xdp, 12 instructions".
func (d *dump) title(p *bpf.Program) string {
	words := []string{}
	if !d.o.raw || p.Type != 0 {
		words = append(words, programType(p))
	}
	if p.Section != "" && p.Section != p.Type.String() {
		words = append(words, "section "+show.Name(p.Section))
	}
	words = append(words, show.Plural(len(p.Instructions), "instruction"))
	if len(p.Functions) > 1 {
		words = append(words, fmt.Sprintf("%d functions", len(p.Functions)))
	}
	if p.Name == "" {
		return strings.Join(words, ", ")
	}
	return "Program " + show.Name(p.Name) + ": " + strings.Join(words, ", ")
}

// listing is a program's instructions being written.
type listing struct {
	*dump
	w    io.Writer
	p    *bpf.Program
	rows []asm.Row

	types    map[int]string // declarations of functions by their first instruction
	poisoned map[int]bool   // instructions that CO-RE has poisoned
	pcWidth  int
	comments int // column that comments begin in, behind the pc
	file     string
}

// maxText is how far to the right comments are moved to stand in one column.
const maxText = 44

func (l *listing) measure() {
	l.pcWidth = max(4, len(fmt.Sprint(len(l.p.Instructions))))
	for _, r := range l.rows {
		if n := show.Width(r.Text); r.Comment != "" && n <= maxText {
			l.comments = max(l.comments, n)
		}
	}
	for _, f := range l.p.Functions {
		if f.Type != nil {
			l.types[f.Start] = declare(f.Type, f.Name)
		}
	}
	for _, c := range l.p.CORE {
		if c.Result == bpf.COREPoisoned {
			l.poisoned[c.PC] = true
		}
	}
}

func (l *listing) row(r *asm.Row) {
	if r.Function != "" {
		l.function(r)
	}
	if r.Label != "" {
		fmt.Fprintf(l.w, "%s:\n", l.colors.Name(show.Name(r.Label)))
	}
	if r.Line != nil && l.o.withSource && !says(r.Line.Text, r) {
		l.source(r.Line)
	}
	var b strings.Builder
	b.WriteString(l.colors.Quiet(fmt.Sprintf("%*d:", l.pcWidth, r.PC)) + " ")
	if l.o.bytes {
		b.WriteString(l.colors.Quiet(l.hex(r.PC)) + "  ")
	}
	text := show.Line(r.Text)
	b.WriteString(l.paint(r, text))
	if r.Comment != "" {
		pad := max(l.comments-show.Width(text), 0)
		comment := "# " + show.Line(r.Comment)
		b.WriteString(strings.Repeat(" ", pad+2) + l.paintComment(r, comment))
	}
	fmt.Fprintln(l.w, b.String())
	for pc := r.PC + 1; l.o.bytes && pc < r.PC+r.Slots; pc++ {
		fmt.Fprintln(l.w, l.colors.Quiet(fmt.Sprintf("%*s  %s", l.pcWidth, "", l.hex(pc))))
	}
}

// function begins a function. The only one of raw instructions has no name.
func (l *listing) function(r *asm.Row) {
	if len(l.p.Functions) == 1 && l.p.Name == "" {
		fmt.Fprintln(l.w)
		return
	}
	declaration := l.types[r.PC]
	if declaration != "" {
		declaration = "  " + l.colors.Quiet("# "+show.Line(declaration))
	}
	fmt.Fprintf(l.w, "\n%s:%s\n", l.colors.Name(show.Name(r.Function)), declaration)
}

// source writes a line of source; the file's name before it when it is another
// than that of the line before.
func (l *listing) source(line *bpf.Line) {
	indent := strings.Repeat(" ", l.pcWidth+2)
	if line.Pos.File != l.file {
		l.file = line.Pos.File
		fmt.Fprintf(l.w, "%s%s\n", indent, l.colors.Source("; "+show.Name(l.file)))
	}
	fmt.Fprintf(l.w, "%s%s\n", indent, l.colors.Source(sourceText(line)))
}

// sourceText shows a line of source: its number and text, or where it is to be
// found when the object has no text.
func sourceText(line *bpf.Line) string {
	if text := strings.TrimRight(show.Line(line.Text), " "); text != "" {
		return fmt.Sprintf("; %d: %s", line.Pos.Line, text)
	}
	file := line.Pos.File[strings.LastIndexByte(line.Pos.File, '/')+1:]
	return fmt.Sprintf("; %s:%d", show.Name(file), line.Pos.Line)
}

// says reports whether a line of source is the instruction, as lines of assembly
// may be: then it need not be shown twice.
func says(line string, r *asm.Row) bool {
	line, _, _ = strings.Cut(line, "#")
	line = strings.Join(strings.Fields(line), " ")
	return line == r.Text || r.Comment != "" && line == "call "+r.Comment
}

// paint colours where an instruction leads.
func (l *listing) paint(r *asm.Row, text string) string {
	if !l.colors.On {
		return text
	}
	in := l.p.Instructions[r.PC]
	switch {
	case in.Form() == nil || strings.HasPrefix(text, ".byte"):
		return l.colors.Bad(text)
	case r.Target != asm.NoTarget || in.IsLoadImm64() && in.Src != 0:
		text, tail := strings.TrimSuffix(text, " ll"), text[len(strings.TrimSuffix(text, " ll")):]
		if i := strings.LastIndexByte(text, ' '); i >= 0 {
			return text[:i+1] + l.colors.Name(text[i+1:]) + tail
		}
	}
	return text
}

// paintComment keeps comments quiet, but for a relocation that has failed.
func (l *listing) paintComment(r *asm.Row, comment string) string {
	if l.poisoned[r.PC] {
		return l.colors.Warn(comment)
	}
	return l.colors.Quiet(comment)
}

// hex writes the bytes of a slot, in the object's byte order.
func (l *listing) hex(pc int) string {
	var b [bpf.InstructionSize]byte
	l.p.Instructions[pc].Put(b[:], l.obj.ByteOrder)
	return fmt.Sprintf("% x", b)
}
