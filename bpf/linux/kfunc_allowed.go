package linux

import "slices"

// AllowedIn reports whether programs of type t that are to be attached as a may
// call the function; 0 is the attach type of programs without one. Some
// functions ask more: those of XDP metadata want a program that is bound to a
// device, and bpf_dynptr_from_skb a struct_ops program for a queueing discipline
// (false here). It is false for ProgExt, which may call what the program that it
// extends may.
func (k Kfunc) AllowedIn(t ProgramType, a AttachType) bool {
	if k.Common {
		return t != ProgUnspec && t != ProgExt && t != ProgSeccomp
	}
	for _, row := range kfuncAllowedTable {
		if slices.Contains(row.types, t) && (row.attach == nil || slices.Contains(row.attach, a)) && slices.Contains(row.names, k.Name) {
			return true
		}
	}
	return false
}
