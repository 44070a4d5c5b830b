package asm

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// TestSpellings makes sure that every spelling is of a form that exists, and
// that its operands are the form's.
func TestSpellings(t *testing.T) {
	letters := func(text string) string {
		var found []byte
		for i := 0; i+1 < len(text); i++ {
			if text[i] == '%' && strings.IndexByte("dDsSilopjJfcL", text[i+1]) >= 0 && (i+2 == len(text) || charClass[text[i+2]]&charName == 0) {
				c := text[i+1]
				// The same field, written otherwise.
				switch c {
				case 'D':
					c = 'd'
				case 'S':
					c = 's'
				case 'p':
					c = 'i'
				case 'L':
					c = 'c'
				}
				found = append(found, c)
			}
		}
		slices.Sort(found)
		return string(slices.Compact(found))
	}
	for _, s := range mnemonicSpellings() {
		if formsBySyntax[s.syntax] == nil {
			t.Errorf("%s: there is no form %q", s.text, s.syntax)
		}
		syntax := s.syntax
		if !strings.Contains(s.text, "%o") {
			syntax = strings.ReplaceAll(syntax, " %o", "")
		}
		if got, want := letters(s.text), letters(syntax); got != want {
			t.Errorf("%s: operands %s, of %s %s", s.text, got, s.syntax, want)
		}
	}
	for _, s := range kernelSpellings {
		if formsBySyntax[s.syntax] == nil {
			t.Errorf("%s: there is no form %q", s.text, s.syntax)
		}
	}
}

// The writer below prints instructions in the mnemonic dialect by their bits,
// knowing nothing of the tables it tests.

var (
	aluNames  = []string{"add", "sub", "mul", "div", "or", "and", "lsh", "rsh", "neg", "mod", "xor", "mov", "arsh", "end"}
	jumpNames = []string{"ja", "jeq", "jgt", "jge", "jset", "jne", "jsgt", "jsge", "call", "exit", "jlt", "jle", "jslt", "jsle"}
	sizeNames = map[uint8]string{bpf.SizeB: "b", bpf.SizeH: "h", bpf.SizeW: "w", bpf.SizeDW: "dw"}
)

// inMnemonics writes an instruction for GNU as; "" when it has no mnemonic. old
// is for binutils 2.40, whose grammar is stricter.
func inMnemonics(insns []bpf.Instruction, old bool) string {
	in := insns[0]
	memory := func(base bpf.Register) string {
		sign := "+"
		if in.Off < 0 && !old {
			sign = ""
		}
		return fmt.Sprintf("[%%%s%s%d]", base, sign, in.Off)
	}
	operand := func() string {
		if in.Op&bpf.SourceX != 0 {
			return "%" + in.Src.String()
		}
		return itoa(int(in.Imm))
	}
	size := sizeNames[in.Op&0x18]
	half := ""
	switch in.Class() {
	case bpf.ClassALU, bpf.ClassALU64:
		name := aluNames[in.Op>>4]
		if in.Class() == bpf.ClassALU {
			half = "32"
		}
		switch {
		case name == "neg":
			return fmt.Sprintf("neg%s %%%s", half, in.Dst)
		case name == "end" && in.Class() == bpf.ClassALU64:
			return fmt.Sprintf("bswap %%%s, %d", in.Dst, in.Imm)
		case name == "end" && in.Op&bpf.SourceX != 0:
			return fmt.Sprintf("endbe %%%s, %d", in.Dst, in.Imm)
		case name == "end":
			return fmt.Sprintf("endle %%%s, %d", in.Dst, in.Imm)
		case name == "mov" && in.Off == 1:
			return "" // an address space cast
		case name == "mov" && in.Off != 0:
			return fmt.Sprintf("movs%s %%%s, %s, %d", half, in.Dst, operand(), in.Off)
		case in.Off == 1:
			name = "s" + name
		}
		return fmt.Sprintf("%s%s %%%s, %s", name, half, in.Dst, operand())
	case bpf.ClassJMP, bpf.ClassJMP32:
		if int(in.Op>>4) >= len(jumpNames) {
			return "" // may_goto
		}
		name := jumpNames[in.Op>>4]
		if in.Class() == bpf.ClassJMP32 {
			half = "32"
		}
		switch {
		case in.Op == bpf.OpcodeJA32:
			return fmt.Sprintf("jal %d", in.Imm)
		case name == "ja":
			return fmt.Sprintf("ja %d", in.Off)
		case in.Op == bpf.OpcodeCallX:
			return "callx " + in.Dst.String()
		case name == "call" && in.Src == bpf.CallHelper:
			return fmt.Sprintf("call %d", in.Imm)
		case name == "call" && in.Src == bpf.CallLocal:
			return fmt.Sprintf("call local %+d", in.Imm)
		case name == "call" && in.Off == 0:
			return fmt.Sprintf("call runtime %d", in.Imm)
		case name == "call":
			return ""
		case name == "exit":
			return name
		}
		return fmt.Sprintf("%s%s %%%s, %s, %d", name, half, in.Dst, operand(), in.Off)
	case bpf.ClassLDX:
		if in.Op&0xe0 == bpf.ModeMEMSX {
			size = "s" + size
		}
		return fmt.Sprintf("ldx%s %%%s, %s", size, in.Dst, memory(in.Src))
	case bpf.ClassST:
		return fmt.Sprintf("st%s %s, %d", size, memory(in.Dst), in.Imm)
	case bpf.ClassSTX:
		if in.Op&0xe0 == bpf.ModeMEM {
			return fmt.Sprintf("stx%s %s, %%%s", size, memory(in.Dst), in.Src)
		}
		names := map[int32]string{
			0: "aadd", 0x40: "aor", 0x50: "aand", 0xa0: "axor",
			0x01: "afadd", 0x41: "afor", 0x51: "afand", 0xa1: "afxor", 0xe1: "axchg", 0xf1: "acmp",
		}
		name, ok := names[in.Imm]
		switch {
		case !ok:
			return "" // load_acquire and store_release
		case old && in.Imm == 0:
			return fmt.Sprintf("xadd%s %s, %%%s", size, memory(in.Dst), in.Src)
		case size == "w":
			name += "32"
		}
		return fmt.Sprintf("%s %s, %%%s", name, memory(in.Dst), in.Src)
	}
	switch {
	case in.IsLoadImm64() && in.Src == 0:
		return fmt.Sprintf("lddw %%%s, %#x", in.Dst, bpf.Imm64(in, insns[1]))
	case in.IsLoadImm64():
		return "" // ld_pseudo
	case in.Op&0xe0 == bpf.ModeABS:
		return fmt.Sprintf("ldabs%s %d", size, in.Imm)
	}
	return fmt.Sprintf("ldind%s %%%s, %d", size, in.Src, in.Imm)
}

// withoutMnemonic are forms that no assembler has a mnemonic for.
var withoutMnemonic = []string{"ld_pseudo", "load_acquire", "store_release", "addr_space_cast", "may_goto", "call kfunc %i, %m"}

// TestEveryFormInMnemonics writes instructions of every form in the mnemonic
// dialect, and expects the same instructions of the assembler.
func TestEveryFormInMnemonics(t *testing.T) {
	written := 0
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, w := range samples() {
			if w.form.Alias {
				continue
			}
			src := inMnemonics(w.insns, false)
			if src == "" {
				if !slices.ContainsFunc(withoutMnemonic, func(s string) bool { return strings.Contains(w.form.Syntax, s) }) {
					t.Errorf("%s has no mnemonic", w.text)
				}
				continue
			}
			written++
			want := bpf.Encode(w.insns, order)
			for _, text := range []string{src, strings.ReplaceAll(src, "%", ""), strings.ReplaceAll(src, ", ", ","), strings.ToUpper(src[:3]) + src[3:]} {
				if got := codeOf(t, "form.s", text, Options{ByteOrder: order, NoDebug: true}); !bytes.Equal(got, want) {
					t.Errorf("%s (%s): got %x, want %x", text, w.text, got, want)
				}
			}
		}
	}
	t.Logf("%d instructions written", written)
}

// TestAgainstGNU lets GNU as of binutils 2.40 assemble all that it has a
// mnemonic for.
func TestAgainstGNU(t *testing.T) {
	require.Tools(t, "bpf-as")
	var src strings.Builder
	compared := map[*bpf.Form]bool{}
	for _, w := range samples() {
		in, text := w.insns[0], inMnemonics(w.insns, true)
		atomic := in.Class() == bpf.ClassSTX && in.Op&0xe0 == bpf.ModeATOMIC
		switch {
		case text == "" || w.form.Alias,
			w.form.Since == bpf.V4,                                           // newer than binutils 2.40
			atomic && in.Imm != 0,                                            // so are these
			in.Op == bpf.OpcodeCallX, in.Op == bpf.OpcodeCall && in.Src != 0: // not of GNU as
			continue
		}
		compared[w.form] = true
		fmt.Fprintln(&src, text)
	}
	// What it writes differently.
	src.WriteString("add %fp, %fp\nldxdw %r1, [%fp+-8]\nlabel:\nja label\njne32 %r1, -1, label\nlddw %r9, -1\n" +
		"mov %r1, 0x7f ; comment\n; comment\n.half 1\n.word 2, 3\n.dword 4\n.half 5, 6, 7\n")
	path := filepath.Join(t.TempDir(), "gnu.s")
	if err := os.WriteFile(path, []byte(src.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for flag, order := range map[string]binary.ByteOrder{"--EL": binary.LittleEndian, "--EB": binary.BigEndian} {
		run(t, "bpf-as", flag, path, "-o", path+".o")
		f, err := stdelf.Open(path + ".o")
		if err != nil {
			t.Fatal(err)
		}
		want, err := f.Section(".text").Data()
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		got := codeOf(t, "gnu.s", src.String(), Options{ByteOrder: order, NoDebug: true, Dialect: DialectGNU})
		lines := strings.Split(src.String(), "\n")
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %d bytes, want %d; %s", flag, len(got), len(want), lines[0])
			for i := 0; i+8 <= min(len(got), len(want)); i += 8 {
				if !bytes.Equal(got[i:i+8], want[i:i+8]) {
					t.Fatalf("slot %d: got %x, want %x", i/8, got[i:i+8], want[i:i+8])
				}
			}
		}
	}
	t.Logf("%d forms compared", len(compared))
}

// mnemonicCases are statements beside LLVM's words for them.
var mnemonicCases = []struct{ text, llvm string }{
	// The conformance suite and uBPF.
	{"mov %r0, %r1", "r0 = r1"},
	{"mov32 %r1, -1", "w1 = -1"},
	{"be16 %r3", "r3 = be16 r3"},
	{"le64 %r3", "r3 = le64 r3"},
	{"swap32 %r1", "r1 = bswap32 r1"},
	{"bswap64 %r1", "r1 = bswap64 r1"},
	{"movsx864 %r0, %r1", "r0 = (s8)r1"},
	{"movsx1664 %r0, %r1", "r0 = (s16)r1"},
	{"movsx3264 %r0, %r1", "r0 = (s32)r1"},
	{"movsx832 %r0, %r1", "w0 = (s8)w1"},
	{"movsx1632 %r0, %r1", "w0 = (s16)w1"},
	{"sdiv32 %r0, -4", "w0 s/= -4"},
	{"ja32 +2", "gotol +2"},
	{"ldxsw %r2, [%r10-4]", "r2 = *(s32 *)(r10 - 4)"},
	{"ldxh %r1, [%r0]", "r1 = *(u16 *)(r0 + 0)"},
	{"stb [%r1 + 0x2], 0x11", "*(u8 *)(r1 + 2) = 17"},
	{"lock add [%r10-8], %r1", "lock *(u64 *)(r10 - 8) += r1"},
	{"lock xor32 [%r10-8], %r1", "lock *(u32 *)(r10 - 8) ^= w1"},
	{"lock fetch and [%r10-8], %r1", "r1 = atomic_fetch_and((u64 *)(r10 - 8), r1)"},
	{"lock fetch or32 [%r10], %r1", "w1 = atomic_fetch_or((u32 *)(r10 + 0), w1)"},
	{"lock xchg [%r10-8], %r1", "r1 = xchg_64(r10 - 8, r1)"},
	{"lock cmpxchg32 [%r10-8], %r1", "w0 = cmpxchg32_32(r10 - 8, w0, w1)"},
	{"call helper 5", "call 5"},
	{"call local +1", "call pc+1"},
	{"call runtime 7", "call kfunc 7"},
	{"jslt %r1, 0x7fffffff, -2", "if r1 s< 2147483647 goto -2"},
	{"jset32 %r1, %r2, +1", "if w1 & w2 goto +1"},
	// rbpf.
	{"add64 r1, 0x605", "r1 += 1541"},
	{"neg64 r2", "r2 = -r2"},
	{"neg32 r2", "w2 = -w2"},
	{"ldxb r0, [r1+2]", "r0 = *(u8 *)(r1 + 2)"},
	{"stw [r1+2], 3", "*(u32 *)(r1 + 2) = 3"},
	{"jeq r1, 2, +3", "if r1 == 2 goto +3"},
	{"ldindh r1, 2", "r0 = *(u16 *)skb[r1 + 2]"},
	{"stxxaddw [r1+2], r3", "lock *(u32 *)(r1 + 2) += w3"},
	// GNU as.
	{"movs32 %r1, %r2, 16", "w1 = (s16)w2"},
	{"mov %r1, %fp", "r1 = r10"},
	{"xadddw [%r1+-8], %r2", "lock *(u64 *)(r1 - 8) += r2"},
	{"afadd32 [%r1+8], %r2", "w2 = atomic_fetch_add((u32 *)(r1 + 8), w2)"},
	{"acmp [%r1+8], %r2", "r0 = cmpxchg_64(r1 + 8, r0, r2)"},
	{"axchg32 [%r1+8], %r2", "w2 = xchg32_32(r1 + 8, w2)"},
	{"ja 4", "goto +4"},
	{"jal 4", "gotol +4"},
	// Everybody's expressions, names and case.
	{"MOV r0, XDP_DROP", "r0 = 1"},
	{"ldxw r2, [r1 + xdp_md.data_end]", "r2 = *(u32 *)(r1 + 4)"},
	{"lddw r1, 1 << 40", "r1 = 1099511627776 ll"},
	{"call bpf_map_lookup_elem", "call 1"},
	// The kernel.
	{"goto pc+1", "goto +1"},
	{"goto pc-3", "goto -3"},
	{"gotol pc+70000", "gotol +70000"},
	{"may_goto pc+2", "may_goto +2"},
	{"if r1 == 0x0 goto pc+3", "if r1 == 0 goto +3"},
	{"if w1 s> 0xffffffff goto pc-1", "if w1 s> -1 goto -1"},
	{"if r1 & r2 goto pc+0", "if r1 & r2 goto +0"},
	{"*(u64 *)(r10 -8) = r1", "*(u64 *)(r10 - 8) = r1"},
	{"r1 = *(u32 *)(r2 +4)", "r1 = *(u32 *)(r2 + 4)"},
	{"w1 = (s8)w2", "w1 = (s8)w2"},
	{"call bpf_map_lookup_elem#1", "call 1"},
	{"call bpf_get_smp_processor_id#-204512", "call 8"},
	{"call bpf_ktime_get_ns#204512", "call 5"},
	{"call unknown#195", "call 195"},
	{"call pc+2#bpf_prog_6deef7357e7b4530_sub", "call pc+2"},
	{"r1 = 0x7b ll", "r1 = 123 ll"},
	{"r1 = subprog[+3]", "ld_pseudo r1, 4, 3"},
	{"r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)"},
	{"r2 = atomic_xchg((u32 *)(r1 +0), r2)", "w2 = xchg32_32(r1 + 0, w2)"},
	{"r0 = atomic_cmpxchg((u32 *)(r1 -4), r0, r2)", "w0 = cmpxchg32_32(r1 - 4, w0, w2)"},
	{"r2 = load_acquire((u16 *)(r1 +2))", "w2 = load_acquire((u16 *)(r1 + 2))"},
	{"store_release((u8 *)(r1 +2), r2)", "store_release((u8 *)(r1 + 2), w2)"},
	{"3: (b7) r0 = 1", "r0 = 1"},
	{"  12: (18) r1 = 0x7b", "r1 = 123 ll"},
	{"0: (55) if r1 != 0xffffffff goto pc+1 ; R1=1", "if r1 != -1 goto +1"},
}

func TestMnemonics(t *testing.T) {
	for _, c := range mnemonicCases {
		img, diags := Assemble("case.s", []byte(c.text), Options{NoDebug: true})
		if len(diags) > 0 {
			t.Errorf("%s: %s", c.text, rendered(t, diags))
			continue
		}
		got, want := img.Section(".text").Data, codeOf(t, "llvm.s", c.llvm, Options{NoDebug: true})
		if !bytes.Equal(got, want) {
			t.Errorf("%s: got %x, and %s is %x", c.text, got, c.llvm, want)
		}
	}
}
