package asm

import (
	"encoding/binary"
	"fmt"
	"strings"

	"ebtools/bpf"
)

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

// extent gives where a function begins and ends, within the program.
func extent(p *bpf.Program, f bpf.Function) (start, end int) {
	start = min(max(f.Start, 0), len(p.Instructions))
	return start, min(start+max(f.Len, 0), len(p.Instructions))
}

// labelsOf names the instructions that jumps go to, as no name that is taken.
func labelsOf(p *bpf.Program, taken map[string]bool) map[int]string {
	starts := make([]bool, len(p.Instructions)) // of instructions, not second slots
	begins := func(start, end int) {
		for pc := start; pc < end; {
			starts[pc] = true
			_, slots := slotsAt(p.Instructions[:end], pc)
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
	labels, count := map[int]string{}, 0
	for pc, wanted := range targets {
		for name := ""; wanted && labels[pc] == ""; {
			count++
			if name = fmt.Sprintf("L%d", count); !taken[name] {
				labels[pc] = name
			}
		}
	}
	return labels
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
