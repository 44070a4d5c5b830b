package main

import (
	"fmt"
	"io"
	"time"

	"ebtools/internal/show"
	"ebtools/replay"
	"ebtools/vm"
)

// results is what there is to print after a run.
type results struct {
	input    string
	report   *replay.Report
	machine  *vm.Machine
	showMaps bool
	events   *events
}

// packetPrinter prints a line per packet: its number, time, length and
// verdict, and the program's name when there are several.
func packetPrinter(w io.Writer, several bool) func(*replay.Packet, *vm.Program, vm.Outcome, string, error) {
	return func(p *replay.Packet, program *vm.Program, _ vm.Outcome, verdict string, fault error) {
		t := time.Unix(0, p.TimeNS).UTC().Format("15:04:05.000000")
		if fault != nil {
			verdict = "fault: " + fault.Error()
		}
		name := ""
		if several {
			name = program.Spec().Name + " "
		}
		fmt.Fprintf(w, "%6d  %s  %5d bytes  %s%s\n", p.Number, t, len(p.Data), name, verdict)
	}
}

func (r *results) writeText(w io.Writer) error {
	rep := r.report
	fmt.Fprintf(w, "%s: %s, %s in %s (%s packets/s; %s)\n", r.input, show.Plural(rep.Packets, "packet"),
		show.Plural(rep.Bytes, "byte"), show.Duration(rep.Elapsed), show.Rate(rep.Packets, rep.Elapsed), rep.Format)
	if rep.Note != "" {
		fmt.Fprintf(w, "note: %s\n", rep.Note)
	}
	if rep.Skipped > 0 {
		fmt.Fprintf(w, "note: %s shorter than the headers of this link type, not run\n", show.Plural(rep.Skipped, "packet"))
	}
	for _, p := range rep.Programs {
		if err := writeProgram(w, p); err != nil {
			return err
		}
	}
	r.events.write(w, r.machine)
	if r.showMaps {
		return writeMaps(w, r.machine)
	}
	return nil
}

func writeProgram(w io.Writer, p *replay.ProgramReport) error {
	spec := p.Program.Spec()
	if len(p.Verdicts)+len(p.Faults) == 0 {
		fmt.Fprintf(w, "\n%s (%s): no packet came to it\n", spec.Name, spec.Section)
		return nil
	}
	fmt.Fprintf(w, "\n%s (%s): %.0f ns a packet\n", spec.Name, spec.Section, p.PerPacket)
	table := show.Table{Indent: "  ", Right: []bool{false, true, true}}
	table.Row("verdict", "packets", "bytes")
	for _, v := range p.Verdicts {
		table.Row(v.Name, show.Count(v.Packets), show.Count(v.Bytes))
	}
	if faults := p.Faulted(); faults.Packets > 0 {
		table.Row("(fault)", show.Count(faults.Packets), show.Count(faults.Bytes))
	}
	if err := table.Write(w); err != nil {
		return err
	}
	for _, f := range p.Faults {
		fmt.Fprintf(w, "\n%s ended in a fault, packet %d first:\n", show.Plural(f.Count, "packet"), f.FirstPacket)
		if err := f.Diagnostic().Render(w); err != nil {
			return err
		}
	}
	return nil
}

// writeMaps prints every entry of every map; of arrays, those that are not zero.
func writeMaps(w io.Writer, m *vm.Machine) error {
	for _, mp := range m.Maps() {
		spec := mp.Spec()
		fmt.Fprintf(w, "\n%s (%s)\n", spec.Name, spec.Type)
		if mp.Err() != nil {
			fmt.Fprintln(w, "  (not emulated)")
			continue
		}
		table := show.Table{Indent: "  ", Right: []bool{true}}
		shown, zero := 0, 0
		for key, value := range mp.All() {
			if !mp.Sparse() && isZero(value) {
				zero++
				continue
			}
			shown++
			entry := mapEntry(mp, key, value)
			table.Row(show.Text(entry.Key), show.Text(entry.Value))
		}
		if err := table.Write(w); err != nil {
			return err
		}
		switch {
		case shown == 0 && zero == 0:
			fmt.Fprintln(w, "  (empty)")
		case zero > 0:
			fmt.Fprintf(w, "  (%s zero)\n", show.Plural(zero, "entry"))
		}
	}
	return nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
