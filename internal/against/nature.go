package against

import (
	"slices"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// ByNature lists the helpers that a program calls whose results differ between
// any two runs or machines: what depends on them may differ without a fault of
// either side.
func ByNature(p *bpf.Program) []linux.HelperID {
	var list []linux.HelperID
	for _, in := range p.Instructions {
		if id := linux.HelperID(in.Imm); in.IsHelperCall() && differing[id] && !slices.Contains(list, id) {
			list = append(list, id)
		}
	}
	return list
}

// differing are clocks, random numbers, and what a machine has at the moment.
var differing = map[linux.HelperID]bool{
	linux.FnKtimeGetNs: true, linux.FnKtimeGetBootNs: true, linux.FnKtimeGetCoarseNs: true, linux.FnKtimeGetTaiNs: true,
	linux.FnJiffies64: true, linux.FnGetPrandomU32: true, linux.FnFibLookup: true, linux.FnGetNumaNodeId: true,
	linux.FnSkLookupTcp: true, linux.FnSkLookupUdp: true, linux.FnSkcLookupTcp: true, linux.FnGetSocketCookie: true,
	linux.FnCheckMtu: true, linux.FnGetHashRecalc: true, linux.FnGetCgroupClassid: true,
}
