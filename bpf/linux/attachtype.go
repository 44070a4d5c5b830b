package linux

// AttachType says where within its program type a program is attached: enum
// bpf_attach_type of include/uapi/linux/bpf.h. The kernel takes 0 for "none"
// as well as for AttachCgroupInetIngress.
type AttachType uint32

// The attach types of Linux 6.18, and AttachTraceFsession of 7.0.
const (
	AttachCgroupInetIngress          AttachType = 0
	AttachCgroupInetEgress           AttachType = 1
	AttachCgroupInetSockCreate       AttachType = 2
	AttachCgroupSockOps              AttachType = 3
	AttachSkSKBStreamParser          AttachType = 4
	AttachSkSKBStreamVerdict         AttachType = 5
	AttachCgroupDevice               AttachType = 6
	AttachSkMsgVerdict               AttachType = 7
	AttachCgroupInet4Bind            AttachType = 8
	AttachCgroupInet6Bind            AttachType = 9
	AttachCgroupInet4Connect         AttachType = 10
	AttachCgroupInet6Connect         AttachType = 11
	AttachCgroupInet4PostBind        AttachType = 12
	AttachCgroupInet6PostBind        AttachType = 13
	AttachCgroupUDP4Sendmsg          AttachType = 14
	AttachCgroupUDP6Sendmsg          AttachType = 15
	AttachLircMode2                  AttachType = 16
	AttachFlowDissector              AttachType = 17
	AttachCgroupSysctl               AttachType = 18
	AttachCgroupUDP4Recvmsg          AttachType = 19
	AttachCgroupUDP6Recvmsg          AttachType = 20
	AttachCgroupGetsockopt           AttachType = 21
	AttachCgroupSetsockopt           AttachType = 22
	AttachTraceRawTP                 AttachType = 23
	AttachTraceFentry                AttachType = 24
	AttachTraceFexit                 AttachType = 25
	AttachModifyReturn               AttachType = 26
	AttachLSMMac                     AttachType = 27
	AttachTraceIter                  AttachType = 28
	AttachCgroupInet4Getpeername     AttachType = 29
	AttachCgroupInet6Getpeername     AttachType = 30
	AttachCgroupInet4Getsockname     AttachType = 31
	AttachCgroupInet6Getsockname     AttachType = 32
	AttachXDPDevmap                  AttachType = 33
	AttachCgroupInetSockRelease      AttachType = 34
	AttachXDPCpumap                  AttachType = 35
	AttachSkLookup                   AttachType = 36
	AttachXDP                        AttachType = 37
	AttachSkSKBVerdict               AttachType = 38
	AttachSkReuseportSelect          AttachType = 39
	AttachSkReuseportSelectOrMigrate AttachType = 40
	AttachPerfEvent                  AttachType = 41
	AttachTraceKprobeMulti           AttachType = 42
	AttachLSMCgroup                  AttachType = 43
	AttachStructOps                  AttachType = 44
	AttachNetfilter                  AttachType = 45
	AttachTCXIngress                 AttachType = 46
	AttachTCXEgress                  AttachType = 47
	AttachTraceUprobeMulti           AttachType = 48
	AttachCgroupUnixConnect          AttachType = 49
	AttachCgroupUnixSendmsg          AttachType = 50
	AttachCgroupUnixRecvmsg          AttachType = 51
	AttachCgroupUnixGetpeername      AttachType = 52
	AttachCgroupUnixGetsockname      AttachType = 53
	AttachNetkitPrimary              AttachType = 54
	AttachNetkitPeer                 AttachType = 55
	AttachTraceKprobeSession         AttachType = 56
	AttachTraceUprobeSession         AttachType = 57
	AttachTraceFsession              AttachType = 58
)

// String gives the name that bpftool and libbpf use, such as "tcx_ingress", or
// "attach_type(99)" for a number that no type has.
func (t AttachType) String() string { return enumName(attachTypeTable[:], uint32(t), "attach_type") }

// Since returns the first release that has the type.
func (t AttachType) Since() Version { return enumSince(attachTypeTable[:], uint32(t)) }

// ParseAttachType returns the type called name, in any case: "tcx_ingress" or
// "BPF_TCX_INGRESS". Its error wraps ErrUnknownName.
func ParseAttachType(name string) (AttachType, error) {
	if t, ok := foldedLookup(attachTypesByName, "bpf_", name); ok {
		return t, nil
	}
	return 0, unknownName("attach type", name, "tcx_ingress or BPF_TCX_INGRESS")
}

// AttachTypes returns all attach types in the order of their numbers.
func AttachTypes() []AttachType { return enumValues[AttachType](attachTypeTable[:]) }

var attachTypeTable = [...]enumRow{
	AttachCgroupInetIngress:          {"cgroup_inet_ingress", Version{4, 10}},
	AttachCgroupInetEgress:           {"cgroup_inet_egress", Version{4, 10}},
	AttachCgroupInetSockCreate:       {"cgroup_inet_sock_create", Version{4, 10}},
	AttachCgroupSockOps:              {"cgroup_sock_ops", Version{4, 13}},
	AttachSkSKBStreamParser:          {"sk_skb_stream_parser", Version{4, 14}},
	AttachSkSKBStreamVerdict:         {"sk_skb_stream_verdict", Version{4, 14}},
	AttachCgroupDevice:               {"cgroup_device", Version{4, 15}},
	AttachSkMsgVerdict:               {"sk_msg_verdict", Version{4, 17}},
	AttachCgroupInet4Bind:            {"cgroup_inet4_bind", Version{4, 17}},
	AttachCgroupInet6Bind:            {"cgroup_inet6_bind", Version{4, 17}},
	AttachCgroupInet4Connect:         {"cgroup_inet4_connect", Version{4, 17}},
	AttachCgroupInet6Connect:         {"cgroup_inet6_connect", Version{4, 17}},
	AttachCgroupInet4PostBind:        {"cgroup_inet4_post_bind", Version{4, 17}},
	AttachCgroupInet6PostBind:        {"cgroup_inet6_post_bind", Version{4, 17}},
	AttachCgroupUDP4Sendmsg:          {"cgroup_udp4_sendmsg", Version{4, 18}},
	AttachCgroupUDP6Sendmsg:          {"cgroup_udp6_sendmsg", Version{4, 18}},
	AttachLircMode2:                  {"lirc_mode2", Version{4, 18}},
	AttachFlowDissector:              {"flow_dissector", Version{4, 20}},
	AttachCgroupSysctl:               {"cgroup_sysctl", Version{5, 2}},
	AttachCgroupUDP4Recvmsg:          {"cgroup_udp4_recvmsg", Version{5, 2}},
	AttachCgroupUDP6Recvmsg:          {"cgroup_udp6_recvmsg", Version{5, 2}},
	AttachCgroupGetsockopt:           {"cgroup_getsockopt", Version{5, 3}},
	AttachCgroupSetsockopt:           {"cgroup_setsockopt", Version{5, 3}},
	AttachTraceRawTP:                 {"trace_raw_tp", Version{5, 5}},
	AttachTraceFentry:                {"trace_fentry", Version{5, 5}},
	AttachTraceFexit:                 {"trace_fexit", Version{5, 5}},
	AttachModifyReturn:               {"modify_return", Version{5, 7}},
	AttachLSMMac:                     {"lsm_mac", Version{5, 7}},
	AttachTraceIter:                  {"trace_iter", Version{5, 8}},
	AttachCgroupInet4Getpeername:     {"cgroup_inet4_getpeername", Version{5, 8}},
	AttachCgroupInet6Getpeername:     {"cgroup_inet6_getpeername", Version{5, 8}},
	AttachCgroupInet4Getsockname:     {"cgroup_inet4_getsockname", Version{5, 8}},
	AttachCgroupInet6Getsockname:     {"cgroup_inet6_getsockname", Version{5, 8}},
	AttachXDPDevmap:                  {"xdp_devmap", Version{5, 8}},
	AttachCgroupInetSockRelease:      {"cgroup_inet_sock_release", Version{5, 9}},
	AttachXDPCpumap:                  {"xdp_cpumap", Version{5, 9}},
	AttachSkLookup:                   {"sk_lookup", Version{5, 9}},
	AttachXDP:                        {"xdp", Version{5, 9}},
	AttachSkSKBVerdict:               {"sk_skb_verdict", Version{5, 13}},
	AttachSkReuseportSelect:          {"sk_reuseport_select", Version{5, 14}},
	AttachSkReuseportSelectOrMigrate: {"sk_reuseport_select_or_migrate", Version{5, 14}},
	AttachPerfEvent:                  {"perf_event", Version{5, 15}},
	AttachTraceKprobeMulti:           {"trace_kprobe_multi", Version{5, 18}},
	AttachLSMCgroup:                  {"lsm_cgroup", Version{6, 0}},
	AttachStructOps:                  {"struct_ops", Version{6, 4}},
	AttachNetfilter:                  {"netfilter", Version{6, 4}},
	AttachTCXIngress:                 {"tcx_ingress", Version{6, 6}},
	AttachTCXEgress:                  {"tcx_egress", Version{6, 6}},
	AttachTraceUprobeMulti:           {"trace_uprobe_multi", Version{6, 6}},
	AttachCgroupUnixConnect:          {"cgroup_unix_connect", Version{6, 7}},
	AttachCgroupUnixSendmsg:          {"cgroup_unix_sendmsg", Version{6, 7}},
	AttachCgroupUnixRecvmsg:          {"cgroup_unix_recvmsg", Version{6, 7}},
	AttachCgroupUnixGetpeername:      {"cgroup_unix_getpeername", Version{6, 7}},
	AttachCgroupUnixGetsockname:      {"cgroup_unix_getsockname", Version{6, 7}},
	AttachNetkitPrimary:              {"netkit_primary", Version{6, 7}},
	AttachNetkitPeer:                 {"netkit_peer", Version{6, 7}},
	AttachTraceKprobeSession:         {"trace_kprobe_session", Version{6, 10}},
	AttachTraceUprobeSession:         {"trace_uprobe_session", Version{6, 13}},
	AttachTraceFsession:              {"trace_fsession", Version{7, 0}},
}

var attachTypesByName = enumByName[AttachType](attachTypeTable[:])
