package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

// helper is one emulated helper. fn takes its arguments from r1 to r5 and
// leaves its result in r0. What the kernel's verifier would not have let pass
// ends the run: fn sets t.fault. What the kernel answers with an error number
// is a result like any other.
//
// A row is in the list of the file that its function is in.
type helper struct {
	id    linux.HelperID
	fn    func(t *thread, r *registers)
	kfunc string // name of the kernel function that it is, instead of id
}

func (h *helper) String() string {
	if h.kfunc != "" {
		return h.kfunc
	}
	return h.id.String()
}

// helpers are all that are emulated, kernel functions behind the helpers. Indexed
// by a uint8, which spares a bounds check. Rows are set when the package begins,
// since some helpers call functions, which call helpers.
var helpers [256]helper

// Where the rows of helpers and kernel functions are.
var (
	helperIndex = map[linux.HelperID]int{}
	kfuncIndex  = map[string]int{}
)

func init() {
	n := 0
	for _, rows := range [][]helper{
		mapHelpers, baseHelpers, timeHelpers, traceHelpers, stringHelpers, xdpHelpers, redirectHelpers, tailCallHelpers, loopHelpers,
		skbHelpers, skbRoomHelpers, skbChecksumHelpers, skbInfoHelpers, fibHelpers,
		eventHelpers, ringHelpers, dynptrHelpers, dynptrKfuncs, stringKfuncs, iterKfuncs, sectionKfuncs, throwKfuncs,
	} {
		for _, row := range rows {
			helpers[n] = row
			if row.kfunc != "" {
				kfuncIndex[row.kfunc] = n
			} else {
				helperIndex[row.id] = n
			}
			n++
		}
	}
}

// Emulated reports whether programs may call the helper here.
func Emulated(id linux.HelperID) bool {
	_, ok := helperIndex[id]
	return ok
}

// EmulatedKfunc reports the same of a kernel function.
func EmulatedKfunc(name string) bool {
	_, ok := kfuncIndex[name]
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
