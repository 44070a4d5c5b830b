package asm

// What directives read their operands with. a.i is the next token.

// accept takes the next token if it is of a kind.
func (a *assembler) accept(k tokenKind) bool {
	if a.toks[a.i].kind != k {
		return false
	}
	a.i++
	return true
}

// expect takes the next token, which must be of a kind.
func (a *assembler) expect(k tokenKind, what string) (token, *fault) {
	t := a.toks[a.i]
	if t.kind != k {
		return t, a.unexpected(t, what)
	}
	a.i++
	return t, nil
}

func (a *assembler) atEnd() bool { return a.toks[a.i].kind == tokEnd }

// name takes a symbol's name, quoted or not.
func (a *assembler) name(what string) (string, token, *fault) {
	t := a.toks[a.i]
	if t.kind != tokIdent && t.kind != tokString {
		return "", t, a.unexpected(t, what)
	}
	a.i++
	s, f := a.nameOf(t)
	return s, t, f
}

// nameOf gives the name that an identifier or a string means.
func (a *assembler) nameOf(t token) (string, *fault) {
	if t.kind == tokIdent {
		return a.text(t), nil
	}
	s, f := a.unquote(t)
	if f == nil && s == "" {
		f = faultAt(a.span(t), ErrSyntax, "a name can't be empty")
	}
	return s, f
}

// quoted takes a string.
func (a *assembler) quoted(what string) (string, *fault) {
	t, f := a.expect(tokString, what)
	if f != nil {
		return "", f
	}
	return a.unquote(t)
}

// expression takes an expression.
func (a *assembler) expression() (expr, span, *fault) {
	p := exprParser{a: a, i: a.i}
	e, f := p.expression(1)
	at := a.spanOf(a.i, p.i)
	a.i = p.i
	return e, at, f
}

// absolute takes an expression that must be a number by now.
func (a *assembler) absolute() (int64, span, *fault) {
	e, at, f := a.expression()
	if f != nil {
		return 0, at, f
	}
	n, f := a.evalNumber(e, at)
	return n, at, f
}

// absoluteIn takes a number from low to high.
func (a *assembler) absoluteIn(what string, low, high int64) (int64, *fault) {
	n, at, f := a.absolute()
	if f == nil && (n < low || n > high) {
		f = faultAt(at, ErrRange, "%s is %d, and must be from %d to %d", what, n, low, high)
	}
	return n, f
}

// another reports whether a comma follows, and takes it.
func (a *assembler) another() bool { return a.accept(tokComma) }

// list calls item for each of the operands that commas separate; there must be
// one.
func (a *assembler) list(item func() *fault) *fault {
	for {
		if f := item(); f != nil {
			return f
		}
		if !a.another() {
			return nil
		}
	}
}
