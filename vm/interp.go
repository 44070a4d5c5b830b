package vm

import (
	"fmt"
	"math/bits"
	"unsafe"

	"ebtools/bpf"
)

const instSize = unsafe.Sizeof(inst{})

// registers is indexed by a uint8, which spares the bounds checks; only the
// first eleven are registers.
type registers [256]uint64

// frame is what a call saves: where to return to and the registers that
// survive calls.
type frame struct {
	ret            uintptr
	r6, r7, r8, r9 uint64
	mayGoto        int32
}

// run executes t.code from t.pc, registers as they stand, until the exit of frame
// t.base. It returns the pc where a fault stopped it, and the reason. Helpers may
// call it again for functions that they are given.
//
// This one loop is what the speed of everything depends on, and it is written
// for what the compiler makes of it. Only t, base, pc and table live from one
// instruction to the next, and nothing that would have to be saved lives
// across a call: before one, pc goes to t.pc, and afterwards all but t is read
// again. pc counts bytes from base, so that saving it is no pointer write.
// Program addresses go through the page table, one look-up and one
// comparison an access; what does not fit (an access across pages, a copy on
// write, a fault) leaves the fast path by a label below the switch. Jumps
// backwards pay for the instructions between, which ends endless loops.
func (t *thread) run() (stop int, fault error) {
again:
	r := &t.regs
	base := t.code.before
	pc := t.pc
	table := t.mem.table

next:
	pc += instSize
	in := (*inst)(unsafe.Add(base, pc))
	switch in.op {
	case opNop:
		goto next

	// 64-bit arithmetic.
	case opAddK:
		r[in.dst] += in.imm
		goto next
	case opAddX:
		r[in.dst] += r[in.src]
		goto next
	case opSubX:
		r[in.dst] -= r[in.src]
		goto next
	case opMulK:
		r[in.dst] *= in.imm
		goto next
	case opMulX:
		r[in.dst] *= r[in.src]
		goto next
	case opDivK:
		r[in.dst] /= in.imm
		goto next
	case opDivX:
		if r[in.src] != 0 {
			r[in.dst] /= r[in.src]
		} else {
			r[in.dst] = 0
		}
		goto next
	case opSDivK:
		r[in.dst] = uint64(int64(r[in.dst]) / int64(in.imm))
		goto next
	case opSDivX:
		if r[in.src] != 0 {
			r[in.dst] = uint64(int64(r[in.dst]) / int64(r[in.src]))
		} else {
			r[in.dst] = 0
		}
		goto next
	case opModK:
		r[in.dst] %= in.imm
		goto next
	case opModX:
		if r[in.src] != 0 {
			r[in.dst] %= r[in.src]
		}
		goto next
	case opSModK:
		r[in.dst] = uint64(int64(r[in.dst]) % int64(in.imm))
		goto next
	case opSModX:
		if r[in.src] != 0 {
			r[in.dst] = uint64(int64(r[in.dst]) % int64(r[in.src]))
		}
		goto next
	case opOrK:
		r[in.dst] |= in.imm
		goto next
	case opOrX:
		r[in.dst] |= r[in.src]
		goto next
	case opAndK:
		r[in.dst] &= in.imm
		goto next
	case opAndX:
		r[in.dst] &= r[in.src]
		goto next
	case opXorK:
		r[in.dst] ^= in.imm
		goto next
	case opXorX:
		r[in.dst] ^= r[in.src]
		goto next
	case opLshK:
		r[in.dst] <<= in.imm & 63
		goto next
	case opLshX:
		r[in.dst] <<= r[in.src] & 63
		goto next
	case opRshK:
		r[in.dst] >>= in.imm & 63
		goto next
	case opRshX:
		r[in.dst] >>= r[in.src] & 63
		goto next
	case opArshK:
		r[in.dst] = uint64(int64(r[in.dst]) >> (in.imm & 63))
		goto next
	case opArshX:
		r[in.dst] = uint64(int64(r[in.dst]) >> (r[in.src] & 63))
		goto next
	case opNeg:
		r[in.dst] = -r[in.dst]
		goto next
	case opMovLong:
		r[in.dst] = in.imm
		pc += instSize // its second slot
		goto next
	case opMovK:
		r[in.dst] = in.imm
		goto next
	case opMovX:
		r[in.dst] = r[in.src]
		goto next
	case opMovSX8:
		r[in.dst] = uint64(int64(int8(r[in.src])))
		goto next
	case opMovSX16:
		r[in.dst] = uint64(int64(int16(r[in.src])))
		goto next
	case opMovSX32:
		r[in.dst] = uint64(int64(int32(r[in.src])))
		goto next
	case opSwap16:
		r[in.dst] = uint64(bits.ReverseBytes16(uint16(r[in.dst])))
		goto next
	case opSwap32:
		r[in.dst] = uint64(bits.ReverseBytes32(uint32(r[in.dst])))
		goto next
	case opSwap64:
		r[in.dst] = bits.ReverseBytes64(r[in.dst])
		goto next

	// 32-bit arithmetic.
	case opAdd32K:
		r[in.dst] = uint64(uint32(r[in.dst]) + uint32(in.imm))
		goto next
	case opAdd32X:
		r[in.dst] = uint64(uint32(r[in.dst]) + uint32(r[in.src]))
		goto next
	case opSub32X:
		r[in.dst] = uint64(uint32(r[in.dst]) - uint32(r[in.src]))
		goto next
	case opMul32K:
		r[in.dst] = uint64(uint32(r[in.dst]) * uint32(in.imm))
		goto next
	case opMul32X:
		r[in.dst] = uint64(uint32(r[in.dst]) * uint32(r[in.src]))
		goto next
	case opDiv32K:
		r[in.dst] = uint64(uint32(r[in.dst]) / uint32(in.imm))
		goto next
	case opDiv32X:
		if d := uint32(r[in.src]); d != 0 {
			r[in.dst] = uint64(uint32(r[in.dst]) / d)
		} else {
			r[in.dst] = 0
		}
		goto next
	case opSDiv32K:
		r[in.dst] = uint64(uint32(int32(uint32(r[in.dst])) / int32(uint32(in.imm))))
		goto next
	case opSDiv32X:
		if d := int32(uint32(r[in.src])); d != 0 {
			r[in.dst] = uint64(uint32(int32(uint32(r[in.dst])) / d))
		} else {
			r[in.dst] = 0
		}
		goto next
	case opMod32K:
		r[in.dst] = uint64(uint32(r[in.dst]) % uint32(in.imm))
		goto next
	case opMod32X:
		if d := uint32(r[in.src]); d != 0 {
			r[in.dst] = uint64(uint32(r[in.dst]) % d)
		} else {
			r[in.dst] = uint64(uint32(r[in.dst]))
		}
		goto next
	case opSMod32K:
		r[in.dst] = uint64(uint32(int32(uint32(r[in.dst])) % int32(uint32(in.imm))))
		goto next
	case opSMod32X:
		if d := int32(uint32(r[in.src])); d != 0 {
			r[in.dst] = uint64(uint32(int32(uint32(r[in.dst])) % d))
		} else {
			r[in.dst] = uint64(uint32(r[in.dst]))
		}
		goto next
	case opOr32K:
		r[in.dst] = uint64(uint32(r[in.dst]) | uint32(in.imm))
		goto next
	case opOr32X:
		r[in.dst] = uint64(uint32(r[in.dst]) | uint32(r[in.src]))
		goto next
	case opAnd32X:
		r[in.dst] = uint64(uint32(r[in.dst]) & uint32(r[in.src]))
		goto next
	case opXor32K:
		r[in.dst] = uint64(uint32(r[in.dst]) ^ uint32(in.imm))
		goto next
	case opXor32X:
		r[in.dst] = uint64(uint32(r[in.dst]) ^ uint32(r[in.src]))
		goto next
	case opLsh32K:
		r[in.dst] = uint64(uint32(r[in.dst]) << (in.imm & 31))
		goto next
	case opLsh32X:
		r[in.dst] = uint64(uint32(r[in.dst]) << (r[in.src] & 31))
		goto next
	case opRsh32K:
		r[in.dst] = uint64(uint32(r[in.dst]) >> (in.imm & 31))
		goto next
	case opRsh32X:
		r[in.dst] = uint64(uint32(r[in.dst]) >> (r[in.src] & 31))
		goto next
	case opArsh32K:
		r[in.dst] = uint64(uint32(int32(uint32(r[in.dst])) >> (in.imm & 31)))
		goto next
	case opArsh32X:
		r[in.dst] = uint64(uint32(int32(uint32(r[in.dst])) >> (r[in.src] & 31)))
		goto next
	case opNeg32:
		r[in.dst] = uint64(-uint32(r[in.dst]))
		goto next
	case opMov32X:
		r[in.dst] = uint64(uint32(r[in.src]))
		goto next
	case opMov32SX8:
		r[in.dst] = uint64(uint32(int32(int8(r[in.src]))))
		goto next
	case opMov32SX16:
		r[in.dst] = uint64(uint32(int32(int16(r[in.src]))))
		goto next

	// Memory. The limit of a page is compared with the end of the access.
	case opLoad8:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.read) {
				r[in.dst] = uint64(*(*byte)(unsafe.Add(p.base, o)))
				goto next
			}
		}
		goto slow
	case opLoad16:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.read) {
				r[in.dst] = uint64(load16(unsafe.Add(p.base, o)))
				goto next
			}
		}
		goto slow
	case opLoad32:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				r[in.dst] = uint64(load32(unsafe.Add(p.base, o)))
				goto next
			}
		}
		goto slow
	case opLoad64:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.read) {
				r[in.dst] = load64(unsafe.Add(p.base, o))
				goto next
			}
		}
		goto slow
	case opLoadSX8:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.read) {
				r[in.dst] = uint64(int64(int8(*(*byte)(unsafe.Add(p.base, o)))))
				goto next
			}
		}
		goto slow
	case opLoadSX16:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.read) {
				r[in.dst] = uint64(int64(int16(load16(unsafe.Add(p.base, o)))))
				goto next
			}
		}
		goto slow
	case opLoadSX32:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				r[in.dst] = uint64(int64(int32(load32(unsafe.Add(p.base, o)))))
				goto next
			}
		}
		goto slow
	case opStore8:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.write) {
				*(*byte)(unsafe.Add(p.base, o)) = byte(r[in.src])
				goto next
			}
		}
		goto slow
	case opStore16:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.write) {
				store16(unsafe.Add(p.base, o), uint16(r[in.src]))
				goto next
			}
		}
		goto slow
	case opStore32:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.write) {
				store32(unsafe.Add(p.base, o), uint32(r[in.src]))
				goto next
			}
		}
		goto slow
	case opStore64:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.write) {
				store64(unsafe.Add(p.base, o), r[in.src])
				goto next
			}
		}
		goto slow
	case opStoreK8:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.write) {
				*(*byte)(unsafe.Add(p.base, o)) = byte(in.imm)
				goto next
			}
		}
		goto slow
	case opStoreK16:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.write) {
				store16(unsafe.Add(p.base, o), uint16(in.imm))
				goto next
			}
		}
		goto slow
	case opStoreK32:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.write) {
				store32(unsafe.Add(p.base, o), uint32(in.imm))
				goto next
			}
		}
		goto slow
	case opStoreK64:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.write) {
				store64(unsafe.Add(p.base, o), in.imm)
				goto next
			}
		}
		goto slow
	case opAtomic, opPacketAbs, opPacketInd:
		goto slow

	// Jumps. A jump that is not taken goes on with the next instruction.
	case opJmp:
		goto jump
	case opJeqK:
		if r[in.dst] == in.imm {
			goto jump
		}
		goto next
	case opJeqX:
		if r[in.dst] == r[in.src] {
			goto jump
		}
		goto next
	case opJneK:
		if r[in.dst] != in.imm {
			goto jump
		}
		goto next
	case opJneX:
		if r[in.dst] != r[in.src] {
			goto jump
		}
		goto next
	case opJgtK:
		if r[in.dst] > in.imm {
			goto jump
		}
		goto next
	case opJgtX:
		if r[in.dst] > r[in.src] {
			goto jump
		}
		goto next
	case opJgeK:
		if r[in.dst] >= in.imm {
			goto jump
		}
		goto next
	case opJgeX:
		if r[in.dst] >= r[in.src] {
			goto jump
		}
		goto next
	case opJltK:
		if r[in.dst] < in.imm {
			goto jump
		}
		goto next
	case opJltX:
		if r[in.dst] < r[in.src] {
			goto jump
		}
		goto next
	case opJleK:
		if r[in.dst] <= in.imm {
			goto jump
		}
		goto next
	case opJleX:
		if r[in.dst] <= r[in.src] {
			goto jump
		}
		goto next
	case opJsetK:
		if r[in.dst]&in.imm != 0 {
			goto jump
		}
		goto next
	case opJsetX:
		if r[in.dst]&r[in.src] != 0 {
			goto jump
		}
		goto next
	case opJsgtK:
		if int64(r[in.dst]) > int64(in.imm) {
			goto jump
		}
		goto next
	case opJsgtX:
		if int64(r[in.dst]) > int64(r[in.src]) {
			goto jump
		}
		goto next
	case opJsgeK:
		if int64(r[in.dst]) >= int64(in.imm) {
			goto jump
		}
		goto next
	case opJsgeX:
		if int64(r[in.dst]) >= int64(r[in.src]) {
			goto jump
		}
		goto next
	case opJsltK:
		if int64(r[in.dst]) < int64(in.imm) {
			goto jump
		}
		goto next
	case opJsltX:
		if int64(r[in.dst]) < int64(r[in.src]) {
			goto jump
		}
		goto next
	case opJsleK:
		if int64(r[in.dst]) <= int64(in.imm) {
			goto jump
		}
		goto next
	case opJsleX:
		if int64(r[in.dst]) <= int64(r[in.src]) {
			goto jump
		}
		goto next
	case opJeq32K:
		if uint32(r[in.dst]) == uint32(in.imm) {
			goto jump
		}
		goto next
	case opJeq32X:
		if uint32(r[in.dst]) == uint32(r[in.src]) {
			goto jump
		}
		goto next
	case opJne32K:
		if uint32(r[in.dst]) != uint32(in.imm) {
			goto jump
		}
		goto next
	case opJne32X:
		if uint32(r[in.dst]) != uint32(r[in.src]) {
			goto jump
		}
		goto next
	case opJgt32K:
		if uint32(r[in.dst]) > uint32(in.imm) {
			goto jump
		}
		goto next
	case opJgt32X:
		if uint32(r[in.dst]) > uint32(r[in.src]) {
			goto jump
		}
		goto next
	case opJge32K:
		if uint32(r[in.dst]) >= uint32(in.imm) {
			goto jump
		}
		goto next
	case opJge32X:
		if uint32(r[in.dst]) >= uint32(r[in.src]) {
			goto jump
		}
		goto next
	case opJlt32K:
		if uint32(r[in.dst]) < uint32(in.imm) {
			goto jump
		}
		goto next
	case opJlt32X:
		if uint32(r[in.dst]) < uint32(r[in.src]) {
			goto jump
		}
		goto next
	case opJle32K:
		if uint32(r[in.dst]) <= uint32(in.imm) {
			goto jump
		}
		goto next
	case opJle32X:
		if uint32(r[in.dst]) <= uint32(r[in.src]) {
			goto jump
		}
		goto next
	case opJset32K:
		if uint32(r[in.dst])&uint32(in.imm) != 0 {
			goto jump
		}
		goto next
	case opJset32X:
		if uint32(r[in.dst])&uint32(r[in.src]) != 0 {
			goto jump
		}
		goto next
	case opJsgt32K:
		if int32(r[in.dst]) > int32(in.imm) {
			goto jump
		}
		goto next
	case opJsgt32X:
		if int32(r[in.dst]) > int32(r[in.src]) {
			goto jump
		}
		goto next
	case opJsge32K:
		if int32(r[in.dst]) >= int32(in.imm) {
			goto jump
		}
		goto next
	case opJsge32X:
		if int32(r[in.dst]) >= int32(r[in.src]) {
			goto jump
		}
		goto next
	case opJslt32K:
		if int32(r[in.dst]) < int32(in.imm) {
			goto jump
		}
		goto next
	case opJslt32X:
		if int32(r[in.dst]) < int32(r[in.src]) {
			goto jump
		}
		goto next
	case opJsle32K:
		if int32(r[in.dst]) <= int32(in.imm) {
			goto jump
		}
		goto next
	case opJsle32X:
		if int32(r[in.dst]) <= int32(r[in.src]) {
			goto jump
		}
		goto next
	case opMayGoto:
		if t.frames[t.depth].mayGoto == 0 {
			goto jump
		}
		t.frames[t.depth].mayGoto--
		goto next

	// Calls.
	case opCallHelper:
		goto helper
	case opCallLocal:
		if t.depth+1 >= bpf.MaxCallDepth {
			goto slow
		}
		if t.left--; t.left < 0 {
			goto exhausted
		}
		t.frames[t.depth].ret = pc
		t.frames[t.depth].r6, t.frames[t.depth].r7 = r[6], r[7]
		t.frames[t.depth].r8, t.frames[t.depth].r9 = r[8], r[9]
		pc += uintptr(int(in.off) * int(instSize))
		t.depth++
		r[10] += 2 * pageSize
		t.frames[t.depth].mayGoto = maxMayGoto
		if t.code.usesStack {
			goto clearFrame
		}
		goto next
	case opLookup:
		l := &t.code.lookups[in.imm]
		if pn := r[2] >> pageShift; pn < pageCount {
			p, o := &table[pn], r[2]&(pageSize-1)
			if o+4 <= uint64(p.read) {
				key := uint64(load32(unsafe.Add(p.base, o)))
				r[0] = 0
				if key < l.entries {
					r[0] = l.start + key*l.stride + uint64(t.cpu)*l.nextCPU
				}
				goto next
			}
		}
		goto helper
	case opCPU:
		r[0] = uint64(t.cpu)
		goto next
	case opExit:
		goto exit

	// Pairs. pc moves past the second instruction as well.
	case opMovXAddK:
		r[in.dst] = r[in.src] + in.imm
		pc += instSize
		goto next
	case opMovXAddX:
		r[in.dst] = r[in.src] + r[in.aux]
		pc += instSize
		goto next
	case opMovXAndK:
		r[in.dst] = r[in.src] & in.imm
		pc += instSize
		goto next
	case opMovXLshK:
		r[in.dst] = r[in.src] << (in.imm & 63)
		pc += instSize
		goto next
	case opMovXRshK:
		r[in.dst] = r[in.src] >> (in.imm & 63)
		pc += instSize
		goto next
	case opLshKRshK:
		r[in.dst] = r[in.dst] << (in.aux & 63) >> (in.imm & 63)
		pc += instSize
		goto next
	case opLshKArshK:
		r[in.dst] = uint64(int64(r[in.dst]<<(in.aux&63)) >> (in.imm & 63))
		pc += instSize
		goto next
	case opLshKXorX:
		r[in.dst] = r[in.dst]<<(in.imm&63) ^ r[in.src]
		pc += instSize
		goto next
	case opRshKXorX:
		r[in.dst] = r[in.dst]>>(in.imm&63) ^ r[in.src]
		pc += instSize
		goto next
	case opLshKOrX:
		r[in.dst] = r[in.dst]<<(in.imm&63) | r[in.src]
		pc += instSize
		goto next
	case opAddKJltK:
		r[in.dst] += uint64(int64(int32(in.imm)))
		if r[in.dst] < uint64(int64(in.imm)>>32) {
			goto jump
		}
		pc += instSize
		goto next
	case opAddKJneK:
		r[in.dst] += uint64(int64(int32(in.imm)))
		if r[in.dst] != uint64(int64(in.imm)>>32) {
			goto jump
		}
		pc += instSize
		goto next
	case opAdd32KJlt32K:
		r[in.dst] = uint64(uint32(r[in.dst]) + uint32(in.imm))
		if uint32(r[in.dst]) < uint32(in.imm>>32) {
			goto jump
		}
		pc += instSize
		goto next
	case opAdd32KJne32K:
		r[in.dst] = uint64(uint32(r[in.dst]) + uint32(in.imm))
		if uint32(r[in.dst]) != uint32(in.imm>>32) {
			goto jump
		}
		pc += instSize
		goto next
	case opAndKJeqK:
		r[in.dst] &= in.imm & 0xffffffff
		if r[in.dst] == in.imm>>32 {
			goto jump
		}
		pc += instSize
		goto next
	case opAndKJneK:
		r[in.dst] &= in.imm & 0xffffffff
		if r[in.dst] != in.imm>>32 {
			goto jump
		}
		pc += instSize
		goto next
	case opLoad8JeqK:
		addr := r[in.src] + uint64(int64(in.imm)>>32)
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.read) {
				r[in.dst] = uint64(*(*byte)(unsafe.Add(p.base, o)))
				if r[in.dst] == in.imm&0xffffffff {
					goto jump
				}
				pc += instSize
				goto next
			}
		}
		goto slow
	case opLoad8JneK:
		addr := r[in.src] + uint64(int64(in.imm)>>32)
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.read) {
				r[in.dst] = uint64(*(*byte)(unsafe.Add(p.base, o)))
				if r[in.dst] != in.imm&0xffffffff {
					goto jump
				}
				pc += instSize
				goto next
			}
		}
		goto slow
	case opLoad16JeqK:
		addr := r[in.src] + uint64(int64(in.imm)>>32)
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.read) {
				r[in.dst] = uint64(load16(unsafe.Add(p.base, o)))
				if r[in.dst] == in.imm&0xffffffff {
					goto jump
				}
				pc += instSize
				goto next
			}
		}
		goto slow
	case opLoad16JneK:
		addr := r[in.src] + uint64(int64(in.imm)>>32)
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.read) {
				r[in.dst] = uint64(load16(unsafe.Add(p.base, o)))
				if r[in.dst] != in.imm&0xffffffff {
					goto jump
				}
				pc += instSize
				goto next
			}
		}
		goto slow
	case opLoad32JeqK:
		addr := r[in.src] + uint64(int64(in.imm)>>32)
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				r[in.dst] = uint64(load32(unsafe.Add(p.base, o)))
				if r[in.dst] == in.imm&0xffffffff {
					goto jump
				}
				pc += instSize
				goto next
			}
		}
		goto slow
	case opLoad32JneK:
		addr := r[in.src] + uint64(int64(in.imm)>>32)
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				r[in.dst] = uint64(load32(unsafe.Add(p.base, o)))
				if r[in.dst] != in.imm&0xffffffff {
					goto jump
				}
				pc += instSize
				goto next
			}
		}
		goto slow
	case opLoad32Load32:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				second := o + in.imm
				if second < uint64(p.read) && second+4 <= uint64(p.read) {
					r[in.dst] = uint64(load32(unsafe.Add(p.base, o)))
					r[in.aux] = uint64(load32(unsafe.Add(p.base, second)))
					pc += instSize
					goto next
				}
			}
		}
		goto slow
	case opAddXLoad8:
		r[in.dst] += r[in.src]
		pc += instSize
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.read) {
				r[in.aux] = uint64(*(*byte)(unsafe.Add(p.base, o)))
				goto next
			}
		}
		goto slow
	case opAddXLoad16:
		r[in.dst] += r[in.src]
		pc += instSize
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.read) {
				r[in.aux] = uint64(load16(unsafe.Add(p.base, o)))
				goto next
			}
		}
		goto slow
	case opAddXLoad32:
		r[in.dst] += r[in.src]
		pc += instSize
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				r[in.aux] = uint64(load32(unsafe.Add(p.base, o)))
				goto next
			}
		}
		goto slow
	case opAddXLoad64:
		r[in.dst] += r[in.src]
		pc += instSize
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.read) {
				r[in.aux] = load64(unsafe.Add(p.base, o))
				goto next
			}
		}
		goto slow
	case opMovKJmp:
		r[in.dst] = in.imm
		goto jump
	case opMovKExit:
		r[in.dst] = in.imm
		goto exit
	case opMovXMulX:
		r[in.dst] = r[in.src] * r[in.aux]
		pc += instSize
		goto next
	case opMov32XAdd32X:
		r[in.dst] = uint64(uint32(r[in.src]) + uint32(r[in.aux]))
		pc += instSize
		goto next
	case opAddXAndK:
		r[in.dst] = (r[in.dst] + r[in.src]) & in.imm
		pc += instSize
		goto next
	case opStore64Store64:
		addr := r[in.dst] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.write) {
				second := o + in.imm
				if second < uint64(p.write) && second+8 <= uint64(p.write) {
					store64(unsafe.Add(p.base, o), r[in.src])
					store64(unsafe.Add(p.base, second), r[in.aux])
					pc += instSize
					goto next
				}
			}
		}
		goto slow

	// Triples.
	case opMovXLshKXorX:
		r[in.dst] = r[in.src]<<(in.imm&63) ^ r[in.aux]
		pc += 2 * instSize
		goto next
	case opMovXRshKXorX:
		r[in.dst] = r[in.src]>>(in.imm&63) ^ r[in.aux]
		pc += 2 * instSize
		goto next
	case opMovXAddXLoad8:
		addr := r[in.src] + r[in.aux]
		r[in.dst] = addr
		addr += uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+1 <= uint64(p.read) {
				r[uint8(in.imm)] = uint64(*(*byte)(unsafe.Add(p.base, o)))
				pc += 2 * instSize
				goto next
			}
		}
		pc += 2 * instSize
		goto slow
	case opMovXAddXLoad16:
		addr := r[in.src] + r[in.aux]
		r[in.dst] = addr
		addr += uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+2 <= uint64(p.read) {
				r[uint8(in.imm)] = uint64(load16(unsafe.Add(p.base, o)))
				pc += 2 * instSize
				goto next
			}
		}
		pc += 2 * instSize
		goto slow
	case opMovXAddXLoad32:
		addr := r[in.src] + r[in.aux]
		r[in.dst] = addr
		addr += uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+4 <= uint64(p.read) {
				r[uint8(in.imm)] = uint64(load32(unsafe.Add(p.base, o)))
				pc += 2 * instSize
				goto next
			}
		}
		pc += 2 * instSize
		goto slow
	case opMovXAddXLoad64:
		addr := r[in.src] + r[in.aux]
		r[in.dst] = addr
		addr += uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.read) {
				r[uint8(in.imm)] = load64(unsafe.Add(p.base, o))
				pc += 2 * instSize
				goto next
			}
		}
		pc += 2 * instSize
		goto slow
	case opMovXAddKJgtX:
		r[in.dst] = r[in.src] + in.imm
		if r[in.dst] > r[in.aux] {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opMovXAddKJleX:
		r[in.dst] = r[in.src] + in.imm
		if r[in.dst] <= r[in.aux] {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opMovXAndKJeqK:
		r[in.dst] = r[in.src] & (in.imm & 0xffffffff)
		if r[in.dst] == in.imm>>32 {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opMovXAndKJneK:
		r[in.dst] = r[in.src] & (in.imm & 0xffffffff)
		if r[in.dst] != in.imm>>32 {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opAddKMovXJltK:
		r[in.dst] += uint64(int64(int32(in.imm)))
		r[in.aux] = r[in.src]
		if r[in.dst] < uint64(int64(in.imm)>>32) {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opAddKMovXJneK:
		r[in.dst] += uint64(int64(int32(in.imm)))
		r[in.aux] = r[in.src]
		if r[in.dst] != uint64(int64(in.imm)>>32) {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opAdd32KMovXJlt32K:
		r[in.dst] = uint64(uint32(r[in.dst]) + uint32(in.imm))
		r[in.aux] = r[in.src]
		if uint32(r[in.dst]) < uint32(in.imm>>32) {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opAdd32KMovXJne32K:
		r[in.dst] = uint64(uint32(r[in.dst]) + uint32(in.imm))
		r[in.aux] = r[in.src]
		if uint32(r[in.dst]) != uint32(in.imm>>32) {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opAddXAddKJltK:
		r[in.dst] += r[in.src]
		r[in.aux] += uint64(int64(int32(in.imm)))
		if r[in.aux] < uint64(int64(in.imm)>>32) {
			goto jump
		}
		pc += 2 * instSize
		goto next
	case opLoad64AddKStore64:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.write) {
				word := unsafe.Add(p.base, o)
				r[in.dst] = load64(word) + in.imm
				store64(word, r[in.dst])
				pc += 2 * instSize
				goto next
			}
		}
		goto slow
	case opLoad64AddXStore64:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.write) {
				word := unsafe.Add(p.base, o)
				r[in.dst] = load64(word) + r[in.aux]
				store64(word, r[in.dst])
				pc += 2 * instSize
				goto next
			}
		}
		goto slow
	case opLoad64XorXStore64:
		addr := r[in.src] + uint64(int64(in.off))
		if pn := addr >> pageShift; pn < pageCount {
			p, o := &table[pn], addr&(pageSize-1)
			if o+8 <= uint64(p.write) {
				word := unsafe.Add(p.base, o)
				r[in.dst] = load64(word) ^ r[in.aux]
				store64(word, r[in.dst])
				pc += 2 * instSize
				goto next
			}
		}
		goto slow
	case opInvalid, opLast:
		goto slow
	}
	goto next

jump:
	in = (*inst)(unsafe.Add(base, pc))
	if in.off < 0 {
		if t.left += int64(in.off); t.left < 0 {
			goto exhausted
		}
	}
	pc += uintptr(int(in.off) * int(instSize))
	goto next

exit:
	if t.depth == t.base {
		return 0, nil
	}
	t.depth--
	pc = t.frames[t.depth].ret
	r[6], r[7] = t.frames[t.depth].r6, t.frames[t.depth].r7
	r[8], r[9] = t.frames[t.depth].r8, t.frames[t.depth].r9
	r[10] -= 2 * pageSize
	goto next

helper:
	t.pc = pc
	helpers[uint8(t.code.plain[pc/instSize-1].imm)].fn(t, &t.regs)
	if t.fault == nil {
		goto again
	}
	t.helperFailed()
	goto stopped

clearFrame:
	t.pc = pc
	clear(t.stacks[t.depth].data)
	goto again

slow: // the instruction before pc, by itself
	t.pc = pc
	t.slow(&t.code.plain[pc/instSize-1])
	if t.fault == nil {
		goto again
	}
	goto stopped

exhausted: // of joined instructions, it is the last that jumps
	t.pc = pc + uintptr(joined(t.code.insts[pc/instSize-1].op)-1)*instSize
	t.fault = fmt.Errorf("%w: the limit is %d", ErrLimit, t.budget)
stopped:
	fault, t.fault = t.fault, nil
	return int(t.pc/instSize) - 1, fault
}
