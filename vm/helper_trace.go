package vm

import (
	"bytes"
	"fmt"

	"ebtools/bpf/linux"
)

var traceHelpers = []helper{
	{id: linux.FnTracePrintk, fn: tracePrintk},
	{id: linux.FnTraceVprintk, fn: traceVprintk},
}

// tracePrintk: r1 format, r2 its size with the zero byte, r3 to r5 arguments.
// How many bytes were written, or an error number.
func tracePrintk(t *thread, r *registers) {
	t.print(r, r[3:6])
}

// traceVprintk: r1 format, r2 its size, r3 array of 64-bit arguments, r4 its
// size in bytes.
func traceVprintk(t *thread, r *registers) {
	if args, ok := t.formatArguments(3, r, uint64(uint32(r[4]))); ok {
		t.print(r, args)
	}
}

// maxFormatArguments is how many arguments a format may have (MAX_BPRINTF_VARARGS).
const maxFormatArguments = 12

// formatArguments reads the array of 64-bit arguments that argument n points to.
// Not ok: the result is set, or the run has ended.
func (t *thread) formatArguments(n int, r *registers, size uint64) (args []uint64, ok bool) {
	if size%8 != 0 || size > maxFormatArguments*8 || size > 0 && r[uint8(n)] == 0 {
		r[0] = result(linux.EINVAL)
		return nil, false
	}
	raw := t.memoryArgument(n, r, size, false)
	if t.fault != nil {
		return nil, false
	}
	args = t.formatArgs[:size/8]
	for i := range args {
		args[i] = getLE(raw[i*8 : i*8+8])
	}
	return args, true
}

func (t *thread) print(r *registers, args []uint64) {
	size := uint64(uint32(r[2]))
	format := t.memoryArgument(1, r, size, false)
	if t.fault != nil {
		return
	}
	end := bytes.IndexByte(format, 0)
	if end < 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	line := t.formatter.line[:]
	length, err := t.format(line, format[:end], args)
	if err != nil {
		r[0] = result(err)
		return
	}
	if trace := t.machine.options.Trace; trace != nil {
		line = line[:bytes.IndexByte(line, 0)] // which may be that of a %c
		t.machine.lock.Lock()
		trace(string(line))
		t.machine.lock.Unlock()
	}
	r[0] = uint64(length)
}

// constantString gives the string that argument n points to, which ends before
// the memory that it lies in does.
func (t *thread) constantString(n int, r *registers) ([]byte, bool) {
	addr := r[uint8(n)]
	run := t.mem.run(addr)
	if end := bytes.IndexByte(run, 0); end >= 0 {
		return run[:end], true
	}
	region := t.mem.at(addr) // it may go on in the next page
	if region == nil || addr-region.start >= uint64(len(region.data)) {
		t.fail(n, t.mem.accessError(addr, 1, false))
		return nil, false
	}
	memory := region.data[addr-region.start:]
	end := bytes.IndexByte(memory, 0)
	if end < 0 {
		t.fail(n, fmt.Errorf("a string without its zero byte: %w", ErrArgument))
		return nil, false
	}
	return memory[:end], true
}
