package linux

import "sort"

// Kfunc is a function of the kernel that programs may call by name (kernel,
// Documentation/bpf/kfuncs.rst). Unlike helpers these have no fixed numbers, may
// be missing from a kernel, and may change: a loader looks them up, by name and
// type, in the type information of the kernel that runs.
type Kfunc struct {
	Name string
	// Since is the first release that has the function, zero where that is not
	// known.
	Since Version
	// Common functions are registered for every type of program, the others for
	// some types each, which may have got functions only later:
	// [ProgramType.KfuncsSince].
	Common bool
	// Prototype is its type as in C, without the name: "int (struct xdp_md
	// *x, u64 flags, struct bpf_dynptr *ptr__uninit)". What the names of
	// parameters end with says how the verifier sees them. Empty where it is not
	// known.
	Prototype string
}

// KfuncByName returns the function called name, as Linux 6.18 for x86-64 has it:
// with its prototype.
func KfuncByName(name string) (Kfunc, bool) { return kfuncIn(kfuncTable[:], name) }

// KfuncRelease returns what is known of when the function called name arrived. It
// knows more functions than KfuncByName, some without a prototype: those of
// modules and of subsystems that few kernels are built with, and later ones.
func KfuncRelease(name string) (Kfunc, bool) {
	if k, ok := kfuncIn(kfuncTable[:], name); ok {
		return k, true
	}
	return kfuncIn(kfuncOtherTable[:], name)
}

func kfuncIn(table []Kfunc, name string) (Kfunc, bool) {
	i := sort.Search(len(table), func(i int) bool { return table[i].Name >= name })
	if i == len(table) || table[i].Name != name {
		return Kfunc{}, false
	}
	return table[i], true
}

// Kfuncs returns all functions that have a prototype, by name.
func Kfuncs() []Kfunc { return append([]Kfunc(nil), kfuncTable[:]...) }

// KfuncsSince returns the first release in which programs of the type may call
// kernel functions that are not common to all types, zero for a type that can't
// in 6.18 or that is not known to. A kernel asks btf_kfunc_id_set_contains
// (kernel/bpf/btf.c), which knows sets of functions by "hooks" that several
// program types share.
func (t ProgramType) KfuncsSince() Version { return kfuncsSince[t] }

// kfuncsSince follows bpf_prog_type_to_kfunc_hook. Where a commit of the kernel is
// named, the eBPF docs name it too.
var kfuncsSince = map[ProgramType]Version{
	ProgStructOps:      {5, 13}, // before there were hooks
	ProgXDP:            {5, 18},
	ProgSchedCLS:       {5, 18},
	ProgTracing:        {5, 19},
	ProgSyscall:        {5, 19},
	ProgLSM:            {6, 1},
	ProgCgroupSKB:      {6, 4}, // b5964b968ac6, as the next seven
	ProgSchedACT:       {6, 4},
	ProgSkSKB:          {6, 4},
	ProgSocketFilter:   {6, 4},
	ProgLWTIn:          {6, 4},
	ProgLWTOut:         {6, 4},
	ProgLWTXmit:        {6, 4},
	ProgLWTSeg6local:   {6, 4},
	ProgNetfilter:      {6, 4},
	ProgCgroupSockAddr: {6, 7},  // 53e380d21441
	ProgKprobe:         {6, 10}, // 5c919acef851
	ProgTracepoint:     {6, 12}, // bc638d8cb5be
	ProgPerfEvent:      {6, 12}, // bc638d8cb5be
	ProgCgroupSock:     {6, 12}, // 67666479edf1, as the next three
	ProgCgroupDevice:   {6, 12},
	ProgCgroupSockopt:  {6, 12},
	ProgCgroupSysctl:   {6, 12},
	ProgSockOps:        {6, 15}, // 59422464266f
}
