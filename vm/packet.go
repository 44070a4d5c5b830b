package vm

import (
	"encoding/binary"

	"ebtools/bpf/linux"
)

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
)

// contextLayout says where a context has the addresses of its packet: offsets of
// __u32 in it.
type contextLayout struct{ data, end, meta uint32 }

var xdpLayout = contextLayout{data: 0, end: 4, meta: 8}

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
	meta, data, end int    // offsets into buffer, also before the copy is made
}

// maxPacket is the address space kept for a packet with its metadata, in bytes.
const maxPacket = 1 << 20

func (p *packet) init(t *thread) (err error) {
	p.t = t
	p.buffer = aligned(frameRoom)
	if p.region, err = t.mem.reserve("the packet", maxPacket); err != nil {
		return err
	}
	p.region.own = p.own
	t.xdp, err = t.mem.mapBytes("the context (struct xdp_md)", aligned(24), true)
	p.ctx, p.layout = t.xdp, xdpLayout
	return err
}

// load makes data the packet, without metadata.
func (p *packet) load(data []byte) {
	p.source = data
	p.meta, p.data, p.end = headroom, headroom, headroom+len(data)
	p.t.mem.remap(p.region, data, true)
	p.describe()
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
	copy(p.buffer[headroom:], p.source)
	p.source = nil
	p.moved()
}

// moved maps the packet anew after its ends have changed.
func (p *packet) moved() {
	p.t.mem.remap(p.region, p.buffer[p.meta:p.end:p.end], false)
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

// bytes is the packet as it stands, without metadata.
func (p *packet) bytes() []byte {
	if p.source != nil {
		return p.source
	}
	return p.buffer[p.data:p.end:p.end]
}

// metadata is what bpf_xdp_adjust_meta made room for, before the packet.
func (p *packet) metadata() []byte { return p.buffer[p.meta:p.data:p.data] }

// adjustHead moves the start of the packet, metadata with it (net/core/filter.c,
// bpf_xdp_adjust_head).
func (p *packet) adjustHead(delta int) error {
	meta := p.data - p.meta
	data := p.data + delta
	if data < frameHead+meta || data > p.end-ethHeader {
		return linux.EINVAL
	}
	p.own()
	copy(p.buffer[data-meta:data], p.buffer[p.meta:p.data])
	p.data, p.meta = data, data-meta
	p.moved()
	return nil
}

// adjustTail moves the end of the packet; new bytes are zero
// (bpf_xdp_adjust_tail).
func (p *packet) adjustTail(delta int) error {
	end := p.end + delta
	if end > max(frameRoom-frameTail, p.end) || end < p.data+ethHeader {
		return linux.EINVAL
	}
	p.own()
	if delta > 0 {
		clear(p.buffer[p.end:end])
	}
	p.end = end
	p.moved()
	return nil
}

// adjustMeta moves the start of the metadata (bpf_xdp_adjust_meta).
func (p *packet) adjustMeta(delta int) error {
	meta := p.meta + delta
	if meta < frameHead || meta > p.data {
		return linux.EINVAL
	}
	if n := p.data - meta; n%4 != 0 || n > maxMeta {
		return linux.EACCES
	}
	p.own()
	p.meta = meta
	p.moved()
	return nil
}
