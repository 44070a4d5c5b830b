package bpf

// An opcode byte is class | the class's own fields (RFC 9669 section 3).
//
// The low three bits are the class.
const (
	ClassLD    = 0x00 // 64-bit immediate loads and legacy packet loads
	ClassLDX   = 0x01 // loads into a register
	ClassST    = 0x02 // stores of an immediate
	ClassSTX   = 0x03 // stores of a register, atomics
	ClassALU   = 0x04 // 32-bit arithmetic
	ClassJMP   = 0x05 // jumps comparing 64 bits, calls, exit
	ClassJMP32 = 0x06 // jumps comparing 32 bits
	ClassALU64 = 0x07 // 64-bit arithmetic

	classMask = 0x07
)

// For ALU and JMP classes, bit 3 is the source of the second operand.
const (
	SourceK = 0x00 // the immediate, sign-extended
	SourceX = 0x08 // the source register

	sourceMask = 0x08
)

// Operation codes of ClassALU and ClassALU64 (high four bits).
const (
	OpAdd  = 0x00
	OpSub  = 0x10
	OpMul  = 0x20
	OpDiv  = 0x30 // signed when the offset is 1
	OpOr   = 0x40
	OpAnd  = 0x50
	OpLsh  = 0x60
	OpRsh  = 0x70
	OpNeg  = 0x80
	OpMod  = 0x90 // signed when the offset is 1
	OpXor  = 0xa0
	OpMov  = 0xb0 // sign-extending when the offset is 8, 16 or 32
	OpArsh = 0xc0
	OpEnd  = 0xd0

	codeMask = 0xf0
)

// Operation codes of ClassJMP and ClassJMP32 (high four bits).
const (
	OpJA    = 0x00
	OpJEQ   = 0x10
	OpJGT   = 0x20
	OpJGE   = 0x30
	OpJSET  = 0x40
	OpJNE   = 0x50
	OpJSGT  = 0x60
	OpJSGE  = 0x70
	OpCall  = 0x80
	OpExit  = 0x90
	OpJLT   = 0xa0
	OpJLE   = 0xb0
	OpJSLT  = 0xc0
	OpJSLE  = 0xd0
	OpJCond = 0xe0 // may_goto
)

// Sizes of loads and stores (bits 3 and 4).
const (
	SizeW  = 0x00 // 4 bytes
	SizeH  = 0x08 // 2 bytes
	SizeB  = 0x10 // 1 byte
	SizeDW = 0x18 // 8 bytes

	sizeMask = 0x18
)

// Modes of loads and stores (high three bits).
const (
	ModeIMM    = 0x00 // 64-bit immediate
	ModeABS    = 0x20 // legacy packet load at an absolute offset
	ModeIND    = 0x40 // legacy packet load at a register's offset
	ModeMEM    = 0x60 // plain memory
	ModeMEMSX  = 0x80 // sign-extending load
	ModeATOMIC = 0xc0 // atomic operation, chosen by the immediate

	modeMask = 0xe0
)

// Immediates of ModeATOMIC.
const (
	AtomicAdd      = 0x00
	AtomicOr       = 0x40
	AtomicAnd      = 0x50
	AtomicXor      = 0xa0
	AtomicFetch    = 0x01 // flag: the old value comes back in the source register
	AtomicXchg     = 0xe1
	AtomicCmpXchg  = 0xf1
	AtomicLoadAcq  = 0x100 // Linux: load with acquire ordering
	AtomicStoreRel = 0x110 // Linux: store with release ordering
)

// Whole opcodes that are asked for often.
const (
	OpcodeLoadImm64 = ClassLD | ModeIMM | SizeDW // 0x18, two slots
	OpcodeCall      = ClassJMP | OpCall          // 0x85
	OpcodeCallX     = ClassJMP | OpCall | SourceX
	OpcodeExit      = ClassJMP | OpExit  // 0x95
	OpcodeJA        = ClassJMP | OpJA    // 0x05, target in the offset
	OpcodeJA32      = ClassJMP32 | OpJA  // 0x06, target in the immediate
	OpcodeMayGoto   = ClassJMP | OpJCond // 0xe5
)

// Source register values of OpcodeLoadImm64 say what the immediates are (RFC
// 9669 section 5.4). Map indexes count the maps of the object that the
// program belongs to; they are what [Program] holds after linking.
const (
	PseudoMapFD       = 1 // imm: file descriptor of a map
	PseudoMapValue    = 2 // imm: file descriptor of a map, next imm: offset into its value
	PseudoBTFID       = 3 // imm: BTF id of a kernel variable, next imm: BTF object fd
	PseudoFunc        = 4 // imm: pc-relative offset of a function
	PseudoMapIdx      = 5 // imm: index of a map
	PseudoMapIdxValue = 6 // imm: index of a map, next imm: offset into its value
)

// Source register values of OpcodeCall.
const (
	CallHelper = 0 // imm: helper id
	CallLocal  = 1 // imm: pc-relative offset of a function of this program
	CallKfunc  = 2 // imm: BTF id of a kernel function, offset: index of its BTF object's fd
)

// StackSize is the stack a frame may use, in bytes below r10 (RFC 9669
// section 2, Linux MAX_BPF_STACK).
const StackSize = 512

// MaxCallDepth is how many frames may be live at once, the entry function's
// included (Linux MAX_CALL_FRAMES).
const MaxCallDepth = 8
