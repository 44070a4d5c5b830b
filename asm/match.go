package asm

import (
	"strings"

	"ebtools/bpf"
)

// binding is an operand found in a statement.
type binding struct {
	operand    bpf.Operand
	first, end int // its tokens
	reg        bpf.Register
	expr       expr
}

// matcher looks for the form of the instruction that the statement's tokens
// are, from token first on. It follows the grammar and goes back when a way
// leads nowhere; bound holds the operands on the way it is on.
type matcher struct {
	a     *assembler
	first int
	bound []binding
	form  *bpf.Form

	// Where it got furthest, for the error: what would have gone on there, or
	// what was wrong with the operand there. This is found out in a second
	// attempt, when the first one failed.
	explaining bool
	// mnemonic is set while the statement is tried as one of the mnemonic dialect.
	mnemonic bool
	furthest int
	expected []*node
	fault    *fault
	// mismatch is set when all was well but for registers that must agree.
	mismatch *fault
}

// match reports whether the tokens from i on, to the end of the statement, are
// an instruction from node n on.
func (m *matcher) match(n *node, i int) bool {
	t := m.a.toks[i]
	if t.kind == tokEnd {
		if n.form != nil && m.a.listing.takes(n.form) && m.agree(n.form) {
			m.form = n.form
			return true
		}
		m.expect(n, i)
		return false
	}
	m.expect(n, i)
	text := m.a.text(t)
	for _, e := range n.literals {
		if e.kind == t.kind && (e.text == text || i == m.first && strings.EqualFold(e.text, text)) && m.match(e.to, i+1) {
			return true
		}
	}
	for _, e := range n.operands {
		b, f := m.operand(e.operand, i)
		if f != nil {
			m.blame(f)
			continue
		}
		if b.end == 0 {
			continue
		}
		m.bound = append(m.bound, b)
		if m.match(e.to, b.end) {
			return true
		}
		m.bound = m.bound[:len(m.bound)-1]
	}
	return false
}

// operand reads an operand at token i. Without error or operand, it gives a
// binding whose end is 0.
func (m *matcher) operand(o bpf.Operand, i int) (binding, *fault) {
	b := binding{operand: o, first: i}
	t := m.a.toks[i]
	switch o {
	case bpf.OperandDst, bpf.OperandSrc, bpf.OperandDstW, bpf.OperandSrcW:
		r, end := m.register(i)
		if end == 0 || r.half != (o == bpf.OperandDstW || o == bpf.OperandSrcW) {
			return binding{}, nil
		}
		b.reg, b.end = r.num, end
		return b, nil
	case operandLocal:
		if t.kind != tokIdent && t.kind != tokString && t.kind != tokForward && t.kind != tokBackward {
			return binding{}, nil
		}
	case bpf.OperandOff, bpf.OperandDisp, bpf.OperandFunc:
		if t.kind != tokPlus && t.kind != tokMinus {
			return binding{}, nil
		}
	}
	if t.kind == tokIdent {
		// Not an expression: saying so is for the error about this node.
		if _, ok := parseRegister(m.a.text(t)); ok {
			return binding{}, nil
		}
	}
	p := exprParser{a: m.a, i: i, insn: true}
	e, f := p.expression(1)
	switch {
	case f != nil && p.i == i && t.kind != tokBig && t.kind != tokReal:
		return binding{}, nil // nothing like an expression: another operand may do
	case f != nil:
		f.depth = p.i
		return binding{}, f
	}
	b.expr, b.end = e, p.i
	return b, nil
}

// agree checks that registers which the syntax names twice are the same.
func (m *matcher) agree(f *bpf.Form) bool {
	for j, b := range m.bound {
		for _, c := range m.bound[:j] {
			if !isRegisterOperand(b.operand) || b.operand != c.operand || b.reg == c.reg {
				continue
			}
			at := span{m.a.buf, m.a.toks[b.first].start, m.a.toks[b.first].end}
			half := b.operand == bpf.OperandDstW || b.operand == bpf.OperandSrcW
			x, y := register{c.reg, half}, register{b.reg, half}
			m.mismatch = faultAt(at, ErrSyntax, "%s and %s must be the same register: %s", x, y, sameRegister(f))
			return false
		}
	}
	return true
}

// sameRegister says why a form names a register twice.
func sameRegister(f *bpf.Form) string {
	name, _, isFetch := strings.Cut(f.Syntax, "(")
	if _, name, found := strings.Cut(name, "= "); isFetch && found {
		return name + " returns the old value in its source register"
	}
	return "the instruction has one operand, which it changes in place"
}

// expect notes that the statement made sense up to token i, where n lists what
// may follow.
func (m *matcher) expect(n *node, i int) {
	if !m.explaining {
		return
	}
	if i > m.furthest {
		m.furthest, m.expected, m.fault = i, m.expected[:0], nil
	}
	if i == m.furthest {
		m.expected = append(m.expected, n)
	}
}

// blame notes what is wrong with an operand, at token f.depth.
func (m *matcher) blame(f *fault) {
	if f.depth > m.furthest || f.depth == m.furthest && m.fault == nil {
		m.furthest, m.fault = f.depth, f
	}
}
