package bpf

import "math/bits"

// ALU returns what an instruction of class ALU or ALU64 leaves in its
// destination register when that held dst and the source register held src,
// on a little-endian machine (RFC 9669 sections 4.1 and 4.2). Results of
// 32-bit instructions have their upper half zero. Division by zero gives 0,
// modulo zero leaves dst, and shift counts are taken modulo the width. An
// addr_space_cast gives src.
func ALU(in Instruction, dst, src uint64) uint64 {
	if !in.UsesSourceRegister() {
		src = uint64(int64(in.Imm))
	}
	switch {
	case in.Code() == OpEnd:
		return byteOrder(in, dst)
	case in.Class() == ClassALU:
		return uint64(alu32(in, uint32(dst), uint32(src)))
	}
	return alu64(in, dst, src)
}

func alu64(in Instruction, dst, src uint64) uint64 {
	signed := in.Off == 1
	switch in.Code() {
	case OpAdd:
		return dst + src
	case OpSub:
		return dst - src
	case OpMul:
		return dst * src
	case OpDiv:
		switch {
		case src == 0:
			return 0
		case signed:
			return uint64(int64(dst) / int64(src)) // wraps for the smallest number / -1, as the RFC has it
		}
		return dst / src
	case OpMod:
		switch {
		case src == 0:
			return dst
		case signed:
			return uint64(int64(dst) % int64(src))
		}
		return dst % src
	case OpOr:
		return dst | src
	case OpAnd:
		return dst & src
	case OpXor:
		return dst ^ src
	case OpLsh:
		return dst << (src & 63)
	case OpRsh:
		return dst >> (src & 63)
	case OpArsh:
		return uint64(int64(dst) >> (src & 63))
	case OpNeg:
		return -dst
	case OpMov:
		return signExtend(src, in.Off)
	}
	return dst
}

func alu32(in Instruction, dst, src uint32) uint32 {
	signed := in.Off == 1
	switch in.Code() {
	case OpAdd:
		return dst + src
	case OpSub:
		return dst - src
	case OpMul:
		return dst * src
	case OpDiv:
		switch {
		case src == 0:
			return 0
		case signed:
			return uint32(int32(dst) / int32(src))
		}
		return dst / src
	case OpMod:
		switch {
		case src == 0:
			return dst
		case signed:
			return uint32(int32(dst) % int32(src))
		}
		return dst % src
	case OpOr:
		return dst | src
	case OpAnd:
		return dst & src
	case OpXor:
		return dst ^ src
	case OpLsh:
		return dst << (src & 31)
	case OpRsh:
		return dst >> (src & 31)
	case OpArsh:
		return uint32(int32(dst) >> (src & 31))
	case OpNeg:
		return -dst
	case OpMov:
		return uint32(signExtend(uint64(src), in.Off))
	}
	return dst
}

// signExtend widens the low width bits of v; other widths than 8, 16 and 32
// leave v as it is.
func signExtend(v uint64, width int16) uint64 {
	switch width {
	case 8:
		return uint64(int64(int8(v)))
	case 16:
		return uint64(int64(int16(v)))
	case 32:
		return uint64(int64(int32(v)))
	}
	return v
}

// byteOrder is the byte swap instructions: le and be (class ALU) and bswap
// (class ALU64), each of the low 16, 32 or all 64 bits, the rest becoming zero.
func byteOrder(in Instruction, v uint64) uint64 {
	swap := in.Class() == ClassALU64 || in.UsesSourceRegister()
	switch in.Imm {
	case 16:
		if swap {
			return uint64(bits.ReverseBytes16(uint16(v)))
		}
		return uint64(uint16(v))
	case 32:
		if swap {
			return uint64(bits.ReverseBytes32(uint32(v)))
		}
		return uint64(uint32(v))
	}
	if swap {
		return bits.ReverseBytes64(v)
	}
	return v
}

// Condition reports whether a conditional jump is taken when its destination
// register holds dst and its source register src (RFC 9669 section 4.3). Jumps
// of class JMP32 compare the low halves.
func Condition(in Instruction, dst, src uint64) bool {
	if !in.UsesSourceRegister() {
		src = uint64(int64(in.Imm))
	}
	if in.Class() == ClassJMP32 {
		switch in.Code() {
		case OpJSGT, OpJSGE, OpJSLT, OpJSLE:
			dst, src = signExtend(dst, 32), signExtend(src, 32)
		default:
			dst, src = uint64(uint32(dst)), uint64(uint32(src))
		}
	}
	switch in.Code() {
	case OpJEQ:
		return dst == src
	case OpJNE:
		return dst != src
	case OpJGT:
		return dst > src
	case OpJGE:
		return dst >= src
	case OpJLT:
		return dst < src
	case OpJLE:
		return dst <= src
	case OpJSET:
		return dst&src != 0
	case OpJSGT:
		return int64(dst) > int64(src)
	case OpJSGE:
		return int64(dst) >= int64(src)
	case OpJSLT:
		return int64(dst) < int64(src)
	case OpJSLE:
		return int64(dst) <= int64(src)
	}
	return in.Code() == OpJA
}
