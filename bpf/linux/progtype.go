package linux

// ProgramType is a kind of program: enum bpf_prog_type of
// include/uapi/linux/bpf.h.
type ProgramType uint32

// The program types of Linux 6.18.
const (
	ProgUnspec                ProgramType = 0
	ProgSocketFilter          ProgramType = 1
	ProgKprobe                ProgramType = 2
	ProgSchedCLS              ProgramType = 3
	ProgSchedACT              ProgramType = 4
	ProgTracepoint            ProgramType = 5
	ProgXDP                   ProgramType = 6
	ProgPerfEvent             ProgramType = 7
	ProgCgroupSKB             ProgramType = 8
	ProgCgroupSock            ProgramType = 9
	ProgLWTIn                 ProgramType = 10
	ProgLWTOut                ProgramType = 11
	ProgLWTXmit               ProgramType = 12
	ProgSockOps               ProgramType = 13
	ProgSkSKB                 ProgramType = 14
	ProgCgroupDevice          ProgramType = 15
	ProgSkMsg                 ProgramType = 16
	ProgRawTracepoint         ProgramType = 17
	ProgCgroupSockAddr        ProgramType = 18
	ProgLWTSeg6local          ProgramType = 19
	ProgLircMode2             ProgramType = 20
	ProgSkReuseport           ProgramType = 21
	ProgFlowDissector         ProgramType = 22
	ProgCgroupSysctl          ProgramType = 23
	ProgRawTracepointWritable ProgramType = 24
	ProgCgroupSockopt         ProgramType = 25
	ProgTracing               ProgramType = 26
	ProgStructOps             ProgramType = 27
	ProgExt                   ProgramType = 28
	ProgLSM                   ProgramType = 29
	ProgSkLookup              ProgramType = 30
	ProgSyscall               ProgramType = 31
	ProgNetfilter             ProgramType = 32
)

// ProgSeccomp stands for a seccomp filter: a program whose context is struct
// seccomp_data. It is not a type of the kernel, which takes such filters as
// classic BPF only, so its number is far from theirs.
const ProgSeccomp ProgramType = 1 << 31

// String gives the name that bpftool and libbpf use, such as "sched_cls",
// "seccomp" for ProgSeccomp, or "prog_type(99)" for a number that no type has.
func (t ProgramType) String() string {
	if t == ProgSeccomp {
		return "seccomp"
	}
	return enumName(progTypeTable[:], uint32(t), "prog_type")
}

// Since returns the first release that has the type; for ProgSeccomp, the
// first that has seccomp filters.
func (t ProgramType) Since() Version {
	if t == ProgSeccomp {
		return Version{3, 5}
	}
	return enumSince(progTypeTable[:], uint32(t))
}

// ParseProgramType returns the type called name, in any case: "xdp",
// "BPF_PROG_TYPE_XDP", or "seccomp". Its error wraps ErrUnknownName.
func ParseProgramType(name string) (ProgramType, error) {
	if t, ok := foldedLookup(progTypesByName, "bpf_prog_type_", name); ok {
		return t, nil
	}
	return ProgUnspec, unknownName("program type", name, "xdp or BPF_PROG_TYPE_XDP")
}

// ProgramTypes returns the kernel's program types in the order of their
// numbers, without ProgUnspec.
func ProgramTypes() []ProgramType { return enumValues[ProgramType](progTypeTable[:]) }

var progTypeTable = [...]enumRow{
	ProgUnspec:                {"unspec", Version{}},
	ProgSocketFilter:          {"socket_filter", Version{3, 19}},
	ProgKprobe:                {"kprobe", Version{4, 1}},
	ProgSchedCLS:              {"sched_cls", Version{4, 1}},
	ProgSchedACT:              {"sched_act", Version{4, 1}},
	ProgTracepoint:            {"tracepoint", Version{4, 7}},
	ProgXDP:                   {"xdp", Version{4, 8}},
	ProgPerfEvent:             {"perf_event", Version{4, 9}},
	ProgCgroupSKB:             {"cgroup_skb", Version{4, 10}},
	ProgCgroupSock:            {"cgroup_sock", Version{4, 10}},
	ProgLWTIn:                 {"lwt_in", Version{4, 10}},
	ProgLWTOut:                {"lwt_out", Version{4, 10}},
	ProgLWTXmit:               {"lwt_xmit", Version{4, 10}},
	ProgSockOps:               {"sock_ops", Version{4, 13}},
	ProgSkSKB:                 {"sk_skb", Version{4, 14}},
	ProgCgroupDevice:          {"cgroup_device", Version{4, 15}},
	ProgSkMsg:                 {"sk_msg", Version{4, 17}},
	ProgRawTracepoint:         {"raw_tracepoint", Version{4, 17}},
	ProgCgroupSockAddr:        {"cgroup_sock_addr", Version{4, 17}},
	ProgLWTSeg6local:          {"lwt_seg6local", Version{4, 18}},
	ProgLircMode2:             {"lirc_mode2", Version{4, 18}},
	ProgSkReuseport:           {"sk_reuseport", Version{4, 19}},
	ProgFlowDissector:         {"flow_dissector", Version{4, 20}},
	ProgCgroupSysctl:          {"cgroup_sysctl", Version{5, 2}},
	ProgRawTracepointWritable: {"raw_tracepoint_writable", Version{5, 2}},
	ProgCgroupSockopt:         {"cgroup_sockopt", Version{5, 3}},
	ProgTracing:               {"tracing", Version{5, 5}},
	ProgStructOps:             {"struct_ops", Version{5, 6}},
	ProgExt:                   {"ext", Version{5, 6}},
	ProgLSM:                   {"lsm", Version{5, 7}},
	ProgSkLookup:              {"sk_lookup", Version{5, 9}},
	ProgSyscall:               {"syscall", Version{5, 14}},
	ProgNetfilter:             {"netfilter", Version{6, 4}},
}

var progTypesByName = func() map[string]ProgramType {
	types := enumByName[ProgramType](progTypeTable[:])
	types["seccomp"] = ProgSeccomp
	return types
}()
