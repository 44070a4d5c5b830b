package elf

import (
	"cmp"
	stdelf "debug/elf"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// reference is an instruction of a function whose immediate depends on where
// something else is.
type reference struct {
	slot int // within the function
	err  error

	fn     *function // a function: called, or its address taken
	within int       // slot within fn

	extern *bpf.Extern // what the kernel provides

	src       bpf.Register // a map: PseudoMapIdx or PseudoMapIdxValue; an extern: as it is called or loaded
	off       int16
	imm, next int32
}

// resolve finds out, once, what f refers to.
func (l *loader) resolve(f *function) {
	if f.resolved || f.err != nil {
		return
	}
	f.resolved = true
	c, end := f.code, f.start+f.len
	for slot := f.start; slot < end; slot++ {
		_, relocated := c.relocs[slot]
		to, at, calls := c.callee(slot, l.codeOf)
		if calls || relocated {
			var ref reference
			if calls {
				ref = l.functionReference(f, slot, to, at)
			} else {
				ref = l.dataReference(c, slot)
			}
			ref.slot = slot - f.start
			if ref.err == nil && c.insns[slot].IsLoadImm64() && slot+1 == end {
				ref.err = fmt.Errorf("%w: the second half of the 64-bit immediate load is beyond the end of function %q", ErrRelocation, shorten(f.name))
			}
			f.refs = append(f.refs, ref)
		}
		if c.insns[slot].IsLoadImm64() && slot+1 < end {
			slot++
			if rel, ok := c.relocs[slot]; ok {
				f.refs = append(f.refs, reference{slot: slot - f.start, err: c.impossible(rel, "it is in the second half of a 64-bit immediate load")})
			}
		}
	}
	for _, rel := range c.stray {
		if slot := rel.Offset / bpf.InstructionSize; slot >= uint64(f.start) && slot < uint64(end) {
			f.refs = append(f.refs, reference{slot: int(slot) - f.start, err: c.impossible(rel, "it is between instructions, or the second at its place")})
		}
	}

	seen := map[*function]bool{f: true}
	for _, ref := range f.refs {
		if ref.fn != nil && !seen[ref.fn] {
			seen[ref.fn] = true
			f.callees = append(f.callees, ref.fn)
		}
	}
	slices.SortStableFunc(f.callees, func(a, b *function) int { return cmp.Compare(a.name, b.name) })
}

// name says what a relocation is against.
func (rel Relocation) name() string {
	switch sym := rel.Symbol; {
	case sym == nil:
		return "nothing"
	case sym.Name == "" && sym.Section != nil:
		return "section " + shorten(sym.Section.Name)
	default:
		return fmt.Sprintf("%q", shorten(sym.Name))
	}
}

// where says what kind a relocation is and where it stands.
func (c *code) where(rel Relocation) string {
	return fmt.Sprintf("(%s at %s+%#x)", rel.Type, shorten(c.section.Name), rel.Offset)
}

func (c *code) impossible(rel Relocation, why string) error {
	return fmt.Errorf("%w to %s %s: %s", ErrRelocation, rel.name(), c.where(rel), why)
}

// relocationFits checks that a relocation is of the type that its instruction
// takes.
func (c *code) relocationFits(slot int, rel Relocation) error {
	switch in := c.insns[slot]; {
	case in.IsLoadImm64() && rel.Type == Reloc64_64:
	case in.Op == bpf.OpcodeCall && in.Src == bpf.CallLocal && rel.Type == Reloc64_32:
	case in.Op == bpf.OpcodeCall && in.Src != bpf.CallLocal:
		return c.impossible(rel, "the call is one of a helper, not of a function")
	default:
		return c.impossible(rel, fmt.Sprintf("instruction %q does not take one of this type", in))
	}
	return nil
}

// functionReference is the call or the load of an address at slot that goes to
// the slot at of section to.
func (l *loader) functionReference(f *function, slot int, to *code, at int64) (ref reference) {
	c := f.code
	what := fmt.Sprintf("the instruction at %s+%#x", shorten(c.section.Name), slot*bpf.InstructionSize)
	if rel, ok := c.relocs[slot]; ok {
		if ref.err = c.relocationFits(slot, rel); ref.err != nil {
			return ref
		}
		what = "the reference to " + rel.name() + " " + c.where(rel)
	}
	switch fn := to.at[int(max(at, 0))]; {
	case at < 0 || at >= int64(len(to.insns)):
		ref.err = fmt.Errorf("%w: %s leads outside of section %s", ErrRelocation, what, shorten(to.section.Name))
	case to == c && at >= int64(f.start) && at < int64(f.start+f.len):
		ref.fn, ref.within = f, int(at)-f.start
	case fn == nil:
		ref.err = fmt.Errorf("%w: %s leads to %s+%#x, where no function begins", ErrRelocation, what, shorten(to.section.Name), at*bpf.InstructionSize)
	default:
		ref.fn = fn
	}
	return ref
}

// dataReference is the relocation at slot to something that is not a function
// of the object.
func (l *loader) dataReference(c *code, slot int) (ref reference) {
	rel := c.relocs[slot]
	if ref.err = c.relocationFits(slot, rel); ref.err != nil {
		return ref
	}
	sym := rel.Symbol
	switch {
	case sym == nil:
		ref.err = c.impossible(rel, "it has no symbol")
		return ref
	case sym.Section == nil && sym.Special == stdelf.SHN_UNDEF:
		return l.externReference(c, slot, rel)
	case sym.Section == nil:
		ref.err = c.impossible(rel, "its symbol is in no section: compile with -fno-common")
		return ref
	case !c.insns[slot].IsLoadImm64():
		ref.err = c.impossible(rel, fmt.Sprintf("section %s holds no functions", shorten(sym.Section.Name)))
		return ref
	}

	offset := int64(sym.Value) + c.addend(slot, rel)
	place := mapPlace{sym.Section, uint64(offset)}
	if i, ok := l.mapAt[place]; ok {
		ref.src, ref.imm = bpf.PseudoMapIdx, int32(i)
		return ref
	}
	if err := l.brokenMap[place]; err != nil {
		ref.err = err
		return ref
	}
	i, ok := l.dataMap[sym.Section]
	switch {
	case isMaps(sym.Section):
		ref.err = c.impossible(rel, fmt.Sprintf("no map begins at offset %d of section %s", offset, shorten(sym.Section.Name)))
	case !ok:
		ref.err = c.impossible(rel, fmt.Sprintf("section %s holds neither maps nor variables: those belong into .data, .rodata or .bss", shorten(sym.Section.Name)))
	case offset < 0 || offset >= int64(sym.Section.Len()):
		ref.err = c.impossible(rel, fmt.Sprintf("offset %d is outside of section %s (%d bytes)", offset, shorten(sym.Section.Name), sym.Section.Len()))
	default:
		ref.src, ref.imm, ref.next = bpf.PseudoMapIdxValue, int32(i), int32(uint32(offset))
	}
	return ref
}

const (
	// maxProgramProblems bounds what is said about one program, and maxProblems
	// what is said about the object before programs get only one line each.
	maxProgramProblems = 10
	maxProblems        = 1000
)

// linkage is the functions of a program in order.
type linkage struct {
	functions []*function
	start     map[*function]int // pc of the first instruction
	len       int               // instructions
}

// collect finds the functions that make up the program that begins with entry.
func (l *loader) collect(entry *function) (*linkage, error) {
	k := &linkage{start: map[*function]int{}}
	add := func(f *function) error {
		if _, ok := k.start[f]; ok {
			return nil
		}
		if f.err != nil {
			return f.err
		}
		if l.budget -= f.len; l.budget < 0 {
			return fmt.Errorf("%w: the programs of this object, each with the functions it calls behind it, are out of proportion to the file", ErrTooLarge)
		}
		l.resolve(f)
		k.functions = append(k.functions, f)
		k.start[f] = k.len
		k.len += f.len
		return nil
	}
	if err := add(entry); err != nil {
		return nil, err
	}
	for next := 0; next < len(k.functions); next++ {
		for _, f := range k.functions[next].callees {
			if err := add(f); err != nil {
				return nil, err
			}
		}
	}
	return k, nil
}

// link makes a program of f and the functions it needs. The program is nil when
// there are problems.
func (l *loader) link(f *function) (*bpf.Program, bpf.Diagnostics) {
	p := &bpf.Program{Name: f.name}
	limit := maxProgramProblems
	if len(l.problems) > maxProblems {
		limit = 1
	}
	var problems bpf.Diagnostics
	report := func(pc int, err error) {
		d := p.Diagnose(pc, err)
		d.Prog = shorten(p.Name)
		if d.Pos.File == "" {
			d.Pos.File = l.obj.Name
		}
		if len(problems) < limit {
			problems = append(problems, d)
		}
	}
	k, err := l.collect(f)
	if err != nil {
		report(bpf.NoPC, err)
		return nil, problems
	}
	k.join(p, l.funcs)
	l.relocateCORE(p, k, report)
	for _, f := range k.functions {
		for _, ref := range f.refs {
			pc := k.start[f] + ref.slot
			if ref.err != nil {
				report(pc, ref.err)
				continue
			}
			k.patch(p.Instructions, pc, ref)
			if ref.extern != nil {
				p.Externs = append(p.Externs, bpf.ExternRef{PC: pc, Extern: ref.extern})
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return p, nil
}

// patch fills in the immediate of the instruction at pc.
func (k *linkage) patch(insns []bpf.Instruction, pc int, ref reference) {
	in := &insns[pc]
	if ref.fn != nil {
		ref.imm = int32(k.start[ref.fn] + ref.within - pc - 1)
		ref.src = bpf.CallLocal
		if in.IsLoadImm64() {
			ref.src, ref.next = bpf.PseudoFunc, ref.imm>>31 // sign-extended
		}
	}
	in.Src, in.Imm = ref.src, ref.imm
	if ref.extern != nil {
		in.Off = ref.off
	}
	if in.IsLoadImm64() {
		insns[pc+1].Imm = ref.next
	}
}

// join puts the functions behind each other, with their types and source lines.
func (k *linkage) join(p *bpf.Program, types map[string]map[int]*btf.Func) {
	p.Instructions = make([]bpf.Instruction, 0, k.len)
	for _, f := range k.functions {
		start := len(p.Instructions)
		p.Instructions = append(p.Instructions, f.code.insns[f.start:f.start+f.len]...)
		p.Functions = append(p.Functions, f.parts(start, types[f.code.section.Name])...)

		bySlot := func(l sourceLine, slot int) int { return cmp.Compare(l.slot, slot) }
		first, _ := slices.BinarySearchFunc(f.code.lines, f.start, bySlot)
		last, _ := slices.BinarySearchFunc(f.code.lines, f.start+f.len, bySlot)
		lines := f.code.lines[first:last]
		if len(p.Lines) > 0 && (len(lines) == 0 || lines[0].slot > f.start) {
			// Else the last line of the function before would reach into this.
			p.Lines = append(p.Lines, bpf.Line{PC: start})
		}
		for _, line := range lines {
			p.Lines = append(p.Lines, bpf.Line{PC: start + line.slot - f.start, Pos: line.pos, Text: line.text})
		}
	}
}

// parts returns the function as it is linked at start: in pieces where it calls
// a place within itself, which is then a function to the kernel.
func (f *function) parts(start int, types map[int]*btf.Func) []bpf.Function {
	cuts := []int{0}
	for _, ref := range f.refs {
		if ref.fn == f {
			cuts = append(cuts, ref.within)
		}
	}
	slices.Sort(cuts)
	cuts = append(slices.Compact(cuts), f.len)
	parts := make([]bpf.Function, len(cuts)-1)
	for i := range parts {
		name := f.name
		if cuts[i] > 0 {
			if name = f.code.labels[f.start+cuts[i]]; name == "" {
				name = fmt.Sprintf("%s+%d", f.name, cuts[i])
			}
		}
		typ := types[f.start+cuts[i]]
		if typ != nil && f.hidden {
			// Verified with its callers, whatever the compiler wrote.
			typ = &btf.Func{Name: typ.Name, Type: typ.Type, Linkage: btf.StaticFunc, Tags: typ.Tags, ParamTags: typ.ParamTags}
		}
		parts[i] = bpf.Function{Name: name, Start: start + cuts[i], Len: cuts[i+1] - cuts[i], Type: typ}
	}
	return parts
}
