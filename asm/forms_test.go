package asm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// sample makes a random instruction of a form, both slots for a 64-bit
// immediate load.
func sample(r *rand.Rand, f *bpf.Form) []bpf.Instruction {
	in := bpf.Instruction{Op: f.Op, Src: f.Src, Off: f.Off, Imm: f.Imm}
	second := bpf.Instruction{}
	for _, p := range f.Parts() {
		switch p.Operand {
		case bpf.OperandDst, bpf.OperandDstW:
			in.Dst = bpf.Register(r.IntN(11))
		case bpf.OperandSrc, bpf.OperandSrcW:
			in.Src = bpf.Register(r.IntN(11))
		case bpf.OperandImm, bpf.OperandDisp, bpf.OperandFar, bpf.OperandFunc, bpf.OperandCall, bpf.OperandTo:
			in.Imm = int32(edge(r))
		case bpf.OperandLong:
			in.Imm, second.Imm = int32(edge(r)), int32(edge(r))
		case bpf.OperandOff, bpf.OperandJump, bpf.OperandMod:
			in.Off = int16(edge(r))
		}
	}
	if f.Slots() == 2 {
		return []bpf.Instruction{in, second}
	}
	return []bpf.Instruction{in}
}

// edge gives numbers at the edges of ranges more often than others.
func edge(r *rand.Rand) int64 {
	if r.IntN(2) == 0 {
		return r.Int64()
	}
	return []int64{0, 1, -1, 0x7fff, -0x8000, 0x7fffffff, -0x80000000}[r.IntN(7)]
}

// written is an instruction beside its text.
type written struct {
	form  *bpf.Form
	text  string
	insns []bpf.Instruction
}

// samples gives a few instructions of every form, aliases in their own words.
func samples() []written {
	r := rand.New(rand.NewPCG(1, 2))
	var all []written
	forms := bpf.Forms()
	for i := range forms {
		f := &forms[i]
		for range 5 {
			insns := sample(r, f)
			var second bpf.Instruction
			if len(insns) == 2 {
				second = insns[1]
			}
			all = append(all, written{f, f.Format(insns[0], second, nil), insns})
		}
	}
	return all
}

func codeOf(t *testing.T, name, src string, opts Options) []byte {
	t.Helper()
	img, diags := Assemble(name, []byte(src), opts)
	for _, d := range diags {
		if !d.Warn {
			var b bytes.Buffer
			_ = d.Render(&b)
			t.Error(b.String())
		}
	}
	if img == nil {
		t.Fatal("no image")
	}
	return img.Section(".text").Data
}

// TestEveryForm assembles what every form prints, and expects the instruction
// that was printed, in both byte orders.
func TestEveryForm(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, w := range samples() {
			for _, src := range []string{w.text, strings.ReplaceAll(strings.ReplaceAll(w.text, " *)", "*)"), ", ", ",")} {
				got := codeOf(t, "form.s", src, Options{ByteOrder: order, NoDebug: true})
				if want := bpf.Encode(w.insns, order); !bytes.Equal(got, want) {
					t.Errorf("%v: %s: got %x, want %x", order, src, got, want)
				}
			}
			if disassembled, _ := bpf.Disassemble(w.insns, 0); disassembled != w.text {
				got := codeOf(t, "form.s", disassembled, Options{ByteOrder: order, NoDebug: true})
				if want := bpf.Encode(w.insns, order); !bytes.Equal(got, want) {
					t.Errorf("%v: %s is disassembled as %s: got %x, want %x", order, w.text, disassembled, got, want)
				}
			}
		}
	}
}

// unknownToLLVM lists forms that llvm-mc-19 does not read, and why.
var unknownToLLVM = map[string]string{
	"load_acquire": "newer than LLVM 19", "store_release": "newer than LLVM 19",
	"skb[%s %p]": "LLVM has no packet load with a register and a displacement",
	"call pc%f":  "LLVM calls functions by name", "call kfunc": "LLVM calls kfuncs by name",
	"lock *(u32 *)(%d %o) |= %s": "LLVM takes w registers only",
	"lock *(u32 *)(%d %o) &= %s": "LLVM takes w registers only",
	"lock *(u32 *)(%d %o) ^= %s": "LLVM takes w registers only",
	"%d = %S":                    "clang 19 prints it, and llvm-mc 19 does not read it",
}

// TestFormsAgainstLLVM lets llvm-mc-19 assemble every form.
func TestFormsAgainstLLVM(t *testing.T) {
	require.LLVM(t)
	dir := t.TempDir()
	var src strings.Builder
	var want []bpf.Instruction
	compared := map[*bpf.Form]bool{}
next:
	for _, w := range samples() {
		for part := range unknownToLLVM {
			if strings.Contains(w.form.Syntax, part) {
				continue next
			}
		}
		if imm := w.insns[0].Imm; w.form.Op == bpf.OpcodeJA32 && int32(int16(imm)) != imm {
			continue // LLVM reads numbers of 16 bits only behind gotol
		}
		if len(w.insns) == 2 && w.form.Src != 0 && w.insns[1].Imm != 0 {
			continue // LLVM drops the upper half of ld_pseudo's number
		}
		fmt.Fprintln(&src, w.text)
		want = append(want, w.insns...)
		compared[w.form] = true
	}
	in, out := filepath.Join(dir, "forms.s"), filepath.Join(dir, "forms.bin")
	if err := os.WriteFile(in, []byte(src.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for triple, order := range map[string]binary.ByteOrder{"bpfel": binary.LittleEndian, "bpfeb": binary.BigEndian} {
		obj := filepath.Join(dir, "forms.o")
		run(t, "llvm-mc-19", "-triple", triple, "-mcpu=v4", "-filetype=obj", in, "-o", obj)
		run(t, "llvm-objcopy-19", "-O", "binary", "--only-section=.text", obj, out)
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		compareSlots(t, triple, src.String(), got, bpf.Encode(want, order))
	}
	t.Logf("%d of %d forms compared", len(compared), len(bpf.Forms()))
}

func run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// compareSlots reports the first slot that differs.
func compareSlots(t *testing.T, what, src string, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	for i := 0; i+8 <= min(len(got), len(want)); i += 8 {
		if !bytes.Equal(got[i:i+8], want[i:i+8]) {
			t.Fatalf("%s: slot %d: llvm-mc has %x, here it is %x\n%s", what, i/8, got[i:i+8], want[i:i+8], src)
		}
	}
	t.Fatalf("%s: llvm-mc has %d bytes, here it is %d", what, len(got), len(want))
}
