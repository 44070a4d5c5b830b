package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

// dynptr is a pointer with its bounds, which programs keep in 16 bytes of their
// stack and hand to the kernel (struct bpf_dynptr).
//
// Those bytes are laid out as struct bpf_dynptr_kern: address, size with the kind
// and a read-only bit above it, offset. Since addresses have 32 bits here, the
// upper half of the first word is a seal over the rest and the place it lies at:
// bytes that the program wrote or copied are no dynptr.
type dynptr struct {
	data         uint64 // of local memory and records; 0 in one that is null
	kind         uint8
	readOnly     bool
	size, offset uint32
}

// Kinds of dynptrs (enum bpf_dynptr_type).
const (
	dynptrNull = iota
	dynptrLocal
	dynptrRingbuf
	dynptrSKB
	dynptrXDP
)

const (
	dynptrBytes    = 16
	dynptrReadOnly = 1 << 31
	dynptrKind     = 28 // bits that the kind is shifted by
	maxDynptr      = 1<<24 - 1
)

// words are the dynptr as it lies at addr.
func (d dynptr) words(addr uint64) (first, second uint64) {
	second = uint64(d.size|uint32(d.kind)<<dynptrKind) | uint64(d.offset)<<32
	if d.readOnly {
		second |= dynptrReadOnly
	}
	h := (addr^0x9e3779b97f4a7c15)*0xbf58476d1ce4e5b9 ^ (second^d.data<<17)*0x94d049bb133111eb
	h ^= h >> 31
	h *= 0xd6e8feb86659fd93
	return d.data | h&^0xffffffff, second
}

// storeDynptr writes d where argument n points to.
func (t *thread) storeDynptr(n int, r *registers, d dynptr) {
	if b := t.memoryArgument(n, r, dynptrBytes, true); b != nil {
		d.put(b, r[uint8(n)])
	}
}

func (d dynptr) put(b []byte, addr uint64) {
	first, second := d.words(addr)
	binary.LittleEndian.PutUint64(b, first)
	binary.LittleEndian.PutUint64(b[8:], second)
}

// dynptrArgument gives the dynptr that argument n points to; not ok when the run
// has ended because there is none.
func (t *thread) dynptrArgument(n int, r *registers) (d dynptr, ok bool) {
	b := t.memoryArgument(n, r, dynptrBytes, false)
	if b == nil {
		return d, false
	}
	first, second := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
	low := uint32(second)
	d = dynptr{
		data: first & 0xffffffff, kind: uint8(low >> dynptrKind & 7), readOnly: low&dynptrReadOnly != 0,
		size: low & maxDynptr, offset: uint32(second >> 32),
	}
	if a, b := d.words(r[uint8(n)]); a != first || b != second {
		t.fail(n, fmt.Errorf("there is no dynptr at %#x: %w", r[uint8(n)], ErrArgument))
		return d, false
	}
	return d, true
}

// lendDynptr puts d where a function of the program can read it.
func (t *thread) lendDynptr(d dynptr) *record {
	rec := t.spareRecord(dynptrBytes)
	if rec == nil {
		return nil
	}
	if len(rec.wrapped) < dynptrBytes {
		rec.wrapped = aligned(dynptrBytes)
	}
	d.put(rec.wrapped, rec.region.start)
	rec.region.name = "a dynptr"
	t.mem.remap(rec.region, rec.wrapped[:dynptrBytes:dynptrBytes], false)
	return rec
}

// check is bpf_dynptr_check_off_len: n bytes at offset are inside.
func (d dynptr) check(offset, n uint32) error {
	if n > d.size || offset > d.size-n {
		return linux.E2BIG
	}
	return nil
}

func (d dynptr) isPacket() bool { return d.kind == dynptrSKB || d.kind == dynptrXDP }

// at is the memory at an offset in one piece; of a packet only to read, unless it
// is copied already. Nil when it is in several pieces, or gone, for memory other
// than a packet with t.fault set.
func (t *thread) at(d dynptr, offset, n uint32, write bool) []byte {
	offset += d.offset
	if d.isPacket() {
		b, _ := t.packet.piece(int(offset), int(n))
		return b
	}
	b, err := t.mem.bytes(d.data+uint64(offset), uint64(n), write)
	if err != nil {
		t.fault = fmt.Errorf("memory of a dynptr: %w", err)
		return nil
	}
	return b
}

// piece is n bytes at an offset of the packet if one of its buffers has them, and
// which that is: -1 the first (net/core/filter.c, bpf_xdp_pointer). It is nil if
// none has.
func (p *packet) piece(off, n int) (b []byte, frag int) {
	if !p.holds(off, n) {
		return nil, -1
	}
	b = p.bytes()
	for frag = -1; off >= len(b) && frag+1 < len(p.frags); {
		off -= len(b)
		frag++
		b = p.frags[frag]
	}
	if off+n > len(b) {
		return nil, frag
	}
	return b[off : off+n : off+n], frag
}

// address is where the program finds n bytes at an offset; 0 where they are in
// several pieces, or gone.
func (t *thread) address(d dynptr, offset, n uint32) uint64 {
	offset += d.offset
	if !d.isPacket() {
		return d.data + uint64(offset)
	}
	p := &t.packet
	b, frag := p.piece(int(offset), int(n))
	switch {
	case b == nil:
		return 0
	case frag < 0:
		return p.region.start + uint64(p.data-p.meta) + uint64(offset)
	}
	start := t.mapFrag(frag)
	for _, before := range p.frags[:frag] {
		offset -= uint32(len(before))
	}
	return start + uint64(offset) - uint64(p.end-p.data)
}

// mapFrag gives a further buffer of an XDP packet an address, 0 when the run has
// ended because there is none left.
func (t *thread) mapFrag(frag int) uint64 {
	for len(t.frags) <= frag {
		r, err := t.mem.reserve("a further buffer of the packet", fragRoom)
		if err != nil {
			t.fault = err
			return 0
		}
		t.frags = append(t.frags, r)
	}
	t.mem.remap(t.frags[frag], t.packet.frags[frag], false)
	return t.frags[frag].start
}

// readDynptr copies memory of the dynptr to a buffer.
func (t *thread) readDynptr(to []byte, d dynptr, offset uint32, flags uint64) error {
	if d.kind == dynptrNull || flags != 0 {
		return linux.EINVAL
	}
	n := uint32(len(to))
	if err := d.check(offset, n); err != nil {
		return err
	}
	if !d.isPacket() {
		copy(to, t.at(d, offset, n, false))
		return nil
	}
	off := int(int32(d.offset + offset))
	if d.kind == dynptrXDP {
		return t.packet.copyXDP(off, to, t.packet.load)
	}
	if !t.packet.load(off, to) {
		clear(to)
		return linux.EFAULT
	}
	return nil
}

// copyXDP loads from or stores to an XDP packet (__bpf_xdp_load_bytes).
func (p *packet) copyXDP(off int, b []byte, do func(off int, b []byte) bool) error {
	switch {
	case uint(off) > 0xffff || len(b) > 0xffff:
		return linux.EFAULT
	case !do(off, b):
		return linux.EINVAL
	}
	return nil
}

// writeDynptr copies from to memory of the dynptr.
func (t *thread) writeDynptr(d dynptr, offset uint32, from []byte, flags uint64) error {
	if d.kind == dynptrNull || d.readOnly {
		return linux.EINVAL
	}
	n := uint32(len(from))
	if err := d.check(offset, n); err != nil {
		return err
	}
	off := int(int32(d.offset + offset))
	switch {
	case d.kind == dynptrSKB:
		return t.packet.skb.store(off, from, flags)
	case flags != 0:
		return linux.EINVAL
	case d.kind == dynptrXDP:
		return t.packet.copyXDP(off, from, t.packet.store)
	}
	copy(t.at(d, offset, n, true), from)
	return nil
}
