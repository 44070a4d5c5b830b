package asm

import "ebtools/bpf"

// node is a point within the instructions' syntax: what may follow there. The
// whole grammar is a tree of nodes, made from the table of forms.
type node struct {
	literals []literalEdge
	operands []operandEdge
	form     *bpf.Form // the instruction that ends here, if one does
}

// literalEdge is a piece of syntax that stands for itself: a keyword, a
// register that the instruction always uses, a number or punctuation.
type literalEdge struct {
	kind tokenKind
	text string
	to   *node
	// quiet ones are read, but errors do not propose them.
	quiet bool
}

// operandEdge is an operand; where both could go on, literals come first, and
// registers before expressions.
type operandEdge struct {
	operand bpf.Operand
	to      *node
}

// grammar is the root of the tree.
var grammar = func() *node {
	root := &node{}
	forms := bpf.Forms()
	for i := range forms {
		root.add(&forms[i])
	}
	root.spellKernel()
	root.sort()
	return root
}()

func (n *node) add(f *bpf.Form) {
	for _, p := range f.Parts() {
		if p.Operand != bpf.NoOperand {
			n = n.operand(p.Operand)
			continue
		}
		piece := &buffer{text: p.Text}
		toks, _, _ := piece.scan(0, nil)
		for _, t := range toks[:len(toks)-1] {
			n = n.literal(t.kind, p.Text[t.start:t.end])
		}
	}
	if n.form == nil {
		n.form = f
	}
}

func (n *node) operand(o bpf.Operand) *node {
	for _, e := range n.operands {
		if e.operand == o {
			return e.to
		}
	}
	to := &node{}
	n.operands = append(n.operands, operandEdge{o, to})
	return to
}

func (n *node) literal(kind tokenKind, text string) *node {
	for _, e := range n.literals {
		if e.kind == kind && e.text == text {
			return e.to
		}
	}
	to := &node{}
	n.literals = append(n.literals, literalEdge{kind: kind, text: text, to: to})
	return to
}

// sort puts registers before what could be an expression, all the way down.
func (n *node) sort() {
	var registers, others []operandEdge
	for _, e := range n.operands {
		e.to.sort()
		if isRegisterOperand(e.operand) {
			registers = append(registers, e)
		} else {
			others = append(others, e)
		}
	}
	n.operands = append(registers, others...)
	for _, e := range n.literals {
		e.to.sort()
	}
}

func isRegisterOperand(o bpf.Operand) bool {
	switch o {
	case bpf.OperandDst, bpf.OperandDstW, bpf.OperandSrc, bpf.OperandSrcW:
		return true
	}
	return false
}

// keywords are the words an instruction may begin with, sorted as the table of
// forms has them.
var keywords = func() (words []string) {
	for _, e := range grammar.literals {
		if _, isRegister := parseRegister(e.text); e.kind == tokIdent && !isRegister {
			words = append(words, e.text)
		}
	}
	return words
}()
