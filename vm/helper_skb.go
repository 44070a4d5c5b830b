package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

// Helpers that copy from and to an skb, and change its type and VLAN tag. The
// kernel's are in net/core/filter.c.
var skbHelpers = []helper{
	{id: linux.FnSkbLoadBytes, fn: skbLoadBytes},
	{id: linux.FnSkbLoadBytesRelative, fn: skbLoadBytesRelative},
	{id: linux.FnSkbStoreBytes, fn: skbStoreBytes},
	{id: linux.FnSkbPullData, fn: skbPullData},
	{id: linux.FnSkbChangeType, fn: skbChangeType},
	{id: linux.FnSkbVlanPush, fn: skbVLANPush},
	{id: linux.FnSkbVlanPop, fn: skbVLANPop},
}

var errNoSKB = fmt.Errorf("this program has no struct __sk_buff with a packet: %w", ErrArgument)

// skbLoadBytes: r1 context, r2 offset, r3 buffer, r4 length. 0; or EFAULT, and the
// buffer zero. A flow dissector's packet is none of an skb: always EFAULT.
func skbLoadBytes(t *thread, r *registers) {
	inFlow := t.packet.ctx == t.packet.flow.ctx
	if inFlow && !t.contextArgument(r) || !inFlow && t.skbArgument(r) == nil {
		return
	}
	to := t.memoryArgument(3, r, uint64(uint32(r[4])), true)
	if t.fault != nil {
		return
	}
	r[0] = 0
	if inFlow || !t.packet.load(int(int32(r[2])), to) {
		clear(to)
		r[0] = result(linux.EFAULT)
	}
}

// skbLoadBytesRelative: r1 context, r2 offset, r3 buffer, r4 length, r5 header to
// count from: 0 the link layer's, 1 the network's. 0; or EFAULT, and the buffer
// zero.
func skbLoadBytesRelative(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	to := t.memoryArgument(3, r, uint64(uint32(r[4])), true)
	if t.fault != nil {
		return
	}
	off, start := uint64(uint32(r[2])), int(s.mac)
	if uint32(r[5]) == 1 {
		start = int(s.network)
	}
	p := s.packet
	data := p.from(start + p.data - s.headroom)
	if off <= 0xffff && uint32(r[5]) <= 1 && int(off)+len(to) <= len(data) {
		copy(to, data[off:])
		r[0] = 0
		return
	}
	clear(to)
	r[0] = result(linux.EFAULT)
}

// skbStoreBytes: r1 context, r2 offset, r3 buffer, r4 length, r5 flags
// BPF_F_RECOMPUTE_CSUM and BPF_F_INVALIDATE_HASH. 0 or an error number.
func skbStoreBytes(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	from := t.memoryArgument(3, r, uint64(uint32(r[4])), false)
	if t.fault != nil {
		return
	}
	r[0] = result(s.store(int(int32(r[2])), from, r[5]))
}

// store copies into the packet at an offset (__bpf_skb_store_bytes).
func (s *skb) store(off int, from []byte, flags uint64) error {
	switch {
	case flags&^(linux.FRecomputeCsum|linux.FInvalidateHash) != 0:
		return linux.EINVAL
	case !s.packet.holds(off, len(from)):
		return linux.EFAULT
	}
	to := s.bytes()[off : off+len(from)]
	recompute := flags&linux.FRecomputeCsum != 0 && s.summed == ChecksumComplete
	if recompute {
		s.sum = checksumSub(s.sum, checksumShift(checksumPartial(to, 0), off))
	}
	copy(to, from)
	if recompute {
		s.sum = checksumAdd(s.sum, checksumShift(checksumPartial(to, 0), off))
	}
	if flags&linux.FInvalidateHash != 0 {
		s.clearHash()
	}
	return nil
}

// skbPullData: r1 context, r2 how many bytes to have in one buffer, 0 for those
// that are. 0, or ENOMEM when the packet is shorter.
func skbPullData(t *thread, r *registers) {
	if s := t.skbArgument(r); s != nil {
		r[0] = result(s.writable(uint32(r[2])))
	}
}

// maxChangeableType is the last type of packet that bpf_skb_change_type knows: to
// this host, broadcast, multicast and to another host.
const maxChangeableType = 3

// skbChangeType: r1 context, r2 type. 0 or EINVAL.
func skbChangeType(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	kind := uint32(r[2])
	if kind > maxChangeableType || s.get(skbPktType) > maxChangeableType {
		r[0] = result(linux.EINVAL)
		return
	}
	s.put(skbPktType, kind)
	r[0] = 0
}

// A VLAN tag in a packet: 4 bytes behind the addresses of the Ethernet header.
const (
	vlanSize    = 4
	vlanAt      = 12
	vlanEthSize = ethHeader + vlanSize
)

// What an Ethernet frame carries.
const (
	ethPIP     = 0x0800
	ethPIPv6   = 0x86dd
	ethP8021Q  = 0x8100
	ethP8021AD = 0x88a8
)

func isVLAN(proto uint16) bool { return proto == ethP8021Q || proto == ethP8021AD }

// skbVLANPush: r1 context, r2 protocol in network order, 802.1Q for what is none,
// r3 tag. A tag that is there already goes into the packet (net/core/skbuff.c,
// skb_vlan_push). 0 or an error number.
func skbVLANPush(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	proto := swap16(uint16(r[2]))
	if !isVLAN(proto) {
		proto = ethP8021Q
	}
	r[0] = result(s.pushVLAN(proto, uint16(r[3])))
}

func (s *skb) pushVLAN(proto, tci uint16) error {
	if s.get(skbVLANPresent) != 0 {
		if int(s.mac) != s.headroom {
			return linux.EINVAL
		}
		if err := s.cow(vlanSize); err != nil {
			return err
		}
		s.push(vlanSize)
		data := s.bytes()
		copy(data[:vlanAt], data[vlanSize:])
		s.mac -= vlanSize
		s.network -= vlanSize
		old := s.getNet(skbVLANProto)
		data[vlanAt], data[vlanAt+1] = byte(old>>8), byte(old)
		tag := s.get(skbVLANTCI)
		data[vlanAt+2], data[vlanAt+3] = byte(tag>>8), byte(tag)
		s.putNet(skbProtocol, old)
		s.pushed(data[vlanAt : vlanAt+vlanSize])
	}
	s.setVLAN(proto, tci)
	return nil
}

// skbVLANPop: r1 context. The tag goes, and the next one comes out of the packet
// (skb_vlan_pop). 0 or an error number.
func skbVLANPop(t *thread, r *registers) {
	if s := t.skbArgument(r); s != nil {
		r[0] = result(s.popVLAN())
	}
}

func (s *skb) popVLAN() error {
	if s.get(skbVLANPresent) != 0 {
		s.clearVLAN()
	} else if isVLAN(s.protocol()) {
		if _, err := s.takeVLAN(); err != nil {
			return err
		}
	}
	proto := s.protocol()
	if !isVLAN(proto) {
		return nil
	}
	tci, err := s.takeVLAN()
	if err != nil {
		return err
	}
	s.setVLAN(proto, tci)
	return nil
}

// takeVLAN takes a tag out of the packet (__skb_vlan_pop).
func (s *skb) takeVLAN() (tci uint16, err error) {
	if int(s.mac) != s.headroom {
		return 0, linux.EINVAL
	}
	if err := s.writable(vlanEthSize); err != nil {
		return 0, err
	}
	data := s.bytes()
	tci = uint16(data[vlanAt+2])<<8 | uint16(data[vlanAt+3])
	s.pulled(data[vlanAt : vlanAt+vlanSize])
	s.putNet(skbProtocol, etherType(data[vlanAt+vlanSize:], data[vlanEthSize:]))
	copy(data[vlanSize:], data[:vlanAt])
	s.pull(vlanSize)
	s.mac += vlanSize
	if s.networkOffset() < ethHeader {
		s.network = uint16(s.headroom + ethHeader)
	}
	return tci, nil
}

func swap16(v uint16) uint16 { return v>>8 | v<<8 }
