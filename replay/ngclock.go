package replay

import (
	"math"
	"math/bits"
)

// ngClock turns the times of a pcapng interface into nanoseconds. A time counts
// units of base^-exponent seconds.
type ngClock struct {
	binary   bool  // base 2; else 10
	exponent uint8 // 0 to 127
	offset   int64 // seconds to add
}

// ngMicroseconds is the clock of an interface that does not describe one.
var ngMicroseconds = ngClock{exponent: 6}

// setResolution takes the value of the if_tsresol option: the exponent, and in
// the highest bit the base.
func (c *ngClock) setResolution(v byte) {
	c.binary, c.exponent = v&0x80 != 0, v&0x7f
}

var powersOf10 = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// ns returns the time since 1970 in nanoseconds, rounded down; the nearest
// int64 if it does not fit.
func (c ngClock) ns(units uint64) int64 {
	var high, low uint64 // ns before the offset, 128 bits
	switch e := uint(c.exponent); {
	case c.binary && e < 64:
		high, low = bits.Mul64(units, 1e9)
		low, high = low>>e|high<<(64-e), high>>e
	case c.binary:
		high, _ = bits.Mul64(units, 1e9)
		high, low = 0, high>>(e-64)
	case e <= 9:
		high, low = bits.Mul64(units, powersOf10[9-e])
	case e-9 < uint(len(powersOf10)):
		low = units / powersOf10[e-9]
	}
	// The sum is a signed number of 128 bits.
	if c.offset >= 0 {
		h, l := bits.Mul64(uint64(c.offset), 1e9)
		var carry uint64
		low, carry = bits.Add64(low, l, 0)
		high, _ = bits.Add64(high, h, carry)
	} else {
		h, l := bits.Mul64(-uint64(c.offset), 1e9)
		var borrow uint64
		low, borrow = bits.Sub64(low, l, 0)
		high, _ = bits.Sub64(high, h, borrow)
	}
	switch ns := int64(low); {
	case int64(high) == ns>>63:
		return ns
	case int64(high) < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}
