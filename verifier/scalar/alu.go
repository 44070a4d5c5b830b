package scalar

import (
	"math/bits"

	"ebtools/bpf"
)

// Apply makes d what an instruction of class ALU or ALU64 leaves in its
// destination register, which held d, s being its operand: the source register,
// or [Const] of the sign-extended immediate. d and s may be the same. Of an
// instruction that is not valid the result means nothing.
//
// The result of an addr_space_cast is unknown. When bounds contradict each
// other, which the kernel logs as a violated invariant, they are forgotten.
func (d *Scalar) Apply(in bpf.Instruction, s *Scalar) {
	if d == s {
		operand := *s
		s = &operand
	}
	switch {
	case in.Code() == bpf.OpEnd:
		byteOrder(d, in)
	case in.Code() == bpf.OpMov && in.Class() == bpf.ClassALU64 && in.Off == 0 && in.Imm == 0:
		*d = *s // the most common of all
		return
	default:
		apply[w64, w32](d, s, in)
	}
	repair[w64, w32](d)
}

func apply[W, H width](d, s *Scalar, in bpf.Instruction) {
	wide := in.Class() == bpf.ClassALU64
	switch in.Code() {
	case bpf.OpMov:
		move[W, H](d, s, in, wide)
	case bpf.OpDiv, bpf.OpMod: // not followed, not even for the upper half of 32-bit ones
		*d = unknown[W, H]()
	default:
		arithmetic[W, H](d, s, in.Code(), wide)
	}
}

// byteOrder is the le, be and bswap instructions, on a little-endian machine.
func byteOrder(d *Scalar, in bpf.Instruction) {
	if in.Class() == bpf.ClassALU64 || in.UsesSourceRegister() { // bswap and be
		unused := uint(64 - in.Imm)
		d.Bits = Tnum{bits.ReverseBytes64(d.Bits.Value << unused), bits.ReverseBytes64(d.Bits.Mask << unused)}
		d.R64, d.R32 = full[w64](), full[w32]()
	}
	if in.Imm < 64 {
		truncate[w64, w32](d, uint(in.Imm))
	}
	d.Sync()
}

func move[W, H width](d, s *Scalar, in bpf.Instruction, wide bool) {
	*d = *s
	switch {
	case !in.UsesSourceRegister():
		if !wide {
			*d = constant[W, H](trunc[H](s.Bits.Value))
		}
		return
	case wide && in.Imm != 0: // addr_space_cast
		*d = unknown[W, H]()
		return
	case wide:
		if in.Off != 0 {
			signExtend[W, H](d, uint(in.Off))
		}
		return
	case in.Off != 0:
		signExtendLow[W, H](d, uint(in.Off))
	}
	zeroExtend[W, H](d)
	sync[W, H](d)
}

// AddConst makes d what a register is that is known to be delta more than
// another, when d is that other: the kernel's linked registers. The sum is of
// 64 bits or of the low 32.
func (d *Scalar) AddConst(delta int64, wide bool) {
	s := Const(uint64(delta))
	arithmetic[w64, w32](d, &s, bpf.OpAdd, wide)
}

// arithmetic is an operation that takes d and s and leaves its result in d.
func arithmetic[W, H width](d, s *Scalar, op uint8, wide bool) {
	switch op {
	case bpf.OpAdd:
		d.Bits = part[W](d.Bits.Add(s.Bits))
		add[H](&d.R32, &s.R32)
		if wide {
			add[W](&d.R64, &s.R64)
		}
	case bpf.OpSub:
		subtract[W, H](d, s, wide)
	case bpf.OpNeg:
		from := *d
		*d = constant[W, H](0)
		subtract[W, H](d, &from, wide)
	case bpf.OpMul:
		d.Bits = part[W](d.Bits.Mul(s.Bits))
		mul[H](&d.R32, &s.R32)
		if wide {
			mul[W](&d.R64, &s.R64)
		}
	case bpf.OpAnd, bpf.OpOr, bpf.OpXor:
		bitwise[W, H](d, s, op, wide)
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		n, ok := shiftCount[W, H](s, wide)
		if !ok {
			*d = unknown[W, H]()
			return
		}
		if wide {
			shift[W, H](d, op, n)
		} else {
			shiftLow[W, H](d, op, n)
		}
	}
	if !wide {
		zeroExtend[W, H](d)
	}
	sync[W, H](d)
}

func subtract[W, H width](d, s *Scalar, wide bool) {
	d.Bits = part[W](d.Bits.Sub(s.Bits))
	sub[H](&d.R32, &s.R32)
	if wide {
		sub[W](&d.R64, &s.R64)
	}
}

func bitwise[W, H width](d, s *Scalar, op uint8, wide bool) {
	switch op {
	case bpf.OpAnd:
		d.Bits = d.Bits.And(s.Bits)
	case bpf.OpOr:
		d.Bits = d.Bits.Or(s.Bits)
	default:
		d.Bits = d.Bits.Xor(s.Bits)
	}
	low := part[H](d.Bits)
	known, lowKnown := s.Bits.IsConst() && d.Bits.IsConst(), part[H](s.Bits).IsConst() && low.IsConst()
	switch op {
	case bpf.OpAnd:
		and[H](&d.R32, &s.R32, low, lowKnown)
		and[W](&d.R64, &s.R64, d.Bits, known)
	case bpf.OpOr:
		or[H](&d.R32, &s.R32, low, lowKnown)
		or[W](&d.R64, &s.R64, d.Bits, known)
	default:
		xor[H](&d.R32, low, lowKnown)
		xor[W](&d.R64, d.Bits, known)
	}
	if !wide {
		fromBits[W, H](d) // zeroExtend takes the bounds of the low half
	}
}

// shiftCount is the shift count, if it is known and less than the width.
func shiftCount[W, H width](s *Scalar, wide bool) (n uint, ok bool) {
	if wide {
		ok = s.Bits.IsConst() && s.R64.isConst() && s.R64.Umax < uint64(size[W]())
	} else {
		ok = part[H](s.Bits).IsConst() && s.R32.isConst() && s.R64.Umax < uint64(size[H]())
	}
	return uint(s.R64.Umin), ok
}

// shift shifts all of the number. What comes out of one half goes into the
// other, so the bounds of the low half come from its bits, but for lsh.
func shift[W, H width](d *Scalar, op uint8, n uint) {
	switch op {
	case bpf.OpLsh:
		low := d.R32
		lsh[W](&d.R64, n)
		if n == size[H]() { // the first half of a sign extension: lsh, arsh
			d.R64.Smin, d.R64.Smax = low.Smin<<n, low.Smax<<n
		}
		lsh[H](&d.R32, n)
		d.Bits = part[W](d.Bits.Lsh(n))
	case bpf.OpRsh:
		rsh[W](&d.R64, n)
		d.Bits, d.R32 = d.Bits.Rsh(n), full[H]()
	case bpf.OpArsh:
		rangeArsh[W](&d.R64, n)
		d.Bits, d.R32 = arsh[W](d.Bits, n), full[H]()
	}
}

// shiftLow shifts the low half. The upper half is left to zeroExtend.
func shiftLow[W, H width](d *Scalar, op uint8, n uint) {
	low := part[H](d.Bits)
	switch op {
	case bpf.OpLsh:
		lsh[H](&d.R32, n)
		d.Bits = part[H](low.Lsh(n))
	case bpf.OpRsh:
		rsh[H](&d.R32, n)
		d.Bits = low.Rsh(n)
	case bpf.OpArsh:
		rangeArsh[H](&d.R32, n)
		d.Bits = arsh[H](low, n)
	}
	d.R32 = learn[H](d.R32, d.Bits)
}

// Forks reports whether the kernel goes on with two states before it executes
// in: an AND or OR with a constant when all of d, or its low half, is 0 or -1,
// as an arithmetic shift leaves it. zero is d in the state that the kernel keeps
// for later, to execute in again; d becomes the other. Releases before 7.0 have
// this from some stable release on.
func (d *Scalar) Forks(in bpf.Instruction, s *Scalar) (zero Scalar, forks bool) {
	if op := in.Code(); op != bpf.OpAnd && op != bpf.OpOr || !s.IsConst() {
		return Scalar{}, false
	}
	switch {
	case d.R64.Smin == -1 && d.R64.Smax == 0:
		zero, *d = Const(0), Const(^uint64(0))
	case d.R32.Smin == -1 && d.R32.Smax == 0:
		zero = *d
		setLow(&zero, 0)
		setLow(d, ^uint32(0))
	default:
		return Scalar{}, false
	}
	return zero, true
}

// setLow makes the low half v, and leaves what is known of the whole alone.
func setLow(s *Scalar, v uint32) {
	s.Bits = s.Bits.WithSubreg(TnumConst(uint64(v)))
	s.R32 = only[w32](uint64(v))
}
