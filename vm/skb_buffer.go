package vm

import (
	"encoding/binary"

	"ebtools/bpf/linux"
)

// skb is what the kernel's struct sk_buff has beyond the context.
//
// The headers are offsets from the start of the kernel's buffer, where the packet
// begins at headroom. They are computed as the kernel does, in 16 bits, so that
// what helpers refuse is the same after any number of changes.
type skb struct {
	packet *packet
	region *region // struct __sk_buff
	sock   *region // struct bpf_sock
	kind   skbKind
	input  SKB
	behind bool // the program sees what is behind the link-layer header

	headroom                int
	mac, network, transport uint16
	encapsulation           bool // it is a packet in a packet now (skb->encapsulation)
	gsoType                 uint32

	summed Checksum
	level  uint8  // of ChecksumUnnecessary: how many more checksums are right
	sum    uint32 // of ChecksumComplete

	hashed bool // the hash stands (l4_hash or sw_hash)
	tunnel *TunnelKey
	clones []Clone
}

const noHeader = 0xffff // of a header that is not known

func (s *skb) init(p *packet) (err error) {
	s.packet = p
	if s.region, err = p.t.mem.mapBytes("the context (struct __sk_buff)", aligned(skbSize), true); err != nil {
		return err
	}
	s.region.write = s.write
	s.sock, err = p.t.mem.mapBytes("the socket (struct bpf_sock)", aligned(sockSize), true)
	return err
}

// begin makes in the packet of the run (net/bpf/test_run.c, bpf_prog_test_run_skb).
func (s *skb) begin(in *SKB, kind skbKind) {
	p := s.packet
	s.input, s.kind = *in, kind
	s.mac, s.network, s.transport = skbHeadroom, skbHeadroom+ethHeader, noHeader
	s.headroom = skbHeadroom
	skip, metadata := 0, in.Metadata
	if s.behind = !kind.ethernet && !in.WholeFrame; s.behind {
		// What is before the link-layer header is out of sight.
		skip, metadata = ethHeader, nil
		s.headroom += skip
	}
	s.encapsulation, s.gsoType = false, in.GSOType
	s.summed, s.level, s.sum = in.Checksum, 0, 0
	if s.summed == ChecksumComplete {
		s.sum = checksumPartial(in.Data[ethHeader:], 0)
	}
	s.hashed, s.tunnel, s.clones = in.Hash != 0, in.Tunnel, nil
	p.ctx, p.layout, p.readOnly = s.region, skbLayout, !kind.writes
	p.begin(in.Data, metadata, skip)
	s.fill(in)
}

// skbArgument gives the skb whose context r1 is, nil when the run has ended
// because it is none.
func (t *thread) skbArgument(r *registers) *skb {
	s := &t.packet.skb
	if t.packet.ctx != s.region {
		t.fail(1, errNoSKB)
		return nil
	}
	if !t.contextArgument(r) {
		return nil
	}
	return s
}

// length is skb->len.
func (s *skb) length() uint32 { return uint32(s.packet.end - s.packet.data) }

// bytes is the packet from where the program sees it on, ready to be changed.
func (s *skb) bytes() []byte {
	s.packet.own()
	return s.packet.bytes()
}

// networkOffset is where the network header is, from the start of the packet on.
func (s *skb) networkOffset() int { return int(s.network) - s.headroom }

// macLength is how long the link-layer header is (skb_mac_header_len).
func (s *skb) macLength() int { return int(s.network) - int(s.mac) }

func (s *skb) protocol() uint16 { return s.getNet(skbProtocol) }

func (s *skb) gso() bool { return s.get(skbGSOSize) != 0 }

// writable is the kernel's try to make the first n bytes writable: it fails when
// there are fewer (skb_ensure_writable).
func (s *skb) writable(n uint32) error {
	if n > s.length() {
		return linux.ENOMEM
	}
	s.packet.own()
	return nil
}

// cow makes room for n bytes before the packet (skb_cow). The kernel moves all
// headers with the packet, also one that is not known. Where it would lose its
// count of 16 bits there is no memory here.
func (s *skb) cow(n int) error {
	p := s.packet
	const step = 64 // NET_SKB_PAD
	grown := 0
	if n > s.headroom {
		grown = (n - s.headroom + step - 1) &^ (step - 1)
	}
	if int(s.network)+grown >= noHeader || p.end-p.data+n > maxPacket-headroom {
		return linux.ENOMEM
	}
	s.headroom += grown
	s.mac += uint16(grown)
	s.network += uint16(grown)
	s.transport += uint16(grown)
	p.own()
	if n > p.meta {
		p.refit(n+headroom, frameTail)
	}
	return nil
}

// push adds n bytes to the start of the packet, which cow has made room for, as
// they are there. What was before the packet is no metadata any more.
func (s *skb) push(n int) {
	p := s.packet
	s.headroom -= n
	p.data -= n
	p.meta = p.data
	p.moved()
	s.describe()
}

// pull takes n bytes from the start of the packet.
func (s *skb) pull(n int) {
	p := s.packet
	p.own()
	s.headroom += n
	p.data += n
	p.meta = p.data
	p.moved()
	s.describe()
}

// resize makes the packet n bytes long; new bytes are zero.
func (s *skb) resize(n int) {
	p := s.packet
	p.own()
	if p.data+n > len(p.buffer) {
		p.refit(headroom, n+frameTail)
	}
	end := p.data + n
	if end > p.end {
		clear(p.buffer[p.end:end])
	}
	p.end = end
	p.moved()
	s.describe()
}

// pushNetwork puts n zero bytes at an offset, headers before it moving along
// (bpf_skb_net_hdr_push).
func (s *skb) pushNetwork(off, n int) {
	same := s.transport == s.network
	before := min(off, int(s.length())) // a packet may end before its headers do
	s.push(n)
	data := s.bytes()
	copy(data[:before], data[n:n+before])
	clear(data[before:min(off+n, len(data))])
	s.mac -= uint16(n)
	s.network -= uint16(n)
	if same {
		s.transport = s.network
	}
}

// popNetwork takes n bytes out at an offset (bpf_skb_net_hdr_pop).
func (s *skb) popNetwork(off, n int) error {
	if uint32(off+n) > s.length() {
		return linux.ENOMEM
	}
	same := s.transport == s.network
	data := s.bytes()
	s.pulled(data[off : off+n])
	copy(data[n:n+off], data[:off])
	s.pull(n)
	s.mac += uint16(n)
	s.network += uint16(n)
	if same {
		s.transport = s.network
	}
	return nil
}

// pulled takes what leaves the packet out of the checksum (skb_postpull_rcsum),
// pushed adds what came (skb_postpush_rcsum).
func (s *skb) pulled(b []byte) {
	if s.summed == ChecksumComplete {
		s.sum = -checksumPartial(b, -s.sum)
	}
}

func (s *skb) pushed(b []byte) {
	if s.summed == ChecksumComplete {
		s.sum = checksumPartial(b, s.sum)
	}
}

// clearHash forgets the hash, as a change of what it was made of demands.
func (s *skb) clearHash() {
	s.put(skbHash, 0)
	s.hashed = false
}

// setVLAN and clearVLAN set the tag that is not in the packet.
func (s *skb) setVLAN(proto, tci uint16) {
	s.put(skbVLANPresent, 1)
	s.putNet(skbVLANProto, proto)
	s.put(skbVLANTCI, uint32(tci))
}

func (s *skb) clearVLAN() {
	s.put(skbVLANPresent, 0)
	s.put(skbVLANProto, 0)
	s.put(skbVLANTCI, 0)
}

// packetLoad is a legacy packet load: r0 = the bytes at an offset of the
// packet, in host order. It reports whether they are all inside. Negative offsets
// count from a header (bpf_skb_load_helper_convert_offset).
func (t *thread) packetLoad(in *inst, r *registers) bool {
	off := int(int32(in.imm))
	if in.op == opPacketInd {
		off = int(int32(uint32(in.imm) + uint32(r[in.src])))
	}
	p := &t.packet
	start := p.data
	if off < 0 {
		const fromNetwork, fromMAC = -0x100000, -0x200000 // SKF_NET_OFF, SKF_LL_OFF
		s := &p.skb
		switch {
		case p.ctx != s.region:
			return false
		case off >= fromNetwork:
			start += s.networkOffset()
			off -= fromNetwork
		case off >= fromMAC:
			start += int(s.mac) - s.headroom
			off -= fromMAC
		default:
			return false
		}
	}
	data := p.from(start)
	if off > len(data) || int(in.aux) > len(data)-off {
		return false
	}
	switch data = data[off:]; in.aux {
	case 1:
		r[0] = uint64(data[0])
	case 2:
		r[0] = uint64(binary.BigEndian.Uint16(data))
	default:
		r[0] = uint64(binary.BigEndian.Uint32(data))
	}
	return true
}
