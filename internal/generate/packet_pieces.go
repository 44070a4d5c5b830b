package generate

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// packetPiece does something with the packet that only the entry can.
func (g *generator) packetPiece() {
	adjust := []linux.HelperID{linux.FnXdpAdjustHead, linux.FnXdpAdjustTail, linux.FnXdpAdjustMeta}
	switch k := g.rng.IntN(6); {
	case k < 2:
		g.checkedAccess()
	case k == 2:
		g.copyBytes()
	case k == 3 && g.helper(linux.FnXdpGetBuffLen):
		g.add(load(8, r1, r10, frameContext), call(int32(linux.FnXdpGetBuffLen)))
		g.clobbered()
	default:
		if id := adjust[g.rng.IntN(3)]; g.helper(id) {
			g.adjust(id)
		}
	}
}

// checkedAccess accesses the packet at an offset that it computes and checks.
func (g *generator) checkedAccess() {
	size := 1 << g.rng.IntN(4)
	g.variable(r7, int32(g.value()&0xff))
	g.add(load(8, r0, r10, frameContext), load(4, r0, r0, 4), move(r1, r9), add(r1, int32(size)))
	inside := g.jump(jumpIfX(bpf.OpJLE, r1, r0))
	g.add(set(r0, int32(g.value())), move(r1, r2))
	over := g.jump(jump())
	g.land(inside)
	g.add(move(r0, r3), move(r1, r4))
	g.access(size, r9, 0)
	g.land(over)
	g.add(set(r9, 0))
}

// copyBytes is bpf_xdp_load_bytes or bpf_xdp_store_bytes.
func (g *generator) copyBytes() {
	id := linux.FnXdpLoadBytes
	if g.one(2) {
		id = linux.FnXdpStoreBytes
	}
	if !g.helper(id) {
		return
	}
	g.add(move(r2, g.number()))
	if !g.one(8) {
		g.add(alu(bpf.OpAnd, r2, 0x7f))
	}
	g.add(load(8, r1, r10, frameContext), move(r3, r10), add(r3, frameMemory), set(r4, int32(1+g.rng.IntN(memorySize))))
	g.add(call(int32(id)))
	g.clobbered()
}

// adjust moves an end of the packet. The packet is then checked anew, and the
// program ends where too little is left of it.
func (g *generator) adjust(id linux.HelperID) {
	if g.one(4) {
		g.add(move(r2, g.number()))
		if !g.one(8) {
			g.add(alu(bpf.OpAnd, r2, 0x3f), add(r2, -32))
		}
	} else {
		delta := int32(g.rng.IntN(96) - 64)
		if id == linux.FnXdpAdjustMeta {
			delta = int32(4*g.rng.IntN(12) - 32)
		}
		g.add(set(r2, delta))
	}
	g.add(load(8, r1, r10, frameContext), call(int32(id)))
	g.clobbered()
	g.add(load(8, r9, r10, frameContext), load(4, r7, r9, 0), load(4, r9, r9, 4), move(r1, r7), add(r1, leastPacket))
	enough := g.jump(jumpIfX(bpf.OpJLE, r1, r9))
	g.add(set(r1, 0))
	g.leave = append(g.leave, g.jump(jump()))
	g.land(enough)
	g.add(move(r1, r2), set(r9, 0))
}
