package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

var mapHelpers = []helper{
	{id: linux.FnMapLookupElem, fn: mapLookupElem},
	{id: linux.FnMapUpdateElem, fn: mapUpdateElem},
	{id: linux.FnMapDeleteElem, fn: mapDeleteElem},
	{id: linux.FnMapLookupPercpuElem, fn: mapLookupPercpuElem},
	{id: linux.FnMapPushElem, fn: mapPushElem},
	{id: linux.FnMapPopElem, fn: mapPopElem},
	{id: linux.FnMapPeekElem, fn: mapPeekElem},
	{id: linux.FnForEachMapElem, fn: forEachMapElem},
	{id: linux.FnSpinLock, fn: spinLock},
	{id: linux.FnSpinUnlock, fn: spinUnlock},
	{id: linux.FnSkStorageGet, fn: skStorageGet},
	{id: linux.FnSkStorageDelete, fn: skStorageDelete},
	{id: linux.FnTaskStorageGet, fn: taskStorageGet},
	{id: linux.FnTaskStorageDelete, fn: taskStorageDelete},
	{id: linux.FnInodeStorageGet, fn: inodeStorageGet},
	{id: linux.FnInodeStorageDelete, fn: inodeStorageDelete},
	{id: linux.FnCgrpStorageGet, fn: cgrpStorageGet},
	{id: linux.FnCgrpStorageDelete, fn: cgrpStorageDelete},
}

// mapLookupElem: r1 map, r2 key. The address of the value, or 0; of a map of maps
// the map.
func mapLookupElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r, useLookup)
	if key == nil {
		return
	}
	r[0] = m.lookup(t.copyOf(m), key)
}

// lookup gives what a program's lookup returns.
func (m *Map) lookup(cpu int, key []byte) uint64 {
	switch {
	case m.bases != nil:
		if i := binary.LittleEndian.Uint32(key); i < m.def.MaxEntries {
			return m.bases[cpu] + uint64(i)*m.stride
		}
		return 0
	case m.shared:
		m.lock.RLock()
		defer m.lock.RUnlock()
	}
	var slot int
	if h, ok := m.entries.(*hash); ok { // spares the indirect call
		slot = h.find(key)
	} else {
		slot = m.entries.find(key)
	}
	switch {
	case slot < 0:
		return 0
	case m.inner != nil:
		return m.machine.maps[binary.LittleEndian.Uint32(m.values.bytes(0, slot))-1].handle
	}
	return m.values.address(cpu, slot)
}

// mapLookupPercpuElem: r1 map, r2 key, r3 CPU. The address of that CPU's value, or 0.
func mapLookupPercpuElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r, usePercpu)
	if key == nil {
		return
	}
	cpu := uint32(r[3])
	r[0] = 0
	if cpu < uint32(m.cpus) {
		r[0] = m.lookup(int(cpu), key)
	}
}

// mapUpdateElem: r1 map, r2 key, r3 value, r4 flags. 0 or an error number.
func mapUpdateElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r, useUpdate)
	if key == nil {
		return
	}
	if value := t.memoryArgument(3, r, uint64(m.def.ValueSize), false); value != nil {
		r[0] = result(t.update(m, key, value, r[4]))
	}
}

// update sets the value of key, of a per-CPU map that of the thread's CPU: a new
// entry is zero on the others.
func (t *thread) update(m *Map, key, value []byte, flags uint64) error {
	locked, err := t.write(m, key, value, flags)
	if locked == nil {
		return err
	}
	// Not while the map is locked: whoever has the value locked may wait for the map.
	if lock := m.fields.lock.of(locked); t.acquire(lock) {
		m.fields.write(locked, value, false)
		release(lock)
	}
	return nil
}

// write is update but for a value that is to be written under its own lock: that is
// handed back instead.
func (t *thread) write(m *Map, key, value []byte, flags uint64) (locked []byte, err error) {
	if m.shared {
		m.lock.Lock()
		defer m.lock.Unlock()
	}
	slot, fresh, err := m.entries.claim(key, value, flags, t.cpu)
	if err != nil || slot < 0 {
		return nil, err
	}
	own := t.copyOf(m)
	dst := m.values.bytes(own, slot)
	if flags&linux.FLock != 0 && !fresh {
		return dst, nil
	}
	m.fields.write(dst, value, fresh)
	for cpu := range m.cpus {
		if fresh && cpu != own {
			clear(m.values.bytes(cpu, slot))
		}
	}
	return nil, nil
}

// mapDeleteElem: r1 map, r2 key. 0 or an error number.
func mapDeleteElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r, useDelete)
	if key == nil {
		return
	}
	if m.shared {
		m.lock.Lock()
		defer m.lock.Unlock()
	}
	r[0] = result(m.entries.remove(key))
}

// mapPushElem: r1 map, r2 value, r3 flags. 0 or an error number.
func mapPushElem(t *thread, r *registers) {
	m, value := t.mapAndValue(r, usePush, false)
	if value == nil {
		return
	}
	if m.shared {
		m.lock.Lock()
		defer m.lock.Unlock()
	}
	r[0] = result(m.queue.push(value, r[3]))
}

// mapPopElem: r1 map, r2 where the value goes. 0 or an error number.
func mapPopElem(t *thread, r *registers) { takeElem(t, r, usePop) }

// mapPeekElem: r1 map, r2 where the value goes, or the value that a bloom filter is
// asked for. 0 or an error number.
func mapPeekElem(t *thread, r *registers) { takeElem(t, r, usePeek) }

func takeElem(t *thread, r *registers, use mapUses) {
	m, value := t.mapAndValue(r, use, true)
	if value == nil {
		return
	}
	if m.shared {
		m.lock.Lock()
		defer m.lock.Unlock()
	}
	r[0] = result(m.queue.take(value, use == usePop))
}

// mapFor gives the map that r1 is; nil when the run has ended because programs may
// not do this with it.
func (t *thread) mapFor(r *registers, use mapUses) *Map {
	m := t.mapArgument(1, r)
	if m == nil {
		return nil
	}
	if m.kind.may&use == 0 {
		t.fail(1, fmt.Errorf("map %s is a %s, which programs can't %s: %w", m.def.Name, m.def.Type, useNames[use], ErrArgument))
		return nil
	}
	if m.def.Flags&linux.FRdonlyProg != 0 && use&(useUpdate|useDelete|usePush|usePop) != 0 {
		t.fail(1, fmt.Errorf("map %s, which programs can't %s: %w", m.def.Name, useNames[use], ErrReadOnly))
		return nil
	}
	return m
}

// mapAndKey gives the map and key that r1 and r2 are; no key when the run has
// ended because of either.
func (t *thread) mapAndKey(r *registers, use mapUses) (*Map, []byte) {
	m := t.mapFor(r, use)
	if m == nil {
		return nil, nil
	}
	return m, t.memoryArgument(2, r, uint64(m.def.KeySize), false)
}

// mapAndValue gives the map and value that r1 and r2 are; no value when the run has
// ended because of either.
func (t *thread) mapAndValue(r *registers, use mapUses, write bool) (*Map, []byte) {
	m := t.mapFor(r, use)
	if m == nil {
		return nil, nil
	}
	if _, question := m.queue.(*bloom); question {
		write = false
	}
	return m, t.memoryArgument(2, r, uint64(m.def.ValueSize), write)
}

// copyOf is which copy of m's values this thread works on.
func (t *thread) copyOf(m *Map) int {
	if m.cpus == 1 {
		return 0
	}
	return t.cpu
}
