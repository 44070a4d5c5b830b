package vm

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"ebtools/bpf/linux"
)

// Helpers about what an skb belongs to: its flow, socket, cgroup and tunnel
// (net/core/filter.c).
var skbInfoHelpers = []helper{
	{id: linux.FnGetHashRecalc, fn: getHashRecalc},
	{id: linux.FnSetHash, fn: setHash},
	{id: linux.FnSetHashInvalid, fn: setHashInvalid},
	{id: linux.FnGetRouteRealm, fn: getRouteRealm},
	{id: linux.FnGetCgroupClassid, fn: cgroupClassID},
	{id: linux.FnSkbCgroupClassid, fn: cgroupClassID},
	{id: linux.FnSkbCgroupId, fn: cgroupID},
	{id: linux.FnGetSocketCookie, fn: socketCookie},
	{id: linux.FnGetSocketUid, fn: socketUID},
	{id: linux.FnSkFullsock, fn: skFullsock},
	{id: linux.FnSkbGetTunnelKey, fn: getTunnelKey},
	{id: linux.FnSkbSetTunnelKey, fn: setTunnelKey},
}

// getHashRecalc: r1 context. The hash, made from addresses and ports if it does
// not stand. The kernel's has a random key, so no program can count on its value;
// here it is always the same for a flow.
func getHashRecalc(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	if !s.hashed {
		hash := s.flowHash()
		s.put(skbHash, hash)
		s.hashed = hash != 0
	}
	r[0] = uint64(s.get(skbHash))
}

// flowHash is a hash of the protocol, and of the addresses, next header and ports
// where the packet has them; never 0.
func (s *skb) flowHash() uint32 {
	proto := s.protocol()
	p := s.packet
	packet := p.from(min(p.end, p.data+max(0, s.networkOffset())))
	key := []byte{byte(proto >> 8), byte(proto)}
	switch {
	case proto == ethPIP && len(packet) >= ipv4Size:
		key = append(append(key, packet[9]), packet[12:20]...)
		first := binary.BigEndian.Uint16(packet[6:])&0x3fff == 0 // and only fragment
		key = appendPorts(key, packet, packet[9], int(packet[0]&15)*4, first)
	case proto == ethPIPv6 && len(packet) >= ipv6Size:
		key = append(append(key, packet[6]), packet[8:40]...)
		key = appendPorts(key, packet, packet[6], ipv6Size, true)
	}
	return max(1, jhash(key, 0))
}

func appendPorts(key, packet []byte, proto byte, at int, first bool) []byte {
	const tcp, udp = 6, 17
	if first && (proto == tcp || proto == udp) && at+4 <= len(packet) {
		key = append(key, packet[at:at+4]...)
	}
	return key
}

// setHash: r1 context, r2 hash. 0.
func setHash(t *thread, r *registers) {
	if s := t.skbArgument(r); s != nil {
		s.put(skbHash, uint32(r[2]))
		s.hashed = true
		r[0] = 0
	}
}

// setHashInvalid: r1 context. 0.
func setHashInvalid(t *thread, r *registers) {
	if s := t.skbArgument(r); s != nil {
		s.clearHash()
		r[0] = 0
	}
}

// getRouteRealm: r1 context. What SKB.RouteRealm says.
func getRouteRealm(t *thread, r *registers) {
	if s := t.skbArgument(r); s != nil {
		r[0] = uint64(s.input.RouteRealm)
	}
}

// socketArgument gives the socket of the skb whose context r1 is; not ok when the
// run has ended because it is none.
func (t *thread) socketArgument(r *registers) (sock *Socket, ok bool) {
	s := t.skbArgument(r)
	if s == nil {
		return nil, false
	}
	return s.input.Socket, true
}

// cgroupClassID: r1 context. The number that the net_cls controller gives the
// socket's owner, 0 without socket.
func cgroupClassID(t *thread, r *registers) {
	if sock, ok := t.socketArgument(r); ok {
		r[0] = 0
		if sock != nil {
			r[0] = uint64(sock.CgroupClassID)
		}
	}
}

// cgroupID: r1 context. That of the socket, 0 without.
func cgroupID(t *thread, r *registers) {
	if sock, ok := t.socketArgument(r); ok {
		r[0] = 0
		if sock != nil {
			r[0] = sock.CgroupID
		}
	}
}

// socketCookie: r1 context or socket. 0 without socket.
func socketCookie(t *thread, r *registers) {
	if r[1] == t.packet.skb.sock.start {
		r[1] = t.packet.ctx.start
	}
	if sock, ok := t.socketArgument(r); ok {
		r[0] = 0
		if sock != nil {
			r[0] = sock.Cookie
		}
	}
}

// overflowUID is the kernel's answer where there is no owner to name.
const overflowUID = 65534

// socketUID: r1 context. The owner of the socket.
func socketUID(t *thread, r *registers) {
	if sock, ok := t.socketArgument(r); ok {
		r[0] = overflowUID
		if sock != nil {
			r[0] = uint64(sock.UID)
		}
	}
}

// skFullsock: r1 what skb->sk is, not null. The same: all sockets here are whole.
func skFullsock(t *thread, r *registers) {
	if s := &t.packet.skb; r[1] != s.sock.start || t.packet.ctx != s.region {
		t.fail(1, fmt.Errorf("%#x is not a socket: %w", r[1], ErrArgument))
		return
	}
	r[0] = r[1]
}

// TunnelKey is what a tunnel's outer headers say: those an skb came in, or those
// that bpf_skb_set_tunnel_key wants for it.
type TunnelKey struct {
	ID       uint32
	Src, Dst netip.Addr // two of IPv4 or two of IPv6
	TOS, TTL uint8
	Label    uint32 // flow label of IPv6
	Flags    uint16 // TUNNEL_CSUM, TUNNEL_KEY, …
}

// Offsets in struct bpf_tunnel_key, its size, and what was its size when it had
// fewer fields.
const (
	tunnelRemote = 4
	tunnelTOS    = 20
	tunnelTTL    = 21
	tunnelFlags  = 22
	tunnelLabel  = 24
	tunnelLocal  = 28
	tunnelSize   = 44
)

func tunnelSizeOK(size int) bool {
	switch size {
	case tunnelRemote + 4, tunnelFlags, tunnelLabel, tunnelLocal, tunnelSize:
		return true
	}
	return false
}

// Flags of a tunnel's header (include/uapi/linux/if_tunnel.h), in network order
// where programs see them.
const (
	tunnelChecksum     = 1 << 0
	tunnelKey          = 1 << 2
	tunnelSequence     = 1 << 3
	tunnelDontFragment = 1 << 8
	tunnelNoCache      = 1 << 13
)

// tunnelFlagBits are the bits that flags of bpf_skb_set_tunnel_key set, or set
// when they are not there.
var tunnelFlagBits = []struct {
	flag     uint64
	bit      uint16
	inverted bool
}{
	{linux.FDontFragment, tunnelDontFragment, false},
	{linux.FSeqNumber, tunnelSequence, false},
	{linux.FZeroCsumTX, tunnelChecksum, true},
	{linux.FNoTunnelKey, tunnelKey, true},
}

// getTunnelKey: r1 context, r2 struct bpf_tunnel_key, r3 its size, r4 flags. 0; or
// an error number, and the structure zero.
func getTunnelKey(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	to := t.memoryArgument(2, r, uint64(uint32(r[3])), true)
	if t.fault != nil {
		return
	}
	err := s.tunnel.write(to, r[4])
	if err != nil {
		clear(to)
	}
	r[0] = result(err)
}

func (k *TunnelKey) write(to []byte, flags uint64) error {
	const all = linux.FTuninfoIPv6 | linux.FTuninfoFlags
	if k == nil || flags&^all != 0 {
		return linux.EINVAL
	}
	v6 := flags&linux.FTuninfoIPv6 != 0
	switch {
	case v6 != k.Src.Is6():
		return linux.EPROTO
	case !tunnelSizeOK(len(to)) || v6 && len(to) == tunnelRemote+4:
		return linux.EINVAL
	}
	var key [tunnelSize]byte
	binary.LittleEndian.PutUint32(key[:], k.ID)
	key[tunnelTOS], key[tunnelTTL] = k.TOS, k.TTL
	if flags&linux.FTuninfoFlags != 0 {
		binary.BigEndian.PutUint16(key[tunnelFlags:], k.Flags)
	}
	if v6 {
		copy(key[tunnelRemote:], k.Src.AsSlice())
		copy(key[tunnelLocal:], k.Dst.AsSlice())
		binary.LittleEndian.PutUint32(key[tunnelLabel:], k.Label)
	} else {
		putHostAddr(key[tunnelRemote:], k.Src)
		putHostAddr(key[tunnelLocal:], k.Dst)
	}
	copy(to, key[:])
	return nil
}

// putHostAddr writes an IPv4 address as a number in the order of the machine.
func putHostAddr(to []byte, a netip.Addr) {
	if a.Is4() {
		b := a.As4()
		binary.LittleEndian.PutUint32(to, binary.BigEndian.Uint32(b[:]))
	}
}

func hostAddr(from []byte) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], binary.LittleEndian.Uint32(from))
	return netip.AddrFrom4(b)
}

// setTunnelKey: r1 context, r2 struct bpf_tunnel_key, r3 its size, r4 flags. It
// becomes the skb's Tunnel; here the remote end is the destination. 0 or an error
// number.
func setTunnelKey(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	from := t.memoryArgument(2, r, uint64(uint32(r[3])), false)
	if t.fault != nil {
		return
	}
	flags := r[4]
	const all = linux.FTuninfoIPv6 | linux.FZeroCsumTX | linux.FDontFragment | linux.FSeqNumber | linux.FNoTunnelKey
	var key [tunnelSize]byte
	copy(key[:], from)
	label := binary.LittleEndian.Uint32(key[tunnelLabel:])
	v6 := flags&linux.FTuninfoIPv6 != 0
	if flags&^all != 0 || !tunnelSizeOK(len(from)) || !v6 && label != 0 || key[tunnelFlags]|key[tunnelFlags+1] != 0 {
		r[0] = result(linux.EINVAL)
		return
	}
	k := &TunnelKey{ID: binary.LittleEndian.Uint32(key[:]), TOS: key[tunnelTOS], TTL: key[tunnelTTL], Flags: tunnelNoCache}
	for _, f := range tunnelFlagBits {
		if flags&f.flag != 0 != f.inverted {
			k.Flags |= f.bit
		}
	}
	if v6 {
		const flowLabel = 0x000fffff
		k.Dst, k.Src = netip.AddrFrom16([16]byte(key[tunnelRemote:])), netip.AddrFrom16([16]byte(key[tunnelLocal:]))
		k.Label = label & flowLabel
	} else {
		k.Dst, k.Src = hostAddr(key[tunnelRemote:]), hostAddr(key[tunnelLocal:])
	}
	s.tunnel = k
	r[0] = 0
}
