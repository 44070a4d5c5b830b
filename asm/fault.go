package asm

import (
	"errors"
	"fmt"
	"strconv"

	"ebtools/bpf"
)

// The kinds of error, for errors.Is.
var (
	// ErrSyntax is wrapped by errors about text that is no statement.
	ErrSyntax = errors.New("syntax error")
	// ErrUndefined is wrapped by errors about names that nothing defines.
	ErrUndefined = errors.New("undefined")
	// ErrRedefined is wrapped by errors about names that are defined twice.
	ErrRedefined = errors.New("defined twice")
	// ErrRange is wrapped by errors about numbers and distances that do not fit.
	ErrRange = errors.New("out of range")
	// ErrMisuse is wrapped by errors about well-formed statements that make no
	// sense where they stand.
	ErrMisuse = errors.New("misuse")
)

// fault is an error with its place in the source, before lines are counted.
type fault struct {
	at    span
	kind  error
	text  string
	notes []string
	// depth is how many tokens of an instruction were understood before it.
	depth int
}

func (f *fault) Error() string { return f.text }
func (f *fault) Unwrap() error { return f.kind }

// note adds a sentence to the message.
func (f *fault) note(format string, args ...any) *fault {
	f.notes = append(f.notes, fmt.Sprintf(format, args...))
	return f
}

func faultAt(at span, kind error, format string, args ...any) *fault {
	return &fault{at: at, kind: kind, text: fmt.Sprintf(format, args...)}
}

// maxErrors is how many errors are told before the rest of a file is given up,
// and how many warnings before they stop.
const maxErrors = 1000

// maxSuggestions is how many errors come with a search for what was meant.
const maxSuggestions = 100

// report adds an error to those the caller of Assemble gets.
func (a *assembler) report(f *fault) { a.diagnose(f, false) }

// warn adds a warning.
func (a *assembler) warn(f *fault) { a.diagnose(f, true) }

func (a *assembler) diagnose(f *fault, warn bool) {
	count := &a.errors
	if warn {
		count = &a.warned
	}
	if *count++; *count > maxErrors {
		return
	}
	if *count == maxErrors {
		f = faultAt(f.at, ErrMisuse, "too many of these: the rest is left out")
	}
	pos, line, length, notes := f.at.place()
	a.diags = append(a.diags, &bpf.Diagnostic{
		Pos: pos, PC: bpf.NoPC, Err: f, Line: line, Len: length,
		Note: append(f.notes[:len(f.notes):len(f.notes)], notes...), Warn: warn,
	})
}

// at gives a place in words, for a note.
func (s span) at() string {
	pos, _, _, _ := s.place()
	return pos.String()
}

func itoa(n int) string { return strconv.Itoa(n) }
