package linux

// MapFlag is a flag of a map's creation.
type MapFlag struct {
	Name  string // "BPF_F_NO_PREALLOC"
	Bit   uint32
	Since Version
}

// MapFlags returns the flags that maps are created with, by bit.
func MapFlags() []MapFlag { return append([]MapFlag(nil), mapFlagTable[:]...) }

// mapFlagTable has the releases of the eBPF docs' feature list.
var mapFlagTable = [...]MapFlag{
	{"BPF_F_NO_PREALLOC", FNoPrealloc, Version{4, 6}},
	{"BPF_F_NO_COMMON_LRU", FNoCommonLRU, Version{4, 10}},
	{"BPF_F_NUMA_NODE", FNUMANode, Version{4, 14}},
	{"BPF_F_RDONLY", FRdonly, Version{4, 15}},
	{"BPF_F_WRONLY", FWronly, Version{4, 15}},
	{"BPF_F_STACK_BUILD_ID", FStackBuildID, Version{4, 17}},
	{"BPF_F_ZERO_SEED", FZeroSeed, Version{5, 0}},
	{"BPF_F_RDONLY_PROG", FRdonlyProg, Version{5, 2}},
	{"BPF_F_WRONLY_PROG", FWronlyProg, Version{5, 2}},
	{"BPF_F_CLONE", FClone, Version{5, 4}},
	{"BPF_F_MMAPABLE", FMmapable, Version{5, 5}},
	{"BPF_F_PRESERVE_ELEMS", FPreserveElems, Version{5, 10}},
	{"BPF_F_INNER_MAP", FInnerMap, Version{5, 10}},
	{"BPF_F_LINK", FLink, Version{6, 4}},
	{"BPF_F_VTYPE_BTF_OBJ_FD", FVtypeBTFObjFD, Version{6, 9}},
	{"BPF_F_TOKEN_FD", FTokenFD, Version{6, 9}},
	{"BPF_F_SEGV_ON_FAULT", FSegvOnFault, Version{6, 9}},
	{"BPF_F_NO_USER_CONV", FNoUserConv, Version{6, 9}},
}
