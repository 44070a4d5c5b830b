package linux

import (
	"slices"
	"strconv"
)

// HelperID is the number of a helper function: what the immediate of a call
// instruction holds when its source register is 0.
type HelperID int32

// String gives the helper's name, "bpf_map_lookup_elem", or "helper 999" for a
// number that no helper has.
func (id HelperID) String() string {
	if h, ok := HelperByID(id); ok {
		return h.Name
	}
	return "helper " + strconv.Itoa(int(id))
}

// Helper is one function of the kernel that a program may call by number.
type Helper struct {
	ID    HelperID
	Name  string  // as C programs write it: "bpf_map_lookup_elem"
	Since Version // the first release whose headers number it
	GPL   bool    // only programs with a GPL-compatible license may call it
}

// HelperByName returns the helper called name, which includes "bpf_".
func HelperByName(name string) (Helper, bool) {
	id, ok := helperIDs[name]
	if !ok {
		return Helper{}, false
	}
	return HelperByID(id)
}

// HelperByID returns the helper numbered id.
func HelperByID(id HelperID) (Helper, bool) {
	if id < 1 || int(id) > len(helperTable) {
		return Helper{}, false
	}
	return helperTable[id-1], true
}

// Helpers returns all helpers in the order of their ids, which start at 1 and
// have no gaps.
func Helpers() []Helper { return slices.Clone(helperTable[:]) }

var helperIDs = func() map[string]HelperID {
	ids := make(map[string]HelperID, len(helperTable))
	for _, h := range helperTable {
		ids[h.Name] = h.ID
	}
	return ids
}()
