package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

var xdpHelpers = []helper{
	{id: linux.FnXdpAdjustHead, fn: xdpAdjustHead},
	{id: linux.FnXdpAdjustTail, fn: xdpAdjustTail},
	{id: linux.FnXdpAdjustMeta, fn: xdpAdjustMeta},
	{id: linux.FnXdpGetBuffLen, fn: xdpGetBuffLen},
	{id: linux.FnXdpLoadBytes, fn: xdpLoadBytes},
	{id: linux.FnXdpStoreBytes, fn: xdpStoreBytes},
	{kfunc: "bpf_xdp_metadata_rx_timestamp", fn: xdpRxTimestamp},
	{kfunc: "bpf_xdp_metadata_rx_hash", fn: xdpRxHash},
	{kfunc: "bpf_xdp_metadata_rx_vlan_tag", fn: xdpRxVLANTag},
}

// contextArgument reports whether r1 is the context the run began with, as
// the packet helpers demand.
func (t *thread) contextArgument(r *registers) bool {
	if r[1] == t.packet.ctx.start {
		return true
	}
	t.fail(1, fmt.Errorf("%#x is not the context: %w", r[1], ErrArgument))
	return false
}

// xdpArgument reports whether r1 is the context of an XDP program.
func (t *thread) xdpArgument(r *registers) bool {
	if t.packet.ctx != t.xdp {
		t.fail(1, fmt.Errorf("only XDP programs have a struct xdp_md: %w", ErrArgument))
		return false
	}
	return t.contextArgument(r)
}

// xdpAdjustHead: r1 context, r2 bytes to move the start by. 0 or an error number.
func xdpAdjustHead(t *thread, r *registers) {
	if t.xdpArgument(r) {
		r[0] = result(t.packet.adjustHead(int(int32(r[2]))))
	}
}

// xdpAdjustTail: r1 context, r2 bytes to move the end by. 0 or an error number.
func xdpAdjustTail(t *thread, r *registers) {
	if t.xdpArgument(r) {
		r[0] = result(t.packet.adjustTail(int(int32(r[2]))))
	}
}

// xdpAdjustMeta: r1 context, r2 bytes to move the metadata's start by. 0 or an
// error number.
func xdpAdjustMeta(t *thread, r *registers) {
	if t.xdpArgument(r) {
		r[0] = result(t.packet.adjustMeta(int(int32(r[2]))))
	}
}

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
	if len(p.frags) > 0 {
		if delta < 0 {
			return p.shrinkFrags(int(-int32(delta))) // the least int32 stays negative, and takes nothing
		}
		return p.growFrag(delta)
	}
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

// growFrag makes the last buffer longer (bpf_xdp_frags_increase_tail).
func (p *packet) growFrag(n int) error {
	last := &p.frags[len(p.frags)-1]
	old := len(*last)
	if n > fragRoom-old {
		return linux.EINVAL
	}
	*last = (*last)[:old+n]
	clear((*last)[old:])
	return nil
}

// shrinkFrags takes n bytes from the end; buffers that are empty go, and what is
// left to take when all have gone comes off the first one
// (bpf_xdp_frags_shrink_tail).
func (p *packet) shrinkFrags(n int) error {
	if n > p.length()-ethHeader {
		return linux.EINVAL
	}
	for i := len(p.frags) - 1; i >= 0 && n > 0; i-- {
		shrink := min(n, len(p.frags[i]))
		n -= shrink
		p.frags[i] = p.frags[i][:len(p.frags[i])-shrink]
		if len(p.frags[i]) == 0 {
			p.frags = p.frags[:i]
		}
	}
	if len(p.frags) == 0 {
		p.own()
		p.end -= n
		p.moved()
	}
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

// xdpGetBuffLen: r1 context. The length of the packet in bytes.
func xdpGetBuffLen(t *thread, r *registers) {
	if t.xdpArgument(r) {
		r[0] = uint64(t.packet.length())
	}
}

// xdpLoadBytes: r1 context, r2 offset, r3 buffer, r4 length. 0 or an error number.
func xdpLoadBytes(t *thread, r *registers) {
	xdpCopyBytes(t, r, true)
}

// xdpStoreBytes: r1 context, r2 offset, r3 buffer, r4 length. 0 or an error number.
func xdpStoreBytes(t *thread, r *registers) {
	xdpCopyBytes(t, r, false)
}

// xdpCopyBytes copies between packet and memory (net/core/filter.c,
// bpf_xdp_pointer).
func xdpCopyBytes(t *thread, r *registers, load bool) {
	if !t.xdpArgument(r) {
		return
	}
	off, n := uint64(uint32(r[2])), uint64(uint32(r[4]))
	memory := t.memoryArgument(3, r, n, load)
	if t.fault != nil {
		return
	}
	p := &t.packet
	r[0] = 0
	switch {
	case off > 0xffff || n > 0xffff:
		r[0] = result(linux.EFAULT)
	case load && !p.load(int(off), memory), !load && !p.store(int(off), memory):
		r[0] = result(linux.EINVAL)
	}
}

// xdpRxTimestamp: r1 context, r2 where to put an __u64. 0 or an error number.
func xdpRxTimestamp(t *thread, r *registers) {
	hints, out := t.rxHints(r, 8)
	switch {
	case t.fault != nil:
	case hints == nil:
		r[0] = result(linux.EOPNOTSUPP)
	case hints.Timestamp == 0:
		r[0] = result(linux.ENODATA)
	default:
		binary.LittleEndian.PutUint64(out, hints.Timestamp)
		r[0] = 0
	}
}

// xdpRxHash: r1 context, r2 where to put the hash, an __u32, r3 where to put its
// type, an enum xdp_rss_hash_type. 0 or an error number.
func xdpRxHash(t *thread, r *registers) {
	hints, out := t.rxHints(r, 4)
	kind := t.memoryArgument(3, r, 4, true)
	switch {
	case t.fault != nil:
	case hints == nil:
		r[0] = result(linux.EOPNOTSUPP)
	case hints.HashType == 0:
		r[0] = result(linux.ENODATA)
	default:
		binary.LittleEndian.PutUint32(out, hints.Hash)
		binary.LittleEndian.PutUint32(kind, hints.HashType)
		r[0] = 0
	}
}

// xdpRxVLANTag: r1 context, r2 where to put the protocol, a __be16, r3 where to
// put the tag, an __u16. 0 or an error number.
func xdpRxVLANTag(t *thread, r *registers) {
	hints, out := t.rxHints(r, 2)
	tci := t.memoryArgument(3, r, 2, true)
	switch {
	case t.fault != nil:
	case hints == nil:
		r[0] = result(linux.EOPNOTSUPP)
	case hints.VLANProto == 0:
		r[0] = result(linux.ENODATA)
	default:
		binary.BigEndian.PutUint16(out, hints.VLANProto)
		binary.LittleEndian.PutUint16(tci, hints.VLANTCI)
		r[0] = 0
	}
}

// rxHints gives what the card told of the frame, nil for nothing, and the size
// bytes of memory that r2 points to.
func (t *thread) rxHints(r *registers, size uint64) (*RxHints, []byte) {
	if !t.xdpArgument(r) {
		return nil, nil
	}
	return t.packet.hints, t.memoryArgument(2, r, size, true)
}
