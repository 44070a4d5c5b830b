package asm

import (
	"maps"
	"slices"
	"strings"
)

// handler does what a directive says; d is its name, and a.i the token behind.
type handler func(a *assembler, d token) *fault

// directives is everything that begins with a point. The conditionals are
// apart: they count even in text that is left out.
var directives map[string]handler

func init() {
	directives = map[string]handler{}
	for _, family := range []map[string]handler{
		sectionDirectives, symbolDirectives, dataDirectives, spaceDirectives,
		debugDirectives, frameDirectives, fileDirectives, aliasDirectives, macroDirectives, messageDirectives, comfortDirectives, objectDirectives,
	} {
		maps.Copy(directives, family)
	}
}

// directive runs the directive at d.
func (a *assembler) directive(d token, word string) *fault {
	if h, ok := directives[word]; ok {
		return h(a, d)
	}
	lower := strings.ToLower(word)
	if h, ok := conditionals[lower]; ok {
		return h(a, d)
	}
	if h, ok := directives[lower]; ok {
		return h(a, d)
	}
	a.i = len(a.toks) - 1
	known := slices.Sorted(maps.Keys(directives))
	known = slices.AppendSeq(known, maps.Keys(conditionals))
	for name := range a.macros {
		known = append(known, name)
	}
	return faultAt(a.span(d), ErrSyntax, "unknown directive %s", word).suggest(lower, known)
}
