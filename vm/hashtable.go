package vm

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
)

// hashTable finds the place of a key and the slot of its value: open addressing
// with linear probing. Places are numbered in order and reused after removal, so
// walking them is a stable order.
type hashTable struct {
	keySize int
	factor  uint64      // secret, so that nobody can choose keys that meet
	shift   uint        // of a hash, to the number of a bucket
	keys    []byte      // of place i at i*keySize
	places  []hashPlace // by number
	buckets []uint32    // place+1, 0 for none; a power of two long
	free    []uint32    // places of removed keys
	count   int         // keys there are
}

type hashPlace struct {
	hash uint32
	slot int32 // of the value, -1 when the place is free
}

func newHashTable(keySize int) *hashTable {
	t := &hashTable{keySize: keySize, factor: rand.Uint64() | 1}
	t.resize(16)
	return t
}

// hash is the upper half of a product, whose top bits are the bucket: no order that
// anyone sees depends on it.
func (t *hashTable) hash(key []byte) uint32 {
	switch len(key) {
	case 4:
		return uint32(uint64(binary.LittleEndian.Uint32(key)) * t.factor >> 32)
	case 8:
		return t.hashWord(binary.LittleEndian.Uint64(key))
	}
	h := uint64(0)
	for len(key) >= 8 {
		h = bits.RotateLeft64((h^binary.LittleEndian.Uint64(key))*t.factor, 29)
		key = key[8:]
	}
	if len(key) >= 4 {
		h = bits.RotateLeft64((h^uint64(binary.LittleEndian.Uint32(key)))*t.factor, 29)
		key = key[4:]
	}
	for _, b := range key {
		h = bits.RotateLeft64((h^uint64(b))*t.factor, 29)
	}
	return t.hashWord(h)
}

func (t *hashTable) hashWord(v uint64) uint32 {
	hi, lo := bits.Mul64(v, t.factor)
	return uint32((hi ^ lo) >> 32)
}

func (t *hashTable) key(place int) []byte {
	return t.keys[place*t.keySize : (place+1)*t.keySize : (place+1)*t.keySize]
}

// position gives the place of key, or -1.
func (t *hashTable) position(key []byte) int {
	if len(key) == 4 {
		return t.position4(binary.LittleEndian.Uint32(key))
	}
	h := t.hash(key)
	mask := uint32(len(t.buckets) - 1)
	for i := h >> t.shift; ; i++ {
		s := t.buckets[i&mask]
		if s == 0 {
			return -1
		}
		if p := int(s - 1); t.places[p].hash == h && bytes.Equal(t.key(p), key) {
			return p
		}
	}
}

// position4 is position for keys of 4 bytes, the most common.
func (t *hashTable) position4(key uint32) int {
	h := uint32(uint64(key) * t.factor >> 32)
	mask := uint32(len(t.buckets) - 1)
	for i := h >> t.shift; ; i++ {
		s := t.buckets[i&mask]
		if s == 0 {
			return -1
		}
		if p := int(s - 1); t.places[p].hash == h && binary.LittleEndian.Uint32(t.keys[4*p:]) == key {
			return p
		}
	}
}

// find gives the slot of key's value, or -1.
func (t *hashTable) find(key []byte) int {
	if p := t.position(key); p >= 0 {
		return int(t.places[p].slot)
	}
	return -1
}

// add puts in a key that is not there, with the slot of its value, and gives its
// place.
func (t *hashTable) add(key []byte, slot int) int {
	if (t.count+1)*4 > len(t.buckets)*3 {
		t.resize(len(t.buckets) * 2)
	}
	h := t.hash(key)
	var p int
	if n := len(t.free); n > 0 {
		p = int(t.free[n-1])
		t.free = t.free[:n-1]
		copy(t.key(p), key)
		t.places[p] = hashPlace{h, int32(slot)}
	} else {
		p = len(t.places)
		t.keys = append(t.keys, key...)
		t.places = append(t.places, hashPlace{h, int32(slot)})
	}
	t.enter(p)
	t.count++
	return p
}

func (t *hashTable) enter(p int) {
	mask := uint32(len(t.buckets) - 1)
	i := t.places[p].hash >> t.shift
	for t.buckets[i] != 0 {
		i = (i + 1) & mask
	}
	t.buckets[i] = uint32(p + 1)
}

func (t *hashTable) resize(n int) {
	t.buckets = make([]uint32, n)
	t.shift = uint(33 - bits.Len(uint(n)))
	for p := range t.places {
		if t.places[p].slot >= 0 {
			t.enter(p)
		}
	}
}

// drop takes the key at a place out and gives the slot of its value. What follows
// it in its run of buckets moves up, so that no tombstones are needed.
func (t *hashTable) drop(p int) (slot int) {
	mask := uint32(len(t.buckets) - 1)
	i := t.places[p].hash >> t.shift
	for t.buckets[i] != uint32(p+1) {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		s := t.buckets[j]
		if s == 0 {
			break
		}
		// A key may move to i unless its own bucket lies after i.
		if home := t.places[s-1].hash >> t.shift; (j-home)&mask >= (j-i)&mask {
			t.buckets[i] = s
			i = j
		}
	}
	t.buckets[i] = 0
	slot = int(t.places[p].slot)
	t.places[p].slot = -1
	t.free = append(t.free, uint32(p))
	t.count--
	return slot
}

// at copies the key of the first place from p on that has one; see entries.
func (t *hashTable) at(p int, key []byte) (slot, next int) {
	for ; p < len(t.places); p++ {
		if s := t.places[p].slot; s >= 0 {
			copy(key, t.key(p))
			return int(s), p + 1
		}
	}
	return -1, -1
}

func (t *hashTable) length() int { return t.count }
