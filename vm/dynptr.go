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

// at is the memory at an offset, by reference; of a packet only to read. Nil with
// t.fault set when it is gone.
func (t *thread) at(d dynptr, offset, n uint32, write bool) []byte {
	offset += d.offset
	if d.isPacket() {
		packet := t.packet.bytes()
		if uint64(offset)+uint64(n) > uint64(len(packet)) {
			return nil // the packet has become shorter
		}
		return packet[offset : offset+n]
	}
	b, err := t.mem.bytes(d.data+uint64(offset), uint64(n), write)
	if err != nil {
		t.fault = fmt.Errorf("memory of a dynptr: %w", err)
		return nil
	}
	return b
}

// address is where the program finds the memory at an offset.
func (t *thread) address(d dynptr, offset uint32) uint64 {
	offset += d.offset
	if d.isPacket() {
		return t.packet.region.start + uint64(t.packet.data-t.packet.meta) + uint64(offset)
	}
	return d.data + uint64(offset)
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
	from := t.at(d, offset, n, false)
	if from == nil && n > 0 {
		return t.packetGone(d, to)
	}
	copy(to, from)
	return nil
}

// packetGone is what reading beyond a packet that has become shorter gives.
func (t *thread) packetGone(d dynptr, to []byte) error {
	if d.kind == dynptrSKB {
		clear(to)
		return linux.EFAULT
	}
	return linux.EINVAL
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
	allowed := uint64(0)
	if d.kind == dynptrSKB {
		allowed = linux.FRecomputeCsum | linux.FInvalidateHash
	}
	if flags&^allowed != 0 {
		return linux.EINVAL
	}
	if d.isPacket() {
		t.packet.own()
	}
	to := t.at(d, offset, n, true)
	if to == nil && n > 0 {
		return t.packetGone(d, nil)
	}
	copy(to, from)
	return nil
}
