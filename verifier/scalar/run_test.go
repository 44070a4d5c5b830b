package scalar

import (
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// TestRun runs random programs on random numbers: every register holds a number
// that its scalar allows, at every step, and jumps go where they may.
func TestRun(t *testing.T) {
	n := 5000
	if require.Long() {
		n = 200_000
	}
	steps := 0
	for i := range n {
		prog := randomProgram(7, i)
		for range 4 {
			r := run{explorer: explorer{prog: prog}, Rand: rand.New(rand.NewPCG(uint64(i), uint64(steps)))}
			steps += r.run(t)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d programs, %d instructions run", n, steps)
}

type run struct {
	explorer
	*rand.Rand
	regs [registers]uint64
}

func (r *run) run(t *testing.T) (steps int) {
	for pc := 0; r.prog[pc].Op != bpf.OpcodeExit; steps++ {
		in := r.prog[pc]
		next, before := pc+1, r.now
		r.pending = nil
		r.step(pc)
		switch {
		case in.IsALU():
			if r.pending != nil && r.pending[0].path.regs[in.Dst].Contains(r.regs[in.Dst]) {
				r.now = r.pending[0].path // of 0 and -1 it is 0
				r.step(pc)
			}
			r.regs[in.Dst] = bpf.ALU(in, r.regs[in.Dst], r.regs[in.Src])
		case in.IsConditional():
			next = r.jump(t, pc, in, &before)
		default:
			r.regs[in.Dst] = r.load(in)
		}
		for i, s := range r.now.regs[:used] {
			if before.regs[i] != (Scalar{}) && !s.Contains(r.regs[i]) {
				t.Errorf("after %d, %v, r%d is %#x, not in %v", pc, in, i, r.regs[i], &s)
				return steps
			}
		}
		pc = next
	}
	return steps
}

// jump goes where the numbers lead.
func (r *run) jump(t *testing.T, pc int, in bpf.Instruction, before *path) (next int) {
	var imm Scalar
	outcome := Taken(in.Code(), in.Class() == bpf.ClassJMP, &before.regs[in.Dst], before.operand(in, &imm))
	taken := bpf.Condition(in, r.regs[in.Dst], r.regs[in.Src])
	if outcome != Maybe && (outcome == Always) != taken {
		t.Errorf("at %d, %v goes the other way for %#x and %#x", pc, in, r.regs[in.Dst], r.regs[in.Src])
	}
	if !taken {
		return pc + 1
	}
	if outcome == Maybe {
		r.now = r.pending[0].path
	}
	return pc + 1 + int(in.Off)
}

// load is a number that a load or a call may give.
func (r *run) load(in bpf.Instruction) uint64 {
	v := r.Uint64()
	switch r.IntN(4) {
	case 0:
		v = uint64(r.IntN(20) - 10)
	case 1:
		v = 1<<r.IntN(64) + uint64(r.IntN(3)) - 1
	case 2:
		v = uint64(int64(v) >> r.IntN(64))
	}
	if in.Class() != bpf.ClassLDX || in.Size() == 8 {
		return v
	}
	if in.Mode() == bpf.ModeMEMSX {
		return uint64(signed(v, uint(in.Size())*8))
	}
	return v & (1<<(in.Size()*8) - 1)
}
