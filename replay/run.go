package replay

import (
	"cmp"
	"errors"
	"io"
	"slices"
	"time"

	"ebtools/vm"
)

// ErrNoPrograms is returned when none of the programs runs on packets.
var ErrNoPrograms = errors.New("no program runs on packets")

// Runner runs the programs of a machine on every packet of a capture: each on
// its own copy of the packet, in the machine's order, the maps shared.
type Runner struct {
	Programs []*vm.Program
	// Chain has each program work on what the one before left of the packet,
	// metadata included, as long as they let it pass: XDP programs, then those of
	// tc, then those of sockets and tunnels.
	Chain bool
	// CPUs is how many simulated CPUs packets take turns on; 0 means 1. The
	// machine must have them.
	CPUs int
	// Workers of the machine to run on, at most one for each CPU; none means its
	// first. Each serves its share of the CPUs, so that what one CPU sees comes in
	// order.
	Workers []*vm.Worker
	// OnPacket, if set, is told what each program made of each packet: its
	// verdict's name, or the fault that ended it. p and what out gives are
	// good until it returns. It is for one worker only.
	OnPacket func(p *Packet, program *vm.Program, out vm.Outcome, verdict string, fault error)
}

// Tally counts packets, and their bytes as the program was given them.
type Tally struct {
	Packets int64
	Bytes   int64
}

// Verdict is how many packets got one verdict.
type Verdict struct {
	Name string // XDP_PASS, …
	Tally
}

// Fault is a place in a program where runs ended without a verdict.
type Fault struct {
	*vm.Fault         // the first one at this place
	Count       int64 // packets
	FirstPacket int64 // number of the first of them, from 1

	bytes int64
}

// ProgramReport is what one program did with a capture.
type ProgramReport struct {
	Program  *vm.Program
	Verdicts []Verdict // those that occurred, by value
	Faults   []Fault   // in the order they were met
	// PerPacket is the mean time of a run in ns, measured on a sample of them.
	PerPacket float64

	counts   counts
	timed    time.Duration
	timedRun int64
}

// Report is what came of a capture.
type Report struct {
	Tally                  // all packets read
	Elapsed  time.Duration // reading included
	Format   string        // of the capture
	Note     string        // header that had to be made up, "" if none
	Skipped  int64         // packets too short for the headers their link type begins with
	Programs []*ProgramReport
}

// Run reads the capture to its end. The report is there also when an error
// ended it, for what was read until then: ErrTruncated, ErrDamaged or
// ErrLinkType of the capture, ErrNoPrograms, ErrChain.
func (r *Runner) Run(c *Capture) (*Report, error) {
	report := &Report{Format: c.Format()}
	if err := r.check(); err != nil {
		return report, err
	}
	for _, p := range r.Programs {
		report.Programs = append(report.Programs, &ProgramReport{Program: p})
	}
	start := time.Now()
	err := r.loop(c, report)
	report.Elapsed = time.Since(start)
	for _, p := range report.Programs {
		p.finish()
	}
	return report, err
}

// loop hands the packets to lanes, one for each worker.
func (r *Runner) loop(c *Capture, report *Report) error {
	cpus := int64(max(1, r.CPUs))
	lanes := r.lanes(report)
	var packet Packet
	var framer Framer
	for {
		if err := c.Next(&packet); err != nil {
			report.Note = framer.Note()
			for _, l := range lanes {
				l.close(report)
			}
			if err == io.EOF {
				return nil
			}
			return err
		}
		report.Packets++
		if err := framer.Frame(&packet); err != nil {
			if errors.Is(err, ErrDamaged) {
				report.Skipped++
				continue
			}
			for _, l := range lanes {
				l.close(report)
			}
			return err
		}
		report.Bytes += int64(len(packet.Data))
		cpu := int((report.Packets - 1) % cpus)
		lanes[cpu%len(lanes)].take(&packet, cpu)
	}
}

// count adds the outcome of a run and gives what its verdict means.
func (p *ProgramReport) count(out vm.Outcome, err error, packet *Packet) *meaning {
	if err != nil {
		p.fault(err, packet)
		return &meaning{}
	}
	return &p.counts.add(p.Program.Spec().Type, out.Verdict, len(packet.Data)).meaning
}

func (p *ProgramReport) fault(err error, packet *Packet) {
	var fault *vm.Fault
	if !errors.As(err, &fault) {
		fault = &vm.Fault{Program: p.Program.Spec(), PC: -1, Err: err}
	}
	p.addFault(Fault{fault, 1, packet.Number, int64(len(packet.Data))})
}

// addFault adds packets that ended at a place to those that did before.
func (p *ProgramReport) addFault(f Fault) {
	for i := range p.Faults {
		if known := &p.Faults[i]; known.PC == f.PC && known.Program == f.Program {
			if f.FirstPacket < known.FirstPacket {
				known.Fault, known.FirstPacket = f.Fault, f.FirstPacket
			}
			known.Count += f.Count
			known.bytes += f.bytes
			return
		}
	}
	p.Faults = append(p.Faults, f)
}

// add adds what another lane counted.
func (p *ProgramReport) add(other *ProgramReport) {
	p.counts.merge(other.counts)
	p.timed += other.timed
	p.timedRun += other.timedRun
	for _, f := range other.Faults {
		p.addFault(f)
	}
	slices.SortStableFunc(p.Faults, func(a, b Fault) int { return cmp.Compare(a.FirstPacket, b.FirstPacket) })
}

// Faulted counts the packets that got no verdict.
func (p *ProgramReport) Faulted() (t Tally) {
	for _, f := range p.Faults {
		t.Packets += f.Count
		t.Bytes += f.bytes
	}
	return t
}

func (p *ProgramReport) finish() {
	p.Verdicts = p.counts.verdicts()
	if p.timedRun > 0 {
		p.PerPacket = float64(p.timed.Nanoseconds()) / float64(p.timedRun)
	}
}
