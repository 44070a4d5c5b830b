package show

import (
	"fmt"
	"strconv"
	"time"
)

// Count writes n with a comma every three digits: 1,234,567.
func Count[T ~int | ~int64 | ~uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Plural writes n and its noun: "1 packet", "1,200 packets".
func Plural[T ~int | ~int64 | ~uint64](n T, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Duration writes d with three digits and its unit: "12.3 ms".
func Duration(d time.Duration) string {
	switch {
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d.Nanoseconds())
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + " µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + " ms"
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}

// Rate writes n things in d as things a second: "1.23 M", "45.6 k", "789".
func Rate(n int64, d time.Duration) string {
	if d <= 0 {
		return "?"
	}
	switch r := float64(n) / d.Seconds(); {
	case r >= 1e9:
		return digits(r/1e9) + " G"
	case r >= 1e6:
		return digits(r/1e6) + " M"
	case r >= 1e3:
		return digits(r/1e3) + " k"
	default:
		return digits(r)
	}
}

// digits writes v, from 0 to 1000, with three digits.
func digits(v float64) string {
	switch {
	case v < 9.995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v < 99.95:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'f', 0, 64)
}
