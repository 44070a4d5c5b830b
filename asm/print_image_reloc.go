package asm

import (
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"slices"
	"sort"

	"ebtools/bpf"
	"ebtools/elf"
)

// symbolRef is a relocation that the text makes by naming a symbol.
type symbolRef struct {
	rel    elf.Relocation
	index  int    // of rel in its section
	size   uint64 // bytes of data it takes; of code those of the instruction
	addend int64  // what stands in its place

	sym   *elf.Symbol  // named; else a place in a section
	plan  *sectionPlan // of the place
	off   uint64
	delta int64 // from the symbol or place
}

// planRelocs finds out which relocations have the shape that an assembler gives
// them. The others are odd.
func (p *imagePrinter) planRelocs(plan *sectionPlan) {
	seen := map[uint64]bool{}
	for i, r := range plan.s.Relocs {
		ref := p.shape(plan, r)
		if ref != nil && !seen[r.Offset] && !plan.overlaps(ref) {
			ref.index = i
			plan.refs[r.Offset] = ref
		}
		seen[r.Offset] = true
	}
}

// settleRefs finds words for all references of a section. What is left is odd.
func (p *imagePrinter) settleRefs(plan *sectionPlan) error {
	for _, off := range sortedKeys(plan.refs) {
		if !p.settle(plan, plan.refs[off]) {
			delete(plan.refs, off)
		}
	}
	for i, r := range plan.s.Relocs {
		if ref := plan.refs[r.Offset]; ref != nil && ref.index == i {
			continue
		}
		if err := p.checkOdd(r); err != nil {
			return fmt.Errorf("section %s: %w", shortText(plan.s.Name), err)
		}
		plan.odd = append(plan.odd, r)
	}
	slices.SortStableFunc(plan.odd, func(a, b elf.Relocation) int { return cmp.Compare(a.Offset, b.Offset) })
	return nil
}

// overlaps reports whether a reference lies over another one, or a label within.
func (plan *sectionPlan) overlaps(ref *symbolRef) bool {
	off := ref.rel.Offset
	if plan.insideRef(off) {
		return true
	}
	for i := uint64(1); i < ref.size; i++ {
		if plan.refs[off+i] != nil || plan.starts == nil && plan.labelled(off+i) {
			return true
		}
	}
	return false
}

// labelled reports whether a symbol is a label at a place.
func (plan *sectionPlan) labelled(off uint64) bool {
	_, found := slices.BinarySearchFunc(plan.symbols, off, func(s *elf.Symbol, off uint64) int { return cmp.Compare(s.Value, off) })
	return found
}

// around finds a local symbol that a place is part of.
func (plan *sectionPlan) around(off uint64) *elf.Symbol {
	i := sort.Search(len(plan.locals), func(i int) bool { return plan.locals[i].Value > off }) - 1
	if i < 0 || off-plan.locals[i].Value >= plan.locals[i].Size {
		return nil
	}
	return plan.locals[i]
}

// shape is the reference that a relocation's place looks like, nil for none.
func (p *imagePrinter) shape(plan *sectionPlan, r elf.Relocation) *symbolRef {
	s := plan.s
	if r.Symbol == nil || s.Type == stdelf.SHT_NOBITS || r.Offset > uint64(len(s.Data)) {
		return nil
	}
	data := s.Data[r.Offset:]
	if plan.starts != nil {
		if r.Offset%bpf.InstructionSize != 0 || len(data) < bpf.InstructionSize || !plan.starts[r.Offset/bpf.InstructionSize] {
			return nil
		}
		in := bpf.DecodeOne(data, p.order)
		switch {
		case in.Form() == nil:
		case r.Type == elf.Reloc64_64 && in.IsLoadImm64() && in.Src == 0 && len(data) >= 2*bpf.InstructionSize:
			if second := bpf.DecodeOne(data[bpf.InstructionSize:], p.order); second == (bpf.Instruction{}) {
				return &symbolRef{rel: r, size: 2 * bpf.InstructionSize, addend: int64(in.Imm)}
			}
		case r.Type == elf.Reloc64_32 && in.IsLocalCall():
			return &symbolRef{rel: r, size: bpf.InstructionSize, addend: (int64(in.Imm) + 1) * bpf.InstructionSize}
		}
		return nil
	}
	switch {
	case r.Type == elf.RelocABS64 && len(data) >= 8:
		return &symbolRef{rel: r, size: 8, addend: int64(p.order.Uint64(data))}
	case (r.Type == elf.RelocABS32 || r.Type == elf.RelocNODYLD32) && len(data) >= 4:
		return &symbolRef{rel: r, size: 4, addend: int64(int32(p.order.Uint32(data)))}
	}
	return nil
}

// settle finds words for what a reference refers to. It reports false when there
// are none that make the same relocation.
func (p *imagePrinter) settle(plan *sectionPlan, ref *symbolRef) bool {
	sym, isCall := ref.rel.Symbol, ref.rel.Type == elf.Reloc64_32
	if sym.Type != stdelf.STT_SECTION {
		isLocal := sym.Bind == stdelf.STB_LOCAL && (sym.Section != nil || sym.Special != stdelf.SHN_UNDEF)
		if isLocal || sym.Special == stdelf.SHN_ABS || !makesType(ref.rel.Type, sym.Section, false) {
			return false
		}
		ref.sym, ref.delta = sym, ref.addend
		return true
	}
	to := p.planOf[sym.Section]
	if ref.addend < 0 || isCall && (to == plan || to.starts == nil) {
		return false
	}
	off := uint64(ref.addend)
	named := makesType(ref.rel.Type, sym.Section, false)
	if local := to.local[off]; local != nil && named && !p.renamed[local] {
		ref.sym = local
		return true
	}
	merged := sym.Section.Flags&stdelf.SHF_MERGE != 0 // LLVM names the label when there is a distance
	if local := to.around(off); local != nil && named && !p.renamed[local] && !isCall && !merged {
		ref.sym, ref.delta = local, ref.addend-int64(local.Value)
		return true
	}
	if !makesType(ref.rel.Type, sym.Section, true) {
		return false
	}
	ref.plan = to
	if to.canLabel(off) && !to.insideRef(off) {
		ref.off = off
		to.ask(off, isCall)
		return true
	}
	if isCall || merged {
		return false
	}
	ref.delta = ref.addend
	to.ask(0, false)
	return true
}

// makesType reports whether a reference to a label of a section, nil for an
// undefined symbol, makes a relocation of some type. Those of 4 bytes differ.
func makesType(t elf.RelocType, s *elf.Section, temporary bool) bool {
	if t != elf.RelocABS32 && t != elf.RelocNODYLD32 {
		return true
	}
	need := stdelf.SHF_ALLOC | stdelf.SHF_WRITE
	if temporary {
		need = stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR
	}
	return (s != nil && s.Flags&need == need) == (t == elf.RelocNODYLD32)
}

// checkOdd refuses a relocation that .reloc has no words for.
func (p *imagePrinter) checkOdd(r elf.Relocation) error {
	sym := r.Symbol
	switch {
	case r.Offset > 1<<62:
		return unprintable("a relocation at offset %#x", r.Offset)
	case sym == nil || sym.Type != stdelf.STT_SECTION:
		return nil
	}
	plan := p.planOf[sym.Section]
	if name := sym.Section.Name; plan.unique > 0 || plan.group != nil || sym.Section.Link != nil || p.isWritten[name] {
		return unprintable("%s at %#x against section %s, whose name is not its own", r.Type, r.Offset, shortText(name))
	}
	return nil
}

// refText writes what a reference refers to.
func (p *imagePrinter) refText(ref *symbolRef) string {
	text := ""
	if ref.sym != nil {
		text = symbolText(p.names[ref.sym])
	} else {
		text = ref.plan.labels[ref.off]
	}
	if ref.delta != 0 {
		text += fmt.Sprintf("%+d", ref.delta)
	}
	return text
}
