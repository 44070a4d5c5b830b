package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

// helper is one emulated helper. fn takes its arguments from r1 to r5 and
// leaves its result in r0. What the kernel's verifier would not have let pass
// ends the run: fn sets t.fault. What the kernel answers with an error number
// is a result like any other.
type helper struct {
	id linux.HelperID
	fn func(t *thread, r *registers)
}

// helpers are all that are emulated: one row and one function each. Indexed by
// a uint8, which spares a bounds check.
var helpers = [256]helper{
	{linux.FnMapLookupElem, mapLookupElem},
	{linux.FnMapUpdateElem, mapUpdateElem},
	{linux.FnMapDeleteElem, mapDeleteElem},
	{linux.FnMapLookupPercpuElem, mapLookupPercpuElem},

	{linux.FnKtimeGetNs, ktimeGetNs},
	{linux.FnKtimeGetBootNs, ktimeGetNs},
	{linux.FnKtimeGetCoarseNs, ktimeGetNs},
	{linux.FnKtimeGetTaiNs, ktimeGetNs},
	{linux.FnJiffies64, jiffies64},
	{linux.FnGetPrandomU32, getPrandomU32},
	{linux.FnGetSmpProcessorId, getSmpProcessorID},
	{linux.FnGetNumaNodeId, getNumaNodeID},
	{linux.FnTracePrintk, tracePrintk},
	{linux.FnTraceVprintk, traceVprintk},

	{linux.FnXdpAdjustHead, xdpAdjustHead},
	{linux.FnXdpAdjustTail, xdpAdjustTail},
	{linux.FnXdpAdjustMeta, xdpAdjustMeta},
	{linux.FnXdpGetBuffLen, xdpGetBuffLen},
	{linux.FnXdpLoadBytes, xdpLoadBytes},
	{linux.FnXdpStoreBytes, xdpStoreBytes},
	{linux.FnRedirect, redirect},
	{linux.FnRedirectMap, redirectMap},
}

// helperIndex finds the row of a helper.
var helperIndex = func() map[linux.HelperID]int {
	index := map[linux.HelperID]int{}
	for i, h := range helpers {
		if h.fn != nil {
			index[h.id] = i
		}
	}
	return index
}()

// Emulated reports whether programs may call the helper here.
func Emulated(id linux.HelperID) bool {
	_, ok := helperIndex[id]
	return ok
}

// fail ends the run from within a helper: argument n is not what it must be.
func (t *thread) fail(n int, err error) {
	t.fault = fmt.Errorf("argument %d: %w", n, err)
}

// result turns an error number into what a helper returns.
func result(err error) uint64 {
	if errno, ok := err.(linux.Errno); ok {
		return uint64(-int64(errno))
	}
	return 0
}

// mapArgument gives the map that argument n is.
func (t *thread) mapArgument(n int, r *registers) *Map {
	v := r[uint8(n)]
	if i := (v - mapHandleBase) >> 8; v == mapHandle(int(i)) && i < uint64(len(t.machine.maps)) {
		m := t.machine.maps[i]
		if m.missing == nil {
			return m
		}
		t.fail(n, m.missing)
		return nil
	}
	t.fail(n, fmt.Errorf("%#x is not a map: %w", v, ErrArgument))
	return nil
}

// memoryArgument gives the size bytes of memory that argument n points to.
func (t *thread) memoryArgument(n int, r *registers, size uint64, write bool) []byte {
	b, err := t.mem.bytes(r[uint8(n)], size, write)
	if err != nil {
		t.fail(n, err)
		return nil
	}
	return b
}
