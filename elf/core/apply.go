package core

import (
	"errors"
	"fmt"
	"math"

	"ebtools/bpf"
)

// ErrInstruction is wrapped by the errors about instructions that are not what
// their relocation says, or have no room for what it comes to.
var ErrInstruction = errors.New("instruction can't be relocated")

// Apply puts the kernel's value into the instruction at pc: into the immediate of
// an arithmetic instruction or a 64-bit load, or the offset of a load or store,
// which also takes the size of the field on the kernel. If that can't be, it
// poisons the instruction, both slots of a 64-bit load, and sets Poison and Why:
// an access of another size than the field's is found only here.
//
// The error wraps ErrInstruction when the instruction is of no such form, has not
// the local value, or no room for the kernel's. Nothing is changed then.
func (r *Result) Apply(insns []bpf.Instruction, pc int) error {
	if pc < 0 || pc >= len(insns) {
		return fmt.Errorf("%w: instruction %d of %d", ErrInstruction, pc, len(insns))
	}
	if !r.hasTarget && !r.Poison {
		return fmt.Errorf("%w: not resolved", ErrRelocation)
	}
	in := &insns[pc]
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		if in.UsesSourceRegister() {
			return fmt.Errorf("%w: %v has no immediate to relocate", ErrInstruction, *in)
		}
		if r.Poison {
			*in = poison
			return nil
		}
		if err := r.expect(*in, uint64(int64(in.Imm))); err != nil {
			return err
		}
		in.Imm = int32(uint32(r.Target))
	case bpf.ClassLDX, bpf.ClassST, bpf.ClassSTX:
		return r.applyMemory(in)
	case bpf.ClassLD:
		if !in.IsLoadImm64() || pc+1 >= len(insns) {
			return fmt.Errorf("%w: %v is no 64-bit immediate load", ErrInstruction, *in)
		}
		second := &insns[pc+1]
		if in.Src != 0 || in.Off != 0 || *second != (bpf.Instruction{Imm: second.Imm}) {
			return fmt.Errorf("%w: %v loads no plain number", ErrInstruction, *in)
		}
		if r.Poison {
			*in, *second = poison, poison
			return nil
		}
		if err := r.expect(*in, bpf.Imm64(*in, *second)); err != nil {
			return err
		}
		in.Imm, second.Imm = int32(uint32(r.Target)), int32(uint32(r.Target>>32))
	default:
		return fmt.Errorf("%w: %v has no immediate or offset to relocate", ErrInstruction, *in)
	}
	return nil
}

var poison = bpf.Instruction{Op: bpf.OpcodeCall, Imm: bpf.COREPoison}

// expect makes sure that an instruction has the local value, where the compiler
// had no choice.
func (r *Result) expect(in bpf.Instruction, n uint64) error {
	if r.sure && n != r.Local {
		return fmt.Errorf("%w: %v has %d, but by the object's own types %s is %d", ErrInstruction, in, int64(n), r.kind, int64(r.Local))
	}
	return nil
}

// applyMemory relocates a load or a store.
func (r *Result) applyMemory(in *bpf.Instruction) error {
	if r.Poison {
		*in = poison
		return nil
	}
	if err := r.expect(*in, uint64(int64(in.Off))); err != nil {
		return err
	}
	if r.Target > math.MaxInt16 {
		return fmt.Errorf("%w: %v: offset %d does not fit 16 bits", ErrInstruction, *in, r.Target)
	}
	if r.misfit != "" {
		r.Poison, r.Why = true, r.misfit
		*in = poison
		return nil
	}
	op := in.Op
	if r.from != r.to {
		if in.Size() != int(r.from) {
			return fmt.Errorf("%w: %v moves %d bytes, and the field has %d", ErrInstruction, *in, in.Size(), r.from)
		}
		size, ok := map[uint32]uint8{1: bpf.SizeB, 2: bpf.SizeH, 4: bpf.SizeW, 8: bpf.SizeDW}[r.to]
		if !ok {
			return fmt.Errorf("%w: %v: the field has %d bytes there, which no load or store moves", ErrInstruction, *in, r.to)
		}
		op = in.Mode() | size | in.Class()
	}
	in.Op, in.Off = op, int16(r.Target)
	return nil
}
