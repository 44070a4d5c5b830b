package scalar

import (
	"math"
	"strconv"
)

// String is what the kernel's log has for the scalar, without an id:
// "scalar(smin=0,smax=umax=255,var_off=(0x0; 0xff))", "-5", "0xffffffff".
func (s *Scalar) String() string { return string(s.Append(nil, "")) }

// Append appends String to b, with an attribute as the first in the
// parentheses, "id=3" for instance, unless it is empty.
func (s *Scalar) Append(b []byte, attribute string) []byte {
	if s.IsConst() {
		return appendSigned(b, int64(s.Bits.Value))
	}
	b = append(b, "scalar("...)
	b = append(b, attribute...)
	return append(s.AppendRanges(b, attribute == ""), ')')
}

// AppendRanges appends what is between String's parentheses, which a pointer
// with an unknown offset has too. A comma comes before each item, but for the
// first of them if first says so.
func (s *Scalar) AppendRanges(b []byte, first bool) []byte {
	item := func() {
		if !first {
			b = append(b, ',')
		}
		first = false
	}
	bounds := s.bounds()
	for i := range bounds {
		x := &bounds[i]
		if x.omit {
			continue
		}
		item()
		b = append(append(b, x.name...), '=')
		// Bounds of the same end (least, greatest) that are the same number
		// share it: smax=umax=255.
		for j := i + 2; j < len(bounds); j += 2 {
			y := &bounds[j]
			if !y.omit && y.value == x.value && y.isNegative() == x.isNegative() {
				y.omit = true
				b = append(append(b, y.name...), '=')
			}
		}
		if x.signed {
			b = appendSigned(b, int64(x.value))
		} else {
			b = appendUnsigned(b, x.value)
		}
	}
	if !s.Bits.IsUnknown() {
		item()
		b = s.Bits.append(append(b, "var_off="...))
	}
	return b
}

// bound is one of the eight.
type bound struct {
	name   string
	value  uint64
	signed bool
	omit   bool // it says nothing, or was said
}

func (x *bound) isNegative() bool { return x.signed && int64(x.value) < 0 }

func (s *Scalar) bounds() [8]bound {
	r, low := &s.R64, &s.R32
	return [8]bound{
		{"smin", uint64(r.Smin), true, r.Smin == math.MinInt64},
		{"smax", uint64(r.Smax), true, r.Smax == math.MaxInt64},
		{"umin", r.Umin, false, r.Umin == 0},
		{"umax", r.Umax, false, r.Umax == math.MaxUint64},
		{"smin32", unextended(low.Smin), true, low.Smin == math.MinInt32},
		{"smax32", unextended(low.Smax), true, low.Smax == math.MaxInt32},
		{"umin32", low.Umin, false, low.Umin == 0},
		{"umax32", low.Umax, false, low.Umax == math.MaxUint32},
	}
}

// unextended is a signed number of 32 bits, of which 32 are shown in
// hexadecimal notation.
func unextended(v int64) uint64 {
	if isShort(v) {
		return uint64(v)
	}
	return uint64(uint32(v))
}

// isShort reports whether the log has v in decimal notation.
func isShort(v int64) bool { return v >= math.MinInt16 && v <= math.MaxInt16 }

func appendSigned(b []byte, v int64) []byte {
	if isShort(v) {
		return strconv.AppendInt(b, v, 10)
	}
	return appendHex(b, uint64(v))
}

func appendUnsigned(b []byte, v uint64) []byte {
	if v <= math.MaxUint16 {
		return strconv.AppendUint(b, v, 10)
	}
	return appendHex(b, v)
}
