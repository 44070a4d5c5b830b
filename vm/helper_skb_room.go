package vm

import "ebtools/bpf/linux"

// Helpers that make an skb longer or shorter (net/core/filter.c).
var skbRoomHelpers = []helper{
	{id: linux.FnSkbChangeProto, fn: skbChangeProto},
	{id: linux.FnSkbChangeTail, fn: skbChangeTail},
	{id: linux.FnSkbChangeHead, fn: skbChangeHead},
	{id: linux.FnSkbAdjustRoom, fn: skbAdjustRoom},
}

// Sizes in bytes: of headers, and what helpers let an skb grow to, 4 pages less
// struct skb_shared_info (SKB_MAX_ALLOC).
const (
	ipv4Size   = 20
	ipv6Size   = 40
	maxSKB     = 4*4096 - frameTail
	ipSizeDiff = ipv6Size - ipv4Size
)

// Kinds of segmentation (include/linux/skbuff.h).
const (
	gsoTCPv4  = 1 << 0
	gsoDodgy  = 1 << 1
	gsoTCPv6  = 1 << 4
	gsoGRE    = 1 << 6
	gsoIPXIP4 = 1 << 8
	gsoIPXIP6 = 1 << 9
	gsoTunnel = 1 << 10 // UDP
	gsoUDPL4  = 1 << 17
)

// skbChangeProto: r1 context, r2 protocol in network order, r3 flags, which must
// be 0. An IPv4 packet becomes an IPv6 one as far as its length goes, or the other
// way round. 0 or an error number.
func skbChangeProto(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	from, to := s.protocol(), swap16(uint16(r[2]))
	switch {
	case r[3] != 0:
		r[0] = result(linux.EINVAL)
	case from == ethPIP && to == ethPIPv6:
		r[0] = result(s.toIPv6())
	case from == ethPIPv6 && to == ethPIP:
		r[0] = result(s.toIPv4())
	default:
		r[0] = result(linux.ENOTSUPP)
	}
}

func (s *skb) toIPv6() error {
	if err := s.cow(ipSizeDiff); err != nil {
		return err
	}
	s.pushNetwork(s.macLength(), ipSizeDiff)
	s.changeProtocol(ethPIPv6, gsoTCPv4, gsoTCPv6)
	return nil
}

func (s *skb) toIPv4() error {
	if err := s.popNetwork(s.macLength(), ipSizeDiff); err != nil {
		return err
	}
	s.changeProtocol(ethPIP, gsoTCPv6, gsoTCPv4)
	return nil
}

func (s *skb) changeProtocol(proto uint16, gsoFrom, gsoTo uint32) {
	if s.gso() {
		if s.gsoType&gsoFrom != 0 {
			s.gsoType = s.gsoType&^gsoFrom | gsoTo
		}
		s.gsoType |= gsoDodgy
	}
	s.putNet(skbProtocol, proto)
	s.clearHash()
}

// skbChangeTail: r1 context, r2 new length, r3 flags, which must be 0. 0 or an
// error number.
func skbChangeTail(t *thread, r *registers) {
	if s := t.skbArgument(r); s != nil {
		r[0] = result(s.changeTail(uint32(r[2]), r[3]))
	}
}

func (s *skb) changeTail(n uint32, flags uint64) error {
	least := max(0, s.networkOffset())
	if s.transport != noHeader {
		if off := int(s.transport) - s.headroom; off > 0 {
			least = off
		}
	}
	switch {
	case flags != 0 || n > maxSKB || n < uint32(least):
		return linux.EINVAL
	case s.encapsulation:
		return linux.ENOTSUPP
	}
	if n != s.length() && s.summed == ChecksumComplete {
		s.summed = ChecksumNone
	}
	s.resize(int(n))
	if s.gso() {
		s.put(skbGSOSize, 0)
		s.put(skbGSOSegs, 0)
		s.gsoType = 0
	}
	return nil
}

// skbChangeHead: r1 context, r2 bytes to add before the packet, r3 flags, which
// must be 0. They are the link-layer header then, and zero. 0 or an error number.
func skbChangeHead(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	n := int(int32(r[2]))
	if r[3] != 0 || n < 0 || !s.gso() && int(s.length())+n > maxSKB {
		r[0] = result(linux.EINVAL)
		return
	}
	if err := s.cow(n); err != nil {
		r[0] = result(err)
		return
	}
	s.push(n)
	clear(s.bytes()[:n])
	s.mac = uint16(s.headroom)
	r[0] = 0
}

// Modes and flags of bpf_skb_adjust_room.
const (
	adjRoomNet = 0 // behind the network header
	adjRoomMAC = 1 // behind the link-layer header

	encapL3   = linux.FAdjRoomEncapL3IPv4 | linux.FAdjRoomEncapL3IPv6
	decapL3   = linux.FAdjRoomDecapL3IPv4 | linux.FAdjRoomDecapL3IPv6
	encapL2At = 56 // of the length of the inner link-layer header, 8 bits
	roomFlags = linux.FAdjRoomFixedGSO | encapL3 | linux.FAdjRoomEncapL4GRE | linux.FAdjRoomEncapL4UDP |
		linux.FAdjRoomNoCsumReset | linux.FAdjRoomEncapL2Eth | decapL3 | 0xff<<encapL2At
	maxRoom = 0xfff // bytes at a time
)

// skbAdjustRoom: r1 context, r2 bytes to add or take, r3 mode, r4 flags. 0 or an
// error number.
func skbAdjustRoom(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	err := s.adjustRoom(int32(r[2]), uint32(r[3]), r[4])
	if err == nil && r[4]&linux.FAdjRoomNoCsumReset == 0 && s.summed == ChecksumUnnecessary {
		s.summed, s.level = ChecksumNone, 0
	}
	r[0] = result(err)
}

func (s *skb) adjustRoom(diff int32, mode uint32, flags uint64) error {
	proto, shrink, size := s.protocol(), diff < 0, uint32(diff)
	if shrink {
		size = -size
	}
	switch {
	case flags&^uint64(roomFlags) != 0:
		return linux.EINVAL
	case size > maxRoom:
		return linux.EFAULT
	case proto != ethPIP && proto != ethPIPv6, mode > adjRoomMAC:
		return linux.ENOTSUPP
	}
	least := uint32(ipv4Size)
	if proto == ethPIPv6 {
		least = ipv6Size
	}
	off := s.macLength()
	if mode == adjRoomNet {
		off += int(least)
	}
	if decap := flags & decapL3; decap != 0 {
		switch {
		case !shrink || decap == decapL3:
			return linux.EINVAL
		case decap == linux.FAdjRoomDecapL3IPv4:
			least = ipv4Size
		default:
			least = ipv6Size
		}
	}
	have := s.length() - uint32(s.networkOffset())
	if shrink {
		if size >= have || have-size < least {
			return linux.ENOTSUPP
		}
		return s.shrinkNetwork(off, int(size), flags)
	}
	if s.length()+size > maxSKB && !s.gso() {
		return linux.ENOTSUPP
	}
	return s.growNetwork(off, int(size), flags)
}

// fixedGSO reports whether the packet is of a kind whose segments may change: of
// TCP, or of UDP when their size stays.
func (s *skb) fixedGSO(flags uint64) bool {
	return !s.gso() || s.gsoType&(gsoTCPv4|gsoTCPv6) != 0 || s.gsoType&gsoUDPL4 != 0 && flags&linux.FAdjRoomFixedGSO != 0
}

// growNetwork is bpf_skb_net_grow.
func (s *skb) growNetwork(off, n int, flags uint64) error {
	if !s.fixedGSO(flags) {
		return linux.ENOTSUPP
	}
	if err := s.cow(n); err != nil {
		return err
	}
	encap := flags&encapL3 != 0
	if encap {
		if err := s.mayEncapsulate(n, flags); err != nil {
			return err
		}
	}
	macLength := s.macLength()
	s.pushNetwork(off, n)
	gsoType := uint32(gsoDodgy)
	if encap {
		s.encapsulation = true
		s.network = uint16(s.headroom + macLength)
		gsoType |= s.encapsulated(macLength, flags)
	}
	if s.gso() {
		s.gsoType |= gsoType
		s.put(skbGSOSegs, 0)
		if flags&linux.FAdjRoomFixedGSO == 0 {
			s.put(skbGSOSize, uint32(uint16(s.get(skbGSOSize)-uint32(n))))
		}
	}
	return nil
}

// mayEncapsulate checks flags that say what the new headers will be.
func (s *skb) mayEncapsulate(n int, flags uint64) error {
	inner := int(flags >> encapL2At)
	const bothL4 = linux.FAdjRoomEncapL4GRE | linux.FAdjRoomEncapL4UDP
	switch {
	case flags&encapL3 == encapL3, flags&bothL4 == bothL4,
		flags&linux.FAdjRoomEncapL2Eth != 0 && inner < ethHeader:
		return linux.EINVAL
	case s.encapsulation:
		return linux.EALREADY
	case inner > n:
		return linux.EINVAL
	}
	return nil
}

// encapsulated sets what follows from the new headers and tells what kind of
// segmentation they ask for.
func (s *skb) encapsulated(macLength int, flags uint64) (gsoType uint32) {
	size, proto := ipv4Size, uint16(ethPIP)
	if flags&linux.FAdjRoomEncapL3IPv6 != 0 {
		size, proto = ipv6Size, ethPIPv6
	}
	switch {
	case flags&linux.FAdjRoomEncapL4UDP != 0:
		gsoType = gsoTunnel
	case flags&linux.FAdjRoomEncapL4GRE != 0:
		gsoType = gsoGRE
	case proto == ethPIPv6:
		gsoType = gsoIPXIP6
	default:
		gsoType = gsoIPXIP4
	}
	if gsoType&(gsoTunnel|gsoGRE) != 0 {
		s.transport = uint16(s.headroom + macLength + size)
	}
	s.putNet(skbProtocol, proto)
	return gsoType
}

// shrinkNetwork is bpf_skb_net_shrink.
func (s *skb) shrinkNetwork(off, n int, flags uint64) error {
	if flags&^uint64(linux.FAdjRoomFixedGSO|decapL3|linux.FAdjRoomNoCsumReset) != 0 {
		return linux.EINVAL
	}
	if !s.fixedGSO(flags) {
		return linux.ENOTSUPP
	}
	if err := s.popNetwork(off, n); err != nil {
		return err
	}
	switch {
	case flags&linux.FAdjRoomDecapL3IPv6 != 0:
		s.putNet(skbProtocol, ethPIPv6)
	case flags&linux.FAdjRoomDecapL3IPv4 != 0:
		s.putNet(skbProtocol, ethPIP)
	}
	if s.gso() {
		if flags&linux.FAdjRoomFixedGSO == 0 {
			s.put(skbGSOSize, uint32(uint16(s.get(skbGSOSize)+uint32(n))))
		}
		s.gsoType |= gsoDodgy
		s.put(skbGSOSegs, 0)
	}
	return nil
}
