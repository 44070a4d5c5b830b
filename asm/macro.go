package asm

// macro is a text with parameters.
type macro struct {
	name   string
	params []parameter
	body   string
	def    span
}

type parameter struct {
	name     string
	value    string // when the caller gives none
	required bool
	variadic bool
}

var macroDirectives = map[string]handler{
	".macro": (*assembler).doMacro,
	".endm":  stray, ".endmacro": stray, ".endr": stray,
	".purgem": (*assembler).doPurge,
	".rept":   (*assembler).doRept,
	".rep":    (*assembler).doRept,
	".irp":    (*assembler).doIrp,
	".irpc":   (*assembler).doIrpc,
	".exitm":  (*assembler).doExit,
}

// Bounds on what macros may do, so that every file comes to an end.
const (
	maxFrames     = 100
	maxExpansions = 1 << 20 // bytes a single statement may expand to
)

func stray(a *assembler, d token) *fault {
	return faultAt(a.span(d), ErrSyntax, "%s without a beginning", a.text(d))
}

// doMacro is .macro NAME [PARAMETER [=DEFAULT] [:req | :vararg]], …
func (a *assembler) doMacro(d token) *fault {
	m := &macro{}
	name, at, f := a.name("the macro's name")
	m.name, m.def = name, a.span(at)
	for f == nil && !a.atEnd() {
		a.another()
		var p parameter
		if p, f = a.parameter(); f == nil {
			m.params = append(m.params, p)
		}
	}
	body, ok := a.capture(d, macroEnds, macroStarts)
	m.body = a.buf.text[body.start:body.end]
	switch {
	case f != nil:
		return f
	case !ok:
		return faultAt(a.span(d), ErrSyntax, "this .macro has no .endm")
	}
	if old, ok := a.macros[name]; ok {
		return faultAt(a.span(at), ErrRedefined, "macro %s is defined twice", name).note("first defined at %s", old.def.at())
	}
	a.macros[name] = m
	return nil
}

func (a *assembler) parameter() (p parameter, f *fault) {
	if p.name, _, f = a.name("a parameter's name"); f != nil {
		return p, f
	}
	if a.accept(tokColon) {
		word, t, f := a.name("req or vararg")
		switch {
		case f != nil:
			return p, f
		case word == "req":
			p.required = true
		case word == "vararg":
			p.variadic = true
		default:
			return p, a.unexpected(t, "req or vararg")
		}
	}
	if a.accept(tokEqual) {
		p.value = a.argument(true)
	}
	return p, nil
}

// doPurge forgets a macro.
func (a *assembler) doPurge(token) *fault {
	name, t, f := a.name("a macro's name")
	if f != nil {
		return f
	}
	if _, ok := a.macros[name]; !ok {
		return faultAt(a.span(t), ErrUndefined, "there is no macro %s", name)
	}
	delete(a.macros, name)
	return nil
}

// expand reads a macro's text in place of the statement that names it.
func (a *assembler) expand(m *macro) *fault {
	call := a.toks[a.i]
	a.i++
	values := make([]string, len(m.params))
	given := make([]bool, len(m.params))
	for n := 0; !a.atEnd(); n++ {
		if n > 0 {
			a.another()
		}
		i := n
		if t := a.toks[a.i]; t.kind == tokIdent && a.toks[a.i+1].kind == tokEqual {
			if i = m.index(a.text(t)); i >= 0 {
				a.i += 2
			} else {
				i = n
			}
		}
		if i >= len(m.params) {
			return faultAt(a.span(a.toks[a.i]), ErrSyntax, "macro %s takes %d argument%s", m.name, len(m.params), plural(len(m.params)))
		}
		if m.params[i].variadic {
			if !a.atEnd() {
				values[i] = a.spanOf(a.i, len(a.toks)-1).text()
			}
			given[i] = true
			a.i = len(a.toks) - 1
			break
		}
		before := a.i
		values[i], given[i] = a.argument(false), true
		if a.i == before && a.toks[a.i].kind != tokComma && !a.atEnd() {
			return a.unexpected(a.toks[a.i], "an argument")
		}
	}
	replace := map[string]string{}
	for i, p := range m.params {
		switch {
		case given[i] && values[i] != "":
		case p.required:
			return faultAt(a.span(call), ErrSyntax, "macro %s needs a value for %s", m.name, p.name)
		default:
			values[i] = p.value
		}
		replace[p.name] = values[i]
	}
	a.expansions++
	text := substitute(m.body, replace, a.expansions)
	a.i = len(a.toks) - 1
	return a.include(text, "macro "+m.name, a.span(call))
}

func (m *macro) index(name string) int {
	for i, p := range m.params {
		if p.name == name {
			return i
		}
	}
	return -1
}

// include reads a text before the rest of the file.
func (a *assembler) include(text, title string, at span) *fault {
	a.expanded += len(text)
	switch {
	case len(a.frames) >= maxFrames:
		return faultAt(at, ErrMisuse, "macros are nested more than %d deep: does one call itself?", maxFrames)
	case len(text) > maxExpansions || a.expanded > a.limits.expanded:
		return faultAt(at, ErrRange, "this expands to too much text")
	}
	b := &buffer{name: at.buf.name, text: text, outer: at, title: title}
	a.frames = append(a.frames, frame{buf: b, end: uint32(len(text)), conds: len(a.conds)})
	return nil
}

// doExit leaves the macro being expanded.
func (a *assembler) doExit(d token) *fault {
	for i := len(a.frames) - 1; i > 0; i-- {
		top := &a.frames[i]
		top.off, top.repeat = top.end, 0
		a.conds = a.conds[:top.conds]
		if top.buf.title != "" {
			return nil
		}
	}
	return faultAt(a.span(d), ErrMisuse, ".exitm outside of a macro")
}
