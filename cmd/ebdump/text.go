package main

import (
	"fmt"
	"io"
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/show"
)

// writeText writes the parts that are asked for, for people; when none is, an
// overview and the instructions. With --prog, the overview is left out: it is of
// the whole object.
func (d *dump) writeText(w io.Writer) error {
	if d.o.parts == (parts{}) {
		return d.writeDefault(w)
	}
	s := d.o.parts
	var end error
	sections := []struct {
		on    bool
		write func(io.Writer)
	}{
		{s.programs, d.writePrograms},
		{s.maps, d.writeMaps},
		{s.variables, d.writeVariables},
		{s.externs, d.writeExterns},
		{s.sections, d.writeSections},
		{s.symbols, d.writeSymbols},
		{s.relocs, d.writeRelocs},
		{s.types, d.writeTypes},
		{s.requires, func(w io.Writer) { end = d.writeRequires(w) }},
		{s.stats, d.writeStats},
		{s.code, d.writeCode},
	}
	first := true
	for _, part := range sections {
		if !part.on {
			continue
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		part.write(w)
	}
	return end
}

func (d *dump) writeDefault(w io.Writer) error {
	if len(d.o.programs) == 0 && !d.o.raw {
		d.writeHead(w)
		d.writeOverview(w)
		if len(d.programs) == 0 {
			if d.lacking != nil {
				fmt.Fprintln(w)
				d.writeSections(w) // what else there is
			}
			return nil
		}
		fmt.Fprintln(w)
	}
	d.writeCode(w)
	return nil
}

// writeHead says in a few lines what the object is.
func (d *dump) writeHead(w io.Writer) {
	order := "little-endian"
	if bpf.IsBigEndian(d.obj.ByteOrder) {
		order = "big-endian"
	}
	total := 0
	for _, p := range d.obj.Programs {
		total += len(p.Instructions)
	}
	words := []string{order + " eBPF object"}
	if d.obj.License != "" {
		words = append(words, "license "+show.Name(d.obj.License))
	} else {
		words = append(words, "no license")
	}
	words = append(words, show.Plural(len(d.obj.Programs), "program"))
	if total > 0 {
		words = append(words, show.Plural(total, "instruction"))
	}
	fmt.Fprintf(w, "%s: %s\n", d.colors.Heading(show.Name(d.obj.Name)), strings.Join(words, ", "))
}

// writeOverview writes the tables that there is anything for.
func (d *dump) writeOverview(w io.Writer) {
	for _, part := range []struct {
		on    bool
		write func(io.Writer)
	}{
		{len(d.programs) > 0, d.writePrograms},
		{len(d.plainMaps()) > 0, d.writeMaps},
		{len(d.dataMaps()) > 0, d.writeVariables},
		{len(d.obj.Externs) > 0, d.writeExterns},
	} {
		if part.on {
			fmt.Fprintln(w)
			part.write(w)
		}
	}
	if s := d.coreSummary(); s != "" {
		fmt.Fprintf(w, "\n%s %s\n", d.colors.Heading("CO-RE:"), s)
	}
}

// heading begins a part.
func (d *dump) heading(w io.Writer, title string) {
	fmt.Fprintln(w, d.colors.Heading(title))
}

// none says that a part that was asked for is empty.
func (d *dump) none(w io.Writer) { fmt.Fprintln(w, "  (none)") }

func (d *dump) writePrograms(w io.Writer) {
	d.heading(w, "Programs")
	if len(d.programs) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  ", Right: []bool{false, false, false, true, true, true}}
	table.Row(d.quiet("name", "type", "section", "instructions", "stack", "Linux")...)
	for _, p := range d.programs {
		flow := flowOf(p)
		stack := 0
		for i := range flow {
			stack = max(stack, flow[i].Stack(p.Instructions))
		}
		table.Row(d.colors.Name(show.Name(p.Name)), d.colors.Type(programType(p)), show.Name(p.Section),
			show.Count(len(p.Instructions)), show.Count(stack), d.releaseText(d.needsOf(p)))
		if !d.o.parts.programs && !d.o.all {
			continue
		}
		for i, f := range p.Functions {
			if len(p.Functions) == 1 {
				break
			}
			name := show.Name(f.Name)
			if i == 0 {
				name = "itself"
			}
			table.Row("  "+name, d.colors.Quiet("function"), "", show.Count(f.Len), show.Count(flow[i].Stack(p.Instructions)))
		}
	}
	table.Write(w)
}

// programType says what type a program is of, with what it is attached to when
// that says more.
func programType(p *bpf.Program) string {
	if p.Type == linux.ProgUnspec {
		return "no type"
	}
	s := p.Type.String()
	if attach := p.Attach.String(); p.Attach != 0 && attach != s {
		s += " (" + attach + ")"
	}
	return s
}

// quiet paints the cells of a table's first row.
func (d *dump) quiet(cells ...string) []string {
	for i, c := range cells {
		cells[i] = d.colors.Quiet(c)
	}
	return cells
}

func (d *dump) writeCode(w io.Writer) {
	for i, p := range d.programs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		d.writeListing(w, p)
	}
	if len(d.programs) == 0 {
		d.heading(w, "Instructions")
		d.none(w)
	}
}

// coreSummary says what became of the CO-RE relocations of the chosen programs.
func (d *dump) coreSummary() string {
	var count [3]int
	total := 0
	for _, p := range d.programs {
		for _, r := range p.CORE {
			total++
			if int(r.Result) < len(count) {
				count[r.Result]++
			}
		}
	}
	if total == 0 {
		return ""
	}
	s := show.Plural(total, "relocation")
	if count[bpf.COREUnresolved] == total {
		return s + ", left as compiled"
	}
	var parts []string
	if n := count[bpf.COREApplied]; n > 0 {
		parts = append(parts, fmt.Sprintf("%d applied", n))
	}
	if n := count[bpf.COREPoisoned]; n > 0 {
		parts = append(parts, d.colors.Warn(fmt.Sprintf("%d poisoned", n)))
	}
	if n := count[bpf.COREUnresolved]; n > 0 {
		parts = append(parts, d.colors.Warn(fmt.Sprintf("%d left as compiled", n)))
	}
	against := "the object's own types"
	if d.obj.Kernel != "" {
		against = show.Name(d.obj.Kernel)
	}
	return s + " against " + against + ": " + strings.Join(parts, ", ")
}
