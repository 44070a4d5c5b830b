package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// appender puts integers behind bytes in one byte order.
type appender interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// classicFile is a classic pcap to be built, independent of the reader.
type classicFile struct {
	name     string
	order    appender
	nano     bool
	modified bool
	link     uint32 // the whole last field of the header
	snaplen  uint32
}

var classicFiles = []classicFile{
	{name: "little-endian microseconds", order: binary.LittleEndian},
	{name: "big-endian microseconds", order: binary.BigEndian},
	{name: "little-endian nanoseconds", order: binary.LittleEndian, nano: true},
	{name: "big-endian nanoseconds", order: binary.BigEndian, nano: true},
	{name: "little-endian modified", order: binary.LittleEndian, modified: true},
	{name: "big-endian modified", order: binary.BigEndian, modified: true},
}

func (f classicFile) header() []byte {
	magic := uint32(0xa1b2c3d4)
	if f.nano {
		magic = 0xa1b23c4d
	} else if f.modified {
		magic = 0xa1b2cd34
	}
	link := f.link
	if link == 0 {
		link = 1
	}
	b := f.order.AppendUint32(nil, magic)
	b = f.order.AppendUint16(b, 2)
	b = f.order.AppendUint16(b, 4)
	b = append(b, make([]byte, 8)...)
	b = f.order.AppendUint32(b, f.snaplen)
	return f.order.AppendUint32(b, link)
}

func (f classicFile) record(b []byte, p *Packet) []byte {
	unit := int64(1000)
	if f.nano {
		unit = 1
	}
	b = f.order.AppendUint32(b, uint32(p.TimeNS/1e9))
	b = f.order.AppendUint32(b, uint32(p.TimeNS%1e9/unit))
	b = f.order.AppendUint32(b, uint32(len(p.Data)))
	b = f.order.AppendUint32(b, uint32(p.WireLen))
	if f.modified {
		b = f.order.AppendUint32(b, 7)
		b = append(b, 8, 0, 1, 0)
	}
	return append(b, p.Data...)
}

func (f classicFile) build(packets []Packet) []byte {
	b := f.header()
	for i := range packets {
		b = f.record(b, &packets[i])
	}
	return b
}

// ngFile builds pcapng blocks.
type ngFile struct{ order appender }

func (f ngFile) block(kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	size := uint32(len(body) + 12)
	b := f.order.AppendUint32(nil, kind)
	b = f.order.AppendUint32(b, size)
	b = append(b, body...)
	return f.order.AppendUint32(b, size)
}

func (f ngFile) option(code uint16, value ...byte) []byte {
	b := f.order.AppendUint16(nil, code)
	b = f.order.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func (f ngFile) section(minor uint16, options ...byte) []byte {
	b := f.order.AppendUint32(nil, 0x1a2b3c4d)
	b = f.order.AppendUint16(b, 1)
	b = f.order.AppendUint16(b, minor)
	b = f.order.AppendUint64(b, ^uint64(0))
	return f.block(0x0a0d0d0a, append(b, options...))
}

func (f ngFile) iface(link uint16, snaplen uint32, options ...byte) []byte {
	b := f.order.AppendUint16(nil, link)
	b = f.order.AppendUint16(b, 0)
	b = f.order.AppendUint32(b, snaplen)
	return f.block(1, append(b, options...))
}

func (f ngFile) enhanced(iface uint32, units uint64, data []byte, wire int, options ...byte) []byte {
	b := f.order.AppendUint32(nil, iface)
	b = f.order.AppendUint32(b, uint32(units>>32))
	b = f.order.AppendUint32(b, uint32(units))
	b = f.order.AppendUint32(b, uint32(len(data)))
	b = f.order.AppendUint32(b, uint32(wire))
	b = append(b, data...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return f.block(6, append(b, options...))
}

func (f ngFile) obsolete(iface uint16, units uint64, data []byte, wire int) []byte {
	b := f.order.AppendUint16(nil, iface)
	b = f.order.AppendUint16(b, 5) // drops
	b = f.order.AppendUint32(b, uint32(units>>32))
	b = f.order.AppendUint32(b, uint32(units))
	b = f.order.AppendUint32(b, uint32(len(data)))
	b = f.order.AppendUint32(b, uint32(wire))
	return f.block(2, append(b, data...))
}

func (f ngFile) simple(data []byte, wire int) []byte {
	return f.block(3, append(f.order.AppendUint32(nil, uint32(wire)), data...))
}

// build gives one section with one Ethernet interface of nanosecond resolution,
// some blocks of no interest, and the packets.
func (f ngFile) build(packets []Packet) []byte {
	b := f.section(0, f.option(4, []byte("a test")...)...)
	b = append(b, f.iface(1, 0, append(f.option(2, []byte("eth0")...), f.option(9, 9)...)...)...)
	for i, p := range packets {
		if i%3 == 1 {
			b = append(b, f.block(0x0bad_cafe, make([]byte, 4*i))...)
		}
		b = append(b, f.enhanced(0, uint64(p.TimeNS), p.Data, p.WireLen, f.option(1, []byte("a comment")...)...)...)
	}
	return b
}

// samplePackets returns packets of the given sizes with random bytes and times of
// whole microseconds.
func samplePackets(sizes ...int) []Packet {
	r := rand.New(rand.NewPCG(1, 2))
	packets := make([]Packet, len(sizes))
	for i, n := range sizes {
		data := make([]byte, n)
		for j := range data {
			data[j] = byte(r.Uint32())
		}
		packets[i] = Packet{
			Data:     data,
			TimeNS:   1_700_000_000_000_000_000 + r.Int64N(1e15)/1000*1000,
			WireLen:  n + i%2*1000,
			Number:   int64(i + 1),
			LinkType: LinkEthernet,
		}
	}
	return packets
}

func gzipped(data []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(data)
	_ = z.Close()
	return b.Bytes()
}

// readAll returns copies of all packets up to an error, nil for io.EOF.
func readAll(r io.Reader, chunk int) ([]Packet, *Capture, error) {
	c, err := openCapture(r, chunk)
	if err != nil {
		return nil, nil, err
	}
	var packets []Packet
	for {
		var p Packet
		if err := c.Next(&p); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return packets, c, err
		}
		p.Data = bytes.Clone(p.Data)
		p.record = nil
		packets = append(packets, p)
	}
}

// samePackets fails t at the first difference.
func samePackets(t *testing.T, got, want []Packet) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		if !bytes.Equal(g.Data, w.Data) {
			t.Fatalf("packet %d: data\n% x, want\n% x", i+1, g.Data[:min(64, len(g.Data))], w.Data[:min(64, len(w.Data))])
		}
		g.Data, w.Data = nil, nil
		g.record, w.record = nil, nil
		if g.TimeNS != w.TimeNS || g.WireLen != w.WireLen || g.Number != w.Number || g.Interface != w.Interface || g.LinkType != w.LinkType {
			t.Fatalf("packet %d: %+v, want %+v", i+1, g, w)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
}
