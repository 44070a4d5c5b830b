package vm

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// operands are the values that arithmetic goes wrong at.
var operands = []uint64{
	0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
	0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
	0x8000000000000000, 0xffffffff00000000, 0xffffffff80000000, 0xffffffffffffffff, 0x0123456789abcdef,
}

// TestInterpreterMeansWhatBPFSays holds every ALU and conditional form of the
// table to bpf.ALU and bpf.Condition.
func TestInterpreterMeansWhatBPFSays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := machine(t, join(exit))
	for _, f := range bpf.Forms() {
		probe := bpf.Instruction{Op: f.Op, Off: f.Off, Imm: f.Imm}
		if f.Alias || !probe.IsALU() && !probe.IsConditional() {
			continue
		}
		fixedImm := probe.IsALU() && probe.Code() == bpf.OpEnd
		for range 400 {
			in := bpf.Instruction{Op: f.Op, Dst: bpf.R6, Off: f.Off, Imm: f.Imm}
			dst, src := pick(rng), pick(rng)
			if in.UsesSourceRegister() && !fixedImm {
				in.Src = bpf.R7
				if rng.IntN(8) == 0 {
					in.Src, src = bpf.R6, dst
				}
			} else if !fixedImm && in.Code() != bpf.OpNeg {
				in.Imm = int32(pick(rng))
			}
			if f.Op == 0xbf && f.Off == 1 {
				in.Imm = 1
			}
			if f2 := in.Form(); f2 == nil {
				t.Fatalf("%+v of form %q is no instruction", in, f.Syntax)
			}
			if probe.IsALU() {
				prog := join(bpf.LoadImm64(bpf.R6, 0, dst), bpf.LoadImm64(bpf.R7, 0, src), in,
					bpf.Instruction{Op: 0xbf, Dst: bpf.R0, Src: bpf.R6}, exit)
				check(t, p, in, prog, dst, src, bpf.ALU(in, dst, src))
				continue
			}
			in.Off = 1
			want := uint64(0)
			if bpf.Condition(in, dst, src) {
				want = 1
			}
			prog := join(bpf.LoadImm64(bpf.R6, 0, dst), bpf.LoadImm64(bpf.R7, 0, src), bpf.Instruction{Op: 0xb7, Imm: 1},
				in, bpf.Instruction{Op: 0xb7}, exit)
			check(t, p, in, prog, dst, src, want)
		}
	}
}

func pick(rng *rand.Rand) uint64 {
	if rng.IntN(4) == 0 {
		return rng.Uint64()
	}
	return operands[rng.IntN(len(operands))]
}

func check(t *testing.T, p *Program, in bpf.Instruction, prog []bpf.Instruction, dst, src, want uint64) {
	t.Helper()
	p.code = decode(&bpf.Program{Instructions: prog}, nil)
	got, err := p.RunRaw(nil)
	if err != nil || got != want {
		t.Fatalf("%s with %#x and %#x: got %#x (%v), want %#x", in, dst, src, got, err, want)
	}
}

// TestVectors runs a set of instruction-set vectors: small programs with
// input data and the expected low half of r0.
func TestVectors(t *testing.T) {
	file, err := os.Open(require.Shared(t, "corpus", "isa-vectors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	n := 0
	for lines.Scan() {
		var v struct {
			Name, Data, Insns string
			Sub               [][2]uint64
		}
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		data, _ := hex.DecodeString(v.Data)
		raw, _ := hex.DecodeString(v.Insns)
		insns, err := bpf.Decode(raw, binary.LittleEndian)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		p := machine(t, insns)
		for _, sub := range v.Sub {
			memory := make([]byte, sub[0])
			copy(memory, data)
			got, err := p.RunRaw(memory)
			if err != nil || uint32(got) != uint32(sub[1]) {
				t.Errorf("%s: got %#x (%v), want %#x", v.Name, uint32(got), err, sub[1])
			}
			n++
		}
	}
	t.Logf("%d runs", n)
	if n == 0 {
		t.Error("no vectors")
	}
}
