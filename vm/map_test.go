package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// TestHashTableAgainstModel holds the hash table to Go's map, over sizes of
// keys, with many collisions of place.
func TestHashTableAgainstModel(t *testing.T) {
	for _, keySize := range []int{1, 2, 3, 4, 5, 8, 12, 16, 37} {
		rng := rand.New(rand.NewPCG(uint64(keySize), 2))
		table, model := newHashTable(keySize), map[string]int{}
		entryOf := map[int]string{}
		for step := range 30000 {
			key := make([]byte, keySize)
			binary.LittleEndian.PutUint16(append(key, 0, 0)[keySize-min(keySize, 2):], uint16(rng.IntN(1+step/20)))
			e, known := model[string(key)]
			if got := table.position(key); known && got != e || !known && got != -1 {
				t.Fatalf("keys of %d bytes, step %d: found %d, want %d (%v)", keySize, step, got, e, known)
			}
			switch {
			case !known:
				e = table.add(key, step)
				if other, taken := entryOf[e]; taken {
					t.Fatalf("entry %d given to %x and %x", e, other, key)
				}
				model[string(key)], entryOf[e] = e, string(key)
			case rng.IntN(3) > 0:
				if slot := table.find(key); slot != table.drop(e) {
					t.Fatalf("step %d: another slot is dropped than was found", step)
				}
				delete(model, string(key))
				delete(entryOf, e)
			}
			if table.count != len(model) {
				t.Fatalf("%d entries, want %d", table.count, len(model))
			}
		}
		if len(table.places) > 2*len(model)+5000 {
			t.Errorf("%d places for %d entries", len(table.places), len(model))
		}
	}
}

// TestMapsAgainstModel holds Update, Lookup, Delete and All of every kind of
// map to Go's map, with four CPUs.
func TestMapsAgainstModel(t *testing.T) {
	for _, kind := range []linux.MapType{linux.MapArray, linux.MapPercpuArray, linux.MapHash, linux.MapPercpuHash} {
		for _, valueSize := range []uint32{1, 4, 8, 13, 5000} {
			def := &bpf.Map{Name: "m", Type: kind, KeySize: 4, ValueSize: valueSize, MaxEntries: 50}
			m, err := newMap(&Machine{mem: newMemory(), cpus: 4}, def)
			if err != nil {
				t.Fatal(err)
			}
			array := !(kind == linux.MapHash || kind == linux.MapPercpuHash)
			total := int(valueSize) * m.CPUs()
			if want := map[bool]int{true: 4, false: 1}[kind.PerCPU()]; m.CPUs() != want {
				t.Fatalf("%s: %d CPUs", kind, m.CPUs())
			}
			model := map[uint32][]byte{}
			if array {
				for i := range def.MaxEntries {
					model[i] = make([]byte, total)
				}
			}
			rng := rand.New(rand.NewPCG(uint64(kind), uint64(valueSize)))
			for range 2000 {
				key := uint32(rng.IntN(70))
				old, known := model[key]
				switch rng.IntN(3) {
				case 0:
					value := bytes.Repeat([]byte{byte(rng.Uint32())}, total)
					value[total-1]++
					flags := uint64(rng.IntN(3))
					var want error
					switch {
					case array && key >= def.MaxEntries:
						want = linux.E2BIG
					case known && flags == linux.NoExist:
						want = linux.EEXIST
					case !known && flags == linux.Exist:
						want = linux.ENOENT
					case !known && len(model) == int(def.MaxEntries):
						want = linux.E2BIG
					default:
						model[key] = value
					}
					if got := m.Update(word(key), value, flags); got != want {
						t.Fatalf("%s: update of %d, flags %d: %v, want %v", kind, key, flags, got, want)
					}
				case 1:
					want := error(linux.ENOENT)
					if known {
						want = nil
					}
					got, err := m.Lookup(word(key))
					if err != want || !bytes.Equal(got, old) {
						t.Fatalf("%s: lookup of %d: %v, want %v", kind, key, err, want)
					}
				default:
					var want error
					switch {
					case array:
						want = linux.EINVAL
					case !known:
						want = linux.ENOENT
					default:
						delete(model, key)
					}
					if got := m.Delete(word(key)); got != want {
						t.Fatalf("%s: delete of %d: %v, want %v", kind, key, got, want)
					}
				}
			}
			n := 0
			for k, v := range m.All() {
				if !bytes.Equal(v, model[binary.LittleEndian.Uint32(k)]) {
					t.Errorf("%s: wrong value of %x", kind, k)
				}
				n++
			}
			if n != len(model) {
				t.Errorf("%s: %d entries, want %d", kind, n, len(model))
			}
		}
	}
}

func keysOf(m *Map) (keys []uint32) {
	for k := range m.All() {
		keys = append(keys, binary.LittleEndian.Uint32(k))
	}
	return keys
}

func TestIterationOrder(t *testing.T) {
	m := machine(t, join(exit), &bpf.Map{Name: "h", Type: linux.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 10}).machine.Map("h")
	for _, k := range []uint32{7, 3, 9, 1} {
		if err := m.Update(word(k), word(k), linux.Any); err != nil {
			t.Fatal(err)
		}
	}
	if got := keysOf(m); !slices.Equal(got, []uint32{7, 3, 9, 1}) {
		t.Errorf("as added: %v", got)
	}
	if err := m.Delete(word(3)); err != nil {
		t.Fatal(err)
	}
	for _, k := range []uint32{5, 6} {
		if err := m.Update(word(k), word(k), linux.Any); err != nil {
			t.Fatal(err)
		}
	}
	if got := keysOf(m); !slices.Equal(got, []uint32{7, 5, 9, 1, 6}) {
		t.Errorf("the gap is filled first: %v", got)
	}
	for range m.All() {
		break // stopping early is allowed
	}
	for k, v := range m.All() { // copies
		k[0], v[0] = 99, 99
	}
	if v, err := m.Lookup(word(7)); err != nil || v[0] != 7 {
		t.Errorf("the iterator gave more than copies: %v, %v", v, err)
	}
}

// TestPerCPUViews: a program works on its CPU's value, Go sees all, and what a
// program adds is zero on the others.
func TestPerCPUViews(t *testing.T) {
	for _, kind := range []linux.MapType{linux.MapPercpuArray, linux.MapPercpuHash} {
		prog := join(
			storeK(4, fp, -4, 1), storeK(8, fp, -16, 40),
			mapAt(r1, 0), move(r2, fp), add(r2, -4), move(r3, fp), add(r3, -16), set(r4, 0), call(int32(linux.FnMapUpdateElem)),
			mapAt(r1, 0), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)),
			load(8, r1, r0, 0), add(r1, 2), store(8, r0, 0, r1), set(r0, 2), exit,
		)
		obj := &bpf.Object{
			Name: "o", Maps: []*bpf.Map{{Name: "m", Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 3}}, Programs: []*bpf.Program{program(prog)},
		}
		machine, err := New(obj, Options{CPUs: 4})
		if err != nil {
			t.Fatal(err)
		}
		m := machine.Map("m")
		if kind == linux.MapPercpuHash { // an entry that comes back is new
			if err := m.Update(word(1), bytes.Repeat([]byte{0xff}, 32), linux.Any); err != nil {
				t.Fatal(err)
			}
			if err := m.Delete(word(1)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := machine.Program("prog").RunXDP(&Frame{Data: make([]byte, 60), CPU: 2}); err != nil {
			t.Fatal(err)
		}
		want := make([]byte, 32)
		want[16] = 42
		if got, err := m.Lookup(word(1)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v, %v", kind, got, err)
		}
	}
}

func TestMapErrors(t *testing.T) {
	frozen := arrayMap(".rodata", 4, 1)
	frozen.Frozen = true
	m := machine(t, join(exit), &bpf.Map{Name: "h", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 2}, frozen).machine
	h := m.Map("h")
	for name, err := range map[string]error{
		"short key":   h.Update([]byte{1}, make([]byte, 8), linux.Any),
		"long key":    h.Delete(make([]byte, 5)),
		"short value": h.Update(word(1), make([]byte, 7), linux.Any),
		"flags":       h.Update(word(1), make([]byte, 8), 3),
	} {
		if !errors.Is(err, linux.EINVAL) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Lookup(nil); !errors.Is(err, linux.EINVAL) {
		t.Errorf("no key: %v", err)
	}
	r := m.Map(".rodata")
	if err := r.Update(word(0), word(0), linux.Any); err != linux.EPERM {
		t.Errorf("update of a frozen map: %v", err)
	}
	if err := r.Delete(word(0)); err != linux.EPERM {
		t.Errorf("delete from a frozen map: %v", err)
	}
	for name, def := range map[string]*bpf.Map{
		"contents of a hash":     {Name: "m", Type: linux.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 1, Contents: make([]byte, 4)},
		"contents too long":      {Name: "m", Type: linux.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Contents: make([]byte, 5)},
		"no entries":             {Name: "m", Type: linux.MapArray, KeySize: 4, ValueSize: 4},
		"a key of 8 in an array": {Name: "m", Type: linux.MapArray, KeySize: 8, ValueSize: 4, MaxEntries: 1},
	} {
		_, err := New(&bpf.Object{Name: "o", Maps: []*bpf.Map{def}}, Options{})
		if err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
