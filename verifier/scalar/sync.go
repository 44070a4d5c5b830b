package scalar

// Sync lets each part learn from the others, as far as the kernel's
// reg_bounds_sync does. A scalar of which a bound was changed needs it.
func (s *Scalar) Sync() { sync[w64, w32](s) }

// sync works on copies, which stay in machine registers.
func sync[W, H width](s *Scalar) {
	if s.Bits.IsConst() && contains[W, H](s, s.Bits.Value) {
		*s = constant[W, H](s.Bits.Value)
		return
	}
	t := s.Bits
	whole, low := learn[W](s.R64, t), learn[H](s.R32, t)
	if v, ok := lone(t, whole.Umin, whole.Umax); ok {
		*s = constant[W, H](v)
		return
	}
	known, wholeBefore, lowBefore := t, whole, low
	if both, ok := small[H](whole, low); ok {
		whole, low = both, both
	} else {
		whole, low, t = deduce[W, H](whole, low, t)
	}
	t = t.Intersect(TnumRange(whole.Umin, whole.Umax)) // the bits that the bounds share
	t = withLow[H](t, part[H](t).Intersect(TnumRange(low.Umin, low.Umax)))
	if t != known || whole != wholeBefore || low != lowBefore {
		whole, low = learn[W](whole, t), learn[H](low, t)
		if v, ok := lone(t, whole.Umin, whole.Umax); ok {
			*s = constant[W, H](v)
			return
		}
	}
	*s = Scalar{t, whole, low}
}

// small is what deduce finds, at once, of a number that is not negative even as
// one of the low half: all its bounds are the same.
func small[H width](whole, low Range) (both Range, ok bool) {
	if whole.Smin < 0 || max(whole.Umax, uint64(whole.Smax)) > uint64(largest[H]()) || low.Smax < 0 {
		return Range{}, false
	}
	lo := max(whole.Umin, uint64(whole.Smin), low.Umin, uint64(max(low.Smin, 0)))
	hi := min(whole.Umax, uint64(whole.Smax), low.Umax, uint64(low.Smax))
	return Range{int64(lo), int64(hi), lo, hi}, lo <= hi
}

// deduce lets the bounds learn from each other.
func deduce[W, H width](whole, low Range, t Tnum) (Range, Range, Tnum) {
	for range 3 { // as often as the kernel does
		w, l, extended := whole, low, false
		low = lowFromWhole[H](low, whole)
		if whole, extended = wholeFromLow[H](agree[W](whole), low); extended {
			t = t.Intersect(TnumRange(whole.Umin, whole.Umax))
		}
		if whole == w && low == l { // and so it would be the next time
			break
		}
	}
	return whole, low, t
}

// fromBits narrows the bounds by the bits. If these leave one number between
// the bounds, that is it.
func fromBits[W, H width](s *Scalar) {
	s.R32, s.R64 = learn[H](s.R32, s.Bits), learn[W](s.R64, s.Bits)
	if v, ok := lone(s.Bits, s.R64.Umin, s.R64.Umax); ok {
		*s = constant[W, H](v)
	}
}

// lone is the only number of t from lo to hi, if there is only one.
func lone(t Tnum, lo, hi uint64) (v uint64, ok bool) {
	next := t.after(lo)
	if t.Contains(lo) {
		return lo, next > hi
	}
	return next, next == t.Value|t.Mask || next <= hi && t.after(next) > hi
}

// lowFromWhole narrows the low half by the bounds of the whole: if the upper
// half is the same at both bounds, the lower halves of them are bounds too. If
// it goes up by one from the least number to the greatest, while the lower half
// is negative at first and then not, these are signed bounds. Then the bounds of
// the low half agree with each other.
func lowFromWhole[H width](low, whole Range) Range {
	half := size[H]()
	switch smin, smax := sext[H](whole.Umin), sext[H](whole.Umax); whole.Umax>>half - whole.Umin>>half {
	case 0:
		low = low.unsigned(trunc[H](whole.Umin), trunc[H](whole.Umax))
		if smin <= smax {
			low = low.signed(smin, smax)
		}
	case 1:
		if smin < 0 && smax >= 0 {
			low = low.signed(smin, smax)
		}
	}
	switch smin, smax := sext[H](uint64(whole.Smin)), sext[H](uint64(whole.Smax)); whole.Smax>>half - whole.Smin>>half {
	case 0:
		if umin, umax := trunc[H](uint64(whole.Smin)), trunc[H](uint64(whole.Smax)); umin <= umax {
			low = low.unsigned(umin, umax)
		}
		if smin <= smax {
			low = low.signed(smin, smax)
		}
	case 1:
		if smin < 0 && smax >= 0 {
			low = low.signed(smin, smax)
		}
	}
	return agree[H](low)
}

// wholeFromLow puts the bounds of the low half into those of the whole, where
// that makes them tighter. extended says that the number is one sign-extended
// from the low half.
func wholeFromLow[H width](whole, low Range) (_ Range, extended bool) {
	rest := ones[H]()
	whole = whole.unsigned(whole.Umin&^rest|low.Umin, whole.Umax&^rest|low.Umax)
	whole = whole.signed(whole.Smin&^int64(rest)|int64(low.Umin), whole.Smax&^int64(rest)|int64(low.Umax))
	if low.Smin >= 0 && whole.Smin >= smallest[H]() && whole.Smax <= largest[H]() {
		// And the half is not negative: then the number is not, either.
		return Range{low.Smin, low.Smax, uint64(low.Smin), uint64(low.Smax)}, true
	}
	return whole, false
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
func repair[W, H width](s *Scalar) {
	if !isSane[W, H](s) {
		s.R64, s.R32 = full[W](), full[H]()
	}
}
