package asm

import "strings"

// messageDirectives speak to whoever runs the assembler.
var messageDirectives = map[string]handler{
	".err":     (*assembler).doError,
	".error":   (*assembler).doError,
	".warning": (*assembler).doWarning,
	".print":   (*assembler).doPrint,
	".end":     (*assembler).doEnd,
}

func (a *assembler) doError(d token) *fault {
	s := "." + strings.TrimPrefix(a.text(d), ".") + " says so"
	if a.toks[a.i].kind == tokString {
		var f *fault
		if s, f = a.quoted("a message"); f != nil {
			return f
		}
	}
	return faultAt(a.span(d), ErrMisuse, "%s", s)
}

func (a *assembler) doWarning(d token) *fault {
	s := ".warning says so"
	if a.toks[a.i].kind == tokString {
		var f *fault
		if s, f = a.quoted("a message"); f != nil {
			return f
		}
	}
	a.warn(faultAt(a.span(d), ErrMisuse, "%s", s))
	return nil
}

// doPrint says something that is no complaint; it goes where warnings go.
func (a *assembler) doPrint(d token) *fault {
	s, f := a.quoted("a message in quotes")
	if f == nil {
		a.warn(faultAt(a.span(d), ErrMisuse, "%s", s))
	}
	return f
}

// doEnd leaves out the rest of the file.
func (a *assembler) doEnd(d token) *fault {
	for i := range a.frames {
		a.frames[i].off, a.frames[i].repeat = a.frames[i].end, 0
	}
	return nil
}
