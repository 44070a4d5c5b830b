package vm

import (
	"encoding/binary"
	"net/netip"

	"ebtools/bpf/linux"
)

// Network is what a machine's helpers find outside of a packet. Interfaces are
// Ethernet's.
type Network struct {
	Devices   []Device
	Routes    []Route
	Neighbors []Neighbor
}

// Device is an interface.
type Device struct {
	Ifindex      uint32
	MTU          uint32
	HardwareAddr [6]byte
	// Addresses are its own. Packets to them are not forwarded; the first of a
	// family is the source where a route has none.
	Addresses  []netip.Addr
	Forwarding bool // of packets that come in there
}

// Route says where packets to a prefix go. Of those that fit, the longest prefix
// counts, then the lowest metric.
type Route struct {
	Prefix  netip.Prefix
	Kind    RouteKind
	Ifindex uint32     // it goes out there
	Gateway netip.Addr // none: the destination is a neighbor
	Source  netip.Addr // of packets from here
	MTU     uint32     // 0: that of the interface ("mtu lock" of ip-route)
	Metric  uint32
	Table   uint32 // 0: the main one, 254; only lookups in a table of their choice see others
}

// RouteKind is what a route does with packets.
type RouteKind uint8

// Kinds of routes.
const (
	RouteUnicast RouteKind = iota
	RouteLocal             // they are for this machine
	RouteBlackhole
	RouteUnreachable
	RouteProhibit
)

// Neighbor is an entry of the table of ARP and neighbor discovery.
type Neighbor struct {
	Addr         netip.Addr
	Ifindex      uint32
	HardwareAddr [6]byte
}

var fibHelpers = []helper{
	{id: linux.FnFibLookup, fn: fibLookup},
	{id: linux.FnCheckMtu, fn: checkMTU},
}

const mainTable = 254

// device finds an interface, nil when there is none.
func (n *Network) device(ifindex uint32) *Device {
	for i := range n.Devices {
		if n.Devices[i].Ifindex == ifindex {
			return &n.Devices[i]
		}
	}
	return nil
}

// local reports whether an address is one of the machine's own.
func (n *Network) local(a netip.Addr) bool {
	for _, d := range n.Devices {
		for _, own := range d.Addresses {
			if own == a {
				return true
			}
		}
	}
	return false
}

// route finds the route to an address in a table; out, when not 0, is the
// interface that it must use.
func (n *Network) route(to netip.Addr, table, out uint32) *Route {
	var best *Route
	for i := range n.Routes {
		r := &n.Routes[i]
		in := r.Table
		if in == 0 {
			in = mainTable
		}
		if in != table || !r.Prefix.Contains(to) || out != 0 && r.Kind == RouteUnicast && r.Ifindex != out {
			continue
		}
		if best == nil || r.Prefix.Bits() > best.Prefix.Bits() ||
			r.Prefix.Bits() == best.Prefix.Bits() && r.Metric < best.Metric {
			best = r
		}
	}
	return best
}

func (n *Network) neighbor(a netip.Addr, ifindex uint32) *Neighbor {
	for i := range n.Neighbors {
		if nb := &n.Neighbors[i]; nb.Addr == a && nb.Ifindex == ifindex {
			return nb
		}
	}
	return nil
}

// source is the address that packets by the route have where they begin here.
func (n *Network) source(r *Route, v4 bool) netip.Addr {
	if r.Source.IsValid() {
		return r.Source
	}
	if d := n.device(r.Ifindex); d != nil {
		for _, a := range d.Addresses {
			if a.Is4() == v4 {
				return a
			}
		}
	}
	return netip.Addr{}
}

// Answers of bpf_fib_lookup (BPF_FIB_LKUP_RET_…).
const (
	fibSuccess = iota
	fibBlackhole
	fibUnreachable
	fibProhibit
	fibNotForwarded
	fibForwardingOff
	_
	fibNoNeighbor
	fibFragNeeded
	fibNoSource
)

// Flags of bpf_fib_lookup.
const (
	fibDirect    = 1 << 0 // in one table
	fibOutput    = 1 << 1 // of a packet from here
	fibSkipNeigh = 1 << 2
	fibTable     = 1 << 3
	fibSource    = 1 << 4
	fibMark      = 1 << 5
	fibFlags     = fibDirect | fibOutput | fibSkipNeigh | fibTable | fibSource | fibMark
)

// fibQuery is a struct bpf_fib_lookup, by these offsets.
type fibQuery []byte

const (
	fibFamily  = 0
	fibLength  = 6 // and the MTU that comes back
	fibIfindex = 8
	fibMetric  = 12
	fibSrc     = 16
	fibDst     = 32
	fibTableID = 48 // and the VLAN tag that comes back
	fibSrcMAC  = 52
	fibDstMAC  = 58
	fibSize    = 64
)

func (q fibQuery) get(off int) uint32    { return binary.LittleEndian.Uint32(q[off:]) }
func (q fibQuery) put(off int, v uint32) { binary.LittleEndian.PutUint32(q[off:], v) }
func (q fibQuery) length() uint32        { return uint32(binary.LittleEndian.Uint16(q[fibLength:])) }

func (q fibQuery) putMTU(v uint32) { binary.LittleEndian.PutUint16(q[fibLength:], uint16(v)) }

// putAddress writes an address, of IPv4 into the first of four words; none is zero.
func (q fibQuery) putAddress(off int, a netip.Addr) {
	clear(q[off : off+4])
	copy(q[off:], a.AsSlice())
}

// fibLookup: r1 context, r2 struct bpf_fib_lookup, r3 its size, r4 flags. What the
// routes say, one of BPF_FIB_LKUP_RET_*, or an error number (net/core/filter.c,
// bpf_xdp_fib_lookup and bpf_skb_fib_lookup).
func fibLookup(t *thread, r *registers) {
	network := t.network(linux.FnFibLookup)
	if network == nil || !t.contextArgument(r) {
		return
	}
	q := fibQuery(t.memoryArgument(2, r, uint64(uint32(r[3])), true))
	if t.fault != nil {
		return
	}
	flags := uint32(r[4])
	if len(q) < fibSize || flags&^fibFlags != 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	family := uint32(q[fibFamily])
	if family != afINET && family != afINET6 {
		r[0] = result(linux.EAFNOSUPPORT)
		return
	}
	onXDP := t.packet.ctx == t.xdp
	checkLength := onXDP || q.length() != 0
	answer, err := network.lookup(q, flags, checkLength)
	if err != nil {
		r[0] = result(err)
		return
	}
	if answer == fibSuccess && !checkLength {
		device := network.device(q.get(fibIfindex))
		if t.packet.skb.length() > device.MTU+ethHeader+vlanSize && !t.packet.skb.gso() {
			answer = fibFragNeeded
		}
		q.putMTU(device.MTU)
	}
	r[0] = uint64(answer)
}

// network gives Options.Network to a helper that can't do without.
func (t *thread) network(id linux.HelperID) *Network {
	n := t.machine.options.Network
	if n == nil {
		t.fault = &NotEmulatedError{Helper: id, What: id.String() + " on a machine without Options.Network"}
	}
	return n
}

// lookup answers a query (bpf_ipv4_fib_lookup and bpf_ipv6_fib_lookup).
func (n *Network) lookup(q fibQuery, flags uint32, checkLength bool) (int, error) {
	v4 := q[fibFamily] == afINET
	src, dst := addressOf(uint32(q[fibFamily]), q[fibSrc:]), addressOf(uint32(q[fibFamily]), q[fibDst:])
	if !v4 && (neverForwarded(dst) || neverForwarded(src)) {
		return fibNotForwarded, nil
	}
	in := n.device(q.get(fibIfindex))
	if in == nil {
		return 0, linux.ENODEV
	}
	if !in.Forwarding {
		return fibForwardingOff, nil
	}
	route := n.find(q, flags, dst)
	if answer := route.answer(); answer != fibSuccess {
		return answer, nil
	}
	out := n.device(route.Ifindex)
	if out == nil {
		return fibNotForwarded, nil
	}
	mtu := uint32(0)
	if checkLength {
		if mtu = route.mtu(out, v4); q.length() > mtu {
			q.putMTU(mtu)
			return fibFragNeeded, nil
		}
	}
	if !v4 && route.Gateway.IsValid() {
		q.putAddress(fibDst, route.Gateway)
	}
	q.put(fibMetric, route.Metric)
	q.put(fibIfindex, out.Ifindex)
	if flags&fibSource != 0 {
		source := n.source(route, v4)
		if !v4 && !source.IsValid() {
			return fibNoSource, nil
		}
		q.putAddress(fibSrc, source)
	}
	if v4 && route.Gateway.IsValid() {
		if route.Gateway.Is6() {
			q[fibFamily] = afINET6
		}
		q.putAddress(fibDst, route.Gateway)
	}
	if flags&fibSkipNeigh == 0 {
		next := n.neighbor(addressOf(uint32(q[fibFamily]), q[fibDst:]), out.Ifindex)
		if next == nil {
			return fibNoNeighbor, nil
		}
		copy(q[fibDstMAC:], next.HardwareAddr[:])
		copy(q[fibSrcMAC:], out.HardwareAddr[:])
	}
	q.put(fibTableID, 0)
	if mtu != 0 {
		q.putMTU(mtu)
	}
	return fibSuccess, nil
}

// neverForwarded reports whether IPv6 packets from or to an address stay on their
// link (rt6_need_strict).
func neverForwarded(a netip.Addr) bool {
	return a.IsMulticast() || a.IsLinkLocalUnicast() || a == netip.IPv6Loopback()
}

// localRoute is that of the machine's own addresses.
var localRoute = &Route{Kind: RouteLocal}

// find gives the route for a query, nil for none. Without the direct flag the
// kernel's rules say: own addresses, then the main table. Of IPv4 both are one table
// on a machine without rules of its own.
func (n *Network) find(q fibQuery, flags uint32, dst netip.Addr) *Route {
	out, table := uint32(0), uint32(mainTable)
	if flags&fibOutput != 0 && dst.Is4() {
		out = q.get(fibIfindex)
	}
	direct := flags&fibDirect != 0
	if direct && flags&fibTable != 0 {
		if t := q.get(fibTableID); t != 0 {
			table = t
		}
		q.put(fibTableID, 0)
	}
	if (!direct || dst.Is4() && table == mainTable) && n.local(dst) {
		return localRoute
	}
	return n.route(dst, table, out)
}

// answer is what becomes of packets by the route.
func (r *Route) answer() int {
	switch {
	case r == nil, r.Kind == RouteLocal:
		return fibNotForwarded
	case r.Kind == RouteBlackhole:
		return fibBlackhole
	case r.Kind == RouteUnreachable:
		return fibUnreachable
	case r.Kind == RouteProhibit:
		return fibProhibit
	}
	return fibSuccess
}

// mtu is the longest packet that the route takes.
func (r *Route) mtu(out *Device, v4 bool) uint32 {
	const (
		most    = 65535
		leastV6 = 1280
	)
	switch {
	case r.MTU != 0:
		return r.MTU
	case v4:
		return min(out.MTU, most)
	}
	return min(max(out.MTU, leastV6), most)
}

// Answers of bpf_check_mtu (BPF_MTU_CHK_RET_…), and its flag.
const (
	mtuSuccess    = 0
	mtuFragNeeded = 1
	mtuSegments   = 1 << 0
)

// checkMTU: r1 context, r2 interface index or 0 for the packet's own, r3 where the
// length of a packet is or 0, and the MTU comes back, r4 a difference to come, r5
// flags. One of BPF_MTU_CHK_RET_*, or an error number (bpf_xdp_check_mtu and
// bpf_skb_check_mtu).
func checkMTU(t *thread, r *registers) {
	network := t.network(linux.FnCheckMtu)
	if network == nil || !t.contextArgument(r) {
		return
	}
	inOut := t.memoryArgument(3, r, 4, true)
	if t.fault != nil {
		return
	}
	s := &t.packet.skb
	ifindex, length, flags := uint32(r[2]), binary.LittleEndian.Uint32(inOut), r[5]
	own, allowed := s.get(skbIfindex), uint64(mtuSegments)
	if t.packet.ctx == t.xdp {
		own, allowed = binary.LittleEndian.Uint32(t.xdp.data[12:]), 0
	}
	if flags&^allowed != 0 || flags != 0 && (int32(r[4]) != 0 || length != 0) {
		r[0] = result(linux.EINVAL)
		return
	}
	if ifindex == 0 {
		ifindex = own
	}
	device := network.device(ifindex)
	if device == nil {
		r[0] = result(linux.ENODEV)
		return
	}
	n := int32(t.packet.end - t.packet.data)
	if length != 0 {
		n = int32(length + ethHeader)
	}
	r[0] = mtuSuccess
	if n+int32(r[4]) > int32(device.MTU+ethHeader) {
		switch {
		case t.packet.ctx == t.xdp || !s.gso():
			r[0] = mtuFragNeeded
		case flags&mtuSegments == 0:
		case s.transport == noHeader:
			r[0] = result(linux.EINVAL)
			return
		default:
			t.fault = &NotEmulatedError{Helper: linux.FnCheckMtu, What: "bpf_check_mtu of the segments of a packet in a packet"}
			return
		}
	}
	binary.LittleEndian.PutUint32(inOut, device.MTU)
}
