package vm

import (
	"encoding/binary"
	"fmt"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// benchMaps are maps of 1,000 entries, with a key in each that is there.
func benchMaps() (all []*bpf.Map) {
	for _, kind := range []linux.MapType{
		linux.MapArray, linux.MapPercpuArray, linux.MapHash, linux.MapPercpuHash, linux.MapLRUHash, linux.MapLRUPercpuHash, linux.MapLPMTrie,
		linux.MapDevmap, linux.MapDevmapHash, linux.MapArrayOfMaps, linux.MapHashOfMaps, linux.MapQueue, linux.MapStack, linux.MapBloomFilter,
	} {
		def := *plain(kind)
		def.MaxEntries = 1000
		all = append(all, &def)
	}
	for _, keySize := range []uint32{8, 16, 37} {
		def := plain(linux.MapHash)
		def.KeySize, def.MaxEntries = keySize, 1000
		all = append(all, def)
	}
	wide := plain(linux.MapLPMTrie)
	wide.KeySize, wide.MaxEntries = 20, 1000
	return append(all, wide)
}

// mapBench is a map with values, and a thread with the arguments for its helpers.
type mapBench struct {
	t       *thread
	m       *Map
	address uint64
	key     []byte
}

func newMapBench(b testing.TB, def *bpf.Map) *mapBench {
	inner := &bpf.Map{Name: "a", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	machine := machine(b, join(exit), def, inner).machine
	bench := &mapBench{t: machine.workers[0].thread, m: machine.maps[0], address: machine.workers[0].thread.stackTop(0) - 256}
	memory, err := machine.mem.bytes(bench.address, 128, true)
	if err != nil {
		b.Fatal(err)
	}
	bench.key = memory[:def.KeySize]
	for i := range def.MaxEntries {
		value := make([]byte, def.ValueSize)
		binary.LittleEndian.PutUint32(value, 2) // of the inner map, an interface
		var err error
		switch {
		case def.KeySize == 0:
			err = bench.m.Update(nil, value, linux.Any)
		default:
			bench.setKey(i)
			err = bench.m.Update(bench.key, value, linux.Any)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return bench
}

func (b *mapBench) setKey(i uint32) {
	binary.LittleEndian.PutUint32(b.key, i)
	if b.m.def.Type == linux.MapLPMTrie { // prefixes of 24 bits
		binary.LittleEndian.PutUint32(b.key, 24)
		binary.BigEndian.PutUint32(b.key[4:], i*256*77)
	}
}

func (b *mapBench) call(f func(*thread, *registers), arguments ...uint64) uint64 {
	r := &b.t.regs
	r[1] = b.m.handle
	for i, v := range arguments {
		r[2+i] = v
	}
	f(b.t, r)
	return r[0]
}

func BenchmarkMaps(b *testing.B) {
	for _, def := range benchMaps() {
		name := fmt.Sprintf("%s/key=%d/", def.Type, def.KeySize)
		bench := newMapBench(b, def)
		run := func(what string, f func(i uint32)) {
			b.Run(name+what, func(b *testing.B) {
				b.ReportAllocs()
				i := uint32(0)
				for b.Loop() {
					f(i)
					if i++; i == def.MaxEntries {
						i = 0
					}
				}
				if bench.t.fault != nil {
					b.Fatal(bench.t.fault)
				}
			})
		}
		value := bench.address + 64
		if bench.m.kind.may&useLookup != 0 {
			run("lookup", func(i uint32) {
				bench.setKey(i)
				if bench.call(mapLookupElem, bench.address) == 0 {
					b.Fatal("not found")
				}
			})
		}
		if bench.m.kind.may&useUpdate != 0 {
			run("update", func(i uint32) {
				bench.setKey(i)
				bench.call(mapUpdateElem, bench.address, value, linux.Any)
			})
		}
		if bench.m.kind.may&useDelete != 0 && bench.m.Sparse() {
			run("delete+update", func(i uint32) {
				bench.setKey(i)
				bench.call(mapDeleteElem, bench.address)
				bench.call(mapUpdateElem, bench.address, value, linux.Any)
			})
		}
		if bench.m.kind.may&usePop != 0 {
			run("pop+push", func(uint32) {
				bench.call(mapPopElem, value)
				bench.call(mapPushElem, value, linux.Any)
			})
		}
		if bench.m.kind.may&usePeek != 0 {
			run("peek", func(uint32) { bench.call(mapPeekElem, value) })
		}
	}
}

// TestMapsDoNotAllocate: no operation of a program allocates memory, once the map has
// grown to its size.
func TestMapsDoNotAllocate(t *testing.T) {
	for _, def := range benchMaps() {
		bench := newMapBench(t, def)
		value := bench.address + 64
		uses := map[mapUses]func(){
			useLookup: func() { bench.call(mapLookupElem, bench.address) },
			useDelete: func() { bench.call(mapDeleteElem, bench.address) },
			useUpdate: func() { bench.call(mapUpdateElem, bench.address, value, linux.Any) },
			usePop:    func() { bench.call(mapPopElem, value) },
			usePush:   func() { bench.call(mapPushElem, value, linux.Any) },
			usePeek:   func() { bench.call(mapPeekElem, value) },
		}
		i := uint32(0)
		allocations := testing.AllocsPerRun(1000, func() {
			if i++; i == def.MaxEntries {
				i = 0
			}
			if def.KeySize > 0 {
				bench.setKey(i)
			}
			for use, f := range uses {
				if bench.m.kind.may&use != 0 {
					f()
				}
			}
		})
		if allocations != 0 || bench.t.fault != nil {
			t.Errorf("%s, keys of %d bytes: %v allocations, %v", def.Type, def.KeySize, allocations, bench.t.fault)
		}
	}
}
