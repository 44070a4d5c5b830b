// Package against runs programs on the same input in the virtual machine and in
// the running kernel, and says where the two differ: in what a program returns,
// in the packet, in the context, and in the maps.
package against

import (
	"errors"
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/vm"
)

// ErrHook says that programs of a type can't be compared.
var ErrHook = errors.New("programs of this type can't be compared with the kernel")

// ErrInput says that the kernel does not run programs on such a packet.
var ErrInput = errors.New("the kernel takes no such packet")

// Options are those of the machine; the zero value is good.
type Options struct {
	Seed  uint64
	Trace func(line string)
	// Limit is how many instructions a run may take in the vm, see vm.Options.
	Limit int64
}

// Pair is an object's maps and programs on both sides. It is for one goroutine,
// which it binds to one CPU.
type Pair struct {
	Machine *vm.Machine
	Kernel  *kernel.Kernel
	object  *bpf.Object
	cpu     int
	release func()
	loaded  []*kernel.Program
}

// New makes the maps on both sides. The machine has as many CPUs as the kernel.
// Errors are *kernel.Error, kernel.ErrUnsupported or those of vm.New.
func New(obj *bpf.Object, opts Options) (*Pair, error) {
	cpu, release, err := kernel.BindCPU()
	if err != nil {
		return nil, err
	}
	p := &Pair{object: obj, cpu: cpu, release: release}
	if p.Kernel, err = kernel.New(obj.Maps); err != nil {
		p.Close()
		return nil, err
	}
	p.Machine, err = vm.New(obj, vm.Options{CPUs: p.Kernel.CPUs(), Seed: opts.Seed, Trace: opts.Trace, Limit: opts.Limit})
	if err != nil {
		p.Close()
		return nil, err
	}
	return p, nil
}

// CPU is the one that both sides run on.
func (p *Pair) CPU() int { return p.cpu }

// Close unloads what is in the kernel. The goroutine that called New must call it.
func (p *Pair) Close() {
	for _, l := range p.loaded {
		l.Close()
	}
	if p.Kernel != nil {
		p.Kernel.Close()
	}
	p.release()
}

// Program is a program on both sides.
type Program struct {
	pair   *Pair
	vm     *vm.Program
	kernel *kernel.Program
	hook   hook
}

// Load loads program number index of the object into the kernel: ErrHook, or a
// *kernel.Error with the verifier's log when it is refused.
func (p *Pair) Load(index int, opts kernel.LoadOptions) (*Program, error) {
	spec := p.object.Programs[index]
	h, ok := hooks[spec.Type]
	if !ok {
		return nil, fmt.Errorf("program %s is of type %s: %w", spec.Name, spec.Type, ErrHook)
	}
	loaded, err := p.Kernel.Load(spec, opts)
	if err != nil {
		return nil, err
	}
	p.loaded = append(p.loaded, loaded)
	return &Program{p, p.Machine.Programs()[index], loaded, h}, nil
}

// Close unloads the program before its pair is closed.
func (p *Program) Close() { p.kernel.Close() }

// Input is what a program runs on.
type Input struct {
	Packet []byte
	TimeNS uint64 // of the packet; the vm's clock says it, the kernel's its own
}

// Outcome is what a run leaves apart from maps.
type Outcome struct {
	Return   uint32
	Metadata []byte // before the packet
	Packet   []byte
	Context  []byte // nil where programs can't change it
}

// Run runs the program on both sides and compares what they leave, apart from
// the maps, see Maps. A fault of the vm is a difference. The error is
// ErrInput, or the kernel's.
func (p *Program) Run(in Input) ([]Difference, error) {
	want, err := p.hook.inKernel(p.kernel, in)
	if errors.Is(err, linux.EINVAL) {
		return nil, fmt.Errorf("%w: %w", ErrInput, err)
	} else if err != nil {
		return nil, err
	}
	got, err := p.hook.inVM(p.vm, in, p.pair.cpu)
	if err != nil {
		return []Difference{{What: "end", Kernel: fmt.Sprintf("returns %s", verdict(p.vm.Spec().Type, want.Return)), VM: err.Error()}}, nil
	}
	return compare(p.vm.Spec().Type, want, got), nil
}
