package scalar

// Scalar is what is known of a number of 64 bits. The bounds of its parts are
// those of the kernel's struct bpf_reg_state: Bits is var_off, R64 has smin,
// smax, umin and umax, and R32 those of the low 32 bits.
//
// In what functions here return, each part has learned from the others as far as
// the kernel lets it. Who changes a bound calls [Scalar.Sync].
type Scalar struct {
	Bits     Tnum
	R64, R32 Range
}

// Unknown is any number.
func Unknown() Scalar { return unknown[w64, w32]() }

// Const is the number v.
func Const(v uint64) Scalar { return constant[w64, w32](v) }

func unknown[W, H width]() Scalar {
	return Scalar{Tnum{Mask: ones[W]()}, full[W](), full[H]()}
}

func constant[W, H width](v uint64) Scalar {
	return Scalar{Tnum{Value: trunc[W](v)}, only[W](v), only[H](v)}
}

// Loaded is what a load of so many bytes (1, 2, 4 or 8) gives, the bytes being
// unknown.
func Loaded(bytes int) Scalar {
	s := Unknown()
	if bytes < 8 {
		s.Truncate(bytes)
	}
	return s
}

// LoadedSigned is what a sign-extending load of 1, 2 or 4 unknown bytes gives.
func LoadedSigned(bytes int) Scalar {
	s := Unknown()
	s.SignExtend(bytes)
	return s
}

// IsConst reports whether the number is known; it is Bits.Value then.
func (s *Scalar) IsConst() bool { return s.Bits.IsConst() }

// Const32 reports whether the low 32 bits are known, and what they are.
func (s *Scalar) Const32() (value uint32, known bool) {
	return uint32(s.Bits.Value), s.Bits.Subreg().IsConst()
}

// Contains reports whether v may be the number.
func (s *Scalar) Contains(v uint64) bool { return contains[w64, w32](s, v) }

func contains[W, H width](s *Scalar, v uint64) bool {
	return s.Bits.Contains(v) && s.R64.contains(sext[W](v), v) && s.R32.contains(sext[H](v), trunc[H](v))
}

// Within reports whether all that t says is true of s too: its bounds are inside
// those of t, and its bits among those of t. What was found safe with t is then
// safe with s.
func (s *Scalar) Within(t *Scalar) bool {
	return s.R64.within(&t.R64) && s.R32.within(&t.R32) && s.Bits.In(t.Bits)
}

func (r *Range) within(q *Range) bool {
	return q.Umin <= r.Umin && r.Umax <= q.Umax && q.Smin <= r.Smin && r.Smax <= q.Smax
}
