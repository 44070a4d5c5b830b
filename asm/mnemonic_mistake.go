package asm

import (
	"slices"
	"strings"

	"ebtools/bpf"
)

// explainMnemonic says why the tokens are no instruction of the mnemonic
// dialect; nil if its first word is none of that dialect, or nothing better is
// known than where it stopped making sense.
func (m *matcher) explainMnemonic() *fault {
	if !m.isMnemonic() {
		return nil
	}
	start, _ := m.mnemonicStart()
	for _, check := range mnemonicMistakes {
		if f := check(m, start); f != nil {
			return f
		}
	}
	return nil
}

// isMnemonic reports whether the statement is meant for the mnemonic dialect: of
// words that LLVM has as well, like call and lock, the next word tells.
func (m *matcher) isMnemonic() bool {
	start, ok := m.mnemonicStart()
	if !ok || !slices.Contains(keywords, strings.ToLower(m.word(0))) {
		return ok
	}
	for _, e := range start.literals {
		if e.kind == tokIdent && e.text == m.word(1) {
			return true
		}
	}
	return false
}

// mnemonicMistakes are common ways to go wrong; each gives an error if it
// applies. They get what may follow the first word.
var mnemonicMistakes = []func(*matcher, *node) *fault{
	(*matcher).halfRegister,
	(*matcher).foreignRegister,
	(*matcher).storeKind,
	(*matcher).oneOperand,
	(*matcher).extensionWidth,
	(*matcher).outsideBrackets,
}

// halfRegister: mov32 w1, 2.
func (m *matcher) halfRegister(*node) *fault {
	t, word := m.at()
	if t.kind == tokPercent && m.furthest+1 < len(m.a.toks) {
		t = m.a.toks[m.furthest+1]
		word = m.a.text(t)
	}
	r, ok := parseRegister(word)
	if !ok || !r.half || !m.wantsRegister() {
		return nil
	}
	f := m.complain(t, "registers are r0 to r10 beside a mnemonic: write %s", r.num)
	if name := strings.ToLower(m.word(0)); mnemonics[name+"32"] != nil {
		f.note("%s32 works on the low half of its registers", name)
	}
	return f
}

// foreignRegister: mov %r11, 1.
func (m *matcher) foreignRegister(*node) *fault {
	t, word := m.at()
	if t.kind == tokPercent && m.furthest+1 < len(m.a.toks) {
		name := m.a.toks[m.furthest+1]
		if name.kind == tokIdent && name.start == t.end {
			at := span{m.a.buf, t.start, name.end}
			if f := wrongRegister(m.a.text(name), at); f != nil {
				return f
			}
			return faultAt(at, ErrSyntax, "there is no register %s: they are %%r0 to %%r10, and %%fp", at.text())
		}
		return nil
	}
	if t.kind != tokIdent || !m.wantsRegister() {
		return nil
	}
	return wrongRegister(word, m.a.span(t))
}

// storeKind: stxw [r1+2], 3 and stw [r1+2], r3.
func (m *matcher) storeKind(*node) *fault {
	t, word := m.at()
	name := strings.ToLower(m.word(0))
	before := m.a.toks[m.furthest-1]
	size, isRegister := strings.CutPrefix(name, "stx")
	if !isRegister {
		size = strings.TrimPrefix(name, "st")
	}
	if mnemonics["st"+size] == nil || !strings.HasPrefix(name, "st") || before.kind != tokComma {
		return nil
	}
	_, found := parseRegister(word)
	switch {
	case isRegister && (t.kind == tokNumber || t.kind == tokMinus || t.kind == tokIdent && !found):
		return m.complain(t, "%s stores a register: a number is stored by st%s", name, size)
	case !isRegister && (found || t.kind == tokPercent):
		return m.complain(t, "%s stores a number: a register is stored by stx%s", name, size)
	}
	return nil
}

// oneOperand: neg r1, r2, be16 r1, r2.
func (m *matcher) oneOperand(start *node) *fault {
	t, _ := m.at()
	if t.kind != tokComma || len(m.expected) != 1 || m.expected[0].form == nil || !takesOneRegister(start) {
		return nil
	}
	return m.complain(t, "%s has one operand, which it changes in place", strings.ToLower(m.word(0)))
}

func takesOneRegister(n *node) bool {
	return len(n.operands) == 1 && n.operands[0].operand == bpf.OperandDst && n.operands[0].to.form != nil
}

// extensionWidth: movs r1, r2, 24 and movs32 r1, r2, 32.
func (m *matcher) extensionWidth(*node) *fault {
	t, word := m.at()
	name := strings.ToLower(m.word(0))
	switch {
	case t.kind != tokNumber || m.a.toks[m.furthest-1].kind != tokComma:
	case name == "movs32" && word == "32":
		return m.complain(t, "32 bits are all that movs32 fills: to extend them to 64, write movs")
	case strings.HasPrefix(name, "movs") || strings.HasPrefix(name, "end") || name == "bswap":
		return m.complain(t, "%s works on %s bits, not %s", name, strings.ReplaceAll(m.wanted(), "'", ""), word)
	}
	return nil
}

// outsideBrackets: ldxw r1, r2+4.
func (m *matcher) outsideBrackets(*node) *fault {
	t, _ := m.at()
	for _, n := range m.expected {
		for _, e := range n.literals {
			if e.kind == tokLeftBracket && t.kind != tokEnd && len(n.operands) == 0 {
				return m.complain(t, "an address stands in brackets: [r1+8]")
			}
		}
	}
	return nil
}

// lockOperation: lock ad [r1], r2.
func (m *matcher) lockOperation() *fault {
	if !strings.EqualFold(m.word(0), "lock") || m.furthest != m.first+1 {
		return nil
	}
	t, word := m.at()
	if _, isRegister := parseRegister(word); t.kind != tokIdent || isRegister {
		return nil
	}
	var known []string
	for _, e := range mnemonics["lock"].literals {
		known = append(known, e.text)
	}
	return m.complain(t, "unknown atomic operation %s: they are %s", word, oneOf(known)).suggest(word, known)
}

// missing are mnemonics of GNU as for what is no instruction.
var missing = map[string]string{
	"ldabsdw": "packets are loaded from by 8, 16 or 32 bits: ldabsb, ldabsh or ldabsw",
	"ldinddw": "packets are loaded from by 8, 16 or 32 bits: ldindb, ldindh or ldindw",
	"ldxsdw":  "a load of 64 bits has no sign to extend: write ldxdw",
}

// otherOpcode: 0: (b7) w0 = 1.
func (m *matcher) otherOpcode() *fault {
	l := &m.a.listing
	if !l.on {
		return nil
	}
	l.on = false
	defer func() { l.on = true }()
	again := matcher{a: m.a, first: m.first}
	if !again.match(grammar, m.first) {
		return nil
	}
	at := m.a.spanOf(m.first, len(m.a.toks)-1)
	return faultAt(at, ErrMisuse, "the line says opcode %02x, and this is opcode %02x", l.op, again.form.Op)
}
