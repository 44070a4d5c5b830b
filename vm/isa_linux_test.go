package vm

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// The forms of the instruction set, run by the kernel on operands that its
// verifier does not know: what it computes is what vm and package bpf must.

const (
	formCases  = 150 // of each form
	operandLen = 24  // two operands and what r0 or memory holds
)

// oneForm fills a program with cases of one form. Map 0 has the results, map 1
// the operands.
func oneForm(rng *rand.Rand, f *bpf.Form) []bpf.Instruction {
	prog := join(valueAt(r8, 0, 0), valueAt(r9, 1, 0))
	for i := range formCases {
		at := i * operandLen
		in := bpf.Instruction{Op: f.Op, Dst: r6, Off: f.Off, Imm: f.Imm}
		prog = join(prog, load(8, r6, r9, at), load(8, r7, r9, at+8), load(8, r0, r9, at+16))
		switch {
		case in.IsALU():
			if in.UsesSourceRegister() && in.Code() != bpf.OpEnd {
				in.Src = r7
			} else if in.Code() != bpf.OpEnd && in.Code() != bpf.OpNeg {
				in.Imm = immediate(rng, in)
			}
			prog = join(prog, in)
		case in.IsConditional():
			in.Off = 2
			if in.UsesSourceRegister() {
				in.Src = r7
			} else {
				in.Imm = int32(pick(rng))
			}
			prog = join(prog, in, set(r6, 0), jump(1), set(r6, 1))
		case in.Mode() == bpf.ModeATOMIC && in.Imm == bpf.AtomicLoadAcq:
			in.Src, in.Off = r9, int16(at)
			prog = join(prog, in)
		case in.Mode() == bpf.ModeATOMIC:
			in.Dst, in.Src, in.Off = r8, r7, int16(at)
			prog = join(prog, store(8, r8, at, r6), in, load(8, r6, r8, at))
		case in.Class() == bpf.ClassLDX:
			in.Src, in.Off = r9, int16(at+rng.IntN(16))
			prog = join(prog, in)
		default: // stores
			in.Dst, in.Src, in.Off = r8, r7, int16(at+rng.IntN(16))
			if in.Class() == bpf.ClassST {
				in.Src, in.Imm = 0, int32(pick(rng))
			}
			prog = join(prog, storeK(8, r8, at, 0), storeK(8, r8, at+8, 0), storeK(8, r8, at+16, 0), in, load(8, r6, r8, at), load(8, r7, r8, at+8))
		}
		prog = join(prog, store(8, r8, at, r6), store(8, r8, at+8, r7), store(8, r8, at+16, r0))
	}
	return join(prog, set(r0, linux.XDPPass), exit)
}

// immediate picks one that the kernel lets pass.
func immediate(rng *rand.Rand, in bpf.Instruction) int32 {
	imm := int32(pick(rng))
	switch in.Code() {
	case bpf.OpDiv, bpf.OpMod:
		if imm == 0 {
			return -1
		}
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		if in.Class() == bpf.ClassALU {
			return imm & 31
		}
		return imm & 63
	}
	return imm
}

func TestKernelForms(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	operands := results(formCases * operandLen)
	operands.Name = "operands"
	b := newBoth(t, results(formCases*operandLen), operands)
	packet := bytesUpTo(14)
	count := 0
	for i := range bpf.Forms() {
		f := &bpf.Forms()[i]
		in := bpf.Instruction{Op: f.Op, Imm: f.Imm}
		memory := in.Class() == bpf.ClassLDX || in.Class() == bpf.ClassST || in.Class() == bpf.ClassSTX
		if f.Alias || !in.IsALU() && !in.IsConditional() && !memory {
			continue
		}
		values := make([]byte, 0, formCases*operandLen)
		for range formCases * operandLen / 8 {
			values = binary.LittleEndian.AppendUint64(values, pick(rng))
		}
		if in.Imm == bpf.AtomicCmpXchg && memory {
			for at := 0; at < len(values); at += 2 * operandLen { // half of them compare equal
				copy(values[at+16:at+24], values[at:at+8])
				if rng.IntN(2) == 0 {
					values[at+23]++ // but in the upper half
				}
			}
		}
		b.update(1, word(0), values, linux.Any)
		if !b.run(oneForm(rng, f), packet) {
			continue
		}
		count++
		if in.IsALU() || in.IsConditional() {
			checkMeaning(t, b, f, values)
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d forms, %d cases of each", count, formCases)
}

// checkMeaning holds what the kernel left in the results to package bpf.
func checkMeaning(t *testing.T, b *both, f *bpf.Form, values []byte) {
	t.Helper()
	out, err := b.kernel.Lookup(0, word(0), 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, in := range b.machine.programs[0].prog.Instructions {
		if in.Op != f.Op || in.Off != f.Off && in.IsALU() || in.Dst != r6 || in.IsLoadImm64() {
			continue
		}
		if n == formCases {
			break
		}
		dst := binary.LittleEndian.Uint64(values[n*operandLen:])
		src := binary.LittleEndian.Uint64(values[n*operandLen+8:])
		got := binary.LittleEndian.Uint64(out[n*operandLen:])
		var want uint64
		if in.IsALU() {
			want = bpf.ALU(in, dst, src)
		} else if bpf.Condition(in, dst, src) {
			want = 1
		}
		if got != want {
			t.Fatalf("%s with %#x and %#x: the kernel says %#x, package bpf %#x", in, dst, src, got, want)
		}
		n++
	}
	if n < formCases {
		t.Errorf("%s: %d cases", f.Syntax, n)
	}
}

// TestKernelControl compares calls between functions, loops and far jumps.
func TestKernelControl(t *testing.T) {
	far := bpf.Instruction{Op: bpf.OpcodeJA32}
	cases := map[string][]bpf.Instruction{
		"callee-saved registers survive a call": join(
			set(r6, 6), set(r7, 7), set(r8, 8), set(r9, 9), set(r1, 1), storeK(8, fp, -8, 5),
			callLocal(7),
			aluX(bpf.OpAdd, r0, r6), aluX(bpf.OpAdd, r0, r7), aluX(bpf.OpAdd, r0, r8), aluX(bpf.OpAdd, r0, r9),
			load(8, r1, fp, -8), aluX(bpf.OpAdd, r0, r1),
			exit,
			set(r6, 60), set(r7, 70), set(r8, 80), set(r9, 90), storeK(8, fp, -8, 50), set(r0, 1000), exit,
		),
		"arguments and a pointer into the caller's frame": join(
			storeK(8, fp, -16, 11), move(r1, fp), add(r1, -16), set(r2, 2), set(r3, 3), set(r4, 4), set(r5, 5),
			callLocal(3),
			load(8, r1, fp, -16), aluX(bpf.OpAdd, r0, r1), exit,
			load(8, r0, r1, 0), store(8, r1, 0, r5),
			aluX(bpf.OpMul, r0, r2), aluX(bpf.OpAdd, r0, r3), aluX(bpf.OpMul, r0, r4), exit,
		),
		"eight frames": eightFrames(),
		"a counted loop": join(
			set(r0, 0), set(r1, 0),
			aluX(bpf.OpAdd, r0, r1), add(r1, 1), jumpIf(bpf.OpJLT, r1, 100, -3), exit,
		),
		"a loop that may_goto would end, but ends by itself": join(
			set(r0, 0),
			mayGoto(3), add(r0, 3), jumpIf(bpf.OpJGT, r0, 1000, 1), jump(-4), exit,
		),
		"gotol there and back": join(
			set(r0, 0), withImm(far, 2), add(r0, 1), exit, add(r0, 2), withImm(far, -4),
		),
	}
	for name, prog := range cases {
		b := newBoth(t)
		if !b.run(prog, bytesUpTo(14)) {
			t.Errorf("%s: the kernel refused it", name)
		}
	}
}

func withImm(in bpf.Instruction, imm int32) bpf.Instruction {
	in.Imm = imm
	return in
}

// eightFrames is a chain of as many functions as may be called, each of which
// adds to what the next returned.
func eightFrames() []bpf.Instruction {
	var prog []bpf.Instruction
	for i := range bpf.MaxCallDepth {
		if i == bpf.MaxCallDepth-1 {
			return join(prog, set(r0, 1), exit)
		}
		prog = join(prog, set(r6, int32(i+1)), callLocal(3), alu(bpf.OpMul, r0, 3), aluX(bpf.OpAdd, r0, r6), exit)
	}
	return prog
}
