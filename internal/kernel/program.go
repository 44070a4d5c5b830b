package kernel

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// LoadOptions says how a program is loaded. The zero value is how libbpf would
// load it, but for the license.
type LoadOptions struct {
	Type    linux.ProgramType // instead of the program's own
	Attach  linux.AttachType  // expected attach type instead of the program's own
	Flags   uint32            // linux.FXDPHasFrags, …, besides what the section's name says
	License string            // instead of the program's own; GPL for a program without
	// LogLevel is what the verifier is to log of a program that it takes: 1, 2
	// for more, 4 for statistics. 0: nothing.
	LogLevel uint32
	// Functions gives the functions' types to the kernel also where it does not
	// need them.
	Functions bool
	// TargetBTF and TargetProgram are the kernel's function, as a type id of
	// its BTF, and the program to attach to.
	TargetBTF     uint32
	TargetProgram *Program
	// Modules are descriptors of the BTF objects of modules, which the offsets
	// of calls of kernel functions count from 1.
	Modules []int32
}

// Program is a program in the kernel.
type Program struct {
	kernel *Kernel
	spec   *bpf.Program
	kind   linux.ProgramType
	fd     int
	// Log is the verifier's, if it was asked for.
	Log string
}

// Load gives a program to the kernel, instruction by instruction as it is. Its
// map indexes count the kernel's maps. Prog arrays whose Values name it get it.
// An Error has the verifier's log.
func (k *Kernel) Load(p *bpf.Program, opts LoadOptions) (*Program, error) {
	program := &Program{kernel: k, spec: p, kind: cmp.Or(opts.Type, p.Type), fd: -1}
	functions, info := -1, []byte(nil)
	if opts.Functions && len(p.Functions) > 0 || needsFunctions(p) {
		var err error
		if functions, info, err = loadFunctions(p); err != nil {
			return nil, fmt.Errorf("load program %s: %w", p.Name, err)
		}
		defer closeFD(functions)
	}
	err := program.load(&opts, functions, info, opts.LogLevel)
	if err != nil && opts.LogLevel == 0 && !errors.Is(err, linux.E2BIG) { // which took long, and says it all
		err = program.load(&opts, functions, info, 1) // once more, for the reason
	}
	if err != nil {
		return nil, err
	}
	return program, k.fillProgArrays(program)
}

// load makes the system call, with a log if level is not 0.
func (p *Program) load(opts *LoadOptions, functions int, info []byte, level uint32) error {
	spec, k := p.spec, p.kernel
	var a attribute
	a.u32(0, uint32(p.kind))
	a.u32(4, uint32(len(spec.Instructions)))
	a.bytes(8, orOne(bpf.Encode(spec.Instructions, binary.NativeEndian)))
	a.bytes(16, append([]byte(cmp.Or(opts.License, spec.License, "GPL")), 0))
	var log []byte
	if level != 0 {
		log = k.logBuffer()
		a.u32(24, level)
		a.u32(28, uint32(len(log)))
		a.bytes(32, log)
	}
	a.u32(44, opts.Flags|programFlags(spec))
	a.name(48, spec.Name)
	a.u32(68, uint32(cmp.Or(opts.Attach, spec.Attach)))
	if info != nil {
		a.fd(72, functions)
		a.u32(76, 8)
		a.bytes(80, info)
		a.u32(88, uint32(len(info)/8))
	}
	a.u32(108, opts.TargetBTF)
	if opts.TargetProgram != nil {
		a.fd(112, opts.TargetProgram.fd)
	}
	a.bytes(120, k.descriptors(spec, opts.Modules))
	fd, err := a.call(progLoad)
	if err != nil {
		return withLog(failed(err, "load program %s", spec.Name), log)
	}
	p.fd, p.Log = fd, text(log)
	return nil
}

// orOne gives the kernel something to point at where there is nothing.
func orOne(b []byte) []byte {
	if len(b) == 0 {
		return make([]byte, bpf.InstructionSize)
	}
	return b
}

// programFlags are those of a section's name.
func programFlags(p *bpf.Program) (flags uint32) {
	if p.SectionFlags&linux.SecSleepable != 0 {
		flags |= linux.FSleepable
	}
	if p.SectionFlags&linux.SecFrags != 0 {
		flags |= linux.FXDPHasFrags
	}
	return flags
}

// descriptors is the array that map indexes and modules count in: an index that
// no map has leads to descriptor 0, not to what lies behind the array.
func (k *Kernel) descriptors(p *bpf.Program, modules []int32) []byte {
	n := max(len(k.fds), len(modules)+1) + 1
	const most = 1 << 16
	for _, in := range p.Instructions {
		if in.IsLoadImm64() && (in.Src == bpf.PseudoMapIdx || in.Src == bpf.PseudoMapIdxValue) && in.Imm >= 0 && in.Imm < most {
			n = max(n, int(in.Imm)+1)
		}
	}
	b := make([]byte, 4*n)
	for i, fd := range k.fds {
		binary.NativeEndian.PutUint32(b[4*i:], uint32(fd))
	}
	for i, fd := range modules {
		binary.NativeEndian.PutUint32(b[4*(i+1):], uint32(fd))
	}
	return b
}

// fillProgArrays puts a program where the values of prog arrays name it.
func (k *Kernel) fillProgArrays(p *Program) error {
	for i, def := range k.defs {
		if def.Type != linux.MapProgArray {
			continue
		}
		for _, v := range def.Values {
			if v.Name != p.spec.Name {
				continue
			}
			if err := k.UpdateProgram(i, v.Index, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// Close unloads the program, unless a prog array holds it.
func (p *Program) Close() {
	if p.fd >= 0 {
		closeFD(p.fd)
		p.fd = -1
	}
}

// FD is the program's descriptor.
func (p *Program) FD() int { return p.fd }

// Input is what a program runs on.
type Input struct {
	Data    []byte // the packet
	Context []byte // as BPF_PROG_TEST_RUN takes it for the type of program; may be nil
	Repeat  int    // runs; 0 is one
	Flags   uint32 // linux.FTestRunOnCPU, …
	CPU     uint32 // with that flag
}

// Output is what a run left.
type Output struct {
	Return uint32
	// Data is the packet, of an XDP program with its metadata before it.
	Data []byte
	// Context is the context, where the kernel gives it back. That of an XDP
	// program has offsets into Data where the program sees addresses.
	Context  []byte
	Duration time.Duration // of one run
}

// Metadata is how many bytes of an XDP program's Data are before the packet.
func (o Output) Metadata() int {
	if len(o.Context) < 4 {
		return 0
	}
	return int(binary.NativeEndian.Uint32(o.Context))
}

// manner is what BPF_PROG_TEST_RUN takes and gives for a type of program.
type manner struct {
	packet  bool // takes and gives a packet, repeats and takes the time
	context int  // size of the context that it gives
	inPlace bool // changes the context that it is given
}

func mannerOf(t linux.ProgramType) manner {
	switch t {
	case linux.ProgXDP:
		return manner{packet: true, context: xdpContext}
	case linux.ProgSocketFilter, linux.ProgSchedCLS, linux.ProgSchedACT, linux.ProgCgroupSKB,
		linux.ProgLWTIn, linux.ProgLWTOut, linux.ProgLWTXmit:
		return manner{packet: true, context: skbContext}
	case linux.ProgFlowDissector, linux.ProgNetfilter:
		return manner{packet: true}
	case linux.ProgSyscall:
		return manner{inPlace: true}
	}
	return manner{}
}

// Sizes of struct xdp_md and __sk_buff.
const (
	xdpContext = 24
	skbContext = 192
)

// XDPContext is a context for a packet of n bytes, the first meta of which are
// metadata; what arrives where is up to the caller, 0 for the loopback device.
func XDPContext(n, meta int, ingress, queue uint32) []byte {
	ctx := make([]byte, 0, xdpContext)
	for _, v := range []uint32{uint32(meta), uint32(n), 0, ingress, queue, 0} {
		ctx = binary.NativeEndian.AppendUint32(ctx, v)
	}
	return ctx
}

// largestPacket is the most that a program may make of one, in bytes.
const largestPacket = 1 << 17

// Run runs the program once, or Repeat times. An XDP program without a context
// gets one without metadata. Errors are *Error.
func (p *Program) Run(in Input) (Output, error) {
	m := mannerOf(p.kind)
	if in.Context == nil && p.kind == linux.ProgXDP {
		in.Context = XDPContext(len(in.Data), 0, 0, 0)
	}
	var a attribute
	a.fd(0, p.fd)
	a.u32(64, in.Flags)
	a.u32(68, in.CPU)
	var packet, context []byte
	if m.packet {
		packet = p.kernel.packetBuffer(len(in.Data))
		a.u32(8, uint32(len(in.Data)))
		a.u32(12, uint32(len(packet)))
		a.bytes(16, in.Data)
		a.bytes(24, packet)
		a.u32(32, uint32(max(1, in.Repeat)))
	}
	live := in.Flags&linux.FTestXDPLiveFrames != 0
	switch {
	case m.context > 0 && !live:
		context = make([]byte, m.context)
		a.u32(44, uint32(len(context)))
		a.bytes(56, context)
	case m.inPlace:
		in.Context = bytes.Clone(in.Context)
		context = in.Context
	}
	if live {
		a.u32(12, 0)
		a.u64(24, 0)
	}
	a.u32(40, uint32(len(in.Context)))
	a.bytes(48, in.Context)
	if _, err := a.call(progTestRun); err != nil {
		return Output{}, failed(err, "run program %s", p.spec.Name)
	}
	out := Output{Return: a.get32(4), Context: context, Duration: time.Duration(a.get32(36))}
	if m.packet && !live {
		out.Data = bytes.Clone(packet[:a.get32(12)])
	}
	if m.context > 0 && !live {
		out.Context = context[:a.get32(44)]
	}
	return out, nil
}

// packetBuffer is where runs leave a packet that came with n bytes.
func (k *Kernel) packetBuffer(n int) []byte {
	if len(k.packet) < n+largestPacket {
		k.packet = make([]byte, n+largestPacket)
	}
	return k.packet
}

// logBuffer is where the verifier writes.
func (k *Kernel) logBuffer() []byte {
	if k.log == nil {
		k.log = make([]byte, 1<<22)
	}
	clear(k.log[:1])
	return k.log
}

func text(log []byte) string {
	b, _, _ := bytes.Cut(log, []byte{0})
	return string(b)
}

// withLog puts the verifier's log into an Error.
func withLog(err error, log []byte) error {
	var e *Error
	if errors.As(err, &e) {
		e.Log = text(log)
	}
	return err
}
