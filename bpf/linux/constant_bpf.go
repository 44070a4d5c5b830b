package linux

// bpfConstants are the names of include/uapi/linux/bpf.h that programs and their
// loaders use, but for those that come from this package's other tables.
var bpfConstants = [...]constant{
	// Map updates.
	{"BPF_ANY", Any},
	{"BPF_NOEXIST", NoExist},
	{"BPF_EXIST", Exist},
	{"BPF_F_LOCK", FLock},

	// Flags of a map.
	{"BPF_F_NO_PREALLOC", FNoPrealloc},
	{"BPF_F_NO_COMMON_LRU", FNoCommonLRU},
	{"BPF_F_NUMA_NODE", FNUMANode},
	{"BPF_F_RDONLY", FRdonly},
	{"BPF_F_WRONLY", FWronly},
	{"BPF_F_STACK_BUILD_ID", FStackBuildID},
	{"BPF_F_ZERO_SEED", FZeroSeed},
	{"BPF_F_RDONLY_PROG", FRdonlyProg},
	{"BPF_F_WRONLY_PROG", FWronlyProg},
	{"BPF_F_CLONE", FClone},
	{"BPF_F_MMAPABLE", FMmapable},
	{"BPF_F_PRESERVE_ELEMS", FPreserveElems},
	{"BPF_F_INNER_MAP", FInnerMap},
	{"BPF_F_VTYPE_BTF_OBJ_FD", FVtypeBTFObjFD},
	{"BPF_F_TOKEN_FD", FTokenFD},
	{"BPF_F_SEGV_ON_FAULT", FSegvOnFault},
	{"BPF_F_NO_USER_CONV", FNoUserConv},

	// Flags of loading a program.
	{"BPF_F_STRICT_ALIGNMENT", FStrictAlignment},
	{"BPF_F_ANY_ALIGNMENT", FAnyAlignment},
	{"BPF_F_TEST_RND_HI32", FTestRndHi32},
	{"BPF_F_TEST_STATE_FREQ", FTestStateFreq},
	{"BPF_F_SLEEPABLE", FSleepable},
	{"BPF_F_XDP_HAS_FRAGS", FXDPHasFrags},
	{"BPF_F_XDP_DEV_BOUND_ONLY", FXDPDevBoundOnly},
	{"BPF_F_TEST_REG_INVARIANTS", FTestRegInvariants},

	// Flags of attaching a program and of asking what is attached.
	{"BPF_F_ALLOW_OVERRIDE", FAllowOverride},
	{"BPF_F_ALLOW_MULTI", FAllowMulti},
	{"BPF_F_REPLACE", FReplace},
	{"BPF_F_BEFORE", FBefore},
	{"BPF_F_AFTER", FAfter},
	{"BPF_F_ID", FID},
	{"BPF_F_PREORDER", FPreorder},
	{"BPF_F_LINK", FLink},
	{"BPF_F_KPROBE_MULTI_RETURN", FKprobeMultiReturn},
	{"BPF_F_UPROBE_MULTI_RETURN", FUprobeMultiReturn},
	{"BPF_F_NETFILTER_IP_DEFRAG", FNetfilterIPDefrag},
	{"BPF_F_QUERY_EFFECTIVE", FQueryEffective},

	// Flags of pinning an object and of opening a pinned one.
	{"BPF_F_PATH_FD", FPathFD},

	// Flags of a test run.
	{"BPF_F_TEST_RUN_ON_CPU", FTestRunOnCPU},
	{"BPF_F_TEST_XDP_LIVE_FRAMES", FTestXDPLiveFrames},
	{"BPF_F_TEST_SKB_CHECKSUM_COMPLETE", FTestSKBChecksumComplete},

	// Flags of bpf_skb_store_bytes.
	{"BPF_F_RECOMPUTE_CSUM", FRecomputeCsum},
	{"BPF_F_INVALIDATE_HASH", FInvalidateHash},

	// Flags of bpf_l3_csum_replace and bpf_l4_csum_replace.
	{"BPF_F_HDR_FIELD_MASK", FHdrFieldMask},
	{"BPF_F_PSEUDO_HDR", FPseudoHdr},
	{"BPF_F_MARK_MANGLED_0", FMarkMangled0},
	{"BPF_F_MARK_ENFORCE", FMarkEnforce},
	{"BPF_F_IPV6", FIPv6},

	// Flags of bpf_clone_redirect, bpf_redirect (FIngress) and bpf_redirect_map (the others, beside the two low bits that give the verdict on a missing entry).
	{"BPF_F_INGRESS", FIngress},
	{"BPF_F_BROADCAST", FBroadcast},
	{"BPF_F_EXCLUDE_INGRESS", FExcludeIngress},
	{"BPF_F_REDIRECT_FLAGS", FRedirectFlags},

	// Flags of bpf_skb_get_tunnel_key and bpf_skb_set_tunnel_key.
	{"BPF_F_TUNINFO_IPV6", FTuninfoIPv6},
	{"BPF_F_TUNINFO_FLAGS", FTuninfoFlags},
	{"BPF_F_ZERO_CSUM_TX", FZeroCsumTX},
	{"BPF_F_DONT_FRAGMENT", FDontFragment},
	{"BPF_F_SEQ_NUMBER", FSeqNumber},
	{"BPF_F_NO_TUNNEL_KEY", FNoTunnelKey},

	// Flags of bpf_get_stackid and bpf_get_stack.
	{"BPF_F_SKIP_FIELD_MASK", FSkipFieldMask},
	{"BPF_F_USER_STACK", FUserStack},
	{"BPF_F_FAST_STACK_CMP", FFastStackCmp},
	{"BPF_F_REUSE_STACKID", FReuseStackid},
	{"BPF_F_USER_BUILD_ID", FUserBuildID},

	// Flags of bpf_perf_event_output and the like: which entry of the map, and how many bytes of the packet to append (shifted left by 32).
	{"BPF_F_INDEX_MASK", FIndexMask},
	{"BPF_F_CURRENT_CPU", FCurrentCPU},
	{"BPF_F_CTXLEN_MASK", FCtxlenMask},

	// Flags of bpf_skb_adjust_room.
	{"BPF_F_ADJ_ROOM_FIXED_GSO", FAdjRoomFixedGSO},
	{"BPF_F_ADJ_ROOM_ENCAP_L3_IPV4", FAdjRoomEncapL3IPv4},
	{"BPF_F_ADJ_ROOM_ENCAP_L3_IPV6", FAdjRoomEncapL3IPv6},
	{"BPF_F_ADJ_ROOM_ENCAP_L4_GRE", FAdjRoomEncapL4GRE},
	{"BPF_F_ADJ_ROOM_ENCAP_L4_UDP", FAdjRoomEncapL4UDP},
	{"BPF_F_ADJ_ROOM_NO_CSUM_RESET", FAdjRoomNoCsumReset},
	{"BPF_F_ADJ_ROOM_ENCAP_L2_ETH", FAdjRoomEncapL2Eth},
	{"BPF_F_ADJ_ROOM_DECAP_L3_IPV4", FAdjRoomDecapL3IPv4},
	{"BPF_F_ADJ_ROOM_DECAP_L3_IPV6", FAdjRoomDecapL3IPv6},

	// Flags of other helpers and kfuncs.
	{"BPF_F_CURRENT_NETNS", FCurrentNetns},
	{"BPF_F_SYSCTL_BASE_NAME", FSysctlBaseName},
	{"BPF_F_GET_BRANCH_RECORDS_SIZE", FGetBranchRecordsSize},
	{"BPF_F_BPRM_SECUREEXEC", FBprmSecureexec},
	{"BPF_F_TIMER_ABS", FTimerAbs},
	{"BPF_F_TIMER_CPU_PIN", FTimerCPUPin},
	{"BPF_F_PAD_ZEROS", FPadZeros},

	// Checksums: bpf_csum_level.
	{"BPF_CSUM_LEVEL_QUERY", 0},
	{"BPF_CSUM_LEVEL_INC", 1},
	{"BPF_CSUM_LEVEL_DEC", 2},
	{"BPF_CSUM_LEVEL_RESET", 3},

	// bpf_skb_adjust_room.
	{"BPF_ADJ_ROOM_NET", 0},
	{"BPF_ADJ_ROOM_MAC", 1},
	{"BPF_ADJ_ROOM_ENCAP_L2_MASK", 0xff},
	{"BPF_ADJ_ROOM_ENCAP_L2_SHIFT", 56},

	// bpf_skb_load_bytes_relative.
	{"BPF_HDR_START_MAC", 0},
	{"BPF_HDR_START_NET", 1},

	// bpf_lwt_push_encap.
	{"BPF_LWT_ENCAP_SEG6", 0},
	{"BPF_LWT_ENCAP_SEG6_INLINE", 1},
	{"BPF_LWT_ENCAP_IP", 2},

	// bpf_skb_set_tstamp, and tstamp_type of __sk_buff.
	{"BPF_SKB_TSTAMP_UNSPEC", 0},
	{"BPF_SKB_TSTAMP_DELIVERY_MONO", 1},
	{"BPF_SKB_CLOCK_REALTIME", 0},
	{"BPF_SKB_CLOCK_MONOTONIC", 1},
	{"BPF_SKB_CLOCK_TAI", 2},

	// bpf_fib_lookup: flags, then results.
	{"BPF_FIB_LOOKUP_DIRECT", 1},
	{"BPF_FIB_LOOKUP_OUTPUT", 2},
	{"BPF_FIB_LOOKUP_SKIP_NEIGH", 4},
	{"BPF_FIB_LOOKUP_TBID", 8},
	{"BPF_FIB_LOOKUP_SRC", 16},
	{"BPF_FIB_LOOKUP_MARK", 32},
	{"BPF_FIB_LKUP_RET_SUCCESS", 0},
	{"BPF_FIB_LKUP_RET_BLACKHOLE", 1},
	{"BPF_FIB_LKUP_RET_UNREACHABLE", 2},
	{"BPF_FIB_LKUP_RET_PROHIBIT", 3},
	{"BPF_FIB_LKUP_RET_NOT_FWDED", 4},
	{"BPF_FIB_LKUP_RET_FWD_DISABLED", 5},
	{"BPF_FIB_LKUP_RET_UNSUPP_LWT", 6},
	{"BPF_FIB_LKUP_RET_NO_NEIGH", 7},
	{"BPF_FIB_LKUP_RET_FRAG_NEEDED", 8},
	{"BPF_FIB_LKUP_RET_NO_SRC_ADDR", 9},

	// bpf_check_mtu: a flag, then results.
	{"BPF_MTU_CHK_SEGS", 1},
	{"BPF_MTU_CHK_RET_SUCCESS", 0},
	{"BPF_MTU_CHK_RET_FRAG_NEEDED", 1},
	{"BPF_MTU_CHK_RET_SEGS_TOOBIG", 2},

	// bpf_sk_assign in sk_lookup programs.
	{"BPF_SK_LOOKUP_F_REPLACE", 1},
	{"BPF_SK_LOOKUP_F_NO_REUSEPORT", 2},

	// Ring buffers: flags, what bpf_ringbuf_query tells, the record header.
	{"BPF_RB_NO_WAKEUP", RBNoWakeup},
	{"BPF_RB_FORCE_WAKEUP", RBForceWakeup},
	{"BPF_RB_AVAIL_DATA", 0},
	{"BPF_RB_RING_SIZE", 1},
	{"BPF_RB_CONS_POS", 2},
	{"BPF_RB_PROD_POS", 3},
	{"BPF_RINGBUF_BUSY_BIT", 1 << 31},
	{"BPF_RINGBUF_DISCARD_BIT", 1 << 30},
	{"BPF_RINGBUF_HDR_SZ", 8},

	// bpf_sk_storage_get and the like.
	{"BPF_LOCAL_STORAGE_GET_F_CREATE", 1},
	{"BPF_SK_STORAGE_GET_F_CREATE", 1},

	// bpf_snprintf_btf.
	{"BTF_F_COMPACT", 1},
	{"BTF_F_NONAME", 2},
	{"BTF_F_PTR_RAW", 4},
	{"BTF_F_ZERO", 8},

	// Stack traces with build ids.
	{"BPF_STACK_BUILD_ID_EMPTY", 0},
	{"BPF_STACK_BUILD_ID_VALID", 1},
	{"BPF_STACK_BUILD_ID_IP", 2},

	// Cgroup iterators.
	{"BPF_CGROUP_ITER_ORDER_UNSPEC", 0},
	{"BPF_CGROUP_ITER_SELF_ONLY", 1},
	{"BPF_CGROUP_ITER_DESCENDANTS_PRE", 2},
	{"BPF_CGROUP_ITER_DESCENDANTS_POST", 3},
	{"BPF_CGROUP_ITER_ANCESTORS_UP", 4},

	// cgroup_device programs: access_type of the context.
	{"BPF_DEVCG_ACC_MKNOD", 1},
	{"BPF_DEVCG_ACC_READ", 2},
	{"BPF_DEVCG_ACC_WRITE", 4},
	{"BPF_DEVCG_DEV_BLOCK", 1},
	{"BPF_DEVCG_DEV_CHAR", 2},

	// Flow dissectors.
	{"BPF_FLOW_DISSECTOR_F_PARSE_1ST_FRAG", 1},
	{"BPF_FLOW_DISSECTOR_F_STOP_AT_FLOW_LABEL", 2},
	{"BPF_FLOW_DISSECTOR_F_STOP_AT_ENCAP", 4},

	// sock_ops programs: op of the context.
	{"BPF_SOCK_OPS_VOID", 0},
	{"BPF_SOCK_OPS_TIMEOUT_INIT", 1},
	{"BPF_SOCK_OPS_RWND_INIT", 2},
	{"BPF_SOCK_OPS_TCP_CONNECT_CB", 3},
	{"BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB", 4},
	{"BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB", 5},
	{"BPF_SOCK_OPS_NEEDS_ECN", 6},
	{"BPF_SOCK_OPS_BASE_RTT", 7},
	{"BPF_SOCK_OPS_RTO_CB", 8},
	{"BPF_SOCK_OPS_RETRANS_CB", 9},
	{"BPF_SOCK_OPS_STATE_CB", 10},
	{"BPF_SOCK_OPS_TCP_LISTEN_CB", 11},
	{"BPF_SOCK_OPS_RTT_CB", 12},
	{"BPF_SOCK_OPS_PARSE_HDR_OPT_CB", 13},
	{"BPF_SOCK_OPS_HDR_OPT_LEN_CB", 14},
	{"BPF_SOCK_OPS_WRITE_HDR_OPT_CB", 15},
	{"BPF_SOCK_OPS_TSTAMP_SCHED_CB", 16},
	{"BPF_SOCK_OPS_TSTAMP_SND_SW_CB", 17},
	{"BPF_SOCK_OPS_TSTAMP_SND_HW_CB", 18},
	{"BPF_SOCK_OPS_TSTAMP_ACK_CB", 19},
	{"BPF_SOCK_OPS_TSTAMP_SENDMSG_CB", 20},

	// bpf_sock_ops_cb_flags_set.
	{"BPF_SOCK_OPS_RTO_CB_FLAG", 1},
	{"BPF_SOCK_OPS_RETRANS_CB_FLAG", 2},
	{"BPF_SOCK_OPS_STATE_CB_FLAG", 4},
	{"BPF_SOCK_OPS_RTT_CB_FLAG", 8},
	{"BPF_SOCK_OPS_PARSE_ALL_HDR_OPT_CB_FLAG", 16},
	{"BPF_SOCK_OPS_PARSE_UNKNOWN_HDR_OPT_CB_FLAG", 32},
	{"BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG", 64},
	{"BPF_SOCK_OPS_ALL_CB_FLAGS", 127},

	// TCP header options: bpf_load_hdr_opt, then args[0] while writing them.
	{"BPF_LOAD_HDR_OPT_TCP_SYN", 1},
	{"BPF_WRITE_HDR_TCP_CURRENT_MSS", 1},
	{"BPF_WRITE_HDR_TCP_SYNACK_COOKIE", 2},

	// bpf_setsockopt and bpf_getsockopt.
	{"TCP_BPF_IW", 1001},
	{"TCP_BPF_SNDCWND_CLAMP", 1002},
	{"TCP_BPF_DELACK_MAX", 1003},
	{"TCP_BPF_RTO_MIN", 1004},
	{"TCP_BPF_SYN", 1005},
	{"TCP_BPF_SYN_IP", 1006},
	{"TCP_BPF_SYN_MAC", 1007},
	{"TCP_BPF_SOCK_OPS_CB_FLAGS", 1008},
	{"SK_BPF_CB_FLAGS", 1009},
	{"SK_BPF_CB_TX_TIMESTAMPING", 1},
	{"SK_BPF_CB_MASK", 0x1},

	// TCP states.
	{"BPF_TCP_ESTABLISHED", 1},
	{"BPF_TCP_SYN_SENT", 2},
	{"BPF_TCP_SYN_RECV", 3},
	{"BPF_TCP_FIN_WAIT1", 4},
	{"BPF_TCP_FIN_WAIT2", 5},
	{"BPF_TCP_TIME_WAIT", 6},
	{"BPF_TCP_CLOSE", 7},
	{"BPF_TCP_CLOSE_WAIT", 8},
	{"BPF_TCP_LAST_ACK", 9},
	{"BPF_TCP_LISTEN", 10},
	{"BPF_TCP_CLOSING", 11},
	{"BPF_TCP_NEW_SYN_RECV", 12},
	{"BPF_TCP_BOUND_INACTIVE", 13},
}
