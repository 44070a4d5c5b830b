package main

import (
	"fmt"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/flow"
)

// rows lists a program's instructions, with comments on what its type gives a
// meaning: fields of the context, and values that it returns.
func (d *dump) rows(p *bpf.Program) []asm.Row {
	rows := asm.Rows(p, d.obj)
	functions := flow.Of(p)
	if len(functions) == 0 {
		return rows
	}
	entry := &functions[0]
	results := entry.Results(p.Instructions)
	var accesses map[int]int
	context, known := linux.ContextOf(p.Type)
	// The layout of registers is that of one machine, and an object does not say
	// which it is for.
	if known = known && p.Type != linux.ProgKprobe && p.Type != linux.ProgPerfEvent; known {
		accesses = entry.ContextAccesses(p.Instructions)
	}
	for i := range rows {
		r := &rows[i]
		if r.Comment != "" {
			continue
		}
		if offset, ok := accesses[r.PC]; ok {
			r.Comment = fieldName(context, offset)
		} else if value, ok := results[r.PC]; ok {
			r.Comment, _ = linux.VerdictName(p.Type, uint32(value))
		}
	}
	return rows
}

// fieldName names the place in a context: "xdp_md.data_end", "__sk_buff.cb[1]".
func fieldName(c linux.Context, offset int) string {
	f, ok := c.FieldAt(offset)
	if !ok {
		return ""
	}
	name := c.Name + "." + f.Name
	offset -= f.Offset
	if f.Elems > 1 {
		name += fmt.Sprintf("[%d]", offset/f.Size)
	}
	if rest := offset % f.Size; rest != 0 {
		name += fmt.Sprintf("+%d", rest)
	}
	return name
}
