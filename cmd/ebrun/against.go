package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"ebtools"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/against"
	"ebtools/internal/cli"
	"ebtools/internal/kernel"
	"ebtools/internal/preset"
	"ebtools/internal/show"
	"ebtools/replay"
)

// comparison is what --against-kernel found. The field tags are the shape of
// its --json.
type comparison struct {
	Input    string             `json:"input"`
	Packets  int64              `json:"packets"`
	Skipped  int64              `json:"skipped,omitempty"` // too short for their link type's header
	Notes    []string           `json:"notes,omitempty"`
	Programs []*comparedProgram `json:"programs"`
	Maps     []difference       `json:"maps"` // where they differ, at the first time that they did
	// MapsCompared is how often the maps were: after packets 1, 2, 4, … and the last.
	MapsCompared int `json:"maps_compared"`
}

type comparedProgram struct {
	Name     string `json:"name"`
	Section  string `json:"section"`
	Packets  int64  `json:"packets"`   // that both sides ran on
	NotTaken int64  `json:"not_taken"` // packets that the kernel runs no program on
	Differ   int64  `json:"differ"`
	// Differences are the first of them.
	Differences []difference `json:"differences"`

	program *against.Program
}

type difference struct {
	Packet int64  `json:"packet"` // number of the packet, from 1
	What   string `json:"what"`
	Kernel string `json:"kernel"`
	VM     string `json:"vm"`
}

// mostDifferences is how many of a program's differences are reported.
const mostDifferences = 10

// compareWithKernel is ebrun --against-kernel.
func compareWithKernel(env *cli.Env, o *options, name string) error {
	file, wanted, err := openChecked(env, o, name)
	if err != nil {
		return err
	}
	pair, err := newPair(env, o, file)
	if err != nil {
		return kernelError(err)
	}
	defer pair.Close()
	c := &comparison{Input: o.pcap, Maps: []difference{}}
	for i, p := range file.Object.Programs {
		for _, w := range wanted {
			if p != w {
				continue
			}
			loaded, err := pair.Load(i, kernel.LoadOptions{})
			if err != nil {
				return kernelError(err)
			}
			c.Programs = append(c.Programs, &comparedProgram{Name: p.Name, Section: p.Section, program: loaded, Differences: []difference{}})
			c.note(p)
		}
	}
	for _, m := range pair.NotCompared() {
		c.Notes = append(c.Notes, fmt.Sprintf("map %s, a %s, is not compared", m.Spec().Name, m.Spec().Type))
	}
	input, capture, err := openCapture(env, o.pcap)
	if err != nil {
		return err
	}
	defer input.Close()
	runErr := c.run(pair, capture)
	if err := c.write(env.Stdout, o.json); err != nil {
		return err
	}
	switch {
	case runErr != nil:
		return cli.Exit(cli.BadInput, fmt.Errorf("%s: %w", o.pcap, runErr))
	case c.differs():
		return cli.Exit(cli.Failed, errors.New("the vm and the kernel differ, see above"))
	}
	return nil
}

func newPair(env *cli.Env, o *options, file *ebtools.File) (*against.Pair, error) {
	pair, err := against.New(file.Object, against.Options{Seed: o.seed, Trace: tracer(env, o)})
	if err != nil {
		return nil, err
	}
	for _, assignment := range o.fill {
		if err := fillBoth(pair, file.Object, assignment); err != nil {
			pair.Close()
			return nil, err
		}
	}
	return pair, nil
}

func fillBoth(pair *against.Pair, obj *bpf.Object, assignment string) error {
	def, entries, err := preset.Entries(obj, pair.Kernel.CPUs(), assignment)
	if err != nil {
		return cli.Usagef("--map: %v", err)
	}
	for i, m := range obj.Maps {
		if m != def {
			continue
		}
		for n, e := range entries {
			if err := pair.Set(i, e.Key, e.Value, linux.Any); err != nil {
				return cli.Usagef("--map: map %s: entry %d: %v", show.Name(def.Name), n, err)
			}
		}
	}
	return nil
}

// kernelError gives an error of the kernel the exit code that it means.
func kernelError(err error) error {
	var refusal *kernel.Error
	switch {
	case errors.Is(err, linux.EPERM):
		return cli.Exit(cli.NoPrivilege, fmt.Errorf("%w: programs are loaded by root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON", err))
	case errors.Is(err, against.ErrHook):
		return cli.Exit(cli.BadObject, err)
	case errors.Is(err, kernel.ErrUnsupported):
		return cli.Exit(cli.Lacking, err)
	case errors.As(err, &refusal) && refusal.Log != "":
		return cli.Exit(cli.Rejected, fmt.Errorf("the kernel refuses: %w", err))
	}
	return err
}

// note says what a program calls that no two runs agree about.
func (c *comparison) note(p *bpf.Program) {
	if ids := against.ByNature(p); len(ids) > 0 {
		names := make([]string, len(ids))
		for i, id := range ids {
			names[i] = id.String()
		}
		c.Notes = append(c.Notes, fmt.Sprintf("program %s calls %s: what depends on that differs by nature", p.Name, strings.Join(names, ", ")))
	}
}

func (c *comparison) run(pair *against.Pair, capture *replay.Capture) error {
	var packet replay.Packet
	var framer replay.Framer
	defer func() {
		if note := framer.Note(); note != "" {
			c.Notes = append(c.Notes, note)
		}
	}()
	compared := int64(0) // packets seen when the maps were compared last
	for next := int64(1); ; {
		if err := capture.Next(&packet); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
		c.Packets++
		if err := framer.Frame(&packet); errors.Is(err, replay.ErrDamaged) {
			c.Skipped++
			continue
		} else if err != nil {
			return err
		}
		for _, p := range c.Programs {
			if err := p.run(&packet, c.Packets); err != nil {
				return err
			}
		}
		if c.Packets >= next && len(c.Maps) == 0 {
			next, compared = 2*c.Packets, c.Packets
			if err := c.compareMaps(pair); err != nil {
				return err
			}
		}
	}
	if compared == c.Packets || len(c.Maps) > 0 {
		return nil
	}
	return c.compareMaps(pair)
}

func (c *comparison) compareMaps(pair *against.Pair) error {
	diffs, err := pair.Maps()
	c.MapsCompared++
	for _, d := range diffs {
		c.Maps = append(c.Maps, difference{c.Packets, d.What, d.Kernel, d.VM})
	}
	return err
}

func (p *comparedProgram) run(packet *replay.Packet, number int64) error {
	diffs, err := p.program.Run(against.Input{Packet: packet.Data, TimeNS: uint64(packet.TimeNS)})
	switch {
	case errors.Is(err, against.ErrInput):
		p.NotTaken++
		return nil
	case err != nil:
		return err
	}
	p.Packets++
	if len(diffs) > 0 {
		p.Differ++
	}
	for _, d := range diffs {
		if len(p.Differences) < mostDifferences {
			p.Differences = append(p.Differences, difference{number, d.What, d.Kernel, d.VM})
		}
	}
	return nil
}

func (c *comparison) differs() bool {
	for _, p := range c.Programs {
		if p.Differ > 0 {
			return true
		}
	}
	return len(c.Maps) > 0
}

func (c *comparison) write(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		return enc.Encode(c)
	}
	fmt.Fprintf(w, "%s: %s, run here and in the kernel\n", c.Input, show.Plural(c.Packets, "packet"))
	for _, n := range c.Notes {
		fmt.Fprintf(w, "note: %s\n", n)
	}
	if c.Skipped > 0 {
		fmt.Fprintf(w, "note: %s shorter than the headers of this link type, not run\n", show.Plural(c.Skipped, "packet"))
	}
	for _, p := range c.Programs {
		fmt.Fprintf(w, "\n%s (%s): %s of %s differ\n", p.Name, p.Section, show.Count(p.Differ), show.Plural(p.Packets, "packet"))
		if p.NotTaken > 0 {
			fmt.Fprintf(w, "  %s not run: the kernel takes none of that length\n", show.Plural(p.NotTaken, "packet"))
		}
		for _, d := range p.Differences {
			fmt.Fprintf(w, "  packet %d: %s\n", d.Packet, against.Difference{What: d.What, Kernel: d.Kernel, VM: d.VM})
		}
		if p.Differ > 0 && len(p.Differences) == mostDifferences {
			fmt.Fprintln(w, "  …")
		}
	}
	if len(c.Maps) == 0 {
		_, err := fmt.Fprintf(w, "\nmaps: the same each time, compared %s\n", show.Plural(c.MapsCompared, "time"))
		return err
	}
	fmt.Fprintf(w, "\nmaps: they differ after packet %d\n", c.Maps[0].Packet)
	for _, d := range c.Maps {
		fmt.Fprintf(w, "  %s\n", against.Difference{What: d.What, Kernel: d.Kernel, VM: d.VM})
	}
	return nil
}
