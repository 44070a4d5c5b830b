package verifier

import (
	"fmt"
	"strings"

	"ebtools/bpf"
)

// formsOf are the forms that have an opcode, without those that Linux refuses.
var formsOf = func() (forms [256][]*bpf.Form) {
	all := bpf.Forms()
	for i := range all {
		if f := &all[i]; f.Group != bpf.LLVM {
			forms[f.Op] = append(forms[f.Op], f)
		}
	}
	return forms
}()

// isKnown reports whether Linux has the opcode, so that it is clear which
// instruction runs next, whatever else is wrong.
func isKnown(in bpf.Instruction) bool { return len(formsOf[in.Op]) > 0 }

// checkEncoding checks that the instruction is one.
func (c *checker) checkEncoding(pc int) *violation {
	in := c.insns[pc]
	switch {
	case in.Op == bpf.OpcodeCallX:
		return &violation{err: fmt.Errorf("%w: callx, a call through a register, is not in Linux", ErrInvalidInstruction), kernel: unknownOpcode(in)}
	case !isKnown(in):
		return &violation{err: fmt.Errorf("%w: there is no opcode 0x%02x", ErrInvalidInstruction, in.Op), kernel: unknownOpcode(in)}
	case in.IsLoadImm64():
		if v := c.checkLoadImm64(pc); v != nil {
			return v
		}
	}
	if in.Op == bpf.OpcodeExit {
		in.Off = 0 // the kernel takes any
	}
	if in.Form() != nil {
		return nil
	}
	// What the kernel checks of loads before it follows paths.
	static := in.Class() == bpf.ClassLDX && in.Imm != 0
	return &violation{fmt.Errorf("%w: %s", ErrInvalidInstruction, mistakes(in)), kernelEncoding(in), !static}
}

func unknownOpcode(in bpf.Instruction) string {
	if in.Class() == bpf.ClassLDX && (in.Mode() != bpf.ModeMEM && in.Mode() != bpf.ModeMEMSX || in.Imm != 0) {
		return "BPF_LDX uses reserved fields"
	}
	return fmt.Sprintf("unknown opcode %02x", in.Op)
}

// mistakes says which fields of the instruction have values that they may not
// have, compared with the form of the opcode that it is nearest to.
func mistakes(in bpf.Instruction) string {
	switch {
	case in.IsALU() && in.Code() == bpf.OpEnd && in.Imm != 16 && in.Imm != 32 && in.Imm != 64:
		return fmt.Sprintf("a byte swap of %d bits, expected 16, 32 or 64", in.Imm)
	case in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC && !isAtomic(in.Imm):
		return fmt.Sprintf("there is no atomic operation 0x%02x", uint32(in.Imm))
	case in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC && in.Size() < 4 && in.Imm != bpf.AtomicLoadAcq && in.Imm != bpf.AtomicStoreRel:
		return fmt.Sprintf("an atomic operation on %s, expected 4 or 8", bytes(in.Size()))
	case in.Op == bpf.OpcodeCall && in.Src > bpf.CallKfunc:
		return fmt.Sprintf("there is no kind %d of call, the source field may be 0 to 2", in.Src)
	}
	var best []string
	for _, f := range formsOf[in.Op] {
		if m := mismatches(f, in); best == nil || len(m) < len(best) {
			best = m
		}
	}
	return fmt.Sprintf("opcode 0x%02x: %s", in.Op, strings.Join(best, ", "))
}

// mismatches puts one field after the other into an instruction of the form and
// sees whether it stays one.
func mismatches(f *bpf.Form, in bpf.Instruction) (found []string) {
	valid := bpf.Instruction{Op: f.Op, Src: f.Src, Off: f.Off, Imm: f.Imm}
	register := func(field string, r, fixed bpf.Register, isFree bool) {
		if isFree {
			found = append(found, fmt.Sprintf("there is no register %s", r))
		} else {
			found = append(found, fmt.Sprintf("the %s field is %d, expected %d", field, r, fixed))
		}
	}
	try := valid
	if try.Dst = in.Dst; try.Form() == nil {
		try.Dst = 1
		register("destination", in.Dst, 0, try.Form() != nil)
	}
	try = valid
	if try.Src = in.Src; try.Form() == nil {
		try.Src = 1
		register("source", in.Src, f.Src, try.Form() != nil && f.Op != bpf.OpcodeCall)
	}
	try = valid
	if try.Off = in.Off; try.Form() == nil {
		found = append(found, fmt.Sprintf("the offset is %d, expected %d", in.Off, f.Off))
	}
	try = valid
	if try.Imm = in.Imm; try.Form() == nil {
		found = append(found, fmt.Sprintf("the immediate is %d, expected %d", in.Imm, f.Imm))
	}
	if found == nil { // each field is right, but not together
		found = append(found, fmt.Sprintf("offset %d and immediate %d don't go together", in.Off, in.Imm))
	}
	return found
}

// kernelEncoding is what the kernel logs of an instruction with a known opcode
// and no form. Registers come last, but for those that a jump compares.
func kernelEncoding(in bpf.Instruction) string {
	if in.Op == bpf.OpcodeCall {
		return "BPF_CALL uses reserved fields"
	}
	if in.IsConditional() && in.Dst > bpf.R10 {
		return fmt.Sprintf("R%d is invalid", in.Dst)
	}
	if r, ok := onlyRegister(in); ok {
		return fmt.Sprintf("R%d is invalid", r)
	}
	switch in.Class() {
	case bpf.ClassLD:
		if in.IsLoadImm64() {
			return "BPF_LD_IMM64 uses reserved fields"
		}
		return "BPF_LD_[ABS|IND] uses reserved fields"
	case bpf.ClassLDX:
		return "BPF_LDX uses reserved fields"
	case bpf.ClassST:
		return "BPF_ST uses reserved fields"
	case bpf.ClassSTX:
		switch {
		case in.Mode() == bpf.ModeMEM:
			return "BPF_STX uses reserved fields"
		case isAtomic(in.Imm):
			return "invalid atomic operand size"
		}
		return fmt.Sprintf("BPF_ATOMIC uses invalid atomic opcode %02x", uint32(in.Imm))
	case bpf.ClassALU, bpf.ClassALU64:
		switch in.Code() {
		case bpf.OpEnd:
			return "BPF_END uses reserved fields"
		case bpf.OpNeg:
			return "BPF_NEG uses reserved fields"
		case bpf.OpMov:
			return "BPF_MOV uses reserved fields"
		}
		return "BPF_ALU uses reserved fields"
	}
	switch in.Code() {
	case bpf.OpJA:
		return "BPF_JA uses reserved fields"
	case bpf.OpExit:
		return "BPF_EXIT uses reserved fields"
	case bpf.OpJCond:
		return fmt.Sprintf("invalid may_goto imm %d", in.Imm)
	}
	return "BPF_JMP/JMP32 uses reserved fields"
}

// onlyRegister gives the register number of an instruction that is wrong for
// its register numbers alone.
func onlyRegister(in bpf.Instruction) (bpf.Register, bool) {
	fixed, bad := in, in.Dst
	if in.Dst > bpf.R10 {
		fixed.Dst = bpf.R1
	}
	if in.Src > bpf.R10 {
		fixed.Src, bad = bpf.R1, in.Src
	}
	return bad, fixed.Form() != nil
}

// isAtomic reports whether imm is an atomic operation of any size.
func isAtomic(imm int32) bool {
	for _, f := range formsOf[bpf.ClassSTX|bpf.ModeATOMIC|bpf.SizeDW] {
		if f.Imm == imm {
			return true
		}
	}
	return false
}
