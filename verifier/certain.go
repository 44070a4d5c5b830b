package verifier

// findCertain finds instructions that every run comes past unless it never
// ends, which the kernel refuses as well. Whichever branches the kernel does
// not follow, it gets to these.
//
// No path can avoid an instruction when none of those before it in its
// function jumps past it or leaves the function. That finds most of what there
// is to find with one look at each instruction.
func (c *checker) findCertain() {
	c.certain = make([]bool, len(c.insns))
	throws := false
	for pc, in := range c.insns {
		throws = throws || !c.second[pc] && isExit(in) && in.FallsThrough()
	}
	entered := make([]bool, len(c.functions))
	todo := []int32{0}
	for len(todo) > 0 {
		owner := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if entered[owner] {
			continue
		}
		entered[owner] = true
		for _, pc := range c.sweep(&c.functions[owner], throws) {
			todo = append(todo, c.owner[c.target(pc)])
		}
	}
}

// sweep marks the certain instructions of a function that is entered for
// certain, and returns the calls among them. With throws, a function that is
// called may not return.
func (c *checker) sweep(f *function, throws bool) (calls []int) {
	past := f.start // the farthest place that a jump so far goes to
	local := f.calls
	for pc := f.start; pc < f.end; pc += c.slots(pc) {
		in := c.insns[pc]
		certain := past <= pc
		c.certain[pc] = certain
		called := len(local) > 0 && local[0] == pc
		if called {
			local = local[1:]
			if certain {
				calls = append(calls, pc)
			}
		}
		switch {
		case !isKnown(in) || isExit(in) || called && throws:
			return calls
		case in.IsJump():
			past = max(past, c.target(pc))
		}
	}
	return calls
}
