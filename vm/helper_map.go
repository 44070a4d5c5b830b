package vm

import "ebtools/bpf/linux"

var mapHelpers = []helper{
	{id: linux.FnMapLookupElem, fn: mapLookupElem},
	{id: linux.FnMapUpdateElem, fn: mapUpdateElem},
	{id: linux.FnMapDeleteElem, fn: mapDeleteElem},
	{id: linux.FnMapLookupPercpuElem, fn: mapLookupPercpuElem},
}

// mapLookupElem: r1 map, r2 key. The address of the value, or 0.
func mapLookupElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r)
	if key == nil {
		return
	}
	r[0] = 0
	if e := m.entries.find(key); e >= 0 {
		r[0] = m.values.address(t.cpuOf(m), e)
	}
}

// mapLookupPercpuElem: r1 map, r2 key, r3 CPU. The address of that CPU's value, or 0.
func mapLookupPercpuElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r)
	if key == nil {
		return
	}
	cpu := uint32(r[3])
	r[0] = 0
	if e := m.entries.find(key); e >= 0 && cpu < uint32(m.cpus) {
		r[0] = m.values.address(int(cpu), e)
	}
}

// mapUpdateElem: r1 map, r2 key, r3 value, r4 flags. 0 or an error number.
func mapUpdateElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r)
	if key == nil {
		return
	}
	value := t.memoryArgument(3, r, uint64(m.def.ValueSize), false)
	if value == nil {
		return
	}
	if m.values.readOnly {
		r[0] = result(linux.EPERM)
		return
	}
	r[0] = result(m.updateFrom(t.cpuOf(m), key, value, r[4]))
}

// mapDeleteElem: r1 map, r2 key. 0 or an error number.
func mapDeleteElem(t *thread, r *registers) {
	m, key := t.mapAndKey(r)
	if key == nil {
		return
	}
	if m.values.readOnly {
		r[0] = result(linux.EPERM)
		return
	}
	r[0] = result(m.entries.remove(key))
}

// mapAndKey gives the map and key that r1 and r2 are; no key when the run has
// ended because of either.
func (t *thread) mapAndKey(r *registers) (*Map, []byte) {
	m := t.mapArgument(1, r)
	if m == nil {
		return nil, nil
	}
	return m, t.memoryArgument(2, r, uint64(m.def.KeySize), false)
}

// cpuOf is which copy of m's values this thread works on.
func (t *thread) cpuOf(m *Map) int {
	if m.cpus == 1 {
		return 0
	}
	return t.cpu
}
