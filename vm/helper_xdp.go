package vm

import (
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

// xdpAdjustHead: r1 context, r2 bytes to move the start by. 0 or an error number.
func xdpAdjustHead(t *thread, r *registers) {
	if t.contextArgument(r) {
		r[0] = result(t.packet.adjustHead(int(int32(r[2]))))
	}
}

// xdpAdjustTail: r1 context, r2 bytes to move the end by. 0 or an error number.
func xdpAdjustTail(t *thread, r *registers) {
	if t.contextArgument(r) {
		r[0] = result(t.packet.adjustTail(int(int32(r[2]))))
	}
}

// xdpAdjustMeta: r1 context, r2 bytes to move the metadata's start by. 0 or an
// error number.
func xdpAdjustMeta(t *thread, r *registers) {
	if t.contextArgument(r) {
		r[0] = result(t.packet.adjustMeta(int(int32(r[2]))))
	}
}

// xdpGetBuffLen: r1 context. The length of the packet in bytes.
func xdpGetBuffLen(t *thread, r *registers) {
	if t.contextArgument(r) {
		r[0] = uint64(len(t.packet.bytes()))
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
	if !t.contextArgument(r) {
		return
	}
	off, n := uint64(uint32(r[2])), uint64(uint32(r[4]))
	memory := t.memoryArgument(3, r, n, load)
	if t.fault != nil {
		return
	}
	switch length := uint64(len(t.packet.bytes())); {
	case off > 0xffff || n > 0xffff:
		r[0] = result(linux.EFAULT)
		return
	case off+n > length:
		r[0] = result(linux.EINVAL)
		return
	}
	if load {
		copy(memory, t.packet.bytes()[off:])
	} else {
		t.packet.own()
		copy(t.packet.bytes()[off:], memory)
	}
	r[0] = 0
}
