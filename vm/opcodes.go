package vm

// The operations of the interpreter. Decoding turns each instruction into one
// of them, the operands widened and the special cases of immediates resolved,
// and then joins common neighbours (see fuse.go). Kept below 256 in all, so
// that the switch over them is one dense jump table.
const (
	opInvalid = iota // imm: index of the reason in code.reasons
	opNop

	// 64-bit arithmetic; K: the immediate, X: the source register.
	opAddK
	opAddX
	opSubX
	opMulK
	opMulX
	opDivK
	opDivX
	opSDivK
	opSDivX
	opModK
	opModX
	opSModK
	opSModX
	opOrK
	opOrX
	opAndK
	opAndX
	opXorK
	opXorX
	opLshK
	opLshX
	opRshK
	opRshX
	opArshK
	opArshX
	opNeg
	opMovLong // a 64-bit immediate, two slots
	opMovK
	opMovX
	opMovSX8
	opMovSX16
	opMovSX32
	opSwap16
	opSwap32
	opSwap64

	// 32-bit arithmetic: the upper half of the result is zero.
	opAdd32K
	opAdd32X
	opSub32X
	opMul32K
	opMul32X
	opDiv32K
	opDiv32X
	opSDiv32K
	opSDiv32X
	opMod32K
	opMod32X
	opSMod32K
	opSMod32X
	opOr32K
	opOr32X
	opAnd32X
	opXor32K
	opXor32X
	opLsh32K
	opLsh32X
	opRsh32K
	opRsh32X
	opArsh32K
	opArsh32X
	opNeg32
	opMov32X
	opMov32SX8
	opMov32SX16

	// Memory.
	opLoad8
	opLoad16
	opLoad32
	opLoad64
	opLoadSX8
	opLoadSX16
	opLoadSX32
	opStore8
	opStore16
	opStore32
	opStore64
	opStoreK8
	opStoreK16
	opStoreK32
	opStoreK64
	opAtomic    // aux: size; imm: the operation
	opPacketAbs // aux: size; imm: offset
	opPacketInd // aux: size; imm: offset to add to the register

	// Jumps; off is the distance from the next slot.
	opJmp
	opJeqK
	opJeqX
	opJneK
	opJneX
	opJgtK
	opJgtX
	opJgeK
	opJgeX
	opJltK
	opJltX
	opJleK
	opJleX
	opJsetK
	opJsetX
	opJsgtK
	opJsgtX
	opJsgeK
	opJsgeX
	opJsltK
	opJsltX
	opJsleK
	opJsleX
	opJeq32K
	opJeq32X
	opJne32K
	opJne32X
	opJgt32K
	opJgt32X
	opJge32K
	opJge32X
	opJlt32K
	opJlt32X
	opJle32K
	opJle32X
	opJset32K
	opJset32X
	opJsgt32K
	opJsgt32X
	opJsge32K
	opJsge32X
	opJslt32K
	opJslt32X
	opJsle32K
	opJsle32X
	opMayGoto

	opCallHelper // imm: index into helpers
	opCallLocal  // off: distance to the function
	opLookup     // imm: index into code.lookups
	opCPU        // the number of the CPU
	opExit

	// Pairs, see fuse.go. The first instruction's registers are dst and src.
	opMovXAddK // dst = src + imm
	opMovXAddX // dst = src + aux
	opMovXAndK
	opMovXLshK
	opMovXRshK
	opLshKRshK  // aux: first count; imm: second
	opLshKArshK // the same
	opLshKXorX
	opRshKXorX
	opLshKOrX
	opAddKJltK // imm: what to add in the low half, what to compare with in the high
	opAddKJneK
	opAdd32KJlt32K
	opAdd32KJne32K
	opAndKJeqK // imm: mask in the low half, what to compare with in the high
	opAndKJneK
	opLoad8JeqK // imm: what to compare with in the low half, the load's offset in the high
	opLoad8JneK
	opLoad16JeqK
	opLoad16JneK
	opLoad32JeqK
	opLoad32JneK
	opLoad32Load32 // dst and aux from src; imm: how far the second is from the first
	opAddXLoad8    // dst += src; aux = load at dst + off
	opAddXLoad16
	opAddXLoad32
	opAddXLoad64
	opMovKJmp
	opMovKExit
	opMovXMulX       // dst = src * aux
	opMov32XAdd32X   // the same of +, 32 bits
	opAddXAndK       // dst = (dst + src) & imm
	opStore64Store64 // src and aux to dst; imm: how far the second is from the first

	// Triples, the same way.
	opMovXLshKXorX // dst = src << imm ^ aux
	opMovXRshKXorX
	opMovXAddXLoad8 // dst = src + aux; load at dst + off into imm
	opMovXAddXLoad16
	opMovXAddXLoad32
	opMovXAddXLoad64
	opMovXAddKJgtX // dst = src + imm; compared with aux
	opMovXAddKJleX
	opMovXAndKJeqK // imm: mask in the low half, what to compare with in the high
	opMovXAndKJneK
	opAddKMovXJltK // dst += low half of imm; aux = src; dst compared with the high half
	opAddKMovXJneK
	opAdd32KMovXJlt32K
	opAdd32KMovXJne32K
	opAddXAddKJltK      // dst += src; aux += low half of imm, compared with the high half
	opLoad64AddKStore64 // dst = load at src + off, changed, and back
	opLoad64AddXStore64 // aux: what is added
	opLoad64XorXStore64

	opEnd // behind the last

	// opLast is no operation: see the switch of thread.run.
	opLast = 255
)
