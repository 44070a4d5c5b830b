package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

// Event is what a program put into a ring buffer, or wrote as a perf event.
type Event struct {
	Map *Map
	CPU int // that the program ran on
	// Data is what the program wrote; of a perf event, the part of the packet
	// that it asked for behind it. Good while Options.Event is called.
	Data []byte
	// Lost is how many records found no room in this ring since the last event
	// of it.
	Lost uint64
}

var eventHelpers = []helper{
	{id: linux.FnPerfEventOutput, fn: perfEventOutput},
}

// openEvents has a perf event ready on each CPU, as the readers of libbpf and
// others do.
func (m *Map) openEvents() {
	if m.def.Type != linux.MapPerfEventArray {
		return
	}
	for i := range min(int(m.def.MaxEntries), m.machine.cpus) {
		putLE(m.values.bytes(0, i), uint64(i)+1)
	}
}

// perfEventOutput: r1 context, r2 map, r3 flags, r4 data, r5 its size. The flags
// have the index of the map's entry in their low half, all ones for that of this
// CPU, and in 20 bits above how much of the packet to append. 0 or an error number
// (net/core/filter.c, bpf_xdp_event_output and bpf_skb_event_output;
// kernel/trace/bpf_trace.c, __bpf_perf_event_output).
func perfEventOutput(t *thread, r *registers) {
	if !t.contextArgument(r) {
		return
	}
	m := t.mapArgument(2, r)
	if m == nil {
		return
	}
	if m.def.Type != linux.MapPerfEventArray {
		t.wrongMap(2, m, linux.MapPerfEventArray)
		return
	}
	data := t.memoryArgument(4, r, r[5], false)
	if t.fault != nil {
		return
	}
	packet, err := t.packetTail(r[3])
	if err == nil {
		err = t.perfEvent(m, uint32(r[3]))
	}
	if r[0] = result(err); err == nil {
		t.emit(m, data, packet)
	}
}

// packetTail is the part of the packet that flags ask for.
func (t *thread) packetTail(flags uint64) ([]byte, error) {
	allowed := uint64(linux.FIndexMask)
	if hasPacket(t.code.prog.Type) {
		allowed |= linux.FCtxlenMask
	}
	if flags&^allowed != 0 {
		return nil, linux.EINVAL
	}
	n := flags & linux.FCtxlenMask >> 32
	if n == 0 {
		return nil, nil
	}
	if packet := t.packet.bytes(); n <= uint64(len(packet)) {
		return packet[:n], nil
	}
	return nil, linux.EFAULT
}

// hasPacket reports whether programs of the type work on a packet.
func hasPacket(t linux.ProgramType) bool {
	switch t {
	case linux.ProgXDP, linux.ProgSocketFilter, linux.ProgSchedCLS, linux.ProgSchedACT, linux.ProgCgroupSKB,
		linux.ProgLWTIn, linux.ProgLWTOut, linux.ProgLWTXmit, linux.ProgLWTSeg6local, linux.ProgSkSKB:
		return true
	}
	return false
}

// perfEvent says whether this CPU may write to the perf event at an index.
func (t *thread) perfEvent(m *Map, index uint32) error {
	if index == linux.FCurrentCPU {
		index = uint32(t.cpu)
	}
	if index >= m.def.MaxEntries {
		return linux.E2BIG
	}
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], index)
	switch {
	case m.entries.find(key[:]) < 0:
		return linux.ENOENT
	case index != uint32(t.cpu): // an event is of its CPU
		return linux.EOPNOTSUPP
	}
	return nil
}

// emit hands an event to Options.Event, one at a time.
func (t *thread) emit(m *Map, data, packet []byte) {
	event := t.machine.options.Event
	if event == nil {
		return
	}
	if len(packet) > 0 {
		t.eventData = append(append(t.eventData[:0], data...), packet...)
		data = t.eventData
	}
	t.machine.lock.Lock()
	defer t.machine.lock.Unlock()
	event(Event{Map: m, CPU: t.cpu, Data: data})
}

// deliver hands what the ring has to Options.Event. That takes it out; without
// one it stays, for [Map.Records].
func (t *thread) deliver(m *Map, b *ring) {
	event := t.machine.options.Event
	if event == nil {
		return
	}
	t.machine.lock.Lock()
	defer t.machine.lock.Unlock()
	for record, ok := b.next(); ok; record, ok = b.next() {
		event(Event{Map: m, CPU: t.cpu, Data: record, Lost: b.takeLost()})
		b.release(record)
	}
}

// wrongMap ends the run: argument n is a map of another type.
func (t *thread) wrongMap(n int, m *Map, expected linux.MapType) {
	t.fail(n, fmt.Errorf("map %s is a %s, expected a %s: %w", m.def.Name, m.def.Type, expected, ErrArgument))
}
