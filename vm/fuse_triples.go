package vm

// triple gives the operation that does what a, b and then c do, if there is one.
func triple(a, b, c inst) (inst, bool) {
	switch a.op {
	case opMovX, opMov32X:
		return moveAndTwo(a, b, c)
	case opAddK, opAdd32K:
		return countAndMove(a, b, c)
	case opAddX:
		return sumAndCount(a, b, c)
	case opLoad64:
		return loadAndStore(a, b, c)
	}
	return inst{}, false
}

// moveAndTwo: a copy that is changed and then used.
func moveAndTwo(a, b, c inst) (inst, bool) {
	if a.dst != b.dst {
		return inst{}, false
	}
	out := inst{dst: a.dst, src: a.src, off: c.off, imm: b.imm}
	wide := a.op == opMovX
	switch {
	case wide && b.op == opLshK && c.op == opXorX && c.dst == a.dst && c.src != a.dst:
		out.op, out.aux = opMovXLshKXorX, c.src
	case wide && b.op == opRshK && c.op == opXorX && c.dst == a.dst && c.src != a.dst:
		out.op, out.aux = opMovXRshKXorX, c.src
	case wide && b.op == opAddX && b.src != a.dst && c.src == a.dst && c.op >= opLoad8 && c.op <= opLoad64:
		out.op, out.aux, out.imm = opMovXAddXLoad8+c.op-opLoad8, b.src, uint64(c.dst)
	case wide && b.op == opAddK:
		return boundsCheck(out, c)
	case b.op == opAndK && b.imm>>32 == 0 && c.dst == a.dst && isPositive(c.imm):
		out.off += 2
		out.imm = twoHalves(b.imm, c.imm)
		switch c.op {
		case opJeqK, opJeq32K:
			out.op = opMovXAndKJeqK
		case opJneK, opJne32K:
			out.op = opMovXAndKJneK
		default:
			return inst{}, false
		}
	default:
		return inst{}, false
	}
	return out, true
}

// boundsCheck: is a pointer and what it leads to inside the packet? Every
// packet program asks that, the end of the packet on either side.
func boundsCheck(out, c inst) (inst, bool) {
	out.off += 2
	switch {
	case c.dst == out.dst && c.src != out.dst && (c.op == opJgtX || c.op == opJleX):
		out.aux = c.src
	case c.src == out.dst && c.dst != out.dst && (c.op == opJltX || c.op == opJgeX):
		out.aux = c.dst
	default:
		return inst{}, false
	}
	out.op = opMovXAddKJgtX
	if c.op == opJleX || c.op == opJgeX {
		out.op = opMovXAddKJleX
	}
	return out, true
}

// countAndMove: the end of a loop that hands a value on to its next round.
func countAndMove(a, b, c inst) (inst, bool) {
	if b.op != opMovX || c.dst != a.dst || b.dst == a.dst {
		return inst{}, false
	}
	out := inst{dst: a.dst, src: b.src, aux: b.dst, off: c.off + 2, imm: twoHalves(a.imm, c.imm)}
	switch {
	case a.op == opAddK && c.op == opJltK && fitsInt32(a.imm):
		out.op = opAddKMovXJltK
	case a.op == opAddK && c.op == opJneK && fitsInt32(a.imm):
		out.op = opAddKMovXJneK
	case a.op == opAdd32K && c.op == opJlt32K:
		out.op = opAdd32KMovXJlt32K
	case a.op == opAdd32K && c.op == opJne32K:
		out.op = opAdd32KMovXJne32K
	default:
		return inst{}, false
	}
	return out, true
}

// sumAndCount: the end of a loop that adds up.
func sumAndCount(a, b, c inst) (inst, bool) {
	if b.op != opAddK || !fitsInt32(b.imm) || c.op != opJltK || c.dst != b.dst {
		return inst{}, false
	}
	return inst{op: opAddXAddKJltK, dst: a.dst, src: a.src, aux: b.dst, off: c.off + 2, imm: twoHalves(b.imm, c.imm)}, true
}

// loadAndStore: a counter or a word in memory that is changed.
func loadAndStore(a, b, c inst) (inst, bool) {
	if a.dst != b.dst || c.op != opStore64 || c.src != a.dst || c.dst != a.src || c.off != a.off || a.dst == a.src {
		return inst{}, false
	}
	out := inst{dst: a.dst, src: a.src, aux: b.src, off: a.off, imm: b.imm}
	switch {
	case b.op == opAddK:
		out.op = opLoad64AddKStore64
	case b.op == opAddX && b.src != a.dst:
		out.op = opLoad64AddXStore64
	case b.op == opXorX && b.src != a.dst:
		out.op = opLoad64XorXStore64
	default:
		return inst{}, false
	}
	return out, true
}
