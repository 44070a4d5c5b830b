package vm

import (
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

// newPerfEvents makes an array of perf events and has one ready on each CPU, as
// the readers of libbpf and others do: its number is that of the CPU, from 1.
func newPerfEvents(m *Map) error {
	err := newReferences(m)
	for cpu := range min(int(m.def.MaxEntries), m.machine.cpus) {
		if err == nil {
			putLE(m.values.bytes(0, cpu), uint64(cpu+1))
		}
	}
	return err
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
	packet, err := t.packetPart(r[3])
	if err == nil {
		err = t.perfEvent(m, uint32(r[3]))
	}
	if r[0] = result(err); err == nil {
		t.emit(m, data, packet)
	}
}

// packetPart is how many bytes of the packet flags ask for.
func (t *thread) packetPart(flags uint64) (int, error) {
	allowed := uint64(linux.FIndexMask)
	if t.packet.ctx == t.xdp || t.packet.ctx == t.packet.skb.region {
		allowed |= linux.FCtxlenMask
	}
	if flags&^allowed != 0 {
		return 0, linux.EINVAL
	}
	n := int(flags & linux.FCtxlenMask >> 32)
	if n > 0 && n > t.packet.length() {
		return 0, linux.EFAULT
	}
	return n, nil
}

// perfEvent says whether this CPU may write to the perf event at an index.
func (t *thread) perfEvent(m *Map, index uint32) error {
	if index == linux.FCurrentCPU {
		index = uint32(t.cpu)
	}
	if index >= m.def.MaxEntries {
		return linux.E2BIG
	}
	switch events, ok := m.entries.(references); {
	case !ok || !events.used(int(index)):
		return linux.ENOENT
	case index != uint32(t.cpu): // an event is of its CPU
		return linux.EOPNOTSUPP
	}
	return nil
}

// emit hands an event to Options.Event, one at a time: data and the given number of
// bytes of the packet.
func (t *thread) emit(m *Map, data []byte, packet int) {
	event := t.machine.options.Event
	if event == nil {
		return
	}
	if packet > 0 {
		t.eventData = append(append(t.eventData[:0], data...), make([]byte, packet)...)
		t.packet.load(0, t.eventData[len(data):])
		data = t.eventData
	}
	t.machine.lock.Lock()
	defer t.machine.lock.Unlock()
	event(Event{Map: m, CPU: t.cpu, Data: data})
}

// deliver hands what the ring has to Options.Event. That takes it out; without
// one it stays, for [Map.Records].
func (t *thread) deliver(m *Map, b *ringBuffer) {
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
