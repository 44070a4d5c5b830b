package asm

import (
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// What follows reads instructions as the kernel prints them (kernel/bpf/disasm.c):
// in verifier logs, and through bpftool prog dump xlated, which puts the source's
// lines between them:
//
//	int drop(struct xdp_md * ctx):
//	; return XDP_DROP;
//	   0: (b7) r0 = 1
//	   1: (95) exit

// kernelSpellings are what the kernel writes in other words than LLVM, beside
// jumps. It names 64-bit registers in 32-bit atomics.
var kernelSpellings = []spelling{
	{"gotol pc%f", "gotol %J"},
	{"%d = %l", "%d = %l ll"}, // as opcode 18 only: else it is a move
	{"%d = subprog[%f]", "ld_pseudo %d, 4, %l"},
	{"%s = atomic_fetch_add((u32 *)(%d %o), %s)", "%S = atomic_fetch_add((u32 *)(%d %o), %S)"},
	{"%s = atomic_fetch_or((u32 *)(%d %o), %s)", "%S = atomic_fetch_or((u32 *)(%d %o), %S)"},
	{"%s = atomic_fetch_and((u32 *)(%d %o), %s)", "%S = atomic_fetch_and((u32 *)(%d %o), %S)"},
	{"%s = atomic_fetch_xor((u32 *)(%d %o), %s)", "%S = atomic_fetch_xor((u32 *)(%d %o), %S)"},
	{"%s = atomic64_fetch_add((u64 *)(%d %o), %s)", "%s = atomic_fetch_add((u64 *)(%d %o), %s)"},
	{"%s = atomic64_fetch_or((u64 *)(%d %o), %s)", "%s = atomic_fetch_or((u64 *)(%d %o), %s)"},
	{"%s = atomic64_fetch_and((u64 *)(%d %o), %s)", "%s = atomic_fetch_and((u64 *)(%d %o), %s)"},
	{"%s = atomic64_fetch_xor((u64 *)(%d %o), %s)", "%s = atomic_fetch_xor((u64 *)(%d %o), %s)"},
	{"%s = atomic_xchg((u32 *)(%d %o), %s)", "%S = xchg32_32(%d %o, %S)"},
	{"%s = atomic64_xchg((u64 *)(%d %o), %s)", "%s = xchg_64(%d %o, %s)"},
	{"r0 = atomic_cmpxchg((u32 *)(%d %o), r0, %s)", "w0 = cmpxchg32_32(%d %o, w0, %S)"},
	{"r0 = atomic64_cmpxchg((u64 *)(%d %o), r0, %s)", "r0 = cmpxchg_64(%d %o, r0, %s)"},
	{"%d = load_acquire((u8 *)(%s %o))", "%D = load_acquire((u8 *)(%s %o))"},
	{"%d = load_acquire((u16 *)(%s %o))", "%D = load_acquire((u16 *)(%s %o))"},
	{"%d = load_acquire((u32 *)(%s %o))", "%D = load_acquire((u32 *)(%s %o))"},
	{"store_release((u8 *)(%d %o), %s)", "store_release((u8 *)(%d %o), %S)"},
	{"store_release((u16 *)(%d %o), %s)", "store_release((u16 *)(%d %o), %S)"},
	{"store_release((u32 *)(%d %o), %s)", "store_release((u32 *)(%d %o), %S)"},
}

// spellKernel adds the kernel's spellings to LLVM's grammar.
func (n *node) spellKernel() {
	for _, f := range bpf.Forms() {
		if jump, ok := strings.CutSuffix(f.Syntax, "%j"); ok {
			n.spell(spelling{jump + "pc%o", f.Syntax}, true)
		}
	}
	for _, s := range kernelSpellings {
		n.spell(s, true)
	}
}

// kernelListing is what is known of the listing that the statement is part of.
type kernelListing struct {
	on    bool   // the statement began with its number
	op    uint8  // the opcode that stood there
	index uint64 // the number
	// The number that should come next in the section: it counts slots.
	next    uint64
	section *section
}

// listed reads the number and opcode that a line of a listing begins with; body
// is what follows them.
func (b *buffer) listed(i uint32) (index uint64, op uint8, body uint32, ok bool) {
	text, n := b.text, uint32(len(b.text))
	start := i
	for i < n && charClass[text[i]]&charDigit != 0 {
		i++
	}
	if i == start || i-start > 8 || i+6 > n || text[i] != ':' || text[i+1] != ' ' || text[i+2] != '(' || text[i+5] != ')' {
		return 0, 0, 0, false
	}
	high, low := text[i+3], text[i+4]
	if charClass[high]&charHex == 0 || charClass[low]&charHex == 0 {
		return 0, 0, 0, false
	}
	index, _ = parseDigits(text[start:i], 10)
	return index, digitValue(high)<<4 | digitValue(low), i + 6, true
}

// isListing reports whether any line of the buffer is one of a listing.
func (b *buffer) isListing() bool {
	if b.kind == unknownText {
		b.kind = plainText
		for i := 0; ; i++ {
			n := strings.Index(b.text[i:], ": (")
			if n < 0 {
				break
			}
			i += n
			start := i
			for start > 0 && charClass[b.text[start-1]]&charDigit != 0 {
				start--
			}
			if _, _, _, ok := b.listed(uint32(start)); ok {
				b.kind = listingText
				break
			}
		}
	}
	return b.kind == listingText
}

// textKind says whether a buffer has lines of a listing.
type textKind uint8

const (
	unknownText textKind = iota
	plainText
	listingText
)

// enterListing looks at the text at off, where a statement begins: the number
// of an instruction in a listing is taken off, and lines of a listing that are
// no instructions are left out. It gives where to go on.
func (a *assembler) enterListing(off uint32) uint32 {
	a.listing.on = false
	text, n := a.buf.text, uint32(len(a.buf.text))
	for off < n {
		start := off
		for off < n && charClass[text[off]]&charSpace != 0 {
			off++
		}
		if index, op, body, ok := a.buf.listed(off); ok {
			a.listing.on, a.listing.index, a.listing.op = true, index, op
			return body
		}
		end := a.buf.lineEnd(off)
		atLineStart := start == 0 || text[start-1] == '\n'
		if !atLineStart || !isListingText(strings.TrimSpace(text[off:end])) {
			break
		}
		off = end
	}
	return off
}

// isListingText reports whether a line stands in listings between instructions:
// a line of the source, the head of a function, the bytes of an instruction, or
// what the verifier tells.
func isListingText(line string) bool {
	switch {
	case strings.HasPrefix(line, ";"),
		strings.HasSuffix(line, "):"), // int drop(struct xdp_md * ctx):
		strings.HasPrefix(line, "("),  // (0) live stack update done
		strings.HasPrefix(line, "func#"), strings.HasPrefix(line, "from "), strings.HasPrefix(line, "processed "),
		strings.HasPrefix(line, "mark_precise:"), strings.HasPrefix(line, "Live regs"):
		return true
	}
	if number, state, ok := strings.Cut(line, ": "); ok && onlyDigits(number) {
		if strings.HasPrefix(state, "R") && strings.Contains(state, "=") {
			return true // 0: R1=ctx() R10=fp0
		}
		registers, _, ok := strings.Cut(state, " (")
		return ok && strings.Trim(registers, ".0123456789") == "" // 3: 01.3...... (bf) r2 = r1
	}
	bytes := strings.Fields(line)
	for _, b := range bytes {
		if len(b) != 2 || !digitsOf(b, 16) {
			return false
		}
	}
	return len(bytes) == bpf.InstructionSize || len(bytes) == 2*bpf.InstructionSize
}

// checkListed holds the instruction against what its line says of it: the
// opcode, and the number, without which relative jumps go astray.
func (a *assembler) checkListed(form *bpf.Form, at span) *fault {
	l := &a.listing
	follows := l.section == a.section && l.index != 0
	next := l.next
	l.section, l.next = a.section, l.index+uint64(form.Slots())
	if follows && l.index != next {
		return faultAt(at, ErrMisuse, "this is instruction %d, and %d should come next: jumps would go astray", l.index, next).
			note("a verifier log has instructions in the order it looked at them: bpftool prog dump xlated has all in theirs")
	}
	return nil
}

// takes reports whether a form is what the line's opcode says.
func (l *kernelListing) takes(f *bpf.Form) bool { return !l.on || f.Op == l.op }

// isKernelText reports whether the statement is written as only the kernel does,
// numbers included: it prints the immediates of comparisons without sign.
func (m *matcher) isKernelText() bool {
	if m.a.listing.on {
		return true
	}
	last := len(m.bound) - 1
	return last >= 0 && m.bound[last].operand == bpf.OperandOff && m.form.Op&7 >= bpf.ClassJMP && m.form.Op&7 <= bpf.ClassJMP32
}

// helperNumber settles the number behind a helper's name, as in
// bpf_map_lookup_elem#1: the helper's own, or the one that the kernel replaced it
// by when it loaded the program.
func (a *assembler) helperNumber(b *binding) *fault {
	t := a.toks[b.first]
	text := a.buf.text[t.end:]
	if b.operand != bpf.OperandCall || t.kind != tokIdent || b.end != b.first+1 || !strings.HasPrefix(text, "#") {
		return nil
	}
	n := 1
	for n < len(text) && charClass[text[n]]&charDigit != 0 {
		n++
	}
	id, ok := parseDigits(text[1:n], 10)
	if !ok || n == 1 || n < len(text) && charClass[text[n]]&charName != 0 {
		return nil // a comment
	}
	name := a.text(t)
	at := span{a.buf, t.start, t.end + uint32(n)}
	numbered, known := linux.HelperByID(linux.HelperID(id))
	named, ok := linux.HelperByName(name)
	switch {
	case name == "unknown" && id <= 1<<31-1:
		b.expr = number(int64(id))
	case ok && known && id <= 1<<16 && numbered.ID != named.ID:
		return faultAt(at, ErrMisuse, "helper %d is %s, and %s is %d", id, numbered.Name, name, named.ID)
	case ok:
		b.expr = number(int64(named.ID))
	case a.listing.on && !known:
		if _, ok := linux.KfuncByName(name); !ok {
			return faultAt(at, ErrUndefined, "%s is what the kernel put in place of a helper when it loaded the program", name).
				note("write the helper's name")
		}
	}
	return nil
}

// kernelOnly: r0 = &(void __percpu *)(r0), which the kernel makes of a helper call.
func (m *matcher) kernelOnly() *fault {
	if t, _ := m.at(); t.kind == tokAmp && m.word(1) == "=" && m.furthest == m.first+2 {
		return m.complain(t, "only the kernel makes this instruction, when it loads a program: write what it was made of")
	}
	return nil
}

// mapNumber: r1 = map[id:4], as bpftool shows a map of a loaded program.
func (m *matcher) mapNumber() *fault {
	if m.word(1) != "=" || m.word(2) != "map" || m.word(3) != "[" {
		return nil
	}
	t, end := m.a.toks[m.first+2], m.a.toks[len(m.a.toks)-1]
	for _, u := range m.a.toks[m.first+2:] {
		if u.kind == tokRightBracket {
			end = u
		}
	}
	return faultAt(span{m.a.buf, t.start, max(t.end, end.end)}, ErrSyntax, "a map of a loaded program is known by its number only while that is loaded").
		note("define the map, with .map NAME, and load its address: %s = NAME ll", m.word(0))
}
