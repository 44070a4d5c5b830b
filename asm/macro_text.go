package asm

import (
	"slices"
	"strings"
)

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
		case slices.Contains(starts, word):
			depth++
		case slices.Contains(ends, word):
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
