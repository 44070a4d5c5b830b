package vm

// fuse joins common neighbours into one operation, which spares dispatches: the
// pairs and triples that make up most of what compilers emit for packet
// programs. What follows the first instruction stays in its own slots, so a jump
// may still land there.
func (c *code) fuse() {
	c.plain = c.insts
	c.insts = newInsts(len(c.plain))
	copy(c.insts, c.plain)
	c.before, c.beforePlain = before(c.insts), before(c.plain)
	heads := c.loopHeads()
	for pc := 0; pc < c.slots; {
		in, n := c.joinedAt(pc, heads)
		if n > 1 {
			c.insts[pc] = in
		}
		pc += n
	}
}

// joinedAt gives the operation for what stands at pc and how many instructions
// it does. A loop's first instruction is not joined to what comes before.
func (c *code) joinedAt(pc int, heads []bool) (inst, int) {
	if pc+1 >= c.slots || heads[pc+1] {
		return inst{}, 1
	}
	a, b := c.plain[pc], c.plain[pc+1]
	if pc+2 < c.slots && !heads[pc+2] {
		if in, ok := triple(a, b, c.plain[pc+2]); ok {
			return in, 3
		}
	}
	if in, ok := pair(a, b); ok {
		return in, 2
	}
	return inst{}, 1
}

// loopHeads marks where jumps go back to.
func (c *code) loopHeads() []bool {
	heads := make([]bool, c.slots)
	for pc, in := range c.plain[:c.slots] {
		if in.op >= opJmp && in.op <= opMayGoto && in.off < 0 {
			heads[pc+1+int(in.off)] = true
		}
	}
	return heads
}

// joined is how many instructions an operation does.
func joined(op uint8) int {
	switch {
	case op >= opMovXLshKXorX:
		return 3
	case op > opExit:
		return 2
	}
	return 1
}

// pair gives the operation that does what a and then b does, if there is one.
func pair(a, b inst) (inst, bool) {
	switch a.op {
	case opMovX, opMov32X:
		return moveAnd(a, b)
	case opLshK, opRshK:
		return shiftAnd(a, b)
	case opAddK, opAdd32K:
		return countAndJump(a, b)
	case opAndK:
		return maskAnd(a, b)
	case opLoad8, opLoad16:
		return loadAndJump(a, b)
	case opLoad32:
		if b.op == opLoad32 {
			return twoLoads(a, b)
		}
		return loadAndJump(a, b)
	case opAddX, opAdd32X:
		return addAnd(a, b)
	case opMovK:
		return setAndLeave(a, b)
	case opStore64:
		return twoStores(a, b)
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
	case a.op == opMov32X && b.op == opAdd32X && b.src != a.dst:
		out.op, out.aux = opMov32XAdd32X, b.src
	case a.op != opMovX:
		return inst{}, false
	case b.op == opAddK:
		out.op = opMovXAddK
	case b.op == opAddX && b.src != a.dst:
		out.op, out.aux = opMovXAddX, b.src
	case b.op == opMulX && b.src != a.dst:
		out.op, out.aux = opMovXMulX, b.src
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
	if a.dst != b.dst {
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

// twoHalves puts two constants into one: of 32 bits each, the first sign-extended.
func twoHalves(first, second uint64) uint64 { return second<<32 | uint64(uint32(first)) }

// countAndJump: a counter compared with a constant.
func countAndJump(a, b inst) (inst, bool) {
	out := inst{dst: a.dst, off: b.off + 1, imm: twoHalves(a.imm, b.imm)}
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
	default:
		return inst{}, false
	}
	return out, true
}

// maskAnd: a masked value compared with a constant, or masked again.
func maskAnd(a, b inst) (inst, bool) {
	if a.dst != b.dst {
		return inst{}, false
	}
	if b.op == opAndK {
		return inst{op: opMovXAndK, dst: a.dst, src: a.dst, imm: a.imm & b.imm}, true
	}
	if a.imm>>32 != 0 || !isPositive(b.imm) {
		return inst{}, false
	}
	out := inst{dst: a.dst, off: b.off + 1, imm: twoHalves(a.imm, b.imm)}
	switch b.op {
	case opJeqK, opJeq32K:
		out.op = opAndKJeqK
	case opJneK, opJne32K:
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
	if a.dst != b.dst || !isPositive(b.imm) {
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
	if a.src != b.src || a.dst == a.src {
		return inst{}, false
	}
	return inst{op: opLoad32Load32, dst: a.dst, src: a.src, aux: b.dst, off: a.off, imm: uint64(int64(b.off) - int64(a.off))}, true
}

// twoStores: a structure that is filled in.
func twoStores(a, b inst) (inst, bool) {
	if b.op != opStore64 || a.dst != b.dst {
		return inst{}, false
	}
	return inst{op: opStore64Store64, dst: a.dst, src: a.src, aux: b.src, off: a.off, imm: uint64(int64(b.off) - int64(a.off))}, true
}

// addAnd: an element at a computed offset, and a sum that is masked.
func addAnd(a, b inst) (inst, bool) {
	switch {
	case a.op == opAddX && b.src == a.dst && b.op >= opLoad8 && b.op <= opLoad64:
		return inst{op: opAddXLoad8 + b.op - opLoad8, dst: a.dst, src: a.src, aux: b.dst, off: b.off}, true
	case b.op == opAndK && a.dst == b.dst && b.imm>>32 == 0: // no matter how wide the sum was
		return inst{op: opAddXAndK, dst: a.dst, src: a.src, imm: b.imm}, true
	}
	return inst{}, false
}

// setAndLeave: a result set before a jump to the end or the exit.
func setAndLeave(a, b inst) (inst, bool) {
	switch b.op {
	case opJmp:
		return inst{op: opMovKJmp, dst: a.dst, imm: a.imm, off: b.off + 1}, true
	case opExit:
		return inst{op: opMovKExit, dst: a.dst, imm: a.imm}, true
	}
	return inst{}, false
}
