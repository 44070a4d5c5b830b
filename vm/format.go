package vm

import (
	"fmt"
	"strconv"
	"strings"

	"ebtools/bpf/linux"
)

// Limits of the kernel's formatting in bytes (include/linux/bpf.h).
const (
	argumentRoom = 512  // of all arguments as they are kept (MAX_BPRINTF_BIN_ARGS)
	lineRoom     = 1024 // of the line with its zero byte (MAX_BPRINTF_BUF)
)

// format is the kernel's formatting of trace_printk and its kin
// (kernel/bpf/helpers.c, bpf_bprintf_prepare; lib/vsprintf.c, bstr_printf): %d
// %i %u %x %X with l and ll, %c, %s and the %p family, flags and width as
// printf has them. It returns the line, cut where the kernel's buffer ends, and
// how long it would have been. EINVAL for anything else and for more
// conversions than arguments, ENOSPC for arguments that are too long.
//
// An address printed by %p or %pK is itself here, where the kernel prints a
// hash of it; no address has a symbol.
func (t *thread) format(format string, args []uint64) (line string, length int, err error) {
	p := printer{thread: t, room: argumentRoom}
	for format != "" {
		switch {
		case strings.HasPrefix(format, "%%"):
			p.write("%")
			format = format[2:]
		case format[0] != '%':
			if c := format[0]; c < ' ' && !isSpace(c) || c == 0x7f {
				return "", 0, linux.EINVAL
			}
			p.write(format[:1])
			format = format[1:]
		default:
			v, rest := parseVerb(format[1:])
			if len(args) == 0 || v.kind == 0 {
				return "", 0, linux.EINVAL
			}
			if err := p.convert(v, args[0]); err != nil {
				return "", 0, err
			}
			args, format = args[1:], rest
		}
	}
	return string(p.out), p.length, nil
}

// verb is one conversion of a format.
type verb struct {
	left, zero, plus, space bool

	width int
	long  bool   // a 64-bit number
	kind  byte   // the conversion letter; 0 when it is none the kernel knows
	after string // what follows p: K, x, s, S, B, i4, I6, ks, us, …
}

// maxWidth is where the kernel stops believing a width (FIELD_WIDTH_MAX).
const maxWidth = 1<<23 - 1

func parseVerb(s string) (v verb, rest string) {
	for ; s != "" && strings.IndexByte("0+- ", s[0]) >= 0; s = s[1:] {
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
	for ; s != "" && s[0] >= '0' && s[0] <= '9'; s = s[1:] {
		v.width = min(v.width*10+int(s[0]-'0'), maxWidth)
	}
	bare := s
	for range 2 {
		if strings.HasPrefix(s, "l") {
			v.long = true
			s = s[1:]
		}
	}
	if s == "" {
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
func endsString(s string) bool { return s == "" || isSpace(s[0]) || isPunct(s[0]) }

// parsePointer takes what follows %p. The kernel swallows all letters and
// digits there, whether they mean anything or not.
func parsePointer(v verb, s string) (verb, string) {
	for _, suffix := range []string{"ks", "us", "i4", "I4", "i6", "I6", "K", "x", "s", "S", "B"} {
		if strings.HasPrefix(s, suffix) {
			v.after = suffix
			break
		}
	}
	switch {
	case v.after == "" && !endsString(s):
		return verb{}, s
	case (v.after == "ks" || v.after == "us") && !endsString(s[2:]):
		return verb{}, s
	}
	v.kind = 'p'
	for s != "" && s[0] > ' ' && s[0] != 0x7f && !isSpace(s[0]) && !isPunct(s[0]) && (s[0] < 0x80 || s[0] >= 0xc0) {
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

// printer writes a line.
type printer struct {
	thread *thread
	out    []byte
	length int // of all that was written, cut or not
	room   int // left for arguments
}

func (p *printer) write(s string) {
	p.length += len(s)
	p.out = append(p.out, s[:min(len(s), lineRoom-1-len(p.out))]...)
}

// fill writes c n times.
func (p *printer) fill(c string, n int) {
	if n > 0 {
		p.write(strings.Repeat(c, min(n, lineRoom)))
		p.length += max(0, n-lineRoom)
	}
}

// padded writes s in v's width, with spaces.
func (p *printer) padded(v verb, s string) {
	if !v.left {
		p.fill(" ", v.width-len(s))
	}
	p.write(s)
	if v.left {
		p.fill(" ", v.width-len(s))
	}
}

// number writes digits with their sign in v's width.
func (p *printer) number(v verb, sign, digits string) {
	if !v.zero || v.left {
		p.padded(v, sign+digits)
		return
	}
	p.write(sign)
	p.fill("0", v.width-len(sign)-len(digits))
	p.write(digits)
}

// take uses n bytes of the room for arguments, after aligning it.
func (p *printer) take(n, align int) error {
	room := p.room &^ (align - 1)
	if room < n {
		return linux.ENOSPC
	}
	p.room = room - n
	return nil
}

func (p *printer) convert(v verb, arg uint64) error {
	switch v.kind {
	case 'c':
		p.padded(v, string([]byte{byte(arg)}))
		return p.take(1, 1)
	case 's':
		s, err := p.str(arg)
		p.padded(v, s)
		return err
	case 'p':
		return p.pointer(v, arg)
	}
	size := 4
	if v.long {
		size = 8
	}
	if err := p.take(size, 4); err != nil {
		return err
	}
	switch {
	case v.kind == 'd' || v.kind == 'i':
		p.signed(v, arg)
		return nil
	case !v.long:
		arg = uint64(uint32(arg))
	}
	base := 16
	if v.kind == 'u' {
		base = 10
	}
	digits := strconv.FormatUint(arg, base)
	if v.kind == 'X' {
		digits = strings.ToUpper(digits)
	}
	p.number(v, "", digits)
	return nil
}

func (p *printer) signed(v verb, arg uint64) {
	n := int64(arg)
	if !v.long {
		n = int64(int32(arg))
	}
	sign := ""
	switch {
	case n < 0:
		sign = "-"
	case v.plus:
		sign = "+"
	case v.space:
		sign = " "
	}
	p.number(v, sign, strings.TrimPrefix(strconv.FormatInt(n, 10), "-"))
}

// pointer writes one of the %p family. What the kernel formats early, on
// taking the arguments, has no width.
func (p *printer) pointer(v verb, arg uint64) error {
	switch v.after {
	case "ks":
		s, err := p.str(arg)
		p.write(s)
		return err
	case "us": // a program's memory is not user space's
		s, err := p.str(0)
		p.write(s)
		return err
	case "i4", "I4", "i6", "I6":
		return p.address(v.after, arg)
	case "B":
		return p.early(fmt.Sprintf("%#x", arg))
	case "s", "S":
		p.padded(v, fmt.Sprintf("%#x", arg))
	default:
		if v.width == 0 {
			v.width, v.zero = 16, true
		}
		p.number(v, "", strconv.FormatUint(arg, 16))
	}
	return p.take(8, 4)
}

// early writes what was formatted on taking the arguments, which takes room.
func (p *printer) early(s string) error {
	p.room = max(0, p.room-len(s)-1)
	p.write(s)
	return nil
}

// address writes an IP address; one that can't be read is all zeros.
func (p *printer) address(kind string, addr uint64) error {
	size := 16
	if kind[1] == '4' {
		size = 4
	}
	if p.room < size {
		return linux.ENOSPC
	}
	b, err := p.thread.mem.bytes(addr, uint64(size), false)
	if err != nil {
		b = make([]byte, size)
	}
	parts := make([]string, 0, 8)
	for i := 0; i < size; i++ {
		switch kind {
		case "I4":
			parts = append(parts, strconv.Itoa(int(b[i])))
		case "i4":
			parts = append(parts, fmt.Sprintf("%03d", b[i]))
		default:
			parts = append(parts, fmt.Sprintf("%02x%02x", b[i], b[i+1]))
			i++
		}
	}
	separator := map[string]string{"I4": ".", "i4": ".", "I6": ":"}[kind]
	return p.early(strings.Join(parts, separator))
}

// str reads a string argument into the room that is left, which cuts it; one
// that can't be read is empty.
func (p *printer) str(addr uint64) (string, error) {
	if p.room == 0 {
		return "", linux.ENOSPC
	}
	s, err := p.thread.readString(addr, p.room-1)
	if err != nil {
		s = ""
	}
	return s, p.take(len(s)+1, 1)
}
