package scalar

import "testing"

// eachTnum calls f with every tnum of 4 bits and its numbers.
func eachTnum(f func(t Tnum, numbers []uint64)) {
	for mask := range uint64(16) {
		for value := range uint64(16) {
			if t := (Tnum{value, mask}); value&mask == 0 {
				var list []uint64
				for v := range uint64(16) {
					if t.Contains(v) {
						list = append(list, v)
					}
				}
				f(t, list)
			}
		}
	}
}

func TestTnumPairs(t *testing.T) {
	eachTnum(func(x Tnum, xs []uint64) {
		eachTnum(func(y Tnum, ys []uint64) {
			union, common, inside := Tnum{}, 0, true
			for i, v := range append(append([]uint64{}, xs...), ys...) {
				if i == 0 {
					union = TnumConst(v)
				}
				union = union.Union(TnumConst(v))
			}
			for _, v := range xs {
				if y.Contains(v) {
					common++
					if !x.Intersect(y).Contains(v) {
						t.Errorf("%v and %v have %d in common, %v has not", x, y, v, x.Intersect(y))
					}
				}
				inside = inside && y.Contains(v)
			}
			if got := x.Union(y); got != union {
				t.Errorf("%v or %v is %v, not the least, %v", x, y, got, union)
			}
			if got := x.Overlap(y); got != (common > 0) {
				t.Errorf("%v and %v have %d numbers in common, Overlap is %v", x, y, common, got)
			}
			if got := x.In(y); got != inside {
				t.Errorf("%v in %v: %v", x, y, got)
			}
		})
	})
}

func TestTnumOrder(t *testing.T) {
	eachTnum(func(x Tnum, xs []uint64) {
		greatest := xs[len(xs)-1]
		for v := range uint64(16) {
			want := greatest
			for _, n := range xs {
				if n > v {
					want = n
					break
				}
			}
			if got := x.after(v); got != want {
				t.Errorf("after %d in %v is %d, not %d", v, x, got, want)
			}
		}
		for _, n := range []uint64{1, 2, 4, 8} {
			aligned := true
			for _, v := range xs {
				aligned = aligned && v%n == 0
			}
			if got := x.IsAligned(n); got != aligned {
				t.Errorf("%v aligned to %d: %v", x, n, got)
			}
		}
	})
	for lo := range uint64(16) {
		for hi := lo; hi < 16; hi++ {
			r := TnumRange(lo, hi)
			for v := lo; v <= hi; v++ {
				if !r.Contains(v) {
					t.Errorf("%d is not in the range %d to %d, %v", v, lo, hi, r)
				}
			}
		}
	}
}

func TestTnumText(t *testing.T) {
	for _, test := range []struct {
		t    Tnum
		text string
	}{
		{TnumConst(65535), "65535"},
		{TnumConst(65536), "0x10000"},
		{Tnum{0, 0xff}, "(0x0; 0xff)"},
		{TnumUnknown, "(0x0; 0xffffffffffffffff)"},
	} {
		if got := test.t.String(); got != test.text {
			t.Errorf("%q, not %q", got, test.text)
		}
	}
	if got := (Tnum{5, 0xa}).Bits(); got[:60] != TnumConst(0).Bits()[:60] || got[60:] != "x1x1" {
		t.Error(got)
	}
}
