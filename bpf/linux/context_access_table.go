package linux

import "slices"

// contextAccess has what programs of Linux 6.18 may do with their contexts: the
// functions *_is_valid_access of net/core/filter.c, kernel/bpf/cgroup.c,
// kernel/trace/bpf_trace.c and others. Offsets are those of contextTable.
var contextAccess = map[ProgramType][]accessRow{
	ProgSocketFilter: slices.Concat(skbAccess, skbCbWrite),
	ProgSchedCLS:     tcAccess,
	ProgSchedACT:     tcAccess,
	ProgCgroupSKB: slices.Concat(skbAccess, skbCbWrite, skbPacket, skbSocket, []accessRow{
		{offset: 8, end: 12, write: size4},                 // mark
		{offset: 32, end: 36, write: size4},                // priority
		{offset: 152, end: 160, read: size8, write: size8}, // tstamp
		{offset: 184, end: 192, read: size8},               // hwtstamp
	}),
	ProgLWTIn:        lwtAccess,
	ProgLWTOut:       lwtAccess,
	ProgLWTXmit:      lwtAccess,
	ProgLWTSeg6local: lwtAccess,
	ProgSkSKB: slices.Concat([]accessRow{
		{offset: 0, end: 8, read: sizesTo4},   // all but mark
		{offset: 12, end: 48, read: sizesTo4}, // queue_mapping to tc_index
		{offset: 32, end: 36, write: size4},   // priority
		{offset: 44, end: 48, write: size4},   // tc_index
	}, skbTail, skbPacket, skbSocket),
	ProgFlowDissector: slices.Concat(skbPacket, []accessRow{
		{offset: 144, end: 152, read: size8, gives: ContextFlowKeys},
	}),
	ProgXDP: {
		{offset: 0, end: 4, read: size4, gives: ContextPacket},
		{offset: 4, end: 8, read: size4, gives: ContextPacketEnd},
		{offset: 8, end: 12, read: size4, gives: ContextPacketMeta},
		{offset: 12, end: 20, read: size4},
		{offset: 20, end: 24, read: size4, attach: []AttachType{AttachXDPDevmap}}, // egress_ifindex
	},
	ProgCgroupSock: {
		{offset: 0, end: 4, read: size4, write: size4, attach: attachSock},   // bound_dev_if
		{offset: 4, end: 8, read: sizesTo4, start: true},                     // family
		{offset: 8, end: 12, read: sizesTo4, start: true},                    // type
		{offset: 12, end: 16, read: sizesTo4, start: true},                   // protocol
		{offset: 16, end: 24, read: size4, write: size4, attach: attachSock}, // mark, priority
		{offset: 24, end: 28, read: sizesTo4, attach: []AttachType{AttachCgroupInet4PostBind}},
		{offset: 28, end: 44, read: sizesTo4, attach: []AttachType{AttachCgroupInet6PostBind}},
		{offset: 44, end: 48, read: sizesTo4, start: true, attach: []AttachType{AttachCgroupInet4PostBind, AttachCgroupInet6PostBind}},
		{offset: 48, end: 50, read: size1 | size2},         // dst_port
		{offset: 48, end: 52, read: size4},                 // the same, as before 5.18
		{offset: 52, end: 72, read: sizesTo4},              // dst_ip4, dst_ip6
		{offset: 72, end: 76, read: sizesTo4, start: true}, // state
		{offset: 76, end: 80, read: sizesTo4, start: true}, // rx_queue_mapping
	},
	ProgCgroupSockAddr: {
		{offset: 0, end: 4, read: size4}, // user_family
		{offset: 4, end: 8, read: sizesTo4, write: size4, attach: attachAddr4},
		{offset: 8, end: 24, read: sizesAll, write: size4 | size8, attach: attachAddr6},
		{offset: 24, end: 28, read: sizesTo4, write: size4}, // user_port
		{offset: 28, end: 40, read: size4},
		{offset: 40, end: 44, read: sizesTo4, write: size4, attach: []AttachType{AttachCgroupUDP4Sendmsg}},
		{offset: 44, end: 60, read: sizesAll, write: size4 | size8, attach: []AttachType{AttachCgroupUDP6Sendmsg}},
		{offset: 64, end: 72, read: size8, gives: ContextSock},
	},
	ProgSockOps: {
		{offset: 0, end: 168, read: size4},
		{offset: 4, end: 8, write: size4},     // reply
		{offset: 164, end: 168, write: size4}, // sk_txhash
		{offset: 168, end: 184, read: size8},
		{offset: 184, end: 192, read: size8, gives: ContextSockOrNull},
		{offset: 192, end: 200, read: size8, gives: ContextPacket},
		{offset: 200, end: 208, read: size8, gives: ContextPacketEnd},
		{offset: 208, end: 212, read: size4},
		{offset: 212, end: 216, read: sizesTo4, start: true}, // skb_tcp_flags
		{offset: 216, end: 224, read: size8},
	},
	ProgSkMsg: {
		{offset: 0, end: 8, read: size8, gives: ContextPacket},
		{offset: 8, end: 16, read: size8, gives: ContextPacketEnd},
		{offset: 16, end: 72, read: size4},
		{offset: 72, end: 80, read: size8, gives: ContextSock},
	},
	ProgSkReuseport: {
		{offset: 0, end: 8, read: size8, gives: ContextPacket},
		{offset: 8, end: 16, read: size8, gives: ContextPacketEnd},
		{offset: 16, end: 20, read: sizesTo4},
		{offset: 20, end: 24, read: size2 | size4}, // eth_protocol
		{offset: 24, end: 32, read: sizesTo4},
		{offset: 32, end: 36, read: size4}, // hash
		{offset: 40, end: 48, read: size8, gives: ContextSock},
		{offset: 48, end: 56, read: size8, gives: ContextSockCommonOrNull},
	},
	ProgSkLookup: {
		{offset: 0, end: 8, read: size8, gives: ContextSockOrNull},
		{offset: 8, end: 68, read: sizesTo4},
	},
	ProgCgroupSysctl: {
		{offset: 0, end: 8, read: sizesTo4},
		{offset: 4, end: 8, write: size4}, // file_pos
	},
	ProgCgroupSockopt: {
		{offset: 0, end: 8, read: size8, gives: ContextSock},
		{offset: 8, end: 16, read: size8, gives: ContextPacket},
		{offset: 16, end: 24, read: size8, gives: ContextPacketEnd},
		{offset: 24, end: 36, read: size4},
		{offset: 24, end: 32, write: size4, attach: []AttachType{AttachCgroupSetsockopt}}, // level, optname
		{offset: 32, end: 36, write: size4},                                               // optlen
		{offset: 36, end: 40, read: size4, write: size4, attach: []AttachType{AttachCgroupGetsockopt}},
	},
	ProgCgroupDevice: {
		{offset: 0, end: 4, read: sizesTo4}, // access_type
		{offset: 4, end: 12, read: size4},
	},
	ProgNetfilter: {
		{offset: 0, end: 8, read: size8, gives: ContextNFHookState},
		{offset: 8, end: 16, read: size8, gives: ContextSkBuff},
	},
	ProgKprobe: {{offset: 0, end: 168, read: sizesAll}}, // x86-64
	ProgPerfEvent: {
		{offset: 0, end: 168, read: size8}, // regs, on x86-64
		{offset: 168, end: 184, read: sizesAll},
	},
	ProgTracepoint: {
		{offset: 8, end: 8192, read: sizesAll}, // PERF_MAX_TRACE_SIZE
		// What lies before the context too: the kernel compares a negative offset as unsigned.
		{offset: -1 << 15, end: 0, read: sizesAll},
	},
	ProgRawTracepoint: {{offset: 0, end: 96, read: sizesAll}}, // 12 arguments
	ProgRawTracepointWritable: {
		{offset: 0, end: 8, read: size8, gives: ContextBuffer},
		{offset: 1, end: 96, read: sizesTo4},
		{offset: 8, end: 96, read: size8},
	},
	ProgLircMode2: {{offset: 0, end: 4, read: size4}},
	ProgSyscall: {
		{offset: 0, end: 1<<16 - 1, read: size1, write: size1},
		{offset: 0, end: 1 << 16, read: size2 | size4 | size8, write: size2 | size4 | size8},
	},
}

// Rows for struct __sk_buff that types share.
var (
	skbAccess = append([]accessRow{{offset: 0, end: 48, read: sizesTo4}}, skbTail...) // len to tc_index

	skbTail = []accessRow{
		{offset: 48, end: 68, read: sizesAll},   // cb
		{offset: 68, end: 72, read: sizesTo4},   // hash
		{offset: 84, end: 88, read: sizesTo4},   // napi_id
		{offset: 164, end: 168, read: sizesTo4}, // gso_segs
		{offset: 168, end: 176, read: size8, gives: ContextSockCommonOrNull},
		{offset: 176, end: 180, read: sizesTo4}, // gso_size
	}

	skbCbWrite = []accessRow{{offset: 48, end: 68, write: sizesAll}}

	skbPacket = []accessRow{
		{offset: 76, end: 80, read: size4, gives: ContextPacket},
		{offset: 80, end: 84, read: size4, gives: ContextPacketEnd},
	}

	// family, addresses and ports.
	skbSocket = []accessRow{
		{offset: 88, end: 92, read: sizesTo4},
		{offset: 92, end: 132, read: size4},
		{offset: 132, end: 140, read: sizesTo4},
	}

	tcAccess = slices.Concat(skbAccess, skbCbWrite, skbPacket, []accessRow{
		{offset: 8, end: 16, write: size4},    // mark, queue_mapping
		{offset: 32, end: 36, write: size4},   // priority
		{offset: 44, end: 48, write: size4},   // tc_index
		{offset: 72, end: 76, read: sizesTo4}, // tc_classid
		{offset: 72, end: 76, write: size4},   // the same
		{offset: 140, end: 144, read: size4, gives: ContextPacketMeta},
		{offset: 152, end: 160, read: size8, write: size8}, // tstamp
		{offset: 160, end: 164, read: sizesTo4},            // wire_len
		{offset: 180, end: 181, read: size1},               // tstamp_type
		{offset: 184, end: 192, read: size8},               // hwtstamp
	})

	lwtAccess = slices.Concat(skbAccess, skbCbWrite, skbPacket, []accessRow{
		{offset: 8, end: 12, write: size4},  // mark
		{offset: 32, end: 36, write: size4}, // priority
	})
)

// Sets of attach types that rows share.
var (
	attachSock  = []AttachType{AttachCgroupInetSockCreate, AttachCgroupInetSockRelease}
	attachAddr4 = []AttachType{
		AttachCgroupInet4Bind, AttachCgroupInet4Connect, AttachCgroupUDP4Sendmsg, AttachCgroupUDP4Recvmsg,
		AttachCgroupInet4Getpeername, AttachCgroupInet4Getsockname,
	}
	attachAddr6 = []AttachType{
		AttachCgroupInet6Bind, AttachCgroupInet6Connect, AttachCgroupUDP6Sendmsg, AttachCgroupUDP6Recvmsg,
		AttachCgroupInet6Getpeername, AttachCgroupInet6Getsockname,
	}
)
