package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

var loopHelpers = []helper{{id: linux.FnLoop, fn: loopHelper}}

// maxLoops is how often bpf_loop calls at most (Linux, BPF_MAX_LOOPS).
const maxLoops = 8 << 20

// loopHelper: r1 count, r2 function, r3 what it is given, r4 flags, which must be
// 0. The function gets the number of the round and r3, and ends the loop by
// returning 1. How often it was called, or an error number: with flags of 0 the
// verifier puts the loop in place of the call, which looks at all 64 bits of the
// count and gives an error number of 32 (inline_bpf_loop).
func loopHelper(t *thread, r *registers) {
	pc, ok := t.functionArgument(2, r)
	if !ok {
		return
	}
	count, context := r[1], r[3]
	switch {
	case r[4] != 0:
		r[0] = result(linux.EINVAL)
		return
	case count > maxLoops:
		r[0] = errno32(linux.E2BIG)
		return
	}
	for i := range count {
		stop, ok := t.callback(pc, i, context)
		switch {
		case !ok:
			return
		case stop > 1:
			t.fault = fmt.Errorf("the function returned %d, expected 0 or 1: %w", int64(stop), ErrArgument)
			return
		case stop == 1:
			r[0] = i + 1
			return
		}
	}
	r[0] = count
}
