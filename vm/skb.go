package vm

import (
	"fmt"

	"ebtools/bpf/linux"
)

// SKB is a packet in the network stack, a struct sk_buff: the input of programs
// of the types sched_cls, sched_act, socket_filter, cgroup_skb and lwt_*. Its
// fields are those of struct __sk_buff; numbers are in the byte order of the
// machine.
//
// What the kernel answers where nothing is said here is what it answers in
// BPF_PROG_TEST_RUN: the packet lies in one buffer, and its transport header is
// not known.
type SKB struct {
	// Data is the packet from the link-layer header on, an Ethernet header of 14
	// bytes; at most 1 MiB less headroom. Runs don't change it.
	//
	// sched_cls and sched_act programs see all of it, the others what is behind
	// the Ethernet header.
	Data []byte
	// WholeFrame lets those see it from the Ethernet header on too, as a
	// socket_filter on a packet socket does.
	WholeFrame bool
	// Metadata is what an XDP program left before the packet, for data_meta.
	Metadata []byte

	CPU    int    // that the program runs on, below Options.CPUs
	TimeNS uint64 // when it arrived: what the clock says, unless Options.Clock does

	Mark, Priority          uint32
	QueueMapping            uint16
	TCIndex, TCClassID      uint16
	PktType                 uint8  // linux PACKET_HOST, …
	Protocol                uint16 // 0: what the Ethernet header says
	VLANProto, VLANTCI      uint16 // of a tag that is not in Data; VLANProto 0: none
	IngressIfindex, Ifindex uint32
	CB                      [5]uint32
	Hash                    uint32 // 0: not known
	NAPIID                  uint32
	Tstamp, HWTstamp        uint64 // ns
	TstampType              uint8
	WireLen                 uint32 // 0: as long as the program sees it
	GSOSegs, GSOSize        uint16
	GSOType                 uint32 // SKB_GSO_TCPV4, …

	Checksum   Checksum
	Socket     *Socket    // nil: skb->sk is null
	Tunnel     *TunnelKey // that it came out of, for bpf_skb_get_tunnel_key
	RouteRealm uint32     // for bpf_get_route_realm
}

// Checksum says what is known of a packet's checksums (skb->ip_summed).
type Checksum uint8

// Values of Checksum.
const (
	ChecksumNone        Checksum = iota // nothing
	ChecksumUnnecessary                 // the outermost is right
	ChecksumComplete                    // the sum over all that is behind the Ethernet header
)

// Room that BPF_PROG_TEST_RUN leaves before a packet, in bytes (NET_SKB_PAD with
// NET_IP_ALIGN of x86-64).
const skbHeadroom = 64

// RunSKB runs the program on one packet. The error, if any, is a *Fault, or
// ErrFrame for data that is no packet.
func (p *Program) RunSKB(in *SKB) (Outcome, error) {
	return p.machine.workers[0].RunSKB(p, in)
}

// RunSKB is [Program.RunSKB] on this worker; the program is one of its machine.
func (w *Worker) RunSKB(p *Program, in *SKB) (Outcome, error) {
	t := w.thread
	kind, ok := skbKinds[p.prog.Type]
	if !ok {
		return Outcome{}, fmt.Errorf("a program of type %s does not take an skb: %w", p.prog.Type, ErrFrame)
	}
	if len(in.Data) < ethHeader || len(in.Data) > maxPacket-headroom || badMetadata(in.Metadata) {
		return Outcome{}, ErrFrame
	}
	if err := t.beginRun(in.CPU, in.TimeNS); err != nil {
		return Outcome{}, err
	}
	s := &t.packet.skb
	s.begin(in, kind)
	r0, err := t.execute(p, s.region.start, 0)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{uint32(r0), t}, nil
}

// skbKind is what differs between the types of programs that take an skb.
type skbKind struct {
	ethernet bool // they see the Ethernet header
	writes   bool // they may write to the packet directly
	fields   map[uint64]bool
}

// What programs may write of struct __sk_buff, beside cb: offsets of whole
// fields (net/core/filter.c, the is_valid_access functions).
var (
	tcFields     = map[uint64]bool{skbMark: true, skbQueueMapping: true, skbPriority: true, skbTCIndex: true, skbTCClassID: true, skbTstamp: true}
	cgroupFields = map[uint64]bool{skbMark: true, skbPriority: true, skbTstamp: true}
	lwtFields    = map[uint64]bool{skbMark: true, skbPriority: true}
)

var skbKinds = map[linux.ProgramType]skbKind{
	linux.ProgSchedCLS:     {ethernet: true, writes: true, fields: tcFields},
	linux.ProgSchedACT:     {ethernet: true, writes: true, fields: tcFields},
	linux.ProgSocketFilter: {},
	linux.ProgCgroupSKB:    {fields: cgroupFields},
	linux.ProgLWTIn:        {fields: lwtFields},
	linux.ProgLWTOut:       {fields: lwtFields},
	linux.ProgLWTXmit:      {writes: true, fields: lwtFields},
	linux.ProgLWTSeg6local: {fields: lwtFields},
}

// SKB is the packet as the program left it, fit to be the input of another
// program; of one from RunXDP only Data and Metadata.
func (o Outcome) SKB() SKB {
	p := &o.thread.packet
	if p.ctx != p.skb.region {
		return SKB{Data: p.all(), Metadata: p.metadata()}
	}
	return p.skb.fields()
}
