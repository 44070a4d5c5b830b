package linux

import "slices"

// AllowedIn reports whether programs of type t that are to be attached as a may
// call the helper; 0 is the attach type of programs without one. Whether the
// program needs a license or has to be one that may sleep is not part of it. Of
// struct_ops programs it says whether any structure's may; it is false for
// ProgExt, which may call what the program that it extends may.
func (h Helper) AllowedIn(t ProgramType, a AttachType) bool {
	if int64(t) >= int64(len(helperAllowed)) || h.ID < 1 || int(h.ID) > len(helperTable) {
		return false
	}
	for _, row := range helperAttachTable {
		if row.t == t && slices.Contains(row.helpers, h.ID) {
			return slices.Contains(row.attach, a)
		}
	}
	return helperAllowed[t][h.ID]
}

// helperAllowed is helperAllowedTable by type and helper.
var helperAllowed = func() (allowed [ProgNetfilter + 1][len(helperTable) + 1]bool) {
	for _, row := range helperAllowedTable {
		for _, t := range row.types {
			for _, id := range row.helpers {
				allowed[t][id] = true
			}
		}
	}
	return allowed
}()
