package replay

import (
	"errors"
	"io"
	"slices"
)

// Errors that Capture's methods and OpenCapture wrap; errors.Is finds them.
var (
	// ErrFormat: the input is not a capture, or one of an unknown version.
	ErrFormat = errors.New("not a capture")
	// ErrTruncated: the input ends within a packet or a header. All packets
	// before that place have been delivered.
	ErrTruncated = errors.New("truncated capture")
	// ErrDamaged: a length or an index in the input cannot be true, or its
	// compressed stream is broken. All packets before that place have been
	// delivered; none can be found after it.
	ErrDamaged = errors.New("damaged capture")
)

const (
	// usualRecord is how many bytes of one packet a capture may hold, as
	// libpcap and Wireshark have it (MAXIMUM_SNAPLEN, pcap/pcap-int.h).
	usualRecord = 256 << 10
	// maxRecord is the limit for captures that declare a snapshot length over
	// usualRecord.
	maxRecord = 16 << 20
)

// recordLimit returns the longest packet accepted from a capture, or an
// interface of one, that declares snaplen. Writers that cut packets to less than
// they keep are common, so a small snaplen is not a limit.
func recordLimit(snaplen uint32) uint32 {
	return min(max(snaplen, usualRecord), maxRecord)
}

// Packet is one captured packet.
type Packet struct {
	// Data is what was captured of the packet, starting at its link-layer
	// header. It lies in the reader's buffer and is valid until the next call
	// of Next; it may be written to, but not appended to in place.
	Data []byte
	// TimeNS is the time of capture in nanoseconds since 1970-01-01 UTC. It is 0
	// where the format has none (pcapng's simple packet blocks), and the nearest
	// int64 for times outside its range (the years 1678 to 2262).
	TimeNS int64
	// WireLen is the packet's length in bytes on the wire: len(Data), or more
	// where the capture kept only a part.
	WireLen int
	// Number counts the packets of the capture, from 1.
	Number int64
	// Interface is the index of the interface the packet was captured on, in
	// its section of a pcapng capture; 0 in classic pcap.
	Interface int
	// LinkType says what Data starts with.
	LinkType LinkType

	// record ends with Data and holds writable bytes before it: room for a
	// longer header.
	record []byte
}

// source is a decoder of one capture format. Its next fills all fields of *p,
// returns io.EOF at the end, and is not called again after an error.
type source interface {
	next(p *Packet) error
	format() string
	linkTypes() []LinkType
}

// Capture reads the packets of a capture in order. It is not safe for use by
// several goroutines.
type Capture struct {
	src    source
	packed bool
	err    error
}

// OpenCapture reads as much of r as tells what kind of capture it holds. It
// never seeks, and reads no further than it must before the first packet, so r
// may be a pipe from a running tcpdump.
//
// The error wraps ErrFormat when r holds something else, ErrTruncated when it
// ends within the capture's own header, ErrDamaged when that header is broken, or
// the error of r.
func OpenCapture(r io.Reader) (*Capture, error) {
	return openCapture(r, chunkSize)
}

// openCapture is OpenCapture with the number of bytes to read at a time.
func openCapture(r io.Reader, chunk int) (*Capture, error) {
	w := newWindow(r, chunk)
	kind, err := detect(w)
	if err != nil {
		return nil, err
	}
	c := &Capture{}
	if kind == kindGzip {
		if w, err = gunzip(w, chunk); err != nil {
			return nil, err
		}
		if kind, err = detect(w); err != nil {
			return nil, err
		}
		c.packed = true
	}
	switch kind {
	case kindPcap:
		c.src, err = newPcapSource(w)
	case kindPcapng:
		c.src, err = newPcapngSource(w)
	default:
		err = notCapture(w)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Next reads the next packet into *p. At the end of the capture it returns
// io.EOF; any other error says at which packet and which byte (counted from 0, in
// the unpacked data if the capture is compressed) reading stopped, and wraps
// ErrTruncated, ErrDamaged or the reader's own error. After an error *p is zero
// and every further call returns the same error.
func (c *Capture) Next(p *Packet) error {
	if c.err == nil {
		if c.err = c.src.next(p); c.err == nil {
			return nil
		}
	}
	*p = Packet{}
	return c.err
}

// Format describes the capture's file format: "pcap, little-endian,
// microseconds", or "pcapng, big-endian, gzip".
func (c *Capture) Format() string {
	if c.packed {
		return c.src.format() + ", gzip"
	}
	return c.src.format()
}

// LinkTypes returns the link types the capture declares, each once, in their
// order. A pcapng capture declares them on the way: these are those of the
// section that the last packet was in, up to that packet.
func (c *Capture) LinkTypes() []LinkType {
	return slices.Clone(c.src.linkTypes())
}
