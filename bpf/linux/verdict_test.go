package linux

import "testing"

func TestVerdictName(t *testing.T) {
	for _, tt := range []struct {
		typ  ProgramType
		ret  uint32
		want string // "" for none
	}{
		{ProgXDP, 0, "XDP_ABORTED"},
		{ProgXDP, 4, "XDP_REDIRECT"},
		{ProgXDP, 5, ""},
		{ProgXDP, 0xffffffff, ""},
		{ProgSchedCLS, 0xffffffff, "TC_ACT_UNSPEC"},
		{ProgSchedCLS, 2, "TC_ACT_SHOT"},
		{ProgSchedACT, 8, "TC_ACT_TRAP"},
		{ProgSchedACT, 9, ""},
		{ProgSocketFilter, 0, "DROP"},
		{ProgSocketFilter, 1, "KEEP"},
		{ProgSocketFilter, 0xffffffff, "KEEP"},
		{ProgCgroupSKB, 1, "ALLOW"},
		{ProgCgroupSKB, 3, "ALLOW_CN"},
		{ProgCgroupSKB, 4, ""},
		{ProgCgroupSockopt, 0, "DENY"},
		{ProgCgroupSockopt, 2, ""},
		{ProgSkMsg, 1, "SK_PASS"},
		{ProgLWTXmit, 128, "BPF_LWT_REROUTE"},
		{ProgFlowDissector, 129, "BPF_FLOW_DISSECTOR_CONTINUE"},
		{ProgFlowDissector, 128, ""},
		{ProgNetfilter, 1, "NF_ACCEPT"},
		{ProgSeccomp, 0x00050000 | 13, "SECCOMP_RET_ERRNO"},
		{ProgSeccomp, 0x00000007, "SECCOMP_RET_KILL_THREAD"},
		{ProgSeccomp, 0x12340000, ""},
		{ProgKprobe, 0, ""},
		{99, 0, ""},
	} {
		if got, ok := VerdictName(tt.typ, tt.ret); got != tt.want || ok != (tt.want != "") {
			t.Errorf("VerdictName(%v, %#x) = %q, %v; want %q", tt.typ, tt.ret, got, ok, tt.want)
		}
	}
}

func TestVerdictValue(t *testing.T) {
	for name, want := range map[string]uint32{
		"XDP_DROP": 1, "TC_ACT_UNSPEC": 0xffffffff, "TCX_DROP": 2, "NETKIT_REDIRECT": 7, "KEEP": 0xffffffff, "SECCOMP_RET_KILL": 0,
	} {
		if got, ok := VerdictValue(name); !ok || got != want {
			t.Errorf("VerdictValue(%q) = %#x, %v; want %#x", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "DROP ", "xdp_drop", "BPF_ANY"} {
		if got, ok := VerdictValue(name); ok {
			t.Errorf("VerdictValue(%q) = %#x, want none", name, got)
		}
	}
	// A name has one value in whatever family it is, and the value its name.
	for _, v := range verdictTable {
		if got, ok := VerdictValue(v.name); !ok || got != uint32(v.value) {
			t.Errorf("VerdictValue(%q) = %#x, %v; want %#x", v.name, got, ok, uint32(v.value))
		}
		for typ, family := range verdictFamilies {
			if family != v.family {
				continue
			}
			if got, ok := VerdictName(typ, uint32(v.value)); !ok || got != v.name {
				t.Errorf("VerdictName(%v, %#x) = %q, %v; want %q", typ, uint32(v.value), got, ok, v.name)
			}
		}
	}
}
