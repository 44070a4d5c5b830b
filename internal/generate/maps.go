package generate

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Maps are those that programs use, by the indexes below. All are written to.
func Maps() []*bpf.Map {
	return []*bpf.Map{
		mapResults:    {Name: "results", Type: linux.MapArray, KeySize: 4, ValueSize: resultsSize, MaxEntries: 1},
		mapArray:      {Name: "array", Type: linux.MapArray, KeySize: 4, ValueSize: 20, MaxEntries: 3},
		mapHash:       {Name: "hash", Type: linux.MapHash, KeySize: 4, ValueSize: 16, MaxEntries: 4},
		mapPercpu:     {Name: "percpu", Type: linux.MapPercpuArray, KeySize: 4, ValueSize: 16, MaxEntries: 2},
		mapPercpuHash: {Name: "percpuhash", Type: linux.MapPercpuHash, KeySize: 8, ValueSize: 12, MaxEntries: 3, Flags: linux.FNoPrealloc},
	}
}

const (
	mapResults = iota
	mapArray
	mapHash
	mapPercpu
	mapPercpuHash
)

// The results are r0 to r6, and memory for all kinds of access behind them.
const (
	resultsSize = 7*8 + scratchSize
	scratch     = 7 * 8
	scratchSize = 64
)

// Place is an entry of a map.
type Place struct {
	Map        int
	Key, Value []byte
}

// Reset is what to set before a program runs, of a per-CPU map for one CPU:
// all entries of arrays. Those of hashes are to be removed, see Keys.
func Reset() []Place {
	var all []Place
	for i, m := range Maps() {
		if m.Type == linux.MapArray || m.Type == linux.MapPercpuArray {
			for key := range m.MaxEntries {
				all = append(all, Place{i, numberKey(4, key), make([]byte, m.ValueSize)})
			}
		}
	}
	return all
}

// Keys are all keys of hashes that programs use.
func Keys() []Place {
	var all []Place
	for i, m := range Maps() {
		if m.Type == linux.MapHash || m.Type == linux.MapPercpuHash {
			for key := range uint32(keys) {
				all = append(all, Place{Map: i, Key: numberKey(int(m.KeySize), key)})
			}
		}
	}
	return all
}

// keys is how many keys there are: more than entries.
const keys = 8

func numberKey(size int, v uint32) []byte {
	key := make([]byte, size)
	key[0] = byte(v)
	return key
}
