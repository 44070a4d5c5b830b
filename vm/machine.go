package vm

import (
	"errors"

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
	// Seed starts bpf_get_prandom_u32: the same seed, the same numbers.
	Seed uint64
	// Clock gives the time in ns for bpf_ktime_get_ns and its kin. Default:
	// the time of the packet under way.
	Clock func() uint64
	// Trace receives each line that bpf_trace_printk prints, as the program
	// wrote it, usually with its newline. Default: nowhere.
	Trace func(line string)
	// Limit is how many instructions a run may take before it faults. It is
	// counted where loops go back and functions are called, so runs that end
	// near it may get a little further. Default DefaultLimit.
	Limit int64
}

// Machine is a simulated kernel as far as the programs of one object see it:
// its maps and its programs, which share them. A Machine is for one goroutine
// at a time.
type Machine struct {
	maps     []*Map
	programs []*Program
	thread   *thread
	cpus     int
	clock    func() uint64
	now      uint64 // time of the packet under way, in ns
	trace    func(string)
	seed     uint64
	limit    int64
}

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
	m := &Machine{cpus: max(1, opts.CPUs), clock: opts.Clock, trace: opts.Trace, seed: opts.Seed, limit: opts.Limit}
	if m.clock == nil {
		m.clock = func() uint64 { return m.now }
	}
	if m.limit <= 0 {
		m.limit = DefaultLimit
	}
	var err error
	if m.thread, err = newThread(m); err != nil {
		return nil, err
	}
	for _, def := range obj.Maps {
		mp, err := newMap(m.thread.mem, def, m.cpus)
		if err != nil {
			return nil, err
		}
		m.maps = append(m.maps, mp)
	}
	for _, p := range obj.Programs {
		m.programs = append(m.programs, &Program{machine: m, prog: p, code: decode(p, m.maps)})
	}
	return m, nil
}

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

// Spec describes the program.
func (p *Program) Spec() *bpf.Program { return p.prog }
