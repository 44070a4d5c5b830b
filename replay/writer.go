package replay

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"time"
)

// Writer writes a little-endian classic pcap capture. It makes two writes a
// packet, so the io.Writer should be a buffered one.
type Writer struct {
	w    io.Writer
	unit int64
	link LinkType
}

// NewWriter writes the file header for packets of one link type. Times are kept
// in units of resolution: time.Microsecond, which every tool reads, or
// time.Nanosecond.
func NewWriter(w io.Writer, link LinkType, resolution time.Duration) (*Writer, error) {
	var magic uint32
	switch resolution {
	case time.Microsecond:
		magic = 0xa1b2c3d4
	case time.Nanosecond:
		magic = 0xa1b23c4d
	default:
		return nil, fmt.Errorf("resolution %v: expected 1µs or 1ns", resolution)
	}
	var h [pcapFileHeader]byte
	binary.LittleEndian.PutUint32(h[0:], magic)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], usualRecord)
	binary.LittleEndian.PutUint32(h[20:], uint32(link))
	if _, err := w.Write(h[:]); err != nil {
		return nil, err
	}
	return &Writer{w, int64(resolution), link}, nil
}

// Write appends a packet; its Number and Interface are not kept. A time before
// 1970 or after 2106, another link type than the capture's, more than 256 KiB
// of data or a length on the wire over 32 bits is an error and writes nothing.
func (w *Writer) Write(p *Packet) error {
	sec := p.TimeNS / 1e9
	switch {
	case p.TimeNS < 0 || sec > math.MaxUint32:
		return fmt.Errorf("packet time %d ns: pcap holds times from 1970 to 2106", p.TimeNS)
	case p.LinkType != w.link:
		return fmt.Errorf("packet of %v in a capture of %v", p.LinkType, w.link)
	case len(p.Data) > usualRecord:
		return fmt.Errorf("packet of %d bytes: at most %d fit", len(p.Data), usualRecord)
	case int64(p.WireLen) > math.MaxUint32:
		return fmt.Errorf("length %d on the wire: pcap has 32 bits for it", p.WireLen)
	}
	var h [pcapRecordHeader]byte
	binary.LittleEndian.PutUint32(h[0:], uint32(sec))
	binary.LittleEndian.PutUint32(h[4:], uint32(p.TimeNS%1e9/w.unit))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(p.Data)))
	binary.LittleEndian.PutUint32(h[12:], uint32(max(p.WireLen, len(p.Data))))
	if _, err := w.w.Write(h[:]); err != nil {
		return err
	}
	_, err := w.w.Write(p.Data)
	return err
}
