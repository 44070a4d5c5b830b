package linux

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// Every list that says since when says it of all it has, or the reason is here.
func TestEverythingHasSince(t *testing.T) {
	has := func(what string, v Version) {
		t.Helper()
		if v.Major < 3 || v.Major > 7 {
			t.Errorf("%s is since %v", what, v)
		}
	}
	for _, h := range Helpers() {
		has(h.Name, h.Since)
		for _, p := range ProgramTypes() {
			if v := h.SinceIn(p); v.Less(h.Since) || v.Less(p.Since()) {
				t.Errorf("%s in %v programs is since %v, before one of them", h.Name, p, v)
			}
		}
	}
	for _, m := range MapTypes() {
		has(m.String(), m.Since())
	}
	for _, p := range ProgramTypes() {
		has(p.String(), p.Since())
	}
	for _, a := range AttachTypes() {
		has(a.String(), a.Since())
	}
	for _, s := range Sections() {
		has(s.Pattern, s.Since())
		if s.Since().Less(s.Type.Since()) {
			t.Errorf("section %s is since %v, before its type", s.Pattern, s.Since())
		}
	}
	for pattern := range sectionSince {
		if s, _, ok := SectionByName(strings.TrimSuffix(pattern, "+")); !ok || s.Pattern != pattern {
			t.Errorf("there is no section %s", pattern)
		}
	}
	for _, f := range Features() {
		has(f.String(), f.Since())
	}
	for _, f := range MapFields() {
		has(f.Name, f.Since)
	}
	seen := uint32(0)
	for _, f := range MapFlags() {
		has(f.Name, f.Since)
		if f.Bit == 0 || f.Bit&(f.Bit-1) != 0 || seen&f.Bit != 0 {
			t.Errorf("flag %s is %#x", f.Name, f.Bit)
		}
		seen |= f.Bit
		if bit, err := ParseMapFlag(f.Name); f.Bit != FLink && (err != nil || bit != f.Bit) {
			t.Errorf("flag %s is %#x here, %#x by name (%v)", f.Name, f.Bit, bit, err)
		}
	}
	for name, bit := range mapFlagsByName {
		if seen&bit == 0 {
			t.Errorf("it is not said since when there is map flag %s", name)
		}
	}
	// The kernel's own tests call these; no other program can rely on them.
	tests := map[string]bool{
		"bpf_fentry_test1": true, "bpf_kfunc_call_memb_release": true, "bpf_kfunc_call_test_release": true,
		"bpf_modify_return_test": true, "bpf_modify_return_test2": true, "bpf_modify_return_test_tp": true,
	}
	for _, table := range [][]Kfunc{kfuncTable[:], kfuncOtherTable[:]} {
		for i, k := range table {
			if !tests[k.Name] {
				has(k.Name, k.Since)
			}
			if got, ok := KfuncRelease(k.Name); !ok || got != k {
				t.Errorf("%s is found as %v", k.Name, got)
			}
			if i > 0 && table[i-1].Name >= k.Name {
				t.Errorf("%s is not in order", k.Name)
			}
		}
	}
}

func TestFlagsAndKfuncsAgainstFeatureVersions(t *testing.T) {
	groups := featureVersions(t)
	flags, kfuncs := 0, 0
	for _, f := range MapFlags() {
		if want, ok := groups["flags"][f.Name]; ok {
			flags++
			if want != f.Since {
				t.Errorf("%s is since %v, but %v in the list", f.Name, f.Since, want)
			}
		}
	}
	// The list has the release of the helpers' dynptrs (5.19) for a function that
	// came with 6.5, and 6.11 for one whose commit, e472f88891ab, is in 6.9.
	differs := map[string]Version{"bpf_dynptr_is_rdonly": {5, 19}, "bpf_sk_assign_tcp_reqsk": {6, 11}}
	for name, want := range groups["kfuncs"] {
		k, ok := KfuncRelease(name)
		kfuncs++
		if !ok || k.Since != want && differs[name] != want {
			t.Errorf("%s is since %v (%v), but %v in the list", name, k.Since, ok, want)
		}
	}
	t.Logf("%d flags and %d functions compared", flags, kfuncs)
	if flags != len(MapFlags()) || kfuncs < 290 {
		t.Error("that is too few")
	}
}

// helperSince is a helper of a group of the eBPF docs' lists with the release
// they give it there.
type helperSince struct {
	group, helper string
	since         Version
}

// docsHelpers reads which helpers a group or a program type has since when.
func docsHelpers(t *testing.T) (rows []helperSince) {
	t.Helper()
	text, err := os.ReadFile(require.Shared(t, "facts", "helpers-functions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var group, helper string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "maps:":
			return rows
		case strings.HasPrefix(line, "  ") && strings.HasSuffix(line, ":") && line[2] != ' ' && line[2] != '#':
			group = strings.Trim(line, " :")
		case strings.HasPrefix(line, "  - name: "):
			helper = strings.TrimPrefix(line, "  - name: ")
		case strings.HasPrefix(line, "      version: "):
			var v Version
			if _, err := fmt.Sscanf(strings.TrimPrefix(line, "      version: "), "%d.%d", &v.Major, &v.Minor); err != nil {
				t.Fatal(err)
			}
			rows = append(rows, helperSince{group, helper, v})
		}
	}
	t.Fatal("the list has no end")
	return nil
}

// Where the docs say that a type of program got a helper later, so must we. What
// they say of groups that types share is checked where a type has no other way
// to the helper.
func TestHelpersByTypeAgainstDocs(t *testing.T) {
	compared := 0
	for _, row := range docsHelpers(t) {
		h, ok := HelperByName(row.helper)
		if !ok {
			t.Errorf("there is no helper %s", row.helper)
			continue
		}
		types := map[string][]ProgramType{
			"base":         {ProgXDP, ProgSchedCLS, ProgSocketFilter, ProgSkLookup},
			"tracing_prog": {ProgTracing},
			"sk_filter":    {ProgSocketFilter, ProgCgroupSKB},
		}[row.group]
		if name, is := strings.CutPrefix(row.group, "BPF_PROG_TYPE_"); is {
			p, err := ParseProgramType(name)
			if err != nil {
				t.Error(err)
				continue
			}
			types = []ProgramType{p}
		}
		if types == nil {
			t.Errorf("group %s has a release for %s, and it is not known which types it is of", row.group, row.helper)
		}
		for _, p := range types {
			compared++
			if got := h.SinceIn(p); got != row.since {
				t.Errorf("%v programs may call %s since %v, but since %v in the docs", p, row.helper, got, row.since)
			}
		}
	}
	t.Logf("%d compared", compared)
	if compared < 20 {
		t.Error("that is too few")
	}
}

// A helper that a type got later is one that 6.18 lets it call.
func TestLaterHelpersAgainstMatrix(t *testing.T) {
	allowed := map[helperOf]bool{}
	types := map[ProgramType]bool{}
	for _, row := range matrixRows[struct {
		Type    string
		Allowed []HelperID
	}](t, "helper_matrix_6.18.jsonl") {
		p := matrixType(t, row.Type)
		types[p] = true
		for _, id := range row.Allowed {
			allowed[helperOf{p, id}] = true
		}
	}
	compared := 0
	for k, v := range helperLater {
		if !types[k.t] {
			continue
		}
		compared++
		if !allowed[k] {
			t.Errorf("%v programs may call %v since %v, but not in 6.18", k.t, k.id, v)
		}
	}
	t.Logf("%d compared", compared)
	if compared < 150 {
		t.Error("that is too few")
	}
}
