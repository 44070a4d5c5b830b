package vm

import (
	"sync/atomic"

	"ebtools/bpf/linux"
)

// lru is a hash that makes room by itself: an update of a new key into a full map
// takes out one that was not looked up lately. It never fails for lack of space.
//
// The order is not the kernel's, which keeps lists by CPU, moves keys between them
// in batches and so may take one out before the map is full. Here all keys are in one
// list; the one added first goes first, but for those that a program looked up or
// updated since, which are passed over once (the kernel's second chance).
type lru struct {
	*hash
	links []lruLink // by position + 1; 0 is the list's head
}

type lruLink struct {
	older, newer uint32
	used         uint32 // set by lookups, atomically
}

// maxPassedOver is how many keys at most are passed over for one eviction, so that
// it takes constant time (Linux, LOCAL_FREE_TARGET).
const maxPassedOver = 128

func newLRU(m *Map) error {
	max := int(m.def.MaxEntries)
	if cpus := m.machine.cpus; m.def.Flags&linux.FNoCommonLRU != 0 && max%cpus != 0 {
		max += cpus - max%cpus // as many for each CPU
	}
	h, err := makeHash(m, int(m.def.KeySize), max)
	m.entries = &lru{hash: h, links: make([]lruLink, 1)}
	return err
}

func (l *lru) find(key []byte) int {
	p := l.position(key)
	if p < 0 {
		return -1
	}
	l.use(p)
	return int(l.places[p].slot)
}

// use marks a key as used lately. Workers do it at the same time.
func (l *lru) use(p int) {
	if used := &l.links[p+1].used; atomic.LoadUint32(used) == 0 {
		atomic.StoreUint32(used, 1)
	}
}

func (l *lru) claim(key, _ []byte, flags uint64, cpu int) (int, bool, error) {
	p, err := l.check(key, flags)
	switch {
	case err != nil:
		return 0, false, err
	case p < 0:
		return l.insert(key)
	}
	l.use(p)
	if l.place {
		return int(l.places[p].slot), false, nil
	}
	return l.replace(p, cpu)
}

func (l *lru) insert(key []byte) (int, bool, error) {
	if l.count >= l.max {
		l.evict()
	}
	slot := l.pool.take()
	if slot < 0 && l.count > 0 { // program addresses are used up
		l.evict()
		slot = l.pool.take()
	}
	if slot < 0 {
		return 0, false, linux.ENOMEM
	}
	p := l.add(key, slot)
	if p+1 >= len(l.links) {
		l.links = append(l.links, lruLink{})
	}
	l.links[p+1].used = 0
	l.link(uint32(p + 1))
	return slot, true, nil
}

// evict takes out the oldest key that was not used lately.
func (l *lru) evict() {
	for range maxPassedOver {
		i := l.links[0].newer
		if l.links[i].used == 0 {
			break
		}
		l.links[i].used = 0
		l.unlink(i)
		l.link(i)
	}
	i := l.links[0].newer
	l.unlink(i)
	l.pool.give(l.drop(int(i - 1)))
}

func (l *lru) remove(key []byte) error {
	p := l.position(key)
	if p < 0 {
		return linux.ENOENT
	}
	l.unlink(uint32(p + 1))
	l.pool.give(l.drop(p))
	return nil
}

// link makes i the newest: the head's older neighbour.
func (l *lru) link(i uint32) {
	last := l.links[0].older
	l.links[i].older, l.links[i].newer = last, 0
	l.links[last].newer, l.links[0].older = i, i
}

func (l *lru) unlink(i uint32) {
	older, newer := l.links[i].older, l.links[i].newer
	l.links[older].newer, l.links[newer].older = newer, older
}
