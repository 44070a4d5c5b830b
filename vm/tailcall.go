package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// maxTailCalls is how often programs may hand on to another in one run (Linux,
// MAX_TAIL_CALL_CNT).
const maxTailCalls = 33

var tailCallHelpers = []helper{{id: linux.FnTailCall, fn: tailCall}}

// tailCall: r1 context, r2 map, r3 index. The program there goes on instead of
// this function; it does not return, unless there is none, or too many were.
func tailCall(t *thread, r *registers) {
	m := t.mapArgument(2, r)
	if m == nil {
		return
	}
	if m.def.Type != linux.MapProgArray {
		t.fail(2, fmt.Errorf("map %s is a %s, expected a prog_array: %w", m.def.Name, m.def.Type, ErrArgument))
		return
	}
	next := m.program(uint32(r[3]))
	if next == nil || t.tailCalls >= maxTailCalls {
		r[0] = result(linux.ENOENT) // the kernel leaves r0 as it happens to be
		return
	}
	if next.prog.Type != t.code.prog.Type {
		t.fail(3, fmt.Errorf("program %s there is of type %s, not %s: %w", next.prog.Name, next.prog.Type, t.code.prog.Type, ErrArgument))
		return
	}
	if t.holds.any() {
		t.fault = t.leaked()
		return
	}
	t.tailCalls++
	if t.depth == t.base {
		t.code, t.pc = next.code, 0
		t.openFrame(r, t.code)
		return
	}
	t.tailCallWithin(next, r)
}

// tailCallWithin is a tail call of a function that was called: its caller goes on
// when the program is done. That begins with an empty stack of its own; the
// verifier counts the frames of each program by itself.
func (t *thread) tailCallWithin(next *Program, r *registers) {
	stacks, err := t.moreStacks()
	if err != nil {
		t.fault = err
		return
	}
	caller := struct {
		code        *code
		depth, base int
		r10         uint64
		frames      [bpf.MaxCallDepth]frame
		stacks      *[bpf.MaxCallDepth]*region
	}{t.code, t.depth, t.base, r[10], t.frames, t.stacks}
	t.stacks, t.depth, t.base = stacks, 0, 0
	t.code, t.pc = next.code, 0
	t.openFrame(r, t.code)
	_, ok := t.nested()
	if !ok { // which an exception of the program is not for its caller
		t.fault = t.ended(0, t.fault)
		ok = t.fault == nil
	}
	t.spare = append(t.spare, stacks)
	t.code, t.depth, t.base, t.stacks, t.frames = caller.code, caller.depth, caller.base, caller.stacks, caller.frames
	r[10] = caller.r10
	if ok {
		t.pc = uintptr(len(t.code.insts)-1) * instSize // an exit, with what the program left in r0
	}
}

// moreStacks gives stack frames that are not in use.
func (t *thread) moreStacks() (*[bpf.MaxCallDepth]*region, error) {
	if n := len(t.spare); n > 0 {
		stacks := t.spare[n-1]
		t.spare = t.spare[:n-1]
		return stacks, nil
	}
	return newStacks(t.mem)
}

// program gives the program at an index of a prog_array, nil for none.
func (m *Map) program(index uint32) *Program {
	if index >= m.def.MaxEntries {
		return nil
	}
	if m.shared {
		m.lock.RLock()
		defer m.lock.RUnlock()
	}
	number := binary.LittleEndian.Uint32(m.values.bytes(0, int(index)))
	if int(number)-1 >= len(m.machine.programs) || number == 0 {
		return nil
	}
	return m.machine.programs[number-1]
}
