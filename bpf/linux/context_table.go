package linux

// contexts gives the context of each program type that has a fixed one.
var contexts = map[ProgramType]*Context{
	ProgXDP:            &xdpMDContext,
	ProgSocketFilter:   &skBuffContext,
	ProgSchedCLS:       &skBuffContext,
	ProgSchedACT:       &skBuffContext,
	ProgCgroupSKB:      &skBuffContext,
	ProgLWTIn:          &skBuffContext,
	ProgLWTOut:         &skBuffContext,
	ProgLWTXmit:        &skBuffContext,
	ProgLWTSeg6local:   &skBuffContext,
	ProgSkSKB:          &skBuffContext,
	ProgFlowDissector:  &skBuffContext,
	ProgCgroupSock:     &sockContext,
	ProgCgroupSockAddr: &sockAddrContext,
	ProgSockOps:        &sockOpsContext,
	ProgSkMsg:          &skMsgContext,
	ProgSkReuseport:    &skReuseportContext,
	ProgSkLookup:       &skLookupContext,
	ProgCgroupSysctl:   &sysctlContext,
	ProgCgroupSockopt:  &sockoptContext,
	ProgCgroupDevice:   &cgroupDevContext,
	ProgNetfilter:      &nfContext,
	ProgPerfEvent:      &perfEventContext,
	ProgKprobe:         &ptRegsContext,
	ProgSeccomp:        &seccompDataContext,
}

// The layouts below are those of include/uapi/linux/bpf.h and, for the last
// three, of bpf_perf_event.h and seccomp.h beside it and of the kernel's own
// arch/x86/include/asm/ptrace.h. Members of anonymous unions are given as
// members of the structure.

var (
	xdpMDContext = Context{"xdp_md", 24, []Field{
		{"data", 0, 4, 1, FieldData},
		{"data_end", 4, 4, 1, FieldDataEnd},
		{"data_meta", 8, 4, 1, FieldDataMeta},
		{"ingress_ifindex", 12, 4, 1, FieldUnsigned},
		{"rx_queue_index", 16, 4, 1, FieldUnsigned},
		{"egress_ifindex", 20, 4, 1, FieldUnsigned}, // devmap programs only
	}}

	skBuffContext = Context{"__sk_buff", 192, []Field{
		{"len", 0, 4, 1, FieldUnsigned},      // bytes, of all buffers
		{"pkt_type", 4, 4, 1, FieldUnsigned}, // PACKET_HOST, …
		{"mark", 8, 4, 1, FieldUnsigned},
		{"queue_mapping", 12, 4, 1, FieldUnsigned},
		{"protocol", 16, 4, 1, FieldUnsigned}, // ETH_P_IP, …, in network order
		{"vlan_present", 20, 4, 1, FieldUnsigned},
		{"vlan_tci", 24, 4, 1, FieldUnsigned},
		{"vlan_proto", 28, 4, 1, FieldUnsigned}, // network order
		{"priority", 32, 4, 1, FieldUnsigned},
		{"ingress_ifindex", 36, 4, 1, FieldUnsigned},
		{"ifindex", 40, 4, 1, FieldUnsigned},
		{"tc_index", 44, 4, 1, FieldUnsigned},
		{"cb", 48, 4, 5, FieldUnsigned},
		{"hash", 68, 4, 1, FieldUnsigned},
		{"tc_classid", 72, 4, 1, FieldUnsigned},
		{"data", 76, 4, 1, FieldData},
		{"data_end", 80, 4, 1, FieldDataEnd},
		{"napi_id", 84, 4, 1, FieldUnsigned},
		{"family", 88, 4, 1, FieldUnsigned},       // AF_INET, …
		{"remote_ip4", 92, 4, 1, FieldUnsigned},   // network order
		{"local_ip4", 96, 4, 1, FieldUnsigned},    // network order
		{"remote_ip6", 100, 4, 4, FieldUnsigned},  // network order
		{"local_ip6", 116, 4, 4, FieldUnsigned},   // network order
		{"remote_port", 132, 4, 1, FieldUnsigned}, // network order
		{"local_port", 136, 4, 1, FieldUnsigned},  // host order
		{"data_meta", 140, 4, 1, FieldDataMeta},
		{"flow_keys", 144, 8, 1, FieldFlowKeys}, // flow_dissector only
		{"tstamp", 152, 8, 1, FieldUnsigned},    // ns
		{"wire_len", 160, 4, 1, FieldUnsigned},
		{"gso_segs", 164, 4, 1, FieldUnsigned},
		{"sk", 168, 8, 1, FieldSock},
		{"gso_size", 176, 4, 1, FieldUnsigned},
		{"tstamp_type", 180, 1, 1, FieldUnsigned},
		{"hwtstamp", 184, 8, 1, FieldUnsigned}, // ns
	}}

	sockContext = Context{"bpf_sock", 80, []Field{
		{"bound_dev_if", 0, 4, 1, FieldUnsigned},
		{"family", 4, 4, 1, FieldUnsigned},    // AF_INET, …
		{"type", 8, 4, 1, FieldUnsigned},      // SOCK_STREAM, …
		{"protocol", 12, 4, 1, FieldUnsigned}, // IPPROTO_TCP, …
		{"mark", 16, 4, 1, FieldUnsigned},
		{"priority", 20, 4, 1, FieldUnsigned},
		{"src_ip4", 24, 4, 1, FieldUnsigned},  // network order
		{"src_ip6", 28, 4, 4, FieldUnsigned},  // network order
		{"src_port", 44, 4, 1, FieldUnsigned}, // host order
		{"dst_port", 48, 2, 1, FieldUnsigned}, // network order; 4 bytes may be loaded, as before 5.18
		{"dst_ip4", 52, 4, 1, FieldUnsigned},  // network order
		{"dst_ip6", 56, 4, 4, FieldUnsigned},  // network order
		{"state", 72, 4, 1, FieldUnsigned},    // BPF_TCP_LISTEN, …
		{"rx_queue_mapping", 76, 4, 1, FieldSigned},
	}}

	sockAddrContext = Context{"bpf_sock_addr", 72, []Field{
		{"user_family", 0, 4, 1, FieldUnsigned},  // AF_INET, …
		{"user_ip4", 4, 4, 1, FieldUnsigned},     // network order
		{"user_ip6", 8, 4, 4, FieldUnsigned},     // network order
		{"user_port", 24, 4, 1, FieldUnsigned},   // network order
		{"family", 28, 4, 1, FieldUnsigned},      // AF_INET, …
		{"type", 32, 4, 1, FieldUnsigned},        // SOCK_STREAM, …
		{"protocol", 36, 4, 1, FieldUnsigned},    // IPPROTO_TCP, …
		{"msg_src_ip4", 40, 4, 1, FieldUnsigned}, // network order
		{"msg_src_ip6", 44, 4, 4, FieldUnsigned}, // network order
		{"sk", 64, 8, 1, FieldSock},
	}}

	sockOpsContext = Context{"bpf_sock_ops", 224, []Field{
		{"op", 0, 4, 1, FieldUnsigned}, // BPF_SOCK_OPS_RTT_CB, …
		{"args", 4, 4, 4, FieldUnsigned},
		{"reply", 4, 4, 1, FieldUnsigned},
		{"replylong", 4, 4, 4, FieldUnsigned},
		{"family", 20, 4, 1, FieldUnsigned},      // AF_INET, …
		{"remote_ip4", 24, 4, 1, FieldUnsigned},  // network order
		{"local_ip4", 28, 4, 1, FieldUnsigned},   // network order
		{"remote_ip6", 32, 4, 4, FieldUnsigned},  // network order
		{"local_ip6", 48, 4, 4, FieldUnsigned},   // network order
		{"remote_port", 64, 4, 1, FieldUnsigned}, // network order
		{"local_port", 68, 4, 1, FieldUnsigned},  // host order
		{"is_fullsock", 72, 4, 1, FieldUnsigned},
		{"snd_cwnd", 76, 4, 1, FieldUnsigned},
		{"srtt_us", 80, 4, 1, FieldUnsigned}, // µs, shifted left by 3
		{"bpf_sock_ops_cb_flags", 84, 4, 1, FieldUnsigned},
		{"state", 88, 4, 1, FieldUnsigned}, // BPF_TCP_LISTEN, …
		{"rtt_min", 92, 4, 1, FieldUnsigned},
		{"snd_ssthresh", 96, 4, 1, FieldUnsigned},
		{"rcv_nxt", 100, 4, 1, FieldUnsigned},
		{"snd_nxt", 104, 4, 1, FieldUnsigned},
		{"snd_una", 108, 4, 1, FieldUnsigned},
		{"mss_cache", 112, 4, 1, FieldUnsigned},
		{"ecn_flags", 116, 4, 1, FieldUnsigned},
		{"rate_delivered", 120, 4, 1, FieldUnsigned},
		{"rate_interval_us", 124, 4, 1, FieldUnsigned},
		{"packets_out", 128, 4, 1, FieldUnsigned},
		{"retrans_out", 132, 4, 1, FieldUnsigned},
		{"total_retrans", 136, 4, 1, FieldUnsigned},
		{"segs_in", 140, 4, 1, FieldUnsigned},
		{"data_segs_in", 144, 4, 1, FieldUnsigned},
		{"segs_out", 148, 4, 1, FieldUnsigned},
		{"data_segs_out", 152, 4, 1, FieldUnsigned},
		{"lost_out", 156, 4, 1, FieldUnsigned},
		{"sacked_out", 160, 4, 1, FieldUnsigned},
		{"sk_txhash", 164, 4, 1, FieldUnsigned},
		{"bytes_received", 168, 8, 1, FieldUnsigned},
		{"bytes_acked", 176, 8, 1, FieldUnsigned},
		{"sk", 184, 8, 1, FieldSock},
		{"skb_data", 192, 8, 1, FieldData},
		{"skb_data_end", 200, 8, 1, FieldDataEnd},
		{"skb_len", 208, 4, 1, FieldUnsigned}, // bytes
		{"skb_tcp_flags", 212, 4, 1, FieldUnsigned},
		{"skb_hwtstamp", 216, 8, 1, FieldUnsigned}, // ns
	}}

	skMsgContext = Context{"sk_msg_md", 80, []Field{
		{"data", 0, 8, 1, FieldData},
		{"data_end", 8, 8, 1, FieldDataEnd},
		{"family", 16, 4, 1, FieldUnsigned},      // AF_INET, …
		{"remote_ip4", 20, 4, 1, FieldUnsigned},  // network order
		{"local_ip4", 24, 4, 1, FieldUnsigned},   // network order
		{"remote_ip6", 28, 4, 4, FieldUnsigned},  // network order
		{"local_ip6", 44, 4, 4, FieldUnsigned},   // network order
		{"remote_port", 60, 4, 1, FieldUnsigned}, // network order
		{"local_port", 64, 4, 1, FieldUnsigned},  // host order
		{"size", 68, 4, 1, FieldUnsigned},        // bytes
		{"sk", 72, 8, 1, FieldSock},
	}}

	skReuseportContext = Context{"sk_reuseport_md", 56, []Field{
		{"data", 0, 8, 1, FieldData}, // from the transport header on
		{"data_end", 8, 8, 1, FieldDataEnd},
		{"len", 16, 4, 1, FieldUnsigned},          // bytes, of all buffers
		{"eth_protocol", 20, 4, 1, FieldUnsigned}, // ETH_P_IP, …, in network order
		{"ip_protocol", 24, 4, 1, FieldUnsigned},  // IPPROTO_TCP, …
		{"bind_inany", 28, 4, 1, FieldUnsigned},
		{"hash", 32, 4, 1, FieldUnsigned},
		{"sk", 40, 8, 1, FieldSock},
		{"migrating_sk", 48, 8, 1, FieldSock},
	}}

	skLookupContext = Context{"bpf_sk_lookup", 72, []Field{
		{"sk", 0, 8, 1, FieldSock},               // the socket selected so far
		{"cookie", 0, 8, 1, FieldUnsigned},       // test runs only
		{"family", 8, 4, 1, FieldUnsigned},       // AF_INET, …
		{"protocol", 12, 4, 1, FieldUnsigned},    // IPPROTO_TCP, …
		{"remote_ip4", 16, 4, 1, FieldUnsigned},  // network order
		{"remote_ip6", 20, 4, 4, FieldUnsigned},  // network order
		{"remote_port", 36, 2, 1, FieldUnsigned}, // network order; 4 bytes may be loaded, as before 5.18
		{"local_ip4", 40, 4, 1, FieldUnsigned},   // network order
		{"local_ip6", 44, 4, 4, FieldUnsigned},   // network order
		{"local_port", 60, 4, 1, FieldUnsigned},  // host order
		{"ingress_ifindex", 64, 4, 1, FieldUnsigned},
	}}

	sysctlContext = Context{"bpf_sysctl", 8, []Field{
		{"write", 0, 4, 1, FieldUnsigned}, // 1 for a write, 0 for a read
		{"file_pos", 4, 4, 1, FieldUnsigned},
	}}

	sockoptContext = Context{"bpf_sockopt", 40, []Field{
		{"sk", 0, 8, 1, FieldSock},
		{"optval", 8, 8, 1, FieldData},
		{"optval_end", 16, 8, 1, FieldDataEnd},
		{"level", 24, 4, 1, FieldSigned},
		{"optname", 28, 4, 1, FieldSigned},
		{"optlen", 32, 4, 1, FieldSigned}, // bytes
		{"retval", 36, 4, 1, FieldSigned},
	}}

	cgroupDevContext = Context{"bpf_cgroup_dev_ctx", 12, []Field{
		{"access_type", 0, 4, 1, FieldUnsigned}, // BPF_DEVCG_ACC_READ, … << 16 | BPF_DEVCG_DEV_CHAR, …
		{"major", 4, 4, 1, FieldUnsigned},
		{"minor", 8, 4, 1, FieldUnsigned},
	}}

	nfContext = Context{"bpf_nf_ctx", 16, []Field{
		{"state", 0, 8, 1, FieldPointer}, // struct nf_hook_state
		{"skb", 8, 8, 1, FieldPointer},   // struct sk_buff
	}}

	perfEventContext = Context{"bpf_perf_event_data", 184, []Field{
		{"regs", 0, 168, 1, FieldStruct}, // struct pt_regs
		{"sample_period", 168, 8, 1, FieldUnsigned},
		{"addr", 176, 8, 1, FieldUnsigned},
	}}

	ptRegsContext = Context{"pt_regs", 168, []Field{
		{"r15", 0, 8, 1, FieldUnsigned},
		{"r14", 8, 8, 1, FieldUnsigned},
		{"r13", 16, 8, 1, FieldUnsigned},
		{"r12", 24, 8, 1, FieldUnsigned},
		{"bp", 32, 8, 1, FieldUnsigned},
		{"bx", 40, 8, 1, FieldUnsigned},
		{"r11", 48, 8, 1, FieldUnsigned},
		{"r10", 56, 8, 1, FieldUnsigned},
		{"r9", 64, 8, 1, FieldUnsigned},
		{"r8", 72, 8, 1, FieldUnsigned},
		{"ax", 80, 8, 1, FieldUnsigned},
		{"cx", 88, 8, 1, FieldUnsigned},
		{"dx", 96, 8, 1, FieldUnsigned},
		{"si", 104, 8, 1, FieldUnsigned},
		{"di", 112, 8, 1, FieldUnsigned},
		{"orig_ax", 120, 8, 1, FieldUnsigned},
		{"ip", 128, 8, 1, FieldUnsigned},
		{"cs", 136, 8, 1, FieldUnsigned},
		{"flags", 144, 8, 1, FieldUnsigned},
		{"sp", 152, 8, 1, FieldUnsigned},
		{"ss", 160, 8, 1, FieldUnsigned},
	}}

	seccompDataContext = Context{"seccomp_data", 64, []Field{
		{"nr", 0, 4, 1, FieldSigned},     // of the system call
		{"arch", 4, 4, 1, FieldUnsigned}, // AUDIT_ARCH_X86_64, …
		{"instruction_pointer", 8, 8, 1, FieldUnsigned},
		{"args", 16, 8, 6, FieldUnsigned},
	}}
)
