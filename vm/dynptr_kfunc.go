package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

var dynptrKfuncs = []helper{
	{kfunc: "bpf_dynptr_from_xdp", fn: func(t *thread, r *registers) { t.dynptrOfPacket(r, dynptrXDP) }},
	{kfunc: "bpf_dynptr_from_skb", fn: func(t *thread, r *registers) { t.dynptrOfPacket(r, dynptrSKB) }},
	{kfunc: "bpf_dynptr_adjust", fn: dynptrAdjust},
	{kfunc: "bpf_dynptr_is_null", fn: dynptrIsNull},
	{kfunc: "bpf_dynptr_is_rdonly", fn: dynptrIsRdonly},
	{kfunc: "bpf_dynptr_size", fn: dynptrSize},
	{kfunc: "bpf_dynptr_clone", fn: dynptrClone},
	{kfunc: "bpf_dynptr_slice", fn: dynptrSlice},
	{kfunc: "bpf_dynptr_slice_rdwr", fn: dynptrSliceRdwr},
	{kfunc: "bpf_dynptr_copy", fn: dynptrCopy},
	{kfunc: "bpf_dynptr_memset", fn: dynptrMemset},
}

// dynptrOfPacket: r1 context, r2 flags, which must be 0, r3 where the dynptr
// goes. 0 or an error number, with a dynptr that is null.
func (t *thread) dynptrOfPacket(r *registers, kind uint8) {
	context := t.packet.skb.region
	if kind == dynptrXDP {
		context = t.xdp
	}
	if t.packet.ctx != context || r[1] != context.start {
		t.fail(1, fmt.Errorf("%#x is not %s: %w", r[1], context.name, ErrArgument))
		return
	}
	d, err := dynptr{}, error(linux.EINVAL)
	if r[2] == 0 {
		d, err = dynptr{kind: kind, data: r[1], size: uint32(t.packet.length()), readOnly: t.packet.readOnly}, nil
	}
	t.storeDynptr(3, r, d)
	r[0] = uint64(uint32(result(err)))
}

// dynptrAdjust: r1 dynptr, r2 and r3 where it is to begin and end. 0 or an error
// number.
func dynptrAdjust(t *thread, r *registers) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	start, end := uint32(r[2]), uint32(r[3])
	switch {
	case d.kind == dynptrNull || start > end:
		r[0] = errno32(linux.EINVAL)
	case start > d.size || end > d.size:
		r[0] = errno32(linux.ERANGE)
	default:
		d.offset += start
		d.size = end - start
		t.storeDynptr(1, r, d)
		r[0] = 0
	}
}

// dynptrIsNull: r1 dynptr. 1 when it is null, else 0.
func dynptrIsNull(t *thread, r *registers) {
	if d, ok := t.dynptrArgument(1, r); ok {
		r[0] = truth(d.kind == dynptrNull)
	}
}

// dynptrIsRdonly: r1 dynptr. 1 when its memory is only to be read, else 0.
func dynptrIsRdonly(t *thread, r *registers) {
	if d, ok := t.dynptrArgument(1, r); ok {
		r[0] = truth(d.readOnly)
	}
}

func truth(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// dynptrSize: r1 dynptr. Its size in bytes, EINVAL as a negative number of 32
// bits when it is null.
func dynptrSize(t *thread, r *registers) {
	d, ok := t.dynptrArgument(1, r)
	switch {
	case !ok:
	case d.kind == dynptrNull:
		r[0] = errno32(linux.EINVAL)
	default:
		r[0] = uint64(d.size)
	}
}

// dynptrClone: r1 dynptr, r2 where its copy goes. 0 or an error number, with a
// copy that is null.
func dynptrClone(t *thread, r *registers) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	t.storeDynptr(2, r, d)
	r[0] = 0
	if d.kind == dynptrNull {
		r[0] = errno32(linux.EINVAL)
	}
}

// dynptrSlice: r1 dynptr, r2 offset, r3 buffer or 0, r4 how many bytes. Their
// address; that of the buffer, with a copy, when they are in several pieces; or 0.
func dynptrSlice(t *thread, r *registers) { t.sliceArguments(r, false) }

// dynptrSliceRdwr is dynptrSlice for memory that is to be written.
func dynptrSliceRdwr(t *thread, r *registers) { t.sliceArguments(r, true) }

func (t *thread) sliceArguments(r *registers, write bool) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	offset, n, buffer := uint32(r[2]), uint32(r[4]), r[3]
	r[0] = t.slice(d, offset, n, write)
	if r[0] != 0 || buffer == 0 || !d.isPacket() || write && d.readOnly || d.check(offset, n) != nil {
		return
	}
	if to := t.memoryArgument(3, r, uint64(n), true); t.fault == nil && t.packet.load(int(d.offset+offset), to) {
		r[0] = buffer
	}
}

// slice is the address of n bytes of the dynptr, 0 when they are not in one piece
// or not there.
func (t *thread) slice(d dynptr, offset, n uint32, write bool) uint64 {
	if d.kind == dynptrNull || write && d.readOnly || d.check(offset, n) != nil {
		return 0
	}
	return t.address(d, offset, n)
}

// dynptrCopy: r1 dynptr and r2 offset to copy to, r3 dynptr and r4 offset to copy
// from, r5 how many bytes. 0 or an error number.
func dynptrCopy(t *thread, r *registers) {
	to, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	from, ok := t.dynptrArgument(3, r)
	if !ok {
		return
	}
	r[0] = uint64(uint32(result(t.copyDynptr(to, uint32(r[2]), from, uint32(r[4]), uint32(r[5])))))
}

// copyDynptr copies n bytes. The kernel tries slices of both first, which settles
// the error, and what overlapping pieces of a packet come to.
func (t *thread) copyDynptr(to dynptr, toOffset uint32, from dynptr, fromOffset, n uint32) error {
	if to.isPacket() && !to.readOnly {
		t.packet.own() // before the packet is looked at as a source
	}
	if t.slice(from, fromOffset, n, false) != 0 {
		return t.writeDynptr(to, toOffset, t.at(from, fromOffset, n, false), 0)
	}
	switch {
	case t.slice(to, toOffset, n, true) != 0:
		return t.readDynptr(t.at(to, toOffset, n, true), from, fromOffset, 0)
	case to.check(toOffset, n) != nil || from.check(fromOffset, n) != nil:
		return linux.E2BIG
	}
	const chunk = 256
	for done := uint32(0); done < n; done += chunk {
		part := t.chunk[:min(chunk, n-done)]
		if err := t.readDynptr(part, from, fromOffset+done, 0); err != nil {
			return err
		}
		if err := t.writeDynptr(to, toOffset+done, part, 0); err != nil {
			return err
		}
	}
	return nil
}

// dynptrMemset: r1 dynptr, r2 offset, r3 how many bytes, r4 what to fill them
// with. 0 or an error number.
func dynptrMemset(t *thread, r *registers) {
	d, ok := t.dynptrArgument(1, r)
	if !ok {
		return
	}
	offset, n := uint32(r[2]), uint32(r[3])
	switch {
	case d.readOnly:
		r[0] = errno32(linux.EINVAL)
		return
	case d.check(offset, n) != nil:
		r[0] = errno32(linux.E2BIG)
		return
	}
	r[0] = 0
	if !d.isPacket() {
		fillBytes(t.at(d, offset, n, true), byte(r[4]))
		return
	}
	t.packet.own()
	c := byte(r[4])
	if !t.packet.each(int(int32(d.offset+offset)), int(n), func(part []byte, _ int) { fillBytes(part, c) }) {
		r[0] = errno32(linux.EINVAL) // it has become shorter
	}
}

func fillBytes(b []byte, c byte) {
	for i := range b {
		b[i] = c
	}
}
