package generate

import "ebtools/bpf"

// A small notation: each function makes one instruction.

const (
	r0  = bpf.R0
	r1  = bpf.R1
	r2  = bpf.R2
	r3  = bpf.R3
	r4  = bpf.R4
	r5  = bpf.R5
	r6  = bpf.R6
	r7  = bpf.R7
	r8  = bpf.R8
	r9  = bpf.R9
	r10 = bpf.R10
)

var exit = bpf.Instruction{Op: bpf.OpcodeExit}

// sizeBits is the size field of a load or store of 1, 2, 4 or 8 bytes.
func sizeBits(size int) uint8 {
	switch size {
	case 1:
		return bpf.SizeB
	case 2:
		return bpf.SizeH
	case 4:
		return bpf.SizeW
	}
	return bpf.SizeDW
}

func alu(op uint8, dst bpf.Register, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassALU64 | bpf.SourceK | op, Dst: dst, Imm: imm}
}

func aluX(op uint8, dst, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassALU64 | bpf.SourceX | op, Dst: dst, Src: src}
}

func set(dst bpf.Register, imm int32) bpf.Instruction { return alu(bpf.OpMov, dst, imm) }
func move(dst, src bpf.Register) bpf.Instruction      { return aluX(bpf.OpMov, dst, src) }
func add(dst bpf.Register, imm int32) bpf.Instruction { return alu(bpf.OpAdd, dst, imm) }

func call(helper int32) bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeCall, Imm: helper} }

func load(size int, dst, src bpf.Register, off int) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassLDX | bpf.ModeMEM | sizeBits(size), Dst: dst, Src: src, Off: int16(off)}
}

func store(size int, dst bpf.Register, off int, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassSTX | bpf.ModeMEM | sizeBits(size), Dst: dst, Src: src, Off: int16(off)}
}

func storeK(size int, dst bpf.Register, off int, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassST | bpf.ModeMEM | sizeBits(size), Dst: dst, Off: int16(off), Imm: imm}
}

func atomic(size int, operation int32, dst bpf.Register, off int, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassSTX | bpf.ModeATOMIC | sizeBits(size), Dst: dst, Src: src, Off: int16(off), Imm: operation}
}

// jump, jumpIf and jumpIfX leave the distance to be set.
func jump() bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeJA} }

func jumpIf(op uint8, dst bpf.Register, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassJMP | bpf.SourceK | op, Dst: dst, Imm: imm}
}

func jumpIfX(op uint8, dst, src bpf.Register) bpf.Instruction {
	return bpf.Instruction{Op: bpf.ClassJMP | bpf.SourceX | op, Dst: dst, Src: src}
}
