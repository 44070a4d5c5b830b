package flow

import "ebtools/bpf"

// state is what is known of registers: which of them hold the address of the
// context, plus an offset.
type state struct {
	reached bool
	known   [16]bool
	offset  [16]int
}

// merge keeps what holds on either way, and reports whether s has changed.
func (s *state) merge(t *state) bool {
	if !s.reached {
		*s = *t
		return true
	}
	changed := false
	for r := range s.known {
		if s.known[r] && (!t.known[r] || s.offset[r] != t.offset[r]) {
			s.known[r], changed = false, true
		}
	}
	return changed
}

// ContextAccesses says which loads and stores go to the context that the function
// gets in r1, for the entry of a program, and at which offset in bytes. It follows
// the address through registers, not through memory, and takes what holds on
// every path only. insns are the program's.
func (f *Function) ContextAccesses(insns []bpf.Instruction) map[int]int {
	accesses := map[int]int{}
	if len(f.Blocks) == 0 {
		return accesses
	}
	in := make([]state, len(f.Blocks))
	in[0] = state{reached: true}
	in[0].known[bpf.R1] = true
	// A block is visited again when less is known of a register than before, which
	// happens once for each.
	todo := []int{0}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		s := in[i]
		for pc := f.Blocks[i].Start; pc < f.Blocks[i].End; pc++ {
			s.step(insns[pc])
		}
		for _, e := range f.Blocks[i].Edges {
			if e.To != Outside && in[e.To].merge(&s) {
				todo = append(todo, e.To)
			}
		}
	}
	for i, b := range f.Blocks {
		s := in[i]
		for pc := b.Start; pc < b.End && s.reached; pc++ {
			ins := insns[pc]
			base := ins.Dst
			if ins.Class() == bpf.ClassLDX {
				base = ins.Src
			}
			if c := ins.Class(); (c == bpf.ClassLDX || c == bpf.ClassST || c == bpf.ClassSTX) && s.known[base] {
				accesses[pc] = s.offset[base] + int(ins.Off)
			}
			s.step(ins)
		}
	}
	return accesses
}

// step is what an instruction does to the registers.
func (s *state) step(in bpf.Instruction) {
	if in.Op == 0 {
		return // the second slot of a 64-bit immediate load
	}
	switch in.Class() {
	case bpf.ClassALU64:
		switch {
		case in.Code() == bpf.OpMov && in.UsesSourceRegister() && in.Off == 0:
			s.known[in.Dst], s.offset[in.Dst] = s.known[in.Src], s.offset[in.Src]
		case in.Code() == bpf.OpAdd && !in.UsesSourceRegister():
			s.offset[in.Dst] += int(in.Imm)
		default:
			s.known[in.Dst] = false
		}
	case bpf.ClassALU, bpf.ClassLDX:
		s.known[in.Dst] = false
	case bpf.ClassLD:
		s.known[in.Dst] = false
		if !in.IsLoadImm64() {
			s.forget() // legacy packet loads are calls
		}
	case bpf.ClassSTX:
		if in.Mode() == bpf.ModeATOMIC {
			s.known[in.Src] = false
			s.known[bpf.R0] = false
			if in.Imm == bpf.AtomicLoadAcq {
				s.known[in.Dst] = false
			}
		}
	case bpf.ClassJMP:
		if in.Code() == bpf.OpCall {
			s.forget()
		}
	}
}

// forget drops what calls do not keep.
func (s *state) forget() {
	for r := bpf.R0; r <= bpf.R5; r++ {
		s.known[r] = false
	}
}
