package scalar

import "math/bits"

// Range is the least and the greatest value of a number read as signed and as
// unsigned. Numbers of fewer bits than 64 are sign-extended and zero-extended.
type Range struct {
	Smin, Smax int64
	Umin, Umax uint64
}

// full is any number.
func full[W width]() Range {
	return Range{smallest[W](), largest[W](), 0, ones[W]()}
}

// only is the number v.
func only[W width](v uint64) Range {
	return Range{sext[W](v), sext[W](v), trunc[W](v), trunc[W](v)}
}

// anySign forgets the signed bounds, anyUnsigned the unsigned ones.
func anySign[W width](r *Range)     { r.Smin, r.Smax = smallest[W](), largest[W]() }
func anyUnsigned[W width](r *Range) { r.Umin, r.Umax = 0, ones[W]() }

// signed and unsigned are r within more bounds.

func (r Range) signed(lo, hi int64) Range {
	return Range{max(r.Smin, lo), min(r.Smax, hi), r.Umin, r.Umax}
}

func (r Range) unsigned(lo, hi uint64) Range {
	return Range{r.Smin, r.Smax, max(r.Umin, lo), min(r.Umax, hi)}
}

// isConst reports whether the bounds leave one number.
func (r *Range) isConst() bool { return r.Smin == r.Smax && r.Umin == r.Umax }

// isEmpty reports whether the bounds leave no number.
func (r *Range) isEmpty() bool { return r.Smin > r.Smax || r.Umin > r.Umax }

func (r *Range) contains(signed int64, unsigned uint64) bool {
	return r.Smin <= signed && signed <= r.Smax && r.Umin <= unsigned && unsigned <= r.Umax
}

// learn narrows r by the bits that are known: unknown ones are 0 in the least
// number and 1 in the greatest, a sign the other way round.
func learn[W width](r Range, t Tnum) Range {
	sign := uint64(1) << (size[W]() - 1)
	r = r.signed(sext[W](t.Value|t.Mask&sign), sext[W](t.Value|t.Mask&^sign))
	return r.unsigned(trunc[W](t.Value), trunc[W](t.Value|t.Mask))
}

// agree narrows signed bounds by unsigned ones and the reverse.
func agree[W width](r Range) Range {
	if lo, hi := sext[W](r.Umin), sext[W](r.Umax); lo <= hi { // the same sign throughout
		r = r.signed(lo, hi)
	}
	lo, hi := trunc[W](uint64(r.Smin)), trunc[W](uint64(r.Smax))
	switch {
	case lo <= hi:
		r = r.unsigned(lo, hi)
	// Signed numbers from below 0 to above it are the two ends of the unsigned
	// ones. The unsigned bounds may reach only one end: the upper one not, or
	// the lower one not.
	case r.Umax < lo:
		r.Smin = sext[W](r.Umin)
		r.Umax = min(r.Umax, hi)
	case hi < r.Umin:
		r.Smax = sext[W](r.Umax)
		r.Umin = max(r.Umin, lo)
	}
	return r
}

// signedByUnsigned sets the signed bounds by the unsigned ones, where those are
// on one side of the sign.
func signedByUnsigned[W width](r *Range) {
	r.Smin, r.Smax = sext[W](r.Umin), sext[W](r.Umax)
	if r.Smin > r.Smax {
		anySign[W](r)
	}
}

func add[W width](d, s *Range) {
	smin, smax := sext[W](uint64(d.Smin+s.Smin)), sext[W](uint64(d.Smax+s.Smax))
	if addOverflows(d.Smin, s.Smin, smin) || addOverflows(d.Smax, s.Smax, smax) {
		smin, smax = smallest[W](), largest[W]()
	}
	umin, umax := trunc[W](d.Umin+s.Umin), trunc[W](d.Umax+s.Umax)
	if umin >= d.Umin && umax < d.Umax { // some sums wrap around and some don't
		umin, umax = 0, ones[W]()
	}
	*d = Range{smin, smax, umin, umax}
}

// addOverflows reports whether sum, of a and b, has a sign that neither has.
func addOverflows(a, b, sum int64) bool { return (a^sum)&(b^sum) < 0 }

func sub[W width](d, s *Range) {
	smin, smax := sext[W](uint64(d.Smin-s.Smax)), sext[W](uint64(d.Smax-s.Smin))
	if subOverflows(d.Smin, s.Smax, smin) || subOverflows(d.Smax, s.Smin, smax) {
		smin, smax = smallest[W](), largest[W]()
	}
	umin, umax := trunc[W](d.Umin-s.Umax), trunc[W](d.Umax-s.Umin)
	if d.Umin < s.Umax && d.Umax >= s.Umin { // some differences wrap around and some don't
		umin, umax = 0, ones[W]()
	}
	*d = Range{smin, smax, umin, umax}
}

func subOverflows(a, b, diff int64) bool { return (a^b)&(a^diff) < 0 }

func mul[W width](d, s *Range) {
	umax, wraps := mulUnsigned[W](d.Umax, s.Umax)
	umin, wrapsToo := mulUnsigned[W](d.Umin, s.Umin)
	if wraps || wrapsToo {
		umin, umax = 0, ones[W]()
	}
	// The extremes are among the products of the bounds.
	p, o1 := mulSigned[W](d.Smin, s.Smin)
	q, o2 := mulSigned[W](d.Smin, s.Smax)
	r, o3 := mulSigned[W](d.Smax, s.Smin)
	t, o4 := mulSigned[W](d.Smax, s.Smax)
	smin, smax := min(p, q, r, t), max(p, q, r, t)
	if o1 || o2 || o3 || o4 {
		smin, smax = smallest[W](), largest[W]()
	}
	*d = Range{smin, smax, umin, umax}
}

func mulUnsigned[W width](a, b uint64) (product uint64, overflows bool) {
	hi, lo := bits.Mul64(a, b)
	return trunc[W](lo), hi != 0 || lo != trunc[W](lo)
}

func mulSigned[W width](a, b int64) (product int64, overflows bool) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	hi -= uint64(a>>63)&uint64(b) + uint64(b>>63)&uint64(a) // from unsigned to signed
	product = sext[W](lo)
	return product, product != int64(lo) || int64(hi) != int64(lo)>>63
}

// The bitwise operations have the bits of the result, and known says that
// those and the bits of the operand are all known.

func and[W width](d, s *Range, result Tnum, known bool) {
	if known {
		*d = only[W](result.Value)
		return
	}
	d.Umin, d.Umax = trunc[W](result.Value), min(d.Umax, s.Umax)
	signedByUnsigned[W](d)
}

func or[W width](d, s *Range, result Tnum, known bool) {
	if known {
		*d = only[W](result.Value)
		return
	}
	d.Umin, d.Umax = max(d.Umin, s.Umin), trunc[W](result.Value|result.Mask)
	signedByUnsigned[W](d)
}

func xor[W width](d *Range, result Tnum, known bool) {
	if known {
		*d = only[W](result.Value)
		return
	}
	d.Umin, d.Umax = trunc[W](result.Value), trunc[W](result.Value|result.Mask)
	signedByUnsigned[W](d)
}

// lsh shifts by n, which may be more than there are bits.
func lsh[W width](d *Range, n uint) {
	anySign[W](d)
	if n >= size[W]() || d.Umax > 1<<(size[W]()-1-n) {
		anyUnsigned[W](d) // bits may fall off the top
		return
	}
	d.Umin, d.Umax = d.Umin<<n, d.Umax<<n
}

func rsh[W width](d *Range, n uint) {
	anySign[W](d)
	d.Umin, d.Umax = d.Umin>>n, d.Umax>>n
}

func rangeArsh[W width](d *Range, n uint) {
	d.Smin, d.Smax = d.Smin>>n, d.Smax>>n
	anyUnsigned[W](d)
}
