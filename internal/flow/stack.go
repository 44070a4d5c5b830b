package flow

import "ebtools/bpf"

// Stack is how many bytes of its stack frame a function touches, as far as its
// instructions tell without running them: the lowest offset from r10 that is
// loaded from, stored to, or put into a register. insns are the program's.
func (f *Function) Stack(insns []bpf.Instruction) int {
	lowest := 0
	for _, b := range f.Blocks {
		// Registers that hold r10 and a constant. What a block is entered with is
		// not followed: compilers make such addresses where they use them.
		var known [16]bool
		var offset [16]int
		known[bpf.R10] = true
		note := func(at int) {
			if at >= -maxStack && at < lowest {
				lowest = at
			}
		}
		for pc := b.Start; pc < b.End; pc++ {
			in := insns[pc]
			switch in.Class() {
			case bpf.ClassLDX:
				if known[in.Src] {
					note(offset[in.Src] + int(in.Off))
				}
				known[in.Dst] = in.Dst == bpf.R10
			case bpf.ClassST, bpf.ClassSTX:
				if known[in.Dst] {
					note(offset[in.Dst] + int(in.Off))
				}
				if in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC && in.Src != bpf.R10 {
					known[in.Src] = false // what it fetches
				}
			case bpf.ClassALU64:
				switch {
				case in.Code() == bpf.OpMov && in.UsesSourceRegister() && in.Off == 0 && in.Dst != bpf.R10:
					known[in.Dst], offset[in.Dst] = known[in.Src], offset[in.Src]
				case in.Code() == bpf.OpAdd && !in.UsesSourceRegister() && in.Dst != bpf.R10:
					offset[in.Dst] += int(in.Imm)
					if known[in.Dst] {
						note(offset[in.Dst])
					}
				default:
					known[in.Dst] = in.Dst == bpf.R10
				}
			case bpf.ClassALU, bpf.ClassLD:
				known[in.Dst] = in.Dst == bpf.R10
			case bpf.ClassJMP:
				if in.Code() == bpf.OpCall {
					for r := bpf.R0; r <= bpf.R5; r++ {
						known[r] = false
					}
				}
			}
		}
	}
	return -lowest
}

// maxStack is the size of a stack frame (MAX_BPF_STACK of include/linux/filter.h).
const maxStack = 512
