package vm

import (
	"encoding/binary"
	"net/netip"
)

// FlowKeys is what a flow dissector found in a packet, struct bpf_flow_keys.
type FlowKeys struct {
	NetworkOffset, TransportOffset uint16 // in bytes, of the headers
	Protocol                       uint16 // of the network layer: ETH_P_IP, …
	Source, Destination            netip.AddrPort
	AddrProto                      uint16 // what the addresses are: ETH_P_IP or ETH_P_IPV6
	IPProto                        uint8  // IPPROTO_TCP, …
	Fragment, FirstFragment, Encap bool
	Flags                          uint32 // BPF_FLOW_DISSECTOR_F_*
	FlowLabel                      uint32
}

// Offsets in struct bpf_flow_keys (include/uapi/linux/bpf.h).
const (
	flowNetwork   = 0
	flowTransport = 2
	flowAddrProto = 4
	flowFragment  = 6
	flowFirst     = 7
	flowEncap     = 8
	flowIPProto   = 9
	flowProto     = 10 // network order, as the rest but for flags
	flowSrcPort   = 12
	flowDstPort   = 14
	flowSrc       = 16
	flowDst4      = 20
	flowDst6      = 32
	flowFlags     = 48
	flowLabel     = 52
	flowKeysSize  = 56
)

// flow is the context of a flow dissector.
type flow struct{ ctx, keys *region }

func (f *flow) init(mem *memory) (err error) {
	if f.ctx, err = mem.mapBytes("the context (struct __sk_buff)", aligned(skbSize), true); err != nil {
		return err
	}
	f.keys, err = mem.mapBytes("the flow keys (struct bpf_flow_keys)", aligned(flowKeysSize), false)
	binary.LittleEndian.PutUint64(f.ctx.data[skbFlowKeys:], f.keys.start)
	return err
}

// RunFlow runs the program, of type flow_dissector, on a frame with an Ethernet
// header, as a driver has it before there is an skb; flags are BPF_FLOW_DISSECTOR_F_*.
// It returns the verdict, BPF_OK, BPF_DROP or BPF_FLOW_DISSECTOR_CONTINUE, and what
// the program found. The error, if any, is a *Fault, or ErrFrame for data that is
// no frame.
func (p *Program) RunFlow(in *Frame, flags uint32) (verdict uint32, keys FlowKeys, err error) {
	return p.machine.workers[0].RunFlow(p, in, flags)
}

// RunFlow is [Program.RunFlow] on this worker; the program is one of its machine.
func (w *Worker) RunFlow(p *Program, in *Frame, flags uint32) (verdict uint32, keys FlowKeys, err error) {
	t := w.thread
	if len(in.Data) < ethHeader || len(in.Data) > maxPacket-headroom {
		return 0, FlowKeys{}, ErrFrame
	}
	if err := t.beginRun(in.CPU, in.TimeNS); err != nil {
		return 0, FlowKeys{}, err
	}
	pk := &t.packet
	pk.ctx, pk.layout, pk.readOnly = pk.flow.ctx, skbLayout, true
	pk.begin(in.Data, nil, 0)
	raw := pk.flow.keys.data
	clear(raw)
	binary.LittleEndian.PutUint16(raw[flowNetwork:], ethHeader)
	binary.LittleEndian.PutUint16(raw[flowTransport:], ethHeader)
	copy(raw[flowProto:], in.Data[12:14])
	binary.LittleEndian.PutUint32(raw[flowFlags:], flags)
	r0, err := t.execute(p, pk.ctx.start, 0)
	if err != nil {
		return 0, FlowKeys{}, err
	}
	keepOffsets(raw, uint16(len(in.Data)))
	return uint32(r0), flowKeysOf(raw), nil
}

// keepOffsets puts the offsets that a program left inside the packet
// (net/core/flow_dissector.c, bpf_flow_dissect).
func keepOffsets(raw []byte, length uint16) {
	network := min(max(binary.LittleEndian.Uint16(raw[flowNetwork:]), ethHeader), length)
	transport := min(max(binary.LittleEndian.Uint16(raw[flowTransport:]), network), length)
	binary.LittleEndian.PutUint16(raw[flowNetwork:], network)
	binary.LittleEndian.PutUint16(raw[flowTransport:], transport)
}

func flowKeysOf(raw []byte) FlowKeys {
	k := FlowKeys{
		NetworkOffset:   binary.LittleEndian.Uint16(raw[flowNetwork:]),
		TransportOffset: binary.LittleEndian.Uint16(raw[flowTransport:]),
		AddrProto:       binary.LittleEndian.Uint16(raw[flowAddrProto:]),
		Fragment:        raw[flowFragment] != 0,
		FirstFragment:   raw[flowFirst] != 0,
		Encap:           raw[flowEncap] != 0,
		IPProto:         raw[flowIPProto],
		Protocol:        binary.BigEndian.Uint16(raw[flowProto:]),
		Flags:           binary.LittleEndian.Uint32(raw[flowFlags:]),
		FlowLabel:       binary.BigEndian.Uint32(raw[flowLabel:]),
	}
	src, dst := binary.BigEndian.Uint16(raw[flowSrcPort:]), binary.BigEndian.Uint16(raw[flowDstPort:])
	switch k.AddrProto {
	case ethPIP:
		k.Source = netip.AddrPortFrom(addressOf(afINET, raw[flowSrc:]), src)
		k.Destination = netip.AddrPortFrom(addressOf(afINET, raw[flowDst4:]), dst)
	case ethPIPv6:
		k.Source = netip.AddrPortFrom(addressOf(afINET6, raw[flowSrc:]), src)
		k.Destination = netip.AddrPortFrom(addressOf(afINET6, raw[flowDst6:]), dst)
	default:
		k.Source, k.Destination = netip.AddrPortFrom(netip.Addr{}, src), netip.AddrPortFrom(netip.Addr{}, dst)
	}
	return k
}
