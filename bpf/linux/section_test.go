package linux

import (
	"strings"
	"testing"
)

func TestSectionTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Sections() {
		if s.Pattern == "" || seen[s.Pattern] {
			t.Errorf("pattern %q is empty or there twice", s.Pattern)
		}
		seen[s.Pattern] = true
		if s.Type == ProgUnspec {
			t.Errorf("section %s has no program type", s.Pattern)
		}
		if s.Flags&SecTargetRequired != 0 && !s.TakesTarget() {
			t.Errorf("section %s needs a target but takes none", s.Pattern)
		}
		if got, want := s.Flags&SecSleepable != 0, strings.HasSuffix(s.Pattern, ".s+") || s.Pattern == "syscall"; got != want {
			t.Errorf("section %s: sleepable is %v, want %v", s.Pattern, got, want)
		}
		if got, want := s.LoadFlags()&FXDPHasFrags != 0, strings.Contains(s.Pattern, ".frags"); got != want {
			t.Errorf("section %s: frags is %v, want %v", s.Pattern, got, want)
		}
		if s.Flags&SecNoAutoload != 0 {
			t.Errorf("section %s is never loaded by itself", s.Pattern)
		}
	}
}

func TestSectionByName(t *testing.T) {
	for _, tt := range []struct {
		name    string
		pattern string // "" for none
		target  string
		typ     ProgramType
		attach  AttachType
		flags   SectionFlags
	}{
		{"xdp", "xdp", "", ProgXDP, AttachXDP, SecAttachOptional},
		{"?xdp", "xdp", "", ProgXDP, AttachXDP, SecAttachOptional | SecNoAutoload},
		{"xdp.frags", "xdp.frags", "", ProgXDP, AttachXDP, SecFrags},
		{"xdp.frags/devmap", "xdp.frags/devmap", "", ProgXDP, AttachXDPDevmap, SecFrags},
		{"xdp/cpumap", "xdp/cpumap", "", ProgXDP, AttachXDPCpumap, 0},
		{"xdp/", "", "", 0, 0, 0},
		{"xdp/eth0", "", "", 0, 0, 0},
		{"xdp_drop_icmp", "", "", 0, 0, 0},
		{"xdp+", "", "", 0, 0, 0},
		{"??xdp", "", "", 0, 0, 0},
		{"kprobe", "kprobe+", "", ProgKprobe, 0, 0},
		{"kprobe/", "kprobe+", "", ProgKprobe, 0, 0},
		{"kprobe/do_unlinkat+0x10", "kprobe+", "do_unlinkat+0x10", ProgKprobe, 0, 0},
		{"kprobes/x", "", "", 0, 0, 0},
		{"uprobe.s//bin/sh:main", "uprobe.s+", "/bin/sh:main", ProgKprobe, 0, SecSleepable},
		{"usdt.s/libc:libc:setjmp", "usdt.s+", "libc:libc:setjmp", ProgKprobe, 0, SecUSDT | SecSleepable},
		{"tp/sched/sched_switch", "tp+", "sched/sched_switch", ProgTracepoint, 0, 0},
		{"?tracepoint/sched/sched_switch", "tracepoint+", "sched/sched_switch", ProgTracepoint, 0, SecNoAutoload},
		{"tp_btf/sched_switch", "tp_btf+", "sched_switch", ProgTracing, AttachTraceRawTP, SecTargetRequired},
		{"fentry", "fentry+", "", ProgTracing, AttachTraceFentry, SecTargetRequired},
		{"lsm.s/bpf", "lsm.s+", "bpf", ProgLSM, AttachLSMMac, SecTargetRequired | SecSleepable},
		{"tc", "tc", "", ProgSchedCLS, 0, 0},
		{"tc/ingress", "tc/ingress", "", ProgSchedCLS, AttachTCXIngress, 0},
		{"tc/other", "", "", 0, 0, 0},
		{"classifier", "classifier", "", ProgSchedCLS, 0, 0},
		{"action", "action", "", ProgSchedACT, 0, 0},
		{"socket", "socket", "", ProgSocketFilter, 0, 0},
		{"cgroup_skb/egress", "cgroup_skb/egress", "", ProgCgroupSKB, AttachCgroupInetEgress, SecAttachOptional},
		{"cgroup/connect4", "cgroup/connect4", "", ProgCgroupSockAddr, AttachCgroupInet4Connect, 0},
		{"cgroup", "", "", 0, 0, 0},
		{"prog", "prog", "", ProgXDP, AttachXDP, SecAttachOptional},
		{"seccomp", "seccomp", "", ProgSeccomp, 0, 0},
		{".text", "", "", 0, 0, 0},
		{"", "", "", 0, 0, 0},
		{"?", "", "", 0, 0, 0},
		{"/", "", "", 0, 0, 0},
	} {
		s, target, ok := SectionByName(tt.name)
		if ok != (tt.pattern != "") || s.Pattern != tt.pattern || target != tt.target {
			t.Errorf("SectionByName(%q) = %q, %q, %v; want %q, %q", tt.name, s.Pattern, target, ok, tt.pattern, tt.target)
			continue
		}
		if s.Type != tt.typ || s.Attach != tt.attach || s.Flags != tt.flags {
			t.Errorf("SectionByName(%q) = %v, attach %v, flags %b; want %v, %v, %b",
				tt.name, s.Type, s.Attach, s.Flags, tt.typ, tt.attach, tt.flags)
		}
	}
}

// sectionNames gives names that do and don't match, made from every pattern.
func sectionNames() []string {
	var names []string
	for _, s := range sectionTable {
		base := strings.TrimSuffix(s.Pattern, "+")
		for _, suffix := range []string{"", "/", "/x", "/x/y", "+", "x", ".s", ".s/x", ".frags", "/devmap", "?"} {
			names = append(names, base+suffix)
		}
		names = append(names, "?"+base, base[:len(base)-1], s.Pattern)
	}
	return names
}

// The lookup by map must find what a walk over the table, pattern by pattern,
// finds first.
func TestSectionByNameFindsFirst(t *testing.T) {
	walk := func(name string) string {
		name = strings.TrimPrefix(name, "?")
		for _, s := range sectionTable {
			if base, open := strings.CutSuffix(s.Pattern, "+"); name == base || open && strings.HasPrefix(name, base+"/") {
				return s.Pattern
			}
		}
		return ""
	}
	for _, name := range sectionNames() {
		if s, _, _ := SectionByName(name); s.Pattern != walk(name) {
			t.Errorf("SectionByName(%q) is %q, want %q", name, s.Pattern, walk(name))
		}
	}
}
