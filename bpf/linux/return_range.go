package linux

import "slices"

// ReturnRange is what a program may return, both ends included, in 64 bits
// unless Bits32.
type ReturnRange struct {
	Min, Max int64
	// Bits32: only the lower half of r0 counts, as a signed number.
	Bits32 bool
	// Expects is what a value from ExpectsFrom on makes of the program: it can only
	// be attached as the type that it was loaded for.
	Expects bool
}

// ExpectsFrom is the first value of a cgroup_skb program that [ReturnRange.Expects]
// speaks of.
const ExpectsFrom = 2

// ReturnRangeOf gives what programs of type t that are to be attached as a may
// return. It is false where every value will do, and where what they are attached
// to decides, which is so for lsm, struct_ops and ext programs:
//
//   - an lsm program may return from -4095 to 0, or [LSMBoolRange] where the hook
//     is one of [LSMBoolHooks]; any value where the hook returns nothing. One for a
//     cgroup (lsm_cgroup) may return 0 or 1, and only 1 where the hook returns nothing;
//   - a struct_ops program may return anything, or for a pointer null or a
//     reference of the type;
//   - an ext program may return anything.
func ReturnRangeOf(t ProgramType, a AttachType) (ReturnRange, bool) {
	for _, row := range returnTable {
		if row.t == t && (row.attach == nil || slices.Contains(row.attach, a)) {
			return row.allowed, row.limited
		}
	}
	return ReturnRange{}, false
}

// Ranges of what functions return that are no programs.
var (
	// CallbackRange is that of the functions that bpf_loop, bpf_for_each_map_elem,
	// bpf_find_vma and bpf_user_ringbuf_drain call.
	CallbackRange = ReturnRange{Min: 0, Max: 1}
	// TimerRange is that of what timers and work queues call.
	TimerRange = ReturnRange{Min: 0, Max: 0}
	// LSMRange is that of lsm programs on a hook that returns an error number.
	LSMRange = ReturnRange{Min: -4095, Max: 0, Bits32: true}
	// LSMBoolRange is that of lsm programs on LSMBoolHooks.
	LSMBoolRange = ReturnRange{Min: 0, Max: 1, Bits32: true}
)

// LSMBoolHooks are the hooks that answer yes or no.
var LSMBoolHooks = []string{"xfrm_state_pol_flow_match", "audit_rule_known", "inode_xattr_skipcap"}

// returnTable has the function check_return_code of kernel/bpf/verifier.c, the
// first row that fits counting.
var returnTable = [...]struct {
	t       ProgramType
	attach  []AttachType // nil for all
	allowed ReturnRange
	limited bool
}{
	{ProgCgroupSockAddr, []AttachType{
		AttachCgroupUDP4Recvmsg, AttachCgroupUDP6Recvmsg, AttachCgroupUnixRecvmsg,
		AttachCgroupInet4Getpeername, AttachCgroupInet6Getpeername, AttachCgroupUnixGetpeername,
		AttachCgroupInet4Getsockname, AttachCgroupInet6Getsockname, AttachCgroupUnixGetsockname,
	}, ReturnRange{Min: 1, Max: 1}, true},
	{ProgCgroupSockAddr, []AttachType{AttachCgroupInet4Bind, AttachCgroupInet6Bind}, ReturnRange{Min: 0, Max: 3}, true},
	{ProgCgroupSockAddr, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgCgroupSKB, []AttachType{AttachCgroupInetEgress}, ReturnRange{Min: 0, Max: 3, Expects: true}, true},
	{ProgCgroupSKB, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgCgroupSock, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgSockOps, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgCgroupDevice, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgCgroupSysctl, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgCgroupSockopt, nil, ReturnRange{Min: 0, Max: 1}, true},
	{ProgSkLookup, nil, ReturnRange{Min: SkDrop, Max: SkPass}, true},
	{ProgNetfilter, nil, ReturnRange{Min: NFDrop, Max: NFAccept}, true},
	{ProgKprobe, []AttachType{AttachTraceKprobeSession, AttachTraceUprobeSession}, ReturnRange{Min: 0, Max: 1}, true},
	{ProgTracing, []AttachType{AttachTraceFentry, AttachTraceFexit}, ReturnRange{Min: 0, Max: 0}, true},
	{ProgTracing, []AttachType{AttachTraceIter}, ReturnRange{Min: 0, Max: 1}, true},
	{ProgLSM, []AttachType{AttachLSMCgroup}, ReturnRange{Min: 0, Max: 1}, true},
}
