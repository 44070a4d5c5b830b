package main

import (
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"ebtools/bpf"
)

// returnTwo is "r0 = 2; exit" in every form that programs print it in.
func TestRawForms(t *testing.T) {
	const want = "b7000000020000009500000000000000"
	for name, text := range map[string]string{
		"digits":            want,
		"upper case":        strings.ToUpper(want),
		"words of a slot":   "b700000002000000 9500000000000000\n",
		"lines":             "b700000002000000\n\n9500000000000000",
		"pairs":             "b7 00 00 00 02 00 00 00\r\n95 00 00 00 00 00 00 00\r\n",
		"one 0x":            "0x" + want,
		"Go's [16]byte":     "[16]byte{0xb7, 0x0, 0x0, 0x0, 0x2, 0x0, 0x0, 0x0, 0x95, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0, 0x0}",
		"Go's %v":           "[183 0 0 0 2 0 0 0 149 0 0 0 0 0 0 0]",
		"an array in C":     "static const unsigned char prog[] = {\n\t0xb7, 0, 0, 0, 2, 0, 0, 0, /* r0 = 2 */\n\t0x95, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // exit\n};\n",
		"64-bit numbers":    "unsigned long long prog[] = { 0x00000002000000b7ULL, 0x0000000000000095ULL };",
		"gdb's x/2gx":       "0x00000002000000b7\t0x0000000000000095",
		"gdb's x/4wx":       "0x000000b7 0x00000002 0x00000095 0x00000000",
		"words of 4":        "000000b7 00000002 00000095 00000000",
		"words of 2":        "00b7 0000 0002 0000 0095 0000 0000 0000",
		"pairs of xxd -p":   "b7000000020000009500\n000000000000\n",
		"C string":          `"\xb7\x00\x00\x00\x02\x00\x00\x00" "\x95\x00\x00\x00\x00\x00\x00\x00"`,
		"bare escapes":      `\xb7\x00\x00\x00\x02\x00\x00\x00\x95\x00\x00\x00\x00\x00\x00\x00`,
		"Python":            `prog = b'\xb7\x00\x00\x00\x02\x00\x00\x00\x95\x00\x00\x00\x00\x00\x00\x00'`,
		"octal":             `"\xb7\0\0\0\2\0\0\0\225\0\0\0\0\0\0\000"`,
		"xxd":               "00000000: b700 0000 0200 0000 9500 0000 0000 0000  ................\n",
		"hexdump -C":        "00000000  b7 00 00 00 02 00 00 00  95 00 00 00 00 00 00 00  |................|\n00000010\n",
		"llvm-objdump":      "\nprog.o:\tfile format elf64-bpf\n\nDisassembly of section xdp:\n\n0000000000000000 <prog>:\n       0:\tb7 00 00 00 02 00 00 00\tr0 = 0x2\n       1:\t95 00 00 00 00 00 00 00\texit\n",
		"bpftool's opcodes": "int prog(struct xdp_md * ctx):\n; return XDP_PASS;\n   0: (b7) r0 = 2\n       b7 00 00 00 02 00 00 00\n   1: (95) exit\n       95 00 00 00 00 00 00 00\n",
		"binary":            string([]byte{0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}),
	} {
		insns, err := parseRaw([]byte(text), binary.LittleEndian)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := hex.EncodeToString(bpf.Encode(insns, binary.LittleEndian)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

func TestRawWide(t *testing.T) {
	const want = "18010000efbeadde00000000785634129500000000000000"
	for _, text := range []string{
		"   0: (18) r1 = 0x12345678deadbeef\n       18 01 00 00 ef be ad de 00 00 00 00 78 56 34 12\n   2: (95) exit\n       95 00 00 00 00 00 00 00\n",
		"       0:\t18 01 00 00 ef be ad de 00 00 00 00 78 56 34 12\tr1 = 0x12345678deadbeef ll\n       2:\t95 00 00 00 00 00 00 00\texit\n",
	} {
		insns, err := parseRaw([]byte(text), binary.LittleEndian)
		if got := hex.EncodeToString(bpf.Encode(insns, binary.LittleEndian)); err != nil || got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
}

func TestRawBigEndian(t *testing.T) {
	for _, text := range []string{"b700000000000002", "0xb700000000000002"} {
		insns, err := parseRaw([]byte(text), binary.BigEndian)
		if err != nil || len(insns) != 1 || insns[0].String() != "r0 = 2" {
			t.Errorf("%s: %v, %v", text, insns, err)
		}
	}
}

func TestRawErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "no instructions in the input"},
		{" \n", "no instructions in the input"},
		{"b7 00 00 00 02 00 00", "7 bytes are no whole number of instructions of 8 bytes: 7 are left over at byte 0"},
		{"b700000002000000 95", "9 bytes are no whole number of instructions of 8 bytes: 1 are left over at byte 8"},
		{"b7000000020000000", "offset 0: b7000000020000000 has an odd number of digits, 17: bytes have two"},
		{"b7 00 0g", "offset 7: 'g' is no hexadecimal digit"},
		{"r0 = 2; exit", "offset 0: 'r' is no hexadecimal digit"},
		{"0x", "offset 2: digits are expected behind 0x"},
		{"0xb7, 300", "offset 6: 300 does not fit a byte"},
		{"0xb7, 0a", "offset 6: 0a is no number in decimal, nor has it 0x as others here have"},
		{`"\xb7\xg0"`, `offset 5: "\\xg0" is no escape: \x and two digits are expected`},
		{`"\xb7`, `the string ends without "`},
		{"{ 0xb7 /* r0", "offset 7: the comment does not end"},
		{"\x7fELF\x02\x01", "this is an object file: leave out --raw"},
		{"0: (b7) r0 = 2\n1: (95) exit\n", "this listing has no bytes: bpftool prints them"},
		{"\x00\x01\x02", "3 bytes are no whole number of instructions of 8 bytes: 3 are left over at byte 0"},
	} {
		_, err := parseRaw([]byte(test.text), binary.LittleEndian)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want %s", test.text, err, test.want)
		}
	}
}

func FuzzRaw(f *testing.F) {
	for _, text := range []string{"b7000000", `"\xb7`, "{ 0xb7, 1 }", "0: (b7) r0", "00000000: b700  ..", "18 01 00 00 00 00 00 00"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		insns, err := parseRaw(b, binary.LittleEndian)
		if err == nil && len(insns) == 0 {
			t.Error("neither instructions nor an error")
		}
		at := 0
		for _, fn := range rawFunctions(insns) {
			if fn.Start != at {
				t.Errorf("function %+v does not begin at %d", fn, at)
			}
			at += fn.Len
		}
	})
}
