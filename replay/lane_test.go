package replay

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/vm"
)

// countingMachine has a program that drops packets with an odd last byte in the
// address, faults on packets that end before, and counts on each CPU.
func countingMachine(t *testing.T, cpus, workers int) *vm.Machine {
	t.Helper()
	insns := []bpf.Instruction{
		{Op: bpf.ClassLDX | bpf.ModeMEM | bpf.SizeW, Dst: bpf.R2, Src: bpf.R1},          // data
		{Op: bpf.ClassLDX | bpf.ModeMEM | bpf.SizeB, Dst: bpf.R6, Src: bpf.R2, Off: 64}, // faults on short ones
		{Op: bpf.ClassST | bpf.ModeMEM | bpf.SizeW, Dst: bpf.R10, Off: -4},              // key 0
		{Op: bpf.ClassLD | bpf.ModeIMM | bpf.SizeDW, Dst: bpf.R1, Src: bpf.PseudoMapIdx},
		{},
		{Op: bpf.ClassALU64 | bpf.OpMov | bpf.SourceX, Dst: bpf.R2, Src: bpf.R10},
		{Op: bpf.ClassALU64 | bpf.OpAdd, Dst: bpf.R2, Imm: -4},
		{Op: bpf.OpcodeCall, Imm: int32(linux.FnMapLookupElem)},
		{Op: bpf.ClassJMP | bpf.OpJEQ, Dst: bpf.R0, Off: 3},
		{Op: bpf.ClassLDX | bpf.ModeMEM | bpf.SizeDW, Dst: bpf.R1, Src: bpf.R0},
		{Op: bpf.ClassALU64 | bpf.OpAdd, Dst: bpf.R1, Imm: 1},
		{Op: bpf.ClassSTX | bpf.ModeMEM | bpf.SizeDW, Dst: bpf.R0, Src: bpf.R1},
		{Op: bpf.ClassALU64 | bpf.OpAnd, Dst: bpf.R6, Imm: 1},
		{Op: bpf.ClassALU64 | bpf.OpMov | bpf.SourceX, Dst: bpf.R0, Src: bpf.R6},
		{Op: bpf.ClassALU64 | bpf.OpAdd, Dst: bpf.R0, Imm: int32(linux.XDPDrop)}, // drop or pass
		{Op: bpf.OpcodeExit},
	}
	m, err := vm.New(&bpf.Object{
		Maps:     []*bpf.Map{{Name: "counts", Type: linux.MapPercpuArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}},
		Programs: []*bpf.Program{{Name: "p", Type: linux.ProgXDP, Instructions: insns, Functions: []bpf.Function{{Len: len(insns)}}}},
	}, vm.Options{CPUs: cpus, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestWorkersCountTheSame runs a capture on one worker and on several.
func TestWorkersCountTheSame(t *testing.T) {
	const cpus = 5
	capture := classicFiles[0].build(samplePackets(manySizes(20000)...))
	type result struct {
		Verdicts []Verdict
		Faults   []int64
		Counts   []byte
		Packets  Tally
	}
	var want result
	for workers := range cpus + 2 {
		m := countingMachine(t, cpus, max(1, workers))
		r := &Runner{Programs: m.Programs(), CPUs: cpus}
		if workers > 0 {
			r.Workers = m.Workers()
		}
		c, err := OpenCapture(bytes.NewReader(capture))
		if err != nil {
			t.Fatal(err)
		}
		report, err := r.Run(c)
		if err != nil {
			t.Fatal(err)
		}
		p := report.Programs[0]
		counts, err := m.Maps()[0].Lookup(make([]byte, 4))
		if err != nil {
			t.Fatal(err)
		}
		got := result{p.Verdicts, nil, counts, report.Tally}
		for _, f := range p.Faults {
			got.Faults = append(got.Faults, int64(f.PC), f.Count, f.FirstPacket)
		}
		if workers == 0 {
			want = got
			if len(p.Verdicts) != 2 || len(p.Faults) != 1 || binary.LittleEndian.Uint64(counts) == 0 {
				t.Fatalf("%+v", got)
			}
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d workers: %s", workers, diff)
		}
	}
}

func manySizes(n int) []int {
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = 60 + i*7%900
	}
	return sizes
}
