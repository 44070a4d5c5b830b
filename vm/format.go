package vm

import (
	"bytes"
	"strconv"
	"strings"

	"ebtools/bpf/linux"
)

// Limits of the kernel's formatting in bytes (include/linux/bpf.h).
const (
	argumentRoom = 512  // of all arguments as they are kept (MAX_BPRINTF_BIN_ARGS)
	lineRoom     = 1024 // of the line with its zero byte (MAX_BPRINTF_BUF)
)

// formatter is the kernel's formatting of trace_printk and its kin: %d %i %u %x %X
// with l and ll, %c, %s and the %p family, flags and width as printf has them. Like
// the kernel's it first packs the arguments, which copies what they point to
// (kernel/bpf/helpers.c, bpf_bprintf_prepare), and then prints what it packed
// (lib/vsprintf.c, bstr_printf).
//
// An address printed by %p or %pK is itself here, where the kernel prints a
// hash of it; no address has a symbol.
type formatter struct {
	packed [argumentRoom]byte
	end    int // of what is packed; may be behind packed, after an address
	at     int // how much of it is printed

	out    []byte // what is printed goes here
	length int    // of all that was printed, cut or not

	digits [24]byte
	line   [lineRoom]byte // for trace_printk
}

// format prints to a buffer, as much as fits and with a zero byte at the end, and
// tells how long the text is. EINVAL for a bad format and for more conversions
// than arguments, ENOSPC for arguments that are too long: then nothing is printed.
func (t *thread) format(to, format []byte, args []uint64) (length int, err error) {
	p := &t.formatter
	p.end, p.at, p.out, p.length = 0, 0, to, 0
	for rest := format; len(rest) > 0; {
		switch c := rest[0]; {
		case c != '%':
			if c < ' ' && !isSpace(c) || c == 0x7f {
				return 0, linux.EINVAL
			}
			rest = rest[1:]
		case len(rest) > 1 && rest[1] == '%':
			rest = rest[2:]
		default:
			var v verb
			v, rest = parseVerb(rest[1:])
			if len(args) == 0 || v.kind == 0 {
				return 0, linux.EINVAL
			}
			if err := p.pack(t, v, args[0]); err != nil {
				return 0, err
			}
			args = args[1:]
		}
	}
	p.print(format)
	if n := len(to); n > 0 {
		to[min(p.length, n-1)] = 0
	}
	return p.length, nil
}

func (p *formatter) print(format []byte) {
	for len(format) > 0 {
		n := bytes.IndexByte(format, '%')
		switch {
		case n < 0:
			p.write(format)
			return
		case n > 0:
			p.write(format[:n])
			format = format[n:]
		case format[1] == '%':
			p.write(format[:1])
			format = format[2:]
		default:
			var v verb
			v, format = parseVerb(format[1:])
			p.convert(v)
		}
	}
}

// verb is one conversion of a format.
type verb struct {
	left, zero, plus, space bool

	width int
	long  bool  // a 64-bit number
	kind  byte  // the conversion letter; 0 when it is none the kernel knows
	after after // what follows p
}

// after is what the letters behind %p ask for.
type after uint8

const (
	afterNothing      after = iota // also K and x
	afterKernelString              // ks
	afterUserString                // us
	afterPadded4                   // i4: 010.000.000.001
	afterAddress4                  // I4: 10.0.0.1
	afterPacked6                   // i6: no colons
	afterAddress6                  // I6
	afterSymbol                    // s, S
	afterBacktrace                 // B
)

// afterLetters are longest first.
var afterLetters = []struct {
	letters string
	after   after
}{
	{"ks", afterKernelString},
	{"us", afterUserString},
	{"i4", afterPadded4},
	{"I4", afterAddress4},
	{"i6", afterPacked6},
	{"I6", afterAddress6},
	{"K", afterNothing},
	{"x", afterNothing},
	{"s", afterSymbol},
	{"S", afterSymbol},
	{"B", afterBacktrace},
}

// maxWidth is where the kernel stops believing a width (FIELD_WIDTH_MAX).
const maxWidth = 1<<23 - 1

func parseVerb(s []byte) (v verb, rest []byte) {
	for ; len(s) > 0 && strings.IndexByte("0+- ", s[0]) >= 0; s = s[1:] {
		switch s[0] {
		case '0':
			v.zero = true
		case '+':
			v.plus = true
		case '-':
			v.left = true
		default:
			v.space = true
		}
	}
	for ; len(s) > 0 && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
		v.width = min(v.width*10+int(s[0]-'0'), maxWidth)
	}
	bare := s
	for range 2 {
		if len(s) > 0 && s[0] == 'l' {
			v.long = true
			s = s[1:]
		}
	}
	if len(s) == 0 {
		return verb{}, s
	}
	kind := s[0]
	s = s[1:]
	switch {
	case strings.IndexByte("diuxX", kind) >= 0, kind == 'c' && !v.long, kind == 's' && !v.long && endsString(s):
		v.kind = kind
	case kind == 'p' && !v.long:
		return parsePointer(v, bare[1:])
	}
	return v, s
}

// endsString reports whether s may follow a %s: no letter and no digit.
func endsString(s []byte) bool { return len(s) == 0 || isSpace(s[0]) || isPunct(s[0]) }

// parsePointer takes what follows %p. The kernel swallows all letters and
// digits there, whether they mean anything or not.
func parsePointer(v verb, s []byte) (verb, []byte) {
	known := false
	for i := range afterLetters {
		if a := &afterLetters[i]; len(s) >= len(a.letters) && string(s[:len(a.letters)]) == a.letters {
			v.after, known = a.after, true
			break
		}
	}
	switch {
	case !known && !endsString(s):
		return verb{}, s
	case (v.after == afterKernelString || v.after == afterUserString) && !endsString(s[2:]):
		return verb{}, s
	}
	v.kind = 'p'
	for len(s) > 0 && s[0] > ' ' && s[0] != 0x7f && !isSpace(s[0]) && !isPunct(s[0]) && (s[0] < 0x80 || s[0] >= 0xc0) {
		s = s[1:]
	}
	return v, s
}

// isSpace and isPunct go by the kernel's table, which is Latin-1 (lib/ctype.c).
func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' || c == 0xa0 }

func isPunct(c byte) bool {
	switch {
	case c <= ' ' || c == 0x7f:
		return false
	case c < 0x7f:
		return c < '0' || c > '9' && c < 'A' || c > 'Z' && c < 'a' || c > 'z'
	}
	return c > 0xa0 && c < 0xc0 || c == 0xd7 || c == 0xf7
}

// pack takes an argument in.
func (p *formatter) pack(t *thread, v verb, arg uint64) error {
	switch v.kind {
	case 'c':
		if p.end >= argumentRoom {
			return linux.ENOSPC
		}
		p.packed[p.end] = byte(arg)
		p.end++
		return nil
	case 's':
		return p.packString(t, arg)
	case 'p':
		switch v.after {
		case afterKernelString:
			return p.packString(t, arg)
		case afterUserString: // a program's memory is not user space's
			return p.packString(t, 0)
		case afterAddress4, afterPadded4, afterAddress6, afterPacked6:
			return p.packAddress(t, v.after, arg)
		case afterBacktrace:
			p.packText(strconv.AppendUint(append(p.digits[:0], "0x"...), arg, 16))
			return nil
		}
		return p.packNumber(arg, 8)
	}
	if v.long {
		return p.packNumber(arg, 8)
	}
	return p.packNumber(arg, 4)
}

func (p *formatter) packNumber(v uint64, size int) error {
	p.end = (p.end + 3) &^ 3
	if argumentRoom-p.end < size {
		return linux.ENOSPC
	}
	putLE(p.packed[p.end:p.end+size], v)
	p.end += size
	return nil
}

// packString copies a string into the room that is left, which cuts it; one that
// can't be read is empty.
func (p *formatter) packString(t *thread, addr uint64) error {
	if p.end >= argumentRoom {
		return linux.ENOSPC
	}
	start := p.end
	for p.end < argumentRoom-1 {
		from := t.mem.run(addr + uint64(p.end-start))
		if from == nil {
			p.end = start
			break
		}
		n := bytes.IndexByte(from, 0)
		found := n >= 0
		if !found {
			n = len(from)
		}
		p.end += copy(p.packed[p.end:argumentRoom-1], from[:n])
		if found {
			break
		}
	}
	p.packed[p.end] = 0
	p.end++
	return nil
}

// packText packs text that is formatted already, cut at the end of the room.
func (p *formatter) packText(text []byte) {
	if room := argumentRoom - p.end; room > 0 {
		n := copy(p.packed[p.end:argumentRoom-1], text)
		p.packed[p.end+n] = 0
	}
	p.end += len(text) + 1
}

// packAddress formats an IP address; one that can't be read is all zeros.
func (p *formatter) packAddress(t *thread, kind after, addr uint64) error {
	size := 16
	if kind == afterAddress4 || kind == afterPadded4 {
		size = 4
	}
	if argumentRoom-p.end < size {
		return linux.ENOSPC
	}
	var raw [16]byte
	if b, err := t.mem.bytes(addr, uint64(size), false); err == nil {
		copy(raw[:], b)
	}
	var room [8 * 5]byte
	text := room[:0]
	for i, c := range raw[:size] {
		switch {
		case size == 16:
			if i > 0 && i%2 == 0 && kind == afterAddress6 {
				text = append(text, ':')
			}
			text = append(text, hexDigits[c>>4], hexDigits[c&15])
		case kind == afterPadded4:
			if i > 0 {
				text = append(text, '.')
			}
			text = append(text, '0'+c/100, '0'+c/10%10, '0'+c%10)
		default:
			if i > 0 {
				text = append(text, '.')
			}
			text = strconv.AppendUint(text, uint64(c), 10)
		}
	}
	p.packText(text)
	return nil
}

const hexDigits = "0123456789abcdef"

func (p *formatter) write(b []byte) {
	if p.length < len(p.out) {
		copy(p.out[p.length:], b)
	}
	p.length += len(b)
}

// fill writes c n times.
func (p *formatter) fill(c byte, n int) {
	if n <= 0 {
		return
	}
	for i := p.length; i < min(p.length+n, len(p.out)); i++ {
		p.out[i] = c
	}
	p.length += n
}

// padded writes b in v's width, with spaces.
func (p *formatter) padded(v verb, b []byte) {
	if !v.left {
		p.fill(' ', v.width-len(b))
	}
	p.write(b)
	if v.left {
		p.fill(' ', v.width-len(b))
	}
}

// number writes digits, which may have a sign in front, in v's width.
func (p *formatter) number(v verb, digits []byte) {
	if !v.zero || v.left {
		p.padded(v, digits)
		return
	}
	sign := 0
	if len(digits) > 0 && digits[0] < '0' {
		sign = 1
	}
	p.write(digits[:sign])
	p.fill('0', v.width-len(digits))
	p.write(digits[sign:])
}

// convert prints the next packed argument.
func (p *formatter) convert(v verb) {
	switch v.kind {
	case 'c':
		p.padded(v, p.packed[p.at:p.at+1])
		p.at++
	case 's':
		p.padded(v, p.text())
	case 'p':
		p.pointer(v)
	case 'd', 'i':
		p.signed(v)
	default:
		base := 16
		if v.kind == 'u' {
			base = 10
		}
		digits := strconv.AppendUint(p.digits[:0], p.unpack(v.long), base)
		if v.kind == 'X' {
			for i, c := range digits {
				if c >= 'a' {
					digits[i] = c - 0x20
				}
			}
		}
		p.number(v, digits)
	}
}

// text is the packed string that comes next.
func (p *formatter) text() []byte {
	rest := p.packed[min(p.at, argumentRoom):]
	n := max(0, bytes.IndexByte(rest, 0))
	p.at += n + 1
	return rest[:n]
}

// unpack is the packed number that comes next.
func (p *formatter) unpack(long bool) uint64 {
	p.at = (p.at + 3) &^ 3
	size := 4
	if long {
		size = 8
	}
	if p.at+size > argumentRoom {
		return 0
	}
	v := getLE(p.packed[p.at : p.at+size])
	p.at += size
	return v
}

func (p *formatter) signed(v verb) {
	n := int64(p.unpack(v.long))
	if !v.long {
		n = int64(int32(n))
	}
	digits := p.digits[:0]
	switch {
	case n < 0:
	case v.plus:
		digits = append(digits, '+')
	case v.space:
		digits = append(digits, ' ')
	}
	p.number(v, strconv.AppendInt(digits, n, 10))
}

// pointer writes one of the %p family. What was formatted on packing has no
// width, and as the kernel has it, stays where it is when the buffer is full:
// what follows is then printed in its place.
func (p *formatter) pointer(v verb) {
	switch v.after {
	case afterKernelString, afterUserString, afterAddress4, afterPadded4, afterAddress6, afterPacked6, afterBacktrace:
		if p.length < len(p.out) {
			p.write(p.text())
		}
	case afterSymbol:
		p.padded(v, strconv.AppendUint(append(p.digits[:0], "0x"...), p.unpack(true), 16))
	default:
		if v.width == 0 {
			v.width, v.zero = 16, true
		}
		p.number(v, strconv.AppendUint(p.digits[:0], p.unpack(true), 16))
	}
}
