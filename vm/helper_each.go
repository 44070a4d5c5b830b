package vm

import (
	"ebtools/bpf/linux"
)

// forEachMapElem: r1 map, r2 function, r3 what it is given, r4 flags, which must be
// 0. The function gets the map, a key, its value on this CPU and r3, in the order of
// Map.All, and ends the walk by returning 1. How often it was called, or an error
// number.
func forEachMapElem(t *thread, r *registers) {
	m := t.mapFor(r, useEach)
	if m == nil {
		return
	}
	pc, ok := t.functionArgument(2, r)
	if !ok {
		return
	}
	if r[4] != 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	key, err := t.keyRegion(m)
	if err != nil {
		t.fault = err
		return
	}
	context, cpu := r[3], t.copyOf(m)
	calls := uint64(0)
	for position := 0; ; {
		value, next := m.walk(position, cpu, key.data)
		if next < 0 {
			break
		}
		position = next
		stop, ok := t.callback(pc, m.handle, key.start, value, context)
		if !ok {
			return
		}
		calls++
		if stop != 0 {
			break
		}
	}
	r[0] = calls
}

// walk gives the address of the value at a position, and copies its key.
func (m *Map) walk(position, cpu int, key []byte) (value uint64, next int) {
	if m.shared {
		m.lock.RLock()
		defer m.lock.RUnlock()
	}
	slot, next := m.entries.at(position, key)
	if next < 0 {
		return 0, next
	}
	return m.values.address(cpu, slot), next
}

// keyRegion gives read-only memory for a key of m, for one walk in this frame.
func (t *thread) keyRegion(m *Map) (*region, error) {
	size := int(m.def.KeySize)
	r := t.keys[t.depth]
	if r != nil && len(r.data) == size {
		return r, nil
	}
	if r == nil || r.pages<<pageShift < size {
		var err error
		if r, err = t.mem.reserve("the key", uint64(size)); err != nil {
			return nil, err
		}
		t.keys[t.depth] = r
	}
	t.mem.remap(r, aligned(size), true)
	return r, nil
}
