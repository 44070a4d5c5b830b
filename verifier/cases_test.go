package verifier

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// finding is what a case expects: where, which kind, and the words.
type finding struct {
	pc   int
	err  error
	text string
	warn bool
}

// testCase is a program, what Check has to say of it and, unless the kernel has
// reasons of its own to refuse it, what the kernel does: it refuses exactly
// those with an error, in the words that the first note quotes.
type testCase struct {
	name      string
	insns     []bpf.Instruction
	prog      linux.ProgramType // socket_filter when 0
	functions []bpf.Function    // given to the kernel as BTF
	maps      []*bpf.Map
	want      []finding
	noKernel  bool // can't be put to the kernel as it is
}

func prog(parts ...any) []bpf.Instruction {
	var insns []bpf.Instruction
	for _, p := range parts {
		switch p := p.(type) {
		case bpf.Instruction:
			insns = append(insns, p)
		case []bpf.Instruction:
			insns = append(insns, p...)
		case [2]bpf.Instruction:
			insns = append(insns, p[0], p[1])
		default:
			panic("not an instruction")
		}
	}
	return insns
}

func repeat(n int, in bpf.Instruction) []bpf.Instruction {
	insns := make([]bpf.Instruction, n)
	for i := range insns {
		insns[i] = in
	}
	return insns
}

func mov(dst bpf.Register, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: 0xb7, Dst: dst, Imm: imm}
}

func jump(off int16) bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeJA, Off: off} }

// ifZero jumps when dst is 0.
func ifZero(dst bpf.Register, off int16) bpf.Instruction {
	return bpf.Instruction{Op: 0x15, Dst: dst, Off: off}
}

func call(off int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: off}
}

func helper(id int32) bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeCall, Imm: id} }

// store writes a 0 of the given size.
func store(size int, dst bpf.Register, off int16) bpf.Instruction {
	op := map[int]uint8{1: 0x72, 2: 0x6a, 4: 0x62, 8: 0x7a}[size]
	return bpf.Instruction{Op: op, Dst: dst, Off: off}
}

func load(size int, dst, src bpf.Register, off int16) bpf.Instruction {
	op := map[int]uint8{1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}[size]
	return bpf.Instruction{Op: op, Dst: dst, Src: src, Off: off}
}

func atomic(op uint8, dst, src bpf.Register, off int16, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: op, Dst: dst, Src: src, Off: off, Imm: imm}
}

var exit = bpf.Instruction{Op: bpf.OpcodeExit}

// dead makes the kernel skip one instruction: it knows that r0 is 0.
func dead(in bpf.Instruction) []bpf.Instruction { return prog(mov(0, 0), ifZero(0, 1), in, exit) }

// chain is n functions of which each calls the next.
func chain(n int) []bpf.Instruction {
	var insns []bpf.Instruction
	for range n - 1 {
		insns = append(insns, call(1), exit)
	}
	return append(insns, mov(0, 0), exit)
}

// fan is a program of n functions that are called by the first.
func fan(n int) []bpf.Instruction {
	var insns []bpf.Instruction
	for i := range n - 1 {
		insns = append(insns, call(int32(n+i)))
	}
	insns = append(insns, mov(0, 0), exit)
	for range n - 1 {
		insns = append(insns, mov(0, 0), exit)
	}
	return insns
}

var (
	smallArray = &bpf.Map{Name: "config", Type: linux.MapArray, KeySize: 4, ValueSize: 48, MaxEntries: 1}
	wideArray  = &bpf.Map{Name: "wide", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	hash       = &bpf.Map{Name: "flows", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	arena      = &bpf.Map{Name: "arena", Type: linux.MapArena, MaxEntries: 1}
	testMaps   = []*bpf.Map{smallArray, wideArray, hash}
)

func mapLoad(kind bpf.Register, index, off uint32) [2]bpf.Instruction {
	return bpf.LoadImm64(1, kind, uint64(off)<<32|uint64(index))
}
