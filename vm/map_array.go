package vm

import (
	"encoding/binary"

	"ebtools/bpf/linux"
)

// array: the key is the slot, and all entries exist (kernel/bpf/arraymap.c).
type array struct {
	max  uint32
	lock bool // values have a spin lock
}

func newArray(m *Map) error {
	if err := m.allocate(int(m.def.ValueSize), int(m.def.MaxEntries), true); err != nil {
		return err
	}
	m.entries = array{m.def.MaxEntries, m.fields.lock.size > 0}
	m.stride = uint64(m.values.stride)
	for cpu := range m.cpus {
		m.bases = append(m.bases, m.values.address(cpu, 0))
	}
	return nil
}

func (a array) position(key []byte) int {
	if i := binary.LittleEndian.Uint32(key); i < a.max {
		return int(i)
	}
	return -1
}

func (a array) find(key []byte) int { return a.position(key) }

func (a array) claim(key, _ []byte, flags uint64, _ int) (int, bool, error) {
	i := a.position(key)
	switch {
	case flags&^linux.FLock > linux.Exist:
		return 0, false, linux.EINVAL
	case i < 0:
		return 0, false, linux.E2BIG
	case flags&linux.NoExist != 0:
		return 0, false, linux.EEXIST
	case flags&linux.FLock != 0 && !a.lock:
		return 0, false, linux.EINVAL
	}
	return i, false, nil
}

func (a array) remove([]byte) error { return linux.EINVAL }

func (a array) at(position int, key []byte) (slot, next int) {
	if position >= int(a.max) {
		return -1, -1
	}
	binary.LittleEndian.PutUint32(key, uint32(position))
	return position, position + 1
}

func (a array) length() int { return int(a.max) }
