package vm

import (
	"encoding/binary"
	"math"
	"math/bits"

	"ebtools/bpf/linux"
)

// bloom is a set that may say of a value that it is there when it is not, and
// never the other way round (kernel/bpf/bloom_filter.c). It has the kernel's size and
// the kernel's hash with seed 0, which is what BPF_F_ZERO_SEED asks for; without that
// flag the kernel's seed is random, and so are the values it is wrong about.
type bloom struct {
	words  []uint64
	mask   uint32
	hashes uint32
}

// defaultHashes is how many hash functions there are when map_extra is 0.
const defaultHashes = 5

func newBloom(m *Map) error {
	b := &bloom{hashes: uint32(m.def.Extra & 15)}
	if b.hashes == 0 {
		b.hashes = defaultHashes
	}
	// For n values and k functions, n*k/ln(2) bits do best.
	size := uint64(m.def.MaxEntries) * uint64(b.hashes)
	if scaled := size / 5 * 7; size > math.MaxUint32 || scaled > 1<<31 {
		size = 1 << 32
	} else {
		size = max(64, uint64(1)<<bits.Len64(max(1, scaled)-1))
	}
	b.mask = uint32(size - 1)
	b.words = make([]uint64, size/64)
	m.queue, m.entries = b, absent{linux.EOPNOTSUPP}
	return nil
}

// bit gives the bit of hash function i.
func (b *bloom) bit(value []byte, i uint32) (word *uint64, bit uint64) {
	h := jhash(value, i) & b.mask
	return &b.words[h>>6], 1 << (h & 63)
}

func (b *bloom) push(value []byte, flags uint64) error {
	if flags != linux.Any {
		return linux.EINVAL
	}
	for i := range b.hashes {
		word, bit := b.bit(value, i)
		*word |= bit
	}
	return nil
}

// take looks whether value may be there: a peek is a question.
func (b *bloom) take(value []byte, remove bool) error {
	if remove {
		return linux.EOPNOTSUPP
	}
	for i := range b.hashes {
		if word, bit := b.bit(value, i); *word&bit == 0 {
			return linux.ENOENT
		}
	}
	return nil
}

func (b *bloom) each(func([]byte) bool) {}

func (b *bloom) length() int { return 0 }

// jhash is the kernel's hash of a run of bytes (include/linux/jhash.h, after Bob
// Jenkins' lookup3). In each step the three words change their parts.
func jhash(data []byte, seed uint32) uint32 {
	a := 0xdeadbeef + uint32(len(data)) + seed
	b, c := a, a
	for len(data) > 12 {
		a += binary.LittleEndian.Uint32(data)
		b += binary.LittleEndian.Uint32(data[4:])
		c += binary.LittleEndian.Uint32(data[8:])
		for _, n := range [...]int{4, 6, 8, 16, 19, 4} {
			a = (a - c) ^ bits.RotateLeft32(c, n)
			a, b, c = b, c+b, a
		}
		data = data[12:]
	}
	if len(data) == 0 {
		return c
	}
	var last [12]byte
	copy(last[:], data)
	a += binary.LittleEndian.Uint32(last[:])
	b += binary.LittleEndian.Uint32(last[4:])
	c += binary.LittleEndian.Uint32(last[8:])
	for _, n := range [...]int{14, 11, 25, 16, 4, 14, 24} {
		c = (c ^ b) - bits.RotateLeft32(b, n)
		a, b, c = b, c, a
	}
	return b
}
