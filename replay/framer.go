package replay

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// ethernetHeader is the length in bytes of an Ethernet header: destination,
// source, ethertype.
const ethernetHeader = 14

// Ethertypes (IEEE 802 Numbers).
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
)

// framing says how packets of a link type become Ethernet frames.
type framing struct {
	link  LinkType
	strip int // bytes of the capture's own header that are taken off
	// fill writes the Ethernet header h, all zero before, for a packet of at
	// least strip bytes.
	fill func(h *[ethernetHeader]byte, p *Packet)
	note string
}

const (
	rawNote    = "raw IP capture: a 14-byte Ethernet header with zero addresses is put before each packet"
	cookedNote = "Linux cooked capture: each packet's cooked header is replaced by a 14-byte Ethernet header with the source address it tells"
	loopNote   = "BSD loopback capture: each packet's 4-byte header is replaced by a 14-byte Ethernet header with zero addresses"
)

var framings = []framing{
	{LinkRaw, 0, fillRaw, rawNote},
	{LinkRawBSD, 0, fillRaw, rawNote},
	{LinkRawOBSD, 0, fillRaw, rawNote},
	{LinkIPv4, 0, fillRaw, rawNote},
	{LinkIPv6, 0, fillRaw, rawNote},
	{LinkLinuxSLL, 16, fillCooked1, cookedNote},
	{LinkSLL2, 20, fillCooked2, cookedNote},
	{LinkNull, 4, fillLoop, loopNote},
	{LinkLoop, 4, fillLoop, loopNote},
}

// Framer makes Ethernet frames of packets of other link types. The zero value is
// ready for use.
type Framer struct {
	last    *framing
	notes   []string
	scratch []byte
}

// Frame turns *p into an Ethernet frame, in place: Data, WireLen and LinkType
// change, and Ethernet packets do not. What was made up, Note tells.
//
// Raw IP (101, 12, 14, 228, 229), Linux cooked (113, 276) and BSD loopback (0,
// 108) captures get a header in the place of their own, with the ethertype that
// header or the IP version implies, 0 if neither does. The source address is the
// link-layer address of a cooked packet, if it is 6 bytes long, and else zero;
// the destination is zero, or the group address for a cooked packet that was
// received as a broadcast or multicast.
//
// Data is as valid as it was, or until the next call of Frame if that comes
// first. The error wraps ErrLinkType for any other link type, ErrDamaged for a
// packet that is shorter than its header: the latter is no obstacle to reading
// on.
func (f *Framer) Frame(p *Packet) error {
	if p.LinkType == LinkEthernet {
		return nil
	}
	if f.last == nil || f.last.link != p.LinkType {
		i := slices.IndexFunc(framings, func(k framing) bool { return k.link == p.LinkType })
		if i < 0 {
			return unsupported(p.LinkType)
		}
		f.last = &framings[i]
		if !slices.Contains(f.notes, f.last.note) {
			f.notes = append(f.notes, f.last.note)
		}
	}
	strip := f.last.strip
	if len(p.Data) < strip {
		return fmt.Errorf("%w: packet %d has %d bytes of the %d-byte header of %v", ErrDamaged, p.Number, len(p.Data), strip, p.LinkType)
	}
	var h [ethernetHeader]byte
	f.last.fill(&h, p)
	p.Data = f.prepend(p, strip)
	copy(p.Data, h[:])
	p.WireLen += ethernetHeader - strip
	p.LinkType = LinkEthernet
	return nil
}

// Note says in one line what Frame has made up so far, for the reader of a
// program's results; it is empty if that is nothing.
func (f *Framer) Note() string { return strings.Join(f.notes, "; ") }

// prepend returns p.Data with its first strip bytes exchanged for 14 others, the
// values of which are undefined. It moves nothing where the buffer has room
// before the packet: in classic pcap the record's header is there.
func (f *Framer) prepend(p *Packet, strip int) []byte {
	if strip >= ethernetHeader {
		return p.Data[strip-ethernetHeader:]
	}
	room := len(p.record) - len(p.Data)
	need := ethernetHeader - strip
	// The caller may have put other bytes into the packet meanwhile.
	if room >= need && len(p.Data) > 0 && &p.record[room] == &p.Data[0] {
		return p.record[room-need:]
	}
	f.scratch = append(f.scratch[:0], make([]byte, ethernetHeader)...)
	f.scratch = append(f.scratch, p.Data[strip:]...)
	return f.scratch[:len(f.scratch):len(f.scratch)]
}

func unsupported(l LinkType) error {
	names := []string{LinkEthernet.String()}
	for _, k := range framings {
		names = append(names, k.link.String())
	}
	return fmt.Errorf("%w: %v; expected one of %s", ErrLinkType, l, strings.Join(names, ", "))
}

// ipEthertype returns the ethertype for the IP version in a packet's first
// nibble, 0 if it is neither 4 nor 6.
func ipEthertype(ip []byte) uint16 {
	if len(ip) > 0 {
		switch ip[0] >> 4 {
		case 4:
			return etherIPv4
		case 6:
			return etherIPv6
		}
	}
	return 0
}

func fillRaw(h *[ethernetHeader]byte, p *Packet) {
	binary.BigEndian.PutUint16(h[12:], ipEthertype(p.Data))
}

// fillLoop reads the address family of BSD loopback headers. Its number for IPv4
// is 2 everywhere; that for IPv6 is 10, 24, 28 or 30, depending on the system. The
// byte order is that of the capturing host, but only one order gives a small
// number.
func fillLoop(h *[ethernetHeader]byte, p *Packet) {
	family := min(binary.LittleEndian.Uint32(p.Data), binary.BigEndian.Uint32(p.Data))
	var ethertype uint16
	switch family {
	case 2:
		ethertype = etherIPv4
	case 10, 24, 28, 30:
		ethertype = etherIPv6
	default:
		ethertype = ipEthertype(p.Data[4:])
	}
	binary.BigEndian.PutUint16(h[12:], ethertype)
}

// fillCooked1 reads the header of LINKTYPE_LINUX_SLL: packet type, hardware type,
// address length, 8 bytes of address, protocol; all in network order.
func fillCooked1(h *[ethernetHeader]byte, p *Packet) {
	d := p.Data
	fillCooked(h, p, 16, binary.BigEndian.Uint16(d[0:]), int(binary.BigEndian.Uint16(d[4:])), d[6:14], binary.BigEndian.Uint16(d[14:]))
}

// fillCooked2 reads the header of LINKTYPE_LINUX_SLL2: protocol, 2 reserved
// bytes, interface index (4), hardware type (2), packet type (1), address length
// (1), 8 bytes of address.
func fillCooked2(h *[ethernetHeader]byte, p *Packet) {
	d := p.Data
	fillCooked(h, p, 20, uint16(d[10]), int(d[11]), d[12:20], binary.BigEndian.Uint16(d[0:]))
}

// Packet types and the protocols that are not ethertypes (linux/if_packet.h,
// linux/if_ether.h).
const (
	packetBroadcast = 1
	packetMulticast = 2
	protoNovell     = 1 // 802.3 without an LLC header
	protoLLC        = 4 // 802.3 with one
)

func fillCooked(h *[ethernetHeader]byte, p *Packet, strip int, kind uint16, addrLen int, addr []byte, proto uint16) {
	payload := p.Data[strip:]
	switch kind {
	case packetBroadcast:
		copy(h[0:6], "\xff\xff\xff\xff\xff\xff")
	case packetMulticast:
		groupAddress(h[0:6], proto, payload)
	}
	if addrLen == 6 {
		copy(h[6:12], addr)
	}
	if proto == protoNovell || proto == protoLLC {
		// In an 802.3 frame a length stands in the ethertype's place.
		if n := p.WireLen - strip; n <= 1500 {
			proto = uint16(n)
		}
	}
	binary.BigEndian.PutUint16(h[12:], proto)
}

// groupAddress writes the Ethernet address that an IP multicast packet is sent to
// (RFC 1112 section 6.4, RFC 2464 section 7), or for any other packet an address
// with only the group bit set.
func groupAddress(mac []byte, proto uint16, payload []byte) {
	switch {
	case proto == etherIPv4 && len(payload) >= 20 && payload[16]>>4 == 0xe:
		copy(mac, []byte{0x01, 0x00, 0x5e, payload[17] & 0x7f, payload[18], payload[19]})
	case proto == etherIPv6 && len(payload) >= 40 && payload[24] == 0xff:
		copy(mac, []byte{0x33, 0x33, payload[36], payload[37], payload[38], payload[39]})
	default:
		mac[0] = 1
	}
}
