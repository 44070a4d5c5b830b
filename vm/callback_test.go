package vm

import (
	"encoding/binary"
	"errors"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// functionAt loads the address of the function that begins distance slots behind
// the next instruction.
func functionAt(dst bpf.Register, distance int32) []bpf.Instruction {
	return []bpf.Instruction{{Op: bpf.ClassLD | bpf.SizeDW | bpf.ModeIMM, Dst: dst, Src: bpf.PseudoFunc, Imm: distance}, {}}
}

// TestLoop: the function adds its round's number to what r3 points to, and may
// end the loop.
func TestLoop(t *testing.T) {
	summing := join(load(8, r3, r2, 0), aluX(bpf.OpAdd, r3, r1), store(8, r2, 0, r3))
	for _, c := range []struct {
		name      string
		count     int32
		flags     int32
		function  []bpf.Instruction
		sum, want uint64
		fault     error
	}{
		{"all", 10, 0, join(summing, set(r0, 0), exit), 45, 10, nil},
		{"none", 0, 0, join(summing, set(r0, 0), exit), 0, 0, nil},
		{"until 3", 10, 0, join(summing, set(r0, 0), jumpIf(bpf.OpJNE, r1, 3, 1), set(r0, 1), exit), 6, 4, nil},
		{"registers survive", 3, 0, join(summing, set(r6, 0), set(r7, 0), set(r9, 0), set(r0, 0), exit), 3, 3, nil},
		{"flags", 10, 1, join(summing, set(r0, 0), exit), 0, result(linux.EINVAL), nil},
		{"too often", 8<<20 + 1, 0, join(summing, set(r0, 0), exit), 0, errno32(linux.E2BIG), nil},
		{"bad answer", 3, 0, join(set(r0, 2), exit), 0, 0, ErrArgument},
		{"fault within", 3, 0, join(set(r1, 0), load(8, r0, r1, 0), exit), 0, 0, ErrNull},
	} {
		main := join(storeK(8, fp, -8, 0), set(r1, c.count), functionAt(r2, 0), move(r3, fp), add(r3, -8), set(r4, c.flags), call(int32(linux.FnLoop)),
			load(8, r1, fp, -8), alu(bpf.OpLsh, r1, 32), aluX(bpf.OpOr, r0, r1), exit)
		main[2].Imm = int32(len(main)) - 3
		p := machine(t, join(main, c.function))
		r0, err := p.RunRaw(nil)
		if c.fault != nil {
			fault := (*Fault)(nil)
			if !errors.Is(err, c.fault) || !errors.As(err, &fault) || c.fault == ErrNull && fault.PC != len(main)+1 {
				t.Errorf("%s: %v, want %v in the function", c.name, err, c.fault)
			}
			continue
		}
		if want := c.sum<<32 | c.want; err != nil || r0 != want {
			t.Errorf("%s: %#x, %v; want %#x", c.name, r0, err, want)
		}
	}
}

// TestTailCall: a program that calls itself as often as it may, from its main
// function and from a called one.
func TestTailCall(t *testing.T) {
	jumps := &bpf.Map{Name: "jumps", Type: linux.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2, Values: []bpf.MapValue{{Index: 1, Name: "again"}}}
	count := &bpf.Map{Name: "count", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	counting := join(valueAt(r2, 1, 0), load(8, r3, r2, 0), add(r3, 1), store(8, r2, 0, r3))
	direct := join(counting, mapAt(r2, 0), set(r3, 1), call(int32(linux.FnTailCall)), set(r0, 7), exit)
	within := join(counting, callLocal(2), add(r0, 1), exit, mapAt(r2, 0), set(r3, 1), call(int32(linux.FnTailCall)), set(r0, 7), exit)
	absent := join(counting, mapAt(r2, 0), set(r3, 0), call(int32(linux.FnTailCall)), set(r0, 7), exit)
	for _, c := range []struct {
		name        string
		prog        []bpf.Instruction
		runs, value uint64
	}{
		{"direct", direct, 34, 7},
		{"in a function", within, 34, 7 + 34},
		{"absent", absent, 1, 7},
	} {
		obj := &bpf.Object{Maps: []*bpf.Map{jumps, count}, Programs: []*bpf.Program{{Name: "again", Type: linux.ProgXDP, Instructions: c.prog}}}
		m, err := New(obj, Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Programs()[0].RunXDP(&Frame{Data: make([]byte, 60)})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		b, _ := m.Map("count").Lookup(make([]byte, 4))
		if runs := binary.LittleEndian.Uint64(b); uint64(out.Verdict) != c.value || runs != c.runs {
			t.Errorf("%s: %d after %d runs, want %d after %d", c.name, out.Verdict, runs, c.value, c.runs)
		}
	}
}
