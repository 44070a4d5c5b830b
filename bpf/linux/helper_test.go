package linux

import (
	"strings"
	"testing"
)

func TestHelpers(t *testing.T) {
	helpers := Helpers()
	if len(helpers) != 211 {
		t.Fatalf("%d helpers, want the 211 of Linux 6.18", len(helpers))
	}
	seen := map[string]HelperID{}
	for i, h := range helpers {
		if h.ID != HelperID(i+1) {
			t.Errorf("row %d is helper %d, want %d", i, h.ID, i+1)
		}
		if !strings.HasPrefix(h.Name, "bpf_") {
			t.Errorf("helper %d is called %q, want a name with bpf_", h.ID, h.Name)
		}
		if other, ok := seen[h.Name]; ok {
			t.Errorf("helpers %d and %d are both called %s", other, h.ID, h.Name)
		}
		seen[h.Name] = h.ID
		// Numbers are handed out in order, so no helper is older than the one before.
		if i > 0 && h.Since.Less(helpers[i-1].Since) {
			t.Errorf("%s is of %v, but %s before it of %v", h.Name, h.Since, helpers[i-1].Name, helpers[i-1].Since)
		}
		if (Version{6, 18}).Less(h.Since) || h.Since.Less(Version{3, 19}) {
			t.Errorf("%s is of %v, want a release from 3.19 to 6.18", h.Name, h.Since)
		}
		if got, ok := HelperByName(h.Name); !ok || got != h {
			t.Errorf("HelperByName(%q) = %v, %v", h.Name, got, ok)
		}
		if got, ok := HelperByID(h.ID); !ok || got != h {
			t.Errorf("HelperByID(%d) = %v, %v", h.ID, got, ok)
		}
		if got := h.ID.String(); got != h.Name {
			t.Errorf("helper %d prints as %q, want %q", h.ID, got, h.Name)
		}
	}
}

func TestHelperUnknown(t *testing.T) {
	for _, name := range []string{"", "bpf_", "map_lookup_elem", "BPF_MAP_LOOKUP_ELEM", "bpf_unspec"} {
		if h, ok := HelperByName(name); ok {
			t.Errorf("HelperByName(%q) = %v, want none", name, h)
		}
	}
	for _, id := range []HelperID{-1 << 31, -1, 0, 212, 1<<31 - 1} {
		if h, ok := HelperByID(id); ok {
			t.Errorf("HelperByID(%d) = %v, want none", id, h)
		}
	}
	if got, want := HelperID(999).String(), "helper 999"; got != want {
		t.Errorf("HelperID(999).String() = %q, want %q", got, want)
	}
}
