package bpf

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// ISA is a version of the instruction set, as compilers number them (-mcpu).
type ISA uint8

// The versions. What RFC 9669 has without a version is V1.
const (
	V1 ISA = iota + 1 // the first instruction set
	V2                // adds jumps on less-than
	V3                // adds 32-bit jumps and fetching atomics
	V4                // adds sign extension, signed division, gotol, byte swaps, load_acquire and store_release
)

// String gives "v3".
func (v ISA) String() string { return "v" + strconv.Itoa(int(v)) }

// Group is a conformance group of RFC 9669 section 2.4, or who else defines
// the instruction.
type Group string

// The groups.
const (
	Base32   Group = "base32"
	Base64   Group = "base64"
	Atomic32 Group = "atomic32"
	Atomic64 Group = "atomic64"
	DivMul32 Group = "divmul32"
	DivMul64 Group = "divmul64"
	Packet   Group = "packet" // legacy packet access
	Linux    Group = "linux"  // added by Linux after the RFC
	LLVM     Group = "llvm"   // LLVM emits it, Linux refuses it
)

// Operand says which field of the instruction a place in a form's syntax is,
// and how it is written.
type Operand uint8

// The operands, with the letter that stands for each in Form.Syntax.
const (
	NoOperand   Operand = 0
	OperandDst  Operand = 'd' // destination register, 64 bits: r1
	OperandDstW Operand = 'D' // destination register, 32 bits: w1
	OperandSrc  Operand = 's' // source register, 64 bits
	OperandSrcW Operand = 'S' // source register, 32 bits
	OperandImm  Operand = 'i' // signed 32-bit immediate
	OperandLong Operand = 'l' // 64-bit immediate, over both slots
	OperandOff  Operand = 'o' // memory offset with its sign: + 8
	OperandDisp Operand = 'p' // immediate as a displacement with its sign: + 8
	OperandJump Operand = 'j' // jump target in the offset: +3 or a label
	OperandFar  Operand = 'J' // jump target in the immediate
	OperandFunc Operand = 'f' // function of this program, pc-relative in the immediate
	OperandCall Operand = 'c' // helper id in the immediate
	OperandMod  Operand = 'm' // offset as a plain number: kernel module of a kfunc
	OperandTo   Operand = 'a' // high half of the immediate: address space
	OperandFrom Operand = 'b' // low half of the immediate: address space
)

// Fields of an instruction that a form's syntax may name.
const (
	fieldDst = 1 << iota
	fieldSrc
	fieldOff
	fieldImm
)

func (o Operand) field() uint8 {
	switch o {
	case OperandDst, OperandDstW:
		return fieldDst
	case OperandSrc, OperandSrcW:
		return fieldSrc
	case OperandOff, OperandJump, OperandMod:
		return fieldOff
	case OperandImm, OperandLong, OperandDisp, OperandFar, OperandFunc, OperandCall, OperandTo, OperandFrom:
		return fieldImm
	}
	return 0
}

// Form is one row of the instruction set: how instructions of one shape are
// written and encoded. Fields that the syntax does not name have the fixed
// values given here, and an instruction where they differ is not of this form.
type Form struct {
	// Syntax is the instruction in LLVM's assembly, operands as % and the
	// letter of an Operand constant.
	Syntax string
	Op     uint8
	Src    Register
	Off    int16
	Imm    int32
	Since  ISA
	Group  Group
	// Alias forms are read but never printed: an earlier row prints the same
	// instructions.
	Alias bool

	parts []Part
	free  uint8 // fields the syntax names
}

// Part is a piece of a form's syntax: an operand, or text when Operand is
// NoOperand.
type Part struct {
	Operand Operand
	Text    string
}

// Parts is the form's syntax taken apart. Not to be modified.
func (f *Form) Parts() []Part { return f.parts }

// Slots is how many slots an instruction of this form takes: 2 for 64-bit
// immediate loads, else 1.
func (f *Form) Slots() int {
	if f.Op == OpcodeLoadImm64 {
		return 2
	}
	return 1
}

// Forms returns the whole table. Not to be modified.
func Forms() []Form { return forms }

// formsByOp indexes the table by opcode, in the table's order.
var formsByOp = func() (index [256][]*Form) {
	for i := range forms {
		f := &forms[i]
		f.parts = parseSyntax(f.Syntax)
		for _, p := range f.parts {
			f.free |= p.Operand.field()
		}
		index[f.Op] = append(index[f.Op], f)
	}
	return index
}()

func parseSyntax(s string) []Part {
	var parts []Part
	text := 0 // where the text not yet taken begins
	for i := 0; i+1 < len(s); i++ {
		// Else a percent sign of its own: the modulo operator.
		if o := Operand(s[i+1]); s[i] == '%' && o.field() != 0 {
			if text < i {
				parts = append(parts, Part{Text: s[text:i]})
			}
			parts = append(parts, Part{Operand: o})
			i++
			text = i + 1
		}
	}
	if text < len(s) {
		parts = append(parts, Part{Text: s[text:]})
	}
	return parts
}

// Form finds the form of the instruction: nil when no instruction of the set
// has these bits. For a 64-bit immediate load it looks at the first slot only.
func (in Instruction) Form() *Form {
	for _, f := range formsByOp[in.Op] {
		if f.matches(in) {
			return f
		}
	}
	return nil
}

// matches assumes that the opcode is the form's.
func (f *Form) matches(in Instruction) bool {
	if in.Dst > R10 && f.free&fieldDst != 0 || in.Src > R10 && f.free&fieldSrc != 0 {
		return false
	}
	return (f.free&fieldDst != 0 || in.Dst == 0) &&
		(f.free&fieldSrc != 0 || in.Src == f.Src) &&
		(f.free&fieldOff != 0 || in.Off == f.Off) &&
		(f.free&fieldImm != 0 || in.Imm == f.Imm)
}

// Format writes the instruction as the form has it. next is the second slot of
// a 64-bit immediate load and otherwise ignored. name may give another text
// for an operand, a label for a jump target say; it returns "" to leave it be,
// and may be nil.
func (f *Form) Format(in, next Instruction, name func(Operand) string) string {
	var b strings.Builder
	for _, p := range f.parts {
		if p.Operand == NoOperand {
			b.WriteString(p.Text)
			continue
		}
		if name != nil {
			if s := name(p.Operand); s != "" {
				b.WriteString(s)
				continue
			}
		}
		b.WriteString(formatOperand(p.Operand, in, next))
	}
	return b.String()
}

func formatOperand(o Operand, in, next Instruction) string {
	switch o {
	case OperandDst:
		return in.Dst.String()
	case OperandDstW:
		return "w" + strconv.Itoa(int(in.Dst))
	case OperandSrc:
		return in.Src.String()
	case OperandSrcW:
		return "w" + strconv.Itoa(int(in.Src))
	case OperandLong:
		return strconv.FormatInt(int64(Imm64(in, next)), 10)
	case OperandOff:
		return signed(int64(in.Off), " ")
	case OperandDisp:
		return signed(int64(in.Imm), " ")
	case OperandJump:
		return signed(int64(in.Off), "")
	case OperandFar, OperandFunc:
		return signed(int64(in.Imm), "")
	case OperandMod:
		return strconv.Itoa(int(in.Off))
	case OperandTo:
		return strconv.Itoa(int(uint32(in.Imm) >> 16))
	case OperandFrom:
		return strconv.Itoa(int(uint32(in.Imm) & 0xffff))
	}
	return strconv.Itoa(int(in.Imm))
}

// signed writes v with its sign, plus included, and gap between the two.
func signed(v int64, gap string) string {
	if v < 0 {
		return "-" + gap + strconv.FormatInt(-v, 10)
	}
	return "+" + gap + strconv.FormatInt(v, 10)
}

// String writes the instruction in LLVM's assembly, numbers in decimal. What
// is no instruction comes out as a .byte directive with the eight bytes in
// little-endian order, so that the listing of any program assembles. The
// second slot of a 64-bit immediate load is not known here and taken as the
// sign of the first: [Disassemble] looks at both.
func (in Instruction) String() string {
	return format(in, Instruction{Imm: in.Imm >> 31})
}

// Disassemble writes the instruction at insns[pc] and says how many slots it
// takes. It never fails: see [Instruction.String].
func Disassemble(insns []Instruction, pc int) (text string, slots int) {
	in := insns[pc]
	if !in.IsLoadImm64() {
		return in.String(), 1
	}
	if pc+1 < len(insns) && insns[pc+1].isSecondSlot() && in.Form() != nil {
		return format(in, insns[pc+1]), 2
	}
	return in.bytes(), 1
}

// isSecondSlot reports whether only the immediate is set, as the second slot
// of a 64-bit immediate load must have it.
func (in Instruction) isSecondSlot() bool { return in == Instruction{Imm: in.Imm} }

func format(in, next Instruction) string {
	if f := in.Form(); f != nil {
		return f.Format(in, next, nil)
	}
	return in.bytes()
}

// bytes writes what is no instruction as a directive, registers in the order
// of a little-endian machine.
func (in Instruction) bytes() string {
	var b [InstructionSize]byte
	in.Put(b[:], binary.LittleEndian)
	out := []byte(".byte ")
	for i, c := range b {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, "0x"...)
		out = append(out, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&0xf])
	}
	return string(out)
}
