package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/internal/flow"
	"ebtools/internal/show"
)

// writeDot writes the control-flow graph of the chosen programs in the language
// of Graphviz: a cluster for each program and in it one for each function, a node
// for each basic block with its instructions.
func (d *dump) writeDot(w io.Writer) error {
	fmt.Fprintf(w, "digraph %s {\n", dotQuote(cmp.Or(d.obj.Name, "program")))
	fmt.Fprint(w, "\tnode [shape=box, fontname=\"monospace\", fontsize=10];\n")
	fmt.Fprint(w, "\tedge [fontname=\"sans-serif\", fontsize=9];\n")
	fmt.Fprint(w, "\tgraph [fontname=\"sans-serif\", labeljust=l, style=rounded];\n")
	for i, p := range d.programs {
		g := graph{dump: d, w: w, p: p, prefix: fmt.Sprintf("p%d", i)}
		g.write()
	}
	_, err := fmt.Fprint(w, "}\n")
	return err
}

// graph is the graph of one program being written.
type graph struct {
	*dump
	w      io.Writer
	p      *bpf.Program
	prefix string
	rows   []asm.Row
	rowAt  []int // index of the row at a pc
}

func (g *graph) write() {
	g.rows = g.dump.rows(g.p)
	g.rowAt = make([]int, len(g.p.Instructions)+1)
	for i, r := range g.rows {
		for pc := r.PC; pc < r.PC+r.Slots; pc++ {
			g.rowAt[pc] = i
		}
	}
	g.rowAt[len(g.p.Instructions)] = len(g.rows)
	fmt.Fprintf(g.w, "\tsubgraph cluster_%s {\n\t\tlabel=%s;\n", g.prefix, dotQuote(g.title(g.p)))
	functions := flow.Of(g.p)
	entry := map[int]string{} // node of the function that begins at a pc
	for i, f := range functions {
		if len(f.Blocks) > 0 {
			entry[f.Blocks[0].Start] = g.node(i, 0)
		}
	}
	for i := range functions {
		g.function(i, &functions[i])
	}
	for i, f := range functions {
		for _, c := range f.Calls {
			to, ok := entry[c.Target]
			if !ok {
				continue
			}
			label := "call"
			if c.Address {
				label = "address"
			}
			fmt.Fprintf(g.w, "\t\t%s -> %s [style=dashed, color=gray40, constraint=false, label=%s];\n", g.node(i, c.Block), to, dotQuote(label))
		}
	}
	fmt.Fprint(g.w, "\t}\n")
}

func (g *graph) node(function, block int) string {
	return fmt.Sprintf("%s_f%d_b%d", g.prefix, function, block)
}

func (g *graph) function(i int, f *flow.Function) {
	fmt.Fprintf(g.w, "\t\tsubgraph cluster_%s_f%d {\n\t\t\tlabel=%s;\n", g.prefix, i, dotQuote(show.Name(functionName(g.p, f.Function))))
	for k := range f.Blocks {
		fmt.Fprintf(g.w, "\t\t\t%s [label=\"%s\"];\n", g.node(i, k), g.block(&f.Blocks[k]))
	}
	lost := 0
	for k, b := range f.Blocks {
		for _, e := range b.Edges {
			to := ""
			if e.To == flow.Outside {
				to = fmt.Sprintf("%s_f%d_x%d", g.prefix, i, lost)
				lost++
				fmt.Fprintf(g.w, "\t\t\t%s [label=%s, color=red, style=dotted];\n", to, dotQuote(fmt.Sprintf("outside of the function: %d", e.PC)))
			} else {
				to = g.node(i, e.To)
			}
			fmt.Fprintf(g.w, "\t\t\t%s -> %s [%s];\n", g.node(i, k), to, edgeStyle(e))
		}
	}
	fmt.Fprint(g.w, "\t\t}\n")
}

func edgeStyle(e flow.Edge) string {
	style := map[flow.Kind]string{
		flow.True: "label=\"true\", color=darkgreen", flow.False: "label=\"false\", color=firebrick",
		flow.Goto: "color=black", flow.Next: "color=gray40",
	}[e.Kind]
	if e.Back {
		style += ", penwidth=2"
	}
	return style
}

// block writes the instructions of a block, each line ending in \l, which
// aligns it to the left.
func (g *graph) block(b *flow.Block) string {
	var out strings.Builder
	line := func(s string) { out.WriteString(dotEscape(s) + `\l`) }
	for pc := b.Start; pc < b.End; {
		r := &g.rows[g.rowAt[pc]]
		if r.Line != nil && g.o.withSource {
			if strings.TrimSpace(r.Line.Text) != "" {
				line(fmt.Sprintf("; %d: %s", r.Line.Pos.Line, strings.TrimSpace(show.Line(r.Line.Text))))
			} else if r.Line.Pos.IsValid() {
				line(sourceText(r.Line))
			}
		}
		if r.Label != "" {
			line(show.Name(r.Label) + ":")
		}
		text := fmt.Sprintf("%4d: %s", r.PC, show.Line(r.Text))
		if r.Comment != "" {
			text += "  # " + show.Line(r.Comment)
		}
		line(text)
		pc = r.PC + r.Slots
	}
	return out.String()
}

// dotEscape writes text as it stands within the quotes of a label.
func dotEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s)
}

func dotQuote(s string) string { return `"` + dotEscape(show.Line(s)) + `"` }
