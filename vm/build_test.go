package vm

import (
	"encoding/binary"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// A small notation for programs in tests: each function makes one instruction,
// join puts them together.

const (
	r0 = bpf.R0
	r1 = bpf.R1
	r2 = bpf.R2
	r3 = bpf.R3
	r4 = bpf.R4
	r5 = bpf.R5
	r6 = bpf.R6
	r7 = bpf.R7
	r8 = bpf.R8
	r9 = bpf.R9
	fp = bpf.R10
)

// sizes are the size fields of loads and stores of 1, 2, 4 and 8 bytes.
var sizes = map[int]uint8{1: bpf.SizeB, 2: bpf.SizeH, 4: bpf.SizeW, 8: bpf.SizeDW}

// alu is a 64-bit operation with an immediate, aluX with a register; alu32 and
// alu32X are the same for 32 bits.
func alu(op uint8, dst bpf.Register, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassALU64 | bpf.SourceK | op, Dst: dst, Imm: imm}
}

func aluX(op uint8, dst, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassALU64 | bpf.SourceX | op, Dst: dst, Src: src}
}

func alu32(op uint8, dst bpf.Register, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassALU | bpf.SourceK | op, Dst: dst, Imm: imm}
}

func alu32X(op uint8, dst, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassALU | bpf.SourceX | op, Dst: dst, Src: src}
}

func set(dst bpf.Register, imm int32) bpf.Instruction      { return alu(bpf.OpMov, dst, imm) }
func move(dst, src bpf.Register) bpf.Instruction           { return aluX(bpf.OpMov, dst, src) }
func add(dst bpf.Register, imm int32) bpf.Instruction      { return alu(bpf.OpAdd, dst, imm) }
func long(dst bpf.Register, imm uint64) [2]bpf.Instruction { return bpf.LoadImm64(dst, 0, imm) }
func mapAt(dst bpf.Register, index int) [2]bpf.Instruction {
	return bpf.LoadImm64(dst, bpf.PseudoMapIdx, uint64(index))
}

func call(helper int32) bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeCall, Imm: helper} }

func callLocal(distance int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: distance}
}

func jump(distance int16) bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeJA, Off: distance} }

func mayGoto(distance int16) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeMayGoto, Off: distance}
}

// valueAt is the address of byte off of the one value of an array map.
func valueAt(dst bpf.Register, index int, off uint32) [2]bpf.Instruction {
	return bpf.LoadImm64(dst, bpf.PseudoMapIdxValue, uint64(off)<<32|uint64(index))
}

// load is dst = *(size *)(src + off), store *(size *)(dst + off) = src.
func load(size int, dst, src bpf.Register, off int) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassLDX | bpf.ModeMEM | sizes[size], Dst: dst, Src: src, Off: int16(off)}
}

func store(size int, dst bpf.Register, off int, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassSTX | bpf.ModeMEM | sizes[size], Dst: dst, Src: src, Off: int16(off)}
}

func storeK(size int, dst bpf.Register, off int, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassST | bpf.ModeMEM | sizes[size], Dst: dst, Off: int16(off), Imm: imm}
}

// atomicOp is an atomic operation of 4 or 8 bytes on *(dst + off).
func atomicOp(size int, operation int32, dst bpf.Register, off int, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassSTX | bpf.ModeATOMIC | sizes[size], Dst: dst, Src: src, Off: int16(off), Imm: operation}
}

// jumpIf compares dst with an immediate, jumpIfX with a register.
func jumpIf(op uint8, dst bpf.Register, imm int32, distance int16) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassJMP | bpf.SourceK | op, Dst: dst, Imm: imm, Off: distance}
}

func jumpIfX(op uint8, dst, src bpf.Register, distance int16) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassJMP | bpf.SourceX | op, Dst: dst, Src: src, Off: distance}
}

func program(insns []bpf.Instruction) *bpf.Program {
	return &bpf.Program{
		Name: "prog", Section: "xdp", Type: linux.ProgXDP, Instructions: insns,
		Functions: []bpf.Function{{Name: "prog", Len: len(insns)}},
	}
}

// listing is the program as text, cut when it is long.
func listing(insns []bpf.Instruction) string {
	var out strings.Builder
	for pc := 0; pc < len(insns) && pc < 200; {
		text, n := bpf.Disassemble(insns, pc)
		out.WriteString("  " + text + "\n")
		pc += n
	}
	return out.String()
}

// word is a number as a key or value.
func word(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

// results is an array map of one value that programs leave their results in.
func results(size uint32) *bpf.Map {
	return &bpf.Map{Name: "results", Type: linux.MapArray, KeySize: 4, ValueSize: size, MaxEntries: 1}
}

// bytesUpTo is a packet of n bytes, each its own number.
func bytesUpTo(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i + i>>8)
	}
	return p
}

// machine makes a machine of one XDP program.
func machine(t testing.TB, insns []bpf.Instruction, maps ...*bpf.Map) *Program {
	t.Helper()
	obj := &bpf.Object{Name: "test", ByteOrder: binary.LittleEndian, Maps: maps, Programs: []*bpf.Program{program(insns)}}
	m, err := New(obj, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Programs()[0]
}

// join strings instructions and pairs of slots together.
func join(parts ...any) []bpf.Instruction {
	var out []bpf.Instruction
	for _, p := range parts {
		switch p := p.(type) {
		case bpf.Instruction:
			out = append(out, p)
		case [2]bpf.Instruction:
			out = append(out, p[:]...)
		case []bpf.Instruction:
			out = append(out, p...)
		}
	}
	return out
}

var exit = bpf.Instruction{Op: bpf.OpcodeExit}
