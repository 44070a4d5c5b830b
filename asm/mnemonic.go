package asm

import (
	"maps"
	"slices"
	"strings"

	"ebtools/bpf"
)

// spelling is another way to write the instructions of a form. Its text has the
// operands as a form's syntax has them: % and a letter.
type spelling struct {
	text   string
	syntax string // of the form
}

// Operations with a mnemonic, and LLVM's operator for them.
var (
	arithmetic = []struct{ name, operator string }{
		{"add", "+="},
		{"sub", "-="},
		{"mul", "*="},
		{"div", "/="},
		{"sdiv", "s/="},
		{"mod", "%="},
		{"smod", "s%="},
		{"or", "|="},
		{"and", "&="},
		{"xor", "^="},
		{"lsh", "<<="},
		{"rsh", ">>="},
		{"arsh", "s>>="},
		{"mov", "="},
	}
	comparisons = []struct{ name, operator string }{
		{"jeq", "=="},
		{"jne", "!="},
		{"jgt", ">"},
		{"jge", ">="},
		{"jlt", "<"},
		{"jle", "<="},
		{"jset", "&"},
		{"jsgt", "s>"},
		{"jsge", "s>="},
		{"jslt", "s<"},
		{"jsle", "s<="},
	}
	atomics = []struct{ name, operator string }{{"add", "+="}, {"or", "|="}, {"and", "&="}, {"xor", "^="}}
	sizes   = []struct{ name, unsigned, signed string }{
		{"b", "u8", "s8"}, {"h", "u16", "s16"}, {"w", "u32", "s32"}, {"dw", "u64", ""},
	}
	widths = []string{"16", "32", "64"}
)

// singles are the mnemonics that belong to no family.
var singles = []spelling{
	{"neg %d", "%d = -%d"},
	{"neg64 %d", "%d = -%d"},
	{"neg32 %d", "%D = -%D"},

	// Sign extension: GNU as gives the width as an operand, uBPF in the name.
	{"movs %d, %s, 8", "%d = (s8)%s"},
	{"movs %d, %s, 16", "%d = (s16)%s"},
	{"movs %d, %s, 32", "%d = (s32)%s"},
	{"movs32 %d, %s, 8", "%D = (s8)%S"},
	{"movs32 %d, %s, 16", "%D = (s16)%S"},
	{"movsx864 %d, %s", "%d = (s8)%s"},
	{"movsx1664 %d, %s", "%d = (s16)%s"},
	{"movsx3264 %d, %s", "%d = (s32)%s"},
	{"movsx832 %d, %s", "%D = (s8)%S"},
	{"movsx1632 %d, %s", "%D = (s16)%S"},

	{"lddw %d, %l", "%d = %l ll"},

	// Atomics of GNU as and, from xadd on, of older assemblers.
	{"acmp [%d], %s", "r0 = cmpxchg_64(%d %o, r0, %s)"},
	{"acmp [%d %o], %s", "r0 = cmpxchg_64(%d %o, r0, %s)"},
	{"acmp32 [%d], %s", "w0 = cmpxchg32_32(%d %o, w0, %S)"},
	{"acmp32 [%d %o], %s", "w0 = cmpxchg32_32(%d %o, w0, %S)"},
	{"axchg [%d], %s", "%s = xchg_64(%d %o, %s)"},
	{"axchg [%d %o], %s", "%s = xchg_64(%d %o, %s)"},
	{"axchg32 [%d], %s", "%S = xchg32_32(%d %o, %S)"},
	{"axchg32 [%d %o], %s", "%S = xchg32_32(%d %o, %S)"},
	{"xadddw [%d], %s", "lock *(u64 *)(%d %o) += %s"},
	{"xadddw [%d %o], %s", "lock *(u64 *)(%d %o) += %s"},
	{"xaddw [%d], %s", "lock *(u32 *)(%d %o) += %S"},
	{"xaddw [%d %o], %s", "lock *(u32 *)(%d %o) += %S"},
	{"stxxadddw [%d], %s", "lock *(u64 *)(%d %o) += %s"},
	{"stxxadddw [%d %o], %s", "lock *(u64 *)(%d %o) += %s"},
	{"stxxaddw [%d], %s", "lock *(u32 *)(%d %o) += %S"},
	{"stxxaddw [%d %o], %s", "lock *(u32 *)(%d %o) += %S"},
	// And of the conformance suite.
	{"lock cmpxchg [%d], %s", "r0 = cmpxchg_64(%d %o, r0, %s)"},
	{"lock cmpxchg [%d %o], %s", "r0 = cmpxchg_64(%d %o, r0, %s)"},
	{"lock cmpxchg32 [%d], %s", "w0 = cmpxchg32_32(%d %o, w0, %S)"},
	{"lock cmpxchg32 [%d %o], %s", "w0 = cmpxchg32_32(%d %o, w0, %S)"},
	{"lock xchg [%d], %s", "%s = xchg_64(%d %o, %s)"},
	{"lock xchg [%d %o], %s", "%s = xchg_64(%d %o, %s)"},
	{"lock xchg32 [%d], %s", "%S = xchg32_32(%d %o, %S)"},
	{"lock xchg32 [%d %o], %s", "%S = xchg32_32(%d %o, %S)"},

	{"ja %j", "goto %j"},
	{"ja32 %J", "gotol %J"},
	{"jal %J", "gotol %J"},
	{"call %c", "call %c"},
	{"call local %L", "call %c"},
	{"call local %f", "call pc%f"},
	{"call helper %c", "call %c"},
	{"call runtime %i", "call kfunc %i"},
	{"callx %d", "callx %d"},
	{"exit", "exit"},
}

// mnemonicSpellings is the mnemonic dialect: what GNU as (binutils,
// opcodes/bpf-opc.c), uBPF, the public bpf_conformance suite and rbpf have as
// name and operands. They give the same names the same meaning; where their
// readings of a line differ, see Dialect.
func mnemonicSpellings() []spelling {
	var all []spelling
	add := func(text, syntax string) { all = append(all, spelling{text, syntax}) }
	// Memory without an offset is at offset 0.
	addMemory := func(text, syntax string) {
		add(text, syntax)
		add(strings.Replace(text, " %o]", "]", 1), syntax)
	}
	for _, op := range arithmetic {
		for _, name := range []string{op.name, op.name + "64"} {
			add(name+" %d, %s", "%d "+op.operator+" %s")
			add(name+" %d, %i", "%d "+op.operator+" %i")
		}
		add(op.name+"32 %d, %s", "%D "+op.operator+" %S")
		add(op.name+"32 %d, %i", "%D "+op.operator+" %i")
	}
	for _, op := range comparisons {
		add(op.name+" %d, %s, %j", "if %d "+op.operator+" %s goto %j")
		add(op.name+" %d, %i, %j", "if %d "+op.operator+" %i goto %j")
		add(op.name+"32 %d, %s, %j", "if %D "+op.operator+" %S goto %j")
		add(op.name+"32 %d, %i, %j", "if %D "+op.operator+" %i goto %j")
	}
	for _, size := range sizes {
		addMemory("ldx"+size.name+" %d, [%s %o]", "%d = *("+size.unsigned+" *)(%s %o)")
		addMemory("stx"+size.name+" [%d %o], %s", "*("+size.unsigned+" *)(%d %o) = %s")
		addMemory("st"+size.name+" [%d %o], %i", "*("+size.unsigned+" *)(%d %o) = %i")
		if size.signed != "" { // 64 bits have no sign to extend, and no packet load
			addMemory("ldxs"+size.name+" %d, [%s %o]", "%d = *("+size.signed+" *)(%s %o)")
			add("ldabs"+size.name+" %i", "r0 = *("+size.unsigned+" *)skb[%i]")
			add("ldind"+size.name+" %s, %i", "r0 = *("+size.unsigned+" *)skb[%s %p]")
		}
	}
	for _, op := range atomics {
		plain64, plain32 := "lock *(u64 *)(%d %o) "+op.operator+" %s", "lock *(u32 *)(%d %o) "+op.operator+" %S"
		fetch64 := "%s = atomic_fetch_" + op.name + "((u64 *)(%d %o), %s)"
		fetch32 := "%S = atomic_fetch_" + op.name + "((u32 *)(%d %o), %S)"
		addMemory("a"+op.name+" [%d %o], %s", plain64)
		addMemory("a"+op.name+"32 [%d %o], %s", plain32)
		addMemory("af"+op.name+" [%d %o], %s", fetch64)
		addMemory("af"+op.name+"32 [%d %o], %s", fetch32)
		addMemory("lock "+op.name+" [%d %o], %s", plain64)
		addMemory("lock "+op.name+"32 [%d %o], %s", plain32)
		addMemory("lock fetch "+op.name+" [%d %o], %s", fetch64)
		addMemory("lock fetch "+op.name+"32 [%d %o], %s", fetch32)
	}
	for _, width := range widths {
		for _, name := range []string{"le", "be"} {
			add(name+width+" %d", "%d = "+name+width+" %d")
			add("end"+name+" %d, "+width, "%d = "+name+width+" %d")
		}
		add("swap"+width+" %d", "%d = bswap"+width+" %d")
		add("bswap"+width+" %d", "%d = bswap"+width+" %d")
		add("bswap %d, "+width, "%d = bswap"+width+" %d")
	}
	return append(all, singles...)
}

// operandLocal is what only a call of the mnemonic dialect has: a function of
// this program, by its label.
const operandLocal bpf.Operand = 'L'

// mnemonics is the mnemonic dialect's grammar by first word.
var mnemonics = func() map[string]*node {
	root := &node{}
	for _, s := range mnemonicSpellings() {
		root.spell(s, false)
	}
	root.sort()
	words := map[string]*node{}
	for _, e := range root.literals {
		words[e.text] = e.to
	}
	return words
}()

// mnemonicWords are the words that statements of the dialect begin with.
var mnemonicWords = slices.Sorted(maps.Keys(mnemonics))

// formsBySyntax finds the form that a spelling stands for.
var formsBySyntax = func() map[string]*bpf.Form {
	forms := bpf.Forms()
	index := make(map[string]*bpf.Form, len(forms))
	for i := range forms {
		index[forms[i].Syntax] = &forms[i]
	}
	return index
}()

// spell adds another spelling to a grammar. What only a quiet one has is not
// proposed by errors.
func (n *node) spell(s spelling, quiet bool) {
	piece := &buffer{text: s.text}
	toks, _, _ := piece.scan(0, nil)
	for i := 0; i+1 < len(toks); i++ {
		t := toks[i]
		if t.kind == tokPercent {
			i++
			n = n.operand(bpf.Operand(s.text[toks[i].start]))
			continue
		}
		known := len(n.literals)
		to := n.literal(t.kind, s.text[t.start:t.end])
		if len(n.literals) > known {
			n.literals[known].quiet = quiet
		}
		n = to
	}
	if n.form == nil {
		n.form = formsBySyntax[s.syntax]
	}
}

// matchStatement reports whether the statement is an instruction.
func (m *matcher) matchStatement() bool {
	if m.isQualifiedCall() && m.matchMnemonic() {
		return true
	}
	m.mnemonic, m.bound = false, m.bound[:0]
	return m.match(grammar, m.first) || m.matchMnemonic()
}

// isQualifiedCall reports whether the statement begins as call local +3 does: for
// LLVM that calls what lies 3 bytes behind a symbol of that name.
func (m *matcher) isQualifiedCall() bool {
	t := m.a.toks[m.first]
	if t.kind != tokIdent || t.end-t.start != 4 || !strings.EqualFold(m.a.text(t), "call") || !m.isMnemonic() {
		return false
	}
	s := m.a.symbols.byName[m.word(1)]
	return s == nil || s.state == symUndefined && !s.bound
}

// matchMnemonic reports whether the statement is one of the mnemonic dialect.
func (m *matcher) matchMnemonic() bool {
	start, ok := m.mnemonicStart()
	if !ok {
		return false
	}
	m.mnemonic, m.bound = true, m.bound[:0]
	return m.match(start, m.first+1)
}

// mnemonicStart gives what may follow the statement's first word in the mnemonic
// dialect.
func (m *matcher) mnemonicStart() (*node, bool) {
	t := m.a.toks[m.first]
	if t.kind != tokIdent {
		return nil, false
	}
	start, ok := mnemonics[strings.ToLower(m.a.text(t))]
	return start, ok
}

// register reads a register at token i, and says where it ends; the end is 0
// when there is none. In the mnemonic dialect a % may stand before it.
func (m *matcher) register(i int) (r register, end int) {
	t := m.a.toks[i]
	percent := m.mnemonic && t.kind == tokPercent && m.a.toks[i+1].start == t.end
	if percent {
		i++
		t = m.a.toks[i]
	}
	if t.kind != tokIdent {
		return register{}, 0
	}
	text := m.a.text(t)
	if percent && text == "fp" {
		return register{num: bpf.R10}, i + 1
	}
	if i == m.first {
		text = strings.ToLower(text)
	}
	r, ok := parseRegister(text)
	if !ok {
		return register{}, 0
	}
	return r, i + 1
}
