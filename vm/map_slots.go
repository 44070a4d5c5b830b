package vm

import (
	"encoding/binary"
	"math/bits"

	"ebtools/bpf/linux"
)

// slots is an array whose entries are empty at first. One is in use when its value
// does not begin with a zero: an interface, a length of a queue, a number of
// something that the map refers to.
type slots struct {
	array
	m *Map
}

func newSlots(m *Map) (slots, error) {
	err := m.allocate(int(m.def.ValueSize), int(m.def.MaxEntries), true)
	return slots{array{max: m.def.MaxEntries}, m}, err
}

func (s slots) used(i int) bool { return binary.LittleEndian.Uint32(s.m.values.bytes(0, i)) != 0 }

func (s slots) find(key []byte) int {
	if i := s.position(key); i >= 0 && s.used(i) {
		return i
	}
	return -1
}

func (s slots) at(position int, key []byte) (slot, next int) {
	i, next := s.array.at(position, key)
	if i >= 0 && !s.used(i) {
		i = -1
	}
	return i, next
}

func (s slots) length() (n int) {
	for i := range int(s.max) {
		if s.used(i) {
			n++
		}
	}
	return n
}

// empty clears the entry of key; it reports whether it was in use.
func (s slots) empty(key []byte) bool {
	i := s.find(key)
	if i >= 0 {
		clear(s.m.values.bytes(0, i))
	}
	return i >= 0
}

// references is an array of programs, maps, perf events or cgroups (fd arrays in
// kernel/bpf/arraymap.c).
type references struct{ slots }

func newReferences(m *Map) error {
	s, err := newSlots(m)
	m.entries = references{s}
	return err
}

func (r references) claim(key, value []byte, flags uint64, _ int) (int, bool, error) {
	i := r.position(key)
	switch {
	case flags != linux.Any:
		return 0, false, linux.EINVAL
	case i < 0:
		return 0, false, linux.E2BIG
	}
	return i, false, r.m.admit(value)
}

func (r references) remove(key []byte) error {
	switch {
	case r.position(key) < 0:
		return linux.E2BIG
	case !r.empty(key):
		return linux.ENOENT
	}
	return nil
}

// devices is an array of interfaces or CPUs (kernel/bpf/devmap.c, cpumap.c).
type devices struct{ slots }

func newDevices(m *Map) error {
	s, err := newSlots(m)
	m.entries = devices{s}
	return err
}

func (d devices) claim(key, value []byte, flags uint64, _ int) (int, bool, error) {
	i := d.position(key)
	switch {
	case flags > linux.Exist:
		return 0, false, linux.EINVAL
	case i < 0:
		return 0, false, linux.E2BIG
	case flags == linux.NoExist:
		return 0, false, linux.EEXIST
	}
	if d.m.def.Type == linux.MapCpumap {
		return i, false, d.m.admitCPU(i, value)
	}
	return i, false, d.m.admitInterface(value)
}

func (d devices) remove(key []byte) error {
	if d.position(key) < 0 {
		return linux.EINVAL
	}
	d.empty(key)
	return nil
}

// sockets is an array of AF_XDP sockets (net/xdp/xskmap.c).
type sockets struct{ slots }

func newSockets(m *Map) error {
	s, err := newSlots(m)
	m.entries = sockets{s}
	return err
}

func (s sockets) claim(key, value []byte, flags uint64, _ int) (int, bool, error) {
	i := s.position(key)
	switch {
	case flags > linux.Exist:
		return 0, false, linux.EINVAL
	case i < 0:
		return 0, false, linux.E2BIG
	case binary.LittleEndian.Uint32(value) == 0:
		return 0, false, linux.EBADF
	case s.used(i) && string(value) == string(s.m.values.bytes(0, i)):
		return i, false, nil // that very socket is there
	}
	return i, false, presence(s.used(i), flags)
}

func (s sockets) remove(key []byte) error { return devices(s).remove(key) }

// traces is what bpf_get_stackid fills: stack traces by the number it gives them
// (kernel/bpf/stackmap.c).
type traces struct{ slots }

func newTraces(m *Map) error {
	size := uint32(1) << bits.Len32(m.def.MaxEntries-1)
	err := m.allocate(int(m.def.ValueSize), int(size), true)
	m.entries = traces{slots{array{max: size}, m}}
	return err
}

func (s traces) used(i int) bool { return binary.LittleEndian.Uint64(s.m.values.bytes(0, i)) != 0 }

func (s traces) find(key []byte) int { return s.position(key) }

// position is that of a trace which is there.
func (s traces) position(key []byte) int {
	if i := s.array.position(key); i >= 0 && s.used(i) {
		return i
	}
	return -1
}

func (s traces) at(position int, key []byte) (slot, next int) {
	for ; position < int(s.max); position++ {
		if s.used(position) {
			return s.array.at(position, key)
		}
	}
	return -1, -1
}

func (s traces) length() (n int) {
	for i := range int(s.max) {
		if s.used(i) {
			n++
		}
	}
	return n
}

func (s traces) claim(_, _ []byte, _ uint64, _ int) (int, bool, error) {
	return 0, false, linux.EINVAL
}

func (s traces) remove(key []byte) error {
	i := s.array.position(key)
	switch {
	case i < 0:
		return linux.E2BIG
	case !s.used(i):
		return linux.ENOENT
	}
	clear(s.m.values.bytes(0, i))
	return nil
}

// deviceHash is interfaces by any number (kernel/bpf/devmap.c). It asks less of
// flags than other hashes.
type deviceHash struct {
	*hash
	m *Map
}

func newDeviceHash(m *Map) error {
	h, err := makeHash(m, 4, int(m.def.MaxEntries))
	m.entries = deviceHash{h, m}
	return err
}

func (d deviceHash) claim(key, value []byte, flags uint64, cpu int) (int, bool, error) {
	p := d.position(key)
	switch {
	case flags > linux.Exist || binary.LittleEndian.Uint32(value) == 0:
		return 0, false, linux.EINVAL
	case p >= 0 && flags&linux.NoExist != 0:
		return 0, false, linux.EEXIST
	}
	if err := d.m.admitInterface(value); err != nil {
		return 0, false, err
	}
	switch {
	case p >= 0:
		return d.replace(p, cpu)
	case d.count >= d.max:
		return 0, false, linux.E2BIG
	}
	return d.insert(key)
}

// mapHash is maps by any key.
type mapHash struct {
	*hash
	m *Map
}

func newMapHash(m *Map) error {
	h, err := makeHash(m, int(m.def.KeySize), int(m.def.MaxEntries))
	if err != nil {
		return err
	}
	h.place = true
	m.entries = mapHash{h, m}
	return nil
}

func (h mapHash) claim(key, value []byte, flags uint64, cpu int) (int, bool, error) {
	if err := h.m.admit(value); err != nil {
		return 0, false, err
	}
	return h.hash.claim(key, value, flags, cpu)
}
