package scalar

import (
	"math/bits"

	"ebtools/bpf"
)

// Outcome is which way a conditional jump goes.
type Outcome int8

// The outcomes.
const (
	Never  Outcome = iota // execution falls through
	Always                // the jump is taken
	Maybe                 // it depends
)

// Taken says which way a conditional jump (bpf.OpJEQ to bpf.OpJSLE) goes that
// compares a, the destination register, with b: all of them if wide, else the
// low halves. b is the source register or [Const] of the sign-extended
// immediate.
func Taken(op uint8, wide bool, a, b *Scalar) Outcome { return taken[w64, w32](op, wide, a, b) }

func taken[W, H width](op uint8, wide bool, a, b *Scalar) Outcome {
	ra, rb, ta, tb := &a.R64, &b.R64, a.Bits, b.Bits
	if !wide {
		ra, rb, ta, tb = &a.R32, &b.R32, part[H](ta), part[H](tb)
	}
	switch op {
	case bpf.OpJEQ:
		return equal(wide, a, b, ra, rb, ta, tb)
	case bpf.OpJNE:
		return equal(wide, a, b, ra, rb, ta, tb).opposite()
	case bpf.OpJSET:
		if !tb.IsConst() {
			ta, tb = tb, ta
		}
		switch {
		case !tb.IsConst():
			return Maybe
		case ta.Value&tb.Value != 0:
			return Always
		case (ta.Value|ta.Mask)&tb.Value == 0:
			return Never
		}
		return Maybe
	case bpf.OpJLT:
		return less(ra.Umin, ra.Umax, rb.Umin, rb.Umax)
	case bpf.OpJGE:
		return less(ra.Umin, ra.Umax, rb.Umin, rb.Umax).opposite()
	case bpf.OpJGT:
		return less(rb.Umin, rb.Umax, ra.Umin, ra.Umax)
	case bpf.OpJLE:
		return less(rb.Umin, rb.Umax, ra.Umin, ra.Umax).opposite()
	case bpf.OpJSLT:
		return less(ra.Smin, ra.Smax, rb.Smin, rb.Smax)
	case bpf.OpJSGE:
		return less(ra.Smin, ra.Smax, rb.Smin, rb.Smax).opposite()
	case bpf.OpJSGT:
		return less(rb.Smin, rb.Smax, ra.Smin, ra.Smax)
	case bpf.OpJSLE:
		return less(rb.Smin, rb.Smax, ra.Smin, ra.Smax).opposite()
	}
	return Maybe
}

func (o Outcome) opposite() Outcome {
	switch o {
	case Always:
		return Never
	case Never:
		return Always
	}
	return Maybe
}

// less compares numbers between bounds.
func less[N int64 | uint64](amin, amax, bmin, bmax N) Outcome {
	switch {
	case amax < bmin:
		return Always
	case amin >= bmax:
		return Never
	}
	return Maybe
}

func equal(wide bool, a, b *Scalar, ra, rb *Range, ta, tb Tnum) Outcome {
	switch {
	case ta.IsConst() && tb.IsConst():
		if ta.Value == tb.Value {
			return Always
		}
		return Never
	case !ta.Overlap(tb), apart(ra, rb), wide && apart(&a.R32, &b.R32):
		return Never
	}
	return Maybe
}

// apart reports whether the ranges have no number in common.
func apart(a, b *Range) bool {
	return a.Umin > b.Umax || a.Umax < b.Umin || a.Smin > b.Smax || a.Smax < b.Smin
}

// Refine gives a and b what is known after a conditional jump that compared
// them, as [Taken] does, when it was taken, or when it was not. It is for jumps
// whose outcome is Maybe.
//
// What a comparison says may contradict what is known, on a path that no run
// takes. The bounds of the scalar concerned are forgotten then.
func Refine(op uint8, wide, taken bool, a, b *Scalar) { refine[w64, w32](op, wide, taken, a, b) }

func refine[W, H width](op uint8, wide, taken bool, a, b *Scalar) {
	if op == bpf.OpJSET {
		refineSet[W, H](wide, taken, a, b)
	} else {
		narrow[W, H](op, wide, taken, a, b)
	}
	sync[W, H](a)
	sync[W, H](b)
	repair[W, H](a)
	repair[W, H](b)
}

func narrow[W, H width](op uint8, wide, taken bool, a, b *Scalar) {
	if !taken {
		op = inverse[op>>4]
	}
	switch op { // all orders as less, or less or equal
	case bpf.OpJGT, bpf.OpJGE, bpf.OpJSGT, bpf.OpJSGE:
		op, a, b = flipped[op>>4], b, a
	}
	if wide {
		switch op {
		case bpf.OpJEQ:
			a.Bits = a.Bits.Intersect(b.Bits)
			b.Bits = a.Bits
		case bpf.OpJNE:
			if !b.Bits.IsConst() {
				a, b = b, a
			}
			if !b.Bits.IsConst() {
				return
			}
		}
		compare[W](op, &a.R64, &b.R64, b.Bits)
		return
	}
	switch op {
	case bpf.OpJEQ:
		both := part[H](a.Bits).Intersect(part[H](b.Bits))
		a.Bits, b.Bits = withLow[H](a.Bits, both), withLow[H](b.Bits, both)
	case bpf.OpJNE:
		if !part[H](b.Bits).IsConst() {
			a, b = b, a
		}
		if !part[H](b.Bits).IsConst() {
			return
		}
	}
	compare[H](op, &a.R32, &b.R32, b.Bits)
}

// The operations that say the opposite, and that say the same with the operands
// exchanged, by the code's high four bits.
var (
	inverse = [16]uint8{
		bpf.OpJEQ >> 4: bpf.OpJNE, bpf.OpJNE >> 4: bpf.OpJEQ,
		bpf.OpJLT >> 4: bpf.OpJGE, bpf.OpJGE >> 4: bpf.OpJLT, bpf.OpJGT >> 4: bpf.OpJLE, bpf.OpJLE >> 4: bpf.OpJGT,
		bpf.OpJSLT >> 4: bpf.OpJSGE, bpf.OpJSGE >> 4: bpf.OpJSLT, bpf.OpJSGT >> 4: bpf.OpJSLE, bpf.OpJSLE >> 4: bpf.OpJSGT,
	}
	flipped = [16]uint8{
		bpf.OpJGT >> 4: bpf.OpJLT, bpf.OpJGE >> 4: bpf.OpJLE, bpf.OpJSGT >> 4: bpf.OpJSLT, bpf.OpJSGE >> 4: bpf.OpJSLE,
	}
)

// compare narrows the ranges of a and b by a op b. For JNE, b is the number in
// value.
func compare[W width](op uint8, a, b *Range, value Tnum) {
	switch op {
	case bpf.OpJEQ:
		*a = a.unsigned(b.Umin, b.Umax).signed(b.Smin, b.Smax)
		*b = *a
	case bpf.OpJNE:
		exclude[W](a, value.Value)
	case bpf.OpJLE:
		a.Umax = min(a.Umax, b.Umax)
		b.Umin = max(a.Umin, b.Umin)
	case bpf.OpJLT:
		a.Umax = min(a.Umax, trunc[W](b.Umax-1))
		b.Umin = max(trunc[W](a.Umin+1), b.Umin)
	case bpf.OpJSLE:
		a.Smax = min(a.Smax, b.Smax)
		b.Smin = max(a.Smin, b.Smin)
	case bpf.OpJSLT:
		a.Smax = min(a.Smax, sext[W](uint64(b.Smax-1)))
		b.Smin = max(sext[W](uint64(a.Smin+1)), b.Smin)
	}
}

// exclude takes v off the ends of r.
func exclude[W width](r *Range, v uint64) {
	unsigned, signed := trunc[W](v), sext[W](v)
	if r.Umin == unsigned {
		r.Umin = trunc[W](r.Umin + 1)
	}
	if r.Umax == unsigned {
		r.Umax = trunc[W](r.Umax - 1)
	}
	if r.Smin == signed {
		r.Smin = sext[W](uint64(r.Smin + 1))
	}
	if r.Smax == signed {
		r.Smax = sext[W](uint64(r.Smax - 1))
	}
}

// refineSet takes bits from a test of bits with a constant. A test that was
// passed says something only of a single bit, one that was not of all.
func refineSet[W, H width](wide, taken bool, a, b *Scalar) {
	isConst := func(s *Scalar) bool { return s.Bits.IsConst() || !wide && part[H](s.Bits).IsConst() }
	if !isConst(b) {
		a, b = b, a
	}
	if !isConst(b) {
		return
	}
	mask := b.Bits.Value
	if !wide {
		mask = trunc[H](mask)
	}
	if taken {
		if bits.OnesCount64(mask) == 1 {
			a.Bits = a.Bits.Or(TnumConst(mask))
		}
		return
	}
	a.R64, a.R32 = full[W](), full[H]()
	a.Bits = a.Bits.And(TnumConst(trunc[W](^mask)))
}
