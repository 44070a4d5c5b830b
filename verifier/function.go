package verifier

import (
	"fmt"
	"slices"

	"ebtools/bpf"
)

// maxFunctions is how many functions a program may have (Linux BPF_MAX_SUBPROGS).
const maxFunctions = 256

// function is a stretch of the program that is entered by calls only.
type function struct {
	name       string
	start, end int // end is the pc behind it
	// calls are the pcs of its calls of functions of the program.
	calls []int
	// broken: some instruction's successor is not known, so nothing can be said
	// to be unreachable.
	broken bool
}

// The kernel's words, where more than one rule leads to them.
const (
	kernelLastInsn    = "last insn is not an exit or jmp"
	kernelDestination = "call to invalid destination"
	kernelFuncInfo    = "func_info BTF section doesn't match subprog layout in BPF program"
)

// namesFunction reports whether the instruction's immediate is the pc-relative
// start of a function: a local call, or a load of a function's address.
func namesFunction(in bpf.Instruction) bool {
	return in.IsLocalCall() || in.IsLoadImm64() && in.Src == bpf.PseudoFunc
}

// target is where a jump goes, or the function that is called or loaded.
func (c *checker) target(pc int) int { return pc + 1 + c.insns[pc].JumpOffset() }

// inside reports whether pc is one of the program's slots.
func (c *checker) inside(pc int) bool { return pc >= 0 && pc < len(c.insns) }

// findFunctions divides the program into functions and checks that calls hit
// their starts. It reports whether the functions are few enough to go on.
func (c *checker) findFunctions() bool {
	names := c.declaredFunctions()
	declared := names != nil
	if !declared {
		names = map[int]string{0: c.prog.Name}
	}
	for pc, in := range c.insns {
		if c.second[pc] || !namesFunction(in) {
			continue
		}
		t := c.target(pc)
		_, known := names[t]
		switch {
		case !c.inside(t):
			c.lose(pc, kernelDestination, "insn %d, the program is insns 0 to %d", t, len(c.insns)-1)
		case c.second[t]:
			c.lose(pc, kernelLastInsn, "insn %d, the second half of a 64-bit load", t)
		case declared && !known:
			c.lose(pc, kernelFuncInfo, "insn %d, which is inside function %s", t, c.functionName(t))
		case !known:
			names[t] = ""
		}
	}
	if len(names) > maxFunctions {
		c.reject(bpf.NoPC, "too many subprograms", fmt.Errorf("%w: %d functions, at most %d are allowed", ErrSize, len(names), maxFunctions))
		return false
	}
	c.divide(names)
	return true
}

// lose reports a call or reference to what is no function.
func (c *checker) lose(pc int, kernel, format string, args ...any) {
	c.lostCalls = append(c.lostCalls, c.target(pc))
	c.reject(pc, kernel, fmt.Errorf("%w: %s leads to %s", ErrUnknownFunction, c.text(pc), fmt.Sprintf(format, args...)))
}

// declaredFunctions gives the names of p.Functions by their starts, nil when
// there are none or they make no sense.
func (c *checker) declaredFunctions() map[int]string {
	if len(c.prog.Functions) == 0 {
		return nil
	}
	names := make(map[int]string, len(c.prog.Functions))
	next := 0
	for _, f := range c.prog.Functions {
		if f.Start != next || f.Len <= 0 || f.Len > len(c.insns)-next {
			pc := min(next, len(c.insns)-1)
			c.reject(pc, kernelFuncInfo, fmt.Errorf("%w: function %s begins at insn %d and has %d, expected it at insn %d with 1 to %d",
				ErrFunctions, f.Name, f.Start, f.Len, next, len(c.insns)-next))
			return nil
		}
		// What begins inside a 64-bit load is no function; calls of it are reported.
		if !c.second[f.Start] {
			names[f.Start] = f.Name
		}
		next += f.Len
	}
	if next != len(c.insns) {
		c.reject(next, kernelFuncInfo, fmt.Errorf("%w: insns %d to %d belong to none", ErrFunctions, next, len(c.insns)-1))
		return nil
	}
	return names
}

// functionName is the name of the declared function that pc is in.
func (c *checker) functionName(pc int) string {
	f, _ := c.prog.FunctionAt(pc)
	return f.Name
}

// divide makes the functions that begin at the given places.
func (c *checker) divide(names map[int]string) {
	starts := make([]int, 0, len(names))
	for start := range names {
		starts = append(starts, start)
	}
	slices.Sort(starts)
	c.functions = make([]function, len(starts))
	c.owner = make([]int32, len(c.insns))
	for i, start := range starts {
		f := &c.functions[i]
		f.name, f.start, f.end = names[start], start, len(c.insns)
		if i+1 < len(starts) {
			f.end = starts[i+1]
		}
		if f.name == "" {
			f.name = fmt.Sprintf("func@%d", start)
		}
		for pc := start; pc < f.end; pc++ {
			c.owner[pc] = int32(i)
			if c.insns[pc].IsLocalCall() && !c.second[pc] {
				if _, ok := names[c.target(pc)]; ok {
					f.calls = append(f.calls, pc)
				}
			}
		}
	}
	for _, t := range c.lostCalls {
		if c.inside(t) {
			c.functions[c.owner[t]].broken = true
		}
	}
}

// last is the pc of the function's last instruction.
func (c *checker) last(f *function) int {
	if c.second[f.end-1] && f.end-2 >= f.start {
		return f.end - 2
	}
	return f.end - 1
}

// endsWell reports whether the function's last instruction goes elsewhere for
// certain.
func (c *checker) endsWell(f *function) bool {
	return !c.insns[f.end-1].FallsThrough()
}

// checkEnds reports functions that execution may run off the end of. Those that
// end in unreachable or unknown instructions have been reported for that.
func (c *checker) checkEnds() {
	for i := range c.functions {
		f := &c.functions[i]
		last := c.last(f)
		if c.endsWell(f) || !c.reachable[last] || !isKnown(c.insns[last]) || c.insns[last].IsLoadImm64() && c.loadIsCut(last) {
			continue
		}
		c.reject(last, kernelLastInsn, fmt.Errorf("%w: %s ends in %s, expected exit or goto", ErrFallThrough, f.name, c.text(last)))
	}
}
