package kernel

import (
	"bytes"
	"encoding/binary"
	"os"
	"sync/atomic"
	"unsafe"

	"ebtools/bpf/linux"
)

// Ring is a ring buffer's memory, to read what programs put there.
type Ring struct {
	consumer, producer []byte // a page with a position; the producer's has the data behind it, twice
	size               uint64
}

// OpenRing maps the ring buffer.
func (k *Kernel) OpenRing(index int) (*Ring, error) {
	page, def := os.Getpagesize(), k.defs[index]
	consumer, err := mapMemory(k.fds[index], 0, page, true)
	if err != nil {
		return nil, failed(err, "map the memory of map %s", def.Name)
	}
	producer, err := mapMemory(k.fds[index], int64(page), page+2*int(def.MaxEntries), false)
	if err != nil {
		unmapMemory(consumer)
		return nil, failed(err, "map the memory of map %s", def.Name)
	}
	return &Ring{consumer, producer, uint64(def.MaxEntries)}, nil
}

// Close gives the memory back.
func (r *Ring) Close() {
	unmapMemory(r.consumer)
	unmapMemory(r.producer)
}

// A record of a ring buffer has 8 bytes before it: its length, with these bits,
// and the page it is on.
const (
	ringBusy      = 1 << 31
	ringDiscarded = 1 << 30
	ringHeader    = 8
)

// Read takes what was submitted since the last time, up to the first record that
// a program still works on.
func (r *Ring) Read() [][]byte {
	var records [][]byte
	data := r.producer[os.Getpagesize():]
	at, end := *position(r.consumer, 0), atomic.LoadUint64(position(r.producer, 0))
	for at < end {
		off := at & (r.size - 1)
		length := atomic.LoadUint32((*uint32)(unsafe.Pointer(&data[off])))
		if length&ringBusy != 0 {
			break
		}
		n := uint64(length &^ ringDiscarded)
		if length&ringDiscarded == 0 {
			records = append(records, bytes.Clone(data[off+ringHeader:off+ringHeader+n]))
		}
		at += (n + ringHeader + 7) &^ 7
	}
	atomic.StoreUint64(position(r.consumer, 0), at)
	return records
}

// position is a number of 64 bits that both sides see, at an offset of memory.
func position(memory []byte, off int) *uint64 { return (*uint64)(unsafe.Pointer(&memory[off])) }

// Perf is the perf events of all CPUs, in a perf event array.
type Perf struct {
	fds   []int
	rings [][]byte // by CPU
}

// perfPages is how many pages of data a CPU's ring has.
const perfPages = 16

// Event is what bpf_perf_event_output wrote.
type Event struct {
	CPU int
	// Data is the record, with zeros up to 4 bytes less than a multiple of 8.
	Data []byte
	Lost uint64 // events that found no room; such an Event has no Data
}

// OpenPerf opens an event on each CPU that there is and puts it into the map.
func (k *Kernel) OpenPerf(index int) (*Perf, error) {
	p := &Perf{}
	page := os.Getpagesize()
	for cpu := range min(k.cpus, int(k.defs[index].MaxEntries)) {
		fd, err := openPerf(cpu)
		if err == linux.ENODEV { // a CPU that is off
			p.fds, p.rings = append(p.fds, -1), append(p.rings, nil)
			continue
		}
		if err != nil {
			p.Close()
			return nil, failed(err, "open a perf event on CPU %d", cpu)
		}
		p.fds = append(p.fds, fd)
		ring, err := mapMemory(fd, 0, (1+perfPages)*page, true)
		p.rings = append(p.rings, ring)
		if err != nil {
			p.Close()
			return nil, failed(err, "map the memory of a perf event")
		}
		if err := k.Update(index, number(uint32(cpu)), number(uint32(fd)), linux.Any); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// Close closes the events, which takes them out of the map.
func (p *Perf) Close() {
	for i, fd := range p.fds {
		if i < len(p.rings) {
			unmapMemory(p.rings[i])
		}
		if fd >= 0 {
			closeFD(fd)
		}
	}
	p.fds, p.rings = nil, nil
}

// Offsets in the first page of a perf event's memory, and types of records
// (include/uapi/linux/perf_event.h).
const (
	perfHead = 1024
	perfTail = 1032

	perfLost   = 2
	perfSample = 9
)

// Read takes what was written since the last time, CPU by CPU.
func (p *Perf) Read() []Event {
	var events []Event
	for cpu, ring := range p.rings {
		if ring == nil {
			continue
		}
		data := ring[os.Getpagesize():]
		head, tail := atomic.LoadUint64(position(ring, perfHead)), *position(ring, perfTail)
		for tail < head {
			header := wrapped(data, tail, 8)
			size := uint64(binary.NativeEndian.Uint16(header[6:]))
			if size < 8 {
				break
			}
			record := wrapped(data, tail, size)
			switch binary.NativeEndian.Uint32(header) {
			case perfSample:
				n := binary.NativeEndian.Uint32(record[8:])
				events = append(events, Event{CPU: cpu, Data: record[12 : 12+n]})
			case perfLost:
				events = append(events, Event{CPU: cpu, Lost: binary.NativeEndian.Uint64(record[16:])})
			}
			tail += size
		}
		atomic.StoreUint64(position(ring, perfTail), tail)
	}
	return events
}

// wrapped is a copy of n bytes of a ring.
func wrapped(ring []byte, at, n uint64) []byte {
	out := make([]byte, n)
	at %= uint64(len(ring))
	copied := copy(out, ring[at:])
	copy(out[copied:], ring)
	return out
}
