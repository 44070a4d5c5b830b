package verifier

import (
	"cmp"
	"fmt"

	"ebtools/bpf"
)

// markSlots finds the second slots of 64-bit immediate loads. A load whose
// second slot holds another instruction takes one slot.
func (c *checker) markSlots() {
	c.second = make([]bool, len(c.insns))
	for pc := 0; pc+1 < len(c.insns); pc++ {
		if c.insns[pc].IsLoadImm64() && c.insns[pc+1].Op == 0 {
			pc++
			c.second[pc] = true
		}
	}
}

// checkInstructions judges every reachable instruction by itself, with at most
// one finding for each.
func (c *checker) checkInstructions() {
	for pc := range c.insns {
		if c.second[pc] || !c.reachable[pc] {
			continue
		}
		v := c.checkInstruction(pc)
		if v == nil {
			continue
		}
		if !v.onVisit {
			v.kernel = cmp.Or(c.earlierLine(pc), v.kernel)
		}
		c.report(pc, *v)
	}
}

// earlierLine is what the kernel logs about an invalid instruction before it
// sees that it is one, when it looks at jumps and at the ends of functions.
func (c *checker) earlierLine(pc int) string {
	in, f := c.insns[pc], &c.functions[c.owner[pc]]
	if t := c.target(pc); in.IsJump() && in.Code() != bpf.OpCall && in.Code() != bpf.OpExit && (t < f.start || t >= f.end) {
		return kernelJumpRange(pc, t)
	}
	if pc == c.last(f) && !c.endsWell(f) {
		return kernelLastInsn
	}
	return ""
}

// checkInstruction gives the first rule that the instruction at pc breaks.
func (c *checker) checkInstruction(pc int) *violation {
	in := c.insns[pc]
	if v := c.checkEncoding(pc); v != nil {
		return v
	}
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		if v := checkConstant(in); v != nil {
			return v
		}
	case bpf.ClassLD:
		if in.IsLoadImm64() {
			if v := c.checkMapReference(pc); v != nil {
				return v
			}
		} else if v := c.checkPacketLoad(in); v != nil {
			return v
		}
	case bpf.ClassJMP:
		if in.IsHelperCall() {
			return c.checkHelper(pc)
		}
	}
	if reg, ok := writes(in); ok && reg == bpf.R10 {
		return &violation{fmt.Errorf("%w: %s writes to it", ErrFramePointer, c.text(pc)), "frame pointer is read only", true}
	}
	return checkStackAccess(in)
}

// checkConstant judges the immediate operand of an ALU instruction.
func checkConstant(in bpf.Instruction) *violation {
	if in.Code() == bpf.OpMov && in.Class() == bpf.ClassALU64 && in.UsesSourceRegister() && in.Off == 1 {
		return checkAddrSpaceCast(in)
	}
	if in.UsesSourceRegister() {
		return nil
	}
	switch in.Code() {
	case bpf.OpDiv, bpf.OpMod:
		if in.Imm == 0 {
			return &violation{fmt.Errorf("%w: `%s`", ErrDivision, in), "div by zero", true}
		}
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		width := int32(64)
		if in.Class() == bpf.ClassALU {
			width = 32
		}
		if in.Imm < 0 || in.Imm >= width {
			return &violation{
				fmt.Errorf("%w: `%s` shifts a %d-bit register by %d, expected 0 to %d", ErrShift, in, width, in.Imm, width-1),
				fmt.Sprintf("invalid shift %d", in.Imm), true,
			}
		}
	}
	return nil
}

// checkAddrSpaceCast judges the two address spaces: to<<16 | from.
func checkAddrSpaceCast(in bpf.Instruction) *violation {
	if in.Imm == 1 || in.Imm == 1<<16 {
		return nil
	}
	return &violation{
		fmt.Errorf("%w: `%s` has to cast from address space 0 to 1 or from 1 to 0", ErrInvalidInstruction, in),
		"addr_space_cast insn can only convert between address space 1 and 0", true,
	}
}

// writes gives the register that the instruction writes to, other than r0 to
// r5 by a call and r0 by a packet load or a compare and exchange.
func writes(in bpf.Instruction) (bpf.Register, bool) {
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64, bpf.ClassLDX:
		return in.Dst, true
	case bpf.ClassLD:
		return in.Dst, in.IsLoadImm64()
	case bpf.ClassSTX:
		switch {
		case in.Mode() != bpf.ModeATOMIC || in.Imm == bpf.AtomicCmpXchg:
			return 0, false
		case in.Imm == bpf.AtomicLoadAcq:
			return in.Dst, true
		}
		return in.Src, in.Imm&bpf.AtomicFetch != 0
	}
	return 0, false
}
