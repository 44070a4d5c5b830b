package vm

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Offsets in struct __sk_buff (include/uapi/linux/bpf.h).
const (
	skbLen            = 0
	skbPktType        = 4
	skbMark           = 8
	skbQueueMapping   = 12
	skbProtocol       = 16
	skbVLANPresent    = 20
	skbVLANTCI        = 24
	skbVLANProto      = 28
	skbPriority       = 32
	skbIngressIfindex = 36
	skbIfindex        = 40
	skbTCIndex        = 44
	skbCB             = 48
	skbHash           = 68
	skbTCClassID      = 72
	skbData           = 76
	skbDataEnd        = 80
	skbNAPIID         = 84
	skbFamily         = 88
	skbRemoteIP4      = 92
	skbLocalIP4       = 96
	skbRemoteIP6      = 100
	skbLocalIP6       = 116
	skbRemotePort     = 132
	skbLocalPort      = 136
	skbDataMeta       = 140
	skbFlowKeys       = 144
	skbTstamp         = 152
	skbWireLen        = 160
	skbGSOSegs        = 164
	skbSk             = 168
	skbGSOSize        = 176
	skbTstampType     = 180
	skbHWTstamp       = 184
	skbSize           = 192
)

// The kernel rewrites accesses to struct __sk_buff into ones to its own struct
// sk_buff. Here it is memory, always up to date: what helpers change is changed
// in it, and writes of programs go through write.

func (s *skb) get(off int) uint32      { return binary.LittleEndian.Uint32(s.region.data[off:]) }
func (s *skb) put(off int, v uint32)   { binary.LittleEndian.PutUint32(s.region.data[off:], v) }
func (s *skb) get64(off int) uint64    { return binary.LittleEndian.Uint64(s.region.data[off:]) }
func (s *skb) put64(off int, v uint64) { binary.LittleEndian.PutUint64(s.region.data[off:], v) }

// getNet and putNet are for fields of 16 bits in network order.
func (s *skb) getNet(off int) uint16 { return binary.BigEndian.Uint16(s.region.data[off:]) }

func (s *skb) putNet(off int, v uint16) {
	s.put(off, 0)
	binary.BigEndian.PutUint16(s.region.data[off:], v)
}

// fill makes the context that of the packet in.
func (s *skb) fill(in *SKB) {
	clear(s.region.data)
	s.put(skbPktType, uint32(in.PktType&7))
	s.put(skbMark, in.Mark)
	s.put(skbQueueMapping, uint32(in.QueueMapping))
	s.putNet(skbProtocol, in.Protocol)
	if in.Protocol == 0 {
		s.putNet(skbProtocol, etherType(in.Data[12:], in.Data[ethHeader:]))
	}
	if in.VLANProto != 0 {
		s.setVLAN(in.VLANProto, in.VLANTCI)
	}
	s.put(skbPriority, in.Priority)
	s.put(skbIngressIfindex, in.IngressIfindex)
	s.put(skbIfindex, in.Ifindex)
	s.put(skbTCIndex, uint32(in.TCIndex))
	for i, v := range in.CB {
		s.put(skbCB+4*i, v)
	}
	s.put(skbHash, in.Hash)
	s.put(skbTCClassID, uint32(in.TCClassID))
	s.put(skbNAPIID, in.NAPIID)
	s.put64(skbTstamp, in.Tstamp)
	s.put(skbGSOSegs, uint32(in.GSOSegs))
	s.put(skbGSOSize, uint32(in.GSOSize))
	s.region.data[skbTstampType] = in.TstampType
	s.put64(skbHWTstamp, in.HWTstamp)
	s.describe()
	s.put(skbWireLen, in.WireLen)
	if in.WireLen == 0 {
		s.put(skbWireLen, s.length())
	}
	s.fillSocket(in.Socket)
}

// describe writes the length of the packet into the context, and where it is.
func (s *skb) describe() {
	s.put(skbLen, s.length())
	s.packet.describe()
}

// fields is the packet with what became of its fields.
func (s *skb) fields() SKB {
	out := s.input
	p := s.packet
	out.Data = p.from(p.data - s.headroom + int(s.mac))
	if !s.behind {
		out.Metadata = p.metadata()
	}
	out.PktType = uint8(s.get(skbPktType))
	out.Mark, out.Priority, out.Hash = s.get(skbMark), s.get(skbPriority), s.get(skbHash)
	out.QueueMapping = uint16(s.get(skbQueueMapping))
	out.Protocol = s.getNet(skbProtocol)
	out.VLANProto, out.VLANTCI = s.getNet(skbVLANProto), uint16(s.get(skbVLANTCI))
	out.TCIndex, out.TCClassID = uint16(s.get(skbTCIndex)), uint16(s.get(skbTCClassID))
	for i := range out.CB {
		out.CB[i] = s.get(skbCB + 4*i)
	}
	out.Tstamp, out.WireLen = s.get64(skbTstamp), s.get(skbWireLen)
	out.GSOSegs, out.GSOSize, out.GSOType = uint16(s.get(skbGSOSegs)), uint16(s.get(skbGSOSize)), s.gsoType
	out.Checksum, out.Tunnel = s.summed, s.tunnel
	return out
}

// noQueueMapping is what skb->queue_mapping can't become.
const noQueueMapping = math.MaxUint16

// write is a store of size bytes at offset off of the context by the program. Some
// fields hold 16 bits only.
func (s *skb) write(off, size, v uint64) error {
	ctx := s.region.data
	if off >= skbCB && off+size <= skbHash && off%size == 0 {
		putLE(ctx[off:off+size], v)
		return nil
	}
	whole := size == 4 && off != skbTstamp || size == 8 && off == skbTstamp
	if !whole || !s.kind.fields[off] {
		return fmt.Errorf("write of %d %s at offset %d of %s: %w", size, plural(size, "byte"), off, s.region.name, ErrReadOnly)
	}
	switch off {
	case skbQueueMapping:
		if v >= noQueueMapping {
			return nil // the kernel leaves it
		}
	case skbTCIndex, skbTCClassID:
		v = uint64(uint16(v))
	}
	putLE(ctx[off:off+size], v)
	return nil
}

// etherType tells what an Ethernet frame carries, from the type field of its header
// and what follows that (net/ethernet/eth.c, eth_type_trans).
func etherType(field, rest []byte) uint16 {
	const (
		smallest  = 1536 // below it is a length
		ethP8023  = 1
		ethP8022  = 4
		rawPacket = 0xffff
	)
	proto := binary.BigEndian.Uint16(field)
	switch {
	case proto >= smallest:
		return proto
	case len(rest) >= 2 && binary.BigEndian.Uint16(rest) == rawPacket:
		return ethP8023
	}
	return ethP8022
}
