package vm

import (
	"errors"
	"sync"

	"ebtools/bpf"
)

// DefaultLimit is how many instructions a run may take when Options.Limit is 0:
// some seconds' worth.
const DefaultLimit = 1 << 30

// Options says what a machine is like. The zero value is a good machine.
type Options struct {
	// CPUs is how many are simulated: how many values an entry of a per-CPU
	// map has. Default 1.
	CPUs int
	// Workers is how many goroutines may run programs at the same time.
	// Default 1.
	Workers int
	// Seed starts bpf_get_prandom_u32: the same seed, the same numbers.
	Seed uint64
	// Clock gives the time in ns for bpf_ktime_get_ns and its kin. Default:
	// the time of the packet under way. With several workers it is called by
	// all of them.
	Clock func() uint64
	// Trace receives each line that bpf_trace_printk prints, as the program
	// wrote it, usually with its newline. Default: nowhere. Lines of several
	// workers come one at a time.
	Trace func(line string)
	// Network is what helpers find outside of the packet: interfaces, routes and
	// neighbors. Default: none is known, and helpers that ask for it fault.
	Network *Network
	// Event receives what programs put into ring buffers and write as perf
	// events, as they do. It reads all rings, which therefore never fill up, but
	// for records that a program has reserved; without it see [Map.Records].
	// Perf events are written to where it is nil too, and lost. Those of several
	// workers come one at a time.
	Event func(Event)
	// Limit is how many instructions a run may take before it faults. It is
	// counted where loops go back and functions are called, so runs that end
	// near it may get a little further. Default DefaultLimit.
	Limit int64
	// Count has programs count how often each instruction is run: see
	// [Program.Counts]. Runs then take some times longer.
	Count bool
	// Step, if set, is called before each instruction. With several workers it
	// is called by all of them.
	Step Step
}

// Machine is a simulated kernel as far as the programs of one object see it:
// its maps and its programs, which share them. Its methods and those of its
// programs and maps are for one goroutine at a time; several may run programs
// with a [Worker] each.
type Machine struct {
	mem      *memory
	maps     []*Map
	programs []*Program
	workers  []*Worker
	cpus     int
	options  Options
	lock     sync.Mutex // held while Options.Trace or Options.Event is called
}

// Worker runs programs of a machine: one goroutine at a time may use it, while
// others use the other workers. They share the maps. A simulated CPU must be on
// one worker only, as the kernel's programs are never interrupted by others of
// their kind on their CPU.
type Worker struct{ thread *thread }

// Program is a program of a machine.
type Program struct {
	machine *Machine
	prog    *bpf.Program
	code    *code
}

// ErrByteOrder is returned for objects of big-endian programs: machines are
// little-endian.
var ErrByteOrder = errors.New("big-endian programs are not run, only little-endian ones")

// New makes a machine with the maps and programs of obj. An instruction that
// can't be run, of a helper that is not emulated say, is a fault when it is
// reached and not an error here.
func New(obj *bpf.Object, opts Options) (*Machine, error) {
	if obj.ByteOrder != nil && bpf.IsBigEndian(obj.ByteOrder) {
		return nil, ErrByteOrder
	}
	m := &Machine{mem: newMemory(), cpus: max(1, opts.CPUs), options: opts}
	if m.options.Limit <= 0 {
		m.options.Limit = DefaultLimit
	}
	for i := range max(1, opts.Workers) {
		t, err := newThread(m, opts.Seed+uint64(i)<<32)
		if err != nil {
			return nil, err
		}
		m.workers = append(m.workers, &Worker{t})
	}
	for _, def := range obj.Maps {
		mp, err := newMap(m, def)
		if err != nil {
			return nil, err
		}
		m.maps = append(m.maps, mp)
	}
	for _, p := range obj.Programs {
		c := decode(p, m.maps)
		if opts.Count {
			c.counts = make([]uint64, c.slots)
		}
		m.programs = append(m.programs, &Program{machine: m, prog: p, code: c})
	}
	for _, mp := range m.maps {
		if err := mp.fill(); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Workers are the machine's workers; there is always one.
func (m *Machine) Workers() []*Worker { return m.workers }

// Programs are the machine's programs in the object's order.
func (m *Machine) Programs() []*Program { return m.programs }

// Program finds a program by its name, nil when there is none.
func (m *Machine) Program(name string) *Program {
	for _, p := range m.programs {
		if p.prog.Name == name {
			return p
		}
	}
	return nil
}

// Maps are the machine's maps in the object's order, those of global variables
// included.
func (m *Machine) Maps() []*Map { return m.maps }

// Map finds a map by its name, nil when there is none.
func (m *Machine) Map(name string) *Map {
	for _, mp := range m.maps {
		if mp.def.Name == name {
			return mp
		}
	}
	return nil
}

// Machine is the machine that the program is of.
func (p *Program) Machine() *Machine { return p.machine }

// Spec describes the program.
func (p *Program) Spec() *bpf.Program { return p.prog }
