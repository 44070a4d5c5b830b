package vm

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"ebtools/bpf/linux"
)

var redirectHelpers = []helper{
	{id: linux.FnRedirect, fn: redirect},
	{id: linux.FnRedirectMap, fn: redirectMap},
	{id: linux.FnRedirectPeer, fn: redirectPeer},
	{id: linux.FnRedirectNeigh, fn: redirectNeigh},
	{id: linux.FnCloneRedirect, fn: cloneRedirect},
}

// Verdicts that the redirect helpers return (enum xdp_action).
const (
	xdpAborted  = 0
	xdpRedirect = 4
)

// Redirect is where a redirect helper sent a packet: to an interface, or to
// what a map holds under a key.
type Redirect struct {
	Ifindex uint32
	Map     string // name of the map, "" when Ifindex counts
	Key     uint32
	// Broadcast: to every entry of the map (BPF_F_BROADCAST).
	Broadcast bool
	// Ingress: as if the interface had received it (BPF_F_INGRESS).
	Ingress bool
	// Peer: to the other end of the interface, in its network namespace
	// (bpf_redirect_peer).
	Peer bool
	// Neigh: the kernel fills in the link-layer header (bpf_redirect_neigh),
	// for NextHop if the program gives one.
	Neigh   bool
	NextHop netip.Addr
}

// Clone is a copy of the packet that bpf_clone_redirect sent off.
type Clone struct {
	Data     []byte // from the link-layer header on
	Redirect Redirect
}

// maxClones is how many copies there is memory for.
const maxClones = 1024

// Clones are the copies that the program sent off, in order.
func (o Outcome) Clones() []Clone { return o.thread.packet.skb.clones }

// redirect: r1 interface index, r2 flags: 0, or of an skb BPF_F_INGRESS.
// XDP_REDIRECT or TC_ACT_REDIRECT; XDP_ABORTED or TC_ACT_SHOT for other flags
// (net/core/filter.c, bpf_xdp_redirect and bpf_redirect).
func redirect(t *thread, r *registers) {
	if t.packet.ctx == t.xdp {
		if r[2] != 0 {
			r[0] = xdpAborted
			return
		}
		t.redirect = Redirect{Ifindex: uint32(r[1])}
		r[0] = xdpRedirect
		return
	}
	if r[2]&^linux.FIngress != 0 {
		r[0] = linux.TCActShot
		return
	}
	t.redirect = Redirect{Ifindex: uint32(r[1]), Ingress: r[2] != 0}
	r[0] = linux.TCActRedirect
}

// redirectPeer: r1 interface index, r2 flags, which must be 0. TC_ACT_REDIRECT or
// TC_ACT_SHOT.
func redirectPeer(t *thread, r *registers) {
	if r[2] != 0 {
		r[0] = linux.TCActShot
		return
	}
	t.redirect = Redirect{Ifindex: uint32(r[1]), Peer: true}
	r[0] = linux.TCActRedirect
}

// redirNeighSize is that of struct bpf_redir_neigh: a family and an address.
const redirNeighSize = 20

// redirectNeigh: r1 interface index, r2 struct bpf_redir_neigh or null, r3 its
// size or 0, r4 flags, which must be 0. TC_ACT_REDIRECT or TC_ACT_SHOT.
func redirectNeigh(t *thread, r *registers) {
	size := uint64(uint32(r[3]))
	params := t.memoryArgument(2, r, size, false)
	if t.fault != nil {
		return
	}
	if size != 0 && size < redirNeighSize || r[4] != 0 {
		r[0] = linux.TCActShot
		return
	}
	t.redirect = Redirect{Ifindex: uint32(r[1]), Neigh: true}
	if size != 0 {
		t.redirect.NextHop = addressOf(binary.LittleEndian.Uint32(params), params[4:])
	}
	r[0] = linux.TCActRedirect
}

// addressOf reads an address of a family: 4 or 16 bytes of b. That of any other
// family is the zero Addr.
func addressOf(family uint32, b []byte) netip.Addr {
	switch family {
	case afINET:
		return netip.AddrFrom4([4]byte(b))
	case afINET6:
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.Addr{}
}

// cloneRedirect: r1 context, r2 interface index, r3 flags: 0 or BPF_F_INGRESS. 0
// or an error number (bpf_clone_redirect). That the interface takes the packet is
// taken for granted.
func cloneRedirect(t *thread, r *registers) {
	s := t.skbArgument(r)
	if s == nil {
		return
	}
	ifindex, flags := uint32(r[2]), r[3]
	switch network := t.machine.options.Network; {
	case flags&^linux.FIngress != 0:
		r[0] = result(linux.EINVAL)
	case s.get(skbGSOSize) != 0 && s.gsoType == 0:
		r[0] = result(linux.EBADMSG)
	case network != nil && network.device(ifindex) == nil:
		r[0] = result(linux.EINVAL)
	case len(s.clones) == maxClones:
		r[0] = result(linux.ENOMEM)
	case s.mac >= s.network || s.length() == 0:
		r[0] = result(linux.ERANGE)
	default:
		frame := append([]byte(nil), t.packet.bytes()...)
		s.clones = append(s.clones, Clone{frame, Redirect{Ifindex: ifindex, Ingress: flags != 0}})
		r[0] = 0
	}
}

// redirectMap: r1 map, r2 key, r3 flags. XDP_REDIRECT when the key is there,
// else the verdict in the low two bits of the flags; XDP_ABORTED for flags that
// the type of map does not take (include/linux/filter.h,
// __bpf_xdp_redirect_map).
func redirectMap(t *thread, r *registers) {
	m := t.mapArgument(1, r)
	if m == nil {
		return
	}
	const verdicts = 3
	allowed := uint64(verdicts)
	switch m.def.Type {
	case linux.MapDevmap, linux.MapDevmapHash:
		allowed |= linux.FBroadcast | linux.FExcludeIngress
	case linux.MapCpumap, linux.MapXskmap:
	default:
		t.fail(1, fmt.Errorf("map %s is a %s, expected a devmap, devmap_hash, cpumap or xskmap: %w",
			m.def.Name, m.def.Type, ErrArgument))
		return
	}
	flags, broadcast := r[3], r[3]&linux.FBroadcast != 0
	if flags&^allowed != 0 {
		r[0] = xdpAborted
		return
	}
	var key [4]byte
	binary.LittleEndian.PutUint32(key[:], uint32(r[2]))
	if m.entries.find(key[:]) < 0 && !broadcast {
		t.redirect = Redirect{} // the last call counts
		r[0] = flags & verdicts
		return
	}
	t.redirect = Redirect{Map: m.def.Name, Key: uint32(r[2]), Broadcast: broadcast}
	r[0] = xdpRedirect
}
