package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

var redirectHelpers = []helper{
	{id: linux.FnRedirect, fn: redirect},
	{id: linux.FnRedirectMap, fn: redirectMap},
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
}

// redirect: r1 interface index, r2 flags, which must be 0. XDP_REDIRECT, or
// XDP_ABORTED (net/core/filter.c, bpf_xdp_redirect).
func redirect(t *thread, r *registers) {
	if r[2] != 0 {
		r[0] = xdpAborted
		return
	}
	t.redirect = Redirect{Ifindex: uint32(r[1])}
	r[0] = xdpRedirect
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
