package linux

import (
	"errors"
	"strconv"
	"strings"
	"testing"
)

// checkEnum checks what is common to the numbered types: values is all of
// them, first the lowest, prefix what the kernel puts before their names.
func checkEnum[T interface {
	~uint32
	String() string
	Since() Version
}](t *testing.T, values []T, first T, prefix string, parse func(string) (T, error), unknown string,
) {
	t.Helper()
	seen := map[string]bool{}
	for i, v := range values {
		if v != first+T(i) {
			t.Errorf("value %d is %d, want %d: no gaps", i, v, first+T(i))
		}
		name := v.String()
		if seen[name] || name == "" {
			t.Errorf("%d is called %q, want a name of its own", v, name)
		}
		seen[name] = true
		if v.Since() == (Version{}) {
			t.Errorf("%v: since which release?", v)
		}
		for _, spelling := range []string{
			name, strings.ToUpper(name), prefix + strings.ToUpper(name), strings.ToLower(prefix) + name,
		} {
			if got, err := parse(spelling); err != nil || got != v {
				t.Errorf("parsing %q gives %v, %v; want %v", spelling, got, err, v)
			}
		}
	}
	for _, name := range []string{"", "unspec", prefix, prefix + "UNSPEC", "nonsense", "hash ", strings.Repeat("x", 100)} {
		_, err := parse(name)
		if !errors.Is(err, ErrUnknownName) || !strings.Contains(err.Error(), strconv.Quote(name)) {
			t.Errorf("parsing %q gives the error %v, want one of an unknown name that quotes it", name, err)
		}
	}
	for _, number := range []uint32{99, 1<<31 + 1, 1<<32 - 1} {
		if got, want := T(number).String(), unknown+"("+strconv.FormatUint(uint64(number), 10)+")"; got != want {
			t.Errorf("%d prints as %q, want %q", number, got, want)
		}
		if got := T(number).Since(); got != (Version{}) {
			t.Errorf("%d is since %v, want unknown", number, got)
		}
	}
}

func TestMapTypes(t *testing.T) {
	checkEnum(t, MapTypes(), MapHash, "BPF_MAP_TYPE_", ParseMapType, "map_type")
	if got := MapTypes(); len(got) != 33 || got[32] != MapArena {
		t.Errorf("%d map types, want the 33 of Linux 6.18", len(got))
	}
	var perCPU []string
	for _, m := range MapTypes() {
		if m.PerCPU() {
			perCPU = append(perCPU, m.String())
		}
		if strings.Contains(m.String(), "percpu") != m.PerCPU() {
			t.Errorf("%v.PerCPU() = %v", m, m.PerCPU())
		}
	}
	if len(perCPU) != 4 {
		t.Errorf("per-CPU map types are %v, want 4", perCPU)
	}
	if got, err := ParseMapType("BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED"); err != nil || got != MapPercpuCgroupStorage {
		t.Errorf("the second name of percpu_cgroup_storage gives %v, %v", got, err)
	}
}

func TestProgramTypes(t *testing.T) {
	checkEnum(t, ProgramTypes(), ProgSocketFilter, "BPF_PROG_TYPE_", ParseProgramType, "prog_type")
	if got := ProgramTypes(); len(got) != 32 || got[31] != ProgNetfilter {
		t.Errorf("%d program types, want the 32 of Linux 6.18", len(got))
	}
	if got, err := ParseProgramType("Seccomp"); err != nil || got != ProgSeccomp || got.String() != "seccomp" {
		t.Errorf("seccomp gives %v, %v", got, err)
	}
}

func TestAttachTypes(t *testing.T) {
	checkEnum(t, AttachTypes(), AttachCgroupInetIngress, "BPF_", ParseAttachType, "attach_type")
	if got := AttachTypes(); len(got) != 59 || got[58] != AttachTraceFsession {
		t.Errorf("%d attach types, want the 58 of Linux 6.18 and trace_fsession", len(got))
	}
}

func TestParseMapFlag(t *testing.T) {
	for _, tt := range []struct {
		name string
		want uint32
	}{
		{"no_prealloc", 1}, {"BPF_F_NO_PREALLOC", 1}, {"bpf_f_rdonly_prog", 128}, {"Mmapable", 1024}, {"BPF_F_NO_USER_CONV", 1 << 18},
	} {
		if got, err := ParseMapFlag(tt.name); err != nil || got != tt.want {
			t.Errorf("ParseMapFlag(%q) = %#x, %v; want %#x", tt.name, got, err, tt.want)
		}
	}
	seen := map[uint32]string{}
	for name, flag := range mapFlagsByName {
		if value, ok := Constant("BPF_F_" + strings.ToUpper(name)); !ok || value != int64(flag) {
			t.Errorf("flag %s is %#x, but the constant %#x", name, flag, value)
		}
		if other, ok := seen[flag]; ok || flag&(flag-1) != 0 {
			t.Errorf("flag %s is %#x, as %q: want a bit of its own", name, flag, other)
		}
		seen[flag] = name
	}
	// Not flags of a map's creation.
	for _, name := range []string{"", "BPF_F_SLEEPABLE", "link", "path_fd", "BPF_ANY"} {
		if got, err := ParseMapFlag(name); !errors.Is(err, ErrUnknownName) {
			t.Errorf("ParseMapFlag(%q) = %#x, %v; want an unknown name", name, got, err)
		}
	}
}

// Lookups are made per instruction and per packet: none may allocate.
func TestLookupsDoNotAllocate(t *testing.T) {
	c, _ := ContextOf(ProgSchedCLS)
	for name, lookup := range map[string]func() bool{
		"HelperByName":      func() bool { _, ok := HelperByName("bpf_redirect_map"); return ok },
		"HelperByID":        func() bool { _, ok := HelperByID(FnRedirectMap); return ok },
		"HelperID.String":   func() bool { return FnRedirectMap.String() != "" },
		"MapType.String":    func() bool { return MapHash.String() != "" },
		"ParseMapType":      func() bool { _, err := ParseMapType("BPF_MAP_TYPE_HASH"); return err == nil },
		"ParseMapFlag":      func() bool { _, err := ParseMapFlag("NO_PREALLOC"); return err == nil },
		"ParseProgramType":  func() bool { _, err := ParseProgramType("XDP"); return err == nil },
		"ParseAttachType":   func() bool { _, err := ParseAttachType("BPF_XDP"); return err == nil },
		"SectionByName":     func() bool { _, _, ok := SectionByName("?tp/sched/sched_switch"); return ok },
		"SectionByName, no": func() bool { _, _, ok := SectionByName("xdp/eth0"); return !ok },
		"ContextOf":         func() bool { _, ok := ContextOf(ProgXDP); return ok },
		"Context.Field":     func() bool { _, ok := c.Field("cb"); return ok },
		"Context.FieldAt":   func() bool { _, ok := c.FieldAt(60); return ok },
		"VerdictName":       func() bool { _, ok := VerdictName(ProgXDP, 1); return ok },
		"VerdictValue":      func() bool { _, ok := VerdictValue("XDP_DROP"); return ok },
		"Constant":          func() bool { _, ok := Constant("ETH_P_IPV6"); return ok },
		"Errno.Name":        func() bool { return ENOENT.Name() != "" },
	} {
		if n := testing.AllocsPerRun(100, func() {
			if !lookup() {
				t.Errorf("%s fails", name)
			}
		}); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}
