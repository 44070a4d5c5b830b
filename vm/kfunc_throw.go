package vm

import (
	"errors"
	"fmt"
	"strings"
)

var throwKfuncs = []helper{{kfunc: "bpf_throw", fn: throw}}

// exception ends a run as a fault does, on the way to where it is caught.
type exception struct{ cookie uint64 }

func (e *exception) Error() string { return fmt.Sprintf("exception %#x", e.cookie) }

// throw: r1 cookie. All functions of the program end; the cookie goes to its
// exception callback, and without one is what it returns.
func throw(t *thread, r *registers) {
	if t.holds.any() {
		t.fault = t.leaked()
		return
	}
	if t.base > 0 {
		t.fault = fmt.Errorf("within a callback: %w", ErrArgument)
		return
	}
	t.fault = &exception{r[1]}
}

// ended says how a run of t.code ended that stopped at pc: with a fault, or nil
// when an exception was caught and r0 is set.
func (t *thread) ended(pc int, err error) error {
	var e *exception
	if !errors.As(err, &e) {
		return t.faultAt(pc, err)
	}
	catch, err := t.code.exceptionCallback()
	switch {
	case err != nil:
		return t.faultAt(pc, err)
	case catch < 0:
		t.regs[0] = e.cookie
		return nil
	}
	t.depth, t.base = 0, 0
	clear(t.regs[:10])
	t.regs[1] = e.cookie
	t.openFrame(&t.regs, t.code)
	t.pc = uintptr(catch) * instSize
	if pc, err = t.run(); err != nil {
		return t.faultAt(pc, err)
	}
	return nil
}

// exceptionCallback is where the function begins that a declaration tag of the
// program names as its exception callback, -1 for none.
func (c *code) exceptionCallback() (pc int, err error) {
	if len(c.prog.Functions) == 0 || c.prog.Functions[0].Type == nil {
		return -1, nil
	}
	for _, tag := range c.prog.Functions[0].Type.Tags {
		name, is := strings.CutPrefix(tag, "exception_callback:")
		if !is {
			continue
		}
		for _, f := range c.prog.Functions {
			if f.Name == name {
				return f.Start, nil
			}
		}
		return 0, &NotEmulatedError{What: "exception callback " + name + ", which is not linked,"}
	}
	return -1, nil
}
