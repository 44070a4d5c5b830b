package asm

import (
	"math"
	"strings"

	"ebtools/bpf"
)

// The versions of the instruction set count as LLVM's -mcpu does: an
// instruction belongs to the first version whose code LLVM puts it into, or the
// kernel's if LLVM knows no version for it. Arithmetic on w registers is v1: the
// kernel had it from the beginning, and LLVM reads it whatever the version is,
// though it prefers 64 bits until v3.

// cpu is the version that the object is for.
func (o Options) cpu() bpf.ISA {
	if o.CPU == 0 {
		return bpf.V4
	}
	return o.CPU
}

// checkCPU refuses an instruction that came with a later version than the object
// is for.
func (a *assembler) checkCPU(form *bpf.Form, at span) *fault {
	cpu := a.opts.cpu()
	if form.Since <= cpu {
		return nil
	}
	f := faultAt(at, ErrMisuse, "%s came with ISA %s, and this object is for %s", instructionKind(form), form.Since, cpu)
	if note := insteadOf(form); note != "" {
		f.note("%s", note)
	}
	return f.note("--cpu %s allows it: Linux has it since %s", form.Since, kernelOf(form))
}

// instructionKind names what an instruction later than v1 does.
func instructionKind(form *bpf.Form) string {
	in := bpf.Instruction{Op: form.Op, Off: form.Off, Imm: form.Imm}
	switch {
	case form.Op == bpf.OpcodeJA32:
		return "gotol"
	case form.Op == bpf.OpcodeMayGoto:
		return "may_goto"
	case in.Class() == bpf.ClassJMP32:
		return "a jump that compares w registers"
	case in.IsJump():
		return "a jump on less"
	case isAtomic(in) && isAcquireRelease(form):
		return "a load_acquire or store_release"
	case isAtomic(in):
		return "an atomic operation other than lock +="
	case in.Class() == bpf.ClassLDX:
		return "a load that extends the sign"
	case isByteSwap(form):
		return "bswap"
	case form.Off == 1 && in.Code() != bpf.OpMov:
		return "a signed division"
	case in.Code() == bpf.OpMov && form.Off == 1:
		return "addr_space_cast"
	case in.Code() == bpf.OpMov:
		return "a move that extends the sign"
	}
	return "this instruction"
}

// insteadOf says what does the same in earlier versions, where that is short.
func insteadOf(form *bpf.Form) string {
	in := bpf.Instruction{Op: form.Op, Off: form.Off, Imm: form.Imm}
	switch {
	case form.Op == bpf.OpcodeJA32:
		return "goto reaches 32767 instructions, from where another goto goes on"
	case in.Class() == bpf.ClassJMP32 && !strings.Contains(form.Syntax, " s"): // not signed
		return "copy with w1 = w1, which clears the upper half, and compare r1"
	case form.Op == bpf.OpcodeMayGoto:
		return ""
	case in.Class() == bpf.ClassJMP32:
		return ""
	case in.IsJump() && in.UsesSourceRegister():
		return "swap the registers: r1 < r2 is r2 > r1"
	case in.IsJump():
		return "turn the condition around: jump over a goto if it does not hold"
	case in.Class() == bpf.ClassLDX, in.IsALU() && in.Code() == bpf.OpMov && form.Off >= 8:
		return "shift left and then right with s>>= to extend a sign"
	}
	return ""
}

// isAtomic: all but lock += of which are v3 or later.
func isAtomic(in bpf.Instruction) bool {
	return in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC
}

func isAcquireRelease(form *bpf.Form) bool { return form.Imm == 0x100 || form.Imm == 0x110 }

// isByteSwap: the code of be16 and le16, in the class of 64-bit arithmetic.
func isByteSwap(form *bpf.Form) bool {
	in := bpf.Instruction{Op: form.Op}
	return in.Class() == bpf.ClassALU64 && in.Code() == bpf.OpEnd
}

// kernelOf gives the release of Linux that an instruction later than v1 came
// with.
func kernelOf(form *bpf.Form) string {
	in := bpf.Instruction{Op: form.Op, Off: form.Off, Imm: form.Imm}
	switch {
	case form.Since == bpf.V2:
		return "4.14"
	case form.Since == bpf.V3 && isAtomic(in):
		return "5.12"
	case form.Since == bpf.V3:
		return "5.1"
	case isAtomic(in) && isAcquireRelease(form):
		return "6.15"
	case form.Op == bpf.OpcodeMayGoto, in.IsALU() && in.Code() == bpf.OpMov && form.Off == 1:
		return "6.9"
	}
	return "6.6"
}

// reaches reports whether a distance fits the offset of a jump.
func reaches(slots int64) bool { return math.MinInt16 <= slots && slots <= math.MaxInt16 }

// farJump settles a jump to a label that is too far for its offset: a goto
// becomes a gotol of the same length, which v4 has.
func (a *assembler) farJump(s *section, x *fixup, to *symbol, slots int64) *fault {
	data := s.data[s.address(x.place):]
	in := bpf.DecodeOne(data, a.order)
	always := in.Op == bpf.OpcodeJA
	if always && a.opts.cpu() >= bpf.V4 && math.MinInt32 <= slots && slots <= math.MaxInt32 {
		bpf.Instruction{Op: bpf.OpcodeJA32, Imm: int32(slots)}.Put(data, a.order)
		return nil
	}
	f := faultAt(x.at, ErrRange, "label %s is %d instructions away, and this jump reaches 32767", describe(to), abs(slots))
	switch {
	case a.opts.cpu() < bpf.V4:
		return f.note("jump to a goto %s halfway: gotol, which reaches any label, needs --cpu v4", describe(to))
	case always:
		return f
	}
	return f.note("jump to a gotol %s nearby: it reaches any label", describe(to))
}
