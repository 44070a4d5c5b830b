package vm

import (
	"encoding/binary"
	"iter"
	"math"
	"math/bits"
	"sync"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// ringBuffer is the memory of a ring buffer (kernel/bpf/ringbuf.c). Records follow each
// other in it, each behind a header of 8 bytes and at a multiple of 8; one that
// reaches the end goes on at the start. Positions only grow.
type ringBuffer struct {
	absent // a ring has no entries
	name   string
	data   []byte // its length is a power of two

	lock               sync.Mutex
	consumer, producer uint64
	lost               uint64 // records that found no room, since the reader was told
	draining           bool   // a program reads it (user_ringbuf)
	joined             []byte // a record that goes on at the start, for the reader
}

// Facts of a ring (include/uapi/linux/bpf.h, kernel/bpf/ringbuf.c).
const (
	ringPage     = 4096
	ringHeader   = 8
	ringBusy     = 1 << 31 // in a header's length: the record is being written
	ringDiscard  = 1 << 30 // … is to be skipped
	ringMetaSize = 3       // pages before the data, which headers count from

	maxRecord = math.MaxUint32 / 4
)

// What bpf_ringbuf_query tells: BPF_RB_AVAIL_DATA and on.
const (
	ringQueryAvailable = iota
	ringQuerySize
	ringQueryConsumer
	ringQueryProducer
)

func isRing(t linux.MapType) bool { return t == linux.MapRingbuf || t == linux.MapUserRingbuf }

// checkRingBuffer: a ring is a power of two of pages.
func checkRingBuffer(r *request) error {
	n := r.MaxEntries
	if r.KeySize != 0 || r.ValueSize != 0 || n < ringPage || n&(n-1) != 0 || r.Flags&^linux.FNUMANode != 0 {
		return linux.EINVAL
	}
	return nil
}

func newRingBuffer(m *Map) error {
	m.entries = &ringBuffer{absent: absent{linux.ENOTSUPP}, name: "a record of map " + m.def.Name, data: aligned(int(m.def.MaxEntries))}
	return nil
}

// asLoaded gives a map the number of entries that libbpf would: a ring has a power
// of two of pages, and an array of perf events one for each CPU.
func asLoaded(def *bpf.Map, cpus int) *bpf.Map {
	n := def.MaxEntries
	switch {
	case isRing(def.Type) && n > 0 && n <= 1<<31:
		n = max(ringPage, uint32(1)<<bits.Len32(n-1))
	case def.Type == linux.MapPerfEventArray && n == 0:
		n = uint32(cpus)
	}
	if n == def.MaxEntries {
		return def
	}
	loaded := *def
	loaded.MaxEntries = n
	return &loaded
}

// recordSpan is what a record of size bytes takes.
func recordSpan(size uint64) uint64 { return (size + ringHeader + 7) &^ 7 }

func (b *ringBuffer) offset(pos uint64) uint64 { return pos & uint64(len(b.data)-1) }

func (b *ringBuffer) header(pos uint64) []byte {
	off := b.offset(pos)
	return b.data[off : off+4 : off+4]
}

// reserve makes room for a record and gives its position. Not ok: there is none.
func (b *ringBuffer) reserve(size uint64) (pos uint64, ok bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	if !b.fits(size) {
		return 0, false
	}
	return b.begin(size), true
}

// fits reports whether there is room for a record, and counts it as lost if not.
// The lock is held.
func (b *ringBuffer) fits(size uint64) bool {
	// One byte less than the whole, as the kernel has it.
	if size > maxRecord || b.producer+recordSpan(size)-b.consumer >= uint64(len(b.data)) {
		b.lost++
		return false
	}
	return true
}

// begin writes the header of a record that has room. The lock is held.
func (b *ringBuffer) begin(size uint64) (pos uint64) {
	pos = b.producer
	off := b.offset(pos)
	binary.LittleEndian.PutUint32(b.data[off:], uint32(size)|ringBusy)
	binary.LittleEndian.PutUint32(b.data[off+4:], uint32(off/ringPage)+ringMetaSize)
	b.producer += recordSpan(size)
	return pos
}

// memory is the record at pos as one slice. Not ok: it goes on at the start of
// the ring.
func (b *ringBuffer) memory(pos, size uint64) (record []byte, ok bool) {
	off := b.offset(pos) + ringHeader
	if off+size > uint64(len(b.data)) {
		return nil, false
	}
	return b.data[off : off+size : off+size], true
}

// write copies into the record at pos, read out of it, round the end of the ring.
func (b *ringBuffer) write(pos uint64, from []byte) {
	n := copy(b.data[b.offset(pos)+ringHeader:], from)
	copy(b.data, from[n:])
}

func (b *ringBuffer) read(pos uint64, to []byte) {
	n := copy(to, b.data[b.offset(pos)+ringHeader:])
	copy(to[n:], b.data)
}

// commit gives a record to the reader, or has it skipped.
func (b *ringBuffer) commit(pos uint64, discard bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	h := b.header(pos)
	length := binary.LittleEndian.Uint32(h) &^ ringBusy
	if discard {
		length |= ringDiscard
	}
	binary.LittleEndian.PutUint32(h, length)
}

// output is reserve, write and commit in one.
func (b *ringBuffer) output(data []byte) bool {
	b.lock.Lock()
	defer b.lock.Unlock()
	size := uint64(len(data))
	if !b.fits(size) {
		return false
	}
	b.add(data)
	return true
}

// add puts a record in that has room. The lock is held.
func (b *ringBuffer) add(data []byte) {
	pos := b.begin(uint64(len(data)))
	b.write(pos, data)
	binary.LittleEndian.PutUint32(b.header(pos), uint32(len(data)))
}

// next is the oldest record, skipping those discarded. Not ok: there is none, or
// a program still writes it. It is good until release.
func (b *ringBuffer) next() (record []byte, ok bool) {
	b.lock.Lock()
	defer b.lock.Unlock()
	for b.consumer < b.producer {
		length := binary.LittleEndian.Uint32(b.header(b.consumer))
		size := uint64(length &^ (ringBusy | ringDiscard))
		switch {
		case length&ringBusy != 0:
			return nil, false
		case length&ringDiscard != 0:
			b.consumer += recordSpan(size)
			continue
		}
		if record, ok = b.memory(b.consumer, size); !ok {
			b.joined = append(b.joined[:0], make([]byte, size)...)
			b.read(b.consumer, b.joined)
			record = b.joined
		}
		return record, true
	}
	return nil, false
}

// release gives back the room of a record that next gave.
func (b *ringBuffer) release(record []byte) {
	b.lock.Lock()
	defer b.lock.Unlock()
	b.consumer += recordSpan(uint64(len(record)))
}

// query answers bpf_ringbuf_query.
func (b *ringBuffer) query(what uint64) uint64 {
	b.lock.Lock()
	defer b.lock.Unlock()
	switch what {
	case ringQueryAvailable:
		return b.producer - b.consumer
	case ringQuerySize:
		return uint64(len(b.data))
	case ringQueryConsumer:
		return b.consumer
	case ringQueryProducer:
		return b.producer
	}
	return 0
}

// takeLost is how many records found no room since the last call.
func (b *ringBuffer) takeLost() uint64 {
	b.lock.Lock()
	defer b.lock.Unlock()
	n := b.lost
	b.lost = 0
	return n
}

// Records takes the records out of a ring buffer, oldest first, up to one that a
// program still writes; of other maps there are none. A record is good until the
// next. Without Options.Event a ring that nobody takes records out of fills up,
// as the kernel's does.
func (m *Map) Records() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		b, ok := m.entries.(*ringBuffer)
		if !ok {
			return
		}
		for {
			record, ok := b.next()
			if !ok {
				return
			}
			more := yield(record)
			b.release(record)
			if !more {
				return
			}
		}
	}
}

// AddRecord puts a record into a user_ringbuf, for bpf_user_ringbuf_drain to give
// to the program: ENOSPC when it is full, E2BIG when it never fits, EINVAL for
// other maps.
func (m *Map) AddRecord(data []byte) error {
	b, ok := m.entries.(*ringBuffer)
	if !ok || m.def.Type != linux.MapUserRingbuf {
		return linux.EINVAL
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	size := uint64(len(data))
	switch room := uint64(len(b.data)) - (b.producer - b.consumer); {
	case size >= ringDiscard || recordSpan(size) > uint64(len(b.data)):
		return linux.E2BIG
	case recordSpan(size) > room:
		return linux.ENOSPC
	}
	b.add(data)
	return nil
}
