package linux

import "slices"

// AllowedIn reports whether programs of type t that are to be attached as a may
// call the helper; 0 is the attach type of programs without one. Whether the
// program needs a license or has to be one that may sleep is not part of it. Of
// struct_ops programs it says whether any structure's may; it is false for
// ProgExt, which may call what the program that it extends may.
func (h Helper) AllowedIn(t ProgramType, a AttachType) bool {
	of := helperOf{t, h.ID}
	if attach, ok := helperAttach[of]; ok {
		return slices.Contains(attach, a)
	}
	return helperAllowed[of]
}

// helperAllowed has the types that may call a helper, and helperAttach the
// attach types where not all of the program type's will do.
var helperAllowed, helperAttach = func() (map[helperOf]bool, map[helperOf][]AttachType) {
	allowed, attach := map[helperOf]bool{}, map[helperOf][]AttachType{}
	for _, row := range helperAllowedTable {
		for _, t := range row.types {
			for _, id := range row.helpers {
				allowed[helperOf{t, id}] = true
			}
		}
	}
	for _, row := range helperAttachTable {
		for _, id := range row.helpers {
			attach[helperOf{row.t, id}] = row.attach
		}
	}
	return allowed, attach
}()
