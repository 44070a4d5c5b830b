package verifier

import (
	"fmt"

	"ebtools/bpf"
)

// checkJumps checks that jumps stay inside their function.
func (c *checker) checkJumps() {
	for i := range c.functions {
		f := &c.functions[i]
		for pc := f.start; pc < f.end; pc++ {
			in := c.insns[pc]
			switch {
			case c.second[pc]:
			case !isKnown(in) || in.IsLoadImm64() && c.loadIsCut(pc):
				f.broken = true
			case in.IsJump():
				c.checkJump(f, pc)
			}
		}
	}
}

func (c *checker) checkJump(f *function, pc int) {
	t := c.target(pc)
	switch {
	case t < f.start || t >= f.end:
		c.reject(pc, kernelJumpRange(pc, t),
			fmt.Errorf("%w: %s goes to insn %d, function %s is insns %d to %d", ErrJump, c.text(pc), t, f.name, f.start, f.end-1))
	case c.second[t]:
		c.reject(pc, fmt.Sprintf("jump into the middle of ldimm64 insn %d", t-1),
			fmt.Errorf("%w: %s goes to insn %d, the second half of a 64-bit load", ErrJump, c.text(pc), t))
	default:
		return
	}
	f.broken = true
}

func kernelJumpRange(from, to int) string {
	return fmt.Sprintf("jump out of range from insn %d to %d", from, to)
}

// slots is how many slots the instruction at pc takes.
func (c *checker) slots(pc int) int {
	if pc+1 < len(c.insns) && c.second[pc+1] {
		return 2
	}
	return 1
}

// findReachable follows every jump and every call from the program's start.
func (c *checker) findReachable() {
	c.reachable = make([]bool, len(c.insns))
	var todo []int
	push := func(pc int) {
		if !c.reachable[pc] {
			c.reachable[pc] = true
			todo = append(todo, pc)
		}
	}
	flooded := make([]bool, len(c.functions))
	push(0)
	if len(c.lostCalls) > 0 {
		for i := range c.functions {
			push(c.functions[i].start)
		}
	}
	for len(todo) > 0 {
		pc := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		owner := c.owner[pc]
		f := &c.functions[owner]
		if f.broken && !flooded[owner] {
			flooded[owner] = true
			for pc := f.start; pc < f.end; pc++ {
				push(pc)
			}
		}
		in := c.insns[pc]
		if c.second[pc] {
			continue
		}
		next := pc + c.slots(pc)
		if next-pc == 2 {
			c.reachable[pc+1] = true
		}
		if in.IsJump() && !f.broken {
			push(c.target(pc))
		}
		if namesFunction(in) {
			if t := c.target(pc); c.inside(t) && !c.second[t] {
				push(t)
			}
		}
		if in.FallsThrough() && next < f.end {
			push(next)
		}
	}
}

// checkReachable reports each stretch of instructions that are not reachable.
func (c *checker) checkReachable() {
	for i := range c.functions {
		f := &c.functions[i]
		for pc := f.start; pc < f.end; pc++ {
			if c.reachable[pc] {
				continue
			}
			from := pc
			for pc+1 < f.end && !c.reachable[pc+1] {
				pc++
			}
			c.reportUnreachable(f, from, pc)
		}
	}
}

func (c *checker) reportUnreachable(f *function, from, to int) {
	what := fmt.Sprintf("no path leads to insn %d", from)
	switch {
	case from == f.start && to == f.end-1:
		what = fmt.Sprintf("nothing calls function %s", f.name)
	case from < to:
		what = fmt.Sprintf("no path leads to insns %d to %d", from, to)
	}
	kernel := fmt.Sprintf("unreachable insn %d", from)
	if to == f.end-1 && !c.endsWell(f) {
		kernel = kernelLastInsn // which it looks for first
	}
	c.reject(from, kernel, fmt.Errorf("%w: %s", ErrUnreachable, what))
}

// isExit reports whether the instruction may end its function's run: exit, and
// a call of a kernel function, which may be bpf_throw.
func isExit(in bpf.Instruction) bool {
	return in.Op == bpf.OpcodeExit || in.Op == bpf.OpcodeCall && in.Src == bpf.CallKfunc
}
