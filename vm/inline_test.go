package vm

import (
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// TestInlinedLookups: calls with an operation of their own do what the helpers do.
func TestInlinedLookups(t *testing.T) {
	maps := []*bpf.Map{
		{Name: "array", Type: linux.MapArray, KeySize: 4, ValueSize: 12, MaxEntries: 3},
		{Name: "percpu", Type: linux.MapPercpuArray, KeySize: 4, ValueSize: 8, MaxEntries: 3},
		{Name: "hash", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 3},
	}
	lookUp := call(int32(linux.FnMapLookupElem))
	key := func(k int32) []bpf.Instruction { return join(storeK(4, fp, -4, k), move(r2, fp), add(r2, -4)) }
	for _, c := range []struct {
		name    string
		inlined int
		prog    []bpf.Instruction
	}{
		{"array", 1, join(key(2), mapAt(r1, 0), lookUp, exit)},
		{"the map first", 1, join(mapAt(r1, 0), key(1), lookUp, exit)},
		{"no such key", 1, join(key(3), mapAt(r1, 0), lookUp, exit)},
		{"per CPU", 1, join(key(2), mapAt(r1, 1), lookUp, exit)},
		{"hash", 0, join(key(2), mapAt(r1, 2), lookUp, exit)},
		{"kept in a register", 2, join(mapAt(r6, 0), key(2), move(r1, r6), lookUp, key(1), move(r1, r6), lookUp, exit)},
		{"r1 is gone after a call", 1, join(key(2), mapAt(r1, 0), lookUp, lookUp, exit)},
		{"one of two maps", 0, join(key(2), mapAt(r1, 0), load(4, r3, fp, -4), jumpIf(bpf.OpJEQ, r3, 2, 2), mapAt(r1, 1), lookUp, exit)},
		{"not a map any more", 0, join(key(2), mapAt(r1, 0), add(r1, 1), lookUp, exit)},
		{"swapped away", 0, join(key(2), mapAt(r1, 0), storeK(8, fp, -16, 0), atomicOp(8, bpf.AtomicXchg, fp, -16, r1), lookUp, exit)},
		{"a key that is not there", 1, join(set(r2, 0), mapAt(r1, 0), lookUp, exit)},
		{"CPU", 1, join(call(int32(linux.FnGetSmpProcessorId)), exit)},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := New(&bpf.Object{Maps: maps, Programs: []*bpf.Program{program(c.prog)}}, Options{CPUs: 3})
			if err != nil {
				t.Fatal(err)
			}
			p := m.Programs()[0]
			n := 0
			for _, in := range p.code.insts[:p.code.slots] {
				if in.op == opLookup || in.op == opCPU {
					n++
				}
			}
			if n != c.inlined {
				t.Errorf("%d calls have an operation of their own, expected %d", n, c.inlined)
			}
			plain := *p.code
			plain.insts, plain.before = plain.plain, plain.beforePlain
			for cpu := range 3 {
				frame := tcpFrame()
				frame.CPU = cpu
				got, gotErr := p.RunXDP(frame)
				want, wantErr := (&Program{p.machine, p.prog, &plain}).RunXDP(frame)
				if got.Verdict != want.Verdict || faultText(gotErr) != faultText(wantErr) {
					t.Errorf("CPU %d: %#x %v, expected %#x %v", cpu, got.Verdict, gotErr, want.Verdict, wantErr)
				}
			}
		})
	}
}
