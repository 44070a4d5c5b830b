package vm

import (
	"encoding/binary"
	"fmt"
	"iter"
	"sync"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Map is a map of a machine: shared by its programs, and open to Go code
// between runs. Keys and values are bytes as programs see them, integers
// little-endian. Errors are Linux's, as [linux.Errno].
type Map struct {
	machine *Machine
	def     *bpf.Map
	entries entries
	values  *values
	lock    sync.RWMutex // held by helpers while several workers share the map
	cpus    int          // copies of each value
	missing error        // why it can't be used
}

// entries finds the entry of a key; what differs between kinds of maps.
type entries interface {
	// find gives the entry of key, or -1.
	find(key []byte) int
	// insert gives the entry of a key that find did not find, or why it can't be added.
	insert(key []byte) (int, error)
	// remove takes the entry of key out.
	remove(key []byte) error
	// each calls yield with every key and its entry, in a stable order.
	each(yield func(key []byte, entry int) bool)
}

// newMap makes the map that def describes, with its initial contents. One of a
// type that is not emulated is there, but can't be used.
func newMap(machine *Machine, def *bpf.Map) (*Map, error) {
	def = asLoaded(def, machine.cpus)
	kind, ok := mapKinds[def.Type]
	if !ok {
		missing := &NotEmulatedError{What: fmt.Sprintf("map %s of type %s", def.Name, def.Type)}
		return &Map{machine: machine, def: def, entries: absent{missing}, cpus: 1, missing: missing}, nil
	}
	if isRing(def.Type) {
		return newRingMap(machine, def)
	}
	if err := checkSizes(def, kind); err != nil {
		return nil, fmt.Errorf("map %s: a %s of %d entries, keys of %d bytes and values of %d: %w",
			def.Name, def.Type, def.MaxEntries, def.KeySize, def.ValueSize, err)
	}
	m := &Map{machine: machine, def: def, cpus: 1}
	if def.Type.PerCPU() {
		m.cpus = machine.cpus
	}
	readOnly := def.Frozen || def.Flags&linux.FRdonlyProg != 0
	var err error
	m.values, err = newValues(machine.mem, m.title(), int(def.ValueSize), int(def.MaxEntries), m.cpus, kind.whole, readOnly)
	if err != nil {
		return nil, err
	}
	m.entries = kind.make(def)
	m.openEvents()
	if def.Contents != nil {
		if !kind.whole || len(def.Contents) > int(def.ValueSize) {
			return nil, fmt.Errorf("map %s: %d bytes of initial contents for a %s with values of %d: %w",
				def.Name, len(def.Contents), def.Type, def.ValueSize, linux.EINVAL)
		}
		copy(m.values.bytes(0, 0), def.Contents)
	}
	return m, nil
}

// title is what messages call the map's memory.
func (m *Map) title() string {
	if m.def.Section != "" {
		return "section " + m.def.Section
	}
	return "map " + m.def.Name
}

// directValue gives the address of the one value of an array map, which global
// variables have.
func (m *Map) directValue() (uint64, error) {
	if m.def.Type != linux.MapArray {
		return 0, fmt.Errorf("address of a value of map %s, a %s: %w", m.def.Name, m.def.Type, ErrInvalid)
	}
	return m.values.address(0, 0), nil
}

// Spec describes the map.
func (m *Map) Spec() *bpf.Map { return m.def }

// Err is ErrNotEmulated for a map of a type that is not emulated: it has no
// entries, and programs that refer to it fault there. Else nil.
func (m *Map) Err() error { return m.missing }

// CPUs is how many values each entry has: 1 unless the map is per CPU.
func (m *Map) CPUs() int { return m.cpus }

// Sparse reports whether entries come and go: not of arrays, which have all of
// them from the start.
func (m *Map) Sparse() bool {
	_, is := m.entries.(array)
	return !is
}

// Lookup gives a copy of the value of key; of a per-CPU map the values of all
// CPUs, one after the other. ENOENT when there is none.
func (m *Map) Lookup(key []byte) ([]byte, error) {
	if err := m.checkKey(key); err != nil {
		return nil, err
	}
	e := m.entries.find(key)
	if e < 0 {
		return nil, linux.ENOENT
	}
	return m.copyOut(e), nil
}

func (m *Map) copyOut(entry int) []byte {
	out := make([]byte, 0, m.cpus*int(m.def.ValueSize))
	for cpu := range m.cpus {
		out = append(out, m.values.bytes(cpu, entry)...)
	}
	return out
}

// Update sets the value of key; of a per-CPU map, value holds that of every
// CPU. flags is
// linux.Any, linux.NoExist or linux.Exist.
func (m *Map) Update(key, value []byte, flags uint64) error {
	if err := m.checkKey(key); err != nil {
		return err
	}
	size := int(m.def.ValueSize)
	if len(value) != size*m.cpus {
		return fmt.Errorf("value of %d bytes for %s, expected %d: %w", len(value), m.title(), size*m.cpus, linux.EINVAL)
	}
	if m.def.Frozen {
		return linux.EPERM
	}
	e, _, err := m.entry(key, flags)
	if err != nil {
		return err
	}
	for cpu := range m.cpus {
		copy(m.values.bytes(cpu, e), value[cpu*size:])
	}
	return nil
}

// updateFrom is bpf_map_update_elem on the given CPU: of a per-CPU map it sets
// that CPU's value, and a new entry is zero on the others.
func (m *Map) updateFrom(cpu int, key, value []byte, flags uint64) error {
	if m.cpus == 1 {
		cpu = 0
	}
	locked := uint64(0)
	if mapKinds[m.def.Type].whole {
		locked = flags & linux.FLock // looked at last (array_map_update_elem)
	}
	e, fresh, err := m.entry(key, flags&^locked)
	if err != nil {
		return err
	}
	if locked != 0 {
		return linux.EINVAL // no value has a spin lock
	}
	if fresh && m.cpus > 1 {
		for other := range m.cpus {
			clear(m.values.bytes(other, e))
		}
	}
	copy(m.values.bytes(cpu, e), value)
	return nil
}

// entry finds or makes the entry of key as flags allow.
func (m *Map) entry(key []byte, flags uint64) (e int, fresh bool, err error) {
	if flags > linux.Exist {
		return 0, false, linux.EINVAL
	}
	e = m.entries.find(key)
	switch {
	case e >= 0 && flags == linux.NoExist:
		return 0, false, linux.EEXIST
	case e >= 0:
		return e, false, nil
	case flags == linux.Exist && !m.outOfRange(key):
		return 0, false, linux.ENOENT
	}
	if e, err = m.entries.insert(key); err != nil {
		return 0, false, err
	}
	if m.values.grow(e) != nil {
		_ = m.entries.remove(key)
		return 0, false, linux.ENOMEM
	}
	return e, true, nil
}

// outOfRange reports whether key is an index that the map does not have, which
// the kernel says before anything else.
func (m *Map) outOfRange(key []byte) bool {
	return mapKinds[m.def.Type].whole && binary.LittleEndian.Uint32(key) >= m.def.MaxEntries
}

// Delete removes key. ENOENT when it is not there, EINVAL for maps whose
// entries can't be removed.
func (m *Map) Delete(key []byte) error {
	if err := m.checkKey(key); err != nil {
		return err
	}
	if m.def.Frozen {
		return linux.EPERM
	}
	return m.entries.remove(key)
}

// All iterates over the entries in a stable order: arrays by index, hashes in
// the order their keys were added, gaps left by removals filled first. Keys
// and values are copies, values as Lookup gives them. Entries may not be added
// or removed meanwhile.
func (m *Map) All() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		m.entries.each(func(key []byte, entry int) bool {
			return yield(append([]byte(nil), key...), m.copyOut(entry))
		})
	}
}

func (m *Map) checkKey(key []byte) error {
	if m.missing != nil {
		return m.missing
	}
	if len(key) != int(m.def.KeySize) {
		return fmt.Errorf("key of %d bytes for %s, expected %d: %w", len(key), m.title(), m.def.KeySize, linux.EINVAL)
	}
	return nil
}

// A program's pointer to a map is a number that is no address: maps are only
// handed on to helpers.
const mapHandleBase = 0xffff_b9f0_0000_0000

func mapHandle(index int) uint64 { return mapHandleBase | uint64(index)<<8 }

func isMapHandle(v uint64) bool { return v>>32 == mapHandleBase>>32 }

// codeHandle is the same for the address of a function.
func codeHandle(pc int) uint64 { return 0xffff_c0de_0000_0000 | uint64(pc)<<3 }
