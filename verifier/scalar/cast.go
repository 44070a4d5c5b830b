package scalar

// Truncate keeps the low bytes (1, 2 or 4) of the number and makes the rest 0.
func (s *Scalar) Truncate(bytes int) { truncate[w64, w32](s, uint(bytes)*8) }

func truncate[W, H width](s *Scalar, n uint) {
	mask := ones[W]() >> (size[W]() - n)
	s.Bits = Tnum{s.Bits.Value & mask, s.Bits.Mask & mask}
	r := &s.R64
	if r.Umin&^mask == r.Umax&^mask {
		r.Umin, r.Umax = r.Umin&mask, r.Umax&mask
	} else {
		r.Umin, r.Umax = 0, mask
	}
	r.Smin, r.Smax = int64(r.Umin), int64(r.Umax)
	if n < size[H]() {
		s.R32 = full[H]()
	}
	sync[W, H](s)
}

// zeroExtend makes the upper half 0: what a 32-bit instruction does.
func zeroExtend[W, H width](s *Scalar) {
	s.Bits = part[H](s.Bits)
	low := &s.R32
	s.R64 = Range{0, int64(ones[H]()), low.Umin, low.Umax}
	if low.Smin >= 0 && low.Smax >= 0 {
		s.R64.Smin, s.R64.Smax = low.Smin, low.Smax
	}
}

// SignExtend takes the low bytes (1, 2 or 4) for a signed number.
func (s *Scalar) SignExtend(bytes int) { signExtend[w64, w32](s, uint(bytes)*8) }

func signExtend[W, H width](s *Scalar, n uint) {
	if s.Bits.IsConst() {
		*s = constant[W, H](uint64(signed(s.Bits.Value, n)))
		return
	}
	smin, smax, ok := signedPart(&s.R64, n)
	if !ok {
		smin, smax = -1<<(n-1), 1<<(n-1)-1
		s.Bits = Tnum{Mask: ones[W]()}
		s.R64 = Range{smin, smax, 0, ones[W]()}
		s.R32 = Range{smin, smax, 0, ones[H]()}
		return
	}
	umin, umax := uint64(smin), uint64(smax)
	s.Bits = part[W](TnumRange(umin, umax))
	s.R64 = Range{smin, smax, trunc[W](umin), trunc[W](umax)}
	s.R32 = Range{sext[H](umin), sext[H](umax), trunc[H](umin), trunc[H](umax)}
}

// signExtendLow is signExtend within the low half. The upper half is left to
// zeroExtend.
func signExtendLow[W, H width](s *Scalar, n uint) {
	if s.Bits.IsConst() {
		v := uint64(signed(s.Bits.Value, n))
		s.Bits, s.R32 = Tnum{Value: trunc[W](v)}, only[H](v)
		return
	}
	smin, smax, ok := signedPart(&s.R32, n)
	if !ok {
		s.Bits = Tnum{Mask: ones[H]()}
		s.R32 = Range{-1 << (n - 1), 1<<(n-1) - 1, 0, ones[H]()}
		return
	}
	umin, umax := trunc[H](uint64(smin)), trunc[H](uint64(smax))
	s.Bits = part[H](TnumRange(uint64(smin), uint64(smax)))
	s.R32 = Range{smin, smax, umin, umax}
}

// signedPart is the bounds of the low n bits as a signed number, where the bits
// above are the same at both bounds of r, and the sign is too.
func signedPart(r *Range, n uint) (lo, hi int64, ok bool) {
	a, b := signed(uint64(r.Smin), n), signed(uint64(r.Smax), n)
	return min(a, b), max(a, b), r.Smin>>n == r.Smax>>n && (a < 0) == (b < 0)
}

// signed is the low n bits of v as a signed number.
func signed(v uint64, n uint) int64 { return int64(v<<(64-n)) >> (64 - n) }
