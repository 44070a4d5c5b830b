package vm

import (
	"math"

	"ebtools/bpf/linux"
)

// The string functions of Linux 6.17 and on (kernel/bpf/helpers.c). They take any
// address, and answer for what can't be read with an error number.
var stringKfuncs = []helper{
	{kfunc: "bpf_strcmp", fn: func(t *thread, r *registers) { t.compareStrings(r, same) }},
	{kfunc: "bpf_strcasecmp", fn: func(t *thread, r *registers) { t.compareStrings(r, lower) }},
	{kfunc: "bpf_strlen", fn: func(t *thread, r *registers) { t.stringLength(r, math.MaxUint64) }},
	{kfunc: "bpf_strnlen", fn: func(t *thread, r *registers) { t.stringLength(r, r[2]) }},
	{kfunc: "bpf_strchr", fn: func(t *thread, r *registers) { t.findByte(r, math.MaxUint64, byte(r[2]), false) }},
	{kfunc: "bpf_strnchr", fn: func(t *thread, r *registers) { t.findByte(r, r[2], byte(r[3]), false) }},
	{kfunc: "bpf_strchrnul", fn: func(t *thread, r *registers) { t.findByte(r, math.MaxUint64, byte(r[2]), true) }},
	{kfunc: "bpf_strrchr", fn: findLastByte},
	{kfunc: "bpf_strspn", fn: func(t *thread, r *registers) { t.spanBytes(r, true) }},
	{kfunc: "bpf_strcspn", fn: func(t *thread, r *registers) { t.spanBytes(r, false) }},
	{kfunc: "bpf_strstr", fn: func(t *thread, r *registers) { t.findString(r, math.MaxUint64) }},
	{kfunc: "bpf_strnstr", fn: func(t *thread, r *registers) { t.findString(r, r[3]) }},
}

// maxString is where the functions stop reading (XATTR_SIZE_MAX).
const maxString = 64 << 10

// text is a string at an address, as far as it can be read: not to its end, which
// is found on the way. Each byte that is looked at counts as an instruction.
type text struct {
	t     *thread
	start uint64
	run   []byte // what is known to be readable
	from  uint64 // where run begins
}

// at gives byte i. Not ok: it can't be read.
func (s *text) at(i uint64) (c byte, ok bool) {
	s.t.left--
	if i-s.from < uint64(len(s.run)) {
		return s.run[i-s.from], true
	}
	if s.run = s.t.mem.run(s.start + i); s.run == nil {
		return 0, false
	}
	s.from = i
	return s.run[0], true
}

// stringArgument gives the string that argument n points to; not ok when it can't
// be one of the kernel's, for which the result is set.
func (t *thread) stringArgument(n int, r *registers) (s text, ok bool) {
	s = text{t: t, start: r[uint8(n)]}
	if _, readable := s.at(0); !readable && !kernelAddress(s.start) {
		r[0] = errno32(linux.ERANGE)
		return s, false
	}
	return s, true
}

// stringArguments gives the strings that r1 and r2 point to, like stringArgument.
func (t *thread) stringArguments(r *registers) (a, b text, ok bool) {
	if a, ok = t.stringArgument(1, r); ok {
		b, ok = t.stringArgument(2, r)
	}
	return a, b, ok
}

// kernelAddress reports whether an address is one of the kernel's half, on x86-64
// with pages in four levels (copy_from_kernel_nofault_allowed).
func kernelAddress(addr uint64) bool { return addr >= 0xffff_8000_0000_0000 }

// same and lower are how bytes are compared.
func same(c byte) byte { return c }

// lower goes by the kernel's table, which is Latin-1 (lib/ctype.c).
func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' || c >= 0xc0 && c <= 0xde && c != 0xd7 {
		return c + 0x20
	}
	return c
}

// compareStrings: r1 and r2 strings. -1, 0 or 1 as 32 bits, or an error number.
func (t *thread) compareStrings(r *registers, fold func(byte) byte) {
	a, b, ok := t.stringArguments(r)
	if !ok {
		return
	}
	for i := range uint64(maxString) {
		c, ok := a.at(i)
		d, also := b.at(i)
		if !ok || !also {
			r[0] = errno32(linux.EFAULT)
			return
		}
		switch c, d = fold(c), fold(d); {
		case c < d:
			r[0] = math.MaxUint32
			return
		case c > d:
			r[0] = 1
			return
		case c == 0:
			r[0] = 0
			return
		}
	}
	r[0] = errno32(linux.E2BIG)
}

// stringLength: r1 string. Its length, at most limit, or an error number.
func (t *thread) stringLength(r *registers, limit uint64) {
	s, ok := t.stringArgument(1, r)
	if !ok {
		return
	}
	for i := range uint64(maxString) {
		if i >= limit {
			r[0] = i
			return
		}
		c, ok := s.at(i)
		switch {
		case !ok:
			r[0] = errno32(linux.EFAULT)
			return
		case c == 0:
			r[0] = i
			return
		}
	}
	r[0] = errno32(linux.E2BIG)
}

// findByte: r1 string. Where the byte is among the first limit, the end counting
// as a zero byte; else ENOENT, or where the string ends when orEnd is set.
func (t *thread) findByte(r *registers, limit uint64, c byte, orEnd bool) {
	s, ok := t.stringArgument(1, r)
	if !ok {
		return
	}
	for i := range uint64(maxString) {
		if i >= limit {
			r[0] = errno32(linux.ENOENT)
			return
		}
		d, ok := s.at(i)
		switch {
		case !ok:
			r[0] = errno32(linux.EFAULT)
			return
		case d == c || d == 0 && orEnd:
			r[0] = i
			return
		case d == 0:
			r[0] = errno32(linux.ENOENT)
			return
		}
	}
	r[0] = errno32(linux.E2BIG)
}

// findLastByte: r1 string, r2 byte, which is an int here, so that one above 255
// is in no string. Where it is last, or an error number.
func findLastByte(t *thread, r *registers) {
	s, ok := t.stringArgument(1, r)
	if !ok {
		return
	}
	last := errno32(linux.ENOENT)
	for i := range uint64(maxString) {
		d, ok := s.at(i)
		if !ok {
			r[0] = errno32(linux.EFAULT)
			return
		}
		if uint32(d) == uint32(r[2]) {
			last = i
		}
		if d == 0 {
			r[0] = last
			return
		}
	}
	r[0] = errno32(linux.E2BIG)
}

// spanBytes: r1 string, r2 string of bytes. How many bytes at the start of the
// first are, or are not, among those of the second; or an error number.
func (t *thread) spanBytes(r *registers, among bool) {
	s, set, ok := t.stringArguments(r)
	if !ok {
		return
	}
	for i := range uint64(maxString) {
		if t.exhausted() {
			return
		}
		c, ok := s.at(i)
		if !ok {
			r[0] = errno32(linux.EFAULT)
			return
		}
		found, err := uint64(0), linux.Errno(0)
		if c != 0 {
			found, err = set.holds(c)
		}
		if err != 0 {
			r[0] = errno32(err)
			return
		}
		if c == 0 || (found != 0) != among {
			r[0] = i
			return
		}
	}
	r[0] = errno32(linux.E2BIG)
}

// holds tells 1 when c is in the string, else 0, or an error number.
func (s *text) holds(c byte) (uint64, linux.Errno) {
	for i := range uint64(maxString) {
		d, ok := s.at(i)
		switch {
		case !ok:
			return 0, linux.EFAULT
		case d == c:
			return 1, 0
		case d == 0:
			return 0, 0
		}
	}
	return 0, linux.E2BIG
}

// findString: r1 string, r2 string. Where the second is in the first limit bytes
// of the first, or an error number.
func (t *thread) findString(r *registers, limit uint64) {
	a, b, ok := t.stringArguments(r)
	if !ok {
		return
	}
	for i := range uint64(maxString) {
		if t.exhausted() {
			return
		}
		done, value := a.matches(&b, i, limit)
		if done {
			r[0] = value
			return
		}
	}
	r[0] = errno32(linux.E2BIG)
}

// matches compares b with what is at i of s. Done: the search is over with that
// value.
func (s *text) matches(b *text, i, limit uint64) (done bool, value uint64) {
	for j := uint64(0); i+j <= limit; j++ {
		if j == maxString {
			return true, errno32(linux.E2BIG)
		}
		d, ok := b.at(j)
		if !ok {
			return true, errno32(linux.EFAULT)
		}
		if d == 0 {
			return true, i
		}
		if i+j == limit { // b may end right where the limit is
			break
		}
		c, ok := s.at(i + j)
		switch {
		case !ok:
			return true, errno32(linux.EFAULT)
		case c == 0:
			return true, errno32(linux.ENOENT)
		case c != d:
			return false, 0
		}
	}
	return true, errno32(linux.ENOENT)
}
