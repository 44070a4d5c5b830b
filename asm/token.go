package asm

// tokenKind says what a token is. Punctuation has a kind a piece.
type tokenKind uint8

const (
	tokEnd      tokenKind = iota // end of the statement
	tokIdent                     // name, directive or keyword: [A-Za-z_.$][A-Za-z0-9_.$]*
	tokNumber                    // integer of at most 64 bits, or a character
	tokBig                       // integer of more than 64 bits
	tokReal                      // number with a fraction
	tokString                    // "text", escapes not yet undone
	tokForward                   // 1f: the next label 1
	tokBackward                  // 1b: the last label 1
	tokPlus
	tokMinus
	tokStar
	tokSlash
	tokPercent
	tokAmp
	tokPipe
	tokCaret
	tokTilde
	tokBang
	tokLess
	tokGreater
	tokEqual
	tokShiftLeft    // <<
	tokShiftRight   // >>
	tokEqualEqual   // ==
	tokNotEqual     // != or <>
	tokLessEqual    // <=
	tokGreaterEqual // >=
	tokAndAnd
	tokOrOr
	tokLeftParen
	tokRightParen
	tokLeftBracket
	tokRightBracket
	tokLeftBrace
	tokRightBrace
	tokComma
	tokColon
	tokAt
	tokQuestion
	tokBackslash
)

// token is a piece of a statement; the text is that of the buffer between start
// and end.
type token struct {
	kind       tokenKind
	start, end uint32 // byte offsets in the buffer
	num        uint64 // of tokNumber, tokForward and tokBackward
}

// punctuation gives the kind of a single character, tokEnd for what is none.
var punctuation = [256]tokenKind{
	'+': tokPlus, '-': tokMinus, '*': tokStar, '/': tokSlash, '%': tokPercent,
	'&': tokAmp, '|': tokPipe, '^': tokCaret, '~': tokTilde, '!': tokBang,
	'<': tokLess, '>': tokGreater, '=': tokEqual,
	'(': tokLeftParen, ')': tokRightParen, '[': tokLeftBracket, ']': tokRightBracket,
	'{': tokLeftBrace, '}': tokRightBrace, ',': tokComma, ':': tokColon,
	'@': tokAt, '?': tokQuestion, '\\': tokBackslash,
}

// pairs gives the kind of two characters that belong together.
func pairs(a, b byte) tokenKind {
	switch {
	case a == '<' && b == '<':
		return tokShiftLeft
	case a == '>' && b == '>':
		return tokShiftRight
	case a == '=' && b == '=':
		return tokEqualEqual
	case a == '!' && b == '=', a == '<' && b == '>':
		return tokNotEqual
	case a == '<' && b == '=':
		return tokLessEqual
	case a == '>' && b == '=':
		return tokGreaterEqual
	case a == '&' && b == '&':
		return tokAndAnd
	case a == '|' && b == '|':
		return tokOrOr
	}
	return tokEnd
}

// Classes of characters in names and numbers.
const (
	charStart = 1 << iota // begins a name
	charName              // goes on in a name
	charDigit
	charHex
	charSpace
)

var charClass = func() (class [256]uint8) {
	for c := range class {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if letter || c == '_' || c == '.' || c == '$' {
			class[c] |= charStart | charName
		}
		if digit {
			class[c] |= charName | charDigit | charHex
		}
		if 'a' <= c|0x20 && c|0x20 <= 'f' {
			class[c] |= charHex
		}
		if c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f' {
			class[c] |= charSpace
		}
	}
	return class
}()
