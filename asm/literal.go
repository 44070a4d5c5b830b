package asm

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

// number reads the number at start: decimal, 0x hexadecimal, 0b binary, 0
// octal, with a C suffix (1ULL), or a reference to a numeric label (1f, 1b).
func (b *buffer) number(start uint32) (token, *fault) {
	text := b.text[start:]
	n := 1
	for n < len(text) && charClass[text[n]]&charName != 0 {
		// A fraction's point ends no number, but it ends 1.foo's.
		n++
	}
	word := text[:n]
	t := token{kind: tokNumber, start: start, end: start + uint32(n)}
	if last := word[n-1]; n > 1 && (last == 'f' || last == 'b') && onlyDigits(word[:n-1]) {
		num, ok := parseDigits(word[:n-1], 10)
		if !ok {
			return t, faultAt(span{b, t.start, t.end}, ErrRange, "label %s is out of range", word[:n-1])
		}
		t.kind, t.num = tokForward, num
		if last == 'b' {
			t.kind = tokBackward
		}
		return t, nil
	}
	if isReal(word) {
		// An exponent's sign is no part of a name.
		if e := word[n-1] | 0x20; e == 'e' && n+1 < len(text) && (text[n] == '-' || text[n] == '+') {
			n++
			for n < len(text) && charClass[text[n]]&charDigit != 0 {
				n++
			}
			t.end = start + uint32(n)
		}
		t.kind = tokReal
		return t, nil
	}
	digits, base := splitBase(strings.TrimRight(word, "uUlL"))
	num, ok := parseDigits(digits, base)
	switch {
	case digits == "" || !digitsOf(digits, base):
		return t, faultAt(span{b, t.start, t.end}, ErrSyntax, "%s is not a number", word)
	case !ok:
		t.kind = tokBig
	}
	t.num = num
	return t, nil
}

// splitBase takes the prefix off a number that says its base.
func splitBase(word string) (digits string, base uint64) {
	switch {
	case len(word) > 1 && word[0] == '0' && word[1]|0x20 == 'x':
		return word[2:], 16
	case len(word) > 1 && word[0] == '0' && word[1]|0x20 == 'b':
		return word[2:], 2
	case len(word) > 1 && word[0] == '0':
		return word[1:], 8
	}
	return word, 10
}

// parseDigits is false when the number needs more than 64 bits.
func parseDigits(digits string, base uint64) (uint64, bool) {
	hi, lo, ok := parseWide(digits, base)
	return lo, ok && hi == 0
}

// parseWide reads a number of up to 128 bits.
func parseWide(digits string, base uint64) (hi, lo uint64, ok bool) {
	for i := range len(digits) {
		over, h := bits.Mul64(hi, base)
		carry, l := bits.Mul64(lo, base)
		l, c := bits.Add64(l, uint64(digitValue(digits[i])), 0)
		h, c2 := bits.Add64(h, carry, c)
		if over != 0 || c2 != 0 {
			return 0, 0, false
		}
		hi, lo = h, l
	}
	return hi, lo, true
}

func digitValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func digitsOf(s string, base uint64) bool {
	for i := range len(s) {
		if charClass[s[i]]&charHex == 0 || uint64(digitValue(s[i])) >= base {
			return false
		}
	}
	return true
}

func onlyDigits(s string) bool { return digitsOf(s, 10) }

// isReal reports whether a word that begins with a digit is a decimal fraction
// or has an exponent.
func isReal(word string) bool {
	i := 0
	for i < len(word) && charClass[word[i]]&charDigit != 0 {
		i++
	}
	return i < len(word) && (word[i] == '.' || word[i]|0x20 == 'e')
}

// character reads the character literal at start: 'a', '\n'.
func (b *buffer) character(start uint32) (token, *fault) {
	text := b.text[start+1:]
	t := token{kind: tokNumber, start: start, end: start + 1}
	if text == "" || text[0] == '\n' || text[0] == '\'' {
		return t, faultAt(span{b, start, start + 1}, ErrSyntax, "a character is missing between the quotes")
	}
	var size int
	if text[0] == '\\' && len(text) > 1 {
		c, ok := escapes[text[1]]
		if !ok {
			return t, faultAt(span{b, start, start + 3}, ErrSyntax, "unknown escape \\%c in a character", text[1])
		}
		t.num, size = uint64(c), 2
	} else {
		var r rune
		r, size = utf8.DecodeRuneInString(text)
		if r == 0 || r >= utf8.RuneSelf {
			return t, b.strange(start + 1)
		}
		t.num = uint64(r)
	}
	t.end = start + 1 + uint32(size)
	if size >= len(text) || text[size] != '\'' {
		return t, faultAt(span{b, start, t.end}, ErrSyntax, "this character is never closed: ' is missing after it")
	}
	t.end++
	return t, nil
}

// escapes are the characters that a backslash and one more stand for.
var escapes = map[byte]byte{
	'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\', '\'': '\'',
}

// unquote undoes the escapes of a string token: \n and the like, up to three
// octal digits, \x and hexadecimal digits of which the last two count.
func (a *assembler) unquote(t token) (string, *fault) {
	s := a.buf.text[t.start+1 : t.end-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		at := span{a.buf, t.start + 1 + uint32(i), min(t.start+3+uint32(i), t.end-1)}
		i++
		switch c := s[i]; { // the scanner made sure that something follows
		case '0' <= c && c <= '7':
			v := 0
			for n := 0; n < 3 && i < len(s) && '0' <= s[i] && s[i] <= '7'; n++ {
				v = v<<3 | int(s[i]-'0')
				i++
			}
			i--
			if v > 0xff {
				return "", faultAt(at, ErrRange, "an octal escape is at most \\377")
			}
			out = append(out, byte(v))
		case c|0x20 == 'x':
			v, digits := 0, 0
			for i+1 < len(s) && charClass[s[i+1]]&charHex != 0 {
				v = v<<4 | int(digitValue(s[i+1]))&0xf
				v &= 0xff
				i++
				digits++
			}
			if digits == 0 {
				return "", faultAt(at, ErrSyntax, "hexadecimal digits are missing after \\x")
			}
			out = append(out, byte(v))
		default:
			e, ok := escapes[c]
			if !ok || c == '\'' {
				return "", faultAt(at, ErrSyntax, "unknown escape \\%c: a backslash itself is written \\\\", c)
			}
			out = append(out, e)
		}
	}
	return string(out), nil
}
