package generate

import (
	"slices"

	"ebtools/bpf"
)

// Shrink takes away what it can from a program and its packets for as long as
// differs says so of what is left: instructions, then packets.
func Shrink(p *Program, differs func(*Program) bool) *Program {
	for i := len(p.Packets) - 1; i >= 0 && len(p.Packets) > 1; i-- {
		less := *p
		less.Packets = slices.Delete(slices.Clone(p.Packets), i, i+1)
		if differs(&less) {
			p = &less
		}
	}
	for changed := true; changed; {
		changed = false
		for n := 16; n >= 1; n /= 2 {
			for pc := 0; pc < len(p.Instructions); pc += n {
				less := without(p, pc, min(pc+n, len(p.Instructions)))
				if less != nil && differs(less) {
					p, changed = less, true
				}
			}
		}
	}
	for _, less := range []*Program{compact(withoutRepeats(p)), compact(p)} {
		if differs(less) {
			return less
		}
	}
	return p
}

// withoutRepeats takes out zeros that registers have already, as far as straight
// code shows.
func withoutRepeats(p *Program) *Program {
	target := map[int]bool{}
	for pc, in := range p.Instructions {
		if in.IsJump() || in.IsLocalCall() || in.IsLoadImm64() && in.Src == bpf.PseudoFunc {
			target[pc+1+in.JumpOffset()] = true
		}
	}
	less := *p
	less.Instructions = slices.Clone(p.Instructions)
	zero := map[bpf.Register]bool{}
	for pc, in := range p.Instructions {
		if target[pc] || in.Op == bpf.OpcodeCall || in.Op == bpf.OpcodeExit {
			clear(zero)
		}
		isZero := in == set(in.Dst, 0)
		if isZero && zero[in.Dst] {
			less.Instructions[pc] = nothing
		}
		if in.Class() == bpf.ClassSTX { // an atomic may fetch
			clear(zero)
		}
		zero[in.Dst] = isZero
	}
	return &less
}

var nothing = bpf.Instruction{Op: bpf.OpcodeJA}

// without replaces instructions by less, nil if there is no less. Registers that
// get a value still do, or a pointer that was there before would be taken for a
// number: what pointers are differs from run to run.
func without(p *Program, from, to int) *Program {
	less := *p
	less.Instructions = slices.Clone(p.Instructions)
	second := from > 0 && p.Instructions[from-1].IsLoadImm64()
	for pc := from; pc < to; pc++ {
		in := p.Instructions[pc]
		if second { // goes with the first slot
			second = false
			continue
		}
		less.Instructions[pc] = lesser(in)
		if in.IsLoadImm64() {
			less.Instructions[pc+1] = nothing
			second = true
		}
	}
	if slices.Equal(less.Instructions, p.Instructions) {
		return nil
	}
	return &less
}

func lesser(in bpf.Instruction) bpf.Instruction {
	switch {
	case in.Op == bpf.OpcodeExit:
		return in
	case in.Op == bpf.OpcodeCall:
		return set(r0, 0)
	case in.IsLoadImm64(), in.Class() == bpf.ClassLDX, in.IsALU() && in.Code() == bpf.OpMov:
		return set(in.Dst, 0)
	}
	return nothing
}

// compact takes out what does nothing, and functions that are nothing else.
func compact(p *Program) *Program {
	at := make([]int, len(p.Instructions)+1) // where each instruction will be
	n := 0
	for pc, in := range p.Instructions {
		at[pc] = n
		if in != nothing {
			n++
		}
	}
	at[len(p.Instructions)] = n
	less := &Program{Packets: p.Packets}
	second := false
	for pc, in := range p.Instructions {
		if in == nothing {
			continue
		}
		switch target := pc + 1 + in.JumpOffset(); {
		case second:
		case in.Op == bpf.OpcodeJA32, in.IsLocalCall(), in.IsLoadImm64() && in.Src == bpf.PseudoFunc:
			in.Imm = int32(at[target] - at[pc] - 1)
		case in.IsJump():
			in.Off = int16(at[target] - at[pc] - 1)
		}
		second = in.IsLoadImm64() && !second
		less.Instructions = append(less.Instructions, in)
	}
	for _, f := range p.Functions {
		if start, end := at[f.Start], at[f.Start+f.Len]; end > start {
			less.Functions = append(less.Functions, bpf.Function{Name: f.Name, Start: start, Len: end - start})
		}
	}
	return less
}
