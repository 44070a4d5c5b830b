package asm

import (
	"slices"
	"strings"

	"ebtools/bpf"
)

// explain says why the tokens are no instruction.
func (m *matcher) explain() *fault {
	if m.mismatch != nil {
		return m.mismatch
	}
	if m.furthest == m.first {
		if f := m.unknownStart(); f != nil {
			return f
		}
	}
	if f := m.explainMnemonic(); f != nil {
		return f
	}
	for _, check := range mistakes {
		if f := check(m); f != nil {
			return f
		}
	}
	if m.fault != nil {
		return m.fault
	}
	return m.a.unexpected(m.a.toks[m.furthest], m.wanted())
}

// word is the text of a token of the statement, counted from its first; "" when
// there is no such token.
func (m *matcher) word(n int) string {
	if i := m.first + n; i >= 0 && i < len(m.a.toks) && m.a.toks[i].kind != tokEnd {
		return m.a.text(m.a.toks[i])
	}
	return ""
}

// at is the token where the statement stopped making sense.
func (m *matcher) at() (token, string) {
	t := m.a.toks[m.furthest]
	return t, m.a.text(t)
}

func (m *matcher) complain(t token, format string, args ...any) *fault {
	return faultAt(m.a.span(t), ErrSyntax, format, args...)
}

// foreign are words of other assemblers and of C, with what to write here.
var foreign = map[string]string{
	"return": "exit", "ret": "exit", "nop": "goto +0", "jmp": "goto",
	"else": "a label and a goto", "while": "a label and a goto", "for": "a label and a goto",
}

// unknownStart explains a statement whose very first word nothing knows.
func (m *matcher) unknownStart() *fault {
	t, word := m.at()
	if t.kind != tokIdent {
		if m.fault != nil {
			return m.fault
		}
		return m.complain(t, "a statement begins with a register, a memory access like *(u32 *)(r1 + 0), a word like goto, or a directive; not with %s", m.a.found(t))
	}
	if f := m.badRegister(); f != nil {
		return f
	}
	lower := strings.ToLower(word)
	f := m.complain(t, "unknown instruction %s", word)
	if use, ok := foreign[lower]; ok {
		return f.note("write %s instead", use)
	}
	known := slices.Concat(keywords, mnemonicWords)
	if strings.HasPrefix(lower, "bug_") {
		return f.note("the bpftool that printed this does not know the instruction: a newer one does")
	}
	if why, ok := missing[lower]; ok {
		return f.note("%s", why)
	}
	for name := range directives {
		known = append(known, name)
		if name == "."+lower {
			return f.note("the directive is %s, with a point", name)
		}
	}
	for name := range m.a.macros {
		known = append(known, name)
	}
	return f.suggest(lower, known)
}

// mistakes are common ways to go wrong; each gives an error if it applies.
var mistakes = []func(*matcher) *fault{
	(*matcher).parentheses,
	(*matcher).mapNumber,
	(*matcher).kernelOnly,
	(*matcher).otherOpcode,
	(*matcher).lockOperation,
	(*matcher).callRegister,
	(*matcher).badRegister,
	(*matcher).byteSwap,
	(*matcher).accessSize,
	(*matcher).extension,
	(*matcher).packetLoad,
	(*matcher).otherHalf,
	(*matcher).missingOffset,
	(*matcher).equalSigns,
	(*matcher).unknownOperation,
}

// parentheses: if (r1 == 5) goto L.
func (m *matcher) parentheses() *fault {
	if strings.EqualFold(m.word(0), "if") && m.word(1) == "(" {
		return m.complain(m.a.toks[m.first+1], "a condition stands without parentheses: if r1 == 5 goto there")
	}
	return nil
}

// callRegister: call r1.
func (m *matcher) callRegister() *fault {
	if _, ok := parseRegister(m.word(1)); ok && strings.EqualFold(m.word(0), "call") {
		return m.complain(m.a.toks[m.first+1], "a call through a register is callx %s", m.word(1)).
			note("no Linux kernel takes callx: only functions and helpers that are known by name can be called")
	}
	return nil
}

// badRegister: r11, R2 and fp.
func (m *matcher) badRegister() *fault {
	t, word := m.at()
	if t.kind != tokIdent || !m.wantsRegister() && m.furthest > m.first {
		return nil
	}
	return wrongRegister(word, m.a.span(t))
}

func (m *matcher) wantsRegister() bool {
	for _, n := range m.expected {
		for _, e := range n.operands {
			if isRegisterOperand(e.operand) {
				return true
			}
		}
	}
	return false
}

// byteSwap: w1 = be16 w1, r1 = bswap16(r1), r1 = swap16 r1.
func (m *matcher) byteSwap() *fault {
	if m.word(1) != "=" {
		return nil
	}
	op := m.word(2)
	size := strings.TrimLeft(op, "abcdefghijklmnopqrstuvwxyz")
	kind := strings.TrimSuffix(op, size)
	if size != "16" && size != "32" && size != "64" {
		return nil
	}
	switch kind {
	case "swap":
		kind = "bswap"
	case "be", "le", "bswap":
	default:
		return nil
	}
	r, ok := parseRegister(strings.ToLower(m.word(0)))
	if !ok {
		return nil
	}
	return m.complain(m.a.toks[m.first+2], "a byte swap works on a 64-bit register in place: r%d = %s%s r%d", r.num, kind, size, r.num)
}

// accessSize: w1 = *(u64 *)(r2 + 0), w1 = *(s8 *)(r2 + 0), r1 = *(s64 *)(…).
func (m *matcher) accessSize() *fault {
	t, word := m.at()
	r, ok := parseRegister(strings.ToLower(m.word(0)))
	switch {
	case !ok || m.word(1) != "=" || m.word(2) != "*":
		return nil
	case word == "u64" && r.half:
		return m.complain(t, "w%d holds 32 bits: a u64 is loaded into r%d", r.num, r.num)
	case (word == "s8" || word == "s16" || word == "s32") && r.half:
		return m.complain(t, "a load that extends the sign fills all 64 bits: its register is r%d", r.num)
	case word == "s64":
		return m.complain(t, "a load of 64 bits has no sign to extend: write u64")
	}
	return nil
}

// extension: w1 = (s32)w2.
func (m *matcher) extension() *fault {
	t, _ := m.at()
	r, ok := parseRegister(strings.ToLower(m.word(0)))
	if ok && r.half && m.word(2) == "(" && m.word(3) == "s32" {
		return m.complain(t, "32 bits are all that w%d has: to extend them to 64, write r%d = (s32)r…", r.num, r.num)
	}
	return nil
}

// packetLoad: r1 = *(u32 *)skb[0], r0 = *(u64 *)skb[0].
func (m *matcher) packetLoad() *fault {
	if t, word := m.at(); word == "skb" {
		return m.complain(t, "a packet load is r0 = *(u8 *)skb[…], with u8, u16 or u32, and always into r0")
	}
	return nil
}

// otherHalf: r1 += w2, *(u8 *)(w1 + 0) = 3.
func (m *matcher) otherHalf() *fault {
	t, word := m.at()
	r, ok := parseRegister(word)
	if !ok {
		return nil
	}
	full, half := false, false
	for _, n := range m.expected {
		for _, e := range n.operands {
			full = full || e.operand == bpf.OperandDst || e.operand == bpf.OperandSrc
			half = half || e.operand == bpf.OperandDstW || e.operand == bpf.OperandSrcW
		}
	}
	other := register{r.num, !r.half}
	switch {
	case r.half && full && !half && m.furthest >= 2 && m.a.text(m.a.toks[m.furthest-1]) == "(":
		return m.complain(t, "an address takes 64 bits: write %s", other)
	case r.half && full && !half:
		return m.complain(t, "%s is 32 bits wide, and the instruction works on 64: write %s, or use w registers throughout", word, other)
	case !r.half && half && !full:
		return m.complain(t, "%s is 64 bits wide, and the instruction works on 32: write %s, or use r registers throughout", word, other)
	}
	return nil
}

// missingOffset: r1 = *(u64 *)(r2).
func (m *matcher) missingOffset() *fault {
	t, word := m.at()
	for _, n := range m.expected {
		for _, e := range n.operands {
			if e.operand == bpf.OperandOff && word == ")" {
				r := m.a.text(m.a.toks[m.furthest-1])
				return m.complain(t, "an offset is missing: write (%s + 0)", r)
			}
			if e.operand == bpf.OperandOff && t.kind == tokNumber {
				return m.complain(t, "an offset needs its sign: + %s", word)
			}
		}
	}
	return nil
}

// equalSigns: if r1 = 5 goto L, r1 == 5.
func (m *matcher) equalSigns() *fault {
	switch t, _ := m.at(); {
	case t.kind == tokEqual && strings.EqualFold(m.word(0), "if"):
		return m.complain(t, "a comparison is written ==")
	case t.kind == tokEqualEqual && !strings.EqualFold(m.word(0), "if"):
		return m.complain(t, "an assignment is written =")
	}
	return nil
}

// unknownOperation: r2 = atomic_fetch_sub(…), w2 = xchg_32(…).
func (m *matcher) unknownOperation() *fault {
	if m.furthest <= m.first || m.a.text(m.a.toks[m.furthest]) != "(" {
		return nil
	}
	t := m.a.toks[m.furthest-1]
	if t.kind != tokIdent {
		return nil
	}
	return m.complain(t, "unknown operation %s", m.a.text(t)).suggest(m.a.text(t), operations)
}

// operations are the words that stand before a parenthesis.
var operations = func() (words []string) {
	for _, f := range bpf.Forms() {
		for _, p := range f.Parts() {
			before, _, found := strings.Cut(p.Text, "(")
			fields := strings.FieldsFunc(before, func(r rune) bool { return r == ' ' || r == '=' || r == '*' })
			if found && len(fields) > 0 {
				if word := fields[len(fields)-1]; !slices.Contains(words, word) {
					words = append(words, word)
				}
			}
		}
	}
	return words
}()

// operandWords describe the operands.
var operandWords = map[bpf.Operand]string{
	bpf.OperandDst: "a 64-bit register", bpf.OperandSrc: "a 64-bit register",
	bpf.OperandDstW: "a 32-bit register", bpf.OperandSrcW: "a 32-bit register",
	bpf.OperandImm: "a number", bpf.OperandLong: "a number", bpf.OperandMod: "a number",
	bpf.OperandTo: "a number", bpf.OperandFrom: "a number",
	bpf.OperandOff: "an offset with its sign", bpf.OperandDisp: "an offset with its sign",
	bpf.OperandJump: "a label or a distance like +3", bpf.OperandFar: "a label or a distance like +3",
	bpf.OperandFunc: "a distance like +3", bpf.OperandCall: "a function or a helper",
	operandLocal: "a function of this file",
}

// maxWanted is how many possibilities an error lists.
const maxWanted = 8

// wanted lists what would have gone on where the statement stopped.
func (m *matcher) wanted() string {
	var words []string
	add := func(s string) {
		if !slices.Contains(words, s) {
			words = append(words, s)
		}
	}
	for _, n := range m.expected {
		for _, e := range n.operands {
			if m.mnemonic && isRegisterOperand(e.operand) {
				add("a register")
				continue
			}
			add(operandWords[e.operand])
		}
	}
	for _, n := range m.expected {
		if len(n.literals) > maxWanted && len(n.operands) == 0 && n.literals[0].kind != tokIdent {
			return oneOf(append(words, "an operator such as = or +="))
		}
		for _, e := range n.literals {
			if !e.quiet {
				add("'" + e.text + "'")
			}
		}
	}
	for _, n := range m.expected {
		if n.form != nil {
			add("the end of the statement")
		}
	}
	if len(words) > maxWanted {
		words = append(words[:maxWanted-1], "…")
	}
	return oneOf(words)
}

// oneOf joins words to "a, b or c".
func oneOf(words []string) string {
	if n := len(words) - 1; n > 0 {
		return strings.Join(words[:n], ", ") + " or " + words[n]
	}
	return strings.Join(words, "")
}
