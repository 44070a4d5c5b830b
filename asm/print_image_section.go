package asm

import (
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"strings"

	"ebtools/bpf"
	"ebtools/elf"
)

// sectionPlan is what is known of a section before it is written.
type sectionPlan struct {
	s      *elf.Section
	unique int          // tells sections of one name apart, 0 for the first
	group  *elf.Section // that it is a member of
	symbol *elf.Symbol  // that stands for it

	symbols []*elf.Symbol          // its named ones, by ascending value
	local   map[uint64]*elf.Symbol // a local one that is a label, by its place
	locals  []*elf.Symbol          // the local ones that are labels
	set     []*elf.Symbol          // those whose place no label can have

	starts    []bool // of code, by slot: whether an instruction begins there
	refs      map[uint64]*symbolRef
	distances map[uint64]*sectionPlan // words of .BTF.ext that are offsets in a section
	odd       []elf.Relocation        // those that .reloc writes
	want      map[uint64]bool         // places that need a label; true when a jump goes there
	labels    map[uint64]string       // their names

	labelOffsets []uint64 // places of labels, those that are symbols included, ascending
	refOffsets   []uint64 // of refs, ascending
}

// chooseSections takes the sections that are written.
func (p *imagePrinter) chooseSections() error {
	groups := map[*elf.Section]*elf.Section{}
	first := map[*elf.Section]bool{} // groups whose first member comes next
	var before *elf.Section
	seen := map[string]int{}
	for i, s := range p.img.Sections {
		fail := func(format string, args ...any) error {
			return fmt.Errorf("section %d (%s): %w", i+1, shortText(s.Name), unprintable(format, args...))
		}
		if !p.opts.Debug && isForDebuggers(s) {
			continue
		}
		switch {
		case s.Type == stdelf.SHT_GROUP:
			if s.Name != ".group" || s.Flags != 0 || s.Align != 4 || s.Entry != 4 || s.Addr != 0 || len(s.Relocs) > 0 ||
				len(s.Data) != 4 || p.order.Uint32(s.Data) > 1 || len(s.Symbols) != 1 || s.Symbols[0] == nil {
				return fail("an unusual group")
			}
			for _, m := range s.Members {
				if groups[m] != nil {
					return fail("a member of two groups")
				}
				groups[m] = s
			}
			before, first[s] = s, true
			continue
		case s.Name == ".llvm_addrsig" && s.LinkSymbols:
			if s.Flags != 0x80000000 || s.Align > 1 || s.Entry != 0 || s.Addr != 0 || s.Info != 0 || len(s.Relocs) > 0 || p.addrsig != nil {
				return fail("an unusual list of symbols")
			}
			p.addrsig = s
			continue
		}
		plan := &sectionPlan{
			s: s, group: groups[s], unique: seen[s.Name],
			local: map[uint64]*elf.Symbol{}, refs: map[uint64]*symbolRef{}, want: map[uint64]bool{}, labels: map[uint64]string{},
			distances: map[uint64]*sectionPlan{},
		}
		seen[s.Name]++
		switch {
		case plan.group == nil && s.Flags&stdelf.SHF_GROUP != 0, plan.group != nil && s.Flags&stdelf.SHF_GROUP == 0:
			return fail("a member of a group without a group")
		case plan.group != nil && first[plan.group] && before != plan.group:
			return fail("the group before it is not before its first member")
		case s.Name == "" || s.Type == stdelf.SHT_NULL || s.Addr != 0 || s.Info != 0 || s.LinkSymbols || s.Rela && len(s.Relocs) > 0:
			return fail("a section without name or type, with address %d, information %d, or relocations with addends", s.Addr, s.Info)
		case s.Link != nil && s.Flags&stdelf.SHF_LINK_ORDER == 0:
			return fail("linked to section %s without the flag for it", shortText(s.Link.Name))
		case s.Entry != 0 && (s.Flags&stdelf.SHF_MERGE == 0 || s.Entry > 1<<20), s.Entry == 0 && s.Flags&stdelf.SHF_MERGE != 0:
			return fail("entries of %d bytes with flags %s", s.Entry, s.Flags)
		case s.Align > maxAlign || s.Align&(s.Align-1) != 0:
			return fail("an alignment of %d", s.Align)
		case s.Type == stdelf.SHT_NOBITS && s.Size > maxSection:
			return fail("a size of %d bytes", s.Size)
		}
		if _, ok := flagText(s.Flags); !ok {
			return fail("flags %s", s.Flags)
		}
		first[plan.group], before = false, nil
		p.plans = append(p.plans, plan)
		p.planOf[s] = plan
	}
	for g, waits := range first {
		if g != nil && waits && len(g.Members) == 0 {
			return unprintable("a group without members")
		}
	}
	for _, plan := range p.plans {
		if to := plan.s.Link; to != nil && p.planOf[to] == nil {
			return unprintable("section %s is linked to one that is left out", shortText(plan.s.Name))
		}
	}
	return nil
}

// flagText writes a section's flags in letters.
func flagText(flags stdelf.SectionFlag) (string, bool) {
	var b strings.Builder
	for _, c := range "awxMSGToeR" {
		if f := flagLetters[c]; flags&f != 0 {
			b.WriteRune(c)
			flags &^= f
		}
	}
	return b.String(), flags == 0
}

// planSections decides where labels go and what becomes of relocations.
func (p *imagePrinter) planSections() error {
	for _, plan := range p.plans {
		if plan.s.IsExecutable() {
			plan.findStarts(p)
		}
		plan.placeSymbols()
	}
	for _, plan := range p.plans {
		p.planRelocs(plan)
	}
	for _, plan := range p.plans {
		if err := p.settleRefs(plan); err != nil {
			return err
		}
		if plan.starts != nil {
			p.planJumps(plan)
		}
		if len(plan.set) > 0 {
			plan.ask(0, false)
		}
		if plan.s.Link != nil {
			p.planOf[plan.s.Link].ask(0, false)
		}
	}
	p.planDistances()
	p.nameLabels()
	return nil
}

// placeSymbols tells symbols that can be labels from those that can't.
func (plan *sectionPlan) placeSymbols() {
	slices.SortStableFunc(plan.symbols, func(a, b *elf.Symbol) int { return cmp.Compare(a.Value, b.Value) })
	var labels []*elf.Symbol
	for _, sym := range plan.symbols {
		if !plan.canLabel(sym.Value) {
			plan.set = append(plan.set, sym)
			continue
		}
		labels = append(labels, sym)
		if sym.Bind == stdelf.STB_LOCAL && plan.local[sym.Value] == nil {
			plan.local[sym.Value] = sym
			plan.locals = append(plan.locals, sym)
		}
	}
	plan.symbols = labels
}

// canLabel reports whether a label can stand at a place: in code where an
// instruction begins or the section ends, in data everywhere, as long as what
// stands there is not an address.
func (plan *sectionPlan) canLabel(off uint64) bool {
	if off > plan.s.Len() {
		return false
	}
	if plan.starts != nil && off < uint64(len(plan.starts)*bpf.InstructionSize) {
		return off%bpf.InstructionSize == 0 && plan.starts[off/bpf.InstructionSize]
	}
	return true
}

// insideRef reports whether a place is within an address, but does not begin it.
func (plan *sectionPlan) insideRef(off uint64) bool {
	for back := uint64(1); back < 8 && back <= off; back++ {
		if ref := plan.refs[off-back]; ref != nil && back < ref.size {
			return true
		}
	}
	return false
}

// ask wants a label at a place; jump says that a jump or a call goes there.
func (plan *sectionPlan) ask(off uint64, jump bool) { plan.want[off] = plan.want[off] || jump }

func sortedKeys[V any](m map[uint64]V) []uint64 { return slices.Sorted(maps.Keys(m)) }

// nameLabels gives the labels their names, in the order they are written.
func (p *imagePrinter) nameLabels() {
	count, places, strs := 0, 0, 0
	for _, plan := range p.plans {
		for _, off := range sortedKeys(plan.want) {
			plan.labelOffsets = append(plan.labelOffsets, off)
			switch {
			case plan.s.Flags&stdelf.SHF_STRINGS != 0:
				plan.labels[off] = fmt.Sprintf(".L.str.%d", strs)
				strs++
			case plan.starts != nil && !plan.want[off]:
				plan.labels[off] = fmt.Sprintf(".Ltmp%d", places)
				places++
			default:
				count++
				plan.labels[off] = fmt.Sprintf(".L%d", count)
			}
		}
		for _, sym := range plan.symbols {
			plan.labelOffsets = append(plan.labelOffsets, sym.Value)
		}
		slices.Sort(plan.labelOffsets)
		plan.refOffsets = sortedKeys(plan.refs)
	}
}

// section writes a section.
func (p *imagePrinter) section(plan *sectionPlan) {
	p.heading(plan)
	switch {
	case plan.starts != nil:
		p.code(plan)
	default:
		p.data(plan)
	}
	for _, sym := range plan.set {
		p.defined(sym)
		name := symbolText(p.names[sym])
		p.printf("\t.set %s, %s+%d\n", name, plan.labels[0], sym.Value)
		if sym.Size > 0 || sym.Type == stdelf.STT_FUNC {
			p.printf("\t.size %s, %d\n", name, sym.Size)
		}
	}
	for _, r := range plan.odd {
		typ := r.Type.String()
		if _, ok := relocTypes[typ]; !ok {
			typ = fmt.Sprint(uint32(r.Type))
		}
		switch sym := r.Symbol; {
		case sym == nil:
			p.printf("\t.reloc %d, %s\n", r.Offset, typ)
		case sym.Type == stdelf.STT_SECTION:
			p.printf("\t.reloc %d, %s, %s\n", r.Offset, typ, symbolText(sym.Section.Name))
		default:
			p.printf("\t.reloc %d, %s, %s\n", r.Offset, typ, symbolText(p.names[sym]))
		}
	}
}

// heading enters a section.
func (p *imagePrinter) heading(plan *sectionPlan) {
	s := plan.s
	p.printf("\n")
	align := uint64(1)
	switch {
	case s.Name == ".text" && plan.unique == 0 && s.Type == stdelf.SHT_PROGBITS && s.Flags == stdelf.SHF_ALLOC|stdelf.SHF_EXECINSTR:
		p.printf("\t.text\n")
		if !p.exact {
			align = textAlign
		}
	default:
		flags, _ := flagText(s.Flags)
		p.printf("\t.section %s, \"%s\", %s", sectionText(s.Name), flags, sectionTypeWord(s.Type))
		if s.Flags&stdelf.SHF_MERGE != 0 {
			p.printf(", %d", s.Entry)
		}
		if g := plan.group; g != nil {
			p.printf(", %s", symbolText(p.names[g.Symbols[0]]))
			if p.order.Uint32(g.Data) == 1 {
				p.printf(", comdat")
			}
		}
		if s.Flags&stdelf.SHF_LINK_ORDER != 0 {
			if s.Link == nil {
				p.printf(", 0")
			} else {
				p.printf(", %s", p.planOf[s.Link].labels[0])
			}
		}
		if plan.unique > 0 {
			p.printf(", unique, %d", plan.unique)
		}
		p.printf("\n")
	}
	if s.Align > align {
		p.printf("\t.p2align %d\n", bits.TrailingZeros64(s.Align))
	}
}

var sectionTypeWords = map[stdelf.SectionType]string{
	stdelf.SHT_PROGBITS: "@progbits", stdelf.SHT_NOBITS: "@nobits", stdelf.SHT_NOTE: "@note",
	stdelf.SHT_INIT_ARRAY: "@init_array", stdelf.SHT_FINI_ARRAY: "@fini_array", stdelf.SHT_PREINIT_ARRAY: "@preinit_array",
}

func sectionTypeWord(t stdelf.SectionType) string {
	if word, ok := sectionTypeWords[t]; ok {
		return word
	}
	return fmt.Sprintf("@%#x", uint32(t))
}
