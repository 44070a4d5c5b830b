package bpf

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestEncodeDecode(t *testing.T) {
	in := Instruction{Op: 0x7b, Dst: R10, Src: R3, Off: -8, Imm: 0x01020304}
	tests := []struct {
		order binary.ByteOrder
		bytes []byte
	}{
		{binary.LittleEndian, []byte{0x7b, 0x3a, 0xf8, 0xff, 4, 3, 2, 1}},
		{binary.BigEndian, []byte{0x7b, 0xa3, 0xff, 0xf8, 1, 2, 3, 4}},
	}
	for _, test := range tests {
		if got := Encode([]Instruction{in}, test.order); !slices.Equal(got, test.bytes) {
			t.Errorf("%v: encoded as % x, want % x", test.order, got, test.bytes)
		}
		got, err := Decode(test.bytes, test.order)
		if err != nil || got[0] != in {
			t.Errorf("%v: decoded as %+v, %v", test.order, got, err)
		}
	}
	if _, err := Decode(make([]byte, 12), binary.LittleEndian); !errors.Is(err, ErrPartialInstruction) {
		t.Errorf("12 bytes: %v", err)
	}
}

// TestEveryPatternSurvives: decoding and encoding lose no bit of any slot.
func TestEveryPatternSurvives(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var b [8]byte
	for range 10000 {
		binary.LittleEndian.PutUint64(b[:], rng.Uint64())
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if got := Encode([]Instruction{DecodeOne(b[:], order)}, order); !slices.Equal(got, b[:]) {
				t.Fatalf("% x came back as % x", b, got)
			}
		}
	}
}

func TestForms(t *testing.T) {
	seen := map[string]bool{}
	for i := range forms {
		f := &forms[i]
		if seen[f.Syntax] {
			t.Errorf("%q stands twice", f.Syntax)
		}
		seen[f.Syntax] = true
		if f.Since < V1 || f.Since > V4 || f.Group == "" {
			t.Errorf("%q has no version or group", f.Syntax)
		}
		in := Instruction{Op: f.Op, Src: f.Src, Off: f.Off, Imm: f.Imm}
		if f.free&fieldImm != 0 && f.Op&^sizeMask == ClassLD|ModeIND {
			in.Imm = 1 // without a displacement, the row before prints it
		}
		if f.Op == OpcodeCall && f.free&fieldOff != 0 {
			in.Off = 1 // the same for kernel functions of no module
		}
		switch got := in.Form(); {
		case got == nil:
			t.Errorf("an instruction of form %q is none", f.Syntax)
		case f.Alias && (got == f || got.Alias):
			t.Errorf("nothing but the alias %q prints its instructions", f.Syntax)
		case !f.Alias && got != f:
			t.Errorf("an instruction of form %q is taken for %q", f.Syntax, got.Syntax)
		}
	}
}

// TestReservedFields: a field that a form does not name must have its value.
func TestReservedFields(t *testing.T) {
	for _, in := range []Instruction{
		{Op: 0x07, Src: R1},                       // r0 += 0 with a source register
		{Op: 0x0f, Imm: 1},                        // r0 += r0 with an immediate
		{Op: 0x95, Dst: R1},                       // exit with a register
		{Op: 0x85, Off: 1, Imm: 1},                // helper call with an offset
		{Op: 0x18, Off: 1},                        // 64-bit load with an offset
		{Op: 0xbf, Off: 7},                        // move of 7 bits
		{Op: 0x37, Off: 2, Imm: 1},                // division with offset 2
		{Op: 0xdb, Imm: 0x02},                     // atomic operation that is none
		{Op: 0xdc, Imm: 24},                       // byte swap of 24 bits
		{Op: 0x8f},                                // negation with a source register
		{Op: 0xff},                                // no opcode
		{Op: 0x07, Dst: 11},                       // r11
		{Op: 0x61, Src: 15},                       // r15
		{Op: OpcodeJA32, Off: 3},                  // gotol with an offset
		{Op: OpcodeMayGoto, Src: R1},              // may_goto with a register
		{Op: ClassLDX | ModeMEMSX | SizeDW},       // sign extension of 64 bits
		{Op: ClassLD | ModeABS | SizeDW, Imm: 14}, // packet load of 8 bytes
	} {
		if f := in.Form(); f != nil {
			t.Errorf("%+v passes for %q", in, f.Syntax)
		}
	}
}

func TestString(t *testing.T) {
	imm := LoadImm64(R1, 0, 0x123456789abcdef0)
	tests := []struct {
		insns []Instruction
		want  string
	}{
		{[]Instruction{{Op: 0x07, Dst: R1, Imm: -5}}, "r1 += -5"},
		{[]Instruction{{Op: 0x97, Dst: R1, Imm: 5}}, "r1 %= 5"},
		{[]Instruction{{Op: 0x9c, Dst: R1, Src: R2, Off: 1}}, "w1 s%= w2"},
		{[]Instruction{{Op: 0x79, Dst: R1, Src: R10, Off: -8}}, "r1 = *(u64 *)(r10 - 8)"},
		{[]Instruction{{Op: 0xc3, Dst: R1, Src: R2, Imm: 0xf1}}, "w0 = cmpxchg32_32(r1 + 0, w0, w2)"},
		{[]Instruction{{Op: 0x50, Src: R3, Imm: -4}}, "r0 = *(u8 *)skb[r3 - 4]"},
		{[]Instruction{{Op: 0x85, Src: 1, Imm: 3}}, "call pc+3"},
		{imm[:], "r1 = 1311768467463790320 ll"},
		{imm[:1], ".byte 0x18, 0x01, 0x00, 0x00, 0xf0, 0xde, 0xbc, 0x9a"},
		{[]Instruction{{Op: 0xff, Dst: R1, Src: 15, Off: 1}}, ".byte 0xff, 0xf1, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00"},
	}
	for _, test := range tests {
		if got, slots := Disassemble(test.insns, 0); got != test.want || slots != len(test.insns) {
			t.Errorf("got %q in %d slots, want %q", got, slots, test.want)
		}
	}
}
