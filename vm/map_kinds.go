package vm

import (
	"encoding/binary"
	"math"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// mapKind says how maps of one type find their entries.
type mapKind struct {
	make  func(def *bpf.Map) entries
	whole bool // all values exist from the start
	// What the kernel demands: a size of keys, sizes of values, 0 for any, and
	// how many bytes a value or a key with its value may have.
	keySize    uint32
	valueSizes [2]uint32
	largest    uint64
}

// Limits of the kernel, in bytes: of a value that each CPU has
// (PCPU_MIN_UNIT_SIZE), of a key with its value in a hash (KMALLOC_MAX_SIZE on
// machines with pages of 4 KiB, less struct htab_elem).
const (
	maxPercpuValue = 32 << 10
	maxHashElement = 4<<20 - 48 - 1
)

// mapKinds are the map types that are emulated.
var mapKinds = map[linux.MapType]mapKind{
	linux.MapArray:          {make: newArray, whole: true, keySize: 4, largest: math.MaxInt32},
	linux.MapPercpuArray:    {make: newArray, whole: true, keySize: 4, largest: maxPercpuValue},
	linux.MapHash:           {make: newHash, largest: maxHashElement},
	linux.MapPercpuHash:     {make: newHash, largest: maxHashElement},
	linux.MapDevmap:         {make: newSlots, whole: true, keySize: 4, valueSizes: [2]uint32{4, 8}},
	linux.MapDevmapHash:     {make: newHash, keySize: 4, valueSizes: [2]uint32{4, 8}},
	linux.MapCpumap:         {make: newSlots, whole: true, keySize: 4, valueSizes: [2]uint32{4, 8}},
	linux.MapXskmap:         {make: newSlots, whole: true, keySize: 4, valueSizes: [2]uint32{4, 4}},
	linux.MapProgArray:      {make: newSlots, whole: true, keySize: 4, valueSizes: [2]uint32{4, 4}},
	linux.MapPerfEventArray: {make: newSlots, whole: true, keySize: 4, valueSizes: [2]uint32{4, 4}},
	linux.MapRingbuf:        {make: newRingBuffer},
	linux.MapUserRingbuf:    {make: newRingBuffer},
}

// checkSizes gives the kernel's answer to the making of a map (the alloc_check
// functions of kernel/bpf/arraymap.c and hashtab.c): nil, EINVAL or E2BIG.
func checkSizes(def *bpf.Map, kind mapKind) error {
	if def.MaxEntries == 0 || def.ValueSize == 0 || def.KeySize == 0 || kind.keySize != 0 && def.KeySize != kind.keySize {
		return linux.EINVAL
	}
	if kind.valueSizes[0] != 0 {
		if def.ValueSize != kind.valueSizes[0] && def.ValueSize != kind.valueSizes[1] {
			return linux.EINVAL
		}
		return nil
	}
	size := uint64(def.ValueSize)
	if kind.keySize == 0 {
		size += uint64(def.KeySize)
	}
	if size > kind.largest || def.Type.PerCPU() && def.ValueSize > maxPercpuValue {
		return linux.E2BIG
	}
	return nil
}

// array: the key is the entry, and all entries exist.
type array struct{ max uint32 }

func newArray(def *bpf.Map) entries { return array{def.MaxEntries} }

func (a array) find(key []byte) int {
	if i := binary.LittleEndian.Uint32(key); i < a.max {
		return int(i)
	}
	return -1
}

func (a array) insert([]byte) (int, error) { return 0, linux.E2BIG }

func (a array) remove([]byte) error { return linux.EINVAL }

func (a array) each(yield func([]byte, int) bool) {
	var key [4]byte
	for i := range a.max {
		binary.LittleEndian.PutUint32(key[:], i)
		if !yield(key[:], int(i)) {
			return
		}
	}
}

// slots is an array whose entries are empty at first: devices, CPUs, sockets.
type slots struct {
	array
	used []bool
}

func newSlots(def *bpf.Map) entries {
	return &slots{array{def.MaxEntries}, make([]bool, def.MaxEntries)}
}

func (s *slots) find(key []byte) int {
	if i := s.array.find(key); i >= 0 && s.used[i] {
		return i
	}
	return -1
}

func (s *slots) insert(key []byte) (int, error) {
	i := s.array.find(key)
	if i < 0 {
		return 0, linux.E2BIG
	}
	s.used[i] = true
	return i, nil
}

func (s *slots) remove(key []byte) error {
	i := s.array.find(key)
	if i < 0 {
		return linux.EINVAL
	}
	s.used[i] = false
	return nil
}

func (s *slots) each(yield func([]byte, int) bool) {
	s.array.each(func(key []byte, i int) bool { return !s.used[i] || yield(key, i) })
}

// hash: any key, up to a number of entries.
type hash struct {
	*hashTable
	max int
}

func newHash(def *bpf.Map) entries {
	return hash{newHashTable(int(def.KeySize)), int(def.MaxEntries)}
}

func (h hash) insert(key []byte) (int, error) {
	if h.count >= h.max {
		return 0, linux.E2BIG
	}
	return h.hashTable.insert(key), nil
}

func (h hash) remove(key []byte) error {
	e := h.find(key)
	if e < 0 {
		return linux.ENOENT
	}
	h.hashTable.remove(e)
	return nil
}

func (h hash) each(yield func([]byte, int) bool) {
	for e, live := range h.live {
		if live && !yield(h.key(e), e) {
			return
		}
	}
}

// absent stands for the entries of a map that is not emulated.
type absent struct{ reason error }

func (a absent) find([]byte) int { return -1 }

func (a absent) insert([]byte) (int, error) { return 0, a.reason }

func (a absent) remove([]byte) error { return a.reason }

func (a absent) each(func([]byte, int) bool) {}
