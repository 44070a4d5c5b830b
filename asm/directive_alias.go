package asm

var aliasDirectives = map[string]handler{
	".weakref": (*assembler).doWeakref,
	// A version is for linkers of shared libraries. The second symbol that it
	// makes elsewhere would be a second program to loaders.
	".symver": (*assembler).ignored,
}

// doWeakref is .weakref ALIAS, NAME: ALIAS is another name for NAME, which need
// not exist if nothing else refers to it.
func (a *assembler) doWeakref(token) *fault {
	alias, t, f := a.name("a symbol")
	if f != nil {
		return f
	}
	if _, f := a.expect(tokComma, "a comma and the symbol it stands for"); f != nil {
		return f
	}
	name, at, f := a.name("a symbol")
	if f != nil {
		return f
	}
	s, to := a.symbols.named(alias), a.symbols.named(name)
	if f := a.checkUndefined(s, a.span(t)); f != nil {
		return f
	}
	if s == to {
		return faultAt(a.span(at), ErrMisuse, "%s stands for itself", alias)
	}
	to.isWeakly = true
	s.state, s.def = symVariable, a.span(t)
	m := s.extra()
	m.value, m.weakref = expr{add: to}, true
	return nil
}
