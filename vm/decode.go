package vm

import (
	"fmt"
	"unsafe"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// inst is a decoded instruction: 16 bytes, at the index of the slot it came
// from, so that an index stays the kernel's pc.
type inst struct {
	op, dst, src, aux uint8
	off               int32
	imm               uint64
}

// code is a decoded program.
type code struct {
	prog *bpf.Program
	// insts holds an instruction for each slot, then one that catches running
	// past the end, and an exit for functions that end without one.
	insts  []inst
	before unsafe.Pointer // see func before
	slots  int            // of the program
	// plain is insts before pairs were joined: what the slow path goes by.
	plain       []inst
	beforePlain unsafe.Pointer
	counts      []uint64 // how often each slot was run; nil when that is not counted
	lookups     []lookup // of each opLookup
	// reasons says of each opInvalid why it can't run.
	reasons []error
	// usesStack: some instruction names r10, so frames are cleared.
	usesStack bool
}

// newInsts makes room for n instructions, with one before them: see before.
func newInsts(n int) []inst { return make([]inst, n+1)[1:] }

// before is the address of the place before the first of insts, which newInsts
// made. Counted from there, a program counter that has gone on to the next
// instruction is where this one is, which spares the interpreter a register.
func before(insts []inst) unsafe.Pointer {
	return unsafe.Add(unsafe.Pointer(unsafe.SliceData(insts)), -int(instSize))
}

// decode turns a program into code. It never fails: what can't be run becomes
// an opInvalid with its reason, which faults only when it is reached.
func decode(p *bpf.Program, maps []*Map) *code {
	n := len(p.Instructions)
	c := &code{prog: p, insts: newInsts(n + 2), slots: n}
	second := secondSlots(p.Instructions)
	for pc := range p.Instructions {
		if second[pc] {
			c.invalid(pc, fmt.Errorf("jump into the middle of a 64-bit immediate load: %w", ErrInvalid))
			continue
		}
		in := p.Instructions[pc]
		if in.Form() == nil {
			text, _ := bpf.Disassemble(p.Instructions, pc)
			c.invalid(pc, fmt.Errorf("%s is no instruction: %w", text, ErrInvalid))
			continue
		}
		if in.Dst == bpf.R10 || in.Src == bpf.R10 {
			c.usesStack = true
		}
		if err := c.decodeOne(pc, p.Instructions, maps); err != nil {
			c.invalid(pc, err)
		}
	}
	c.insts[n+1].op = opExit
	c.invalid(n, fmt.Errorf("the program ran past its last instruction: %w", ErrInvalid))
	c.fuse()
	c.inline(maps)
	return c
}

// secondSlots marks the slots that are the second of a 64-bit immediate load.
func secondSlots(insns []bpf.Instruction) []bool {
	second := make([]bool, len(insns))
	for pc := 0; pc < len(insns); pc++ {
		if insns[pc].IsLoadImm64() && pc+1 < len(insns) {
			pc++
			second[pc] = true
		}
	}
	return second
}

func (c *code) invalid(pc int, reason error) {
	c.insts[pc] = inst{op: opInvalid, imm: uint64(len(c.reasons))}
	c.reasons = append(c.reasons, reason)
}

func (c *code) decodeOne(pc int, insns []bpf.Instruction, maps []*Map) error {
	in := insns[pc]
	out := &c.insts[pc]
	*out = inst{dst: uint8(in.Dst), src: uint8(in.Src), off: int32(in.Off), imm: uint64(int64(in.Imm))}
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		if in.Dst == bpf.R10 {
			return fmt.Errorf("write to the frame pointer r10: %w", ErrInvalid)
		}
		decodeALU(out, in)
	case bpf.ClassJMP, bpf.ClassJMP32:
		return c.decodeJump(out, in, pc)
	case bpf.ClassLD:
		return c.decodeLD(out, in, pc, insns, maps)
	case bpf.ClassLDX:
		if in.Dst == bpf.R10 {
			return fmt.Errorf("write to the frame pointer r10: %w", ErrInvalid)
		}
		decodeLoad(out, in)
	case bpf.ClassST, bpf.ClassSTX:
		if in.Mode() == bpf.ModeATOMIC && atomicResult(in) == bpf.R10 {
			return fmt.Errorf("write to the frame pointer r10: %w", ErrInvalid)
		}
		decodeStore(out, in)
	}
	return nil
}

// aluOps gives the operation of each ALU code with an immediate and with a
// register, for 64 and 32 bits.
var aluOps = [256][4]uint8{
	bpf.OpAdd:  {opAddK, opAddX, opAdd32K, opAdd32X},
	bpf.OpSub:  {opAddK, opSubX, opAdd32K, opSub32X}, // with the immediate negated
	bpf.OpMul:  {opMulK, opMulX, opMul32K, opMul32X},
	bpf.OpDiv:  {opDivK, opDivX, opDiv32K, opDiv32X},
	bpf.OpMod:  {opModK, opModX, opMod32K, opMod32X},
	bpf.OpOr:   {opOrK, opOrX, opOr32K, opOr32X},
	bpf.OpAnd:  {opAndK, opAndX, opAndK, opAnd32X},
	bpf.OpXor:  {opXorK, opXorX, opXor32K, opXor32X},
	bpf.OpLsh:  {opLshK, opLshX, opLsh32K, opLsh32X},
	bpf.OpRsh:  {opRshK, opRshX, opRsh32K, opRsh32X},
	bpf.OpArsh: {opArshK, opArshX, opArsh32K, opArsh32X},
	bpf.OpNeg:  {opNeg, opNeg, opNeg32, opNeg32},
	bpf.OpMov:  {opMovK, opMovX, opMovK, opMov32X},
}

// signedOps gives what the signed forms of division and modulo decode to.
var signedOps = [256]uint8{
	opDivK: opSDivK, opDivX: opSDivX, opDiv32K: opSDiv32K, opDiv32X: opSDiv32X,
	opModK: opSModK, opModX: opSModX, opMod32K: opSMod32K, opMod32X: opSMod32X,
}

func decodeALU(out *inst, in bpf.Instruction) {
	if in.Code() == bpf.OpEnd {
		decodeByteOrder(out, in)
		return
	}
	column := 0
	if in.UsesSourceRegister() {
		column = 1
	}
	narrow := in.Class() == bpf.ClassALU
	if narrow {
		column += 2
		out.imm = uint64(uint32(in.Imm))
	}
	out.op = aluOps[in.Code()][column]
	immediate := !in.UsesSourceRegister() && in.Code() != bpf.OpNeg
	width := uint64(63)
	if narrow {
		width = 31
	}
	switch in.Code() {
	case bpf.OpSub:
		if immediate {
			out.imm = -out.imm
		}
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		out.imm &= width
	case bpf.OpDiv, bpf.OpMod:
		if immediate && in.Imm == 0 {
			divideByZero(out, in.Code(), narrow)
			return
		}
		if in.Off == 1 {
			out.op = signedOps[out.op]
		}
	case bpf.OpMov:
		decodeMove(out, in, narrow)
	}
}

// divideByZero resolves division by the constant zero: the quotient is 0, the
// remainder what was there.
func divideByZero(out *inst, code uint8, narrow bool) {
	switch {
	case code == bpf.OpDiv:
		out.op, out.imm = opMovK, 0
	case narrow:
		out.op, out.src = opMov32X, out.dst
	default:
		out.op = opNop
	}
}

// decodeMove picks the sign-extending moves by their offset. An address space
// cast (offset 1) moves all 64 bits: there is one address space here.
func decodeMove(out *inst, in bpf.Instruction, narrow bool) {
	if !in.UsesSourceRegister() {
		return
	}
	switch in.Off {
	case 8:
		out.op = opMovSX8
		if narrow {
			out.op = opMov32SX8
		}
	case 16:
		out.op = opMovSX16
		if narrow {
			out.op = opMov32SX16
		}
	case 32:
		out.op = opMovSX32
	}
}

func decodeByteOrder(out *inst, in bpf.Instruction) {
	if in.Class() == bpf.ClassALU64 || in.UsesSourceRegister() {
		switch in.Imm {
		case 16:
			out.op = opSwap16
		case 32:
			out.op = opSwap32
		default:
			out.op = opSwap64
		}
		return
	}
	switch in.Imm { // the machine is little-endian: only the width matters
	case 16:
		out.op, out.imm = opAndK, 0xffff
	case 32:
		out.op, out.imm = opAndK, 0xffffffff
	default:
		out.op = opNop
	}
}

// jumpOps gives the 64-bit operation with an immediate of each conditional
// jump; the others follow it: register, and the same for 32 bits.
var jumpOps = [256]uint8{
	bpf.OpJEQ: opJeqK, bpf.OpJNE: opJneK, bpf.OpJGT: opJgtK, bpf.OpJGE: opJgeK, bpf.OpJLT: opJltK, bpf.OpJLE: opJleK,
	bpf.OpJSET: opJsetK, bpf.OpJSGT: opJsgtK, bpf.OpJSGE: opJsgeK, bpf.OpJSLT: opJsltK, bpf.OpJSLE: opJsleK,
}

func (c *code) decodeJump(out *inst, in bpf.Instruction, pc int) error {
	switch in.Op {
	case bpf.OpcodeExit:
		out.op = opExit
		return nil
	case bpf.OpcodeCallX:
		return fmt.Errorf("callx, a call through a register, which Linux refuses: %w", ErrInvalid)
	case bpf.OpcodeCall:
		return c.decodeCall(out, in, pc)
	}
	out.off = int32(in.JumpOffset())
	if !c.inside(pc, in.JumpOffset()) {
		return fmt.Errorf("jump to insn %d, outside the program: %w", pc+1+in.JumpOffset(), ErrInvalid)
	}
	switch in.Code() {
	case bpf.OpJA:
		out.op = opJmp
	case bpf.OpJCond:
		out.op = opMayGoto
	default:
		out.op = jumpOps[in.Code()]
		if in.UsesSourceRegister() {
			out.op++
		}
		if in.Class() == bpf.ClassJMP32 {
			out.op += opJeq32K - opJeqK
		}
	}
	return nil
}

// inside reports whether a jump from pc lands on one of the program's slots.
func (c *code) inside(pc, distance int) bool {
	target := pc + 1 + distance
	return target >= 0 && target < c.slots
}

func (c *code) decodeCall(out *inst, in bpf.Instruction, pc int) error {
	switch in.Src {
	case bpf.CallHelper:
		i, ok := helperIndex[linux.HelperID(in.Imm)]
		if !ok && in.Imm == bpf.COREPoison {
			return c.poisoned(pc)
		}
		if !ok {
			return unknownHelper(linux.HelperID(in.Imm))
		}
		out.op, out.imm = opCallHelper, uint64(i)
	case bpf.CallLocal:
		if !c.inside(pc, int(in.Imm)) {
			return fmt.Errorf("call of insn %d, outside the program: %w", pc+1+int(in.Imm), ErrInvalid)
		}
		out.op, out.off = opCallLocal, in.Imm
	default:
		return c.decodeKfunc(out, in, pc)
	}
	return nil
}

// decodeKfunc finds a kernel function by the name that the object has for it.
func (c *code) decodeKfunc(out *inst, in bpf.Instruction, pc int) error {
	extern := c.prog.ExternAt(pc)
	if extern == nil {
		return &NotEmulatedError{What: fmt.Sprintf("the kernel function with BTF id %d", in.Imm)}
	}
	i, ok := kfuncIndex[extern.Name]
	if !ok {
		return &NotEmulatedError{What: "kernel function " + extern.Name}
	}
	out.op, out.imm = opCallHelper, uint64(i)
	return nil
}

// poisoned is the fault of an instruction whose CO-RE relocation found nothing.
func (c *code) poisoned(pc int) error {
	for _, r := range c.prog.CORE {
		if r.Result == bpf.COREPoisoned && (r.PC == pc || r.PC+1 == pc) {
			return fmt.Errorf("the kernel that the program was resolved against has no %s%s (%s): %w", r.Root, r.Access, r.Why, ErrInvalid)
		}
	}
	return fmt.Errorf("an instruction whose CO-RE relocation found nothing: %w", ErrInvalid)
}

func unknownHelper(id linux.HelperID) error {
	if h, ok := linux.HelperByID(id); ok {
		return &NotEmulatedError{Helper: id, What: "helper " + h.Name}
	}
	return fmt.Errorf("call of helper %d, which Linux does not have: %w", id, ErrInvalid)
}

func (c *code) decodeLD(out *inst, in bpf.Instruction, pc int, insns []bpf.Instruction, maps []*Map) error {
	switch in.Mode() {
	case bpf.ModeABS, bpf.ModeIND:
		out.op, out.aux = opPacketAbs, uint8(in.Size())
		if in.Mode() == bpf.ModeIND {
			out.op = opPacketInd
		}
		return nil
	}
	if in.Dst == bpf.R10 {
		return fmt.Errorf("write to the frame pointer r10: %w", ErrInvalid)
	}
	if pc+1 >= len(insns) || insns[pc+1] != (bpf.Instruction{Imm: insns[pc+1].Imm}) {
		return fmt.Errorf("64-bit immediate load without its second slot: %w", ErrInvalid)
	}
	next := insns[pc+1]
	out.op, out.imm = opMovLong, bpf.Imm64(in, next)
	switch in.Src {
	case 0:
	case bpf.PseudoMapIdx, bpf.PseudoMapIdxValue:
		if uint32(in.Imm) >= uint32(len(maps)) {
			return fmt.Errorf("map %d of %d: %w", in.Imm, len(maps), ErrInvalid)
		}
		m := maps[in.Imm]
		if err := m.Err(); err != nil {
			return err
		}
		if in.Src == bpf.PseudoMapIdx {
			out.imm = mapHandle(int(in.Imm))
			return nil
		}
		base, err := m.directValue()
		if err != nil {
			return err
		}
		out.imm = base + uint64(uint32(next.Imm))
	case bpf.PseudoFunc:
		if !c.inside(pc, int(in.Imm)) {
			return fmt.Errorf("address of insn %d, outside the program: %w", pc+1+int(in.Imm), ErrInvalid)
		}
		out.imm = codeHandle(pc + 1 + int(in.Imm))
	case bpf.PseudoBTFID:
		return &NotEmulatedError{What: fmt.Sprintf("the kernel variable with BTF id %d", in.Imm)}
	default:
		return fmt.Errorf("map by file descriptor %d, which means nothing outside the kernel: %w", in.Imm, ErrInvalid)
	}
	return nil
}

func decodeLoad(out *inst, in bpf.Instruction) {
	switch in.Op {
	case bpf.ClassLDX | bpf.ModeMEM | bpf.SizeB:
		out.op = opLoad8
	case bpf.ClassLDX | bpf.ModeMEM | bpf.SizeH:
		out.op = opLoad16
	case bpf.ClassLDX | bpf.ModeMEM | bpf.SizeW:
		out.op = opLoad32
	case bpf.ClassLDX | bpf.ModeMEM | bpf.SizeDW:
		out.op = opLoad64
	case bpf.ClassLDX | bpf.ModeMEMSX | bpf.SizeB:
		out.op = opLoadSX8
	case bpf.ClassLDX | bpf.ModeMEMSX | bpf.SizeH:
		out.op = opLoadSX16
	case bpf.ClassLDX | bpf.ModeMEMSX | bpf.SizeW:
		out.op = opLoadSX32
	}
}

// atomicResult is the register that an atomic instruction writes; r0 also when
// it writes none.
func atomicResult(in bpf.Instruction) bpf.Register {
	switch {
	case in.Imm == bpf.AtomicLoadAcq:
		return in.Dst
	case in.Imm&bpf.AtomicFetch != 0 && in.Imm != bpf.AtomicCmpXchg:
		return in.Src
	}
	return bpf.R0
}

func decodeStore(out *inst, in bpf.Instruction) {
	if in.Mode() == bpf.ModeATOMIC {
		out.op, out.aux = opAtomic, uint8(in.Size())
		return
	}
	switch in.Size() {
	case 1:
		out.op = opStore8
	case 2:
		out.op = opStore16
	case 4:
		out.op = opStore32
	case 8:
		out.op = opStore64
	}
	if in.Class() == bpf.ClassST {
		out.op += opStoreK8 - opStore8
	}
}
