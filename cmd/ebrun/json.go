package main

import (
	"encoding/json"
	"errors"
	"io"
	"slices"

	"ebtools/internal/show"
	"ebtools/replay"
	"ebtools/vm"
)

// The shape of --json. Times are in ns.
type jsonReport struct {
	Input     string                `json:"input"`
	Packets   int64                 `json:"packets"`
	Bytes     int64                 `json:"bytes"`
	ElapsedNS int64                 `json:"elapsed_ns"`
	Note      string                `json:"note,omitempty"`
	Skipped   int64                 `json:"skipped,omitempty"`
	Programs  []jsonProgram         `json:"programs"`
	Events    map[string]jsonEvents `json:"events,omitempty"` // by map
	Maps      map[string]*jsonMap   `json:"maps,omitempty"`
}

type jsonProgram struct {
	Name        string               `json:"name"`
	Section     string               `json:"section"`
	Type        string               `json:"type"`
	NSPerPacket float64              `json:"ns_per_packet"`
	Verdicts    map[string]jsonTally `json:"verdicts"`
	Faults      []jsonFault          `json:"faults"`
	Unemulated  []jsonFault          `json:"unemulated"`
}

type jsonTally struct {
	Packets int64 `json:"packets"`
	Bytes   int64 `json:"bytes"`
}

type jsonFault struct {
	Insn        int    `json:"insn"`
	File        string `json:"file"`
	Line        int    `json:"line"`
	Message     string `json:"message"`
	Count       int64  `json:"count"`
	FirstPacket int64  `json:"first_packet"`
}

type jsonEvents struct {
	Events uint64 `json:"events"`
	Bytes  uint64 `json:"bytes"`
	Lost   uint64 `json:"lost"`
}

type jsonMap struct {
	Type    string      `json:"type"`
	Entries []jsonEntry `json:"entries"`
}

type jsonEntry struct {
	Key   any `json:"key"`
	Value any `json:"value"`
}

func (r *results) writeJSON(w io.Writer) error {
	rep := r.report
	out := jsonReport{
		Input: r.input, Packets: rep.Packets, Bytes: rep.Bytes, ElapsedNS: rep.Elapsed.Nanoseconds(),
		Note: rep.Note, Skipped: rep.Skipped, Programs: []jsonProgram{},
	}
	for _, p := range rep.Programs {
		out.Programs = append(out.Programs, programJSON(p))
	}
	for m, c := range r.events.counts {
		if out.Events == nil {
			out.Events = map[string]jsonEvents{}
		}
		out.Events[m.Spec().Name] = jsonEvents{c.Records, c.Bytes, c.Lost}
	}
	if r.showMaps {
		out.Maps = map[string]*jsonMap{}
		for _, m := range r.machine.Maps() {
			out.Maps[m.Spec().Name] = mapJSON(m)
		}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(out)
}

func programJSON(p *replay.ProgramReport) jsonProgram {
	spec := p.Program.Spec()
	out := jsonProgram{
		Name: spec.Name, Section: spec.Section, Type: spec.Type.String(), NSPerPacket: p.PerPacket,
		Verdicts: map[string]jsonTally{}, Faults: []jsonFault{}, Unemulated: []jsonFault{},
	}
	for _, v := range p.Verdicts {
		out.Verdicts[v.Name] = jsonTally{v.Packets, v.Bytes}
	}
	for _, f := range p.Faults {
		d := f.Diagnostic()
		entry := jsonFault{
			Insn: f.PC, File: d.Pos.File, Line: d.Pos.Line, Message: f.Err.Error(),
			Count: f.Count, FirstPacket: f.FirstPacket,
		}
		if errors.Is(f.Err, vm.ErrNotEmulated) {
			out.Unemulated = append(out.Unemulated, entry)
		} else {
			out.Faults = append(out.Faults, entry)
		}
	}
	return out
}

func mapJSON(m *vm.Map) *jsonMap {
	out := &jsonMap{Type: m.Spec().Type.String(), Entries: []jsonEntry{}}
	for key, value := range m.All() {
		out.Entries = append(out.Entries, mapEntry(m, key, value))
	}
	return out
}

// mapEntry takes an entry apart by the map's types. The value of a per-CPU map
// is a list of one for each CPU.
func mapEntry(m *vm.Map, key, value []byte) jsonEntry {
	spec := m.Spec()
	e := jsonEntry{Key: show.Value(spec.Key, key)}
	if !spec.Type.PerCPU() {
		e.Value = show.Value(spec.Value, value)
		return e
	}
	perCPU := []any{}
	for v := range slices.Chunk(value, int(spec.ValueSize)) {
		perCPU = append(perCPU, show.Value(spec.Value, v))
	}
	e.Value = perCPU
	return e
}
