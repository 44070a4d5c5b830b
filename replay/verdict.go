package replay

import (
	"cmp"
	"fmt"
	"slices"

	"ebtools/bpf/linux"
)

// meaning is what a program's return value comes to: its name, the value that
// those with the same meaning share, and whether the packet goes on.
type meaning struct {
	name   string
	value  uint32
	passes bool
}

// meaningOf reads a return value as the kernel does for programs of a type.
func meaningOf(t linux.ProgramType, ret uint32) meaning {
	m := meaning{value: ret}
	switch t {
	case linux.ProgXDP:
		if ret > linux.XDPRedirect {
			m.value = linux.XDPAborted
		}
		m.passes = m.value == linux.XDPPass
	case linux.ProgSchedCLS, linux.ProgSchedACT:
		if _, ok := linux.VerdictName(t, ret); !ok {
			m.value = 0xffffffff // TC_ACT_UNSPEC
		}
		switch int32(m.value) {
		case linux.TCActUnspec, linux.TCActOK, linux.TCActReclassify, linux.TCActPipe:
			m.passes = true
		}
	case linux.ProgSocketFilter:
		m.value = min(ret, 1)
		m.passes = ret != 0
	case linux.ProgCgroupSKB:
		m.value = ret & 3
		m.passes = ret&1 != 0
	case linux.ProgFlowDissector:
		m.passes = ret != linux.RetDrop
	default:
		m.passes = ret == linux.RetOK || ret == linux.RetLWTReroute
	}
	name, ok := linux.VerdictName(t, m.value)
	if !ok {
		name = fmt.Sprintf("(%d)", int32(ret))
	}
	m.name = name
	return m
}

// counts are packets by what the program said of them.
type counts struct {
	list  []counted
	small [16]uint8 // place in list of a small return value plus 1, 0 for not known
}

type counted struct {
	meaning
	Tally
}

// add counts a packet.
func (c *counts) add(t linux.ProgramType, ret uint32, bytes int) *counted {
	var at *counted
	if ret < uint32(len(c.small)) && c.small[ret] > 0 {
		at = &c.list[c.small[ret]-1]
	} else {
		i := c.of(meaningOf(t, ret))
		if ret < uint32(len(c.small)) {
			c.small[ret] = uint8(i + 1)
		}
		at = &c.list[i]
	}
	at.Packets++
	at.Bytes += int64(bytes)
	return at
}

// maxCounted bounds how many values are told apart; those without a name may be
// many.
const maxCounted = 64

// of finds the place where a meaning is counted.
func (c *counts) of(m meaning) int {
	same := func(e counted) bool { return e.value == m.value }
	i := slices.IndexFunc(c.list, same)
	if i < 0 && len(c.list) >= maxCounted {
		m = meaning{name: "(other)", value: 0x7fffffff}
		i = slices.IndexFunc(c.list, same)
	}
	if i < 0 {
		i = len(c.list)
		c.list = append(c.list, counted{meaning: m})
	}
	return i
}

// merge adds what another lane counted.
func (c *counts) merge(other counts) {
	for _, e := range other.list {
		at := &c.list[c.of(e.meaning)]
		at.Packets += e.Packets
		at.Bytes += e.Bytes
	}
}

// verdicts gives those that occurred, by value; signed, so that TC_ACT_UNSPEC is
// first.
func (c *counts) verdicts() []Verdict {
	list := slices.Clone(c.list)
	slices.SortStableFunc(list, func(a, b counted) int { return cmp.Compare(int32(a.value), int32(b.value)) })
	out := make([]Verdict, len(list))
	for i, e := range list {
		out[i] = Verdict{e.name, e.Tally}
	}
	return out
}
