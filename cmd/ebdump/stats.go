package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/flow"
	"ebtools/internal/show"
)

// stats counts what a program, or several, are made of.
type stats struct {
	instructions int // 64-bit immediate loads are one
	slots        int
	classes      map[string]int
	forms        map[string]int
	helpers      map[string]int
	kfuncs       map[string]int
	maps         map[string]int // references, variables of a section under its name
	functions    []functionStats
}

// functionStats is what one function takes.
type functionStats struct {
	name         string
	slots, stack int
	blocks       int
	loops        int // edges that lead backwards
}

func newStats() *stats {
	return &stats{
		classes: map[string]int{}, forms: map[string]int{}, helpers: map[string]int{},
		kfuncs: map[string]int{}, maps: map[string]int{},
	}
}

// count counts a program.
func (d *dump) count(p *bpf.Program) *stats {
	s := newStats()
	s.slots = len(p.Instructions)
	for pc := 0; pc < len(p.Instructions); {
		_, slots := bpf.Disassemble(p.Instructions, pc)
		d.countInstruction(s, p, pc)
		pc += slots
	}
	for _, f := range flow.Of(p) {
		fs := functionStats{name: functionName(p, f.Function), slots: f.Len, stack: f.Stack(p.Instructions), blocks: len(f.Blocks)}
		for _, b := range f.Blocks {
			for _, e := range b.Edges {
				if e.Back {
					fs.loops++
				}
			}
		}
		s.functions = append(s.functions, fs)
	}
	return s
}

// functionName names a function; those of raw instructions have only a place.
func functionName(p *bpf.Program, f bpf.Function) string {
	switch {
	case f.Name != "":
		return f.Name
	case f.Start == 0 && p.Name != "":
		return p.Name
	}
	return fmt.Sprintf("function_%d", f.Start)
}

func (d *dump) countInstruction(s *stats, p *bpf.Program, pc int) {
	in := p.Instructions[pc]
	s.instructions++
	form := in.Form()
	if form == nil {
		s.classes["no instruction"]++
		s.forms[".byte"]++
		return
	}
	s.classes[className(in)]++
	s.forms[readable(form)]++
	switch {
	case in.IsHelperCall():
		s.helpers[linux.HelperID(in.Imm).String()]++
	case in.Op == bpf.OpcodeCall && in.Src == bpf.CallKfunc:
		name := "kfunc"
		if e := p.ExternAt(pc); e != nil {
			name = e.Name
		}
		s.kfuncs[name]++
	case in.IsLoadImm64() && (in.Src == bpf.PseudoMapIdx || in.Src == bpf.PseudoMapIdxValue):
		if i := int(in.Imm); i >= 0 && i < len(d.obj.Maps) {
			s.maps[d.obj.Maps[i].Name]++
		}
	}
}

// className puts an instruction into a group for people.
func className(in bpf.Instruction) string {
	switch in.Class() {
	case bpf.ClassALU64:
		return "64-bit arithmetic"
	case bpf.ClassALU:
		return "32-bit arithmetic"
	case bpf.ClassLDX:
		return "load"
	case bpf.ClassLD:
		if in.IsLoadImm64() {
			return "64-bit constant or address"
		}
		return "legacy packet load"
	case bpf.ClassST, bpf.ClassSTX:
		if in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC {
			return "atomic"
		}
		return "store"
	}
	switch {
	case in.Op == bpf.OpcodeExit:
		return "exit"
	case in.IsJump() && in.IsConditional():
		return "branch"
	case in.IsJump():
		return "goto"
	}
	return "call"
}

// readable writes a form with names for its operands: "r += imm".
func readable(f *bpf.Form) string {
	var b strings.Builder
	for _, p := range f.Parts() {
		switch p.Operand {
		case bpf.NoOperand:
			b.WriteString(p.Text)
		case bpf.OperandDst:
			b.WriteString("rD")
		case bpf.OperandDstW:
			b.WriteString("wD")
		case bpf.OperandSrc:
			b.WriteString("rS")
		case bpf.OperandSrcW:
			b.WriteString("wS")
		case bpf.OperandLong:
			b.WriteString("imm64")
		case bpf.OperandOff, bpf.OperandDisp:
			b.WriteString("+ off")
		case bpf.OperandJump, bpf.OperandFar:
			b.WriteString("label")
		case bpf.OperandFunc:
			b.WriteString("function")
		case bpf.OperandCall:
			b.WriteString("helper")
		case bpf.OperandTo, bpf.OperandFrom:
			b.WriteString("space")
		default:
			b.WriteString("imm")
		}
	}
	return b.String()
}

// add adds the counts of a program to those of all.
func (s *stats) add(t *stats) {
	s.instructions += t.instructions
	s.slots += t.slots
	for _, pair := range [][2]map[string]int{
		{s.classes, t.classes}, {s.forms, t.forms}, {s.helpers, t.helpers}, {s.kfuncs, t.kfuncs}, {s.maps, t.maps},
	} {
		for k, n := range pair[1] {
			pair[0][k] += n
		}
	}
}

func (d *dump) writeStats(w io.Writer) {
	total := newStats()
	for i, p := range d.programs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		s := d.count(p)
		total.add(s)
		d.writeCounts(w, "Statistics of "+show.Name(cmp.Or(p.Name, "the instructions")), s)
	}
	switch len(d.programs) {
	case 0:
		d.heading(w, "Statistics")
		d.none(w)
	case 1:
	default:
		fmt.Fprintln(w)
		d.writeCounts(w, fmt.Sprintf("Statistics of all %d programs", len(d.programs)), total)
	}
}

func (d *dump) writeCounts(w io.Writer, title string, s *stats) {
	slots := ""
	if s.slots != s.instructions {
		slots = fmt.Sprintf(" in %s", show.Plural(s.slots, "slot"))
	}
	fmt.Fprintf(w, "%s %s%s\n", d.colors.Heading(title+":"), show.Plural(s.instructions, "instruction"), slots)
	if len(s.functions) > 0 {
		table := show.Table{Indent: "  ", Right: []bool{false, true, true, true, true}}
		table.Row(d.quiet("function", "slots", "stack", "blocks", "jumps back")...)
		for _, f := range s.functions {
			table.Row(d.colors.Name(show.Name(f.name)), show.Count(f.slots), show.Count(f.stack), show.Count(f.blocks), show.Count(f.loops))
		}
		table.Write(w)
	}
	for _, part := range []struct {
		name   string
		counts map[string]int
	}{
		{"kind", s.classes},
		{"instruction", s.forms},
		{"helper", s.helpers},
		{"kernel function", s.kfuncs},
		{"map", s.maps},
	} {
		if len(part.counts) == 0 {
			continue
		}
		table := show.Table{Indent: "  ", Right: []bool{true, true}}
		table.Row(d.quiet("count", "share", part.name)...)
		for _, c := range sorted(part.counts) {
			table.Row(show.Count(c.n), fmt.Sprintf("%.1f%%", 100*float64(c.n)/float64(s.instructions)), d.colors.Name(show.Name(c.name)))
		}
		fmt.Fprintln(w)
		table.Write(w)
	}
}

// tally is a name and how often it occurs.
type tally struct {
	name string
	n    int
}

// sorted gives counts, the largest first.
func sorted(counts map[string]int) []tally {
	list := make([]tally, 0, len(counts))
	for name, n := range counts {
		list = append(list, tally{name, n})
	}
	slices.SortFunc(list, func(a, b tally) int {
		return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.name, b.name))
	})
	return list
}
