package vm

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// runAnything runs instructions that nobody checked, which may end in any way
// but a panic, and leaves the caller's packet alone.
func runAnything(t *testing.T, insns []bpf.Instruction) error {
	t.Helper()
	rodata := arrayMap(".rodata", 16, 1)
	rodata.Frozen = true
	obj := &bpf.Object{Name: "any", Programs: []*bpf.Program{program(insns)}, Maps: []*bpf.Map{
		arrayMap("a", 13, 3), rodata,
		{Name: "h", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 2},
		{Name: "p", Type: linux.MapPercpuHash, KeySize: 3, ValueSize: 5, MaxEntries: 2},
		{Name: "d", Type: linux.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 2},
		{Name: "t", Type: linux.MapLPMTrie, KeySize: 8, ValueSize: 4, MaxEntries: 2, Flags: linux.FNoPrealloc},
	}}
	m, err := New(obj, Options{CPUs: 2, Limit: 300, Trace: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	p := m.Programs()[0]
	packet := bytesUpTo(60)
	_, err = p.RunXDP(&Frame{Data: packet, CPU: 1})
	if string(packet) != string(bytesUpTo(60)) {
		t.Error("the caller's packet changed")
	}
	var f *Fault
	if err != nil && !errors.As(err, &f) {
		t.Errorf("%v is no fault", err)
	}
	if f != nil {
		_ = f.Diagnostic().Error()
	}
	_, _ = p.RunRaw(bytesUpTo(100))
	for _, mp := range m.Maps() {
		for range mp.All() { // must not panic either
			continue
		}
	}
	return err
}

// TestAnyInstructions runs random instructions, most of them of some form.
func TestAnyInstructions(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	var helperIDs []int32
	for id := range helperIndex {
		helperIDs = append(helperIDs, int32(id))
	}
	kinds := []error{nil, ErrOutOfBounds, ErrNull, ErrReadOnly, ErrLimit, ErrInvalid, ErrArgument, ErrNotEmulated}
	ends := map[error]int{}
	for range 1500 {
		insns := make([]bpf.Instruction, 1+rng.IntN(30))
		for i := range insns {
			insns[i] = anyInstruction(rng, helperIDs)
		}
		err := runAnything(t, insns)
		for _, kind := range kinds {
			if errors.Is(err, kind) {
				ends[kind]++
			}
		}
	}
	t.Log(ends)
	for _, kind := range kinds {
		if ends[kind] == 0 {
			t.Errorf("none ended with %v", kind)
		}
	}
}

func anyInstruction(rng *rand.Rand, helperIDs []int32) bpf.Instruction {
	if rng.IntN(100) == 0 {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], rng.Uint64())
		return bpf.DecodeOne(b[:], binary.LittleEndian)
	}
	f := bpf.Forms()[rng.IntN(len(bpf.Forms()))]
	in := bpf.Instruction{Op: f.Op, Src: f.Src, Off: f.Off, Imm: f.Imm}
	for _, part := range f.Parts() {
		switch part.Operand {
		case bpf.OperandDst, bpf.OperandDstW:
			in.Dst = bpf.Register(rng.IntN(11))
		case bpf.OperandSrc, bpf.OperandSrcW:
			in.Src = bpf.Register(rng.IntN(11))
		case bpf.OperandOff, bpf.OperandMod:
			in.Off = int16(rng.IntN(40) - 20)
		case bpf.OperandJump:
			in.Off = int16(rng.IntN(8) - 3)
		case bpf.OperandFar, bpf.OperandFunc:
			in.Imm = rng.Int32N(8) - 3
		case bpf.OperandCall:
			in.Imm = helperIDs[rng.IntN(len(helperIDs))]
		case bpf.OperandLong:
			in.Imm = rng.Int32N(8)
		case bpf.NoOperand:
		default:
			in.Imm = int32(pick(rng))
		}
	}
	return in
}

func FuzzRun(f *testing.F) {
	for _, c := range faultCases {
		f.Add(bpf.Encode(c.prog, binary.LittleEndian))
	}
	for _, w := range workloads() {
		f.Add(bpf.Encode(w.prog, binary.LittleEndian))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		insns, err := bpf.Decode(raw[:len(raw)/8*8], binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		_ = runAnything(t, insns)
	})
}
