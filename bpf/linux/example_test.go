package linux_test

import (
	"fmt"

	"ebtools/bpf/linux"
)

func Example() {
	h, _ := linux.HelperByName("bpf_redirect_map")
	fmt.Println(h.ID == linux.FnRedirectMap, int(h.ID), "since", h.Since)

	s, target, _ := linux.SectionByName("tp/sched/sched_switch")
	fmt.Println(s.Type, "on", target)

	c, _ := linux.ContextOf(linux.ProgXDP)
	f, _ := c.FieldAt(4)
	fmt.Println(c.Name, "has", f.Name, "at", f.Offset)

	verdict, _ := linux.VerdictName(linux.ProgSchedCLS, 2)
	fmt.Println(verdict)
	// Output:
	// true 51 since 4.14
	// tracepoint on sched/sched_switch
	// xdp_md has data_end at 4
	// TC_ACT_SHOT
}
