package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

// Frame is a packet that arrives at an interface, for XDP.
type Frame struct {
	Data []byte // from the link-layer header on; at most 1 MiB less headroom. Runs don't change it
	// Linear is how many bytes are in the first buffer, the one that programs
	// address directly; the rest is in further ones of 4 KiB each. 0: all that
	// fit, 3,520, for programs that take several buffers
	// (section xdp.frags), and all of it for others.
	Linear         int
	Metadata       []byte // before the packet, as another program has left it; at most 216 bytes, in fours
	Hints          *RxHints
	IngressIfindex uint32
	RxQueueIndex   uint32
	EgressIfindex  uint32
	CPU            int    // that it is handled on, below Options.CPUs
	TimeNS         uint64 // when it arrived: what the clock says, unless Options.Clock does
}

// RxHints is what a network card tells of a frame, for the bpf_xdp_metadata kernel
// functions. A frame without is from a driver that has none of them.
type RxHints struct {
	Timestamp uint64 // ns; 0: none
	Hash      uint32
	HashType  uint32 // enum xdp_rss_hash_type; 0: there is no hash
	VLANProto uint16 // 0x8100 or 0x88a8; 0: there is no tag
	VLANTCI   uint16
}

// Outcome is what became of a frame. What its methods give is good until the
// machine's next run.
type Outcome struct {
	// Verdict is what the program returned, of an XDP program an XDP_ action.
	// Values above 4 mean XDP_ABORTED to the kernel and stay as they are here.
	Verdict uint32
	thread  *thread
}

// Data is the packet as the program left it, from where the program sees it on.
func (o Outcome) Data() []byte { return o.thread.packet.all() }

// Metadata is what the program put before the packet (bpf_xdp_adjust_meta).
func (o Outcome) Metadata() []byte { return o.thread.packet.metadata() }

// Redirect is where to, after XDP_REDIRECT or TC_ACT_REDIRECT.
func (o Outcome) Redirect() Redirect { return o.thread.redirect }

// RunXDP runs the program on one frame. The error, if any, is a *Fault, or
// ErrFrame for data that is no frame.
func (p *Program) RunXDP(f *Frame) (Outcome, error) {
	return p.machine.workers[0].RunXDP(p, f)
}

// RunXDP is [Program.RunXDP] on this worker; the program is one of its machine.
func (w *Worker) RunXDP(p *Program, f *Frame) (Outcome, error) {
	t := w.thread
	if len(f.Data) > maxPacket-headroom || badMetadata(f.Metadata) {
		return Outcome{}, ErrFrame
	}
	linear, err := linearPart(p, f)
	if err != nil {
		return Outcome{}, err
	}
	if err := t.beginRun(f.CPU, f.TimeNS); err != nil {
		return Outcome{}, err
	}
	t.packet.onXDP()
	t.packet.begin(f.Data[:linear], f.Metadata, 0)
	t.packet.hints = f.Hints
	if linear < len(f.Data) {
		t.packet.frags = splitFrags(f.Data[linear:])
	}
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

// beginRun is what all runs with an input begin with.
func (t *thread) beginRun(cpu int, now uint64) error {
	if uint(cpu) >= uint(t.machine.cpus) {
		return fmt.Errorf("CPU %d of %d: %w", cpu, t.machine.cpus, ErrFrame)
	}
	t.cpu, t.now, t.redirect = cpu, now, Redirect{}
	return nil
}

// badMetadata reports whether b can't be what an XDP program left before a packet.
func badMetadata(b []byte) bool { return len(b)%4 != 0 || len(b) > headroom-frameHead }

// linearPart is how many bytes of the frame are in its first buffer.
func linearPart(p *Program, f *Frame) (int, error) {
	n := len(f.Data)
	room := frameRoom - frameTail - headroom
	switch {
	case f.Linear != 0:
		if f.Linear < 0 || f.Linear > n {
			return 0, fmt.Errorf("%d of %d bytes in the first buffer: %w", f.Linear, n, ErrFrame)
		}
		n = f.Linear
	case p.prog.SectionFlags&linux.SecFrags != 0:
		n = min(n, room)
	default:
		return n, nil
	}
	if rest := len(f.Data) - n; rest > maxFrags*fragRoom {
		return 0, fmt.Errorf("%d bytes behind the first buffer, at most %d fit: %w", rest, maxFrags*fragRoom, ErrFrame)
	}
	return n, nil
}

// splitFrags copies data into buffers of their own.
func splitFrags(data []byte) [][]byte {
	var frags [][]byte
	for len(data) > 0 {
		n := min(len(data), fragRoom)
		frag := make([]byte, n, fragRoom)
		copy(frag, data)
		frags = append(frags, frag)
		data = data[n:]
	}
	return frags
}
