package vm

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// operations is a program that does count random things with map 0, without looking at
// values that others may be writing.
func operations(rng *rand.Rand, m *bpf.Map, count int) []bpf.Instruction {
	may := mapKinds[m.Type].may
	var prog []bpf.Instruction
	for range count {
		arguments := join(mapAt(r1, 0), move(r2, fp), add(r2, -8), storeK(4, fp, -8, rng.Int32N(20)), storeK(4, fp, -4, rng.Int32N(3)))
		if m.Type == linux.MapLPMTrie {
			arguments = join(arguments, storeK(4, fp, -8, rng.Int32N(33)))
		}
		value := join(move(r3, fp), add(r3, -16), storeK(8, fp, -16, rng.Int32()), set(r4, 0))
		for _, c := range []struct {
			use  mapUses
			call []bpf.Instruction
		}{
			{useLookup, join(call(int32(linux.FnMapLookupElem)))},
			{useUpdate, join(value, call(int32(linux.FnMapUpdateElem)))},
			{useDelete, join(call(int32(linux.FnMapDeleteElem)))},
			{usePush, join(set(r3, linux.Exist), call(int32(linux.FnMapPushElem)))},
			{usePop, join(call(int32(linux.FnMapPopElem)))},
			{usePeek, join(call(int32(linux.FnMapPeekElem)))},
		} {
			if may&c.use != 0 && rng.IntN(2) == 0 {
				if c.use == usePush && m.Type == linux.MapBloomFilter {
					c.call[0] = set(r3, linux.Any)
				}
				prog = join(prog, arguments, c.call)
			}
		}
	}
	return join(prog, set(r0, 2), exit)
}

// together runs the programs on a worker each, on CPUs of their own.
func together(t *testing.T, m *Machine, runs int) {
	t.Helper()
	var wait sync.WaitGroup
	for cpu, w := range m.Workers() {
		wait.Go(func() {
			frame := &Frame{Data: make([]byte, 60), CPU: cpu}
			for range runs {
				if _, err := w.RunXDP(m.Programs()[cpu%len(m.Programs())], frame); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestMapsOfSeveralWorkers: programs that change a map at the same time leave it whole.
// Its point is the race detector.
func TestMapsOfSeveralWorkers(t *testing.T) {
	const workers = 4
	for _, kind := range emulated() {
		def := plain(kind)
		def.Name = "m"
		if def.MaxEntries == 4 {
			def.MaxEntries = 16
		}
		obj := &bpf.Object{Maps: []*bpf.Map{def}}
		rng := rand.New(rand.NewPCG(uint64(kind), 6))
		for i := range workers {
			p := program(operations(rng, def, 100))
			p.Name = fmt.Sprint("prog", i)
			obj.Programs = append(obj.Programs, p)
		}
		m, err := New(obj, Options{CPUs: workers, Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		together(t, m, 50)
		mp := m.Maps()[0]
		n := 0
		for key, value := range mp.All() {
			if n++; key == nil {
				continue
			}
			if got, err := mp.Lookup(key); mp.kind.lookup == 0 && (err != nil || string(got) != string(value)) {
				t.Errorf("%s: key %x has %x in the walk, %x by lookup: %v", kind, key, value, got, err)
			}
		}
		if n != mp.Len() || n > int(max(def.MaxEntries, 1)) {
			t.Errorf("%s: %d entries, %d by Len, of at most %d", kind, n, mp.Len(), def.MaxEntries)
		}
	}
}

// TestSpinLockOfSeveralWorkers: what programs do under a lock is not mixed up.
func TestSpinLockOfSeveralWorkers(t *testing.T) {
	const workers, runs, rounds = 4, 200, 20
	def := &bpf.Map{
		Name: "m", Type: linux.MapHash, KeySize: 4, ValueSize: 24, MaxEntries: 4,
		Key: &btf.Int{Name: "int", Size: 4}, Value: lockedValue(),
	}
	add1 := join(
		move(r1, r6), add(r1, 8), call(int32(linux.FnSpinLock)),
		load(8, r7, r6, 0), add(r7, 1), store(8, r6, 0, r7), store(8, r6, 16, r7),
		move(r1, r6), add(r1, 8), call(int32(linux.FnSpinUnlock)),
	)
	prog := join(
		storeK(4, fp, -4, 1), mapAt(r1, 0), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)),
		jumpIf(bpf.OpJNE, r0, 0, 2), set(r0, 1), exit, move(r6, r0), set(r9, rounds),
		add1, add(r9, -1), jumpIf(bpf.OpJNE, r9, 0, int16(-len(add1)-2)),
		set(r0, 2), exit,
	)
	m, err := New(&bpf.Object{Maps: []*bpf.Map{def}, Programs: []*bpf.Program{program(prog)}}, Options{CPUs: workers, Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	mp := m.Maps()[0]
	if err := mp.Update(word(1), make([]byte, 24), linux.Any); err != nil {
		t.Fatal(err)
	}
	together(t, m, runs)
	value, err := mp.LookupWithFlags(word(1), linux.FLock)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int{0, 16} {
		if n := binary.LittleEndian.Uint64(value[off:]); n != workers*runs*rounds {
			t.Errorf("%d additions at %d, want %d", n, off, workers*runs*rounds)
		}
	}
}
