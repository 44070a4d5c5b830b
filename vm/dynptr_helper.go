package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

var dynptrHelpers = []helper{
	{id: linux.FnDynptrFromMem, fn: dynptrFromMem},
	{id: linux.FnDynptrRead, fn: dynptrRead},
	{id: linux.FnDynptrWrite, fn: dynptrWrite},
	{id: linux.FnDynptrData, fn: dynptrData},
	{id: linux.FnRingbufReserveDynptr, fn: ringbufReserveDynptr},
	{id: linux.FnRingbufSubmitDynptr, fn: func(t *thread, r *registers) { t.commitDynptr(r, false) }},
	{id: linux.FnRingbufDiscardDynptr, fn: func(t *thread, r *registers) { t.commitDynptr(r, true) }},
}

// dynptrFromMem: r1 memory, r2 its size, r3 flags, which must be 0, r4 where the
// dynptr goes. 0 or an error number, with a dynptr that is null.
func dynptrFromMem(t *thread, r *registers) {
	size := uint64(uint32(r[2]))
	t.memoryArgument(1, r, size, true)
	if t.fault != nil {
		return
	}
	d := dynptr{data: r[1], kind: dynptrLocal, size: uint32(size)}
	err := error(nil)
	switch {
	case size > maxDynptr:
		d, err = dynptr{}, linux.E2BIG
	case r[3] != 0:
		d, err = dynptr{}, linux.EINVAL
	}
	t.storeDynptr(4, r, d)
	r[0] = result(err)
}

// dynptrRead: r1 buffer, r2 its size, r3 dynptr, r4 offset, r5 flags, which must
// be 0. 0 or an error number.
func dynptrRead(t *thread, r *registers) {
	d, ok := t.dynptrArgument(3, r)
	if !ok {
		return
	}
	to := t.memoryArgument(1, r, uint64(uint32(r[2])), true)
	if t.fault == nil {
		r[0] = result(t.readDynptr(to, d, uint32(r[4]), r[5]))
	}
}

// dynptrWrite: r1 dynptr, r2 offset, r3 data, r4 its size, r5 flags. 0 or an
// error number.
func dynptrWrite(t *thread, r *registers) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	from := t.memoryArgument(3, r, uint64(uint32(r[4])), false)
	if t.fault == nil {
		r[0] = result(t.writeDynptr(d, uint32(r[2]), from, r[5]))
	}
}

// dynptrData: r1 dynptr, r2 offset, r3 how many bytes. Their address, or 0: also
// of packets, which bpf_dynptr_slice is for.
func dynptrData(t *thread, r *registers) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	r[0] = 0
	if d.kind != dynptrNull && !d.readOnly && !d.isPacket() && d.check(uint32(r[2]), uint32(r[3])) == nil {
		r[0] = t.address(d, uint32(r[2]), uint32(r[3]))
	}
}

// ringbufReserveDynptr: r1 map, r2 size, r3 flags, which must be 0, r4 where the
// dynptr goes. 0 or an error number, with a dynptr that is null.
func ringbufReserveDynptr(t *thread, r *registers) {
	m, b := t.ringArgument(1, r, linux.MapRingbuf)
	if b == nil {
		return
	}
	size := uint32(r[2])
	d, err := dynptr{}, error(linux.EINVAL)
	switch {
	case r[3] != 0:
	case size > maxDynptr:
		err = linux.E2BIG
	default:
		if addr := t.reserve(m, b, uint64(size)); addr != 0 {
			d, err = dynptr{data: addr, kind: dynptrRingbuf, size: size}, nil
		}
	}
	if t.fault != nil {
		return
	}
	t.storeDynptr(4, r, d)
	r[0] = result(err)
}

// commitDynptr: r1 dynptr, r2 flags. The record behind it is submitted or
// discarded, and it is null from now on.
func (t *thread) commitDynptr(r *registers, discard bool) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	r[0] = 0
	if d.kind == dynptrNull {
		return
	}
	i := t.holds.recordAt(d.data)
	if d.kind != dynptrRingbuf || i < 0 {
		t.fail(1, fmt.Errorf("the dynptr is of no reserved record: %w", ErrArgument))
		return
	}
	t.commit(i, discard)
	t.storeDynptr(1, r, dynptr{})
}
