package show

import (
	"strings"
	"unicode/utf8"
)

// Colors writes text in colours, for a terminal. The zero value leaves text as
// it is.
type Colors struct{ On bool }

// The colours, by what they are for. They are those of the terminal's own
// palette, so that they suit a light background and a dark one.

// Heading is for titles.
func (c Colors) Heading(s string) string { return c.paint("1", s) }

// Name is for what has a name: functions, labels, maps.
func (c Colors) Name(s string) string { return c.paint("36", s) }

// Type is for types and kinds.
func (c Colors) Type(s string) string { return c.paint("32", s) }

// Number is for values.
func (c Colors) Number(s string) string { return c.paint("35", s) }

// Quiet is for what is there to be looked up, not read: positions, comments.
func (c Colors) Quiet(s string) string { return c.paint("2", s) }

// Source is for lines of source code.
func (c Colors) Source(s string) string { return c.paint("34", s) }

// Good is for what is as it should be.
func (c Colors) Good(s string) string { return c.paint("32", s) }

// Warn is for what deserves a look.
func (c Colors) Warn(s string) string { return c.paint("33", s) }

// Bad is for what is wrong.
func (c Colors) Bad(s string) string { return c.paint("31", s) }

func (c Colors) paint(code, s string) string {
	if !c.On || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Width is how many columns s takes, colours aside.
func Width(s string) int {
	n := 0
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		n += utf8.RuneCountInString(before)
		if !found {
			return n
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}
