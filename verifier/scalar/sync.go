package scalar

// Sync lets each part learn from the others, as far as the kernel's
// reg_bounds_sync does. A scalar of which a bound was changed needs it.
func (s *Scalar) Sync() { sync[w64, w32](s) }

func sync[W, H width](s *Scalar) {
	fromBits[W, H](s)
	for range 3 { // as often as the kernel does
		before := *s
		deduce[W, H](s)
		if *s == before {
			break // and so would the next be
		}
	}
	toBits[W, H](s)
	fromBits[W, H](s)
}

// fromBits narrows the bounds by the bits. If these leave one number between
// the bounds, that is it.
func fromBits[W, H width](s *Scalar) {
	learn[H](&s.R32, s.Bits)
	learn[W](&s.R64, s.Bits)
	least, greatest := s.R64.Umin, s.R64.Umax
	next := s.Bits.after(least)
	switch {
	case s.Bits.Contains(least):
		if next > greatest {
			*s = constant[W, H](least)
		}
	case next == s.Bits.Value|s.Bits.Mask,
		next <= greatest && s.Bits.after(next) > greatest:
		*s = constant[W, H](next)
	}
}

func deduce[W, H width](s *Scalar) {
	lowFromWhole[W, H](s)
	agree[H](&s.R32)
	agree[W](&s.R64)
	wholeFromLow[W, H](s)
}

// lowFromWhole narrows the low half by the bounds of the whole: if the upper
// half is the same at both bounds, the lower halves of them are bounds too. If
// it goes up by one from the least number to the greatest, while the lower half
// is negative at first and then not, these are signed bounds.
func lowFromWhole[W, H width](s *Scalar) {
	whole, low := &s.R64, &s.R32
	half := size[H]()

	umin, umax := trunc[H](whole.Umin), trunc[H](whole.Umax)
	smin, smax := sext[H](whole.Umin), sext[H](whole.Umax)
	switch whole.Umax>>half - whole.Umin>>half {
	case 0:
		low.meetUnsigned(umin, umax)
		if smin <= smax {
			low.meetSigned(smin, smax)
		}
	case 1:
		if smin < 0 && smax >= 0 {
			low.meetSigned(smin, smax)
		}
	}

	umin, umax = trunc[H](uint64(whole.Smin)), trunc[H](uint64(whole.Smax))
	smin, smax = sext[H](uint64(whole.Smin)), sext[H](uint64(whole.Smax))
	switch whole.Smax>>half - whole.Smin>>half {
	case 0:
		if umin <= umax {
			low.meetUnsigned(umin, umax)
		}
		if smin <= smax {
			low.meetSigned(smin, smax)
		}
	case 1:
		if smin < 0 && smax >= 0 {
			low.meetSigned(smin, smax)
		}
	}
}

// wholeFromLow puts the bounds of the low half into those of the whole, where
// that makes them tighter.
func wholeFromLow[W, H width](s *Scalar) {
	whole, low := &s.R64, &s.R32
	rest := ones[H]()
	whole.meetUnsigned(whole.Umin&^rest|low.Umin, whole.Umax&^rest|low.Umax)
	whole.meetSigned(whole.Smin&^int64(rest)|int64(low.Umin), whole.Smax&^int64(rest)|int64(low.Umax))

	// A number that was sign-extended from the low half, and that half is not
	// negative: then the number is not, either.
	if low.Smin >= 0 && whole.Smin >= smallest[H]() && whole.Smax <= largest[H]() {
		*whole = Range{low.Smin, low.Smax, uint64(low.Smin), uint64(low.Smax)}
		s.Bits = s.Bits.Intersect(TnumRange(whole.Umin, whole.Umax))
	}
}

// toBits takes the bits that the bounds have in common.
func toBits[W, H width](s *Scalar) {
	whole := s.Bits.Intersect(TnumRange(s.R64.Umin, s.R64.Umax))
	low := part[H](whole).Intersect(TnumRange(s.R32.Umin, s.R32.Umax))
	s.Bits = withLow[H](whole, low)
}

// isSane reports whether the bounds leave a number and are exact where bits are.
func isSane[W, H width](s *Scalar) bool {
	if s.R64.isEmpty() || s.R32.isEmpty() {
		return false
	}
	if s.Bits.IsConst() && s.R64 != only[W](s.Bits.Value) {
		return false
	}
	return !part[H](s.Bits).IsConst() || s.R32 == only[H](s.Bits.Value)
}

// repair forgets all bounds when they contradict each other, which they may on
// a path that no run takes: what the kernel's reg_bounds_sanity_check does.
func repair[W, H width](s *Scalar) (sane bool) {
	if isSane[W, H](s) {
		return true
	}
	s.R64, s.R32 = full[W](), full[H]()
	return false
}
