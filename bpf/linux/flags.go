package linux

// The flags of include/uapi/linux/bpf.h. A constant is the flag's name there with
// "BPF_F_" replaced by "F" and each word capitalised. They are untyped: the
// kernel takes some in 32 bits and some in 64.

// Flags of an update of a map entry.
const (
	Any     = 0 // make the entry or replace it
	NoExist = 1 // only make it
	Exist   = 2 // only replace it
	FLock   = 4 // under the value's spin lock; for lookups too
)

// Flags of a map, given when it is created. FRdonly and FWronly also go with the
// opening of a pinned object, FTokenFD with the loading of a program or of BTF.
const (
	FNoPrealloc    = 1 << 0  // allocate the entries of a hash when they are added
	FNoCommonLRU   = 1 << 1  // an LRU list for each CPU
	FNUMANode      = 1 << 2  // allocate on the node that is given
	FRdonly        = 1 << 3  // system calls only read
	FWronly        = 1 << 4  // system calls only write
	FStackBuildID  = 1 << 5  // build id and offset instead of addresses
	FZeroSeed      = 1 << 6  // hash without a random seed, for tests
	FRdonlyProg    = 1 << 7  // programs only read
	FWronlyProg    = 1 << 8  // programs only write
	FClone         = 1 << 9  // a listening socket's storage goes to accepted ones
	FMmapable      = 1 << 10 // user space may map the values
	FPreserveElems = 1 << 11 // perf events outlive the descriptor that added them
	FInnerMap      = 1 << 12 // inner arrays may differ in max_entries
	FVtypeBTFObjFD = 1 << 15 // the value type is in a module's BTF
	FTokenFD       = 1 << 16 // with the rights of the token that is given
	FSegvOnFault   = 1 << 17 // user space touching an unallocated arena page gets SIGSEGV
	FNoUserConv    = 1 << 18 // pointers in the arena are not converted for user space
)

// Flags of loading a program.
const (
	FStrictAlignment   = 1 << 0 // check alignment as if the CPU needed it
	FAnyAlignment      = 1 << 1 // check no alignment
	FTestRndHi32       = 1 << 2 // randomise upper halves that should not matter
	FTestStateFreq     = 1 << 3 // verifier checkpoints at every instruction
	FSleepable         = 1 << 4 // the program may sleep
	FXDPHasFrags       = 1 << 5 // packets may have several buffers
	FXDPDevBoundOnly   = 1 << 6 // for one device, which gives metadata kfuncs
	FTestRegInvariants = 1 << 7 // bounds of a register that contradict each other are an error
)

// Flags of attaching a program and of asking what is attached.
const (
	FAllowOverride     = 1 << 0  // cgroups below may attach their own instead
	FAllowMulti        = 1 << 1  // cgroups below may attach more
	FReplace           = 1 << 2  // in place of the one that is given
	FBefore            = 1 << 3  // before the one that is given, or all
	FAfter             = 1 << 4  // after the one that is given, or all
	FID                = 1 << 5  // next to an id, not a descriptor
	FPreorder          = 1 << 6  // before the programs of the cgroups below
	FLink              = 1 << 13 // next to a link, not a program
	FKprobeMultiReturn = 1 << 0  // where the functions return
	FUprobeMultiReturn = 1 << 0  // where the functions return
	FNetfilterIPDefrag = 1 << 0  // reassemble IP fragments first
	FQueryEffective    = 1 << 0  // with what is inherited from cgroups above
)

// Flags of pinning an object and of opening a pinned one.
const (
	FPathFD = 1 << 14 // the path is relative to the descriptor that is given
)

// Flags of a test run.
const (
	FTestRunOnCPU            = 1 << 0 // on the CPU that is given
	FTestXDPLiveFrames       = 1 << 1 // carry the verdicts out
	FTestSKBChecksumComplete = 1 << 2 // with, and checking, a checksum of the whole packet
)

// Flags of bpf_skb_store_bytes.
const (
	FRecomputeCsum  = 1 << 0 // keep skb->csum right
	FInvalidateHash = 1 << 1 // clear skb->hash
)

// Flags of bpf_l3_csum_replace and bpf_l4_csum_replace. The size of the field is
// in the low bits.
const (
	FHdrFieldMask = 0xf
	FPseudoHdr    = 1 << 4 // the field is in the pseudo header
	FMarkMangled0 = 1 << 5 // leave a checksum of 0 alone, and write 0 as 0xffff: UDP
	FMarkEnforce  = 1 << 6 // even so, change a checksum of 0
	FIPv6         = 1 << 7 // the new address is IPv6
)

// Flags of bpf_clone_redirect, bpf_redirect (FIngress) and bpf_redirect_map (the
// others, beside the two low bits that give the verdict on a missing entry).
const (
	FIngress        = 1 << 0 // to the receive path of the device
	FBroadcast      = 1 << 3 // to every device of the map
	FExcludeIngress = 1 << 4 // but the one it came from
	FRedirectFlags  = FIngress | FBroadcast | FExcludeIngress
)

// Flags of bpf_skb_get_tunnel_key and bpf_skb_set_tunnel_key.
const (
	FTuninfoIPv6  = 1 << 0
	FTuninfoFlags = 1 << 4
	FZeroCsumTX   = 1 << 1
	FDontFragment = 1 << 2
	FSeqNumber    = 1 << 3
	FNoTunnelKey  = 1 << 4
)

// Flags of bpf_get_stackid and bpf_get_stack. The number of frames to skip is in
// the low bits.
const (
	FSkipFieldMask = 0xff
	FUserStack     = 1 << 8  // of user space
	FFastStackCmp  = 1 << 9  // compare stacks by hash alone
	FReuseStackid  = 1 << 10 // replace on collision
	FUserBuildID   = 1 << 11 // build id and offset instead of addresses
)

// Flags of bpf_perf_event_output and the like: which entry of the map, and how
// many bytes of the packet to append (shifted left by 32).
const (
	FIndexMask  = 0xffffffff
	FCurrentCPU = 0xffffffff // the entry of the CPU the program runs on
	FCtxlenMask = 0xfffff << 32
)

// Flags of bpf_skb_adjust_room.
const (
	FAdjRoomFixedGSO    = 1 << 0
	FAdjRoomEncapL3IPv4 = 1 << 1
	FAdjRoomEncapL3IPv6 = 1 << 2
	FAdjRoomEncapL4GRE  = 1 << 3
	FAdjRoomEncapL4UDP  = 1 << 4
	FAdjRoomNoCsumReset = 1 << 5
	FAdjRoomEncapL2Eth  = 1 << 6
	FAdjRoomDecapL3IPv4 = 1 << 7
	FAdjRoomDecapL3IPv6 = 1 << 8
)

// Flags of other helpers and kfuncs.
const (
	FCurrentNetns         = -1     // bpf_sk_lookup_tcp and the like
	FSysctlBaseName       = 1 << 0 // bpf_sysctl_get_name
	FGetBranchRecordsSize = 1 << 0 // bpf_read_branch_records
	FBprmSecureexec       = 1 << 0 // bpf_bprm_opts_set
	FTimerAbs             = 1 << 0 // bpf_timer_start
	FTimerCPUPin          = 1 << 1 // bpf_timer_start
	FPadZeros             = 1 << 0 // bpf_copy_from_user_str
)

// Flags of bpf_ringbuf_submit, bpf_ringbuf_discard and bpf_ringbuf_output.
const (
	RBNoWakeup    = 1 << 0
	RBForceWakeup = 1 << 1
)

// ParseMapFlag returns the flag of a map's creation called name, in any case:
// "no_prealloc" or "BPF_F_NO_PREALLOC". Its error wraps ErrUnknownName.
func ParseMapFlag(name string) (uint32, error) {
	if flag, ok := foldedLookup(mapFlagsByName, "bpf_f_", name); ok {
		return flag, nil
	}
	return 0, unknownName("map flag", name, "no_prealloc or BPF_F_NO_PREALLOC")
}

var mapFlagsByName = map[string]uint32{
	"no_prealloc":      FNoPrealloc,
	"no_common_lru":    FNoCommonLRU,
	"numa_node":        FNUMANode,
	"rdonly":           FRdonly,
	"wronly":           FWronly,
	"stack_build_id":   FStackBuildID,
	"zero_seed":        FZeroSeed,
	"rdonly_prog":      FRdonlyProg,
	"wronly_prog":      FWronlyProg,
	"clone":            FClone,
	"mmapable":         FMmapable,
	"preserve_elems":   FPreserveElems,
	"inner_map":        FInnerMap,
	"vtype_btf_obj_fd": FVtypeBTFObjFD,
	"token_fd":         FTokenFD,
	"segv_on_fault":    FSegvOnFault,
	"no_user_conv":     FNoUserConv,
}
