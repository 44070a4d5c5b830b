package main

import (
	"encoding/hex"
	"fmt"
	"io"

	"ebtools/internal/show"
	"ebtools/vm"
)

// events counts what programs send to their readers, ring buffers and perf events,
// and prints it if that is asked for.
type events struct {
	w      io.Writer // nil: only count
	counts map[*vm.Map]*eventCount
}

type eventCount struct{ Records, Bytes, Lost uint64 }

func newEvents(w io.Writer) *events { return &events{w, map[*vm.Map]*eventCount{}} }

// maxEventBytes is how much of an event is printed.
const maxEventBytes = 64

// take is a machine's Options.Event.
func (e *events) take(ev vm.Event) {
	c := e.counts[ev.Map]
	if c == nil {
		c = &eventCount{}
		e.counts[ev.Map] = c
	}
	c.Records++
	c.Bytes += uint64(len(ev.Data))
	c.Lost += ev.Lost
	if e.w == nil {
		return
	}
	text, more := hex.EncodeToString(ev.Data[:min(len(ev.Data), maxEventBytes)]), ""
	if len(ev.Data) > maxEventBytes {
		more = "…"
	}
	fmt.Fprintf(e.w, "%s  CPU %d  %s  %s%s\n", show.Name(ev.Map.Spec().Name), ev.CPU, show.Plural(len(ev.Data), "byte"), text, more)
}

// write says how much came of each map.
func (e *events) write(w io.Writer, m *vm.Machine) {
	for _, mp := range m.Maps() {
		c := e.counts[mp]
		if c == nil {
			continue
		}
		fmt.Fprintf(w, "\n%s (%s): %s of %s", show.Name(mp.Spec().Name), mp.Spec().Type, show.Plural(c.Records, "event"), show.Plural(c.Bytes, "byte"))
		if c.Lost > 0 {
			fmt.Fprintf(w, ", %s more lost", show.Count(c.Lost))
		}
		fmt.Fprintln(w)
	}
}
