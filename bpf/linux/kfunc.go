package linux

import "sort"

// Kfunc is a function of the kernel that programs may call by name (kernel,
// Documentation/bpf/kfuncs.rst). Unlike helpers these have no fixed numbers, may
// be missing from a kernel, and may change: a loader looks them up, by name and
// type, in the type information of the kernel that runs.
type Kfunc struct {
	Name string
	// Prototype is its type as in C, without the name: "int (struct xdp_md
	// *x, u64 flags, struct bpf_dynptr *ptr__uninit)". What the names of
	// parameters end with says how the verifier sees them.
	Prototype string
}

// KfuncByName returns the function called name, as Linux 6.18 has it.
func KfuncByName(name string) (Kfunc, bool) {
	i := sort.Search(len(kfuncTable), func(i int) bool { return kfuncTable[i].Name >= name })
	if i == len(kfuncTable) || kfuncTable[i].Name != name {
		return Kfunc{}, false
	}
	return kfuncTable[i], true
}

// Kfuncs returns all of them, by name.
func Kfuncs() []Kfunc { return append([]Kfunc(nil), kfuncTable[:]...) }
