package vm

import (
	"fmt"
	"sync"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Map is a map of a machine: shared by its programs, and open to Go code
// between runs, as the bpf system call has it. Keys and values are bytes as
// programs see them, integers little-endian. Errors are Linux's, as
// [linux.Errno].
//
// A map that refers to something has numbers of 4 bytes as values: of a program
// in Machine.Programs or a map in Machine.Maps, counted from 1 (prog_array,
// array_of_maps, hash_of_maps), an interface or a CPU's queue length, each
// optionally followed by the number of a program (devmap, devmap_hash, cpumap),
// or what the caller's sockets, cgroups and perf events are called (xskmap,
// cgroup_array, perf_event_array). The keys of local storage are objects by
// their address.
type Map struct {
	machine *Machine
	def     *bpf.Map
	kind    *mapKind
	handle  uint64 // what programs have as a pointer to it
	entries entries
	queue   queue // of a map without keys, else nil
	values  *values
	fields  fields
	inner   *bpf.Map // what a map of maps takes
	owner   *Program // the first program of a prog_array: the others are like it
	lock    sync.RWMutex
	shared  bool // several workers have it: lock is taken
	cpus    int  // copies of each value
	frozen  bool
	missing error // why it can't be used

	// Where arrays are: the value of index i begins at bases[cpu] + i*stride.
	bases  []uint64
	stride uint64
}

// entries finds the slots of keys: what differs between kinds of maps. Slots
// number the values, positions the keys in a stable order.
type entries interface {
	// find gives the slot that a program's lookup of key finds, or -1.
	find(key []byte) int
	// claim gives the slot that an update of key is to write, or why it is
	// refused. A fresh one has old bytes in it, other CPUs' too; -1: the update
	// writes nothing. cpu is where the program runs.
	claim(key, value []byte, flags uint64, cpu int) (slot int, fresh bool, err error)
	// remove takes key out.
	remove(key []byte) error
	// position gives the position of key itself, or -1.
	position(key []byte) int
	// at copies the first key from a position on, 0 being the first, and gives
	// its slot, -1 for an index that is empty, and the next position, -1 when
	// there was no key.
	at(position int, key []byte) (slot, next int)
	// length is how many entries there are.
	length() int
}

// newMap makes the map that def describes, with its initial contents. One of a
// type that is not emulated is there, but can't be used.
func newMap(machine *Machine, def *bpf.Map) (*Map, error) {
	def = asLoaded(def, machine.cpus)
	m := &Map{
		machine: machine, def: def, cpus: 1, frozen: def.Frozen, shared: len(machine.workers) > 1,
		handle: mapHandle(len(machine.maps)),
	}
	kind, ok := mapKinds[def.Type]
	if !ok {
		m.missing = &NotEmulatedError{What: fmt.Sprintf("map %s of type %s", def.Name, def.Type)}
		m.kind, m.entries = &mapKind{}, absent{m.missing}
		return m, nil
	}
	m.kind = kind
	switch def.Type {
	case linux.MapArrayOfMaps, linux.MapHashOfMaps:
		m.inner = def.Inner
	}
	if def.Type.PerCPU() {
		m.cpus = machine.cpus
	}
	if err := m.make(); err != nil {
		return nil, fmt.Errorf("map %s: a %s of %d entries, keys of %d bytes and values of %d: %w",
			def.Name, def.Type, def.MaxEntries, def.KeySize, def.ValueSize, err)
	}
	return m, m.initialize()
}

// make checks what the map is to be like and gives it its memory.
func (m *Map) make() (err error) {
	if err := checkMap(m.def, m.kind); err != nil {
		return err
	}
	if m.fields, err = findFields(m.def); err != nil {
		return err
	}
	return m.kind.make(m)
}

// allocate makes room for the values of the map.
func (m *Map) allocate(size, slots int, whole bool) (err error) {
	flags := m.def.Flags
	if m.def.Frozen {
		flags |= linux.FRdonlyProg
	}
	m.values, err = newValues(m.machine.mem, m.title(), size, slots, m.cpus, whole, flags)
	return err
}

// initialize puts in the contents that the object has for a section.
func (m *Map) initialize() error {
	contents := m.def.Contents
	if contents == nil {
		return nil
	}
	if m.def.Type != linux.MapArray || len(contents) > int(m.def.ValueSize) {
		return fmt.Errorf("map %s: %d bytes of initial contents for a %s with values of %d: %w",
			m.def.Name, len(contents), m.def.Type, m.def.ValueSize, linux.EINVAL)
	}
	copy(m.values.bytes(0, 0), contents)
	return nil
}

// NewMap adds a map to the machine, as user space may: one to put into a map of
// maps. It comes last in Maps.
func (m *Machine) NewMap(def *bpf.Map) (*Map, error) {
	mp, err := newMap(m, def)
	if err != nil {
		return nil, err
	}
	m.maps = append(m.maps, mp)
	return mp, mp.fill()
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

// Len is how many entries the map has: all of an array, those in use of any
// other. A bloom filter has none.
func (m *Map) Len() int {
	if m.queue != nil {
		return m.queue.length()
	}
	return m.entries.length()
}

// A program's pointer to a map is a number that is no address: maps are only
// handed on to helpers.
const mapHandleBase = 0xffff_b9f0_0000_0000

func mapHandle(index int) uint64 { return mapHandleBase | uint64(index)<<8 }

func isMapHandle(v uint64) bool { return v>>32 == mapHandleBase>>32 }

// codeHandle is the same for the address of a function.
func codeHandle(pc int) uint64 { return 0xffff_c0de_0000_0000 | uint64(pc)<<3 }

// absent stands for the entries of a map that has none, or is not emulated.
type absent struct{ reason error }

func (a absent) find([]byte) int { return -1 }

func (a absent) claim(_, _ []byte, _ uint64, _ int) (int, bool, error) { return 0, false, a.reason }

func (a absent) remove([]byte) error { return a.reason }

func (a absent) position([]byte) int { return -1 }

func (a absent) at(int, []byte) (slot, next int) { return -1, -1 }

func (a absent) length() int { return 0 }
