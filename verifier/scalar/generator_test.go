package scalar

import (
	"math/rand/v2"

	"ebtools/bpf"
)

// generator makes programs of loads, arithmetic and jumps forward.
type generator struct {
	*rand.Rand
	prog  []bpf.Instruction
	jumps int
}

// randomProgram is program n of a seed.
func randomProgram(seed uint64, n int) []bpf.Instruction {
	g := generator{Rand: rand.New(rand.NewPCG(seed, uint64(n)))}
	return g.program()
}

// used is how many registers the programs use.
const used = 6

// program begins with a jump, the other way of which ends in an error. The
// kernel comes back to it last.
func (g *generator) program() []bpf.Instruction {
	g.prog = []bpf.Instruction{
		{Op: bpf.OpcodeCall, Imm: 5}, // bpf_ktime_get_ns: any number
		{Op: bpf.ClassJMP | bpf.OpJEQ, Dst: bpf.R0, Imm: 0x7eedbeef},
	}
	for r := bpf.R1; r < used; r++ {
		g.start(r)
	}
	body := 8 + g.IntN(24)
	for range body {
		g.instruction()
	}
	for pc := range g.prog { // jumps may lead as far as the end
		if in := &g.prog[pc]; in.IsJump() && in.IsConditional() {
			in.Off = min(in.Off, int16(len(g.prog)-pc-1))
		}
	}
	g.prog[1].Off = int16(len(g.prog))
	return append(g.prog,
		bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov, Dst: bpf.R0},
		bpf.Instruction{Op: bpf.OpcodeExit},
		bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov | bpf.SourceX, Dst: bpf.R0, Src: bpf.R9},
		bpf.Instruction{Op: bpf.OpcodeExit},
	)
}

func (g *generator) emit(in bpf.Instruction) { g.prog = append(g.prog, in) }

// start gives a register its first value: a load, of the uninitialised stack.
func (g *generator) start(r bpf.Register) {
	op := bpf.ClassLDX | bpf.ModeMEM | pick[uint8](g, bpf.SizeB, bpf.SizeH, bpf.SizeW, bpf.SizeDW, bpf.SizeDW)
	if g.IntN(4) == 0 {
		op = bpf.ClassLDX | bpf.ModeMEMSX | pick[uint8](g, bpf.SizeB, bpf.SizeH, bpf.SizeW)
	}
	g.emit(bpf.Instruction{Op: op, Dst: r, Src: bpf.R10, Off: -8})
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) register() bpf.Register { return bpf.Register(g.IntN(used)) }

// imm prefers numbers at which something changes.
func (g *generator) imm() int32 {
	switch g.IntN(4) {
	case 0:
		return int32(g.IntN(16)) - 4
	case 1:
		return int32(uint32(1)<<g.IntN(32)) + int32(g.IntN(3)) - 1
	case 2:
		return int32(g.Uint32()) >> g.IntN(32)
	}
	return pick[int32](g, 0, 1, -1, 0x7f, 0x80, 0xff, -128, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 0x55555555, -0x10000)
}

func (g *generator) instruction() {
	dst := g.register()
	switch n := g.IntN(20); {
	case n < 4 && g.jumps < 5:
		g.jump(dst)
	case n < 6:
		g.start(dst)
	case n < 8:
		g.move(dst)
	case n < 9:
		g.byteOrder(dst)
	default:
		g.arithmetic(dst)
	}
}

// operand is an immediate or a register.
func (g *generator) operand(in bpf.Instruction) bpf.Instruction {
	if g.IntN(2) == 0 {
		in.Op, in.Src = in.Op|bpf.SourceX, g.register()
	} else {
		in.Imm = g.imm()
	}
	return in
}

func (g *generator) jump(dst bpf.Register) {
	g.jumps++
	op := pick[uint8](g, bpf.OpJEQ, bpf.OpJGT, bpf.OpJGE, bpf.OpJSET, bpf.OpJNE, bpf.OpJSGT, bpf.OpJSGE,
		bpf.OpJLT, bpf.OpJLE, bpf.OpJSLT, bpf.OpJSLE)
	class := pick[uint8](g, bpf.ClassJMP, bpf.ClassJMP32)
	g.emit(g.operand(bpf.Instruction{Op: class | op, Dst: dst, Off: int16(1 + g.IntN(4))}))
}

func (g *generator) move(dst bpf.Register) {
	class := pick[uint8](g, bpf.ClassALU, bpf.ClassALU64)
	in := g.operand(bpf.Instruction{Op: class | bpf.OpMov, Dst: dst})
	if in.UsesSourceRegister() {
		in.Off = pick[int16](g, 0, 0, 8, 16, 32)
		if class == bpf.ClassALU && in.Off == 32 {
			in.Off = 0
		}
	}
	g.emit(in)
}

func (g *generator) byteOrder(dst bpf.Register) {
	op := pick[uint8](g, bpf.ClassALU, bpf.ClassALU|bpf.SourceX, bpf.ClassALU64)
	g.emit(bpf.Instruction{Op: op | bpf.OpEnd, Dst: dst, Imm: pick[int32](g, 16, 32, 64)})
}

func (g *generator) arithmetic(dst bpf.Register) {
	op := pick[uint8](g, bpf.OpAdd, bpf.OpAdd, bpf.OpSub, bpf.OpSub, bpf.OpMul, bpf.OpMul, bpf.OpAnd, bpf.OpAnd, bpf.OpAnd,
		bpf.OpOr, bpf.OpXor, bpf.OpLsh, bpf.OpRsh, bpf.OpArsh, bpf.OpNeg, bpf.OpDiv, bpf.OpMod)
	class := pick[uint8](g, bpf.ClassALU, bpf.ClassALU64)
	in := bpf.Instruction{Op: class | op, Dst: dst}
	switch op {
	case bpf.OpNeg:
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		if in = g.operand(in); !in.UsesSourceRegister() {
			in.Imm = int32(g.IntN(32))
			if class == bpf.ClassALU64 {
				in.Imm = pick(g, int32(g.IntN(64)), 32)
			}
		}
	case bpf.OpDiv, bpf.OpMod:
		in = g.operand(in)
		in.Off = int16(g.IntN(2))
		if !in.UsesSourceRegister() && in.Imm == 0 {
			in.Imm = 1
		}
	default:
		in = g.operand(in)
	}
	g.emit(in)
}
