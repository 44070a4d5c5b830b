package linux

import (
	"sort"
	"strings"
	"testing"
)

func TestKfuncs(t *testing.T) {
	all := Kfuncs()
	if !sort.SliceIsSorted(all, func(i, j int) bool { return all[i].Name < all[j].Name }) {
		t.Error("the table is not sorted")
	}
	for _, want := range all {
		if got, ok := KfuncByName(want.Name); !ok || got != want {
			t.Errorf("%s: got %v, %v", want.Name, got, ok)
		}
		if !strings.Contains(want.Prototype, "(") || !strings.HasSuffix(want.Prototype, ")") {
			t.Errorf("%s: %q is no function", want.Name, want.Prototype)
		}
	}
	for _, name := range []string{"", "bpf_", "bpf_map_lookup_elem", "zzz"} {
		if f, ok := KfuncByName(name); ok {
			t.Errorf("%q is %v", name, f)
		}
	}
}
