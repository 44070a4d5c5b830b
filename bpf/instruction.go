package bpf

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Register is a register number. R0 to R10 exist; the encoding has room for 16.
type Register uint8

// The registers (RFC 9669 section 2).
const (
	R0 Register = iota // return values
	R1                 // first argument, the context on entry
	R2                 // arguments and scratch
	R3
	R4
	R5
	R6 // R6 to R9 survive calls
	R7
	R8
	R9
	R10 // frame pointer, read only
)

// String gives the register's 64-bit name, "r3".
func (r Register) String() string { return fmt.Sprintf("r%d", uint8(r)) }

// InstructionSize is the size of a slot in bytes.
const InstructionSize = 8

// Instruction is one 64-bit slot (RFC 9669 section 3). Every bit pattern is an
// Instruction; whether it means anything is what [Instruction.Form] tells.
type Instruction struct {
	Op  uint8
	Dst Register // 4 bits
	Src Register // 4 bits
	Off int16
	Imm int32
}

// ErrPartialInstruction is returned by Decode for input that is not a whole
// number of slots.
var ErrPartialInstruction = errors.New("length is not a multiple of 8 bytes")

// Decode reads instructions in the given byte order: the fields of each slot
// are in that order, and so are the two register nibbles of the second byte.
func Decode(b []byte, order binary.ByteOrder) ([]Instruction, error) {
	if len(b)%InstructionSize != 0 {
		return nil, fmt.Errorf("decode %d bytes of instructions: %w", len(b), ErrPartialInstruction)
	}
	insns := make([]Instruction, len(b)/InstructionSize)
	for i := range insns {
		insns[i] = DecodeOne(b[i*InstructionSize:], order)
	}
	return insns, nil
}

// DecodeOne reads the slot at the start of b, which must hold 8 bytes.
func DecodeOne(b []byte, order binary.ByteOrder) Instruction {
	_ = b[7]
	low, high := Register(b[1]&0xf), Register(b[1]>>4)
	if IsBigEndian(order) {
		low, high = high, low
	}
	return Instruction{
		Op: b[0], Dst: low, Src: high,
		Off: int16(order.Uint16(b[2:])), Imm: int32(order.Uint32(b[4:])),
	}
}

// Put writes the instruction to b, which must hold 8 bytes.
func (in Instruction) Put(b []byte, order binary.ByteOrder) {
	_ = b[7]
	b[0] = in.Op
	if IsBigEndian(order) {
		b[1] = uint8(in.Dst)<<4 | uint8(in.Src)&0xf
	} else {
		b[1] = uint8(in.Src)<<4 | uint8(in.Dst)&0xf
	}
	order.PutUint16(b[2:], uint16(in.Off))
	order.PutUint32(b[4:], uint32(in.Imm))
}

// Encode writes instructions in the given byte order.
func Encode(insns []Instruction, order binary.ByteOrder) []byte {
	b := make([]byte, len(insns)*InstructionSize)
	for i, in := range insns {
		in.Put(b[i*InstructionSize:], order)
	}
	return b
}

// IsBigEndian reports whether the byte order is big-endian.
func IsBigEndian(order binary.ByteOrder) bool { return order.Uint16([]byte{0, 1}) == 1 }

// Class is the opcode's class, one of the Class constants.
func (in Instruction) Class() uint8 { return in.Op & classMask }

// Code is the operation of an ALU or jump instruction, an Op constant.
func (in Instruction) Code() uint8 { return in.Op & codeMask }

// Mode is the mode of a load or store, a Mode constant.
func (in Instruction) Mode() uint8 { return in.Op & modeMask }

// Size is how many bytes a load or store moves.
func (in Instruction) Size() int { return [4]int{4, 2, 1, 8}[in.Op&sizeMask>>3] }

// UsesSourceRegister reports whether an ALU or jump instruction takes its
// second operand from a register and not from the immediate.
func (in Instruction) UsesSourceRegister() bool { return in.Op&sourceMask == SourceX }

// IsALU reports whether the class is ALU or ALU64.
func (in Instruction) IsALU() bool { c := in.Class(); return c == ClassALU || c == ClassALU64 }

// IsJump reports whether the instruction may go elsewhere within its function:
// conditional jumps, goto, gotol and may_goto, but not calls and exit.
func (in Instruction) IsJump() bool {
	switch in.Class() {
	case ClassJMP:
		return in.Code() != OpCall && in.Code() != OpExit
	case ClassJMP32:
		return true
	}
	return false
}

// IsConditional reports whether the instruction is a jump that compares.
func (in Instruction) IsConditional() bool {
	return in.IsJump() && in.Code() != OpJA && in.Code() != OpJCond
}

// FallsThrough reports whether the next instruction may run after this one.
func (in Instruction) FallsThrough() bool {
	return in.Op != OpcodeExit && in.Op != OpcodeJA && in.Op != OpcodeJA32
}

// IsLoadImm64 reports whether the instruction is the first slot of a 64-bit
// immediate load.
func (in Instruction) IsLoadImm64() bool { return in.Op == OpcodeLoadImm64 }

// IsLocalCall reports whether the instruction calls a function of its own program.
func (in Instruction) IsLocalCall() bool { return in.Op == OpcodeCall && in.Src == CallLocal }

// IsHelperCall reports whether the instruction calls a helper by its id.
func (in Instruction) IsHelperCall() bool { return in.Op == OpcodeCall && in.Src == CallHelper }

// JumpOffset is where a jump or a local call goes, in slots relative to the
// next instruction.
func (in Instruction) JumpOffset() int {
	if in.Op == OpcodeJA32 || in.Op == OpcodeCall || in.IsLoadImm64() {
		return int(in.Imm)
	}
	return int(in.Off)
}

// Imm64 joins the immediates of a 64-bit immediate load and its second slot.
func Imm64(first, second Instruction) uint64 {
	return uint64(uint32(second.Imm))<<32 | uint64(uint32(first.Imm))
}

// LoadImm64 is the two slots that load a 64-bit immediate; src is 0 for a plain
// number or a Pseudo constant.
func LoadImm64(dst, src Register, imm uint64) [2]Instruction {
	return [2]Instruction{
		{Op: OpcodeLoadImm64, Dst: dst, Src: src, Imm: int32(uint32(imm))},
		{Imm: int32(uint32(imm >> 32))},
	}
}
