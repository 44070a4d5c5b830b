package asm

import (
	"fmt"
	"slices"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
)

// findStarts tells where instructions begin from second halves of 64-bit
// immediate loads.
func (plan *sectionPlan) findStarts(p *imagePrinter) {
	insns := plan.instructions(p)
	plan.starts = make([]bool, len(insns))
	for pc := 0; pc < len(insns); {
		plan.starts[pc] = true
		_, slots := slotsAt(insns, pc)
		pc += slots
	}
}

func (plan *sectionPlan) instructions(p *imagePrinter) []bpf.Instruction {
	whole := len(plan.s.Data) / bpf.InstructionSize * bpf.InstructionSize
	insns, err := bpf.Decode(plan.s.Data[:whole], p.order)
	if err != nil {
		return nil // not of whole instructions
	}
	return insns
}

// slotsAt gives the form of an instruction, nil if it is none, and how many
// slots it takes.
func slotsAt(insns []bpf.Instruction, pc int) (*bpf.Form, int) {
	in := insns[pc]
	form := in.Form()
	if form == nil || !in.IsLoadImm64() {
		return form, 1
	}
	if pc+1 < len(insns) && insns[pc+1] == (bpf.Instruction{Imm: insns[pc+1].Imm}) {
		return form, 2
	}
	return nil, 1
}

// planJumps asks for labels where jumps and calls lead.
func (p *imagePrinter) planJumps(plan *sectionPlan) {
	insns := plan.instructions(p)
	for pc := range insns {
		if off, ok := p.targetOf(plan, insns, pc); ok && plan.local[off] == nil {
			plan.ask(off, true)
		}
	}
}

// targetOf gives the place that the jump or the call at pc leads to, if a label
// can stand there.
func (p *imagePrinter) targetOf(plan *sectionPlan, insns []bpf.Instruction, pc int) (off uint64, ok bool) {
	in := insns[pc]
	if !plan.starts[pc] || !in.IsJump() && !in.IsLocalCall() || in.Form() == nil {
		return 0, false
	}
	if at := uint64(pc * bpf.InstructionSize); plan.refs[at] != nil || plan.relocated(at) {
		return 0, false
	}
	to := pc + 1 + in.JumpOffset()
	if to < 0 || to >= len(insns) || !plan.starts[to] {
		return 0, false
	}
	return uint64(to * bpf.InstructionSize), true
}

// relocated reports whether an odd relocation is about the instruction at a
// place, which is then written as it stands.
func (plan *sectionPlan) relocated(off uint64) bool {
	i, found := plan.oddAt(off)
	return found || i < len(plan.odd) && plan.odd[i].Offset < off+bpf.InstructionSize
}

// code writes a section of instructions.
func (p *imagePrinter) code(plan *sectionPlan) {
	insns := plan.instructions(p)
	labels := p.newLabels(plan)
	lines := p.newSourceLines(plan)
	for pc := 0; pc < len(insns); {
		off := uint64(pc * bpf.InstructionSize)
		labels.at(off, func() { lines.at(off) })
		text, comment, slots := p.instruction(plan, insns, pc)
		p.line(text, p.ext.comment(plan, off, comment))
		pc += slots
	}
	p.plainData(plan, labels, uint64(len(insns)*bpf.InstructionSize), plan.s.Len())
	labels.at(plan.s.Len(), func() {})
	labels.finish()
}

// instruction writes the instruction at pc.
func (p *imagePrinter) instruction(plan *sectionPlan, insns []bpf.Instruction, pc int) (text, comment string, slots int) {
	in := insns[pc]
	form, slots := slotsAt(insns, pc)
	n := names{order: p.order}
	if form == nil {
		return n.bytes(in), "", 1
	}
	var next bpf.Instruction
	if slots == 2 {
		next = insns[pc+1]
	}
	if ref := plan.refs[uint64(pc*bpf.InstructionSize)]; ref != nil {
		if ref.size == bpf.InstructionSize {
			return "call " + p.operandText(ref, callText), "", 1
		}
		return fmt.Sprintf("%s = %s ll", in.Dst, p.operandText(ref, symbolText)), p.pointedAt(ref), 2
	}
	if off, ok := p.targetOf(plan, insns, pc); ok {
		name := plan.labels[off]
		if local := plan.local[off]; local != nil {
			name = symbolText(p.names[local])
		}
		if in.IsLocalCall() {
			return "call " + name, "", 1
		}
		return form.Format(in, next, func(o bpf.Operand) string {
			if o == bpf.OperandJump || o == bpf.OperandFar {
				return name
			}
			return ""
		}), "", slots
	}
	if in.IsHelperCall() {
		if h, ok := linux.HelperByID(linux.HelperID(in.Imm)); ok {
			comment = h.Name
		}
	}
	text = form.Format(in, next, nil)
	if isOurs(form) {
		return n.bytes(in), text, 1
	}
	return text, comment, slots
}

// isOurs reports whether only ebas has a spelling for instructions of a form.
func isOurs(form *bpf.Form) bool {
	return slices.ContainsFunc(form.Parts(), func(p bpf.Part) bool {
		return p.Operand == bpf.OperandDisp || p.Operand == bpf.OperandFunc || p.Operand == bpf.OperandMod
	})
}

// operandText is refText with the name as an instruction takes it.
func (p *imagePrinter) operandText(ref *symbolRef, name func(string) string) string {
	if ref.sym == nil || ref.delta != 0 {
		return p.refText(ref)
	}
	return name(p.names[ref.sym])
}

// pointedAt is the text that a load of an address in constant data points at.
func (p *imagePrinter) pointedAt(ref *symbolRef) string {
	s, off := (*elf.Section)(nil), int64(0)
	if ref.sym != nil {
		s, off = ref.sym.Section, int64(ref.sym.Value)+ref.delta
	} else {
		s, off = ref.plan.s, int64(ref.off)+ref.delta
	}
	if s == nil || !isConstant(s) || off < 0 || off >= int64(len(s.Data)) {
		return ""
	}
	return stringAt(s.Data[off:])
}
