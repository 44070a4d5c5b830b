package vm

import (
	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Maps for tests.

// emulated gives all map types of the vm, in order.
func emulated() (kinds []linux.MapType) {
	for _, kind := range linux.MapTypes() {
		if mapKinds[kind] != nil {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}

// plain is a small map of a type as most programs have it.
func plain(kind linux.MapType) *bpf.Map {
	def := &bpf.Map{Name: "m", Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	switch kind {
	case linux.MapProgArray, linux.MapPerfEventArray, linux.MapCgroupArray, linux.MapXskmap:
		def.ValueSize = 4
	case linux.MapArrayOfMaps, linux.MapHashOfMaps:
		def.ValueSize = 4
		def.Inner = &bpf.Map{Name: "inner", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 2}
	case linux.MapLPMTrie:
		def.KeySize, def.Flags = 8, linux.FNoPrealloc
	case linux.MapQueue, linux.MapStack, linux.MapBloomFilter:
		def.KeySize = 0
	case linux.MapRingbuf, linux.MapUserRingbuf:
		def.KeySize, def.ValueSize, def.MaxEntries = 0, 0, 4096
	case linux.MapSkStorage, linux.MapTaskStorage, linux.MapInodeStorage, linux.MapCgrpStorage:
		def.MaxEntries, def.Flags = 0, linux.FNoPrealloc
		def.Key = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
		def.Value = &btf.Int{Name: "long", Size: 8}
	}
	return def
}

// lockedValue is the type of a value of 24 bytes: a number, a spin lock, a timer or
// nothing, a number.
func lockedValue() btf.Type {
	word := &btf.Int{Name: "unsigned int", Size: 4}
	lock := &btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: []btf.Member{{Name: "val", Type: word}}}
	return &btf.Struct{Name: "value", Size: 24, Members: []btf.Member{
		{Name: "a", Type: &btf.Int{Name: "long", Size: 8}, Offset: 0},
		{Name: "lock", Type: lock, Offset: 64},
		{Name: "b", Type: word, Offset: 96},
		{Name: "c", Type: &btf.Int{Name: "long", Size: 8}, Offset: 128},
	}}
}
