package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

var ringHelpers = []helper{
	{id: linux.FnRingbufOutput, fn: ringbufOutput},
	{id: linux.FnRingbufReserve, fn: ringbufReserve},
	{id: linux.FnRingbufSubmit, fn: ringbufSubmit},
	{id: linux.FnRingbufDiscard, fn: ringbufDiscard},
	{id: linux.FnRingbufQuery, fn: ringbufQuery},
	{id: linux.FnUserRingbufDrain, fn: userRingbufDrain},
}

// record is memory of a ring that a program works on: a reserved record, or one
// that it is given to read. It has addresses of its own, so that the program
// reaches nothing else of the ring, and nothing once it is submitted.
type record struct {
	region *region
	owner  *Map
	ring   *ringBuffer
	pos    uint64
	pc     int // where it was reserved
	// wrapped is a record's memory while it is written when it goes on at the
	// start of the ring.
	wrapped []byte
}

// ringArgument gives the ring that argument n is.
func (t *thread) ringArgument(n int, r *registers, kind linux.MapType) (*Map, *ringBuffer) {
	m := t.mapArgument(n, r)
	if m == nil {
		return nil, nil
	}
	b, ok := m.entries.(*ringBuffer)
	if !ok || m.def.Type != kind {
		t.wrongMap(n, m, kind)
		return nil, nil
	}
	return m, b
}

const ringWakeups = linux.RBNoWakeup | linux.RBForceWakeup

// ringbufOutput: r1 map, r2 data, r3 its size, r4 flags. 0 or an error number,
// EAGAIN when the ring is full.
func ringbufOutput(t *thread, r *registers) {
	m, b := t.ringArgument(1, r, linux.MapRingbuf)
	if b == nil {
		return
	}
	data := t.memoryArgument(2, r, r[3], false)
	if t.fault != nil {
		return
	}
	switch {
	case r[4]&^ringWakeups != 0:
		r[0] = result(linux.EINVAL)
	case !b.output(data):
		r[0] = result(linux.EAGAIN)
	default:
		t.deliver(m, b)
		r[0] = 0
	}
}

// ringbufReserve: r1 map, r2 size, r3 flags, which must be 0. The address of the
// record, or 0 when there is no room.
func ringbufReserve(t *thread, r *registers) {
	m, b := t.ringArgument(1, r, linux.MapRingbuf)
	if b == nil {
		return
	}
	size := r[2]
	r[0] = 0
	if r[3] == 0 {
		r[0] = t.reserve(m, b, size)
	}
}

// ringbufSubmit: r1 the record, r2 flags, which only concern how readers wake up.
func ringbufSubmit(t *thread, r *registers) { t.commitArgument(r, false) }

// ringbufDiscard is ringbufSubmit for a record that no reader shall see.
func ringbufDiscard(t *thread, r *registers) { t.commitArgument(r, true) }

func (t *thread) commitArgument(r *registers, discard bool) {
	i := t.holds.recordAt(r[1])
	if i < 0 {
		t.fail(1, fmt.Errorf("%#x is not a reserved record of a ring buffer: %w", r[1], ErrArgument))
		return
	}
	t.commit(i, discard)
	r[0] = 0
}

// ringbufQuery: r1 map, r2 what to tell: bytes not read yet, the size of the
// ring, the reader's position or the writers'; 0 for anything else.
func ringbufQuery(t *thread, r *registers) {
	if _, b := t.ringArgument(1, r, linux.MapRingbuf); b != nil {
		r[0] = b.query(r[2])
	}
}

// reserve takes a record of the ring and gives its address, or 0 when there is
// no room.
func (t *thread) reserve(m *Map, b *ringBuffer, size uint64) uint64 {
	if size > uint64(len(b.data)) {
		b.reserve(size) // counts as lost
		return 0
	}
	rec := t.spareRecord(size)
	if rec == nil {
		return 0
	}
	pos, ok := b.reserve(size)
	if !ok {
		t.holds.spare = append(t.holds.spare, rec)
		return 0
	}
	t.mapRecord(rec, m, b, pos, size)
	t.holds.records = append(t.holds.records, rec)
	return rec.region.start
}

// mapRecord lets the program see a record.
func (t *thread) mapRecord(rec *record, m *Map, b *ringBuffer, pos, size uint64) {
	memory, ok := b.memory(pos, size)
	if !ok {
		if rec.wrapped == nil || uint64(len(rec.wrapped)) < size {
			rec.wrapped = aligned(int(size))
		}
		memory = rec.wrapped[:size:size]
		b.read(pos, memory) // what was there before, as in the kernel
	}
	rec.owner, rec.ring, rec.pos, rec.pc = m, b, pos, t.here()
	rec.region.name = b.name
	t.mem.remap(rec.region, memory, false)
}

// spareRecord gives a record with addresses for size bytes.
func (t *thread) spareRecord(size uint64) *record {
	spare := t.holds.spare
	for i, rec := range spare {
		if size <= uint64(rec.region.pages)*pageSize {
			spare[i] = spare[len(spare)-1]
			t.holds.spare = spare[:len(spare)-1]
			return rec
		}
	}
	region, err := t.mem.reserve("a record", size)
	if err != nil {
		t.fault = err
		return nil
	}
	return &record{region: region}
}

// unmap takes a record away from the program and keeps its addresses for the next.
func (t *thread) unmap(rec *record) {
	t.mem.remap(rec.region, nil, false)
	t.holds.spare = append(t.holds.spare, rec)
}

// commit submits or discards the held record i.
func (t *thread) commit(i int, discard bool) {
	rec := t.holds.records[i]
	t.holds.records = append(t.holds.records[:i], t.holds.records[i+1:]...)
	t.putBack(rec)
	rec.ring.commit(rec.pos, discard)
	t.unmap(rec)
	t.deliver(rec.owner, rec.ring)
}

// putBack copies what the program wrote to a record that goes on at the start of
// the ring to where it belongs. It is this program's alone until the commit.
func (t *thread) putBack(rec *record) {
	if memory := rec.region.data; uint64(len(memory)) > uint64(len(rec.ring.data))-rec.ring.offset(rec.pos)-ringHeader {
		rec.ring.write(rec.pos, memory)
	}
}

// maxDrained is how many samples one call of bpf_user_ringbuf_drain reads at most
// (BPF_MAX_USER_RINGBUF_SAMPLES).
const maxDrained = 128 << 10

// userRingbufDrain: r1 map, r2 function, r3 what it is given, r4 flags. The
// function gets the address of a dynptr of each sample and r3, and ends by
// returning 1. How many samples it saw, or an error number.
func userRingbufDrain(t *thread, r *registers) {
	_, b := t.ringArgument(1, r, linux.MapUserRingbuf)
	if b == nil {
		return
	}
	pc, ok := t.functionArgument(2, r)
	if !ok {
		return
	}
	switch {
	case r[4]&^ringWakeups != 0:
		r[0] = result(linux.EINVAL)
		return
	case !b.startDraining():
		r[0] = result(linux.EBUSY)
		return
	}
	n := t.drain(b, pc, r[3])
	b.setDraining(false)
	r[0] = n
}

func (t *thread) drain(b *ringBuffer, pc int, context uint64) (samples uint64) {
	for samples < maxDrained {
		sample, ok := b.next()
		if !ok {
			break
		}
		stop, ok := t.drainOne(b, sample, pc, context)
		b.release(sample)
		if !ok {
			break
		}
		samples++
		if stop {
			break
		}
	}
	return samples
}

// drainOne calls the function with one sample.
func (t *thread) drainOne(b *ringBuffer, sample []byte, pc int, context uint64) (stop, ok bool) {
	rec := t.spareRecord(uint64(len(sample)))
	if rec == nil {
		return false, false
	}
	rec.region.name = b.name
	t.mem.remap(rec.region, sample, false)
	defer t.unmap(rec)
	d := t.lendDynptr(dynptr{data: rec.region.start, kind: dynptrLocal, size: uint32(len(sample))})
	if d == nil {
		return false, false
	}
	defer t.unmap(d)
	answer, ok := t.callback(pc, d.region.start, context)
	if ok && answer > 1 {
		t.fault = fmt.Errorf("the function returned %d, expected 0 or 1: %w", int64(answer), ErrArgument)
		return false, false
	}
	return answer == 1, ok
}

// startDraining reports whether nobody drains the ring yet.
func (b *ringBuffer) startDraining() bool {
	b.lock.Lock()
	defer b.lock.Unlock()
	if b.draining {
		return false
	}
	b.draining = true
	return true
}

func (b *ringBuffer) setDraining(on bool) {
	b.lock.Lock()
	b.draining = on
	b.lock.Unlock()
}
