package vm

import (
	"math"
	"unsafe"

	"ebtools/bpf/linux"
)

var stringHelpers = []helper{
	{id: linux.FnStrtol, fn: strtol},
	{id: linux.FnStrtoul, fn: strtoul},
	{id: linux.FnStrncmp, fn: strncmp},
	{id: linux.FnSnprintf, fn: snprintf},
}

// strtol: r1 text, r2 its size, r3 base: 8, 10, 16 or 0 for what the text says,
// r4 where the number goes, 8 bytes. How many bytes it took, or an error number.
func strtol(t *thread, r *registers) {
	text, to := t.numberArguments(r)
	if to == nil {
		return
	}
	putLE(to, 0)
	magnitude, negative, n, err := parseNumber(text, r[3])
	if err == nil && (negative && magnitude > 1<<63 || !negative && magnitude > math.MaxInt64) {
		err = linux.ERANGE
	}
	if err != nil {
		r[0] = result(err)
		return
	}
	if negative {
		magnitude = -magnitude
	}
	putLE(to, magnitude)
	r[0] = uint64(n)
}

// strtoul is strtol for numbers without a sign.
func strtoul(t *thread, r *registers) {
	text, to := t.numberArguments(r)
	if to == nil {
		return
	}
	putLE(to, 0)
	v, negative, n, err := parseNumber(text, r[3])
	if err == nil && negative {
		err = linux.EINVAL
	}
	if err != nil {
		r[0] = result(err)
		return
	}
	putLE(to, v)
	r[0] = uint64(n)
}

func (t *thread) numberArguments(r *registers) (text, to []byte) {
	text = t.memoryArgument(1, r, r[2], false)
	if t.fault != nil {
		return nil, nil
	}
	return text, t.memoryArgument(4, r, 8, true)
}

// maxNumber is how much of a number the kernel looks at, in bytes.
const maxNumber = 63

// parseNumber reads a number at the start of text, behind white space, and tells
// how many bytes there were (kernel/bpf/helpers.c, __bpf_strtoull). The kernel
// finds numbers too large only in the part it looks at.
func parseNumber(text []byte, flags uint64) (v uint64, negative bool, n int, err error) {
	const bases = 0x1f
	base := flags & bases
	if len(text) == 0 || base != 0 && base != 8 && base != 10 && base != 16 || flags&^bases != 0 {
		return 0, false, 0, linux.EINVAL
	}
	for n < len(text) && isSpace(text[n]) {
		n++
	}
	if n < len(text) && text[n] == '-' {
		negative = true
		n++
	}
	digits := text[n:min(len(text), n+maxNumber)]
	base, skip := radix(digits, base)
	v, count, overflow := parseDigits(digits[skip:], base)
	switch {
	case overflow:
		return 0, negative, 0, linux.ERANGE
	case count == 0:
		return 0, negative, 0, linux.EINVAL
	}
	return v, negative, n + skip + count, nil
}

// radix settles the base by what the digits begin with, and how much of that is
// to be skipped (lib/kstrtox.c, _parse_integer_fixup_radix).
func radix(digits []byte, base uint64) (uint64, int) {
	prefixed := len(digits) > 1 && digits[0] == '0' && digits[1]|0x20 == 'x'
	if base == 0 {
		switch {
		case prefixed && len(digits) > 2 && digitOf(digits[2]) < 16:
			base = 16
		case len(digits) > 0 && digits[0] == '0':
			base = 8
		default:
			base = 10
		}
	}
	if base == 16 && prefixed {
		return base, 2
	}
	return base, 0
}

func parseDigits(digits []byte, base uint64) (v uint64, count int, overflow bool) {
	for count < len(digits) {
		d := digitOf(digits[count])
		if d >= base {
			break
		}
		if v > (math.MaxUint64-d)/base {
			overflow = true
		}
		v = v*base + d
		count++
	}
	return v, count, overflow
}

// digitOf is the value of a hexadecimal digit, more than any for other bytes.
func digitOf(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return uint64(c|0x20-'a') + 10
	}
	return math.MaxUint64
}

// strncmp: r1 text, r2 how much of it to compare at most, r3 text that ends with
// a zero byte, of read-only memory. -1, 0 or 1.
func strncmp(t *thread, r *registers) {
	n := uint64(uint32(r[2]))
	a := t.memoryArgument(1, r, n, false)
	if t.fault != nil {
		return
	}
	r[0] = 0
	var b []byte
	for i, c := range a {
		if len(b) == 0 {
			if b = t.mem.run(r[3] + uint64(i)); b == nil {
				t.fail(3, t.mem.accessError(r[3]+uint64(i), 1, false))
				return
			}
		}
		d := b[0]
		b = b[1:]
		switch {
		case c < d:
			r[0] = math.MaxUint64
			return
		case c > d:
			r[0] = 1
			return
		case c == 0:
			return
		}
	}
}

// run is what can be read from an address on, up to the end of its page at the
// most; nil for nothing.
func (m *memory) run(addr uint64) []byte {
	if addr>>pageShift >= pageCount {
		return nil
	}
	p, off := &m.table[addr>>pageShift], uint32(addr&(pageSize-1))
	if off >= p.read {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Add(p.base, off)), p.read-off)
}

// snprintf: r1 buffer, r2 its size, r3 format, r4 array of 64-bit arguments, r5
// its size in bytes. How long the text is with its zero byte, which may be more
// than fits, or an error number.
func snprintf(t *thread, r *registers) {
	to := t.memoryArgument(1, r, uint64(uint32(r[2])), true)
	if t.fault != nil {
		return
	}
	args, ok := t.formatArguments(4, r, uint64(uint32(r[5])))
	if !ok {
		return
	}
	format, ok := t.constantString(3, r)
	if !ok {
		return
	}
	length, err := t.format(to, format, args)
	if err != nil {
		r[0] = result(err)
		return
	}
	r[0] = uint64(length) + 1
}
