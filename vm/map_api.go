package vm

import (
	"encoding/binary"
	"fmt"
	"iter"

	"ebtools/bpf/linux"
)

// What Go code does with a map: the map commands of the bpf system call
// (kernel/bpf/syscall.c), with its answers.

// Lookup gives a copy of the value of key; of a per-CPU map the values of all
// CPUs, one after the other; of a queue or stack the value whose turn it is, for
// a nil key. ENOENT when there is none.
func (m *Map) Lookup(key []byte) ([]byte, error) { return m.LookupWithFlags(key, 0) }

// LookupWithFlags is Lookup with linux.FLock or 0.
func (m *Map) LookupWithFlags(key []byte, flags uint64) ([]byte, error) {
	if err := m.readable(flags); err != nil {
		return nil, err
	}
	if err := m.checkKey(key); err != nil {
		return nil, err
	}
	if _, question := m.queue.(*bloom); question {
		return nil, fmt.Errorf("a bloom filter is asked with Contains: %w", linux.EINVAL)
	}
	if m.queue != nil {
		return m.taken(false)
	}
	if m.kind.lookup != 0 {
		return nil, m.kind.lookup
	}
	slot, err := m.slotOf(key)
	if err != nil {
		return nil, err
	}
	return m.copyOut(slot), nil
}

// readable gives why user space may not look at the map.
func (m *Map) readable(flags uint64) error {
	switch {
	case m.missing != nil:
		return m.missing
	case flags&^linux.FLock != 0:
		return linux.EINVAL
	case m.def.Flags&linux.FWronly != 0:
		return linux.EPERM
	case flags&linux.FLock != 0 && m.fields.lock.size == 0:
		return linux.EINVAL
	}
	return nil
}

// writable gives why user space may not change the map.
func (m *Map) writable() error {
	switch {
	case m.missing != nil:
		return m.missing
	case m.frozen || m.def.Flags&linux.FRdonly != 0:
		return linux.EPERM
	}
	return nil
}

func (m *Map) checkKey(key []byte) error {
	if len(key) != int(m.def.KeySize) {
		return fmt.Errorf("key of %d bytes for %s, expected %d: %w", len(key), m.title(), m.def.KeySize, linux.EINVAL)
	}
	return nil
}

// slotOf is what a system call finds under key, which is no use of it to an LRU map.
func (m *Map) slotOf(key []byte) (int, error) {
	slot := 0
	switch e := m.entries.(type) {
	case *lru:
		slot = e.hash.find(key)
	case *storage:
		if binary.LittleEndian.Uint32(key) == 0 {
			return 0, linux.EBADF
		}
		slot = e.find(key)
	default:
		slot = e.find(key)
	}
	if slot < 0 {
		return 0, linux.ENOENT
	}
	return slot, nil
}

// taken gives the value whose turn it is.
func (m *Map) taken(remove bool) ([]byte, error) {
	value := make([]byte, m.def.ValueSize)
	if err := m.queue.take(value, remove); err != nil {
		return nil, err
	}
	return value, nil
}

func (m *Map) copyOut(slot int) []byte {
	size := int(m.def.ValueSize)
	out := make([]byte, m.cpus*size)
	for cpu := range m.cpus {
		part := out[cpu*size : (cpu+1)*size]
		copy(part, m.values.bytes(cpu, slot))
		m.fields.hide(part)
	}
	return out
}

// Contains reports whether value may be in a bloom filter: nil when it may, ENOENT
// when it is not.
func (m *Map) Contains(value []byte) error {
	if err := m.readable(0); err != nil {
		return err
	}
	b, is := m.queue.(*bloom)
	if !is || len(value) != int(m.def.ValueSize) {
		return linux.EINVAL
	}
	return b.take(value, false)
}

// LookupAndDelete gives the value of key as Lookup does, and removes it: of hashes,
// and of queues and stacks, with a nil key. ENOTSUPP for other maps.
func (m *Map) LookupAndDelete(key []byte) ([]byte, error) {
	return m.LookupAndDeleteWithFlags(key, 0)
}

// LookupAndDeleteWithFlags is LookupAndDelete with linux.FLock or 0.
func (m *Map) LookupAndDeleteWithFlags(key []byte, flags uint64) ([]byte, error) {
	if flags&^linux.FLock != 0 {
		return nil, linux.EINVAL
	}
	if err := m.writable(); err != nil {
		return nil, err
	}
	if err := m.readable(flags); err != nil {
		return nil, err
	}
	if err := m.checkKey(key); err != nil {
		return nil, err
	}
	switch {
	case !m.kind.takes:
		return nil, linux.ENOTSUPP
	case m.queue != nil:
		return m.taken(true)
	}
	slot, err := m.slotOf(key)
	if err != nil {
		return nil, err
	}
	value := m.copyOut(slot)
	return value, m.entries.remove(key)
}

// Update sets the value of key; of a per-CPU map, value holds that of every
// CPU. With a nil key it pushes to a queue, a stack or a bloom filter. flags is
// linux.Any, NoExist or Exist, and FLock with it where values have a spin lock;
// Exist for a queue or stack makes room by dropping the oldest value.
func (m *Map) Update(key, value []byte, flags uint64) error {
	if err := m.writable(); err != nil {
		return err
	}
	if flags&linux.FLock != 0 && m.fields.lock.size == 0 {
		return linux.EINVAL
	}
	if err := m.checkKey(key); err != nil {
		return err
	}
	size := int(m.def.ValueSize)
	if len(value) != size*m.cpus {
		return fmt.Errorf("value of %d bytes for %s, expected %d: %w", len(value), m.title(), size*m.cpus, linux.EINVAL)
	}
	if m.queue != nil {
		return m.queue.push(value, flags)
	}
	if m.cpus > 1 && flags > linux.Exist {
		return linux.EINVAL
	}
	slot, fresh, err := m.entries.claim(key, value, flags, 0)
	if err != nil || slot < 0 {
		return err
	}
	for cpu := range m.cpus {
		m.fields.write(m.values.bytes(cpu, slot), value[cpu*size:(cpu+1)*size], fresh)
	}
	return nil
}

// UpdateProgram puts a program of the machine into a prog_array.
func (m *Map) UpdateProgram(key []byte, p *Program, flags uint64) error {
	if m.def.Type != linux.MapProgArray {
		return fmt.Errorf("a program for map %s, a %s: %w", m.def.Name, m.def.Type, linux.EINVAL)
	}
	for i, q := range m.machine.programs {
		if p == q {
			return m.Update(key, number(i+1), flags)
		}
	}
	return linux.EBADF
}

// UpdateMap puts a map of the machine into an array_of_maps or a hash_of_maps.
// EINVAL when it is not like the map's template.
func (m *Map) UpdateMap(key []byte, inner *Map, flags uint64) error {
	if m.inner == nil {
		return fmt.Errorf("a map for map %s, a %s: %w", m.def.Name, m.def.Type, linux.EINVAL)
	}
	for i, q := range m.machine.maps {
		if inner == q {
			return m.Update(key, number(i+1), flags)
		}
	}
	return linux.EBADF
}

// LookupProgram gives the program that a prog_array has under key.
func (m *Map) LookupProgram(key []byte) (*Program, error) {
	if m.def.Type != linux.MapProgArray {
		return nil, linux.EINVAL
	}
	value, err := m.Lookup(key)
	if err != nil {
		return nil, err
	}
	return m.machine.programNumber(binary.LittleEndian.Uint32(value)), nil
}

// LookupMap gives the map that an array_of_maps or a hash_of_maps has under key.
func (m *Map) LookupMap(key []byte) (*Map, error) {
	if m.inner == nil {
		return nil, linux.EINVAL
	}
	value, err := m.Lookup(key)
	if err != nil {
		return nil, err
	}
	return m.machine.mapNumber(binary.LittleEndian.Uint32(value)), nil
}

func number(n int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(n)) }

// Delete removes key. ENOENT when it is not there, EINVAL for maps whose
// entries can't be removed.
func (m *Map) Delete(key []byte) error {
	if err := m.writable(); err != nil {
		return err
	}
	if err := m.checkKey(key); err != nil {
		return err
	}
	return m.entries.remove(key)
}

// NextKey gives the key that follows key in the map's order, the first for a nil
// key or one that is not there. ENOENT behind the last. The order is that of All,
// which for hashes is not the kernel's.
func (m *Map) NextKey(key []byte) ([]byte, error) {
	if err := m.readable(0); err != nil {
		return nil, err
	}
	position := 0
	if key != nil {
		if err := m.checkKey(key); err != nil {
			return nil, err
		}
		position = m.entries.position(key) + 1
	}
	if m.kind.walk != 0 {
		return nil, m.kind.walk
	}
	next := make([]byte, m.def.KeySize)
	if _, more := m.entries.at(position, next); more < 0 {
		return nil, linux.ENOENT
	}
	return next, nil
}

// All iterates over the entries in a stable order: arrays by index, hashes in
// the order their keys were added, gaps left by removals filled first, tries as the
// kernel does: longer prefixes before those they begin with. Queues and stacks
// give nil keys, and values in the order they would be taken. Keys and values are
// copies, values as Lookup gives them; all that is there is given, also where
// user space may not look. Entries may not be added or removed meanwhile.
func (m *Map) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		if m.queue != nil {
			m.queue.each(func(value []byte) bool { return yield(nil, append([]byte(nil), value...)) })
			return
		}
		for position := 0; ; {
			key := make([]byte, m.def.KeySize)
			slot, next := m.entries.at(position, key)
			if next < 0 || slot >= 0 && !yield(key, m.copyOut(slot)) {
				return
			}
			position = next
		}
	}
}

// Freeze keeps user space from changing the map from now on; programs still may.
// ENOTSUPP for maps whose values have a spin lock or the like, EBUSY or EPERM for
// those frozen already.
func (m *Map) Freeze() error {
	if m.missing == nil && (m.fields.lock.size > 0 || m.fields.other != nil) {
		return linux.ENOTSUPP
	}
	if err := m.writable(); err != nil {
		return err
	}
	m.frozen = true
	return nil
}
