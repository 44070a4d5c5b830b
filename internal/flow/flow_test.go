package flow

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/elf"
)

// program assembles source and gives its first program.
func program(t *testing.T, source string) *bpf.Program {
	t.Helper()
	img, problems := asm.Assemble("test.s", []byte(source), asm.Options{})
	if err := problems.Err(); err != nil {
		t.Fatal(err)
	}
	obj, problems, err := elf.Load(img, "test.s", elf.Options{})
	if err != nil || problems.Err() != nil {
		t.Fatal(err, problems)
	}
	return obj.Programs[0]
}

// text writes a function's blocks: "0-3 true:2 false:1".
func text(f *Function) string {
	var b strings.Builder
	for _, block := range f.Blocks {
		fmt.Fprintf(&b, "%d-%d", block.Start, block.End-1)
		for _, e := range block.Edges {
			fmt.Fprintf(&b, " %s:%d", e.Kind, e.To)
			if e.Back {
				b.WriteString("^")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestBlocks(t *testing.T) {
	tests := []struct{ name, source, want string }{
		{"one block", "r0 = 0\nexit", "0-1\n"},
		{"a branch", "r0 = 0\nif r1 == 0 goto out\nr0 = 1\nout: exit", "0-1 true:2 false:1\n2-2 next:2\n3-3\n"},
		{"a loop", "r0 = 10\nagain: r0 += -1\nif r0 != 0 goto again\nexit", "0-0 next:1\n1-2 true:1^ false:2\n3-3\n"},
		{
			"a 64-bit load at the end", "r1 = 5 ll\nif r1 > 5 goto a\ngoto b\na: r0 = 0 ll\nb: r0 = 1\nexit",
			"0-2 true:2 false:1\n3-3 goto:3\n4-5 next:3\n6-7\n",
		},
		{"may_goto", "a: may_goto b\ngoto a\nb: r0 = 0\nexit", "0-0 true:2 false:1\n1-1 goto:0^\n2-3\n"},
		{"gotol", "gotol a\na: r0 = 0\nexit", "0-0 goto:1\n1-2\n"},
		{"calls end no block", "call 5\nr0 = 0\nexit", "0-2\n"},
	}
	for _, test := range tests {
		p := program(t, "\t.program xdp, p\n"+test.source+"\n")
		functions := Of(p)
		if len(functions) != 1 {
			t.Errorf("%s: %d functions", test.name, len(functions))
			continue
		}
		if got := text(&functions[0]); got != test.want {
			t.Errorf("%s: got\n%swant\n%s", test.name, got, test.want)
		}
	}
}

func TestCalls(t *testing.T) {
	p := program(t, `
	.program xdp, p
	r1 = 1
	if r1 == 2 goto +1
	call twice
	r1 = 4
	r2 = twice ll
	r3 = 0
	r4 = 0
	call bpf_loop
	r0 = 0
	exit
	.func twice
	r0 = 0
	exit
`)
	functions := Of(p)
	if len(functions) != 2 || len(functions[0].Calls) != 2 {
		t.Fatalf("%+v", functions)
	}
	at := functions[1].Start
	want := []Call{{PC: 2, Block: 1, Target: at}, {PC: 4, Block: 2, Target: at, Address: true}}
	for i, c := range functions[0].Calls {
		if c != want[i] {
			t.Errorf("call %d: %+v, want %+v", i, c, want[i])
		}
	}
}

// TestDamaged gives programs that no compiler makes: everything must be in a
// block, every edge must lead to the start of one.
func TestDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		insns := make([]bpf.Instruction, random.IntN(40))
		for i := range insns {
			insns[i] = bpf.Instruction{
				Op: uint8(random.Uint32()), Dst: bpf.Register(random.IntN(16)), Src: bpf.Register(random.IntN(16)),
				Off: int16(random.IntN(20) - 10), Imm: int32(random.IntN(20) - 10),
			}
			if random.IntN(3) > 0 {
				insns[i] = bpf.Instruction{Op: []uint8{bpf.OpcodeJA, bpf.OpcodeLoadImm64, bpf.OpcodeExit, 0x15}[random.IntN(4)], Off: int16(random.IntN(20) - 10)}
			}
		}
		p := &bpf.Program{Instructions: insns, Functions: []bpf.Function{
			{Start: random.IntN(10) - 3, Len: random.IntN(50) - 3}, {Start: random.IntN(50), Len: random.IntN(50)},
		}}
		for _, f := range Of(p) {
			at := min(max(f.Start, 0), len(insns))
			for _, b := range f.Blocks {
				if b.Start != at || b.End <= b.Start {
					t.Fatalf("block %+v does not begin at %d", b, at)
				}
				at = b.End
				for _, e := range b.Edges {
					if e.To != Outside && f.Blocks[e.To].Start != e.PC {
						t.Fatalf("edge %+v does not lead to the start of block %+v", e, f.Blocks[e.To])
					}
				}
			}
			f.Stack(insns)
			f.ContextAccesses(insns)
			f.Results(insns)
		}
	}
}

func TestStack(t *testing.T) {
	for source, want := range map[string]int{
		"r0 = 0\nexit":                            0,
		"*(u32 *)(r10 - 4) = 1\nr0 = 0\nexit":     4,
		"r2 = r10\nr2 += -24\nr0 = 0\nexit":       24,
		"r2 = r10\n*(u8 *)(r2 - 8) = 1\nexit":     8,
		"r2 = r10\nr2 = 0\nr2 += -24\nexit":       0,
		"r1 = *(u64 *)(r10 - 16)\nr1 += -9\nexit": 16,
		"*(u8 *)(r10 - 4096) = 1\nexit":           0, // no frame is as large
	} {
		p := program(t, "\t.program xdp, p\n"+source+"\n")
		if got := Of(p)[0].Stack(p.Instructions); got != want {
			t.Errorf("%q: %d bytes, want %d", source, got, want)
		}
	}
}

func TestContextAccesses(t *testing.T) {
	for _, test := range []struct {
		source string
		want   map[int]int
	}{
		{"r2 = *(u32 *)(r1 + 4)\nr0 = 0\nexit", map[int]int{0: 4}},
		{"r6 = r1\ncall 5\nr2 = *(u32 *)(r6 + 8)\nr3 = *(u32 *)(r1 + 8)\nexit", map[int]int{2: 8}},
		{"r1 += 4\n*(u32 *)(r1 + 4) = 1\nr1 = 0\nr2 = *(u32 *)(r1 + 4)\nexit", map[int]int{1: 8}},
		// On one of two ways it is something else.
		{"if r2 == 0 goto a\nr1 = r10\na: r2 = *(u32 *)(r1 - 4)\nexit", map[int]int{}},
		{"if r2 == 0 goto a\nr3 = r10\na: r2 = *(u32 *)(r1 + 4)\nexit", map[int]int{2: 4}},
		// In a loop it moves.
		{"a: r2 = *(u32 *)(r1 + 4)\nr1 += 4\nif r2 == 0 goto a\nexit", map[int]int{}},
		{"r2 = 5 ll\nr2 = *(u32 *)(r1 + 4)\nexit", map[int]int{2: 4}},
	} {
		p := program(t, "\t.program xdp, p\n"+test.source+"\n")
		if got := Of(p)[0].ContextAccesses(p.Instructions); !maps.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.source, got, test.want)
		}
	}
}

func TestResults(t *testing.T) {
	for _, test := range []struct {
		source string
		want   map[int]int32
	}{
		{"r0 = 2\nexit", map[int]int32{0: 2}},
		{"w0 = 2\nr1 = r2\nexit", map[int]int32{0: 2}},
		{"r0 = 2\nif r1 == 0 goto a\nr0 = 1\na: exit", map[int]int32{0: 2, 2: 1}},
		{"r0 = 2\nr0 = 1\nexit", map[int]int32{1: 1}},
		{"r0 = 2\nr0 += 1\nexit", map[int]int32{}},
		{"r0 = 2\nif r0 == r1 goto a\na: exit", map[int]int32{}},
		{"r0 = 2\ncall 5\nexit", map[int]int32{}},
		{"r0 = 2\n*(u64 *)(r10 - 8) = r0\nexit", map[int]int32{}},
		{"r0 = 2\na: r1 += 1\nif r1 != 5 goto a\nexit", map[int]int32{0: 2}},
		{"r0 = 2\nr1 = 0 ll\nexit", map[int]int32{0: 2}},
	} {
		p := program(t, "\t.program xdp, p\n"+test.source+"\n")
		if got := Of(p)[0].Results(p.Instructions); !maps.Equal(got, test.want) {
			t.Errorf("%q: %v, want %v", test.source, got, test.want)
		}
	}
}
