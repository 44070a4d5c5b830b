package asm

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// directiveCases are sources with the content of one section, in hexadecimal,
// on a little-endian machine. Unless ours says why not, llvm-mc-19 makes the
// same of them.
var directiveCases = []struct {
	name, src, section, want string
	ours                     string
}{
	{"escapes", `.data; .ascii "a\n\t\"\\\b\f\r\101\x41\0z"`, ".data", "610a09225c080c0d4141007a", ""},
	{"asciz", `.data; .asciz "a", "b"; .string "c"`, ".data", "610062006300", ""},
	{"bytes", `.data; .byte 1, 2, 0xff, -128, 'a'`, ".data", "0102ff8061", ""},
	{"shorts", `.data; .short 1, -1; .2byte 2; .value 4`, ".data", "0100ffff02000400", ""},
	{"longs", `.data; .long 1, 0xffffffff; .int 2; .4byte 3`, ".data", "01000000ffffffff0200000003000000", ""},
	{"quads", `.data; .quad 1, -1, 0xffffffffffffffff; .8byte 2`, ".data", "0100000000000000ffffffffffffffffffffffffffffffff0200000000000000", ""},
	{"octa", `.data; .octa 0x112233445566778899aabbccddeeff00, 5`, ".data", "00ffeeddccbbaa99887766554433221105000000000000000000000000000000", ""},
	{"leb128", `.data; .uleb128 1, 127, 128, 300; .sleb128 -1, 63, 64, -64, -65, 84`, ".data", "017f8001ac027f3fc00040bf7fd400", ""},
	{"leb128 of a distance", ".data\n.uleb128 b-a\na: .zero 200\n.p2align 2\nb: .sleb128 a-b\n.uleb128 c-d\nd:.byte 1\nc:", ".data", "ca01" + strings.Repeat("00", 202) + "b67e0101", ""},
	{"space", `.data; .zero 2; .skip 3, 0xff; .space 2, 7`, ".data", "0000ffffff0707", ""},
	{"fill", `.data; .fill 2, 4, 0x11223344; .fill 3; .fill 1, 8, 5; .fill 1, 3, 0x112233`, ".data", "44332211443322110000000500000000000000332211", ""},
	{"org", `.data; .byte 1; .org 8; .byte 2`, ".data", "010000000000000002", ""},
	{"align", `.data; .byte 1; .align 8; .byte 2; .balign 4, 0x55; .p2align 3, , 2; .p2align 2, 9, 3`, ".data", "0100000000000000" + "02555555", ""},
	{"align in code", ".text; exit; .p2align 4; exit", ".text", "95000000000000000500000000000000" + "9500000000000000", "LLVM pads with eight bytes that are no instruction"},
	{
		"operators", `.data; .long 1+2*3, 7-2-1, 1<<4+1, 0xff^0xf, !0, -5/2, 5%3, (1+2)*3, ~0, 1|6+1`, ".data",
		"07000000" + "04000000" + "11000000" + "f0000000" + "01000000" + "feffffff" + "02000000" + "09000000" + "ffffffff" + "08000000", "",
	},
	{"comparisons", `.data; .byte 1==1, 1!=1, 1<2, 2<=1, 2>1, 1>=2, 1&&2, 0||0, 3||0; .quad -8>>1`, ".data", "ff00ff00ff00010001" + "fcffffffffffff7f", ""},
	{"numbers", `.data; .byte 10, 0x1F, 0b11, 017, 'a', '\n', 1ULL, 0X1f`, ".data", "0a1f030f610a011f", ""},
	{"set", ".data\n.set x, 5\n.byte x\n.set x, x+1\n.byte x\n.equ y, 9\n.equiv z, 3\n.byte y, z", ".data", "05060903", ""},
	{"set later", ".data\n.byte y\n.equ y, 9", ".data", "09", "LLVM writes 0 for a number that is set further down"},
	{"hword", `.data; .hword 3`, ".data", "0300", "LLVM has no such directive"},
	{"word", `.data; .half 1; .word 2; .dword 3`, ".data", "0100" + "02000000" + "0300000000000000", "LLVM has no such directives"},
	{"assignment", "x = 5\n.data\n.byte x\nx = 6\n.byte x", ".data", "0506", "LLVM takes X = 1 for an instruction"},
	{"place", ".data\n.long .-.\n.long . - start\nstart: .quad end - .\nend:", ".data", "00000000" + "fcffffff" + "0800000000000000", ""},
	{"section", `.section "a b", "aw"; .byte 1; .data; .byte 2; .section "a b"; .byte 3`, "a b", "0103", ""},
	{"push and pop", `.data; .byte 1; .pushsection xx, "a"; .byte 9; .popsection; .byte 2; .text; .previous; .byte 3`, ".data", "010203", ""},
	{"rept", ".data\n.rept 3\n.byte 1\n.rept 2\n.byte 2\n.endr\n.endr", ".data", "010202010202010202", ""},
	{"irp", ".data\n.irp x, 1, 2, 3+4\n.byte \\x\n.endr\n.irpc c, 567\n.byte \\c\n.endr", ".data", "010207050607", ""},
	{"macro", ".macro add3 r, n=3\n\\r += \\n\n.endm\nadd3 r1\nadd3 r2, 4\nadd3 n=5, r=r3", ".text", "0701000003000000" + "0702000004000000" + "0703000005000000", ""},
	{"macro counter", ".macro spin\nloop\\@: goto loop\\@\n.endm\nspin\nspin", ".text", "0500ffff00000000" + "0500ffff00000000", ""},
	{"if", ".if 1 > 2\n.byte 1\n.elseif 2 > 1\n.byte 2\n.else\n.byte 3\n.endif\n.if 0\n.if 1\n.byte 4\n.endif\n.else\n.byte 5\n.endif", ".text", "0205", ""},
	{"ifdef", "a:\n.ifdef a\n.byte 1\n.endif\n.ifndef b\n.byte 2\n.endif\n.ifc x,x\n.byte 3\n.endif", ".text", "010203", ""},
	{"comments", "exit // one\nexit # two\n/* three\nexit */ exit\nexit /* five */ ; exit ;; #six ; exit", ".text", strings.Repeat("9500000000000000", 5), ""},
	{"hash in a string", `.data; .asciz "a#b;c//d"`, ".data", "6123623b632f2f6400", ""},
	{"windows", "r1 = 1\r\nexit\r\n", ".text", "b701000001000000" + "9500000000000000", ""},
	{
		"numeric labels", "1: r1 = 1\nif r1 == 0 goto 1b\ngoto 1f\n1: goto 1b\n1: exit", ".text",
		"b701000001000000" + "1501feff00000000" + "0500000000000000" + "0500ffff00000000" + "9500000000000000", "",
	},
	{
		"odd names", "a$b.c: exit\ncall a$b.c\n\"a b\": exit\ngoto \"a b\"\nif: exit\ngoto if", ".text",
		"9500000000000000" + "85100000feffffff" + "9500000000000000" + "0500feff00000000" + "9500000000000000" + "0500feff00000000", "",
	},
	{
		"labels on a line", "a: b: 1: exit; goto a; goto b; goto 1b", ".text",
		"9500000000000000" + "0500feff00000000" + "0500fdff00000000" + "0500fcff00000000", "",
	},
	{"ident", `.ident "x"; .ident "y"`, ".comment", "0078007900", ""},
	{"floats", `.data; .float 1.5; .double 2.5; .float -1`, ".data", "0000c03f" + "0000000000000440" + "000080bf", ""},
	{"words in any case", "EXIT\nCall 1\nR1 += 1\n.data\n.Byte 1", ".text", "9500000000000000" + "8500000001000000" + "0701000001000000", ""},
	{"bss", ".bss; .zero 3; .p2align 3; .zero 2; .comm common, 8, 4; .lcomm x, 5; .local y; .comm y, 4, 4", ".bss", "", ""},
	{"ignored", ".cfi_sections .debug_frame\nf:\n.cfi_startproc\nexit\n.cfi_endproc\n.addrsig\n.addrsig_sym f\n.type f, @function\n.size f, 8", ".text", "9500000000000000", ""},
	{"end", "exit\n.end\nexit", ".text", "9500000000000000", ""},
}

func TestDirectives(t *testing.T) {
	for _, c := range directiveCases {
		t.Run(c.name, func(t *testing.T) {
			img, diags := Assemble("d.s", []byte(c.src), Options{NoDebug: true})
			if img == nil {
				t.Fatalf("%s", rendered(t, diags))
			}
			sec := img.Section(c.section)
			if sec == nil {
				t.Fatalf("no section %s", c.section)
			}
			if got := fmt.Sprintf("%x", sec.Data); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestDirectivesAgainstLLVM compares whole objects, every third for a big-endian machine.
func TestDirectivesAgainstLLVM(t *testing.T) {
	require.LLVM(t)
	dir := t.TempDir()
	for i, c := range directiveCases {
		if c.ours != "" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(dir, fmt.Sprintf("%d.s", i))
			if err := os.WriteFile(path, []byte(c.src+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if i%3 == 0 {
				sameAsLLVM(t, path, "bpfeb", binary.BigEndian)
			} else {
				sameAsLLVM(t, path, "bpfel", binary.LittleEndian)
			}
		})
	}
}
