package vm

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// hashTable finds the entry number of a key: open addressing with linear
// probing. Entry numbers are handed out in order and reused after removal, so
// walking them is a stable order.
type hashTable struct {
	keySize int
	keys    []byte   // of entry i at i*keySize
	hashes  []uint32 // of entry i
	live    []bool   // whether entry i is in the table
	slots   []uint32 // entry+1, 0 for none; a power of two long
	free    []uint32 // removed entries
	count   int      // live entries
}

func newHashTable(keySize int) *hashTable {
	return &hashTable{keySize: keySize, slots: make([]uint32, 16)}
}

func hashKey(key []byte) uint32 {
	const k = 0x9e3779b97f4a7c15
	h := uint64(len(key)) * k
	for len(key) >= 8 {
		h = bits.RotateLeft64((h^binary.LittleEndian.Uint64(key))*k, 29)
		key = key[8:]
	}
	if len(key) >= 4 {
		h = bits.RotateLeft64((h^uint64(binary.LittleEndian.Uint32(key)))*k, 29)
		key = key[4:]
	}
	for _, b := range key {
		h = bits.RotateLeft64((h^uint64(b))*k, 29)
	}
	h *= k
	return uint32(h ^ h>>32)
}

func (t *hashTable) key(entry int) []byte {
	return t.keys[entry*t.keySize : (entry+1)*t.keySize : (entry+1)*t.keySize]
}

// find gives the entry that holds key, or -1.
func (t *hashTable) find(key []byte) int {
	h := hashKey(key)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s == 0 {
			return -1
		}
		if e := int(s - 1); t.hashes[e] == h && bytes.Equal(t.key(e), key) {
			return e
		}
	}
}

// insert adds a key that is not there and gives its entry.
func (t *hashTable) insert(key []byte) int {
	if (t.count+1)*4 > len(t.slots)*3 {
		t.resize(len(t.slots) * 2)
	}
	h := hashKey(key)
	var e int
	if n := len(t.free); n > 0 {
		e = int(t.free[n-1])
		t.free = t.free[:n-1]
		copy(t.key(e), key)
		t.hashes[e], t.live[e] = h, true
	} else {
		e = len(t.live)
		t.keys = append(t.keys, key...)
		t.hashes = append(t.hashes, h)
		t.live = append(t.live, true)
	}
	t.place(e)
	t.count++
	return e
}

func (t *hashTable) place(e int) {
	mask := uint32(len(t.slots) - 1)
	i := t.hashes[e] & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = uint32(e + 1)
}

func (t *hashTable) resize(n int) {
	t.slots = make([]uint32, n)
	for e, live := range t.live {
		if live {
			t.place(e)
		}
	}
}

// remove takes an entry out. What follows it in its run moves up, so that no
// tombstones are needed.
func (t *hashTable) remove(e int) {
	mask := uint32(len(t.slots) - 1)
	i := t.hashes[e] & mask
	for t.slots[i] != uint32(e+1) {
		i = (i + 1) & mask
	}
	for j := i; ; {
		j = (j + 1) & mask
		s := t.slots[j]
		if s == 0 {
			break
		}
		// An entry may move to i unless its own place lies after i.
		if home := t.hashes[s-1] & mask; (j-home)&mask >= (j-i)&mask {
			t.slots[i] = s
			i = j
		}
	}
	t.slots[i] = 0
	t.live[e] = false
	t.free = append(t.free, uint32(e))
	t.count--
}
