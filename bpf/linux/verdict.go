package linux

// What a program's return value means. Names and numbers are those of enum
// xdp_action, enum sk_action and enum bpf_ret_code of include/uapi/linux/bpf.h,
// and of pkt_cls.h, netfilter.h and seccomp.h beside it.

// Verdicts of XDP programs. Any other value counts as XDPAborted.
const (
	XDPAborted  = 0
	XDPDrop     = 1
	XDPPass     = 2
	XDPTX       = 3
	XDPRedirect = 4
)

// Verdicts of sched_cls and sched_act programs, which are signed. Attached by
// tcx or netkit, a program may return TCActUnspec (go on with the next
// program), TCActOK, TCActShot and TCActRedirect only: TCX_NEXT, TCX_PASS,
// TCX_DROP and TCX_REDIRECT. Any other value counts as TCActUnspec, but with
// netkit as TCActShot.
const (
	TCActUnspec     = -1
	TCActOK         = 0
	TCActReclassify = 1
	TCActShot       = 2
	TCActPipe       = 3
	TCActStolen     = 4
	TCActQueued     = 5
	TCActRepeat     = 6
	TCActRedirect   = 7
	TCActTrap       = 8
)

// Verdicts of sk_skb, sk_msg, sk_reuseport and sk_lookup programs. (A stream
// parser, of type sk_skb too, returns a length.)
const (
	SkDrop = 0
	SkPass = 1
)

// Verdicts of lwt_in, lwt_out, lwt_xmit, lwt_seg6local and flow_dissector
// programs.
const (
	RetOK                    = 0
	RetDrop                  = 2
	RetRedirect              = 7   // lwt_xmit and lwt_seg6local
	RetLWTReroute            = 128 // lwt_in and lwt_xmit
	RetFlowDissectorContinue = 129 // flow_dissector: go on with the kernel's own
)

// Verdicts of netfilter programs.
const (
	NFDrop   = 0
	NFAccept = 1
)

// Verdicts of seccomp filters: the bits of SeccompRetActionFull. The rest,
// SeccompRetData, goes with some of them: the errno of SeccompRetErrno. Any
// other value counts as SeccompRetKillProcess.
const (
	SeccompRetKillProcess = 0x80000000
	SeccompRetKillThread  = 0x00000000
	SeccompRetTrap        = 0x00030000
	SeccompRetErrno       = 0x00050000
	SeccompRetUserNotif   = 0x7fc00000
	SeccompRetTrace       = 0x7ff00000
	SeccompRetLog         = 0x7ffc0000
	SeccompRetAllow       = 0x7fff0000
	SeccompRetActionFull  = 0xffff0000
	SeccompRetData        = 0x0000ffff
)

// verdictFamily is a set of program types whose return values mean the same.
type verdictFamily uint8

const (
	verdictNone verdictFamily = iota
	verdictXDP
	verdictTC
	verdictSocketFilter
	verdictCgroup
	verdictCgroupSKB
	verdictSk
	verdictLWT
	verdictFlowDissector
	verdictNetfilter
	verdictSeccomp
	verdictAlias // of no program type: second names
)

// verdict is one value that the programs of a family return. Values are signed
// where the family's are.
type verdict struct {
	family verdictFamily
	name   string
	value  int64
}

var verdictTable = [...]verdict{
	{verdictXDP, "XDP_ABORTED", XDPAborted},
	{verdictXDP, "XDP_DROP", XDPDrop},
	{verdictXDP, "XDP_PASS", XDPPass},
	{verdictXDP, "XDP_TX", XDPTX},
	{verdictXDP, "XDP_REDIRECT", XDPRedirect},

	{verdictTC, "TC_ACT_UNSPEC", TCActUnspec},
	{verdictTC, "TC_ACT_OK", TCActOK},
	{verdictTC, "TC_ACT_RECLASSIFY", TCActReclassify},
	{verdictTC, "TC_ACT_SHOT", TCActShot},
	{verdictTC, "TC_ACT_PIPE", TCActPipe},
	{verdictTC, "TC_ACT_STOLEN", TCActStolen},
	{verdictTC, "TC_ACT_QUEUED", TCActQueued},
	{verdictTC, "TC_ACT_REPEAT", TCActRepeat},
	{verdictTC, "TC_ACT_REDIRECT", TCActRedirect},
	{verdictTC, "TC_ACT_TRAP", TCActTrap},

	// The kernel has no names for these five. A socket filter returns how many
	// bytes of the packet to keep, so any value but 0 is KEEP.
	{verdictSocketFilter, "DROP", 0},
	{verdictSocketFilter, "KEEP", 0xffffffff},
	{verdictCgroup, "DENY", 0},
	{verdictCgroup, "ALLOW", 1},
	// Bit 1 of an egress verdict tells the sender of congestion
	// (NET_XMIT_CN), beside dropping the packet or not.
	{verdictCgroupSKB, "DENY", 0},
	{verdictCgroupSKB, "ALLOW", 1},
	{verdictCgroupSKB, "DENY_CN", 2},
	{verdictCgroupSKB, "ALLOW_CN", 3},

	{verdictSk, "SK_DROP", SkDrop},
	{verdictSk, "SK_PASS", SkPass},

	{verdictLWT, "BPF_OK", RetOK},
	{verdictLWT, "BPF_DROP", RetDrop},
	{verdictLWT, "BPF_REDIRECT", RetRedirect},
	{verdictLWT, "BPF_LWT_REROUTE", RetLWTReroute},

	{verdictFlowDissector, "BPF_OK", RetOK},
	{verdictFlowDissector, "BPF_DROP", RetDrop},
	{verdictFlowDissector, "BPF_FLOW_DISSECTOR_CONTINUE", RetFlowDissectorContinue},

	{verdictNetfilter, "NF_DROP", NFDrop},
	{verdictNetfilter, "NF_ACCEPT", NFAccept},

	{verdictSeccomp, "SECCOMP_RET_KILL_PROCESS", SeccompRetKillProcess},
	{verdictSeccomp, "SECCOMP_RET_KILL_THREAD", SeccompRetKillThread},
	{verdictSeccomp, "SECCOMP_RET_TRAP", SeccompRetTrap},
	{verdictSeccomp, "SECCOMP_RET_ERRNO", SeccompRetErrno},
	{verdictSeccomp, "SECCOMP_RET_USER_NOTIF", SeccompRetUserNotif},
	{verdictSeccomp, "SECCOMP_RET_TRACE", SeccompRetTrace},
	{verdictSeccomp, "SECCOMP_RET_LOG", SeccompRetLog},
	{verdictSeccomp, "SECCOMP_RET_ALLOW", SeccompRetAllow},

	{verdictAlias, "SECCOMP_RET_KILL", SeccompRetKillThread},
	{verdictAlias, "TCX_NEXT", TCActUnspec},
	{verdictAlias, "TCX_PASS", TCActOK},
	{verdictAlias, "TCX_DROP", TCActShot},
	{verdictAlias, "TCX_REDIRECT", TCActRedirect},
	{verdictAlias, "NETKIT_NEXT", TCActUnspec},
	{verdictAlias, "NETKIT_PASS", TCActOK},
	{verdictAlias, "NETKIT_DROP", TCActShot},
	{verdictAlias, "NETKIT_REDIRECT", TCActRedirect},
}

var verdictFamilies = map[ProgramType]verdictFamily{
	ProgXDP:            verdictXDP,
	ProgSchedCLS:       verdictTC,
	ProgSchedACT:       verdictTC,
	ProgSocketFilter:   verdictSocketFilter,
	ProgCgroupSKB:      verdictCgroupSKB,
	ProgCgroupSock:     verdictCgroup,
	ProgCgroupSockAddr: verdictCgroup,
	ProgCgroupDevice:   verdictCgroup,
	ProgCgroupSysctl:   verdictCgroup,
	ProgCgroupSockopt:  verdictCgroup,
	ProgSkSKB:          verdictSk,
	ProgSkMsg:          verdictSk,
	ProgSkReuseport:    verdictSk,
	ProgSkLookup:       verdictSk,
	ProgLWTIn:          verdictLWT,
	ProgLWTOut:         verdictLWT,
	ProgLWTXmit:        verdictLWT,
	ProgLWTSeg6local:   verdictLWT,
	ProgFlowDissector:  verdictFlowDissector,
	ProgNetfilter:      verdictNetfilter,
	ProgSeccomp:        verdictSeccomp,
}

// fromHeaders reports whether the name is one of the kernel's headers.
func (v verdict) fromHeaders() bool {
	switch v.family {
	case verdictSocketFilter, verdictCgroup, verdictCgroupSKB:
		return false
	}
	return true
}

// VerdictName returns what the return value ret of a program of type t means,
// such as "XDP_DROP". It is false when the value has no meaning, and for types
// whose return value is no verdict.
//
// Names of the kernel's headers are used where it has some. A socket filter
// gives "DROP" for 0 and "KEEP" for every other value, the number of bytes to
// keep; the programs of a cgroup give "DENY" and "ALLOW", those of type
// cgroup_skb also "DENY_CN" and "ALLOW_CN", which tell the sender of
// congestion. The data part of a seccomp filter's value is ignored.
func VerdictName(t ProgramType, ret uint32) (string, bool) {
	family := verdictFamilies[t]
	value := int64(ret)
	switch family {
	case verdictTC:
		value = int64(int32(ret))
	case verdictSocketFilter:
		if ret != 0 {
			value = 0xffffffff
		}
	case verdictSeccomp:
		value = int64(ret & SeccompRetActionFull)
	}
	name, ok := verdictNames[verdictKey{family, value}]
	return name, ok
}

// VerdictValue returns the return value that a name stands for: every name that
// VerdictName gives, and TCX_NEXT, NETKIT_DROP and the like. "KEEP" is
// 0xffffffff, the whole packet, and TC_ACT_UNSPEC 0xffffffff, -1.
func VerdictValue(name string) (uint32, bool) {
	value, ok := verdictValues[name]
	return value, ok
}

type verdictKey struct {
	family verdictFamily
	value  int64
}

var verdictNames, verdictValues = func() (map[verdictKey]string, map[string]uint32) {
	names, values := map[verdictKey]string{}, map[string]uint32{}
	for _, v := range verdictTable {
		if v.family != verdictAlias {
			names[verdictKey{v.family, v.value}] = v.name
		}
		values[v.name] = uint32(v.value)
	}
	return names, values
}()
