package generate

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// mapPiece looks an entry up and works on its value, or updates or deletes one.
func (g *generator) mapPiece() {
	index := mapArray + g.rng.IntN(mapPercpuHash-mapArray+1)
	m := Maps()[index]
	g.key()
	operation := g.rng.IntN(6)
	if operation >= 4 {
		g.updateValue(int(m.ValueSize))
	}
	g.mapAt(r1, index)
	g.add(move(r2, r10), add(r2, frameKey))
	switch operation {
	case 0, 1, 2:
		g.add(call(int32(linux.FnMapLookupElem)), move(r9, r0), set(r0, int32(g.value())))
		g.clobbered()
		g.valuePiece(int(m.ValueSize))
	case 3:
		g.add(call(int32(linux.FnMapDeleteElem)))
		g.clobbered()
	default:
		g.add(move(r3, r10), add(r3, frameValue), call(int32(linux.FnMapUpdateElem)))
		g.clobbered()
	}
}

// key puts a key on the stack: one that there may be, seldom another.
func (g *generator) key() {
	g.add(storeK(8, r10, frameKey, 0))
	switch g.rng.IntN(3) {
	case 0:
		g.add(storeK(1, r10, frameKey, int32(g.rng.IntN(keys))))
	default:
		g.add(move(r9, g.number()), alu(bpf.OpAnd, r9, int32(1+g.rng.IntN(keys-1))), store(1, r10, frameKey, r9))
	}
	g.add(set(r9, 0))
}

// updateValue puts numbers where the value is taken from and flags into r4.
func (g *generator) updateValue(size int) {
	for off := 0; off < size; off += 8 {
		if g.one(2) {
			g.add(store(8, r10, frameValue+off, g.number()))
		}
	}
	if g.one(10) {
		g.add(move(r4, g.number()))
		return
	}
	g.add(set(r4, int32(g.rng.IntN(3))))
}

// valuePiece works on the value that r9 points to, if there is one.
func (g *generator) valuePiece(size int) {
	none := g.jump(jumpIf(bpf.OpJEQ, r9, 0))
	for range 1 + g.rng.IntN(3) {
		if g.one(3) {
			g.atomic(r9, 0, size)
			continue
		}
		width := 1 << g.rng.IntN(4)
		g.access(width, r9, g.rng.IntN(size-width+1))
	}
	if g.one(3) { // somewhere in it
		n := g.number()
		g.add(alu(bpf.OpAnd, n, 3), aluX(bpf.OpAdd, r9, n))
		width := 1 << g.rng.IntN(4)
		g.access(width, r9, g.rng.IntN(size-3-width+1))
	}
	g.land(none)
	g.add(set(r9, 0))
}
