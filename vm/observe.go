package vm

import (
	"slices"
	"sync/atomic"

	"ebtools/bpf"
)

//go:generate go run interp_observed_gen.go -w

// Observing runs takes a loop of its own, made from the one in interp.go, which
// goes by the instructions as they were before they were joined.

// Step is told of each instruction before it runs: of which program, at which
// index, and the registers r0 to r10, which are good until it returns.
type Step func(p *bpf.Program, pc int, registers *[11]uint64)

// Counts is how often each instruction was run, by index, with Options.Count; nil
// without. The second half of a 64-bit immediate load counts 0.
func (p *Program) Counts() []uint64 { return slices.Clone(p.code.counts) }

// loop runs on from t.pc to the exit of frame t.base.
func (t *thread) loop() (stop int, fault error) {
	if t.observed {
		return t.runObserved()
	}
	return t.run()
}

// observe is what the loop of its own does besides: pc is that of the instruction
// behind the one about to run.
func (t *thread) observe(pc uintptr) {
	i := int(pc/instSize) - 1
	if i >= t.code.slots {
		return // an end that every program has
	}
	if t.code.counts != nil {
		atomic.AddUint64(&t.code.counts[i], 1)
	}
	if step := t.machine.options.Step; step != nil {
		step(t.code.prog, i, (*[11]uint64)(t.regs[:]))
	}
}
