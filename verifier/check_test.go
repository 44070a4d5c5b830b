package verifier

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

func (c *testCase) program() (*bpf.Program, *bpf.Object) {
	p := &bpf.Program{Name: "main", Type: c.prog, Instructions: c.insns, Functions: c.functions}
	if p.Type == linux.ProgUnspec {
		p.Type = linux.ProgSocketFilter
	}
	return p, &bpf.Object{Maps: c.maps, Programs: []*bpf.Program{p}}
}

func TestCheck(t *testing.T) {
	for _, c := range allCases() {
		t.Run(c.name, func(t *testing.T) {
			got := Check(c.program())
			if c.want == nil && got != nil {
				t.Fatalf("got %v, want nothing", got)
			}
			for i, d := range got {
				if i >= len(c.want) {
					t.Errorf("unexpected: %v", d)
					continue
				}
				w := c.want[i]
				if d.PC != w.pc || !errors.Is(d, w.err) || d.Err.Error() != w.err.Error()+": "+w.text || d.Warn != w.warn {
					t.Errorf("got  insn %d, warn %v: %v\nwant insn %d, warn %v: %v: %s", d.PC, d.Warn, d.Err, w.pc, w.warn, w.err, w.text)
				}
				if len(d.Note) == 0 || !strings.HasPrefix(d.Note[0], "kernel: ") {
					t.Errorf("notes are %q, want the kernel's line first", d.Note)
				}
			}
			if len(got) < len(c.want) {
				t.Errorf("missing: %v", c.want[len(got):])
			}
		})
	}
}

func TestCheckDegenerate(t *testing.T) {
	if got := Check(nil, nil); !errors.Is(got.Err(), ErrSize) {
		t.Errorf("no program: got %v", got)
	}
	p := &bpf.Program{Instructions: prog(mapLoad(bpf.PseudoMapIdx, 7, 0), mov(0, 0), exit)}
	if got := Check(p, nil); got != nil {
		t.Errorf("maps not known: got %v", got)
	}
	p = &bpf.Program{Instructions: []bpf.Instruction{{Op: 0xb7, Dst: 200}, exit}}
	if got := Check(p, nil); !errors.Is(got.Err(), ErrInvalidInstruction) {
		t.Errorf("register 200: got %v", got)
	}
}

func TestCheckLargest(t *testing.T) {
	insns := append(repeat(MaxInstructions-1, mov(0, 0)), exit)
	if got := Check(&bpf.Program{Instructions: insns}, nil); got != nil {
		t.Errorf("%d instructions: got %v", len(insns), got)
	}
	insns = append(insns, exit)
	if got := Check(&bpf.Program{Instructions: insns}, nil); !errors.Is(got.Err(), ErrSize) {
		t.Errorf("%d instructions: got %v", len(insns), got)
	}
}

// The place of a finding in the source, and how it looks.
func TestCheckRender(t *testing.T) {
	p := &bpf.Program{
		Name:         "count",
		Instructions: prog(mov(0, 0), store(8, 10, 8), exit),
		Lines: []bpf.Line{
			{PC: 0, Pos: bpf.Pos{File: "count.s", Line: 3, Col: 5}, Text: "    r0 = 0"},
			{PC: 1, Pos: bpf.Pos{File: "count.s", Line: 4, Col: 5}, Text: "    *(u64 *)(r10 + 8) = 0"},
			{PC: 2, Pos: bpf.Pos{File: "count.s", Line: 5, Col: 5}, Text: "    exit"},
		},
	}
	var b strings.Builder
	if err := bpf.Render(&b, Check(p, nil)); err != nil {
		t.Fatal(err)
	}
	const want = "count.s:4:5: count: insn 1: outside the stack frame: write of 8 bytes at r10+8, the frame is r10-512 to r10-1\n" +
		"    4 |     *(u64 *)(r10 + 8) = 0\n" +
		"      |     ^\n" +
		"      = kernel: invalid write to stack R10 off=8 size=8\n"
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}

// Whatever the bytes, Check answers, in the order of the instructions and
// always in the same way.
func FuzzCheck(f *testing.F) {
	for _, c := range allCases() {
		if len(c.insns) > 0 && len(c.insns) < 100 {
			f.Add(bpf.Encode(c.insns, little), uint32(c.prog), []byte{byte(len(c.functions)), 3})
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		f.Add(bpf.Encode(randomProgram(rng), little), uint32(1), []byte(nil))
	}
	f.Fuzz(func(t *testing.T, code []byte, progType uint32, lens []byte) {
		insns, err := bpf.Decode(code[:len(code)/8*8], little)
		if err != nil {
			t.Fatal(err)
		}
		p := &bpf.Program{Type: linux.ProgramType(progType), Instructions: insns}
		start := 0
		for _, n := range lens {
			p.Functions = append(p.Functions, bpf.Function{Name: "f", Start: start, Len: int(int8(n))})
			start += int(n)
		}
		got := Check(p, &bpf.Object{Maps: testMaps})
		for i, d := range got {
			if i > 0 && d.PC < got[i-1].PC {
				t.Errorf("insn %d after insn %d", d.PC, got[i-1].PC)
			}
			if d.PC != bpf.NoPC && (d.PC < 0 || d.PC >= len(insns)) {
				t.Errorf("insn %d of %d", d.PC, len(insns))
			}
			if d.Err == nil || len(d.Note) == 0 {
				t.Errorf("finding without words: %+v", d)
			}
		}
		if again := Check(p, &bpf.Object{Maps: testMaps}); again.Error() != got.Error() {
			t.Errorf("first %v\nthen %v", got, again)
		}
	})
}
