package replay

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
)

// Sizes of classic pcap's headers in bytes (draft-ietf-opsawg-pcap). The record
// header of the "modified" variant has an interface index, a protocol and a
// packet type more, eight bytes in all.
const (
	pcapFileHeader     = 24
	pcapRecordHeader   = 16
	pcapModifiedHeader = 24
)

// pcapLinkMask takes the link type out of the file header's last field. The bits
// above it tell whether frames end with a check sequence, and how long it is
// (LT_LINKTYPE, pcap/pcap-int.h).
const pcapLinkMask = 0x03ff_ffff

// pcapVariant is what a magic number says about a classic capture.
type pcapVariant struct {
	big    bool  // big-endian
	unit   int64 // ns per unit of the records' sub-second field
	header int   // length of a record header in bytes
	name   string
}

// pcapMagics are the magic numbers of classic pcap, as a little-endian reader
// sees them.
var pcapMagics = map[uint32]pcapVariant{
	0xa1b2c3d4: {false, 1000, pcapRecordHeader, "pcap, little-endian, microseconds"},
	0xd4c3b2a1: {true, 1000, pcapRecordHeader, "pcap, big-endian, microseconds"},
	0xa1b23c4d: {false, 1, pcapRecordHeader, "pcap, little-endian, nanoseconds"},
	0x4d3cb2a1: {true, 1, pcapRecordHeader, "pcap, big-endian, nanoseconds"},
	0xa1b2cd34: {false, 1000, pcapModifiedHeader, "modified pcap, little-endian, microseconds"},
	0x34cdb2a1: {true, 1000, pcapModifiedHeader, "modified pcap, big-endian, microseconds"},
}

// pcapSource decodes classic pcap.
type pcapSource struct {
	pcapVariant
	w      *window
	link   LinkType
	limit  uint32 // bytes of a packet
	old    bool   // before version 2.4: a record's two lengths may be swapped
	number int64  // packets delivered
}

func newPcapSource(w *window) (*pcapSource, error) {
	if err := w.fill(pcapFileHeader); err != nil {
		return nil, w.short("the file header", pcapFileHeader, err)
	}
	h := w.buf[w.start : w.start+pcapFileHeader]
	v := pcapMagics[binary.LittleEndian.Uint32(h)]
	var order binary.ByteOrder = binary.LittleEndian
	if v.big {
		order = binary.BigEndian
	}
	major, minor := order.Uint16(h[4:]), order.Uint16(h[6:])
	if major != 2 || minor > 4 {
		return nil, fmt.Errorf("%w: pcap version %d.%d; expected 2.0 to 2.4", ErrFormat, major, minor)
	}
	w.start += pcapFileHeader
	return &pcapSource{
		pcapVariant: v,
		w:           w,
		link:        LinkType(order.Uint32(h[20:]) & pcapLinkMask),
		limit:       recordLimit(order.Uint32(h[16:])),
		old:         minor < 4,
	}, nil
}

func (s *pcapSource) format() string        { return s.name }
func (s *pcapSource) linkTypes() []LinkType { return []LinkType{s.link} }

func (s *pcapSource) next(p *Packet) error {
	w := s.w
	if w.end-w.start < s.header {
		if err := w.fill(s.header); err == io.EOF && w.start == w.end {
			return io.EOF
		} else if err != nil {
			return w.short(fmt.Sprintf("the header of packet %d", s.number+1), int64(s.header), err)
		}
	}
	h := w.buf[w.start : w.start+pcapRecordHeader]
	sec := binary.LittleEndian.Uint32(h)
	frac := binary.LittleEndian.Uint32(h[4:])
	captured := binary.LittleEndian.Uint32(h[8:])
	wire := binary.LittleEndian.Uint32(h[12:])
	if s.big {
		sec, frac = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac)
		captured, wire = bits.ReverseBytes32(captured), bits.ReverseBytes32(wire)
	}
	if captured > wire && s.old {
		captured, wire = wire, captured
	}
	if captured > s.limit {
		return w.damaged(fmt.Sprintf("packet %d", s.number+1), "its captured length of %d bytes is over the limit of %d", captured, s.limit)
	}
	size := s.header + int(captured)
	if w.end-w.start < size {
		if err := w.fill(size); err != nil {
			w.start += s.header
			return w.short(fmt.Sprintf("packet %d", s.number+1), int64(captured), err)
		}
	}
	record := w.buf[w.start : w.start+size : w.start+size]
	w.start += size
	s.number++

	p.record = record
	p.Data = record[s.header:]
	p.TimeNS = int64(sec)*1e9 + int64(frac)*s.unit
	p.WireLen = max(int(wire), int(captured))
	p.Number = s.number
	p.Interface = 0
	p.LinkType = s.link
	return nil
}
