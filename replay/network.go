package replay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ebtools/vm"
)

// ErrNetwork is wrapped by the errors about descriptions of networks.
var ErrNetwork = errors.New("not a description of a network")

// ParseNetwork reads what bpf_fib_lookup and its kin are to find: the output of
// "ip -json address", "ip -json route" (also "-6", also "show table all") and "ip
// -json neighbor" of a machine, in any order. Interfaces are known by what the
// first of these says, and all of them forward.
func ParseNetwork(outputs ...[]byte) (*vm.Network, error) {
	n := networkReader{network: &vm.Network{}, index: map[string]uint32{}}
	var lists [][]ipObject
	for _, b := range outputs {
		var list []ipObject
		if err := json.Unmarshal(b, &list); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNetwork, err)
		}
		lists = append(lists, list)
		for i := range list {
			if err := n.device(&list[i]); err != nil {
				return nil, fmt.Errorf("%w: interface %d: %w", ErrNetwork, i, err)
			}
		}
	}
	for _, list := range lists {
		v6 := slices.ContainsFunc(list, func(o ipObject) bool { return strings.Contains(o.Dst, ":") })
		for i := range list {
			if o := &list[i]; o.Dst != "" {
				if err := n.destination(o, v6); err != nil {
					return nil, fmt.Errorf("%w: entry %d, %s: %w", ErrNetwork, i, o.Dst, err)
				}
			}
		}
	}
	return n.network, nil
}

// ipObject is an element of any of the three outputs.
type ipObject struct {
	// Of interfaces.
	Ifindex uint32 `json:"ifindex"`
	Ifname  string `json:"ifname"`
	MTU     uint32 `json:"mtu"`
	Address string `json:"address"`
	Info    []struct {
		Local string `json:"local"`
	} `json:"addr_info"`

	// Of routes and neighbors.
	Dst string `json:"dst"`
	Dev string `json:"dev"`

	Type    string          `json:"type"`
	Gateway string          `json:"gateway"`
	Via     *ipVia          `json:"via"`
	Prefsrc string          `json:"prefsrc"`
	Metric  uint32          `json:"metric"`
	Table   json.RawMessage `json:"table"`
	Metrics []struct {
		MTU uint32 `json:"mtu"`
	} `json:"metrics"`
	Nexthops []struct {
		Gateway string `json:"gateway"`
		Via     *ipVia `json:"via"`
		Dev     string `json:"dev"`
	} `json:"nexthops"`

	Lladdr string   `json:"lladdr"`
	State  []string `json:"state"`
}

type ipVia struct {
	Host string `json:"host"`
}

type networkReader struct {
	network *vm.Network
	index   map[string]uint32 // of interfaces, by name
}

func (n *networkReader) device(o *ipObject) error {
	if o.Ifindex == 0 || o.Ifname == "" {
		return nil
	}
	d := vm.Device{Ifindex: o.Ifindex, MTU: o.MTU, Forwarding: true}
	if mac, err := net.ParseMAC(o.Address); err == nil && len(mac) == len(d.HardwareAddr) {
		d.HardwareAddr = [6]byte(mac)
	}
	for _, a := range o.Info {
		if a.Local == "" {
			continue
		}
		addr, err := netip.ParseAddr(a.Local)
		if err != nil {
			return err
		}
		d.Addresses = append(d.Addresses, addr)
	}
	if _, known := n.index[o.Ifname]; known {
		return fmt.Errorf("a second interface %s", o.Ifname)
	}
	n.index[o.Ifname] = o.Ifindex
	n.network.Devices = append(n.network.Devices, d)
	return nil
}

// destination reads a route or a neighbor.
func (n *networkReader) destination(o *ipObject, v6 bool) error {
	if o.State != nil {
		return n.neighbor(o)
	}
	r := vm.Route{Metric: o.Metric}
	kinds := map[string]vm.RouteKind{
		"": vm.RouteUnicast, "unicast": vm.RouteUnicast, "local": vm.RouteLocal, "blackhole": vm.RouteBlackhole,
		"unreachable": vm.RouteUnreachable, "prohibit": vm.RouteProhibit,
	}
	kind, ok := kinds[o.Type]
	if !ok {
		return nil // broadcast, multicast, anycast: nothing is forwarded by them
	}
	r.Kind = kind
	gateway, dev := o.Gateway, o.Dev
	if len(o.Nexthops) > 0 { // the first of several that share the load
		gateway, dev = o.Nexthops[0].Gateway, o.Nexthops[0].Dev
		o.Via = o.Nexthops[0].Via
	}
	if o.Via != nil {
		gateway = o.Via.Host
	}
	var err error
	if gateway != "" {
		if r.Gateway, err = netip.ParseAddr(gateway); err != nil {
			return err
		}
		v6 = r.Gateway.Is6() && o.Via == nil
	}
	if r.Prefix, err = parsePrefix(o.Dst, v6); err != nil {
		return err
	}
	if o.Prefsrc != "" {
		if r.Source, err = netip.ParseAddr(o.Prefsrc); err != nil {
			return err
		}
	}
	if len(o.Metrics) > 0 {
		r.MTU = o.Metrics[0].MTU
	}
	if r.Table, err = parseTable(o.Table); err != nil {
		return err
	}
	if dev != "" {
		if r.Ifindex, err = n.ifindex(dev); err != nil {
			return err
		}
	}
	n.network.Routes = append(n.network.Routes, r)
	return nil
}

// parsePrefix reads a destination: a prefix, an address or "default".
func parsePrefix(text string, v6 bool) (netip.Prefix, error) {
	if text == "default" {
		if v6 {
			return netip.PrefixFrom(netip.IPv6Unspecified(), 0), nil
		}
		return netip.PrefixFrom(netip.IPv4Unspecified(), 0), nil
	}
	if addr, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// parseTable reads a routing table's number or name. The kernel looks into local
// first, then main, then default; here main stands for all of them.
func parseTable(raw json.RawMessage) (uint32, error) {
	text := strings.Trim(string(raw), `"`)
	switch text {
	case "", "null", "main", "local", "default":
		return 0, nil
	}
	number, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("routing table %s: only numbers are understood here (ip -numeric)", text)
	}
	return uint32(number), nil
}

func (n *networkReader) neighbor(o *ipObject) error {
	mac, err := net.ParseMAC(o.Lladdr)
	if o.Lladdr == "" || slices.Contains(o.State, "FAILED") || slices.Contains(o.State, "INCOMPLETE") {
		return nil
	}
	if err != nil || len(mac) != 6 {
		return fmt.Errorf("address %s is not one of Ethernet", o.Lladdr)
	}
	addr, err := netip.ParseAddr(o.Dst)
	if err != nil {
		return err
	}
	ifindex, err := n.ifindex(o.Dev)
	if err != nil {
		return err
	}
	n.network.Neighbors = append(n.network.Neighbors, vm.Neighbor{Addr: addr, Ifindex: ifindex, HardwareAddr: [6]byte(mac)})
	return nil
}

func (n *networkReader) ifindex(dev string) (uint32, error) {
	if i, ok := n.index[dev]; ok {
		return i, nil
	}
	return 0, fmt.Errorf("interface %s is not known: the output of ip -json address tells of it", dev)
}
