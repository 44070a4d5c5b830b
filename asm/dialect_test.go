package asm

import (
	"encoding/binary"
	"strings"
	"testing"

	"ebtools/bpf"
)

// disassembled gives a program's instructions, joined by semicolons, or the
// first line of what is wrong.
func disassembled(t *testing.T, src string, opts Options) string {
	t.Helper()
	opts.NoDebug = true
	img, diags := Assemble("dialect.s", []byte(src), opts)
	if img == nil {
		return diags[0].Error()
	}
	insns, err := bpf.Decode(img.Section(".text").Data, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for pc := 0; pc < len(insns); {
		text, slots := bpf.Disassemble(insns, pc)
		lines = append(lines, text)
		pc += slots
	}
	return strings.Join(lines, "; ")
}

func TestDialects(t *testing.T) {
	const ask = "could begin a comment or end a statement"
	for _, c := range []struct{ src, auto, llvm, gnu, ubpf string }{
		// All read these alike.
		{"mov r1, 2;", "r1 = 2", "r1 = 2", "r1 = 2", "r1 = 2"},
		{"mov r1, 2 ; # x\nexit", "r1 = 2; exit", "r1 = 2; exit", "r1 = 2; exit", "r1 = 2; exit"},
		{"ja +1\nexit\nexit", "goto +1; exit; exit", "goto +1; exit; exit", "goto +1; exit; exit", "goto +1; exit; exit"},
		// A second statement or a comment.
		{"mov r1, 2 ; mov r3, 4", ask, "r1 = 2; r3 = 4", "r1 = 2", "r1 = 2; r3 = 4"},
		{"mov r1, 2 ; r3 = 4", ask, "r1 = 2; r3 = 4", "r1 = 2", "r1 = 2; r3 = 4"},
		{"r3 = 4 ; mov r1, 2", ask, "r3 = 4; r1 = 2", "r3 = 4", "r3 = 4; r1 = 2"},
		{"mov r1, 2 ; it's a comment", ask, "never closed", "r1 = 2", "never closed"},
		{"; mov r1, 2\nexit", ask, "r1 = 2; exit", "exit", "r1 = 2; exit"},
		// The words of LLVM alone have one reading.
		{"r3 = 4; r1 = 2", "r3 = 4; r1 = 2", "r3 = 4; r1 = 2", "r3 = 4", "r3 = 4; r1 = 2"},
		// A number without sign.
		{"ja 1\nr0 = 1\nexit", "goto +1; r0 = 1; exit", "goto +1; r0 = 1; exit", "goto +1; r0 = 1; exit", "no label 1 follows"},
		{"ja 7\nr0 = 1\n7: exit", "could be the label 7", "goto +7; r0 = 1; exit", "goto +7; r0 = 1; exit", "goto +1; r0 = 1; exit"},
		{"7: exit\njeq r1, 2, 7\n", "could be the label 7", "exit; if r1 == 2 goto +7", "exit; if r1 == 2 goto +7", "exit; if r1 == 2 goto -2"},
	} {
		for dialect, want := range map[Dialect]string{DialectAuto: c.auto, DialectLLVM: c.llvm, DialectGNU: c.gnu, DialectUBPF: c.ubpf} {
			if got := disassembled(t, c.src, Options{Dialect: dialect}); got != want && !(strings.Contains(got, "dialect.s:") && strings.Contains(got, want)) {
				t.Errorf("%q in dialect %v: got %q, want %q", c.src, dialect, got, want)
			}
		}
	}
}

func TestParseDialect(t *testing.T) {
	for d := DialectAuto; d <= DialectUBPF; d++ {
		if got, ok := ParseDialect(d.String()); !ok || got != d {
			t.Errorf("%v is read as %v, %v", d, got, ok)
		}
	}
	if d, ok := ParseDialect("masm"); ok {
		t.Errorf("masm is %v", d)
	}
}

func TestImplicitExit(t *testing.T) {
	for src, want := range map[string]string{
		"jne r0, 1, exit\nmov r0, 2\nexit": "if r0 != 1 goto +1; r0 = 2; exit",
		// The first of several.
		"ja exit\nexit\nmov r0, 1\nja exit\nexit": "goto +0; exit; r0 = 1; goto -3; exit",
		// A label of that name comes first.
		"ja exit\nexit\nexit: mov r0, 1\nexit": "goto +1; exit; r0 = 1; exit",
		"ja32 exit\nmov r1, 1\nexit":           "gotol +1; r1 = 1; exit",
		// Other functions have exits of their own.
		".type f,@function\n.type g,@function\nf: ja exit\nexit\ng: ja exit\nexit": "goto +0; exit; goto +0; exit",
		"ja exit":                 "no exit instruction stands in this function",
		"goto exit\nr0 = 0\nexit": "label exit is not defined", // that is no habit of LLVM
	} {
		if got := disassembled(t, src, Options{}); got != want && !strings.Contains(got, want) {
			t.Errorf("%q: got %q, want %q", src, got, want)
		}
	}
}

func TestListing(t *testing.T) {
	const dump = `
int drop(struct xdp_md * ctx):
; void *end = (void *)(long)ctx->data_end; it's the end
   0: (79) r2 = *(u64 *)(r1 +8)
       79 12 08 00 00 00 00 00
; if (data + 14 > end) [file:drop.c line_num:12 line_col:13]
   1: (2d) if r1 > r2 goto pc+3
   2: (18) r3 = 0x123456789a
       18 03 00 00 9a 78 56 34 00 00 00 00 12 00 00 00
   4: (85) call bpf_ktime_get_ns#205904
int sub():
   5: (95) exit
`
	const want = "r2 = *(u64 *)(r1 + 8); if r1 > r2 goto +3; r3 = 78187493530 ll; call 5; exit"
	if got := disassembled(t, dump, Options{}); got != want {
		t.Errorf("bpftool's listing: got %q, want %q", got, want)
	}
	const log = `func#0 @0
0: R1=ctx() R10=fp0
; int f(void) @ f.c:3
0: (b7) r0 = 5                        ; R0_w=5
1: (07) r0 += -2                      ; R0_w=3
2: (95) exit
processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
`
	if got, want := disassembled(t, log, Options{}), "r0 = 5; r0 += -2; exit"; got != want {
		t.Errorf("the verifier's log: got %q, want %q", got, want)
	}
	// Around it stands a file as any other, and another listing may follow.
	mixed := ".globl f\nf:\n0: (b7) r0 = 1\n1: (95) exit\n.globl g\ng: r1 = 2; r2 = 3\n0: (95) exit\n"
	if got, want := disassembled(t, mixed, Options{}), "r0 = 1; exit; r1 = 2; r2 = 3; exit"; got != want {
		t.Errorf("a listing within a file: got %q, want %q", got, want)
	}
}
