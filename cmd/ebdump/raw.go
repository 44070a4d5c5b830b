package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"
	"unicode/utf8"

	"ebtools/bpf"
)

// maxRaw is how much text or how many bytes of instructions are read: more than
// a program of the kernel's limit of a million instructions takes in any form.
const maxRaw = 128 << 20

// parseRaw reads instructions and nothing else: binary, or text in one of the
// forms that programs print bytes in. Which one it is, the content tells.
func parseRaw(b []byte, order binary.ByteOrder) ([]bpf.Instruction, error) {
	switch {
	case len(b) > maxRaw:
		return nil, fmt.Errorf("%d bytes of input, at most %d are read", len(b), maxRaw)
	case bytes.HasPrefix(b, []byte("\x7fELF")):
		return nil, errors.New("this is an object file: leave out --raw")
	case isText(b):
		return parseText(string(b), order)
	}
	return decode(b, order, "")
}

// isText reports whether b is text; bytes of instructions hardly ever are, since
// they have zeros.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' && c != '\f' && c != '\v' || c == 0x7f {
			return false
		}
	}
	return utf8.Valid(b)
}

func decode(b []byte, order binary.ByteOrder, from string) ([]bpf.Instruction, error) {
	if len(b) == 0 {
		return nil, errors.New("no instructions in the input")
	}
	if over := len(b) % bpf.InstructionSize; over != 0 {
		return nil, fmt.Errorf("%d bytes%s are no whole number of instructions of %d bytes: %d are left over at byte %d",
			len(b), from, bpf.InstructionSize, over, len(b)-over)
	}
	return bpf.Decode(b, order)
}

// Forms of text that are lines, one instruction or more in each.
var (
	// "   0: (b7) r0 = 0" is a line of bpftool or the verifier, behind which
	// bpftool has one with the bytes if it is asked for opcodes.
	numberedLine = regexp.MustCompile(`^\s*[0-9]+: \([0-9a-f]{2}\) `)
	bytesLine    = regexp.MustCompile(`^\s*((?:[0-9a-fA-F]{2}\s){7}[0-9a-fA-F]{2}(?:(?:\s[0-9a-fA-F]{2}){8})?)\s*$`)
	// "       0:	b7 00 00 00 02 00 00 00	r0 = 0x2" is one of objdump.
	objdumpLine = regexp.MustCompile(`^\s*[0-9a-fA-F]+:\s+((?:[0-9a-fA-F]{2} ){7}[0-9a-fA-F]{2}(?: (?:[0-9a-fA-F]{2} ){7}[0-9a-fA-F]{2})?)(?:\s|$)`)
	// "00000000: b700 0000 0200 0000  ........" is one of xxd.
	xxdLine = regexp.MustCompile(`^[0-9a-fA-F]{7,16}: ((?:[0-9a-fA-F]+ )*[0-9a-fA-F]+)(?:  .*)?$`)
	// "00000000  b7 00 00 00 02 00 00 00  |........|" is one of hexdump -C.
	hexdumpLine = regexp.MustCompile(`^[0-9a-fA-F]{7,16}  ((?:[0-9a-fA-F]{2} {1,2})*[0-9a-fA-F]{2})\s*(?:\|.*\|)?$`)
)

// parseText reads instructions from text.
func parseText(text string, order binary.ByteOrder) ([]bpf.Instruction, error) {
	lines := strings.Split(text, "\n")
	for _, form := range []*regexp.Regexp{objdumpLine, xxdLine, hexdumpLine} {
		if b, ok := fromLines(lines, form); ok {
			return decode(b, order, " of the listing")
		}
	}
	for _, line := range lines {
		if numberedLine.MatchString(line) {
			b, ok := fromLines(lines, bytesLine)
			if !ok {
				return nil, errors.New(`this listing has no bytes: bpftool prints them with "prog dump xlated … opcodes", and ebas assembles the listing itself`)
			}
			return decode(b, order, " of the listing")
		}
	}
	if strings.Contains(text, `\x`) {
		b, err := fromString(text)
		if err != nil {
			return nil, err
		}
		return decode(b, order, " of the string")
	}
	words, err := scanWords(text)
	if err != nil {
		return nil, err
	}
	b, err := fromWords(words, order)
	if err != nil {
		return nil, err
	}
	return decode(b, order, "")
}

// fromLines takes the bytes out of those lines that are of a form.
func fromLines(lines []string, form *regexp.Regexp) (b []byte, ok bool) {
	for _, line := range lines {
		m := form.FindStringSubmatch(strings.TrimRight(line, "\r"))
		if m == nil {
			continue
		}
		digits := strings.Join(strings.Fields(m[1]), "")
		if len(digits)%2 != 0 {
			return nil, false
		}
		for i := 0; i < len(digits); i += 2 {
			b = append(b, hexDigit(digits[i])<<4|hexDigit(digits[i+1]))
		}
	}
	return b, len(b) > 0
}

// fromString reads a string as C, Python, Go and shells write it: "\xb7\x00…". If
// anything is in quotes, what is not does not count.
func fromString(text string) ([]byte, error) {
	quote := byte(0)
	quoted := strings.ContainsAny(text, `"'`)
	var out []byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == quote && quote != 0:
			quote = 0
		case quoted && quote == 0:
			if c == '"' || c == '\'' {
				quote = c
			}
		case c == '\\':
			value, length := unescape(text[i:])
			if length == 0 {
				return nil, fmt.Errorf("offset %d: %.4q is no escape: \\x and two digits are expected", i, text[i:min(len(text), i+4)])
			}
			out = append(out, value)
			i += length - 1
		case quote != 0:
			out = append(out, c)
		case strings.IndexByte(" \t\r\n,;", c) < 0:
			return nil, fmt.Errorf("offset %d: %q between the escapes of a string", i, c)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("the string ends without %c", quote)
	}
	return out, nil
}

// unescape reads an escape sequence; its length is 0 when it is none.
func unescape(s string) (value byte, length int) {
	if len(s) < 2 {
		return 0, 0
	}
	if s[1] == 'x' {
		if len(s) < 4 || !isHex(s[2]) || !isHex(s[3]) {
			return 0, 0
		}
		return hexDigit(s[2])<<4 | hexDigit(s[3]), 4
	}
	if i := strings.IndexByte(`abtnvfr`, s[1]); i >= 0 {
		return 7 + byte(strings.IndexByte(`abtnvfr`, s[1])), 2
	}
	if strings.IndexByte(`\'"`, s[1]) >= 0 {
		return s[1], 2
	}
	n, v := 1, 0
	for n < len(s) && n < 4 && s[n] >= '0' && s[n] <= '7' {
		v = v<<3 | int(s[n]-'0')
		n++
	}
	if n == 1 || v > 0xff {
		return 0, 0
	}
	return byte(v), n
}

// word is a number in the text.
type word struct {
	offset int
	digits string
	hex    bool // it has 0x before it
}

// scanWords divides text into numbers. If there are braces, what is outside of
// them does not count.
func scanWords(text string) ([]word, error) {
	start, end := 0, len(text)
	if open := strings.IndexByte(text, '{'); open >= 0 {
		start = open
		if last := strings.LastIndexByte(text, '}'); last > open {
			end = last + 1
		}
	}
	var words []word
	for i := start; i < end; {
		switch c := text[i]; {
		case strings.IndexByte(" \t\r\n\f\v,;{}[]", c) >= 0:
			i++
		case strings.HasPrefix(text[i:end], "/*"):
			n := strings.Index(text[i:end], "*/")
			if n < 0 {
				return nil, fmt.Errorf("offset %d: the comment does not end", i)
			}
			i += n + 2
		case strings.HasPrefix(text[i:end], "//") || c == '#':
			if n := strings.IndexByte(text[i:end], '\n'); n >= 0 {
				i += n
			} else {
				i = end
			}
		default:
			w := word{offset: i}
			if c == '0' && i+1 < end && (text[i+1] == 'x' || text[i+1] == 'X') {
				w.hex = true
				i += 2
			}
			from := i
			for i < end && isHex(text[i]) {
				i++
			}
			w.digits = text[from:i]
			for w.hex && i < end && strings.IndexByte("uUlL", text[i]) >= 0 {
				i++
			}
			if i < end && strings.IndexByte(" \t\r\n\f\v,;{}[]/#", text[i]) < 0 || w.digits == "" {
				r, _ := utf8.DecodeRuneInString(text[i:])
				if i == end {
					return nil, fmt.Errorf("offset %d: digits are expected behind 0x", i)
				}
				return nil, fmt.Errorf("offset %d: %q is no hexadecimal digit", i, r)
			}
			words = append(words, w)
		}
	}
	return words, nil
}

// fromWords makes bytes of numbers. Those with 0x are numbers of a programming
// language, as are those beside them, in decimal; others are hexadecimal digits
// of bytes. Numbers larger than a byte are words of the machine, or bytes in their
// order: which, is decided by what gives instructions.
func fromWords(words []word, order binary.ByteOrder) ([]byte, error) {
	if len(words) == 0 {
		return nil, errors.New("no instructions in the input")
	}
	prefixed := false
	for _, w := range words {
		prefixed = prefixed || w.hex
	}
	if isDecimal(words) && !prefixed || prefixed && mixed(words) {
		return fromNumbers(words)
	}
	size := len(words[0].digits) / 2
	same := size == 2 || size == 4 || size == 8
	var b []byte
	for _, w := range words {
		if prefixed && len(w.digits) == 1 {
			w.digits = "0" + w.digits
		}
		if len(w.digits)%2 != 0 {
			return nil, fmt.Errorf("offset %d: %s has an odd number of digits, %d: bytes have two", w.offset, shorten(w.digits), len(w.digits))
		}
		same = same && len(w.digits) == 2*size
		for i := 0; i < len(w.digits); i += 2 {
			b = append(b, hexDigit(w.digits[i])<<4|hexDigit(w.digits[i+1]))
		}
	}
	if same && !bpf.IsBigEndian(order) && len(b)%bpf.InstructionSize == 0 {
		swapped := bytes.Clone(b)
		for i := 0; i < len(b); i += size {
			for k := range size {
				swapped[i+k] = b[i+size-1-k]
			}
		}
		if in, as := known(swapped, order), known(b, order); in > as || in == as && prefixed {
			return swapped, nil
		}
	}
	return b, nil
}

// isDecimal reports whether numbers look like bytes in decimal.
func isDecimal(words []word) bool {
	odd := false
	for _, w := range words {
		if len(w.digits) > 3 || strings.ContainsAny(w.digits, "abcdefABCDEF") {
			return false
		}
		odd = odd || len(w.digits) != 2
	}
	return odd
}

// mixed reports whether some numbers have 0x and some do not.
func mixed(words []word) bool {
	for _, w := range words {
		if !w.hex {
			return true
		}
	}
	return false
}

// fromNumbers reads bytes in decimal, or in hexadecimal behind 0x.
func fromNumbers(words []word) ([]byte, error) {
	b := make([]byte, 0, len(words))
	for _, w := range words {
		base, v := 10, 0
		if w.hex {
			base = 16
		}
		for i := range len(w.digits) {
			d := int(hexDigit(w.digits[i]))
			if d >= base {
				return nil, fmt.Errorf("offset %d: %s is no number in decimal, nor has it 0x as others here have", w.offset, shorten(w.digits))
			}
			if v = v*base + d; v > 0xff {
				return nil, fmt.Errorf("offset %d: %s does not fit a byte", w.offset, shorten(w.digits))
			}
		}
		b = append(b, byte(v))
	}
	return b, nil
}

// known counts the instructions in b that there are. Some hundred are enough.
func known(b []byte, order binary.ByteOrder) int {
	insns, _ := bpf.Decode(b[:min(len(b), 512*bpf.InstructionSize)], order)
	n := 0
	for pc := 0; pc < len(insns); {
		_, slots := bpf.Disassemble(insns, pc)
		if insns[pc].Form() != nil {
			n += slots
		}
		pc += slots
	}
	return n
}

func shorten(digits string) string {
	if len(digits) > 20 {
		return digits[:20] + "…"
	}
	return digits
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func hexDigit(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// rawFunctions finds the functions in instructions by the calls in them.
func rawFunctions(insns []bpf.Instruction) []bpf.Function {
	starts := []int{0}
	for pc := 0; pc < len(insns); {
		_, slots := bpf.Disassemble(insns, pc)
		if in := insns[pc]; in.Form() != nil && (in.IsLocalCall() || in.IsLoadImm64() && in.Src == bpf.PseudoFunc) {
			if to := pc + 1 + in.JumpOffset(); to > 0 && to < len(insns) {
				starts = append(starts, to)
			}
		}
		pc += slots
	}
	sort.Ints(starts)
	var functions []bpf.Function
	for i, start := range starts {
		end := len(insns)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		if end > start {
			functions = append(functions, bpf.Function{Start: start, Len: end - start})
		}
	}
	return functions
}
