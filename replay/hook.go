package replay

import (
	"encoding/binary"
	"errors"
	"fmt"

	"ebtools/bpf/linux"
	"ebtools/vm"
)

// ErrChain is returned for programs that can't follow each other on a packet.
var ErrChain = errors.New("programs in an order that no packet takes")

// layer is where on a packet's way a type of program stands; 0 for those that are
// not on it.
func layer(t linux.ProgramType) int {
	switch t {
	case linux.ProgXDP:
		return 1
	case linux.ProgFlowDissector:
		return 2
	case linux.ProgSchedCLS, linux.ProgSchedACT:
		return 3
	case linux.ProgLWTIn, linux.ProgLWTOut, linux.ProgLWTXmit, linux.ProgLWTSeg6local, linux.ProgCgroupSKB, linux.ProgSocketFilter:
		return 4
	}
	return 0
}

// Runs reports whether programs of a type run on packets.
func Runs(t linux.ProgramType) bool { return layer(t) > 0 }

// check reports why the programs can't be run.
func (r *Runner) check() error {
	if len(r.Programs) == 0 {
		return ErrNoPrograms
	}
	before := r.Programs[0].Spec()
	for _, p := range r.Programs {
		spec := p.Spec()
		if !Runs(spec.Type) {
			return fmt.Errorf("program %s is of type %s: %w", spec.Name, spec.Type, ErrNoPrograms)
		}
		if r.Chain && layer(spec.Type) < layer(before.Type) {
			return fmt.Errorf("%s (%s) comes before %s (%s): %w", before.Name, before.Type, spec.Name, spec.Type, ErrChain)
		}
		before = spec
	}
	return nil
}

// Receiving interface of all packets.
const ifindex = 1

// input is a packet as the programs of each hook take it.
type input struct {
	frame   vm.Frame
	skb     vm.SKB
	ready   bool // skb is that of the packet
	chained bool // frame is what a program left
	// What a program left is copied here: its memory is where the next works.
	data, meta []byte
}

// take makes a captured packet the input.
func (in *input) take(p *Packet, cpu int) {
	f := &in.frame // field by field: most never change
	f.Data, f.CPU, f.TimeNS = p.Data, cpu, uint64(p.TimeNS)
	if in.chained {
		f.Metadata, f.Linear, in.chained = nil, 0, false
	}
	f.IngressIfindex = ifindex
	in.ready = false
}

// receive makes the skb of the frame as the kernel does before the hooks that take
// one: without its outer VLAN tag, which goes into fields (skb_vlan_untag).
func (in *input) receive() {
	if in.ready {
		return
	}
	in.ready = true
	f := &in.frame
	in.skb = vm.SKB{
		Data: f.Data, Metadata: f.Metadata, CPU: f.CPU, TimeNS: f.TimeNS,
		Tstamp: f.TimeNS, IngressIfindex: ifindex, Ifindex: ifindex,
	}
	if len(f.Data) < ethernetHeader {
		return
	}
	if f.Data[0]&1 != 0 {
		in.skb.PktType = packetMulticast
		if [6]byte(f.Data) == [6]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff} {
			in.skb.PktType = packetBroadcast
		}
	}
	const tag = 4
	proto := binary.BigEndian.Uint16(f.Data[12:])
	if (proto == etherVLAN || proto == etherQinQ) && len(f.Data) >= ethernetHeader+tag {
		in.skb.VLANProto, in.skb.VLANTCI = proto, binary.BigEndian.Uint16(f.Data[14:])
		in.data = append(append(in.data[:0], f.Data[:12]...), f.Data[12+tag:]...)
		in.skb.Data = in.data
	}
}

// Ethertypes of VLAN tags.
const (
	etherVLAN = 0x8100
	etherQinQ = 0x88a8
)

// run runs a program on the input.
func (in *input) run(w *vm.Worker, p *vm.Program) (vm.Outcome, error) {
	switch t := p.Spec().Type; t {
	case linux.ProgXDP:
		return w.RunXDP(p, &in.frame)
	case linux.ProgFlowDissector:
		verdict, _, err := w.RunFlow(p, &in.frame, 0)
		return vm.Outcome{Verdict: verdict}, err
	default:
		in.receive()
		in.skb.WholeFrame = t == linux.ProgSocketFilter // as on a packet socket
		return w.RunSKB(p, &in.skb)
	}
}

// follow makes what a program left the input of the next.
func (in *input) follow(t linux.ProgramType, out vm.Outcome) {
	switch t {
	case linux.ProgFlowDissector:
		return
	case linux.ProgXDP:
		in.data = append(in.data[:0], out.Data()...)
		in.meta = append(in.meta[:0], out.Metadata()...)
		in.frame.Data, in.frame.Metadata, in.frame.Linear = in.data, in.meta, 0
		in.ready, in.chained = false, true
		return
	}
	skb := out.SKB()
	skb.CPU, skb.TimeNS = in.frame.CPU, in.frame.TimeNS
	in.data = append(in.data[:0], skb.Data...)
	in.meta = append(in.meta[:0], skb.Metadata...)
	skb.Data, skb.Metadata = in.data, in.meta
	in.skb = skb
}
