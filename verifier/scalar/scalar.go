package scalar

// Scalar is what is known of a number of 64 bits. The bounds of its parts are
// those of the kernel's struct bpf_reg_state: Bits is var_off, R64 has smin,
// smax, umin and umax, and R32 those of the low 32 bits.
//
// Every function here leaves its results as [Scalar.Sync] does, each part
// having learned from the others, so that scalars can be compared with ==.
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

// Within reports whether all that s says is true of t too: t's ranges are
// inside those of s, and its bits among those of s. A state that was fine with
// s is then fine with t.
func (t *Scalar) Within(s *Scalar) bool {
	return t.R64.within(&s.R64) && t.R32.within(&s.R32) && t.Bits.In(s.Bits)
}

func (r *Range) within(s *Range) bool {
	return s.Umin <= r.Umin && r.Umax <= s.Umax && s.Smin <= r.Smin && r.Smax <= s.Smax
}
