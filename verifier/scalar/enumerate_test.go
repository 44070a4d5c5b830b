package scalar

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// Enumerated are scalars of 4 bits with halves of 2, and some of 6 with halves
// of 3. A half is half as wide as the whole here too: sync and shifts by the
// width of a half build on it.
type (
	w6 = [6]struct{}
	w4 = [4]struct{}
	w3 = [3]struct{}
	w2 = [2]struct{}
)

// set is the numbers that a scalar of up to 6 bits may be, bit n for number n.
type set uint64

// abstract is a scalar with its numbers.
type abstract struct {
	Scalar
	set
}

func numbers[W, H width](s *Scalar) (n set) {
	for v := range ones[W]() + 1 {
		if contains[W, H](s, v) {
			n |= 1 << v
		}
	}
	return n
}

// states are the scalars that sync leaves of every combination of known bits
// with bounds, so far as some number is left: of the whole, unsigned with
// signed, and of the low half.
func states[W, H width](t *testing.T) []abstract {
	seen := map[Scalar]bool{}
	var list []abstract
	keep := func(s Scalar) {
		before := numbers[W, H](&s)
		if before == 0 {
			return
		}
		sync[W, H](&s)
		after := numbers[W, H](&s)
		if before&^after != 0 {
			t.Fatalf("sync loses numbers %b of %b: %+v", before&^after, before, s)
		}
		if !seen[s] {
			seen[s] = true
			list = append(list, abstract{s, after})
		}
	}
	each := func(low bool) {
		for mask := range ones[W]() + 1 {
			for value := range ones[W]() + 1 {
				if value&mask != 0 {
					continue
				}
				base := Scalar{Tnum{value, mask}, full[W](), full[H]()}
				if low {
					eachRange[H](func(r Range) { base.R32 = r; keep(base) })
				} else {
					eachRange[W](func(r Range) { base.R64 = r; keep(base) })
				}
			}
		}
	}
	each(false)
	each(true)
	return list
}

// sampled are n random scalars that sync leaves, with bounds of both the whole
// and the low half.
func sampled[W, H width](t *testing.T, n int) (list []abstract) {
	r := rand.New(rand.NewPCG(3, 4))
	between := func(ones uint64) (lo, hi uint64) {
		a, b := r.Uint64()&ones, r.Uint64()&ones
		return min(a, b), max(a, b)
	}
	bounds := func(ones uint64, smallest int64) Range {
		umin, umax := between(ones)
		smin, smax := between(ones)
		return Range{int64(smin) + smallest, int64(smax) + smallest, umin, umax}
	}
	for len(list) < n {
		mask := (r.Uint64() | r.Uint64()) & ones[W]()
		s := Scalar{Tnum{r.Uint64() & ones[W]() &^ mask, mask}, full[W](), full[H]()}
		if r.IntN(4) != 0 {
			s.R64 = bounds(ones[W](), smallest[W]())
		}
		if r.IntN(4) != 0 {
			s.R32 = bounds(ones[H](), smallest[H]())
		}
		before := numbers[W, H](&s)
		if before == 0 {
			continue
		}
		sync[W, H](&s)
		after := numbers[W, H](&s)
		if before&^after != 0 {
			t.Fatalf("sync loses numbers %b of %b: %+v", before&^after, before, s)
		}
		list = append(list, abstract{s, after})
	}
	return list
}

// eachRange calls f with every pair of an unsigned and a signed range.
func eachRange[W width](f func(Range)) {
	for umin := range ones[W]() + 1 {
		for umax := umin; umax <= ones[W](); umax++ {
			for smin := smallest[W](); smin <= largest[W](); smin++ {
				for smax := smin; smax <= largest[W](); smax++ {
					f(Range{smin, smax, umin, umax})
				}
			}
		}
	}
}

// operations are all that Apply does with two numbers, but for the byte order.
var operations = []bpf.Instruction{
	{Op: bpf.OpAdd},
	{Op: bpf.OpSub},
	{Op: bpf.OpMul},
	{Op: bpf.OpAnd},
	{Op: bpf.OpOr},
	{Op: bpf.OpXor},
	{Op: bpf.OpNeg},
	{Op: bpf.OpLsh},
	{Op: bpf.OpRsh},
	{Op: bpf.OpArsh},
	{Op: bpf.OpMov | bpf.SourceX},
	{Op: bpf.OpDiv},
	{Op: bpf.OpMod},
	{Op: bpf.OpDiv, Off: 1},
	{Op: bpf.OpMod, Off: 1},
}

var comparisons = []uint8{
	bpf.OpJEQ, bpf.OpJNE, bpf.OpJSET, bpf.OpJGT, bpf.OpJGE, bpf.OpJLT, bpf.OpJLE, bpf.OpJSGT, bpf.OpJSGE, bpf.OpJSLT, bpf.OpJSLE,
}

// concrete is what an operation does with numbers of W bits, by bpf.ALU: shifted
// to the top of a register, or extended into one.
func concrete[W width](in bpf.Instruction, a, b uint64) uint64 {
	signed := in.Off == 1 || in.Code() == bpf.OpArsh
	count := in.Code() == bpf.OpLsh || in.Code() == bpf.OpRsh || in.Code() == bpf.OpArsh
	in.Op |= bpf.ClassALU64 | bpf.SourceX
	if count {
		b %= uint64(size[W]())
	}
	if signed {
		a = uint64(sext[W](a))
		if !count {
			b = uint64(sext[W](b))
		}
	}
	return trunc[W](bpf.ALU(in, a, b))
}

// holds is whether a comparison of numbers of W bits holds.
func holds[W width](op uint8, a, b uint64) bool {
	switch op {
	case bpf.OpJSGT, bpf.OpJSGE, bpf.OpJSLT, bpf.OpJSLE:
		a, b = uint64(sext[W](a)), uint64(sext[W](b))
	}
	return bpf.Condition(bpf.Instruction{Op: bpf.ClassJMP | bpf.SourceX | op}, a, b)
}

// enumeration checks scalars of W bits against all their numbers.
type enumeration[W, H width] struct {
	t     *testing.T
	count int
	// What each operation makes of the numbers a and b, and whether each
	// comparison of them holds: of the whole and of the halves.
	results [2][][64][64]uint64
	holding [2][][64]set // the numbers b
	// The same of all numbers b of one scalar y.
	images [2][][64]set
}

func newEnumeration[W, H width](t *testing.T) *enumeration[W, H] {
	e := &enumeration[W, H]{t: t}
	for half := range e.results {
		e.results[half] = make([][64][64]uint64, len(operations))
		e.images[half] = make([][64]set, len(operations))
		e.holding[half] = make([][64]set, len(comparisons))
		for a := range ones[W]() + 1 {
			for b := range ones[W]() + 1 {
				for i, in := range operations {
					if half == 0 {
						e.results[half][i][a][b] = concrete[W](in, a, b)
					} else {
						e.results[half][i][a][b] = concrete[H](in, trunc[H](a), trunc[H](b))
					}
				}
				for i, op := range comparisons {
					if half == 0 && holds[W](op, a, b) || half == 1 && holds[H](op, trunc[H](a), trunc[H](b)) {
						e.holding[half][i][a] |= 1 << b
					}
				}
			}
		}
	}
	return e
}

// against checks every operation and comparison of each of xs with y.
func (e *enumeration[W, H]) against(y *abstract, xs []abstract) {
	for half := range 2 {
		for i := range operations {
			for a := range ones[W]() + 1 {
				var image set
				y.each(func(b uint64) { image |= 1 << e.results[half][i][a][b] })
				e.images[half][i][a] = image
			}
		}
	}
	for i := range xs {
		for half := range 2 {
			e.operate(half, &xs[i], y)
			e.compare(half, &xs[i], y)
		}
	}
}

func (e *enumeration[W, H]) operate(half int, x, y *abstract) {
	for i, in := range operations {
		in.Op |= [2]uint8{bpf.ClassALU64, bpf.ClassALU}[half]
		d := x.Scalar
		apply[W, H](&d, &y.Scalar, in)
		repair[W, H](&d)
		var results set
		x.each(func(a uint64) { results |= e.images[half][i][a] })
		e.within(results, &d, func() string {
			return fmt.Sprintf("a result of op %#x of\n%+v and\n%+v", in.Op, x.Scalar, y.Scalar)
		})
		e.count++
	}
}

// within checks that all numbers of n are numbers of s.
func (e *enumeration[W, H]) within(n set, s *Scalar, what func() string) {
	n.each(func(v uint64) {
		if !contains[W, H](s, v) {
			e.t.Fatalf("%d of %d bits: %d is not in %+v,\n%s", size[H](), size[W](), v, *s, what())
		}
	})
}

// each calls f with the numbers.
func (n set) each(f func(uint64)) {
	for ; n != 0; n &= n - 1 {
		f(uint64(bits.TrailingZeros64(uint64(n))))
	}
}

func (e *enumeration[W, H]) compare(half int, x, y *abstract) {
	for i, op := range comparisons {
		var as, bs [2]set // the numbers with which the jump is not taken, and taken
		x.each(func(a uint64) {
			yes := e.holding[half][i][a] & y.set
			for way, b := range [2]set{y.set &^ yes, yes} {
				if bs[way] |= b; b != 0 {
					as[way] |= 1 << a
				}
			}
		})
		what := func() string {
			return fmt.Sprintf("comparison %#x, half %d, of\n%+v and\n%+v", op, half, x.Scalar, y.Scalar)
		}
		outcome := taken[W, H](op, half == 0, &x.Scalar, &y.Scalar)
		if outcome == Always && as[0] != 0 || outcome == Never && as[1] != 0 {
			e.t.Fatalf("%d is not always so: %s", outcome, what())
		}
		for way := range 2 {
			if outcome == Maybe {
				a, b := x.Scalar, y.Scalar
				refine[W, H](op, half == 0, way == 1, &a, &b)
				e.within(as[way], &a, what)
				e.within(bs[way], &b, what)
			}
		}
		e.count++
	}
}

// single checks what is done with one scalar.
func (e *enumeration[W, H]) single(x *abstract) {
	for n := uint(1); n < size[W](); n++ {
		e.cast(x, func(s *Scalar) { truncate[W, H](s, n) }, func(v uint64) uint64 { return v & (1<<n - 1) })
		if n <= size[H]() {
			e.cast(x, func(s *Scalar) { signExtend[W, H](s, n) }, func(v uint64) uint64 { return trunc[W](uint64(signed(v, n))) })
		}
		if n < size[H]() {
			e.cast(x, func(s *Scalar) {
				signExtendLow[W, H](s, n)
				zeroExtend[W, H](s)
				sync[W, H](s)
			}, func(v uint64) uint64 { return trunc[H](uint64(signed(v, n))) })
		}
	}
}

func (e *enumeration[W, H]) cast(x *abstract, f func(*Scalar), g func(uint64) uint64) {
	s := x.Scalar
	f(&s)
	x.each(func(v uint64) {
		if !contains[W, H](&s, g(v)) {
			e.t.Fatalf("%d becomes %d, not in %+v, of %+v", v, g(v), s, x.Scalar)
		}
	})
	e.count++
}

// run checks all states with each other, or with so many of them.
func (e *enumeration[W, H]) run(list []abstract, others int) {
	for i := range list {
		e.single(&list[i])
	}
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	others = min(others, len(list))
	for i := range others {
		e.against(&list[i], list)
	}
	e.t.Logf("%d bits: %d states with %d of them, %d results checked", size[W](), len(list), others, e.count)
}

// TestSound checks that no operation loses a number: whatever a and b are
// within two scalars, the result is within the resulting scalar, and after a
// jump a and b are within the refined ones.
func TestSound(t *testing.T) {
	others, n, othersOf6 := 20, 1000, 10
	if require.Long() {
		others, n, othersOf6 = 1<<30, 20_000, 500
	}
	newEnumeration[w4, w2](t).run(states[w4, w2](t), others)
	newEnumeration[w4, w2](t).run(sampled[w4, w2](t, n), othersOf6)
	newEnumeration[w6, w3](t).run(sampled[w6, w3](t, n), othersOf6)
}

// TestSmall checks that sync's short way leads where the long one does.
func TestSmall(t *testing.T) {
	n := 0
	any4 := Tnum{Mask: ones[w4]()}
	eachRange[w4](func(whole Range) {
		eachRange[w2](func(low Range) {
			both, ok := small[w2](whole, low)
			if !ok {
				return
			}
			n++
			gotWhole, gotLow, bits := deduce[w4, w2](whole, low, any4)
			if gotWhole != both || gotLow != both || bits != any4 && bits != any4.Intersect(TnumRange(both.Umin, both.Umax)) {
				t.Fatalf("%+v with %+v is %+v and %+v, %v, not both %+v", whole, low, gotWhole, gotLow, bits, both)
			}
		})
	})
	if n == 0 {
		t.Error("nothing is small")
	}
}
