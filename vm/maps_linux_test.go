package vm

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// smallMaps are maps that a few operations fill.
func smallMaps() []*bpf.Map {
	var all []*bpf.Map
	for _, kind := range []linux.MapType{linux.MapArray, linux.MapPercpuArray, linux.MapHash, linux.MapPercpuHash} {
		all = append(all, &bpf.Map{Name: kind.String(), Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 4})
		if !strings.Contains(kind.String(), "array") {
			all = append(all, &bpf.Map{
				Name: kind.String() + "_grown", Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 4, Flags: linux.FNoPrealloc,
			})
		}
	}
	return all
}

var updateFlags = []uint64{0, 0, 0, 0, 1, 1, 2, 2, 3, 4, 5, 6, 7, 8, 16, 1 << 32, math.MaxUint64}

// TestKernelMapHelpers runs random lookups, updates and deletes by programs
// on every kind of map, full ones included, and compares each r0, each value
// found and the maps.
func TestKernelMapHelpers(t *testing.T) {
	for index, def := range smallMaps() {
		b := newBoth(t, results(24), def)
		// The packet: operation, key, flags, value.
		prog := join(
			load(4, r7, r1, 0), load(4, r8, r1, 4),
			move(r2, r7), add(r2, 24),
			set(r0, 77),
			jumpIfX(bpf.OpJLE, r2, r8, 1), exit,
			load(4, r6, r7, 0),
			load(4, r1, r7, 4), store(4, fp, -8, r1),
			load(8, r1, r7, 16), store(8, fp, -16, r1),
			valueAt(r9, 0, 0), storeK(8, r9, 8, -1), storeK(8, r9, 16, -1),
			mapAt(r1, 1), move(r2, fp), add(r2, -8),
			jumpIf(bpf.OpJNE, r6, 0, 8),
			call(int32(linux.FnMapLookupElem)),
			jumpIf(bpf.OpJEQ, r0, 0, 3),
			load(8, r1, r0, 0), store(8, r9, 8, r1), // and then counts it up
			atomicOp(8, bpf.AtomicAdd, r0, 0, r1),
			storeK(8, r9, 0, 1),
			set(r0, 2), exit,
			jumpIf(bpf.OpJNE, r6, 1, 5),
			move(r3, fp), add(r3, -16),
			load(8, r4, r7, 8),
			call(int32(linux.FnMapUpdateElem)),
			jump(1),
			call(int32(linux.FnMapDeleteElem)),
			store(8, r9, 0, r0),
			set(r0, 2), exit,
		)
		rng := rand.New(rand.NewPCG(uint64(index), 5))
		var packets [][]byte
		for range 1500 {
			p := make([]byte, 24)
			binary.LittleEndian.PutUint32(p[0:], uint32(rng.IntN(3)))
			key := uint32(rng.IntN(7))
			if rng.IntN(30) == 0 {
				key = math.MaxUint32
			}
			binary.LittleEndian.PutUint32(p[4:], key)
			binary.LittleEndian.PutUint64(p[8:], updateFlags[rng.IntN(len(updateFlags))])
			binary.LittleEndian.PutUint64(p[16:], rng.Uint64())
			packets = append(packets, p)
		}
		if !b.run(prog, packets...) {
			t.Errorf("%s: the kernel refused the program", def.Name)
		}
		t.Logf("%s: %d operations on CPU %d", def.Name, len(packets), b.cpu)
	}
}

// TestKernelLookupPercpu compares bpf_map_lookup_percpu_elem over CPUs.
func TestKernelLookupPercpu(t *testing.T) {
	for _, kind := range []linux.MapType{linux.MapPercpuArray, linux.MapPercpuHash} {
		b := newBoth(t, results(8), &bpf.Map{Name: "m", Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 4})
		values := make([]byte, 8*b.kernel.CPUs())
		for i := range values {
			values[i] = byte(i + 1)
		}
		b.update(1, word(2), values, linux.Any)
		for _, key := range []int32{2, 3, 4} {
			for _, cpu := range []uint64{0, 1, uint64(b.kernel.CPUs()), 1 << 31, 1<<32 | 1, math.MaxUint64} {
				b.run(join(
					storeK(4, fp, -4, key),
					mapAt(r1, 1), move(r2, fp), add(r2, -4), long(r3, cpu),
					call(int32(linux.FnMapLookupPercpuElem)),
					jumpIf(bpf.OpJEQ, r0, 0, 4),
					load(8, r1, r0, 0), valueAt(r2, 0, 0), store(8, r2, 0, r1),
					set(r0, 2), exit,
				), bytesUpTo(14))
			}
		}
	}
}
