package generate

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// aluForms and conditionForms are the rows of the table to choose from.
var aluForms, conditionForms = func() (alus, conditions []bpf.Form) {
	for _, f := range bpf.Forms() {
		in := bpf.Instruction{Op: f.Op, Off: f.Off}
		switch {
		case f.Alias || f.Op == 0xbf && f.Off == 1: // address spaces are for arenas
		case in.IsALU():
			alus = append(alus, f)
		case in.IsConditional():
			conditions = append(conditions, f)
		}
	}
	return alus, conditions
}()

func (g *generator) arithmetic() {
	if g.one(12) {
		g.long(g.number(), 0, g.value())
		return
	}
	f := aluForms[g.rng.IntN(len(aluForms))]
	in := bpf.Instruction{Op: f.Op, Dst: g.number(), Off: f.Off, Imm: f.Imm}
	switch {
	case in.Code() == bpf.OpEnd || in.Code() == bpf.OpNeg:
	case in.UsesSourceRegister():
		in.Src = g.number()
	default:
		in.Imm = g.immediate(in)
	}
	g.add(in)
}

// immediate picks one that the verifier lets pass.
func (g *generator) immediate(in bpf.Instruction) int32 {
	imm := int32(g.value())
	switch in.Code() {
	case bpf.OpDiv, bpf.OpMod:
		if imm == 0 {
			return -1
		}
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		if in.Class() == bpf.ClassALU {
			return imm & 31
		}
		return imm & 63
	}
	return imm
}

func (g *generator) condition() bpf.Instruction {
	f := conditionForms[g.rng.IntN(len(conditionForms))]
	in := bpf.Instruction{Op: f.Op, Dst: g.number()}
	if in.UsesSourceRegister() {
		in.Src = g.number()
	} else {
		in.Imm = int32(g.value())
	}
	return in
}

// branches is an if with an else, joined by either kind of goto.
func (g *generator) branches() {
	otherwise := g.jump(g.condition())
	g.arithmetic()
	over := jump()
	if g.one(2) {
		over = bpf.Instruction{Op: bpf.OpcodeJA32}
	}
	end := g.jump(over)
	g.land(otherwise)
	g.arithmetic()
	g.land(end)
}

// loop repeats some arithmetic a few times, with or without a may_goto, which
// never gets to the end of its patience.
func (g *generator) loop() {
	g.add(set(r9, int32(1+g.rng.IntN(6))))
	top := len(g.insns)
	out := -1
	if g.one(3) {
		out = g.jump(bpf.Instruction{Op: bpf.OpcodeMayGoto})
	}
	for range 1 + g.rng.IntN(4) {
		g.arithmetic()
	}
	g.add(add(r9, -1), jumpIf(bpf.OpJNE, r9, 0))
	last := len(g.insns) - 1
	g.insns[last].Off = int16(top - last - 1)
	if out >= 0 {
		g.land(out)
	}
	g.add(set(r9, 0))
}

// memory loads or stores: stack (aligned, as the verifier wants it), packet or
// results, at a fixed offset or at one from a register.
func (g *generator) memory() {
	size := 1 << g.rng.IntN(4)
	var base bpf.Register
	var off int
	switch g.rng.IntN(6) {
	case 0, 1:
		base, off = r10, frameMemory+g.rng.IntN(memorySize/size)*size
	case 2:
		base, off = r7, g.rng.IntN(leastPacket-size+1)
	case 3:
		base, off = r8, scratch+g.rng.IntN(scratchSize-size+1)
	case 4:
		g.variable(r8, 31)
		base, off = r9, scratch+g.rng.IntN(scratchSize-31-size+1)
	case 5:
		g.variable(r10, memorySize-int32(size))
		base, off = r9, frameMemory
	}
	g.access(size, base, off)
	g.add(set(r9, 0))
}

// variable makes r9 a pointer at an offset that a mask of a number gives.
func (g *generator) variable(base bpf.Register, mask int32) {
	g.add(move(r9, g.number()), alu(bpf.OpAnd, r9, mask), aluX(bpf.OpAdd, r9, base))
}

// access is a load, zero- or sign-extending, or a store.
func (g *generator) access(size int, base bpf.Register, off int) {
	switch {
	case g.one(2):
		in := load(size, g.number(), base, off)
		if size < 8 && g.one(3) {
			in.Op = in.Op&0x1f | bpf.ModeMEMSX
		}
		g.add(in)
	case g.one(3):
		g.add(storeK(size, base, off, int32(g.value())))
	default:
		g.add(store(size, base, off, g.number()))
	}
}

var atomicOperations = []int32{
	bpf.AtomicAdd, bpf.AtomicOr, bpf.AtomicAnd, bpf.AtomicXor,
	bpf.AtomicAdd | bpf.AtomicFetch, bpf.AtomicOr | bpf.AtomicFetch, bpf.AtomicAnd | bpf.AtomicFetch, bpf.AtomicXor | bpf.AtomicFetch,
	bpf.AtomicXchg, bpf.AtomicCmpXchg, bpf.AtomicLoadAcq, bpf.AtomicStoreRel,
}

// atomic works on memory of a map, or on the stack. It fetches nothing from the
// stack: Linux 6.18's verifier does not trace what was fetched there back to its
// slot (backtrack_insn), takes states for equal that are not, and may so drop code
// that runs. And after a 32-bit compare-and-exchange it clears the upper half of r0
// anew: on x86 that is left to an instruction which the verifier adds, and
// forgets where it prunes the path that would need it.
func (g *generator) atomic(base bpf.Register, start, room int) {
	operation := atomicOperations[g.rng.IntN(len(atomicOperations))]
	size := 4 << g.rng.IntN(2)
	if operation == bpf.AtomicLoadAcq || operation == bpf.AtomicStoreRel {
		size = 1 << g.rng.IntN(4)
	}
	if operation&bpf.AtomicFetch == 0 && g.one(2) {
		base, start, room = r10, frameMemory, memorySize
	}
	off := start + g.rng.IntN(room/size)*size
	if operation == bpf.AtomicLoadAcq {
		g.add(atomic(size, operation, g.number(), off, base))
		return
	}
	g.add(atomic(size, operation, base, off, g.number()))
	if operation == bpf.AtomicCmpXchg && size == 4 {
		g.add(bpf.Instruction{Op: bpf.ClassALU | bpf.SourceX | bpf.OpMov})
	}
}

// callFunction calls a function that is to be written, or another time one that
// is called already.
func (g *generator) callFunction() {
	if g.now.kind == callback {
		g.arithmetic()
		return
	}
	f := g.callee()
	if f == nil {
		g.arithmetic()
		return
	}
	if f.kind == memory {
		g.add(move(r1, r8), move(r2, r7))
	}
	f.calls = append(f.calls, len(g.insns))
	g.add(bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal})
	g.clobbered()
}

func (g *generator) callee() *function {
	withMemory := g.now.kind != numbers
	if g.one(3) {
		for _, f := range g.pending {
			if f.depth == g.now.depth+1 && f.stack >= g.now.stack+g.needs(f.kind) && f.kind != callback && (withMemory || f.kind == numbers) {
				return f
			}
		}
	}
	kind := memory
	if !withMemory || g.one(2) || g.now.stack+frameSize > bpf.StackSize-128 {
		kind = numbers
	}
	return g.newFunction(kind)
}

// needs is how much stack the kernel counts for a frame, rounded up.
func (g *generator) needs(kind functionKind) int {
	if kind == memory {
		return (frameSize + 31) &^ 31
	}
	return 32
}

// newFunction is a function to be written, nil when there may be no more.
func (g *generator) newFunction(kind functionKind) *function {
	stack := g.now.stack + g.needs(kind)
	if g.made == maxFunctions || g.now.depth+2 > bpf.MaxCallDepth || stack > bpf.StackSize {
		return nil
	}
	g.made++
	f := &function{kind: kind, depth: g.now.depth + 1, stack: stack}
	g.pending = append(g.pending, f)
	return f
}

// callLoop is bpf_loop.
func (g *generator) callLoop() {
	if !g.helper(linux.FnLoop) {
		return
	}
	f := g.newFunction(callback)
	if f == nil {
		return
	}
	g.add(move(r1, g.number()), alu(bpf.OpAnd, r1, 7))
	f.calls = append(f.calls, len(g.insns))
	g.long(r2, bpf.PseudoFunc, 0)
	g.add(move(r3, r10), add(r3, frameValue), set(r4, 0), call(int32(linux.FnLoop)))
	g.clobbered()
}

// checksum is bpf_csum_diff, over stack and results.
func (g *generator) checksum() {
	if !g.helper(linux.FnCsumDiff) {
		return
	}
	from, to := int32(g.rng.IntN(5)*4), int32(g.rng.IntN(5)*4)
	g.add(move(r5, g.number()), move(r1, r10), add(r1, frameMemory), set(r2, from), move(r3, r8), add(r3, scratch), set(r4, to))
	g.add(call(int32(linux.FnCsumDiff)))
	g.clobbered()
}
