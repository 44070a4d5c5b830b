package vm

import (
	"math"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Whether a map can be made: the kernel's answers (map_create in
// kernel/bpf/syscall.c, and the alloc_check functions of each type).

// request is a map that is asked for.
type request struct{ *bpf.Map }

// Limits of the kernel, in bytes: of a value that each CPU has
// (PCPU_MIN_UNIT_SIZE), of what it allocates at once (KMALLOC_MAX_SIZE on machines
// with pages of 4 KiB), of what surrounds a key with its value in a hash and in a
// trie (struct htab_elem, lpm_trie_node), and of the value of local storage.
const (
	maxPercpuValue  = 32 << 10
	maxAllocation   = 4 << 20
	hashElement     = 48
	maxLPMData      = 256
	lpmNodeSize     = 24
	maxStorageValue = math.MaxUint16 - 128
	maxStackDepth   = 127 // sysctl kernel.perf_event_max_stack
	maxCPUs         = 8192
)

// readWrite are the flags that say who may do what.
const readWrite = linux.FRdonly | linux.FWronly | linux.FRdonlyProg | linux.FWronlyProg

// checkMap gives why the kernel would not make the map.
func checkMap(def *bpf.Map, kind *mapKind) error {
	r := &request{def}
	switch {
	case def.Extra != 0 && def.Type != linux.MapBloomFilter,
		r.both(linux.FRdonly, linux.FWronly),
		def.Flags&linux.FNUMANode != 0 && def.NumaNode != 0: // there is one node
		return linux.EINVAL
	}
	return kind.check(r)
}

func (r *request) both(a, b uint32) bool { return r.Flags&a != 0 && r.Flags&b != 0 }

// refuse reports whether there are other flags than those allowed, or two that
// exclude each other.
func (r *request) refuse(allowed uint32) bool {
	return r.Flags&^allowed != 0 || r.both(linux.FRdonlyProg, linux.FWronlyProg)
}

func checkArray(r *request) error {
	allowed := uint32(readWrite | linux.FNUMANode)
	switch r.Type {
	case linux.MapArray:
		allowed |= linux.FMmapable | linux.FInnerMap
	case linux.MapPercpuArray:
		allowed &^= linux.FNUMANode
	case linux.MapPerfEventArray:
		allowed |= linux.FPreserveElems
	}
	switch {
	case r.MaxEntries == 0, r.KeySize != 4, r.ValueSize == 0, r.refuse(allowed):
		return linux.EINVAL
	case r.ValueSize > math.MaxInt32, r.Type.PerCPU() && r.ValueSize > maxPercpuValue:
		return linux.E2BIG
	}
	return nil
}

func checkReferences(r *request) error {
	if r.ValueSize != 4 || r.Flags&(linux.FRdonlyProg|linux.FWronlyProg) != 0 {
		return linux.EINVAL
	}
	return checkArray(r)
}

// checkMapOfMaps also looks at what is to be inside.
func checkMapOfMaps(r *request) error {
	check := checkReferences
	if r.Type == linux.MapHashOfMaps {
		check = checkHash
	}
	switch err := check(r); {
	case err != nil:
		return err
	case r.ValueSize != 4, r.Inner == nil:
		return linux.EINVAL
	}
	inner, ok := mapKinds[r.Inner.Type]
	switch {
	case r.Inner.Type == linux.MapArrayOfMaps, r.Inner.Type == linux.MapHashOfMaps:
		return linux.EINVAL // one level is all there is
	case r.Inner.Type == linux.MapProgArray, r.Inner.Type == linux.MapStructOps:
		return linux.ENOTSUPP
	case !ok:
		return nil
	}
	return checkMap(r.Inner, inner)
}

func checkHash(r *request) error {
	lru := r.Type == linux.MapLRUHash || r.Type == linux.MapLRUPercpuHash
	own := r.Flags&linux.FNoCommonLRU != 0 // a list for each CPU
	switch {
	case r.Type == linux.MapHashOfMaps && r.ValueSize != 4,
		r.refuse(readWrite | linux.FNoPrealloc | linux.FNoCommonLRU | linux.FNUMANode | linux.FZeroSeed),
		!lru && own:
		return linux.EINVAL
	case lru && r.Flags&linux.FNoPrealloc != 0:
		return linux.ENOTSUPP
	case r.Flags&linux.FNUMANode != 0 && (r.Type.PerCPU() || own),
		r.MaxEntries == 0, r.KeySize == 0, r.ValueSize == 0:
		return linux.EINVAL
	case uint64(r.KeySize)+uint64(r.ValueSize) >= maxAllocation-hashElement,
		r.Type.PerCPU() && r.ValueSize > maxPercpuValue:
		return linux.E2BIG
	}
	return nil
}

func checkLPM(r *request) error {
	switch {
	case r.MaxEntries == 0, r.Flags&linux.FNoPrealloc == 0, r.refuse(readWrite | linux.FNoPrealloc | linux.FNUMANode),
		r.KeySize < 5, r.KeySize > 4+maxLPMData,
		r.ValueSize == 0, r.ValueSize > maxAllocation-maxLPMData-lpmNodeSize:
		return linux.EINVAL
	}
	return nil
}

func checkDevices(r *request) error {
	allowed := uint32(linux.FNUMANode)
	if r.Type != linux.MapCpumap {
		allowed |= linux.FRdonly | linux.FWronly
	}
	withProgram := r.ValueSize == 8 && r.Type != linux.MapXskmap
	switch {
	case r.MaxEntries == 0, r.KeySize != 4, r.ValueSize != 4 && !withProgram, r.refuse(allowed),
		r.Type == linux.MapDevmapHash && r.MaxEntries > 1<<31:
		return linux.EINVAL
	case r.Type == linux.MapCpumap && r.MaxEntries > maxCPUs:
		return linux.E2BIG
	}
	return nil
}

func checkQueue(r *request) error {
	switch {
	case r.MaxEntries == 0, r.KeySize != 0, r.ValueSize == 0, r.refuse(readWrite | linux.FNUMANode):
		return linux.EINVAL
	case r.ValueSize > maxAllocation:
		return linux.E2BIG
	}
	return nil
}

func checkBloom(r *request) error {
	switch {
	case r.ValueSize > maxAllocation:
		return linux.E2BIG
	case r.MaxEntries == 0, r.KeySize != 0, r.ValueSize == 0, r.refuse(readWrite | linux.FNUMANode | linux.FZeroSeed), r.Extra > 15:
		return linux.EINVAL
	}
	return nil
}

func checkStacks(r *request) error {
	frame := uint32(8)
	if r.Flags&linux.FStackBuildID != 0 {
		frame = 32
	}
	switch {
	case r.refuse(linux.FNUMANode | linux.FRdonly | linux.FWronly | linux.FStackBuildID),
		r.MaxEntries == 0, r.KeySize != 4, r.ValueSize < 8, r.ValueSize%frame != 0, r.ValueSize/frame > maxStackDepth:
		return linux.EINVAL
	case r.MaxEntries > 1<<31:
		return linux.E2BIG
	}
	return nil
}

func checkStorage(r *request) error {
	var key *btf.Int
	if r.Key != nil {
		key, _ = btf.As[*btf.Int](r.Key)
	}
	switch {
	case r.Flags&^(linux.FNoPrealloc|linux.FClone) != 0, r.Flags&linux.FNoPrealloc == 0,
		r.MaxEntries != 0, r.KeySize != 4, r.ValueSize == 0, key == nil || key.Size != 4, r.Value == nil:
		return linux.EINVAL
	case r.ValueSize > maxStorageValue:
		return linux.E2BIG
	}
	return nil
}
