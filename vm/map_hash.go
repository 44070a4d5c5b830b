package vm

import "ebtools/bpf/linux"

// hash: any key, up to a number of entries (kernel/bpf/hashtab.c). Positions are
// in the order that keys were added, gaps left by removals filled first; the
// kernel's are by a hash with a random seed.
//
// An update of a key gives it another slot, as in the kernel: a program that
// looked the key up before still has the old value. It stays until the slot is
// used again, by the next update of any key when all was allocated beforehand.
type hash struct {
	*hashTable
	pool  pool
	max   int
	spare []int32 // by CPU: a slot for the next update, -1 for none yet; nil with BPF_F_NO_PREALLOC
	place bool    // updates write in place
	locks uint64  // BPF_F_LOCK where it may be given
	lock  bool    // values have a spin lock
}

func newHash(m *Map) error {
	h, err := makeHash(m, int(m.def.KeySize), int(m.def.MaxEntries))
	m.entries = h
	return err
}

func makeHash(m *Map, keySize, max int) (*hash, error) {
	cpus := m.machine.cpus
	if err := m.allocate(int(m.def.ValueSize), max+cpus, false); err != nil {
		return nil, err
	}
	h := &hash{
		hashTable: newHashTable(keySize), pool: newPool(m.values, max+cpus, false), max: max,
		place: m.def.Type.PerCPU(), lock: m.fields.lock.size > 0,
	}
	if m.def.Type == linux.MapHash {
		h.locks = linux.FLock
	}
	if m.def.Flags&linux.FNoPrealloc == 0 {
		h.spare = make([]int32, cpus)
		for i := range h.spare {
			h.spare[i] = -1
		}
	}
	return h, nil
}

// check gives the position of a key, -1 when an update would add it, or why flags
// forbid the update.
func (h *hash) check(key []byte, flags uint64) (int, error) {
	if flags&^h.locks > linux.Exist || flags&linux.FLock != 0 && !h.lock {
		return 0, linux.EINVAL
	}
	p := h.position(key)
	return p, presence(p >= 0, flags)
}

// presence gives the error of an update whose flags forbid it for a key that
// exists, or for one that does not.
func presence(exists bool, flags uint64) error {
	switch {
	case exists && flags&^linux.FLock == linux.NoExist:
		return linux.EEXIST
	case !exists && flags&^linux.FLock == linux.Exist:
		return linux.ENOENT
	}
	return nil
}

func (h *hash) claim(key, _ []byte, flags uint64, cpu int) (int, bool, error) {
	p, err := h.check(key, flags)
	switch {
	case err != nil:
		return 0, false, err
	case p < 0 && h.count >= h.max:
		return 0, false, linux.E2BIG
	case p < 0:
		return h.insert(key)
	case h.place || flags&linux.FLock != 0:
		return int(h.places[p].slot), false, nil
	}
	return h.replace(p, cpu)
}

// insert adds a key for which there is room.
func (h *hash) insert(key []byte) (int, bool, error) {
	slot := h.pool.take()
	if slot < 0 {
		return 0, false, linux.ENOMEM
	}
	h.add(key, slot)
	return slot, true, nil
}

// replace gives the key at a position another slot.
func (h *hash) replace(p, cpu int) (int, bool, error) {
	old, slot := h.places[p].slot, int32(-1)
	if h.spare != nil {
		slot = h.spare[cpu]
	}
	if slot < 0 {
		if slot = int32(h.pool.take()); slot < 0 {
			return 0, false, linux.ENOMEM
		}
	}
	if h.spare != nil {
		h.spare[cpu] = old
	} else {
		h.pool.give(int(old))
	}
	h.places[p].slot = slot
	return int(slot), true, nil
}

func (h *hash) remove(key []byte) error {
	p := h.position(key)
	if p < 0 {
		return linux.ENOENT
	}
	h.pool.give(h.drop(p))
	return nil
}
