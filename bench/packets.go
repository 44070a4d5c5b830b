package main

import (
	"encoding/binary"
	"math/rand/v2"
)

// packets makes n Ethernet frames as they are on networks: mostly TCP and UDP
// over IPv4, some with VLAN tags, some IPv6, ICMP and ARP; many short, some
// full. The same seed gives the same frames.
func packets(n int, seed uint64) [][]byte {
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	all := make([][]byte, n)
	for i := range all {
		all[i] = g.packet()
	}
	return all
}

// largePacket is a full TCP segment.
func largePacket() []byte {
	g := generator{rand.New(rand.NewPCG(1, 0))}
	return g.padded(g.ipv4(g.ethernet(0x0800, 0), 6, g.tcp(443, 0x10, nil)), 1500)
}

type generator struct{ *rand.Rand }

// pick gives an index, by weight.
func (g generator) pick(weights ...int) int {
	total := 0
	for _, w := range weights {
		total += w
	}
	n := g.IntN(total)
	for i, w := range weights {
		if n -= w; n < 0 {
			return i
		}
	}
	return 0
}

func (g generator) packet() []byte {
	size := []int{64, 128, 256, 576, 1024, 1500}[g.pick(45, 15, 8, 10, 7, 15)]
	tags := g.pick(85, 10, 5)
	ports := []uint16{80, 443, 443, 22, 8080}
	var p []byte
	switch g.pick(45, 10, 20, 10, 7, 4, 2, 2) {
	case 0: // with timestamps, as most are
		flags := []byte{0x10, 0x10, 0x18, 0x11, 0x04}[g.IntN(5)]
		p = g.ipv4(g.ethernet(0x0800, tags), 6, g.tcp(ports[g.IntN(len(ports))], flags, timestamps))
	case 1:
		p = g.ipv4(g.ethernet(0x0800, tags), 6, g.tcp(443, 0x02, synOptions))
	case 2:
		p = g.ipv4(g.ethernet(0x0800, tags), 17, g.udp([]uint16{53, 443, 4789, 123}[g.IntN(4)]))
	case 3:
		p = g.ipv4(g.ethernet(0x0800, tags), 1, []byte{8, 0, 0, 0, 0, 1, 0, 1})
	case 4:
		p = g.ipv6(g.ethernet(0x86dd, tags), 6, g.IntN(4)/3, g.tcp(443, 0x10, nil))
	case 5:
		p = g.ipv6(g.ethernet(0x86dd, tags), 17, 2*g.IntN(2), g.udp(53))
	case 6:
		p = append(g.ethernet(0x0806, 0), make([]byte, 28)...)
	default:
		p = append(g.ethernet(0x88cc, 0), make([]byte, 46)...)
	}
	return g.padded(p, size)
}

var (
	timestamps = []byte{1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}
	// A segment size, SACK, timestamps and a window scale.
	synOptions = []byte{2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}
)

func (g generator) padded(p []byte, size int) []byte {
	for len(p) < size {
		p = append(p, byte(g.Uint32()))
	}
	return p
}

func (g generator) ethernet(kind uint16, tags int) []byte {
	b := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for i := range tags {
		b = append(b, 0x81, 0, 0, byte(5+i))
	}
	return binary.BigEndian.AppendUint16(b, kind)
}

func (g generator) ipv4(b []byte, proto byte, payload []byte) []byte {
	b = append(b, 0x45, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(20+len(payload)))
	b = append(b, 0, 1, 0, 0, 64, proto, 0, 0, 10, 0, byte(g.IntN(16)), byte(g.IntN(256)), 192, 168, 0, byte(g.IntN(256)))
	return append(b, payload...)
}

// ipv6 puts extension headers of 16 bytes before the payload.
func (g generator) ipv6(b []byte, proto byte, extensions int, payload []byte) []byte {
	first := proto
	var headers []byte
	for i := range extensions {
		following := byte(60)
		if i == extensions-1 {
			following = proto
		}
		headers = append(headers, following, 1, 1, 12)
		headers = append(headers, make([]byte, 12)...)
		first = 60
	}
	b = binary.BigEndian.AppendUint32(b, 0x60000000)
	b = binary.BigEndian.AppendUint16(b, uint16(len(headers)+len(payload)))
	b = append(b, first, 64)
	for range 4 {
		b = binary.BigEndian.AppendUint64(b, g.Uint64())
	}
	return append(append(b, headers...), payload...)
}

func (g generator) tcp(port uint16, flags byte, options []byte) []byte {
	b := g.ports(port)
	b = binary.BigEndian.AppendUint64(b, g.Uint64())
	b = append(b, byte(20+len(options))<<2, flags, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, options...)
}

func (g generator) udp(port uint16) []byte { return append(g.ports(port), 0, 8, 0, 0) }

func (g generator) ports(port uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, uint16(1024+g.IntN(60000)))
	return binary.BigEndian.AppendUint16(b, port)
}
