package asm

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Printer writes programs as text that Assemble makes the same instructions of.
// The zero value prints instructions alone.
type Printer struct {
	// Source puts the lines that instructions were made from between them, as
	// comments, where a program knows them.
	Source bool
}

// Print writes a program: its entry function under its section's name, and the
// functions it calls. Jumps go to labels, calls name helpers and functions, and
// maps and variables go by their names, if obj, which may be nil, has them.
func Print(w io.Writer, p *bpf.Program, obj *bpf.Object) error {
	return Printer{}.Print(w, p, obj)
}

// Print is the function of that name, with the printer's options.
func (o Printer) Print(w io.Writer, p *bpf.Program, obj *bpf.Object) error {
	l := newListing(w, o, obj)
	l.reserve(p)
	l.program(p)
	return l.flush()
}

// PrintObject writes all of an object: its license, maps, variables and
// programs. Assembled, that is an object whose programs are the same.
func PrintObject(w io.Writer, obj *bpf.Object) error { return Printer{}.PrintObject(w, obj) }

// PrintObject is the function of that name, with the printer's options.
func (o Printer) PrintObject(w io.Writer, obj *bpf.Object) error {
	l := newListing(w, o, obj)
	for _, p := range obj.Programs {
		l.reserve(p)
	}
	if obj.License != "" {
		fmt.Fprintf(l.w, "\t.license %s\n", quote(obj.License))
	}
	for _, m := range obj.Maps {
		if m.Section == "" {
			l.mapDefinition(m)
		} else {
			l.variables(m)
		}
	}
	for _, p := range obj.Programs {
		l.program(p)
	}
	return l.flush()
}

// Format writes the instruction at pc with the names of the helpers, functions,
// maps and variables in it; jumps say how far they go. slots is how many slots
// it takes, 2 for a 64-bit immediate load. obj may be nil.
func Format(p *bpf.Program, obj *bpf.Object, pc int) (text string, slots int) {
	if pc < 0 || pc >= len(p.Instructions) {
		return "", 1
	}
	n := names{p: p, obj: obj, order: binary.LittleEndian}
	return n.instruction(pc)
}

// listing is text being written.
type listing struct {
	w     *bufio.Writer
	opts  Printer
	obj   *bpf.Object
	order binary.ByteOrder

	taken     map[string]bool   // names that mean something
	functions map[string]string // text of the functions written so far, by name
	structs   map[string]string // text of the structures written so far, by name
	labels    int               // labels handed out so far
}

func newListing(w io.Writer, o Printer, obj *bpf.Object) *listing {
	l := &listing{
		w: bufio.NewWriter(w), opts: o, obj: obj, order: binary.LittleEndian,
		taken: map[string]bool{}, functions: map[string]string{}, structs: map[string]string{},
	}
	if obj != nil {
		if obj.ByteOrder != nil {
			l.order = obj.ByteOrder
		}
		for _, m := range obj.Maps {
			l.taken[m.Name] = true
			for _, v := range variablesOf(m) {
				l.taken[v.name] = true
			}
		}
	}
	return l
}

// reserve keeps labels from being named like functions.
func (l *listing) reserve(p *bpf.Program) {
	for _, f := range p.Functions {
		l.taken[functionName(f)] = true
	}
}

func (l *listing) flush() error { return l.w.Flush() }

// functionName is the name a function is written with; one without gets one
// from its place. Names in .L are only for the assembler.
func functionName(f bpf.Function) string {
	switch {
	case f.Name == "":
		return fmt.Sprintf("function_%d", f.Start)
	case strings.HasPrefix(f.Name, ".L"):
		return "_" + f.Name
	}
	return f.Name
}

// program writes a program's functions, but for those that stand there already
// because an earlier program calls them too.
func (l *listing) program(p *bpf.Program) {
	n := names{p: p, obj: l.obj, order: l.order, functions: map[int]string{}, taken: l.taken}
	for i, f := range p.Functions {
		n.functions[f.Start] = functionName(f)
		if i == 0 && p.Name != "" {
			n.functions[f.Start] = p.Name
		}
	}
	written := l.nameFunctions(p, &n)
	n.labels = l.labelsOf(p)
	if len(p.Functions) == 0 {
		l.function(&n, p, 0, len(p.Instructions), "")
		return
	}
	for i, f := range p.Functions {
		name := n.functions[f.Start]
		start, end := extent(p, f)
		switch {
		case written[i]:
			continue
		case i > 0 && p.Section != "":
			fmt.Fprintf(l.w, "\n\t.func %s\n", symbolText(name))
		case i > 0:
			fmt.Fprintf(l.w, "\n%s:\n", symbolText(name))
		default:
			l.heading(p, name)
		}
		l.function(&n, p, start, end, name)
	}
}

// nameFunctions finds names for the functions that a program calls. Those that an
// earlier program called as well are written once; one that only has the name
// in common gets another.
func (l *listing) nameFunctions(p *bpf.Program, n *names) (written []bool) {
	written = make([]bool, len(p.Functions))
	if p.Section == "" {
		return written
	}
	bodies := make([]string, len(p.Functions))
	for i, f := range p.Functions {
		start, end := extent(p, f)
		bodies[i] = bodyOf(n, start, end)
	}
	for i, f := range p.Functions[min(1, len(p.Functions)):] {
		name := n.functions[f.Start]
		for k := 2; ; k++ {
			body, exists := l.functions[name]
			if !exists || body == bodies[i+1] {
				written[i+1] = exists
				break
			}
			name = fmt.Sprintf("%s_%d", n.functions[f.Start], k)
		}
		l.functions[name], n.functions[f.Start] = bodies[i+1], name
		l.taken[name] = true
	}
	return written
}

// bodyOf tells functions of the same name apart: their text without labels.
func bodyOf(n *names, start, end int) string {
	plain := *n
	plain.labels = nil
	var b strings.Builder
	for pc := start; pc < end; {
		text, slots := plain.within(pc, end)
		b.WriteString(text + "\n")
		pc += slots
	}
	return b.String()
}

// extent gives where a function begins and ends, within the program.
func extent(p *bpf.Program, f bpf.Function) (start, end int) {
	start = min(max(f.Start, 0), len(p.Instructions))
	return start, min(start+max(f.Len, 0), len(p.Instructions))
}

// heading begins a program's entry function.
func (l *listing) heading(p *bpf.Program, name string) {
	_, _, known := linux.SectionByName(p.Section)
	switch {
	case p.Section == "":
		fmt.Fprintf(l.w, "%s:\n", symbolText(name))
	case known:
		fmt.Fprintf(l.w, "\n\t.program %s, %s\n", sectionText(p.Section), symbolText(name))
	default:
		fmt.Fprintf(l.w, "\n\t.section %s, \"ax\", @progbits\n\t.globl %s\n\t.type %[2]s, @function\n%[2]s:\n", quote(p.Section), symbolText(name))
	}
}

// labelsOf names the instructions that jumps go to.
func (l *listing) labelsOf(p *bpf.Program) map[int]string {
	starts := make([]bool, len(p.Instructions)) // of instructions, not second slots
	begins := func(start, end int) {
		for pc := start; pc < end; {
			starts[pc] = true
			_, slots := bpf.Disassemble(p.Instructions[:end], pc)
			pc += slots
		}
	}
	for _, f := range p.Functions {
		begins(extent(p, f))
	}
	if len(p.Functions) == 0 {
		begins(0, len(p.Instructions))
	}
	targets := make([]bool, len(p.Instructions))
	for pc, in := range p.Instructions {
		to := pc + 1 + in.JumpOffset()
		if starts[pc] && in.IsJump() && in.Form() != nil && to >= 0 && to < len(targets) && starts[to] {
			targets[to] = true
		}
	}
	labels := map[int]string{}
	for pc, wanted := range targets {
		if !wanted {
			continue
		}
		name := ""
		for name == "" || l.taken[name] {
			l.labels++
			name = fmt.Sprintf("L%d", l.labels)
		}
		labels[pc] = name
	}
	return labels
}

// function writes instructions, labels and source lines.
func (l *listing) function(n *names, p *bpf.Program, start, end int, name string) {
	shown := bpf.Line{PC: -1}
	for pc := start; pc < end; {
		if line, ok := p.LineAt(pc); ok && l.opts.Source && line.PC != shown.PC {
			if line.Pos.Line != shown.Pos.Line || line.Pos.File != shown.Pos.File {
				l.sourceLine(line)
			}
			shown = line
		}
		if label := n.labels[pc]; label != "" {
			fmt.Fprintf(l.w, "%s:\n", label)
		}
		text, slots := n.within(pc, end)
		fmt.Fprintf(l.w, "\t%s\n", text)
		pc += slots
	}
}

func (l *listing) sourceLine(line bpf.Line) {
	text := line.Pos.String()
	if line.Pos.Col > 0 {
		text = text[:strings.LastIndexByte(text, ':')]
	}
	if s := strings.TrimSpace(line.Text); s != "" {
		text += ": " + s
	}
	fmt.Fprintf(l.w, "\t# %s\n", oneLine(text))
}

// oneLine keeps a comment from going on over its line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f || r == 0xfffd {
			return '.'
		}
		return r
	}, s)
}
