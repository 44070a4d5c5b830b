package vm

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"ebtools/bpf"
)

// joinedWriter writes instructions that are joined into one operation.
type joinedWriter func(rng *rand.Rand) []bpf.Instruction

func anyReg(rng *rand.Rand) bpf.Register  { return bpf.Register(rng.IntN(8)) }
func pointer(rng *rand.Rand) bpf.Register { return r8 + bpf.Register(rng.IntN(2)) }
func smallImm(rng *rand.Rand) int32       { return int32(pick(rng)) & 0x7fffffff }

// distance is mostly forwards: too many loops never end.
func distance(rng *rand.Rand) int16 {
	if rng.IntN(8) == 0 {
		return int16(-rng.IntN(5))
	}
	return int16(rng.IntN(6))
}

// offset reaches a little beyond both ends of fuseMemory from r8, its start,
// and mostly stays inside from r9.
func offset(rng *rand.Rand) int {
	if rng.IntN(8) == 0 {
		return rng.IntN(206) - 3
	}
	return rng.IntN(190)
}

// joinedWriters has one for each joined operation.
var joinedWriters = map[uint8]joinedWriter{
	opMovXAddK:  moved(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return add(d, int32(pick(rng))) }),
	opMovXAddX:  moved(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpAdd, d, anyReg(rng)) }),
	opMovXLshK:  moved(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return alu(bpf.OpLsh, d, rng.Int32N(64)) }),
	opMovXRshK:  moved(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return alu(bpf.OpRsh, d, rng.Int32N(64)) }),
	opMovXAndK:  moveAndMask,
	opLshKRshK:  shifted(bpf.OpLsh, func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return alu(bpf.OpRsh, d, rng.Int32N(64)) }),
	opLshKArshK: shifted(bpf.OpLsh, func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return alu(bpf.OpArsh, d, rng.Int32N(64)) }),
	opLshKXorX:  shifted(bpf.OpLsh, func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpXor, d, anyReg(rng)) }),
	opRshKXorX:  shifted(bpf.OpRsh, func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpXor, d, anyReg(rng)) }),
	opLshKOrX:   shifted(bpf.OpLsh, func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpOr, d, anyReg(rng)) }),

	opAddKJltK:     counted(bpf.ClassALU64, bpf.ClassJMP, bpf.OpJLT),
	opAddKJneK:     counted(bpf.ClassALU64, bpf.ClassJMP, bpf.OpJNE),
	opAdd32KJlt32K: counted(bpf.ClassALU, bpf.ClassJMP32, bpf.OpJLT),
	opAdd32KJne32K: counted(bpf.ClassALU, bpf.ClassJMP32, bpf.OpJNE),
	opAndKJeqK:     masked(bpf.OpJEQ),
	opAndKJneK:     masked(bpf.OpJNE),

	opLoad8JeqK:  compared(1, bpf.OpJEQ),
	opLoad8JneK:  compared(1, bpf.OpJNE),
	opLoad16JeqK: compared(2, bpf.OpJEQ),
	opLoad16JneK: compared(2, bpf.OpJNE),
	opLoad32JeqK: compared(4, bpf.OpJEQ),
	opLoad32JneK: compared(4, bpf.OpJNE),

	opLoad32Load32: func(rng *rand.Rand) []bpf.Instruction {
		base := pointer(rng)
		return []bpf.Instruction{load(4, anyReg(rng), base, offset(rng)), load(4, anyReg(rng), base, offset(rng))}
	},
	opAddXLoad8:  indexed(1),
	opAddXLoad16: indexed(2),
	opAddXLoad32: indexed(4),
	opAddXLoad64: indexed(8),

	opMovKJmp: func(rng *rand.Rand) []bpf.Instruction {
		return []bpf.Instruction{set(anyReg(rng), int32(pick(rng))), jump(int16(rng.IntN(5)))}
	},
	opMovKExit: func(rng *rand.Rand) []bpf.Instruction {
		return []bpf.Instruction{set(anyReg(rng), int32(pick(rng))), exit}
	},

	opMovXMulX: moved(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpMul, d, anyReg(rng)) }),
	opMov32XAdd32X: func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		return []bpf.Instruction{alu32X(bpf.OpMov, d, anyReg(rng)), alu32X(bpf.OpAdd, d, anyReg(rng))}
	},
	opAddXAndK: func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		add := []bpf.Instruction{aluX(bpf.OpAdd, d, anyReg(rng)), alu32X(bpf.OpAdd, d, anyReg(rng))}[rng.IntN(2)]
		return []bpf.Instruction{add, alu(bpf.OpAnd, d, smallImm(rng))}
	},
	opStore64Store64: func(rng *rand.Rand) []bpf.Instruction {
		base := pointer(rng)
		return []bpf.Instruction{store(8, base, offset(rng), anyReg(rng)), store(8, base, offset(rng), anyReg(rng))}
	},

	opMovXLshKXorX:   mixed(bpf.OpLsh),
	opMovXRshKXorX:   mixed(bpf.OpRsh),
	opMovXAddXLoad8:  element(1),
	opMovXAddXLoad16: element(2),
	opMovXAddXLoad32: element(4),
	opMovXAddXLoad64: element(8),
	opMovXAddKJgtX:   bounded(bpf.OpJGT, bpf.OpJLT),
	opMovXAddKJleX:   bounded(bpf.OpJLE, bpf.OpJGE),
	opMovXAndKJeqK:   copied(bpf.OpJEQ),
	opMovXAndKJneK:   copied(bpf.OpJNE),

	opAddKMovXJltK:     handedOn(bpf.ClassALU64, bpf.ClassJMP, bpf.OpJLT),
	opAddKMovXJneK:     handedOn(bpf.ClassALU64, bpf.ClassJMP, bpf.OpJNE),
	opAdd32KMovXJlt32K: handedOn(bpf.ClassALU, bpf.ClassJMP32, bpf.OpJLT),
	opAdd32KMovXJne32K: handedOn(bpf.ClassALU, bpf.ClassJMP32, bpf.OpJNE),
	opAddXAddKJltK: func(rng *rand.Rand) []bpf.Instruction {
		return append([]bpf.Instruction{aluX(bpf.OpAdd, anyReg(rng), anyReg(rng))}, counted(bpf.ClassALU64, bpf.ClassJMP, bpf.OpJLT)(rng)...)
	},
	opLoad64AddKStore64: changed(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return add(d, int32(pick(rng))) }),
	opLoad64AddXStore64: changed(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpAdd, d, anyReg(rng)) }),
	opLoad64XorXStore64: changed(func(rng *rand.Rand, d bpf.Register) bpf.Instruction { return aluX(bpf.OpXor, d, anyReg(rng)) }),
}

func mixed(shift uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		return []bpf.Instruction{move(d, anyReg(rng)), alu(shift, d, rng.Int32N(64)), aluX(bpf.OpXor, d, anyReg(rng))}
	}
}

// element adds a pointer and an index, which fuseProgram keeps small.
func element(size int) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d, index := anyReg(rng), anyReg(rng)
		return []bpf.Instruction{move(d, pointer(rng)), aluX(bpf.OpAdd, d, index), load(size, anyReg(rng), d, offset(rng))}
	}
}

// bounded compares a sum with a register, on either side.
func bounded(op, swapped uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d, end := anyReg(rng), bpf.Register(rng.IntN(10))
		test := jumpIfX(op, d, end, distance(rng))
		if rng.IntN(2) == 0 {
			test = jumpIfX(swapped, end, d, distance(rng))
		}
		return []bpf.Instruction{move(d, bpf.Register(rng.IntN(10))), add(d, rng.Int32N(64)-8), test}
	}
}

func copied(op uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		rest := masked(op)(rng)
		mov := []bpf.Instruction{move(rest[0].Dst, anyReg(rng)), alu32X(bpf.OpMov, rest[0].Dst, anyReg(rng))}[rng.IntN(2)]
		return append([]bpf.Instruction{mov}, rest...)
	}
}

func handedOn(aluClass, jumpClass, op uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		rest := counted(aluClass, jumpClass, op)(rng)
		return []bpf.Instruction{rest[0], move(anyReg(rng), anyReg(rng)), rest[1]}
	}
}

func changed(change func(*rand.Rand, bpf.Register) bpf.Instruction) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d, base, off := anyReg(rng), pointer(rng), offset(rng)
		return []bpf.Instruction{load(8, d, base, off), change(rng, d), store(8, base, off, d)}
	}
}

func moved(then func(*rand.Rand, bpf.Register) bpf.Instruction) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		return []bpf.Instruction{move(d, bpf.Register(rng.IntN(10))), then(rng, d)}
	}
}

func moveAndMask(rng *rand.Rand) []bpf.Instruction {
	d := anyReg(rng)
	pair := []bpf.Instruction{move(d, anyReg(rng)), alu(bpf.OpAnd, d, int32(pick(rng)))}
	if rng.IntN(2) == 0 {
		pair[0] = alu32X(bpf.OpMov, d, pair[0].Src)
	}
	if rng.IntN(2) == 0 {
		pair[1] = alu32(bpf.OpAnd, d, pair[1].Imm)
	}
	return pair
}

func shifted(op uint8, then func(*rand.Rand, bpf.Register) bpf.Instruction) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		return []bpf.Instruction{alu(op, d, rng.Int32N(64)), then(rng, d)}
	}
}

func counted(aluClass, jumpClass, op uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		first := bpf.Instruction{Op: aluClass | bpf.OpAdd, Dst: d, Imm: int32(pick(rng))}
		if rng.IntN(3) == 0 {
			first.Op = aluClass | bpf.OpSub
		}
		return []bpf.Instruction{first, {Op: jumpClass | op, Dst: d, Imm: int32(pick(rng)), Off: distance(rng)}}
	}
}

func masked(op uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		class := []uint8{bpf.ClassJMP, bpf.ClassJMP32}[rng.IntN(2)]
		imm := smallImm(rng)
		then := bpf.Instruction{Op: class | op, Dst: d, Imm: imm & int32(rng.IntN(2)-1), Off: distance(rng)}
		if rng.IntN(2) == 0 {
			return []bpf.Instruction{alu32(bpf.OpAnd, d, imm|int32(rng.IntN(2))<<31), then}
		}
		return []bpf.Instruction{alu(bpf.OpAnd, d, imm), then}
	}
}

func compared(size int, op uint8) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		class := []uint8{bpf.ClassJMP, bpf.ClassJMP32}[rng.IntN(2)]
		imm := smallImm(rng)
		if rng.IntN(2) == 0 {
			imm &= 3
		}
		return []bpf.Instruction{load(size, d, pointer(rng), offset(rng)), {Op: class | op, Dst: d, Imm: imm, Off: distance(rng)}}
	}
}

func indexed(size int) joinedWriter {
	return func(rng *rand.Rand) []bpf.Instruction {
		d := anyReg(rng)
		return []bpf.Instruction{aluX(bpf.OpAdd, d, pointer(rng)), load(size, bpf.Register(rng.IntN(8)), d, offset(rng))}
	}
}

// fuseMemory is how much memory the programs have: more than a page, with r9
// close before the border.
const fuseMemory = pageSize + 200

func fuseProgram(rng *rand.Rand) []bpf.Instruction {
	ops := make([]uint8, 0, len(joinedWriters))
	for op := range joinedWriters {
		ops = append(ops, op)
	}
	slices.Sort(ops) // the seed decides, not the map
	prog := join(move(r8, r1), move(r9, r1), add(r9, pageSize-100))
	for r := r0; r <= r7; r++ {
		prog = join(prog, long(r, pick(rng)))
	}
	begin := len(prog)
	for range 30 {
		op := ops[rng.IntN(len(ops))]
		if op == opMovKExit && rng.IntN(4) > 0 {
			continue
		}
		if rng.IntN(4) == 0 {
			prog = join(prog, store(1<<rng.IntN(4), pointer(rng), offset(rng), anyReg(rng)))
		}
		group := joinedWriters[op](rng)
		if rng.IntN(20) > 0 { // an index: small
			switch {
			case group[0].Src >= r8 && group[0].Class() == bpf.ClassALU64 && group[0].Code() == bpf.OpAdd:
				prog = join(prog, alu(bpf.OpAnd, group[0].Dst, 31))
			case len(group) == 3 && group[2].Class() == bpf.ClassLDX:
				prog = join(prog, alu(bpf.OpAnd, group[1].Src, 31))
			}
		}
		prog = join(prog, group)
	}
	prog = join(prog, set(r0, 1), exit)
	for pc := begin; pc < len(prog); pc++ { // no jump leaves the program
		if in := &prog[pc]; in.IsJump() {
			in.Off = int16(max(begin, min(pc+1+int(in.Off), len(prog)-1)) - pc - 1)
		}
	}
	return prog
}

// TestPairsDoWhatTheirHalvesDo runs random programs joined and as they are.
// Jumps also land on the second instruction of a pair; loads also fault.
func TestPairsDoWhatTheirHalvesDo(t *testing.T) {
	p := machine(t, join(exit))
	p.machine.workers[0].thread.budget = 2000
	rng := rand.New(rand.NewPCG(11, 12))
	before := make([]byte, fuseMemory)
	for i := range before {
		before[i] = byte(rng.IntN(4))
	}
	type end struct {
		r0     uint64
		regs   registers
		memory []byte
		err    error
	}
	run := func(prog []bpf.Instruction, c *code) end {
		p.prog, p.code = &bpf.Program{Name: "p", Instructions: prog}, c
		memory := slices.Clone(before)
		v, err := p.RunRaw(memory)
		return end{v, p.machine.workers[0].thread.regs, memory, err}
	}
	joined := map[uint8]int{}
	faults, limits := map[error]int{}, 0
	const programs = 4000
	for n := range programs {
		prog := fuseProgram(rng)
		c := decode(&bpf.Program{Instructions: prog}, nil)
		for _, in := range c.insts[:c.slots] {
			if in.op > opExit {
				joined[in.op]++
			}
		}
		plain := *c
		plain.insts, plain.before = c.plain, c.beforePlain
		got, want := run(prog, c), run(prog, &plain)
		if errors.Is(got.err, ErrLimit) || errors.Is(want.err, ErrLimit) {
			// Pairs count a little differently: only the place must be right.
			var f *Fault
			if errors.Is(got.err, ErrLimit) && errors.As(got.err, &f) && !prog[f.PC].IsJump() {
				t.Fatalf("program %d: the limit was reached at insn %d, which is no jump", n, f.PC)
			}
			limits++
			continue
		}
		if got.r0 != want.r0 || got.regs != want.regs || !slices.Equal(got.memory, want.memory) || faultText(got.err) != faultText(want.err) {
			t.Fatalf("program %d: joined\n%#x %v\nplain\n%#x %v\n%s", n, got.regs[:11], got.err, want.regs[:11], want.err, listing(prog))
		}
		for _, kind := range []error{ErrOutOfBounds, ErrNull} {
			if errors.Is(got.err, kind) {
				faults[kind]++
			}
		}
	}
	for op := range joinedWriters {
		if joined[op] < 500 {
			t.Errorf("operation %d was joined %d times", op, joined[op])
		}
	}
	if want := opEnd - 1 - opExit; len(joined) != want || len(joinedWriters) != want {
		t.Errorf("%d operations were joined and %d are written here, of %d", len(joined), len(joinedWriters), want)
	}
	if faults[ErrOutOfBounds] == 0 || limits > programs/2 {
		t.Errorf("%d programs ran out of bounds, %d out of instructions", faults[ErrOutOfBounds], limits)
	}
	t.Logf("%d programs, %d out of bounds, %d null, %d over the limit", programs, faults[ErrOutOfBounds], faults[ErrNull], limits)
}

// faultText is all of a fault: place, message and registers.
func faultText(err error) string {
	var f *Fault
	if !errors.As(err, &f) {
		return ""
	}
	text := f.Error()
	for _, note := range f.Diagnostic().Note {
		text += "\n" + note
	}
	return text
}
