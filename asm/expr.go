package asm

// expr is an expression: add - sub + num, where add and sub are symbols or nil.
// That covers nearly all there is. When an operator other than plus and minus
// meets a symbol whose value is not known yet, tree holds the operation and
// the other fields are zero.
type expr struct {
	add, sub *symbol
	num      int64
	tree     *tree
}

// tree is an operation put off until its operands are known.
type tree struct {
	op          tokenKind
	left, right expr
	unary       bool // ~ or ! of left
	at          span
	depth       int
}

// maxDepth is how deep expressions may be nested.
const maxDepth = 200

func number(n int64) expr { return expr{num: n} }

// isNumber reports whether the value is known and nothing but num.
func (e expr) isNumber() bool { return e.add == nil && e.sub == nil && e.tree == nil }

// settled turns the distance of two labels of a section into a number if it
// can't change any more.
func (e expr) settled() expr {
	if e.add == nil || e.sub == nil {
		return e
	}
	if e.add == e.sub {
		return number(e.num)
	}
	if e.add.state != symLabel || e.sub.state != symLabel || e.add.section != e.sub.section {
		return e
	}
	if d, ok := e.add.section.distance(e.sub.place, e.add.place); ok {
		return number(e.num + d)
	}
	return e
}

// negated is false for what can't be written as an expr without a tree.
func (e expr) negated() (expr, bool) {
	return expr{add: e.sub, sub: e.add, num: -e.num}, e.tree == nil
}

// plus is false for what can't be written as an expr without a tree.
func (e expr) plus(o expr) (expr, bool) {
	if e.tree != nil || o.tree != nil || e.add != nil && o.add != nil || e.sub != nil && o.sub != nil {
		return expr{}, false
	}
	sum := expr{add: e.add, sub: e.sub, num: e.num + o.num}
	if o.add != nil {
		sum.add = o.add
	}
	if o.sub != nil {
		sum.sub = o.sub
	}
	return sum.settled(), true
}

// combine applies a binary operator.
func combine(op tokenKind, l, r expr, at span) (expr, *fault) {
	if l.isNumber() && r.isNumber() {
		n, f := calculate(op, l.num, r.num, at)
		return number(n), f
	}
	switch op {
	case tokPlus:
		if sum, ok := l.plus(r); ok {
			return sum, nil
		}
	case tokMinus:
		if neg, ok := r.negated(); ok {
			if sum, ok := l.plus(neg); ok {
				return sum, nil
			}
		}
	}
	return putOff(tree{op: op, left: l, right: r, at: at})
}

// combineUnary applies a unary operator.
func combineUnary(op tokenKind, e expr, at span) (expr, *fault) {
	switch {
	case op == tokPlus:
		return e, nil
	case op == tokMinus:
		if neg, ok := e.negated(); ok {
			return neg, nil
		}
		return putOff(tree{op: tokMinus, right: e, at: at})
	case op == tokTilde && e.isNumber():
		return number(^e.num), nil
	case op == tokBang && e.isNumber():
		return number(truth(e.num == 0, 1)), nil
	}
	return putOff(tree{op: op, left: e, unary: true, at: at})
}

func putOff(t tree) (expr, *fault) {
	for _, e := range []expr{t.left, t.right} {
		if e.tree != nil {
			t.depth = max(t.depth, e.tree.depth+1)
		}
	}
	if t.depth > maxDepth {
		return expr{}, faultAt(t.at, ErrRange, "this expression is nested too deeply")
	}
	return expr{tree: &t}, nil
}

// calculate applies a binary operator to numbers of 64 bits that wrap around.
// As in LLVM, comparisons that hold are -1, && and || give 1, and >> fills with
// zeros.
func calculate(op tokenKind, l, r int64, at span) (int64, *fault) {
	switch op {
	case tokPlus:
		return l + r, nil
	case tokMinus:
		return l - r, nil
	case tokStar:
		return l * r, nil
	case tokSlash, tokPercent:
		if r == 0 {
			return 0, faultAt(at, ErrRange, "division by zero")
		}
		if op == tokSlash {
			return l / r, nil
		}
		return l % r, nil
	case tokShiftLeft:
		return l << uint64(r), nil
	case tokShiftRight:
		return int64(uint64(l) >> uint64(r)), nil
	case tokAmp:
		return l & r, nil
	case tokPipe:
		return l | r, nil
	case tokBang: // LLVM's "or not"
		return l | ^r, nil
	case tokCaret:
		return l ^ r, nil
	case tokEqualEqual:
		return truth(l == r, -1), nil
	case tokNotEqual:
		return truth(l != r, -1), nil
	case tokLess:
		return truth(l < r, -1), nil
	case tokLessEqual:
		return truth(l <= r, -1), nil
	case tokGreater:
		return truth(l > r, -1), nil
	case tokGreaterEqual:
		return truth(l >= r, -1), nil
	case tokAndAnd:
		return truth(l != 0 && r != 0, 1), nil
	case tokOrOr:
		return truth(l != 0 || r != 0, 1), nil
	}
	return 0, faultAt(at, ErrSyntax, "no such operator")
}

func truth(holds bool, value int64) int64 {
	if holds {
		return value
	}
	return 0
}

// precedence gives how tightly a binary operator binds, 0 for what is none.
// This is GNU as's order, which LLVM follows: unlike in C, the shifts bind like
// products, and the bitwise operators bind tighter than sums.
func precedence(op tokenKind) int {
	switch op {
	case tokOrOr:
		return 1
	case tokAndAnd:
		return 2
	case tokEqualEqual, tokNotEqual, tokLess, tokLessEqual, tokGreater, tokGreaterEqual:
		return 3
	case tokPlus, tokMinus:
		return 4
	case tokPipe, tokCaret, tokAmp, tokBang:
		return 5
	case tokStar, tokSlash, tokPercent, tokShiftLeft, tokShiftRight:
		return 6
	}
	return 0
}

// exprParser reads an expression from the tokens of the statement.
type exprParser struct {
	a     *assembler
	i     int  // the next token
	insn  bool // within an instruction, where r1 is a register and no symbol
	depth int
}

func (p *exprParser) tok() token { return p.a.toks[p.i] }

// expression reads operators that bind at least as tightly as min.
func (p *exprParser) expression(min int) (expr, *fault) {
	left, f := p.operand()
	if f != nil {
		return expr{}, f
	}
	for {
		op := p.tok()
		prec := precedence(op.kind)
		if prec == 0 || prec < min {
			return left, nil
		}
		p.i++
		right, f := p.expression(prec + 1)
		if f != nil {
			return expr{}, f
		}
		if left, f = combine(op.kind, left, right, p.a.span(op)); f != nil {
			return expr{}, f
		}
	}
}

func (p *exprParser) operand() (expr, *fault) {
	t := p.tok()
	if p.depth++; p.depth > maxDepth {
		return expr{}, faultAt(p.a.span(t), ErrRange, "this expression is nested too deeply")
	}
	defer func() { p.depth-- }()
	switch t.kind {
	case tokNumber:
		p.i++
		return number(int64(t.num)), nil
	case tokIdent:
		return p.name(t, p.a.text(t))
	case tokString:
		name, f := p.a.nameOf(t)
		if f != nil {
			return expr{}, f
		}
		p.i++
		return p.a.reference(name), nil
	case tokForward, tokBackward:
		p.i++
		s, f := p.a.numericRef(t)
		return expr{add: s}, f
	case tokLeftParen:
		p.i++
		e, f := p.expression(1)
		if f != nil {
			return expr{}, f
		}
		if p.tok().kind != tokRightParen {
			return expr{}, p.unexpected("a closing parenthesis")
		}
		p.i++
		return e, nil
	case tokPlus, tokMinus, tokTilde, tokBang:
		p.i++
		e, f := p.operand()
		if f != nil {
			return expr{}, f
		}
		return combineUnary(t.kind, e, p.a.span(t))
	case tokBig:
		return expr{}, faultAt(p.a.span(t), ErrRange, "%s does not fit in 64 bits", p.a.text(t))
	case tokReal:
		return expr{}, faultAt(p.a.span(t), ErrSyntax, "%s is not a whole number", p.a.text(t))
	}
	return expr{}, p.unexpected("a number or a symbol")
}

func (p *exprParser) name(t token, name string) (expr, *fault) {
	if p.insn {
		if r, ok := parseRegister(name); ok {
			return expr{}, faultAt(p.a.span(t), ErrSyntax, "%s is a register: expressions are made of numbers and symbols", r)
		}
	}
	p.i++
	if name == "." {
		return expr{add: p.a.currentPlace()}, nil
	}
	return p.a.reference(name), nil
}

func (p *exprParser) unexpected(want string) *fault { return p.a.unexpected(p.tok(), want) }

// currentPlace is the symbol that . stands for.
func (a *assembler) currentPlace() *symbol {
	return &symbol{state: symLabel, section: a.section, place: a.section.here()}
}

// reference gives what a name stands for: the number that a variable is now, or
// the symbol.
func (a *assembler) reference(name string) expr {
	s := a.symbols.named(name)
	if s.state == symVariable && !s.broken && s.more.value.isNumber() {
		return s.more.value
	}
	return expr{add: s}
}
