package flow

import "ebtools/bpf"

// use is what becomes of a value in r0.
type use struct {
	returned bool // a way leads to exit with it
	read     bool // an instruction reads it before
}

// Results says which instructions set r0 to a constant that the function returns
// on some path and uses for nothing else, and to which. insns are the program's.
func (f *Function) Results(insns []bpf.Instruction) map[int]int32 {
	results := map[int]int32{}
	// What becomes of r0 from the beginning of each block on; it only grows.
	in := make([]use, len(f.Blocks))
	from := make([][]int, len(f.Blocks))
	for i, b := range f.Blocks {
		for _, e := range b.Edges {
			if e.To != Outside {
				from[e.To] = append(from[e.To], i)
			}
		}
	}
	todo := make([]int, len(f.Blocks))
	for i := range todo {
		todo[i] = i
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		u := f.after(i, in)
		for pc := f.Blocks[i].End - 1; pc >= f.Blocks[i].Start; pc-- {
			u = before(insns, pc, u)
		}
		if u != in[i] {
			in[i] = u
			todo = append(todo, from[i]...)
		}
	}
	for i, b := range f.Blocks {
		u := f.after(i, in)
		for pc := b.End - 1; pc >= b.Start; pc-- {
			if c := insns[pc]; setsR0(c) && u.returned && !u.read {
				results[pc] = c.Imm
			}
			u = before(insns, pc, u)
		}
	}
	return results
}

// after is what becomes of r0 behind a block.
func (f *Function) after(i int, in []use) use {
	var u use
	for _, e := range f.Blocks[i].Edges {
		if e.To != Outside {
			u.returned = u.returned || in[e.To].returned
			u.read = u.read || in[e.To].read
		}
	}
	return u
}

// setsR0 reports whether an instruction makes r0 a constant.
func setsR0(in bpf.Instruction) bool {
	return in.IsALU() && in.Code() == bpf.OpMov && !in.UsesSourceRegister() && in.Dst == bpf.R0 && in.Form() != nil
}

// before gives, of what becomes of r0 behind the instruction at pc, what becomes of
// it before.
func before(insns []bpf.Instruction, pc int, u use) use {
	in := insns[pc]
	if pc > 0 && insns[pc-1].IsLoadImm64() && in.Op == 0 {
		return u // the second slot
	}
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		switch {
		case in.UsesSourceRegister() && in.Code() != bpf.OpEnd && in.Src == bpf.R0:
			u.read = true
		case in.Dst == bpf.R0 && in.Code() == bpf.OpMov:
			u = use{}
		case in.Dst == bpf.R0:
			u.read = true
		}
	case bpf.ClassLDX:
		if in.Src == bpf.R0 {
			u.read = true
		} else if in.Dst == bpf.R0 {
			u = use{}
		}
	case bpf.ClassLD:
		u.read = u.read && in.Dst != bpf.R0 || !in.IsLoadImm64() && in.Src == bpf.R0
		u.returned = u.returned && in.Dst != bpf.R0
	case bpf.ClassST:
		u.read = u.read || in.Dst == bpf.R0
	case bpf.ClassSTX:
		u.read = u.read || in.Dst == bpf.R0 || in.Src == bpf.R0 || in.Mode() == bpf.ModeATOMIC
	case bpf.ClassJMP, bpf.ClassJMP32:
		switch {
		case in.Op == bpf.OpcodeExit:
			u = use{returned: true}
		case in.Class() == bpf.ClassJMP && in.Code() == bpf.OpCall:
			u = use{}
		case in.IsConditional() && (in.Dst == bpf.R0 || in.UsesSourceRegister() && in.Src == bpf.R0):
			u.read = true
		}
	}
	return u
}
