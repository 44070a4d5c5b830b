package asm

import (
	"maps"
	"strings"
)

// condition is an open .if.
type condition struct {
	at      span
	taken   bool // a branch was read
	reading bool // this branch is being read
	outer   bool // the text around is being read
	last    bool // .else was seen
}

// conditionals are looked at even where text is left out.
var conditionals map[string]handler

func init() {
	conditionals = map[string]handler{
		".elseif": (*assembler).doElseIf, ".else": (*assembler).doElse, ".endif": (*assembler).doEndIf,
	}
	maps.Copy(conditionals, opening)
}

// opening are those that begin an .if.
var opening = map[string]handler{
	".if": ifNumber(func(n int64) bool { return n != 0 }), ".ifne": ifNumber(func(n int64) bool { return n != 0 }),
	".ifeq": ifNumber(func(n int64) bool { return n == 0 }), ".ifge": ifNumber(func(n int64) bool { return n >= 0 }),
	".ifgt": ifNumber(func(n int64) bool { return n > 0 }), ".ifle": ifNumber(func(n int64) bool { return n <= 0 }),
	".iflt":  ifNumber(func(n int64) bool { return n < 0 }),
	".ifdef": ifDefined(true), ".ifndef": ifDefined(false), ".ifnotdef": ifDefined(false),
	".ifb": ifBlank(true), ".ifnb": ifBlank(false),
	".ifc": ifSame(true), ".ifnc": ifSame(false), ".ifeqs": ifSame(true), ".ifnes": ifSame(false),
}

// skipping reports whether text is left out at the moment.
func (a *assembler) skipping() bool {
	return len(a.conds) > 0 && !a.conds[len(a.conds)-1].reading
}

// skipped looks at a statement that is left out: only conditionals count.
func (a *assembler) skipped() {
	t := a.toks[0]
	if t.kind != tokIdent {
		return
	}
	word := strings.ToLower(a.text(t))
	if _, ok := opening[word]; ok {
		a.conds = append(a.conds, condition{at: a.span(t)})
		return
	}
	if h, ok := conditionals[word]; ok {
		a.i = 1
		a.try(h(a, t))
	}
}

// open begins an .if whose first branch is read when holds is true.
func (a *assembler) open(d token, holds bool) {
	a.conds = append(a.conds, condition{at: a.span(d), taken: holds, reading: holds, outer: true})
}

func ifNumber(holds func(int64) bool) handler {
	return func(a *assembler, d token) *fault {
		n, _, f := a.absolute()
		a.open(d, f == nil && holds(n))
		return f
	}
}

// assemblerName is defined for .ifdef alone: around what only ebas reads.
const assemblerName = "__ebas__"

func ifDefined(want bool) handler {
	return func(a *assembler, d token) *fault {
		name, _, f := a.name("a symbol")
		s, known := a.symbols.byName[name]
		defined := known && s.state != symUndefined || name == assemblerName
		a.open(d, f == nil && defined == want)
		return f
	}
}

func ifBlank(want bool) handler {
	return func(a *assembler, d token) *fault {
		a.open(d, a.atEnd() == want)
		return a.ignored(d)
	}
}

// ifSame compares two texts, which a comma separates and quotes may surround.
func ifSame(want bool) handler {
	return func(a *assembler, d token) *fault {
		var words [2]string
		for n := range words {
			start := a.i
			for !a.atEnd() && (n == 1 || a.toks[a.i].kind != tokComma) {
				a.i++
			}
			if start < a.i {
				words[n] = strings.Trim(a.spanOf(start, a.i).text(), `"`)
			}
			if n == 0 && !a.another() {
				a.open(d, false)
				return a.unexpected(a.toks[a.i], "a comma and a text to compare with")
			}
		}
		a.open(d, (words[0] == words[1]) == want)
		return nil
	}
}

// innermost gives the condition that d goes on with or ends.
func (a *assembler) innermost(d token) (*condition, *fault) {
	base := a.frames[len(a.frames)-1].conds
	if len(a.conds) <= base {
		return nil, faultAt(a.span(d), ErrSyntax, "%s without .if", a.text(d))
	}
	return &a.conds[len(a.conds)-1], nil
}

func (a *assembler) doElseIf(d token) *fault {
	c, f := a.innermost(d)
	if f != nil {
		return f
	}
	if c.last {
		return faultAt(a.span(d), ErrSyntax, ".elseif after .else")
	}
	c.reading = false
	if !c.outer || c.taken {
		return a.ignored(d)
	}
	n, _, f := a.absolute()
	c.reading = f == nil && n != 0
	c.taken = c.reading
	return f
}

func (a *assembler) doElse(d token) *fault {
	c, f := a.innermost(d)
	if f != nil {
		return f
	}
	if c.last {
		return faultAt(a.span(d), ErrSyntax, "a second .else")
	}
	c.reading = c.outer && !c.taken
	c.taken, c.last = true, true
	return nil
}

func (a *assembler) doEndIf(d token) *fault {
	_, f := a.innermost(d)
	if f == nil {
		a.conds = a.conds[:len(a.conds)-1]
	}
	return f
}
