package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

// Storage of objects: r1 map, r2 the object's address, which may be 0, r3 the value of
// a new one or 0, r4 flags. The address of the object's value, or 0.

func skStorageGet(t *thread, r *registers)    { storageGet(t, r, linux.MapSkStorage) }
func taskStorageGet(t *thread, r *registers)  { storageGet(t, r, linux.MapTaskStorage) }
func inodeStorageGet(t *thread, r *registers) { storageGet(t, r, linux.MapInodeStorage) }
func cgrpStorageGet(t *thread, r *registers)  { storageGet(t, r, linux.MapCgrpStorage) }

// The same without a value: 0 or an error number.

func skStorageDelete(t *thread, r *registers)    { storageDelete(t, r, linux.MapSkStorage) }
func taskStorageDelete(t *thread, r *registers)  { storageDelete(t, r, linux.MapTaskStorage) }
func inodeStorageDelete(t *thread, r *registers) { storageDelete(t, r, linux.MapInodeStorage) }
func cgrpStorageDelete(t *thread, r *registers)  { storageDelete(t, r, linux.MapCgrpStorage) }

// storageCreate makes an object's value when it has none yet
// (BPF_LOCAL_STORAGE_GET_F_CREATE).
const storageCreate = 1

// storageOf gives the storage that r1 is, nil when the run has ended because it is
// of another type.
func (t *thread) storageOf(r *registers, kind linux.MapType) (*Map, *storage) {
	m := t.mapArgument(1, r)
	if m == nil {
		return nil, nil
	}
	if m.def.Type != kind {
		t.fail(1, fmt.Errorf("map %s is a %s, expected a %s: %w", m.def.Name, m.def.Type, kind, ErrArgument))
		return nil, nil
	}
	return m, m.entries.(*storage)
}

func storageGet(t *thread, r *registers, kind linux.MapType) {
	m, s := t.storageOf(r, kind)
	if m == nil {
		return
	}
	var initial []byte
	if r[3] != 0 {
		if initial = t.memoryArgument(3, r, uint64(m.def.ValueSize), false); initial == nil {
			return
		}
	}
	object, flags := r[2], r[4]
	r[0] = 0
	if object == 0 || flags > storageCreate {
		return
	}
	if m.shared {
		m.lock.Lock()
		defer m.lock.Unlock()
	}
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], object)
	slot := s.hashTable.find(key[:])
	if slot < 0 && flags == storageCreate {
		if slot = s.pool.take(); slot < 0 {
			return
		}
		s.add(key[:], slot)
		value := m.values.bytes(0, slot)
		clear(value)
		if initial != nil {
			m.fields.write(value, initial, true)
		}
	}
	if slot >= 0 {
		r[0] = m.values.address(0, slot)
	}
}

func storageDelete(t *thread, r *registers, kind linux.MapType) {
	m, s := t.storageOf(r, kind)
	if m == nil {
		return
	}
	object := r[2]
	if object == 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	if m.shared {
		m.lock.Lock()
		defer m.lock.Unlock()
	}
	var key [8]byte
	binary.LittleEndian.PutUint64(key[:], object)
	r[0] = 0
	if p := s.hashTable.position(key[:]); p < 0 {
		r[0] = result(linux.ENOENT)
	} else {
		s.pool.give(s.drop(p))
	}
}
