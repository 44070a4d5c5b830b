package linux

// Object is a structure of the kernel that programs see as one of
// include/uapi/linux/bpf.h.
type Object uint8

const (
	ObjectSockCommon Object = iota // struct bpf_sock, the fields that sockets of any kind have
	ObjectSock                     // struct bpf_sock
	ObjectTCPSock                  // struct bpf_tcp_sock
	ObjectXDPSock                  // struct bpf_xdp_sock
	ObjectFlowKeys                 // struct bpf_flow_keys
)

// ObjectAccess reports whether a program may load or store size bytes, 1, 2, 4 or
// 8, at an offset of an object. A load gives a number of that size.
func ObjectAccess(o Object, offset, size int, write bool) bool {
	if int(o) >= len(objectAccess) {
		return false
	}
	for i := range objectAccess[o] {
		if objectAccess[o][i].allows(0, offset, size, write) {
			return true
		}
	}
	return false
}

// objectAccess has the functions bpf_*sock*_is_valid_access of net/core/filter.c
// and check_flow_keys_access of kernel/bpf/verifier.c.
var objectAccess = [...][]accessRow{
	ObjectSockCommon: append([]accessRow{
		{offset: 0, end: 4, read: size4},                 // bound_dev_if
		{offset: 4, end: 8, read: sizesTo4, start: true}, // family
	}, addressAccess...),
	ObjectSock: append([]accessRow{
		{offset: 0, end: 4, read: size4},
		{offset: 4, end: 8, read: sizesTo4, start: true},
		{offset: 8, end: 12, read: sizesTo4, start: true},  // type
		{offset: 12, end: 16, read: sizesTo4, start: true}, // protocol
		{offset: 16, end: 24, read: size4},                 // mark, priority
	}, addressAccess...),
	ObjectTCPSock: {
		{offset: 0, end: 80, read: size4},
		{offset: 80, end: 96, read: size8}, // bytes_received, bytes_acked
		// Their upper halves: the kernel knows these two by where they begin only.
		{offset: 84, end: 88, read: size4},
		{offset: 92, end: 96, read: size4},
		{offset: 96, end: 112, read: size4},
	},
	ObjectXDPSock:  {{offset: 0, end: 4, read: size4}}, // queue_id
	ObjectFlowKeys: {{offset: 0, end: 56, read: sizesAll, write: sizesAll, unaligned: true}},
}

// addressAccess are the rows that all of struct bpf_sock share.
var addressAccess = []accessRow{
	{offset: 24, end: 44, read: sizesTo4},              // src_ip4, src_ip6
	{offset: 44, end: 48, read: sizesTo4, start: true}, // src_port
	{offset: 48, end: 50, read: size1 | size2},         // dst_port
	{offset: 48, end: 52, read: size4},                 // the same, as before 5.18
	{offset: 52, end: 72, read: sizesTo4},              // dst_ip4, dst_ip6
	{offset: 72, end: 76, read: sizesTo4, start: true}, // state
	{offset: 76, end: 80, read: sizesTo4, start: true}, // rx_queue_mapping
}
