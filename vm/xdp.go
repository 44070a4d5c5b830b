package vm

import (
	"encoding/binary"
	"fmt"
)

// Frame is a packet that arrives at an interface, for XDP.
type Frame struct {
	Data           []byte // from the link-layer header on; at most 1 MiB less headroom. Runs don't change it
	IngressIfindex uint32
	RxQueueIndex   uint32
	EgressIfindex  uint32
	CPU            int    // that it is handled on, below Options.CPUs
	TimeNS         uint64 // when it arrived: what the clock says, unless Options.Clock does
}

// Outcome is what became of a frame. What its methods give is good until the
// machine's next run.
type Outcome struct {
	// Verdict is what the program returned, an XDP_ action. Values above 4
	// mean XDP_ABORTED to the kernel and stay as they are here.
	Verdict uint32
	thread  *thread
}

// Data is the packet as the program left it.
func (o Outcome) Data() []byte { return o.thread.packet.bytes() }

// Metadata is what the program put before the packet (bpf_xdp_adjust_meta).
func (o Outcome) Metadata() []byte { return o.thread.packet.metadata() }

// Redirect is where to, after XDP_REDIRECT.
func (o Outcome) Redirect() Redirect { return o.thread.redirect }

// RunXDP runs the program on one frame. The error, if any, is a *Fault, or
// ErrFrame for data that is no frame.
func (p *Program) RunXDP(f *Frame) (Outcome, error) {
	return p.machine.workers[0].RunXDP(p, f)
}

// RunXDP is [Program.RunXDP] on this worker; the program is one of its machine.
func (w *Worker) RunXDP(p *Program, f *Frame) (Outcome, error) {
	t := w.thread
	if len(f.Data) > maxPacket-headroom {
		return Outcome{}, ErrFrame
	}
	if uint(f.CPU) >= uint(t.machine.cpus) {
		return Outcome{}, fmt.Errorf("CPU %d of %d: %w", f.CPU, t.machine.cpus, ErrFrame)
	}
	t.cpu = f.CPU
	t.now = f.TimeNS
	t.redirect = Redirect{}
	t.packet.ctx, t.packet.layout = t.xdp, xdpLayout
	t.packet.load(f.Data)
	ctx := t.packet.ctx.data
	binary.LittleEndian.PutUint32(ctx[12:], f.IngressIfindex)
	binary.LittleEndian.PutUint32(ctx[16:], f.RxQueueIndex)
	binary.LittleEndian.PutUint32(ctx[20:], f.EgressIfindex)
	r0, err := t.execute(p, t.packet.ctx.start, 0)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{uint32(r0), t}, nil
}
