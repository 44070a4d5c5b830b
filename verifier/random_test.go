package verifier

import (
	"encoding/binary"
	"math/rand/v2"

	"ebtools/bpf"
)

var little = binary.LittleEndian

// randomProgram makes a short program of mostly valid instructions: jumps and
// calls go to nearby places, memory is mostly the stack, and now and then a
// field is changed at random.
func randomProgram(rng *rand.Rand) []bpf.Instruction {
	n := 2 + rng.IntN(12)
	insns := prog(mov(0, 0))
	for len(insns) < n {
		insns = append(insns, randomInstruction(rng, n-len(insns))...)
	}
	switch rng.IntN(8) {
	case 0:
	case 1:
		insns = append(insns, jump(int16(-1-rng.IntN(len(insns)))))
	default:
		insns = append(insns, exit)
	}
	for rng.IntN(6) == 0 {
		corrupt(rng, &insns[rng.IntN(len(insns))])
	}
	return insns
}

func pick[T any](rng *rand.Rand, of ...T) T { return of[rng.IntN(len(of))] }

func randomInstruction(rng *rand.Rand, left int) []bpf.Instruction {
	reg := func() bpf.Register { return pick[bpf.Register](rng, 0, 0, 0, 1, 6, 10) }
	// near is mostly forward and inside.
	near := func() int { return rng.IntN(left) - pick(rng, 0, 0, 0, 0, 1, 3) + pick(rng, 0, 0, 0, 0, 0, 2) }
	target := func() bpf.Register { return pick[bpf.Register](rng, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 6, 10) }
	forms := bpf.Forms()
	switch rng.IntN(16) {
	case 0:
		return prog(jump(int16(near())))
	case 1, 2:
		return prog(ifZero(pick[bpf.Register](rng, 0, 0, 1), int16(near())))
	case 3:
		return prog(call(int32(near())), mov(0, 0))
	case 4:
		size := pick(rng, 1, 2, 4, 8)
		return prog(store(size, 10, int16(-(1+rng.IntN(10))*size+pick(rng, 0, 0, 0, 0, 0, 0, 0, 0, 1, -600))))
	case 5:
		return prog(load(pick(rng, 1, 2, 4, 8), 0, 10, int16(-8+pick(rng, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 3))))
	case 6:
		return prog(ifZero(0, 1), exit)
	case 7:
		return prog(bpf.LoadImm64(target(), pick[bpf.Register](rng, 0, 0, 0, 0, 0, 0, 4, 7), uint64(near())))
	case 8:
		return prog(helper(pick[int32](rng, 5, 7, 8, 5, 7, 8, 5, 7, 8, 5, 7, 8, 999, 0)), mov(0, 0))
	case 9: // an ALU operation on r0
		f := forms[rng.IntN(60)]
		imm := f.Imm
		if f.Op&bpf.SourceX == 0 && imm == 0 {
			imm = pick[int32](rng, 1, 1, 16, 31, 0, 64)
		}
		return prog(bpf.Instruction{Op: f.Op, Dst: target(), Off: f.Off, Imm: imm})
	case 10: // anything
		f := forms[rng.IntN(len(forms))]
		return prog(bpf.Instruction{Op: f.Op, Dst: reg(), Src: f.Src, Off: f.Off, Imm: f.Imm})
	}
	return prog(mov(pick[bpf.Register](rng, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 6, 6, 6, 10), int32(rng.IntN(3))))
}

// corrupt changes a field.
func corrupt(rng *rand.Rand, in *bpf.Instruction) {
	switch rng.IntN(5) {
	case 0:
		in.Op ^= 1 << rng.IntN(8)
	case 1:
		in.Dst = bpf.Register(rng.IntN(16))
	case 2:
		in.Src = bpf.Register(rng.IntN(16))
	case 3:
		in.Off ^= 1 << rng.IntN(16)
	case 4:
		in.Imm ^= 1 << rng.IntN(32)
	}
}
