package elf

import (
	"cmp"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"slices"

	"ebtools/bpf"
)

// code is a section of instructions, divided into functions.
type code struct {
	section   *Section
	insns     []bpf.Instruction
	relocs    map[int]Relocation // by slot
	stray     []Relocation       // those not where an instruction begins
	lines     []sourceLine
	labels    map[int]string // symbols that are neither functions nor global
	functions []*function    // ascending
	at        map[int]*function
	targets   map[int]bool // slots that are called
	gnu       bool         // the GNU assembler made it
}

// function is a stretch of a section's instructions that a symbol or a call
// shows to be a function.
type function struct {
	name   string
	code   *code
	start  int
	len    int
	sized  bool // the symbol says how long it is
	local  bool // not a program
	hidden bool // to others: to loaders it is a static function
	err    error

	resolved bool
	refs     []reference
	callees  []*function // without itself, in the order they are linked in
}

// newCode decodes a section. Bytes after the last whole instruction are left
// out: no function can reach them.
func newCode(s *Section, order binary.ByteOrder) *code {
	c := &code{
		section: s, relocs: map[int]Relocation{},
		labels: map[int]string{}, at: map[int]*function{}, targets: map[int]bool{},
	}
	whole := len(s.Data) / bpf.InstructionSize * bpf.InstructionSize
	c.insns, _ = bpf.Decode(s.Data[:whole], order) // can't fail on whole instructions
	for _, rel := range s.Relocs {
		slot := int(rel.Offset / bpf.InstructionSize)
		_, taken := c.relocs[slot]
		switch {
		case rel.Type == RelocNone:
		case rel.Offset%bpf.InstructionSize != 0 || rel.Offset >= uint64(whole) || taken:
			c.stray = append(c.stray, rel)
		default:
			c.relocs[slot] = rel
		}
	}
	return c
}

// addSymbol notes a symbol of the section. Compilers that don't give functions
// a type (clang before 8, and assembly without .type) leave only the binding to
// tell them from labels.
func (c *code) addSymbol(sym *Symbol) {
	local := sym.Bind == stdelf.STB_LOCAL
	switch {
	case sym.Type == stdelf.STT_FUNC:
	case sym.Type == stdelf.STT_NOTYPE && !local:
	case sym.Type == stdelf.STT_NOTYPE && sym.Name != "" && sym.Value%bpf.InstructionSize == 0:
		if slot := sym.Value / bpf.InstructionSize; slot < uint64(len(c.insns)) && c.labels[int(slot)] == "" {
			c.labels[int(slot)] = sym.Name
		}
		return
	default:
		return
	}
	f := &function{name: sym.Name, code: c, local: local, sized: sym.Size > 0, hidden: sym.Visibility == stdelf.STV_HIDDEN || sym.Visibility == stdelf.STV_INTERNAL}
	if whole := len(c.insns) * bpf.InstructionSize; sym.Value%bpf.InstructionSize != 0 || sym.Size%bpf.InstructionSize != 0 ||
		!fits(sym.Value, max(sym.Size, 1), whole) {
		f.err = fmt.Errorf("%w %q: %d bytes at offset %d are not whole instructions of section %s (%d bytes)",
			ErrSymbol, shorten(sym.Name), sym.Size, sym.Value, shorten(c.section.Name), whole)
	} else {
		f.start, f.len = int(sym.Value/bpf.InstructionSize), int(sym.Size/bpf.InstructionSize)
	}
	c.functions = append(c.functions, f)
}

// callee finds out which slot of which section the call or the load of a
// function's address at slot goes to. It reports false for everything else.
func (c *code) callee(slot int, codeOf map[*Section]*code) (to *code, at int64, ok bool) {
	in := c.insns[slot]
	rel, relocated := c.relocs[slot]
	switch {
	case !relocated:
		if in.IsLocalCall() || in.IsLoadImm64() && in.Src == bpf.PseudoFunc {
			return c, int64(slot) + 1 + int64(in.Imm), true
		}
		return nil, 0, false
	case rel.Symbol == nil || codeOf[rel.Symbol.Section] == nil:
		return nil, 0, false
	}
	if in.Op != bpf.OpcodeCall && !in.IsLoadImm64() {
		return nil, 0, false
	}
	place := int64(rel.Symbol.Value) + c.addend(slot, rel)
	if place%bpf.InstructionSize != 0 {
		return codeOf[rel.Symbol.Section], -1, true
	}
	return codeOf[rel.Symbol.Section], place / bpf.InstructionSize, true
}

// addend is what a relocation adds to its symbol's value, in bytes: it stands in
// the immediate, that of a call counting instructions from the next one. The
// GNU assembler 2.40 puts the value of a named symbol in as well, in bytes for
// calls too.
func (c *code) addend(slot int, rel Relocation) int64 {
	if c.section.Rela {
		return rel.Addend
	}
	in := c.insns[slot]
	imm, value := int64(in.Imm), int64(rel.Symbol.Value)
	named := c.gnu && rel.Symbol.Type != stdelf.STT_SECTION
	switch {
	case in.Op != bpf.OpcodeCall && named && imm >= value:
		return imm - value
	case in.Op != bpf.OpcodeCall:
		return imm
	case named && imm+1 == value:
		return 0
	}
	return (imm + 1) * bpf.InstructionSize
}

// callTargets notes in every section which of its slots this one calls.
func (c *code) callTargets(codeOf map[*Section]*code) {
	for slot := range c.insns {
		if to, at, ok := c.callee(slot, codeOf); ok && at >= 0 && at < int64(len(to.insns)) {
			to.targets[int(at)] = true
		}
	}
}

// divide settles where functions begin and end. Where symbols don't say, a
// function reaches to the next one or to the section's end, and what is called
// begins one.
func (c *code) divide() {
	if len(c.functions) == 0 && !isLibrary(c.section.Name) && len(c.insns) > 0 {
		name := c.labels[0]
		if name == "" {
			name = c.section.Name
		}
		c.functions = append(c.functions, &function{name: name, code: c})
	}

	depth := make([]int, len(c.insns)+1) // how many sized functions begin and end where
	begins := map[int]bool{}
	for _, f := range c.functions {
		if f.err == nil {
			begins[f.start] = true
			depth[f.start]++
			depth[f.start+f.len]--
		}
	}
	inside := 0
	for slot := range c.insns {
		if inside += depth[slot]; inside == 0 && c.targets[slot] && !begins[slot] {
			name := c.labels[slot]
			if name == "" {
				name = fmt.Sprintf("%s+%#x", c.section.Name, slot*bpf.InstructionSize)
			}
			c.functions = append(c.functions, &function{name: name, code: c, start: slot, local: true})
		}
	}

	slices.SortStableFunc(c.functions, func(a, b *function) int { return cmp.Compare(a.start, b.start) })
	end, next := len(c.insns), len(c.insns) // where the functions behind begin
	for _, f := range slices.Backward(c.functions) {
		if f.err != nil {
			continue
		}
		if f.start < next {
			end, next = next, f.start
		}
		if !f.sized {
			f.len = end - f.start
		}
	}
	for _, f := range c.functions {
		if _, taken := c.at[f.start]; !taken && f.err == nil {
			c.at[f.start] = f
		}
	}
}
