package vm

import (
	"fmt"
	"sync/atomic"
	"unsafe"

	"ebtools/bpf"
)

// atomic executes an atomic instruction on memory that other threads may share.
func (t *thread) atomic(in *inst, r *registers) error {
	operation := int32(in.imm)
	size := uint64(in.aux)
	addr := r[in.dst] + uint64(int64(in.off))
	if operation == bpf.AtomicLoadAcq {
		addr = r[in.src] + uint64(int64(in.off))
	}
	if addr&(size-1) != 0 {
		return fmt.Errorf("atomic access of %d bytes at %#x, which is not a multiple of %d: %w", size, addr, size, ErrOutOfBounds)
	}
	b, err := t.mem.bytes(addr, size, operation != bpf.AtomicLoadAcq)
	if err != nil {
		return err
	}
	// A packet lies wherever the caller or a moved start put it in host memory.
	// Nothing else works on it, so a copy at a proper place does.
	var word [1]uint64
	place := b
	crooked := uintptr(unsafe.Pointer(&b[0]))&uintptr(size-1) != 0
	if crooked {
		place = unsafe.Slice((*byte)(unsafe.Pointer(&word)), 8)[:size]
		copy(place, b)
	}
	switch {
	case operation == bpf.AtomicLoadAcq:
		r[in.dst] = loadAcquire(place)
	case operation == bpf.AtomicStoreRel:
		storeRelease(place, r[in.src])
	case size == 8:
		atomic64((*uint64)(unsafe.Pointer(&place[0])), operation, &r[in.src], &r[0])
	default:
		atomic32((*uint32)(unsafe.Pointer(&place[0])), operation, &r[in.src], &r[0])
	}
	if crooked && operation != bpf.AtomicLoadAcq {
		copy(b, place)
	}
	return nil
}

func loadAcquire(b []byte) uint64 {
	switch len(b) {
	case 4:
		return uint64(host32(atomic.LoadUint32((*uint32)(unsafe.Pointer(&b[0])))))
	case 8:
		return host64(atomic.LoadUint64((*uint64)(unsafe.Pointer(&b[0]))))
	}
	return getLE(b)
}

func storeRelease(b []byte, v uint64) {
	switch len(b) {
	case 4:
		atomic.StoreUint32((*uint32)(unsafe.Pointer(&b[0])), host32(uint32(v)))
	case 8:
		atomic.StoreUint64((*uint64)(unsafe.Pointer(&b[0])), host64(v))
	default:
		putLE(b, v)
	}
}

// atomic64 does one read-modify-write of p. The old value goes to src for
// fetching operations and to r0 for compare-and-exchange.
func atomic64(p *uint64, operation int32, src, r0 *uint64) {
	if operation == bpf.AtomicAdd && hostIsLittle {
		atomic.AddUint64(p, *src)
		return
	}
	for {
		raw := atomic.LoadUint64(p)
		old := host64(raw)
		next := old
		switch operation {
		case bpf.AtomicXchg:
			next = *src
		case bpf.AtomicCmpXchg:
			if old == *r0 {
				next = *src
			}
		default:
			next = modify(operation, old, *src)
		}
		if !atomic.CompareAndSwapUint64(p, raw, host64(next)) {
			continue
		}
		switch {
		case operation == bpf.AtomicCmpXchg:
			*r0 = old
		case operation&bpf.AtomicFetch != 0:
			*src = old
		}
		return
	}
}

// atomic32 is atomic64 for 4 bytes; what it gives back has its upper half zero.
func atomic32(p *uint32, operation int32, src, r0 *uint64) {
	for {
		raw := atomic.LoadUint32(p)
		old := host32(raw)
		next := old
		switch operation {
		case bpf.AtomicXchg:
			next = uint32(*src)
		case bpf.AtomicCmpXchg:
			if old == uint32(*r0) {
				next = uint32(*src)
			}
		default:
			next = uint32(modify(operation, uint64(old), *src))
		}
		if !atomic.CompareAndSwapUint32(p, raw, host32(next)) {
			continue
		}
		switch {
		case operation == bpf.AtomicCmpXchg:
			*r0 = uint64(old)
		case operation&bpf.AtomicFetch != 0:
			*src = uint64(old)
		}
		return
	}
}

func modify(operation int32, old, v uint64) uint64 {
	switch operation &^ bpf.AtomicFetch {
	case bpf.AtomicOr:
		return old | v
	case bpf.AtomicAnd:
		return old & v
	case bpf.AtomicXor:
		return old ^ v
	}
	return old + v
}
