package replay

import (
	"fmt"
	"testing"

	"ebtools/bpf/linux"
)

// TestMeanings: what return values come to, and whether the packet goes on.
func TestMeanings(t *testing.T) {
	for _, c := range []struct {
		typ    linux.ProgramType
		ret    uint32
		name   string
		passes bool
	}{
		{linux.ProgXDP, 2, "XDP_PASS", true},
		{linux.ProgXDP, 1, "XDP_DROP", false},
		{linux.ProgXDP, 77, "XDP_ABORTED", false},
		{linux.ProgSchedCLS, 0, "TC_ACT_OK", true},
		{linux.ProgSchedCLS, 2, "TC_ACT_SHOT", false},
		{linux.ProgSchedCLS, 0xffffffff, "TC_ACT_UNSPEC", true},
		{linux.ProgSchedCLS, 1000, "TC_ACT_UNSPEC", true},
		{linux.ProgSchedACT, 3, "TC_ACT_PIPE", true},
		{linux.ProgSchedACT, 7, "TC_ACT_REDIRECT", false},
		{linux.ProgSocketFilter, 0, "DROP", false},
		{linux.ProgSocketFilter, 68, "KEEP", true},
		{linux.ProgCgroupSKB, 0, "DENY", false},
		{linux.ProgCgroupSKB, 1, "ALLOW", true},
		{linux.ProgCgroupSKB, 3, "ALLOW_CN", true},
		{linux.ProgLWTIn, 0, "BPF_OK", true},
		{linux.ProgLWTXmit, 2, "BPF_DROP", false},
		{linux.ProgLWTXmit, 55, "(55)", false},
		{linux.ProgFlowDissector, 129, "BPF_FLOW_DISSECTOR_CONTINUE", true},
	} {
		if m := meaningOf(c.typ, c.ret); m.name != c.name || m.passes != c.passes {
			t.Errorf("%s returns %d: %s, passes %v", c.typ, c.ret, m.name, m.passes)
		}
	}
}

// TestCounts: values without a name are told apart up to a limit.
func TestCounts(t *testing.T) {
	var a, b counts
	for i := range uint32(1000) {
		a.add(linux.ProgLWTIn, i%100, 10)
		b.add(linux.ProgSocketFilter, i, 1)
	}
	b.merge(b)
	if got := fmt.Sprint(b.verdicts()); got != "[{DROP {2 2}} {KEEP {1998 1998}}]" {
		t.Error(got)
	}
	list := a.verdicts()
	packets := int64(0)
	for _, v := range list {
		packets += v.Packets
	}
	if last := list[len(list)-1]; len(list) != maxCounted+1 || packets != 1000 || last.Name != "(other)" || last.Packets != 360 {
		t.Errorf("%d, %d packets: %v", len(list), packets, list)
	}
}
