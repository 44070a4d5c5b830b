package vm

import (
	"errors"
	"fmt"

	"ebtools/bpf"
)

// faultAt makes the fault of the instruction at pc, or hands on that of a function
// which a helper there called.
func (t *thread) faultAt(pc int, err error) *Fault {
	if inner := (*Fault)(nil); errors.As(err, &inner) {
		return inner
	}
	return &Fault{Program: t.code.prog, PC: pc, Registers: [11]uint64(t.regs[:11]), Err: err}
}

// functionArgument gives the function that argument n is the address of, as the
// pc it begins at; not ok when the run has ended because it is none.
func (t *thread) functionArgument(n int, r *registers) (pc int, ok bool) {
	v := r[uint8(n)]
	if pc = int(uint32(v) >> 3); v != codeHandle(pc) || pc >= t.code.slots {
		t.fail(n, fmt.Errorf("%#x is not a function: %w", v, ErrArgument))
		return 0, false
	}
	return pc, true
}

// callback calls the function at pc for a helper, in a frame of its own, and
// gives what it returns. Registers are then as they were. Not ok: the run has
// ended within.
func (t *thread) callback(pc int, arguments ...uint64) (r0 uint64, ok bool) {
	if t.depth+1 >= bpf.MaxCallDepth {
		t.fault = fmt.Errorf("a callback in frame %d of %d: %w", t.depth+1, bpf.MaxCallDepth, ErrCallDepth)
		return 0, false
	}
	if t.left--; t.exhausted() {
		return 0, false
	}
	registers, back, base := [11]uint64(t.regs[:11]), t.pc, t.base
	copy(t.regs[1:6], arguments)
	t.depth++
	t.base = t.depth
	t.pc = uintptr(pc) * instSize
	t.openFrame(&t.regs, t.code)
	r0, ok = t.nested()
	t.pc, t.base = back, base
	t.depth--
	copy(t.regs[:11], registers[:])
	return r0, ok
}

// nested runs on to the exit of frame t.base.
func (t *thread) nested() (r0 uint64, ok bool) {
	c := t.code // which a tail call changes
	stop, err := t.loop()
	if err != nil {
		t.fault = t.faultAt(stop, err)
	}
	t.code = c
	return t.regs[0], err == nil
}

// exhausted ends the run when it has no instructions left.
func (t *thread) exhausted() bool {
	if t.left >= 0 {
		return false
	}
	t.fault = fmt.Errorf("%w: the limit is %d", ErrLimit, t.budget)
	return true
}
