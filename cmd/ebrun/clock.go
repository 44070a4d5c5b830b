package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// parseClock reads --clock: what the programs' clocks show. "capture", the
// default, is the time of the packet, and gives no function. "fixed" stands still
// at 0, "fixed=TIME" at that time; "step=1us" goes on by so much each time it is
// asked, from 0.
func parseClock(text string) (func() uint64, error) {
	kind, value, given := strings.Cut(text, "=")
	switch kind {
	case "capture":
		if !given {
			return nil, nil
		}
	case "fixed":
		at := uint64(0)
		if given {
			var err error
			if at, err = parseTime(value); err != nil {
				return nil, err
			}
		}
		return func() uint64 { return at }, nil
	case "step":
		step, err := time.ParseDuration(value)
		if err == nil && step > 0 {
			var now atomic.Uint64
			return func() uint64 { return now.Add(uint64(step)) }, nil
		}
	}
	return nil, fmt.Errorf("%q, expected capture, fixed, fixed=TIME or step=DURATION such as step=1us", text)
}

// parseTime reads ns, a duration since the clock began ("90s") or a date.
func parseTime(text string) (uint64, error) {
	if ns, err := strconv.ParseUint(text, 10, 64); err == nil {
		return ns, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return uint64(d), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return uint64(t.UnixNano()), nil
	}
	return 0, fmt.Errorf("time %q, expected ns, a duration such as 90s or a date such as 2026-01-31T12:00:00Z", text)
}
