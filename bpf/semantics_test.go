package bpf

import (
	"math"
	"testing"
)

// TestALUEdges has the cases that differ between machines and languages; the
// interpreter is held to ALU on random operands, and both to the kernel, by
// the tests of package vm.
func TestALUEdges(t *testing.T) {
	const min64, min32 = 1 << 63, 1 << 31
	tests := []struct {
		in             Instruction
		dst, src, want uint64
	}{
		{Instruction{Op: 0x3f}, 7, 0, 0},                                               // division by zero
		{Instruction{Op: 0x9f}, 7, 0, 7},                                               // modulo zero
		{Instruction{Op: 0x9c}, 0xffff_ffff_0000_0007, 0, 7},                           // the same, 32 bits
		{Instruction{Op: 0x3f, Off: 1}, min64, math.MaxUint64, min64},                  // smallest / -1
		{Instruction{Op: 0x9f, Off: 1}, min64, math.MaxUint64, 0},                      // smallest % -1
		{Instruction{Op: 0x3c, Off: 1}, min32, 0xffff_ffff, min32},                     // smallest / -1, 32 bits
		{Instruction{Op: 0x9f, Off: 1}, uint64(math.MaxUint64 - 12), 3, 1<<64 - 1},     // -13 s% 3
		{Instruction{Op: 0x37, Imm: -1}, 10, 0, 0},                                     // immediates are sign-extended
		{Instruction{Op: 0x34, Imm: -1}, 0xffff_ffff, 0, 1},                            // then cut to 32 bits
		{Instruction{Op: 0x6f}, 1, 65, 2},                                              // shift counts modulo 64
		{Instruction{Op: 0x6c}, 1, 33, 2},                                              // modulo 32
		{Instruction{Op: 0xcc}, 0xf_8000_0000, 4, 0xf800_0000},                         // 32-bit arithmetic shift
		{Instruction{Op: 0xbf, Off: 8}, 0, 0x80, 0xffff_ffff_ffff_ff80},                // move with sign
		{Instruction{Op: 0xbc, Off: 8}, 0, 0x80, 0xffff_ff80},                          // the same, 32 bits
		{Instruction{Op: 0xdc, Imm: 16}, 0x1122_3344_5566_7788, 0, 0x8877},             // be16
		{Instruction{Op: 0xd4, Imm: 32}, 0x1122_3344_5566_7788, 0, 0x5566_7788},        // le32
		{Instruction{Op: 0xd7, Imm: 64}, 0x1122_3344_5566_7788, 0, 0x8877665544332211}, // bswap64
		{Instruction{Op: 0x84}, 1, 0, 0xffff_ffff},                                     // 32-bit negation
	}
	for _, test := range tests {
		if got := ALU(test.in, test.dst, test.src); got != test.want {
			t.Errorf("%s with %#x and %#x gives %#x, want %#x", test.in, test.dst, test.src, got, test.want)
		}
	}
}

func TestConditionWidths(t *testing.T) {
	tests := []struct {
		in       Instruction
		dst, src uint64
		want     bool
	}{
		{Instruction{Op: 0x15, Imm: -1}, 0xffff_ffff, 0, false}, // r == -1
		{Instruction{Op: 0x16, Imm: -1}, 0xffff_ffff, 0, true},  // w == -1
		{Instruction{Op: 0x6d}, 1, math.MaxUint64, true},        // 1 s> -1
		{Instruction{Op: 0x2d}, 1, math.MaxUint64, false},       // 1 > 2^64-1
		{Instruction{Op: 0xce}, 0x8000_0000, 0, true},           // w s< 0
		{Instruction{Op: 0xcd}, 0x8000_0000, 0, false},          // r s< 0
		{Instruction{Op: 0x46, Imm: 8}, 0x8_0000_0007, 0, false},
		{Instruction{Op: 0x4d}, 6, 4, true},
	}
	for _, test := range tests {
		if got := Condition(test.in, test.dst, test.src); got != test.want {
			t.Errorf("%s with %#x and %#x is %v", test.in, test.dst, test.src, got)
		}
	}
}
