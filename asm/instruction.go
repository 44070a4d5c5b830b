package asm

import (
	stdelf "debug/elf"
	"math"

	"ebtools/bpf"
)

// instruction assembles the statement's tokens from a.i on.
func (a *assembler) instruction() {
	m := &a.matcher
	*m = matcher{a: a, first: a.i, furthest: a.i, bound: m.bound[:0], expected: m.expected[:0]}
	if !m.matchStatement() {
		a.report(a.explainStatement(m))
		return
	}
	if f := a.checkDialect(m); f != nil {
		a.report(f)
		return
	}
	end := len(a.toks) - 1
	whole := a.spanOf(a.i, end)
	s := a.section
	if f := a.checkCPU(m.form, whole); f != nil {
		a.report(f)
		return
	}
	if f := a.startCode(s, whole); f != nil {
		a.report(f)
		return
	}
	a.noteLocation()
	at := s.here()
	form := m.form
	in := bpf.Instruction{Op: form.Op, Src: form.Src, Off: form.Off, Imm: form.Imm}
	var second bpf.Instruction
	a.unsigned = m.isKernelText()
	for _, b := range m.bound {
		a.encode(&in, &second, b, at)
	}
	a.unsigned = false
	s.data = grow(s.data, bpf.InstructionSize*form.Slots())
	in.Put(s.data[at.off:], a.order)
	if form.Slots() == 2 {
		second.Put(s.data[at.off+bpf.InstructionSize:], a.order)
	}
	s.lines = append(s.lines, line{at, whole, a.debug.loc})
}

// startCode makes sure that instructions may stand here.
func (a *assembler) startCode(s *section, at span) *fault {
	switch {
	case s.typ == stdelf.SHT_NOBITS:
		return faultAt(at, ErrMisuse, "section %s has no content in the file: instructions can't stand there", s.name)
	case len(s.data)%bpf.InstructionSize != 0:
		return faultAt(at, ErrMisuse, "instructions begin at multiples of 8 bytes, and this is byte %d of section %s: put .p2align 3 before it, or data in a section of its own", len(s.data), s.name)
	}
	if !s.code {
		s.code = true
		if s.plain {
			s.flags |= stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR
		}
	}
	return nil
}

// grow adds n zero bytes.
func grow(b []byte, n int) []byte {
	var zero [16]byte
	for ; n > len(zero); n -= len(zero) {
		b = append(b, zero[:]...)
	}
	return append(b, zero[:n]...)
}

// encode puts an operand into the instruction, which is to stand at a place; or
// makes a fixup of it if its value is not known yet.
func (a *assembler) encode(in, second *bpf.Instruction, b binding, at place) {
	where := a.spanOf(b.first, b.end)
	kind := fixImm
	switch b.operand {
	case bpf.OperandDst, bpf.OperandDstW:
		in.Dst = b.reg
		return
	case bpf.OperandSrc, bpf.OperandSrcW:
		in.Src = b.reg
		return
	case bpf.OperandLong:
		kind = fixLong
		if in.Src != 0 { // ld_pseudo says itself what its number means
			kind = fixWide
		}
	case bpf.OperandOff, bpf.OperandMod:
		kind = fixOff
	case bpf.OperandJump:
		kind = fixJump
	case bpf.OperandFar:
		kind = fixFar
	case bpf.OperandCall, operandLocal:
		kind = fixCall
	case bpf.OperandTo:
		kind = fixHigh
	case bpf.OperandFrom:
		kind = fixLow
	}
	if b.expr.isNumber() {
		if isName := a.toks[b.first].kind == tokIdent; isName && (kind == fixJump || kind == fixFar) {
			a.report(notLabel(where))
			return
		}
		if f := a.setField(in, second, kind, b.expr.num, where); f != nil {
			a.report(f)
		}
		return
	}
	a.section.fixups = append(a.section.fixups, fixup{at, kind, b.expr, where})
}

// setField puts a number into the field of an instruction that a fixup of some
// kind is about.
func (a *assembler) setField(in, second *bpf.Instruction, kind fixKind, n int64, at span) *fault {
	switch kind {
	case fixImm, fixCall:
		if n < math.MinInt32 || n > math.MaxUint32 {
			f := faultAt(at, ErrRange, "%d does not fit in the 32 bits of an immediate", n)
			if in.IsALU() && in.Code() == bpf.OpMov {
				f.note("load it with %s = %d ll", in.Dst, n)
			} else if kind == fixImm {
				f.note("load it into a register with ll, and use that")
			}
			return f
		}
		if n > math.MaxInt32 && kind == fixImm && extendsImmediate(*in) && !a.unsigned {
			a.warn(faultAt(at, ErrRange, "%#x becomes %#x: a 64-bit instruction extends the sign of its immediate", n, uint64(int64(int32(n)))).
				note("write %d if that is meant, use w registers, or load the number with ll", int32(n)))
		}
		in.Imm = int32(n)
	case fixLong, fixWide:
		in.Imm, second.Imm = int32(n), int32(n>>32)
	case fixOff, fixJump:
		if n < math.MinInt16 || n > math.MaxInt16 {
			return faultAt(at, ErrRange, "%d does not fit in the 16 bits of an offset: from -32768 to 32767", n)
		}
		in.Off = int16(n)
	case fixFar:
		if n < math.MinInt32 || n > math.MaxInt32 {
			return faultAt(at, ErrRange, "%d does not fit in 32 bits", n)
		}
		in.Imm = int32(n)
	case fixHigh, fixLow:
		if n < 0 || n > math.MaxUint16 {
			return faultAt(at, ErrRange, "%d is no address space: they are numbered from 0 to 65535", n)
		}
		if kind == fixHigh {
			n <<= 16
		}
		in.Imm |= int32(n)
	}
	return nil
}

// extendsImmediate reports whether an instruction takes its immediate for the
// low half of a 64-bit number with that sign.
func extendsImmediate(in bpf.Instruction) bool {
	switch in.Class() {
	case bpf.ClassALU64, bpf.ClassJMP:
		return !in.UsesSourceRegister() && in.Code() != bpf.OpCall
	case bpf.ClassST:
		return in.Size() == 8
	}
	return false
}
