package asm

import (
	"strings"
	"unicode/utf8"
)

// scan cuts the statement at off into tokens, which replace those in toks, and
// gives where the next one begins. A statement ends at a semicolon, at the end
// of its line, or before a comment that reaches there. The last token is always
// of tokEnd. When something can't be a token the rest of the line is skipped.
func (b *buffer) scan(off uint32, toks []token) (_ []token, next uint32, err *fault) {
	toks = toks[:0]
	text := b.text
	i, n := off, uint32(len(text))
	for i < n {
		c := text[i]
		class := charClass[c]
		switch {
		case class&charSpace != 0:
			i++
		case class&charStart != 0:
			start := i
			for i++; i < n && charClass[text[i]]&charName != 0; i++ {
			}
			toks = append(toks, token{kind: tokIdent, start: start, end: i})
		case class&charDigit != 0:
			var t token
			t, err = b.number(i)
			if err != nil {
				return toks[:0], b.lineEnd(i), err
			}
			toks = append(toks, t)
			i = t.end
		case c == '\n' || c == ';':
			return append(toks, token{start: i, end: i}), i + 1, nil
		case c == '#', c == '/' && i+1 < n && text[i+1] == '/':
			end := b.lineEnd(i)
			return append(toks, token{start: i, end: i}), end, nil
		case c == '/' && i+1 < n && text[i+1] == '*':
			length := strings.Index(text[i+2:], "*/")
			if length < 0 {
				return toks[:0], n, faultAt(span{b, i, i + 2}, ErrSyntax, "this comment is never closed: */ is missing")
			}
			i += 2 + uint32(length) + 2
		case c == '"':
			end, err := b.stringEnd(i)
			if err != nil {
				return toks[:0], b.lineEnd(i), err
			}
			toks = append(toks, token{kind: tokString, start: i, end: end})
			i = end
		case c == '\'':
			t, err := b.character(i)
			if err != nil {
				return toks[:0], b.lineEnd(i), err
			}
			toks = append(toks, t)
			i = t.end
		case punctuation[c] != tokEnd:
			t := token{kind: punctuation[c], start: i, end: i + 1}
			if i+1 < n {
				if k := pairs(c, text[i+1]); k != tokEnd {
					t.kind, t.end = k, i+2
				}
			}
			toks = append(toks, t)
			i = t.end
		default:
			return toks[:0], b.lineEnd(i), b.strange(i)
		}
	}
	return append(toks, token{start: n, end: n}), n, nil
}

// lineEnd gives the offset behind the line that holds i, its newline included.
func (b *buffer) lineEnd(i uint32) uint32 {
	if n := strings.IndexByte(b.text[i:], '\n'); n >= 0 {
		return i + uint32(n) + 1
	}
	return uint32(len(b.text))
}

// stringEnd gives the offset behind the closing quote of the string at start.
func (b *buffer) stringEnd(start uint32) (uint32, *fault) {
	for i := start + 1; i < uint32(len(b.text)); i++ {
		switch c := b.text[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\':
			i++
		case c == '\n':
			return 0, faultAt(span{b, start, i}, ErrSyntax, "this string is never closed: a quote is missing at its end")
		case c == 0:
			return 0, b.strange(i)
		case c >= utf8.RuneSelf:
			_, size := utf8.DecodeRuneInString(b.text[i:])
			if size == 1 {
				return 0, b.strange(i)
			}
			i += uint32(size) - 1
		}
	}
	return 0, faultAt(span{b, start, uint32(len(b.text))}, ErrSyntax, "this string is never closed: a quote is missing at its end")
}

// strange describes the character at i, which can't begin a token.
func (b *buffer) strange(i uint32) *fault {
	r, size := utf8.DecodeRuneInString(b.text[i:])
	at := span{b, i, i + uint32(size)}
	switch {
	case r == 0:
		return faultAt(at, ErrSyntax, "a zero byte: this is not a text file")
	case r == utf8.RuneError && size <= 1:
		return faultAt(at, ErrSyntax, "byte %#02x is not valid UTF-8: this is not a text file, or not in UTF-8", b.text[i])
	case r >= utf8.RuneSelf:
		return faultAt(at, ErrSyntax, "unexpected character %q: outside of quotes, names are made of ASCII letters, digits, _, . and $", r)
	}
	return faultAt(at, ErrSyntax, "unexpected character %q", r)
}
