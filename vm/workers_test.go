package vm

import (
	"encoding/binary"
	"sync"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// TestWorkers: atomics hold when several workers run a program, and each simulated
// CPU has its own value of a per-CPU map.
func TestWorkers(t *testing.T) {
	const workers, runs = 4, 2000
	maps := []*bpf.Map{
		{Name: "shared", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
		{Name: "own", Type: linux.MapPercpuArray, KeySize: 4, ValueSize: 8, MaxEntries: 1},
	}
	prog := join(valueAt(r1, 0, 0), set(r2, 1), atomicOp(8, bpf.AtomicAdd, r1, 0, r2),
		storeK(4, fp, -4, 0), mapAt(r1, 1), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)), jumpIf(bpf.OpJEQ, r0, 0, 3),
		load(8, r1, r0, 0), add(r1, 1), store(8, r0, 0, r1), set(r0, linux.XDPPass), exit)
	m, err := New(&bpf.Object{Maps: maps, Programs: []*bpf.Program{program(prog)}}, Options{CPUs: workers, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for cpu, w := range m.Workers() {
		wait.Go(func() {
			frame := &Frame{Data: make([]byte, 60), CPU: cpu}
			for range runs {
				if _, err := w.RunXDP(m.Programs()[0], frame); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
	key := make([]byte, 4)
	if b, _ := m.Map("shared").Lookup(key); binary.LittleEndian.Uint64(b) != workers*runs {
		t.Errorf("shared: %d", binary.LittleEndian.Uint64(b))
	}
	b, _ := m.Map("own").Lookup(key)
	for cpu := range workers {
		if n := binary.LittleEndian.Uint64(b[cpu*8:]); n != runs {
			t.Errorf("CPU %d: %d", cpu, n)
		}
	}
}
