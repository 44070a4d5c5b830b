package elf

import (
	"cmp"
	"fmt"
	"slices"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// relocateCORE puts what the kernel's types say into the instructions of a linked
// program. Without a resolver they stay as compiled.
func (l *loader) relocateCORE(p *bpf.Program, k *linkage, report func(pc int, err error)) {
	if len(l.core) == 0 {
		return
	}
	resolver := l.resolver()
	if resolver == nil {
		return
	}
	for _, f := range k.functions {
		for _, r := range l.coreOf(f) {
			if l.budget--; l.budget < 0 {
				report(bpf.NoPC, fmt.Errorf("%w: the CO-RE relocations of all programs are out of proportion to the file", ErrTooLarge))
				return
			}
			pc := k.start[f] + r.slot - f.start
			done, err := resolver.Relocate(p.Instructions, pc, core.Relocation{Kind: r.kind, ID: r.id, Access: r.access})
			p.CORE = append(p.CORE, done)
			if err != nil {
				report(pc, err)
			}
		}
	}
}

// coreOf gives the CO-RE relocations of a function.
func (l *loader) coreOf(f *function) []coreRecord {
	records := l.core[f.code.section.Name]
	bySlot := func(r coreRecord, slot int) int { return cmp.Compare(r.slot, slot) }
	first, _ := slices.BinarySearchFunc(records, f.start, bySlot)
	last, _ := slices.BinarySearchFunc(records, f.start+f.len, bySlot)
	return records[first:last]
}

// resolver resolves the object's CO-RE relocations, the same for all programs; nil
// when its types won't do.
func (l *loader) resolver() *core.Resolver {
	if l.resolverAsked {
		return l.coreResolver
	}
	l.resolverAsked = true
	types, err := core.ReadTypes(l.raw.b, nil)
	if err != nil {
		l.problem(true, "", err, "CO-RE relocations are left as compiled")
		return nil
	}
	l.coreResolver = l.kernel().targets().NewResolver(types)
	return l.coreResolver
}
