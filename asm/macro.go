package asm

import (
	"math"
	"strings"
)

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

// Words at the start of a line that begin and end captured text.
var (
	macroStarts = []string{".macro"}
	macroEnds   = []string{".endm", ".endmacro"}
	loopStarts  = []string{".rept", ".rep", ".irp", ".irpc"}
	loopEnds    = []string{".endr"}
)

// capture takes the lines up to the one that ends what d began, which is taken
// as well. It is false when the text ends first.
func (a *assembler) capture(d token, ends, starts []string) (body span, ok bool) {
	top := &a.frames[len(a.frames)-1]
	a.i = len(a.toks) - 1
	body = span{a.buf, top.off, top.off}
	for depth := 1; top.off < top.end; {
		body.end = top.off
		next := a.buf.lineEnd(top.off)
		word := firstWord(a.buf.text[top.off:next])
		top.off = next
		switch {
		case contains(starts, word):
			depth++
		case contains(ends, word):
			depth--
		}
		if depth == 0 {
			return body, true
		}
	}
	body.end = top.off
	return body, false
}

func firstWord(line string) string {
	line = strings.TrimLeft(line, " \t")
	n := 0
	for n < len(line) && charClass[line[n]]&charName != 0 {
		n++
	}
	return strings.ToLower(line[:n])
}

func contains(words []string, word string) bool {
	for _, w := range words {
		if w == word {
			return true
		}
	}
	return false
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

// argument takes the text of an argument: up to a comma, or to a space outside
// of parentheses that does not stand beside an operator. A string stands for
// what is between its quotes.
func (a *assembler) argument(one bool) string {
	if t := a.toks[a.i]; t.kind == tokString {
		a.i++
		if s, f := a.unquote(t); f == nil {
			return s
		}
		return a.text(t)
	}
	start, depth := a.i, 0
	for ; !a.atEnd(); a.i++ {
		t := a.toks[a.i]
		if depth == 0 && t.kind == tokComma {
			break
		}
		if depth == 0 && a.i > start && t.start != a.toks[a.i-1].end &&
			(one || precedence(t.kind) == 0 && precedence(a.toks[a.i-1].kind) == 0) {
			break
		}
		switch t.kind {
		case tokLeftParen, tokLeftBracket:
			depth++
		case tokRightParen, tokRightBracket:
			depth--
		}
	}
	if a.i == start {
		return ""
	}
	return a.spanOf(start, a.i).text()
}

// substitute replaces \name by its value, \@ by the number of the expansion and
// \() by nothing.
func substitute(body string, replace map[string]string, count int) string {
	var out strings.Builder
	for {
		i := strings.IndexByte(body, '\\')
		if i < 0 || i+1 == len(body) {
			out.WriteString(body)
			return out.String()
		}
		out.WriteString(body[:i])
		body = body[i+1:]
		n := 0
		for n < len(body) && charClass[body[n]]&charName != 0 && body[n] != '.' {
			n++
		}
		value, ok := replace[body[:n]]
		switch {
		case n > 0 && ok:
			out.WriteString(value)
			body = body[n:]
		case body[0] == '@':
			out.WriteString(itoa(count))
			body = body[1:]
		case strings.HasPrefix(body, "()"):
			body = body[2:]
		default:
			out.WriteByte('\\')
		}
		if out.Len() > maxExpansions {
			return out.String()
		}
	}
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

// doRept is .rept COUNT … .endr.
func (a *assembler) doRept(d token) *fault {
	n, f := a.absoluteIn("the count", 0, math.MaxInt32)
	if f == nil && !a.atEnd() {
		f = a.unexpected(a.toks[a.i], "the end of the statement")
	}
	body, ok := a.capture(d, loopEnds, loopStarts)
	switch {
	case f != nil:
		return f
	case !ok:
		return faultAt(a.span(d), ErrSyntax, "this %s has no .endr", a.text(d))
	case len(a.frames) >= maxFrames:
		return faultAt(a.span(d), ErrMisuse, "loops are nested more than %d deep", maxFrames)
	}
	length := int64(body.end - body.start)
	if n == 0 || length == 0 {
		return nil
	}
	if n > int64(a.limits.expanded)/length || a.expanded+int(n*length) > a.limits.expanded {
		return faultAt(a.span(d), ErrRange, "this expands to too much text")
	}
	a.expanded += int(n * length)
	a.frames = append(a.frames, frame{
		buf: a.buf, off: body.start, start: body.start, end: body.end,
		repeat: uint64(n - 1), conds: len(a.conds),
	})
	return nil
}

// doIrp is .irp NAME, VALUE, … .endr: the text once for each value.
func (a *assembler) doIrp(d token) *fault {
	name, _, f := a.name("a parameter's name")
	var values []string
	for f == nil && a.another() {
		values = append(values, a.argument(false))
	}
	return a.loop(d, name, values, f)
}

// doIrpc is .irpc NAME, WORD … .endr: the text once for each character.
func (a *assembler) doIrpc(d token) *fault {
	name, _, f := a.name("a parameter's name")
	var values []string
	if f == nil && a.another() {
		for _, c := range a.argument(false) {
			values = append(values, string(c))
		}
	}
	return a.loop(d, name, values, f)
}

func (a *assembler) loop(d token, name string, values []string, f *fault) *fault {
	if f == nil && !a.atEnd() {
		f = a.unexpected(a.toks[a.i], "the end of the statement")
	}
	body, ok := a.capture(d, loopEnds, loopStarts)
	switch {
	case f != nil:
		return f
	case !ok:
		return faultAt(a.span(d), ErrSyntax, "this %s has no .endr", a.text(d))
	}
	var text strings.Builder
	for _, v := range values {
		a.expansions++
		text.WriteString(substitute(body.text(), map[string]string{name: v}, a.expansions))
		if text.Len() > maxExpansions {
			break
		}
	}
	return a.include(text.String(), "the "+a.text(d)+" loop", a.span(d))
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
