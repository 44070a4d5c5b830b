package vm

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"unsafe"
)

// spinLock: r1 the bpf_spin_lock of a map's value. Returns when this program has it.
func spinLock(t *thread, r *registers) {
	word := t.lockArgument(r)
	if word == nil {
		return
	}
	if t.holds.lock != nil {
		t.fail(1, fmt.Errorf("a lock is held already, a second one is never free: %w", ErrArgument))
		return
	}
	if t.acquire(word) {
		t.holds.lock, t.holds.locked = word, t.here()
	}
	r[0] = 0
}

// spinUnlock: r1 the lock that spinLock took.
func spinUnlock(t *thread, r *registers) {
	word := t.lockArgument(r)
	if word == nil {
		return
	}
	if t.holds.lock == nil || &t.holds.lock[0] != &word[0] {
		t.fail(1, fmt.Errorf("a lock that is not held: %w", ErrArgument))
		return
	}
	t.unlock()
	r[0] = 0
}

// lockArgument gives the lock that r1 points to, nil when the run has ended because
// it is none.
func (t *thread) lockArgument(r *registers) []byte {
	for _, m := range t.machine.maps {
		if m.fields.lock.size == 0 {
			continue
		}
		if m.hasLock(r[1]) {
			return t.memoryArgument(1, r, 4, true)
		}
	}
	t.fail(1, fmt.Errorf("%#x is not a spin lock in the value of a map: %w", r[1], ErrArgument))
	return nil
}

// hasLock reports whether the lock of one of m's values is at an address.
func (m *Map) hasLock(addr uint64) bool {
	if m.shared {
		m.lock.RLock()
		defer m.lock.RUnlock()
	}
	for _, r := range m.values.chunks[0] {
		if off := addr - r.start; off < uint64(len(r.data)) {
			return off%uint64(m.values.stride) == uint64(m.fields.lock.off)
		}
	}
	return false
}

// acquire waits for a lock. Whoever has one waits for no other and lets go at the
// end of its run, so this ends. With one worker nobody else has it.
func (t *thread) acquire(lock []byte) bool {
	if t.holds.lock != nil {
		t.fault = fmt.Errorf("a value is to be locked while a lock is held: %w", ErrArgument)
		return false
	}
	for !atomic.CompareAndSwapUint32(lockWord(lock), 0, 1) {
		runtime.Gosched()
	}
	return true
}

func release(lock []byte) { atomic.StoreUint32(lockWord(lock), 0) }

// unlock lets go of the lock that the program has, if any.
func (t *thread) unlock() {
	if t.holds.lock != nil {
		release(t.holds.lock)
		t.holds.lock = nil
	}
}

func lockWord(lock []byte) *uint32 { return (*uint32)(unsafe.Pointer(unsafe.SliceData(lock))) }
