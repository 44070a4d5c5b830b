// Package flow divides the functions of a program into basic blocks and says how
// control goes from one to the next.
package flow

import "ebtools/bpf"

// Function is the control flow of one function of a program.
type Function struct {
	bpf.Function
	// Blocks are in the order of their instructions and hold all of them. Control
	// begins with the first.
	Blocks []Block
	// Calls are the function's calls of functions of the program, and places that
	// take the address of one.
	Calls []Call
}

// Block is a stretch of instructions that run one after the other.
type Block struct {
	Start, End int // pc of the first instruction, and of that behind the last
	Edges      []Edge
}

// Edge is a way from a block to another.
type Edge struct {
	Kind Kind
	To   int // index of the block in its function, or Outside
	PC   int // where it leads; for Outside that is no place in the function
	Back bool
}

// Outside is the To of an edge that leaves the function, which only a damaged
// program has.
const Outside = -1

// Kind says when an edge is taken.
type Kind uint8

// The kinds.
const (
	Next  Kind = iota // the next instruction follows: nothing is decided
	Goto              // always, by a jump
	True              // the condition holds, and the jump is made
	False             // the condition does not hold
)

// String gives "next", "goto", "true" or "false".
func (k Kind) String() string { return [...]string{"next", "goto", "true", "false"}[k] }

// Call is an instruction that names a function of the program.
type Call struct {
	PC     int
	Block  int // that it is in
	Target int // pc of the function's first instruction
	// Address says that the function is not called here: its address is taken,
	// for the kernel to call it.
	Address bool
}

// Of gives the control flow of every function of a program. One without any is
// taken as a whole. It takes time linear in the number of instructions, also for
// damaged programs, where an instruction that is none just goes on to the next.
func Of(p *bpf.Program) []Function {
	functions := p.Functions
	if len(functions) == 0 {
		functions = []bpf.Function{{Name: p.Name, Len: len(p.Instructions)}}
	}
	out := make([]Function, 0, len(functions))
	for _, f := range functions {
		start := min(max(f.Start, 0), len(p.Instructions))
		end := min(start+max(f.Len, 0), len(p.Instructions))
		out = append(out, divide(p.Instructions, f, start, end))
	}
	return out
}

// divide finds the blocks of the function at insns[start:end].
func divide(insns []bpf.Instruction, f bpf.Function, start, end int) Function {
	out := Function{Function: f}
	first := make([]bool, end-start)  // instructions that a block begins with
	second := make([]bool, end-start) // second slots
	target := func(pc int) (int, bool) {
		to := pc + 1 + insns[pc].JumpOffset()
		return to, to >= start && to < end
	}
	for pc := start; pc < end; {
		next := pc + slots(insns[:end], pc)
		for i := pc + 1; i < next; i++ {
			second[i-start] = true
		}
		pc = next
	}
	if end > start {
		first[0] = true
	}
	for pc := start; pc < end; pc++ {
		in := insns[pc]
		if second[pc-start] || !leaves(in) {
			continue
		}
		if pc+1 < end {
			first[pc+1-start] = true
		}
		if isJump(in) {
			if to, ok := target(pc); ok && !second[to-start] {
				first[to-start] = true
			}
		}
	}
	blockOf := make([]int, end-start)
	for pc := start; pc < end; pc++ {
		if first[pc-start] {
			out.Blocks = append(out.Blocks, Block{Start: pc})
		}
		last := len(out.Blocks) - 1
		out.Blocks[last].End = pc + 1
		blockOf[pc-start] = last
		if call, ok := callAt(insns, pc); ok && !second[pc-start] {
			call.Block = last
			out.Calls = append(out.Calls, call)
		}
	}
	for i := range out.Blocks {
		b := &out.Blocks[i]
		last := b.End - 1
		if second[last-start] {
			last--
		}
		edge := func(kind Kind, to int) {
			e := Edge{Kind: kind, To: Outside, PC: to}
			if to >= start && to < end && first[to-start] {
				e.To = blockOf[to-start]
			}
			e.Back = e.To != Outside && e.To <= i
			b.Edges = append(b.Edges, e)
		}
		in := insns[last]
		switch {
		case !isJump(in):
			if in.Op != bpf.OpcodeExit || in.Form() == nil {
				edge(Next, b.End)
			}
		case !in.FallsThrough():
			to, _ := target(last)
			edge(Goto, to)
		default:
			to, _ := target(last)
			edge(True, to)
			edge(False, b.End)
		}
	}
	return out
}

func slots(insns []bpf.Instruction, pc int) int {
	_, n := bpf.Disassemble(insns, pc)
	return n
}

// isJump is bpf's, for what is an instruction.
func isJump(in bpf.Instruction) bool { return in.IsJump() && in.Form() != nil }

// leaves reports whether a block ends behind the instruction.
func leaves(in bpf.Instruction) bool {
	return isJump(in) || in.Op == bpf.OpcodeExit && in.Form() != nil
}

// callAt reports whether the instruction names a function of the program.
func callAt(insns []bpf.Instruction, pc int) (Call, bool) {
	in := insns[pc]
	switch {
	case in.Form() == nil:
	case in.IsLocalCall():
		return Call{PC: pc, Target: pc + 1 + in.JumpOffset()}, true
	case in.IsLoadImm64() && in.Src == bpf.PseudoFunc:
		return Call{PC: pc, Target: pc + 1 + in.JumpOffset(), Address: true}, true
	}
	return Call{}, false
}
