package vm

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// prefixOf is a key's prefix as text of zeros and ones.
func prefixOf(key []byte) string {
	var text []byte
	for i := range binary.LittleEndian.Uint32(key) {
		text = append(text, byte('0'+bit(key[4:], i)))
	}
	return string(text)
}

// TestLPMAgainstModel holds the trie to a list of prefixes, for data of 1 to 256 bytes,
// more than the kernel's tests have time for.
func TestLPMAgainstModel(t *testing.T) {
	for _, size := range []uint32{1, 3, 4, 8, 9, 16, 256} {
		def := &bpf.Map{Name: "m", Type: linux.MapLPMTrie, KeySize: 4 + size, ValueSize: 4, MaxEntries: 60, Flags: linux.FNoPrealloc}
		m, err := newMap(&Machine{mem: newMemory(), cpus: 1}, def)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(size), 7))
		model := map[string][]byte{}
		for step := range 6000 {
			key := make([]byte, def.KeySize)
			binary.LittleEndian.PutUint32(key, min(8*size, rng.Uint32N(12)*rng.Uint32N(1+8*size/11)))
			for i := range key[4:] {
				key[4+i] = byte(rng.IntN(2) * 0xff)
			}
			key[4+rng.IntN(int(size))] ^= 1 << rng.IntN(8)
			prefix := prefixOf(key)
			_, known := model[prefix]
			switch rng.IntN(3) {
			case 0:
				var want error
				if !known && len(model) == 60 {
					want = linux.ENOSPC
				} else {
					model[prefix] = word(uint32(step))
				}
				if err := m.Update(key, word(uint32(step)), linux.Any); err != want {
					t.Fatalf("update of %s: %v, want %v", prefix, err, want)
				}
			case 1:
				want := error(linux.ENOENT)
				if known {
					want = nil
				}
				delete(model, prefix)
				if err := m.Delete(key); err != want {
					t.Fatalf("delete of %s: %v, want %v", prefix, err, want)
				}
			default:
				var want []byte
				for n := len(prefix); n >= 0 && want == nil; n-- {
					want = model[prefix[:n]]
				}
				if got, err := m.Lookup(key); !slices.Equal(got, want) || (err == nil) != (want != nil) {
					t.Fatalf("lookup of %s: %x, want %x", prefix, got, want)
				}
			}
		}
		trie, n := m.entries.(*lpm), 0
		var before string
		for key := range m.All() {
			prefix := prefixOf(key)
			if n++; n > 1 && !follows(before, prefix) {
				t.Errorf("%s comes before %s", before, prefix)
			}
			before = prefix
		}
		if n != len(model) || n != m.Len() {
			t.Errorf("%d in the walk, %d by Len, want %d", n, m.Len(), len(model))
		}
		if nodes := len(trie.nodes) - len(trie.free); nodes > max(1, 2*n) {
			t.Errorf("%d nodes for %d prefixes", nodes, n)
		}
	}
}

// follows reports whether prefix b comes after a: behind those that begin with it, else
// in the order of the bits.
func follows(a, b string) bool {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return len(b) < len(a)
}

// TestLRU: what was looked up stays, what was added first goes first, and an update
// never fails.
func TestLRU(t *testing.T) {
	def := plain(linux.MapLRUHash)
	def.MaxEntries = 4
	m, err := newMap(&Machine{mem: newMemory(), cpus: 1}, def)
	if err != nil {
		t.Fatal(err)
	}
	add := func(keys ...uint32) {
		for _, k := range keys {
			if err := m.Update(word(k), make([]byte, 8), linux.Any); err != nil {
				t.Fatal(err)
			}
		}
	}
	has := func(want ...uint32) {
		t.Helper()
		var got []uint32
		for k := range m.All() {
			got = append(got, binary.LittleEndian.Uint32(k))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	add(1, 2, 3, 4)
	has(1, 2, 3, 4)
	add(5) // the oldest goes
	has(2, 3, 4, 5)
	m.entries.find(word(2)) // as a program looks it up
	add(6)
	has(2, 4, 5, 6)
	if _, err := m.Lookup(word(4)); err != nil { // user space's lookups don't count
		t.Error(err)
	}
	add(7)
	has(2, 5, 6, 7)
	if err := m.Delete(word(5)); err != nil {
		t.Error(err)
	}
	add(8, 9)
	if n := m.Len(); n != 4 {
		t.Errorf("%d entries", n)
	}
	for i := range uint32(5000) {
		add(i * 7)
		m.entries.find(word(i * 7))
	}
	if err := m.Update(word(1<<20), make([]byte, 8), linux.Exist); !errors.Is(err, linux.ENOENT) || m.Len() != 4 {
		t.Errorf("%v, %d entries", err, m.Len())
	}
}

// TestQueuesAgainstModel holds queues and stacks to a slice.
func TestQueuesAgainstModel(t *testing.T) {
	for _, kind := range []linux.MapType{linux.MapQueue, linux.MapStack} {
		def := plain(kind)
		def.MaxEntries = 5
		m, err := newMap(&Machine{mem: newMemory(), cpus: 1}, def)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(uint64(kind), 9))
		var model [][]byte // the oldest first
		for step := range 3000 {
			if rng.IntN(2) == 0 {
				value := binary.LittleEndian.AppendUint64(nil, uint64(step))
				flags := uint64(rng.IntN(2) * linux.Exist)
				full := len(model) == 5
				if err := m.Update(nil, value, flags); (err == nil) != (!full || flags != 0) {
					t.Fatal(err)
				}
				if full && flags != 0 {
					model = model[1:]
				}
				if !full || flags != 0 {
					model = append(model, value)
				}
			} else {
				got, err := m.LookupAndDelete(nil)
				if (err == nil) != (len(model) > 0) {
					t.Fatal(err)
				}
				if err == nil {
					i := 0
					if kind == linux.MapStack {
						i = len(model) - 1
					}
					if !slices.Equal(got, model[i]) {
						t.Fatalf("%x, want %x", got, model[i])
					}
					model = slices.Delete(model, i, i+1)
				}
			}
			if m.Len() != len(model) {
				t.Fatalf("%d values, want %d", m.Len(), len(model))
			}
		}
		i := 0
		for _, value := range m.All() {
			want := model[i]
			if kind == linux.MapStack {
				want = model[len(model)-1-i]
			}
			if !slices.Equal(value, want) {
				t.Errorf("value %d is %x, want %x", i, value, want)
			}
			i++
		}
	}
}
