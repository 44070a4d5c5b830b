package vm

import (
	"encoding/binary"

	"ebtools/bpf/linux"
)

// storage is values that belong to objects: sockets, tasks, inodes, cgroups
// (kernel/bpf/bpf_local_storage.c). The kernel's key is a file descriptor of the
// object, here it is the object's address, of which 4 bytes are enough for any that
// a program may have as simulated memory.
type storage struct {
	*hashTable // by address, 8 bytes
	pool       pool
}

// maxStorages bounds how many objects have storage in one map: the kernel bounds it
// by the objects there are.
const maxStorages = 1 << 16

func newStorage(m *Map) error {
	err := m.allocate(int(m.def.ValueSize), maxStorages, false)
	m.entries = &storage{newHashTable(8), newPool(m.values, maxStorages, false)}
	return err
}

// object gives the 8-byte key of a 4-byte one.
func object(key []byte) (wide [8]byte) {
	copy(wide[:], key[:4])
	return wide
}

func (s *storage) find(key []byte) int {
	wide := object(key)
	return s.hashTable.find(wide[:])
}

func (s *storage) position(key []byte) int {
	wide := object(key)
	return s.hashTable.position(wide[:])
}

func (s *storage) at(position int, key []byte) (slot, next int) {
	var wide [8]byte
	slot, next = s.hashTable.at(position, wide[:])
	copy(key, wide[:4])
	return slot, next
}

func (s *storage) claim(key, _ []byte, flags uint64, _ int) (int, bool, error) {
	wide := object(key)
	switch {
	case binary.LittleEndian.Uint64(wide[:]) == 0:
		return 0, false, linux.EBADF
	case flags&^linux.FLock > linux.Exist:
		return 0, false, linux.EINVAL
	}
	slot := s.hashTable.find(wide[:])
	if err := presence(slot >= 0, flags); err != nil || slot >= 0 {
		return slot, false, err
	}
	if slot = s.pool.take(); slot < 0 {
		return 0, false, linux.ENOMEM
	}
	s.add(wide[:], slot)
	return slot, true, nil
}

func (s *storage) remove(key []byte) error {
	wide := object(key)
	if binary.LittleEndian.Uint64(wide[:]) == 0 {
		return linux.EBADF
	}
	p := s.hashTable.position(wide[:])
	if p < 0 {
		return linux.ENOENT
	}
	s.pool.give(s.drop(p))
	return nil
}
