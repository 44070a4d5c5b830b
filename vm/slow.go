package vm

import (
	"fmt"

	"ebtools/bpf"
)

// What run leaves to functions: see the labels below its switch.

// slow executes in, which left the fast path, or sets t.fault and leaves the
// registers as they were.
func (t *thread) slow(in *inst) {
	r := &t.regs
	from, to := r[in.src]+uint64(int64(in.off)), r[in.dst]+uint64(int64(in.off))
	switch in.op {
	case opLoad8, opLoad16, opLoad32, opLoad64:
		var v uint64
		if v, t.fault = t.mem.load(from, 1<<(in.op-opLoad8)); t.fault == nil {
			r[in.dst] = v
		}
	case opLoadSX8, opLoadSX16, opLoadSX32:
		var v uint64
		size := uint64(1) << (in.op - opLoadSX8)
		if v, t.fault = t.mem.load(from, size); t.fault == nil {
			unused := 64 - 8*size
			r[in.dst] = uint64(int64(v<<unused) >> unused)
		}
	case opStore8, opStore16, opStore32, opStore64:
		t.fault = t.mem.store(to, 1<<(in.op-opStore8), r[in.src])
	case opStoreK8, opStoreK16, opStoreK32, opStoreK64:
		t.fault = t.mem.store(to, 1<<(in.op-opStoreK8), in.imm)
	case opAtomic:
		t.fault = t.atomic(in, r)
	case opPacketAbs, opPacketInd:
		if !t.packetLoad(in, r) {
			r[0] = 0
			t.pc = uintptr(len(t.code.insts)-1) * instSize
		}
	case opCallLocal:
		t.fault = fmt.Errorf("a call in frame %d of %d: %w", t.depth+1, bpf.MaxCallDepth, ErrCallDepth)
	default:
		t.fault = t.code.reasons[in.imm]
	}
}

// helperFailed puts the helper's name before the fault that it set.
func (t *thread) helperFailed() {
	in := t.code.insts[t.pc/instSize-1]
	t.fault = fmt.Errorf("%s: %w", &helpers[uint8(in.imm)], t.fault)
}
