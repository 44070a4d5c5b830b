package scalar

import (
	"math/bits"
	"strconv"
)

// Tnum ("tracked number") is what is known of each bit of a number: a bit set
// in Mask is unknown, any other is as in Value. Value and Mask have no bit in
// common. The zero value is the number 0.
type Tnum struct{ Value, Mask uint64 }

// TnumUnknown is any number.
var TnumUnknown = Tnum{Mask: ^uint64(0)}

// TnumConst is the number v.
func TnumConst(v uint64) Tnum { return Tnum{Value: v} }

// TnumRange has the leading bits that all numbers from lo to hi share.
func TnumRange(lo, hi uint64) Tnum {
	differ := ^uint64(0) >> bits.LeadingZeros64(lo^hi) // shifts by 64 give 0
	return Tnum{lo &^ differ, differ}
}

// IsConst reports whether all bits are known.
func (t Tnum) IsConst() bool { return t.Mask == 0 }

// IsUnknown reports whether no bit is known.
func (t Tnum) IsUnknown() bool { return t.Mask == ^uint64(0) }

// Contains reports whether v may be the number.
func (t Tnum) Contains(v uint64) bool { return v&^t.Mask == t.Value }

// Add is t + u.
func (t Tnum) Add(u Tnum) Tnum {
	value := t.Value + u.Value
	// The carries differ between the least sum and the greatest where they
	// depend on unknown bits.
	unknown := (value + t.Mask + u.Mask) ^ value | t.Mask | u.Mask
	return Tnum{value &^ unknown, unknown}
}

// Sub is t - u.
func (t Tnum) Sub(u Tnum) Tnum {
	value := t.Value - u.Value
	unknown := (value + t.Mask) ^ (value - u.Mask) | t.Mask | u.Mask
	return Tnum{value &^ unknown, unknown}
}

// Neg is -t.
func (t Tnum) Neg() Tnum { return Tnum{}.Sub(t) }

// Mul is t * u, by long multiplication along the bits of t: where one is
// unknown, the sum is what it is with and without u.
func (t Tnum) Mul(u Tnum) Tnum {
	switch {
	case t.Mask|u.Mask == 0:
		return Tnum{Value: t.Value * u.Value}
	case t.Mask == 0 && t.Value&(t.Value-1) == 0 && t.Value != 0: // a power of two is a shift
		return u.Lsh(uint(bits.TrailingZeros64(t.Value)))
	case u.Mask == 0 && u.Value&(u.Value-1) == 0 && u.Value != 0:
		return t.Lsh(uint(bits.TrailingZeros64(u.Value)))
	}
	var sum Tnum
	for left := t.Value | t.Mask; left != 0; left &= left - 1 {
		bit := uint(bits.TrailingZeros64(left))
		with := sum.Add(u.Lsh(bit))
		if t.Mask>>bit&1 != 0 {
			with = sum.Union(with)
		}
		sum = with
	}
	return sum
}

// And is t & u.
func (t Tnum) And(u Tnum) Tnum {
	value := t.Value & u.Value
	return Tnum{value, (t.Value | t.Mask) & (u.Value | u.Mask) &^ value}
}

// Or is t | u.
func (t Tnum) Or(u Tnum) Tnum {
	value := t.Value | u.Value
	return Tnum{value, (t.Mask | u.Mask) &^ value}
}

// Xor is t ^ u.
func (t Tnum) Xor(u Tnum) Tnum {
	unknown := t.Mask | u.Mask
	return Tnum{(t.Value ^ u.Value) &^ unknown, unknown}
}

// Lsh is t << n.
func (t Tnum) Lsh(n uint) Tnum { return Tnum{t.Value << n, t.Mask << n} }

// Rsh is t >> n, zeros coming in.
func (t Tnum) Rsh(n uint) Tnum { return Tnum{t.Value >> n, t.Mask >> n} }

// Arsh is t >> n of 64 bits, copies of the sign coming in.
func (t Tnum) Arsh(n uint) Tnum { return arsh[w64](t, n) }

// Arsh32 is t >> n of the low 32 bits, copies of their sign coming in.
func (t Tnum) Arsh32(n uint) Tnum { return arsh[w32](t, n) }

func arsh[W width](t Tnum, n uint) Tnum {
	return Tnum{trunc[W](uint64(sext[W](t.Value) >> n)), trunc[W](uint64(sext[W](t.Mask) >> n))}
}

// Intersect is what t and u say together. Where they contradict each other the
// bit is 1.
func (t Tnum) Intersect(u Tnum) Tnum {
	unknown := t.Mask & u.Mask
	return Tnum{(t.Value | u.Value) &^ unknown, unknown}
}

// Union is the numbers of t and those of u, and no more than has to come with them.
func (t Tnum) Union(u Tnum) Tnum {
	unknown := t.Value ^ u.Value | t.Mask | u.Mask
	return Tnum{t.Value & u.Value &^ unknown, unknown}
}

// Overlap reports whether a number may be in both.
func (t Tnum) Overlap(u Tnum) bool { return (t.Value^u.Value)&^(t.Mask|u.Mask) == 0 }

// In reports whether all numbers of t are numbers of u.
func (t Tnum) In(u Tnum) bool { return t.Mask&^u.Mask == 0 && t.Value&^u.Mask == u.Value }

// after is the least number greater than v, or the greatest of all if there is
// none.
func (t Tnum) after(v uint64) uint64 {
	greatest := t.Value | t.Mask
	switch {
	case v >= greatest:
		return greatest
	case v < t.Value:
		return t.Value
	}
	// Count on in the unknown bits alone: the known ones are 1 meanwhile, so
	// that a carry goes across them, and so is all below the highest of them
	// where v is above t.Value.
	v -= t.Value
	below := uint64(1)<<bits.Len64(v&^t.Mask) - 1
	return t.Value | ((v|below|^t.Mask)+1)&t.Mask
}

// Cast is the low bytes of t, the rest 0. It takes 1 to 8 bytes.
func (t Tnum) Cast(bytes int) Tnum { return t.low(uint(bytes) * 8) }

func (t Tnum) low(bits uint) Tnum {
	mask := ^uint64(0) >> (64 - bits)
	return Tnum{t.Value & mask, t.Mask & mask}
}

// Subreg is the low 32 bits.
func (t Tnum) Subreg() Tnum { return part[w32](t) }

// WithSubreg is t with the low 32 bits of u.
func (t Tnum) WithSubreg(u Tnum) Tnum { return withLow[w32](t, u) }

// part is the low bits, the rest 0.
func part[W width](t Tnum) Tnum {
	mask := ones[W]()
	return Tnum{t.Value & mask, t.Mask & mask}
}

// withLow is t with the low bits of u.
func withLow[W width](t, u Tnum) Tnum {
	mask := ones[W]()
	return Tnum{t.Value&^mask | u.Value&mask, t.Mask&^mask | u.Mask&mask}
}

// IsAligned reports whether the number is a multiple of n, a power of two. Of
// 0 everything is.
func (t Tnum) IsAligned(n uint64) bool { return n == 0 || (t.Value|t.Mask)&(n-1) == 0 }

// String is as the kernel's log has it: "(0x0; 0xff)", value and mask, and the
// number alone when it is known.
func (t Tnum) String() string { return string(t.append(nil)) }

func (t Tnum) append(b []byte) []byte {
	if t.Mask == 0 {
		return appendUnsigned(b, t.Value)
	}
	b = append(b, '(')
	b = appendHex(b, t.Value)
	b = append(b, "; "...)
	b = appendHex(b, t.Mask)
	return append(b, ')')
}

// Bits is all 64 of them, the highest first: 0, 1, or x where unknown.
func (t Tnum) Bits() string {
	var b [64]byte
	for i := range b {
		switch bit := uint(63 - i); {
		case t.Mask>>bit&1 != 0:
			b[i] = 'x'
		default:
			b[i] = '0' + byte(t.Value>>bit&1)
		}
	}
	return string(b[:])
}

// appendHex is the kernel's %#llx, which has a prefix for 0 too.
func appendHex(b []byte, v uint64) []byte {
	return strconv.AppendUint(append(b, "0x"...), v, 16)
}
