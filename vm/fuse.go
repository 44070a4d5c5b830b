package vm

import "slices"

// fuse joins common neighbours into one operation, which spares a dispatch:
// the pairs that make up most of what compilers emit for packet programs. The
// second instruction stays in its own slot, so a jump may still land on it.
func (c *code) fuse() {
	c.plain = c.insts
	c.insts = slices.Clone(c.plain)
	for pc := 0; pc+1 < c.slots; pc++ {
		if joined, ok := pair(c.plain[pc], c.plain[pc+1]); ok {
			c.insts[pc] = joined
			pc++
		}
	}
}

// pair gives the operation that does what a and then b does, if there is one.
func pair(a, b inst) (inst, bool) {
	for _, rule := range []func(a, b inst) (inst, bool){moveAnd, shiftAnd, countAndJump, loadAndJump, twoLoads, addAndLoad, setAndLeave} {
		if joined, ok := rule(a, b); ok {
			return joined, true
		}
	}
	return inst{}, false
}

// moveAnd: a register copied and then changed, dst = src op b.
func moveAnd(a, b inst) (inst, bool) {
	if a.dst != b.dst {
		return inst{}, false
	}
	out := inst{dst: a.dst, src: a.src, imm: b.imm}
	switch {
	case b.op == opAndK && (a.op == opMovX || a.op == opMov32X && b.imm>>32 == 0):
		out.op = opMovXAndK
	case a.op != opMovX:
		return inst{}, false
	case b.op == opAddK:
		out.op = opMovXAddK
	case b.op == opAddX && b.src != a.dst:
		out.op, out.aux = opMovXAddX, b.src
	case b.op == opLshK:
		out.op = opMovXLshK
	case b.op == opRshK:
		out.op = opMovXRshK
	default:
		return inst{}, false
	}
	return out, true
}

// shiftAnd: zero and sign extension by two shifts, and a shift mixed with
// another register, as hashes and byte-wise loads do.
func shiftAnd(a, b inst) (inst, bool) {
	if a.dst != b.dst || a.op != opLshK && a.op != opRshK {
		return inst{}, false
	}
	switch {
	case a.op == opLshK && (b.op == opRshK || b.op == opArshK):
		op := uint8(opLshKRshK)
		if b.op == opArshK {
			op = opLshKArshK
		}
		return inst{op: op, dst: a.dst, aux: uint8(a.imm), imm: b.imm}, true
	case b.src == a.dst:
		return inst{}, false
	case b.op == opXorX && a.op == opLshK:
		return inst{op: opLshKXorX, dst: a.dst, src: b.src, imm: a.imm}, true
	case b.op == opXorX:
		return inst{op: opRshKXorX, dst: a.dst, src: b.src, imm: a.imm}, true
	case b.op == opOrX && a.op == opLshK:
		return inst{op: opLshKOrX, dst: a.dst, src: b.src, imm: a.imm}, true
	}
	return inst{}, false
}

// countAndJump: a counter or a masked value compared with a constant.
func countAndJump(a, b inst) (inst, bool) {
	out := inst{dst: a.dst, off: b.off + 1, imm: b.imm<<32 | uint64(uint32(a.imm))}
	if a.dst != b.dst {
		return inst{}, false
	}
	switch {
	case a.op == opAddK && b.op == opJltK && fitsInt32(a.imm):
		out.op = opAddKJltK
	case a.op == opAddK && b.op == opJneK && fitsInt32(a.imm):
		out.op = opAddKJneK
	case a.op == opAdd32K && b.op == opJlt32K:
		out.op = opAdd32KJlt32K
	case a.op == opAdd32K && b.op == opJne32K:
		out.op = opAdd32KJne32K
	case a.op == opAndK && a.imm>>32 == 0 && isPositive(b.imm) && (b.op == opJeqK || b.op == opJeq32K):
		out.op = opAndKJeqK
	case a.op == opAndK && a.imm>>32 == 0 && isPositive(b.imm) && (b.op == opJneK || b.op == opJne32K):
		out.op = opAndKJneK
	default:
		return inst{}, false
	}
	return out, true
}

func fitsInt32(imm uint64) bool { return int64(imm) == int64(int32(imm)) }

func isPositive(imm uint64) bool { return imm <= 1<<31-1 }

// loadAndJump: a header field compared with a constant. What was loaded has no
// upper half, so comparing 32 or 64 bits is the same.
func loadAndJump(a, b inst) (inst, bool) {
	if a.dst != b.dst || !isPositive(b.imm) || a.op != opLoad8 && a.op != opLoad16 && a.op != opLoad32 {
		return inst{}, false
	}
	out := inst{
		op: opLoad8JeqK + 2*(a.op-opLoad8), dst: a.dst, src: a.src, off: b.off + 1,
		imm: uint64(uint32(a.off))<<32 | b.imm,
	}
	switch b.op {
	case opJeqK, opJeq32K:
	case opJneK, opJne32K:
		out.op++
	default:
		return inst{}, false
	}
	return out, true
}

// twoLoads: data and data_end, with which most packet programs begin.
func twoLoads(a, b inst) (inst, bool) {
	if a.op != opLoad32 || b.op != opLoad32 || a.src != b.src || a.dst == a.src {
		return inst{}, false
	}
	return inst{op: opLoad32Load32, dst: a.dst, src: a.src, aux: b.dst, off: a.off, imm: uint64(int64(b.off))}, true
}

// addAndLoad: an element at a computed offset.
func addAndLoad(a, b inst) (inst, bool) {
	if a.op != opAddX || b.src != a.dst || b.op < opLoad8 || b.op > opLoad64 {
		return inst{}, false
	}
	return inst{op: opAddXLoad8 + b.op - opLoad8, dst: a.dst, src: a.src, aux: b.dst, off: b.off}, true
}

// setAndLeave: a result set before a jump to the end or the exit.
func setAndLeave(a, b inst) (inst, bool) {
	if a.op != opMovK {
		return inst{}, false
	}
	switch b.op {
	case opJmp:
		return inst{op: opMovKJmp, dst: a.dst, imm: a.imm, off: b.off + 1}, true
	case opExit:
		return inst{op: opMovKExit, dst: a.dst, imm: a.imm}, true
	}
	return inst{}, false
}
