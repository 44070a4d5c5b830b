package vm

import "encoding/binary"

// Sizes of the buffer that an XDP program sees a packet in, in bytes, as
// BPF_PROG_TEST_RUN and most drivers lay it out (net/bpf/test_run.c,
// include/net/xdp.h).
const (
	headroom  = 256  // before the packet (XDP_PACKET_HEADROOM)
	frameHead = 40   // of it, taken by struct xdp_frame
	frameRoom = 4096 // the whole buffer
	frameTail = 320  // at its end, taken by struct skb_shared_info
	ethHeader = 14   // the least that must be left of a packet
	maxMeta   = 255  // most metadata before a packet
	fragRoom  = 4096 // of each further buffer
	maxFrags  = 17   // most of those (MAX_SKB_FRAGS)
)

// contextLayout says where a context has the addresses of its packet: offsets of
// __u32 in it.
type contextLayout struct{ data, end, meta uint32 }

var (
	xdpLayout = contextLayout{data: 0, end: 4, meta: 8}
	skbLayout = contextLayout{data: skbData, end: skbDataEnd, meta: skbDataMeta}
)

// packet is the packet of the run under way, and the context that describes it.
//
// The packet is mapped where the caller has it, read only. The first write, or
// the first helper that moves its ends, copies it into a buffer with room on
// both sides.
type packet struct {
	t      *thread
	region *region // metadata and packet, as programs see them
	ctx    *region // of the run under way
	layout contextLayout
	source []byte // the caller's packet; nil once copied

	buffer          []byte // the copy
	origin          int    // offset in buffer that the start of source belongs to
	meta, data, end int    // offsets into buffer, also before the copy is made
	readOnly        bool   // programs may not write to it
	ownFunc         func() // own, made once

	frags [][]byte // of an XDP packet what is behind the buffer
	skb   skb      // of the other hooks
	hints *RxHints // of an XDP packet
	flow  flow     // of a flow dissector
}

// maxPacket is the address space kept for a packet with its metadata, in bytes.
const maxPacket = 1 << 20

func (p *packet) init(t *thread) (err error) {
	p.t, p.ownFunc = t, p.own
	p.buffer = aligned(frameRoom)
	if p.region, err = t.mem.reserve("the packet", maxPacket); err != nil {
		return err
	}
	if t.xdp, err = t.mem.mapBytes("the context (struct xdp_md)", aligned(24), true); err != nil {
		return err
	}
	if err = p.skb.init(p); err != nil {
		return err
	}
	p.onXDP()
	return p.flow.init(t.mem)
}

// onXDP makes struct xdp_md the context.
func (p *packet) onXDP() {
	p.ctx, p.layout, p.readOnly = p.t.xdp, xdpLayout, false
}

// begin makes data the packet, with metadata before it. The program sees it from
// skip on.
func (p *packet) begin(data, metadata []byte, skip int) {
	p.source, p.frags, p.hints = data, nil, nil
	p.region.own = p.ownFunc
	if p.readOnly {
		p.region.own = nil
	}
	p.origin = headroom
	p.data, p.end = headroom+skip, headroom+len(data)
	p.meta = p.data
	if len(metadata) == 0 {
		p.t.mem.remap(p.region, data[skip:], true)
		p.describe()
		return
	}
	p.own()
	p.meta -= len(metadata)
	copy(p.buffer[p.meta:p.data], metadata)
	p.moved()
}

// own copies the packet into the buffer, so that it can be changed.
func (p *packet) own() {
	if p.source == nil {
		return
	}
	if need := p.end + frameTail; need > len(p.buffer) {
		p.buffer = aligned(need)
	}
	clear(p.buffer[frameHead:headroom]) // of what the last packet left
	copy(p.buffer[p.origin:], p.source)
	p.source = nil
	p.moved()
}

// moved maps the packet anew after its ends have changed.
func (p *packet) moved() {
	p.t.mem.remap(p.region, p.buffer[p.meta:p.end:p.end], p.readOnly)
	p.describe()
}

// describe writes the addresses into the context. Its region starts with the
// metadata, so data itself is a constant for all packets without any.
func (p *packet) describe() {
	ctx := p.ctx.data
	start := uint32(p.region.start)
	binary.LittleEndian.PutUint32(ctx[p.layout.data:], start+uint32(p.data-p.meta))
	binary.LittleEndian.PutUint32(ctx[p.layout.end:], start+uint32(p.end-p.meta))
	binary.LittleEndian.PutUint32(ctx[p.layout.meta:], start)
}

// bytes is the packet as it stands, without metadata; of an XDP packet in several
// buffers what the first of them has.
func (p *packet) bytes() []byte { return p.from(p.data) }

// from is the packet from an offset of the buffer on, nil for one that is not in
// it.
func (p *packet) from(start int) []byte {
	bytes, end := p.buffer, p.end
	if p.source != nil {
		bytes, start, end = p.source, start-p.origin, end-p.origin
	}
	if start < 0 || start > end {
		return nil
	}
	return bytes[start:end:end]
}

// refit copies the packet into a new buffer with room before and behind it. The
// link-layer header before it, which a program may not see, stays.
func (p *packet) refit(front, back int) {
	low := max(0, p.meta-ethHeader)
	larger := aligned(front + p.end - low + back)
	copy(larger[front:], p.buffer[low:p.end])
	p.buffer = larger
	p.meta, p.data, p.end = p.meta-low+front, p.data-low+front, p.end-low+front
}

// metadata is what bpf_xdp_adjust_meta made room for, before the packet.
func (p *packet) metadata() []byte { return p.buffer[p.meta:p.data:p.data] }

// length is how many bytes the packet has in all its buffers, without metadata.
func (p *packet) length() int {
	n := p.end - p.data
	for _, f := range p.frags {
		n += len(f)
	}
	return n
}

// all is the packet with all its buffers, without metadata.
func (p *packet) all() []byte {
	if len(p.frags) == 0 {
		return p.bytes()
	}
	whole := make([]byte, p.length())
	p.load(0, whole)
	return whole
}

// load copies what is at offset off of the packet, across its buffers. False if
// the packet does not have all of that.
func (p *packet) load(off int, to []byte) bool {
	return p.each(off, len(to), func(part []byte, done int) { copy(to[done:], part) })
}

// store copies into the packet at offset off.
func (p *packet) store(off int, from []byte) bool {
	if !p.holds(off, len(from)) {
		return false
	}
	p.own()
	return p.each(off, len(from), func(part []byte, done int) { copy(part, from[done:]) })
}

func (p *packet) holds(off, n int) bool {
	length := p.length()
	return off >= 0 && n >= 0 && off <= length && n <= length-off
}

// each calls do with the parts of n bytes at offset off, and how many bytes came
// before.
func (p *packet) each(off, n int, do func(part []byte, done int)) bool {
	if !p.holds(off, n) {
		return false
	}
	done := 0
	buffer := p.bytes()
	for i := 0; done < n; i++ {
		if off < len(buffer) {
			part := buffer[off:min(len(buffer), off+n-done)]
			do(part, done)
			done += len(part)
			off += len(part)
		}
		off -= len(buffer)
		if done < n {
			buffer = p.frags[i]
		}
	}
	return true
}
