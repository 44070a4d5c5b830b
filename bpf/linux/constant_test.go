package linux

import "testing"

func TestConstant(t *testing.T) {
	for name, want := range map[string]int64{
		"XDP_PASS":                 2,
		"TC_ACT_UNSPEC":            -1,
		"BPF_ANY":                  0,
		"BPF_F_CURRENT_CPU":        0xffffffff,
		"BPF_F_CURRENT_NETNS":      -1,
		"BPF_F_CTXLEN_MASK":        0xfffff00000000,
		"BPF_MAP_TYPE_LPM_TRIE":    11,
		"BPF_PROG_TYPE_XDP":        6,
		"BPF_TCX_INGRESS":          46,
		"BPF_FUNC_map_lookup_elem": 1,
		"ETH_P_8021AD":             0x88a8,
		"IPPROTO_ICMPV6":           58,
		"AF_INET6":                 10,
		"ENOENT":                   2,
		"EWOULDBLOCK":              11,
		"SECCOMP_RET_KILL_PROCESS": 0x80000000,
		"AUDIT_ARCH_X86_64":        0xc000003e,
	} {
		if got, ok := Constant(name); !ok || got != want {
			t.Errorf("Constant(%q) = %#x, %v; want %#x", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "xdp_pass", "DROP", "ALLOW", "BPF_", "XDP_PASS "} {
		if got, ok := Constant(name); ok {
			t.Errorf("Constant(%q) = %#x, want none", name, got)
		}
	}
}

func TestConstantTables(t *testing.T) {
	seen := map[string]bool{}
	for _, table := range [][]constant{bpfConstants[:], netConstants[:], seccompConstants[:]} {
		for _, c := range table {
			if c.name == "" || seen[c.name] {
				t.Errorf("constant %q is empty or there twice", c.name)
			}
			seen[c.name] = true
			if got, ok := Constant(c.name); !ok || got != c.value {
				t.Errorf("Constant(%q) = %#x, %v; want %#x: another table overrides it", c.name, got, ok, c.value)
			}
		}
	}
	for _, v := range verdictTable {
		if got, ok := Constant(v.name); ok != v.fromHeaders() || ok && got != v.value {
			t.Errorf("Constant(%q) = %#x, %v", v.name, got, ok)
		}
	}
}
