package vm

import (
	"encoding/binary"
	"net/netip"
)

// Socket is the socket that an skb belongs to, as skb->sk shows it.
type Socket struct {
	// Local and Remote are its addresses: two of IPv4 or two of IPv6, or none.
	Local, Remote  netip.AddrPort
	Type, Protocol uint32 // SOCK_STREAM, …; IPPROTO_TCP, …
	State          uint32 // BPF_TCP_LISTEN, …
	BoundIfindex   uint32
	Mark, Priority uint32
	RxQueueMapping int32  // -1: none
	Cookie         uint64 // for bpf_get_socket_cookie
	UID            uint32 // of its owner, for bpf_get_socket_uid
	CgroupID       uint64 // for bpf_skb_cgroup_id
	CgroupClassID  uint32 // for bpf_skb_cgroup_classid and bpf_get_cgroup_classid
}

// Families of addresses on Linux.
const (
	afINET  = 2
	afINET6 = 10
)

// Offsets in struct bpf_sock (include/uapi/linux/bpf.h).
const (
	sockBound    = 0
	sockFamily   = 4
	sockType     = 8
	sockProtocol = 12
	sockMark     = 16
	sockPriority = 20
	sockSrcIP4   = 24
	sockSrcIP6   = 28
	sockSrcPort  = 44
	sockDstPort  = 48
	sockDstIP4   = 52
	sockDstIP6   = 56
	sockState    = 72
	sockRxQueue  = 76
	sockSize     = 80
)

func (s *Socket) family() uint32 {
	switch a := s.Local.Addr(); {
	case a.Is4():
		return afINET
	case a.Is6():
		return afINET6
	}
	return 0
}

// fillSocket puts the socket into the context and into the memory that skb->sk
// points to.
func (s *skb) fillSocket(in *Socket) {
	if in == nil {
		return
	}
	s.put64(skbSk, s.sock.start)
	s.put(skbFamily, in.family())
	ctx, sock := s.region.data, s.sock.data
	clear(sock)
	word := binary.LittleEndian.PutUint32
	word(sock[sockBound:], in.BoundIfindex)
	word(sock[sockFamily:], in.family())
	word(sock[sockType:], in.Type)
	word(sock[sockProtocol:], in.Protocol)
	word(sock[sockMark:], in.Mark)
	word(sock[sockPriority:], in.Priority)
	word(sock[sockState:], in.State)
	word(sock[sockRxQueue:], uint32(in.RxQueueMapping))
	local, remote := in.Local.Addr().AsSlice(), in.Remote.Addr().AsSlice()
	switch in.family() {
	case afINET:
		copy(ctx[skbLocalIP4:], local)
		copy(ctx[skbRemoteIP4:], remote)
		copy(sock[sockSrcIP4:], local)
		copy(sock[sockDstIP4:], remote)
	case afINET6:
		copy(ctx[skbLocalIP6:], local)
		copy(ctx[skbRemoteIP6:], remote)
		copy(sock[sockSrcIP6:], local)
		copy(sock[sockDstIP6:], remote)
	}
	word(ctx[skbLocalPort:], uint32(in.Local.Port()))
	word(sock[sockSrcPort:], uint32(in.Local.Port()))
	binary.BigEndian.PutUint32(ctx[skbRemotePort:], uint32(in.Remote.Port()))
	binary.BigEndian.PutUint16(sock[sockDstPort:], in.Remote.Port())
}
