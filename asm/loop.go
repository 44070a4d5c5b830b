package asm

import (
	"math"
	"strings"
)

// doRept is .rept COUNT … .endr.
func (a *assembler) doRept(d token) *fault {
	n, f := a.absoluteIn("the count", 0, math.MaxInt32)
	body, f := a.loopBody(d, f)
	switch {
	case f != nil:
		return f
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

// loopBody takes the text up to the loop's .endr, also when f says that
// something is wrong with the loop: what it holds is then not assembled.
func (a *assembler) loopBody(d token, f *fault) (span, *fault) {
	if f == nil && !a.atEnd() {
		f = a.unexpected(a.toks[a.i], "the end of the statement")
	}
	body, ok := a.capture(d, loopEnds, loopStarts)
	if f == nil && !ok {
		f = faultAt(a.span(d), ErrSyntax, "this %s has no .endr", a.text(d))
	}
	return body, f
}

func (a *assembler) loop(d token, name string, values []string, f *fault) *fault {
	body, f := a.loopBody(d, f)
	if f != nil {
		return f
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
