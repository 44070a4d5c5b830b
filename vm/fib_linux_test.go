package vm

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// setUpNetwork is a network of two interfaces, va and vb.
const setUpNetwork = `
link set lo up
link add name va address 02:00:00:00:00:0a type veth peer name vb address 02:00:00:00:00:0b
link set va mtu 1400 up
link set vb mtu 2000 up
addr add 10.0.0.1/24 dev va
addr add 10.9.0.1/24 dev vb
addr add fd00::1/64 dev va nodad
addr add fd09::1/64 dev vb nodad
route add 10.1.0.0/16 via 10.0.0.2 dev va
route add 10.1.2.0/24 via 10.9.0.9 dev vb metric 7
route add 10.1.2.0/24 via 10.0.0.2 dev va metric 9
route add 10.2.0.0/16 dev va metric 5
route add 10.3.0.0/16 via 10.0.0.3 dev va mtu lock 1300
route add blackhole 10.4.0.0/16
route add unreachable 10.5.0.0/16
route add prohibit 10.6.0.0/16
route add 10.7.0.0/16 via inet6 fd00::2 dev va
route add 10.8.0.0/16 via 10.0.0.2 dev va table 100
route add 10.10.0.0/16 via 10.9.0.9 dev vb src 10.0.0.1
-6 route add fd01::/64 via fd00::2 dev va
-6 route add fd01:0:0:0:1::/80 via fd09::9 dev vb metric 77
-6 route add fd02::/64 dev va
-6 route add blackhole fd03::/64
-6 route add unreachable fd04::/64
-6 route add prohibit fd05::/64
-6 route add fd06::/64 via fd00::2 dev va table 100
-6 route add fd07::/64 via fd09::9 dev vb src fd00::1
neigh add 10.0.0.2 lladdr 02:00:00:00:01:02 dev va nud permanent
neigh add 10.2.0.5 lladdr 02:00:00:00:01:05 dev va nud permanent
neigh add 10.9.0.9 lladdr 02:00:00:00:09:09 dev vb nud permanent
-6 neigh add fd00::2 lladdr 02:00:00:00:02:02 dev va nud permanent
-6 neigh add fd02::5 lladdr 02:00:00:00:02:05 dev va nud permanent
-6 neigh add fd09::9 lladdr 02:00:00:00:09:0a dev vb nud permanent
`

// inNetwork puts the rest of the test into a network namespace of its own and sets up
// setUpNetwork there, with forwarding of what comes in at va and the loopback device,
// not at vb. It describes the same for a machine.
func inNetwork(t *testing.T) *Network {
	t.Helper()
	require.Kernel(t)
	ip, err := exec.LookPath("ip")
	if err != nil {
		require.Missing(t, "tools", "no ip (of iproute2)")
	}
	runtime.LockOSThread() // for good: the thread goes with the test
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		require.Missing(t, "kernel", "no network namespace: %v", err)
	}
	for line := range strings.Lines(strings.TrimSpace(setUpNetwork)) {
		if out, err := exec.Command(ip, strings.Fields(line)...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %s", strings.TrimSpace(line), out)
		}
	}
	for _, name := range []string{"ipv4/conf/all", "ipv6/conf/all", "ipv4/conf/va", "ipv6/conf/va", "ipv4/conf/lo", "ipv6/conf/lo", "-ipv4/conf/vb", "-ipv6/conf/vb"} {
		value := "1"
		if strings.HasPrefix(name, "-") {
			name, value = name[1:], "0"
		}
		if err := os.WriteFile("/proc/sys/net/"+name+"/forwarding", []byte(value), 0); err != nil {
			t.Fatal(err)
		}
	}
	index := func(name string) uint32 {
		i, err := net.InterfaceByName(name)
		if err != nil {
			t.Fatal(err)
		}
		return uint32(i.Index)
	}
	return testNetwork(index("va"), index("vb"))
}

// testNetwork describes setUpNetwork, with the routes that the kernel adds.
func testNetwork(a, b uint32) *Network {
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	mac := func(b ...byte) [6]byte { return [6]byte(b) }
	route := func(to string, dev uint32, via string, metric uint32) Route {
		r := Route{Prefix: prefix(to), Ifindex: dev, Metric: metric}
		if via != "" {
			r.Gateway = addr(via)
		}
		if metric == 0 && r.Prefix.Addr().Is6() {
			r.Metric = 1024
		}
		return r
	}
	kind := func(to string, k RouteKind) Route {
		return Route{Prefix: prefix(to), Kind: k, Ifindex: 1, Metric: 1024}
	}
	with := func(r Route, change func(*Route)) Route { change(&r); return r }
	return &Network{
		Devices: []Device{
			{Ifindex: 1, MTU: 65536, Addresses: []netip.Addr{addr("127.0.0.1"), addr("::1")}, Forwarding: true},
			{
				Ifindex: a, MTU: 1400, HardwareAddr: mac(2, 0, 0, 0, 0, 10), Forwarding: true,
				Addresses: []netip.Addr{addr("10.0.0.1"), addr("fd00::1")},
			},
			{Ifindex: b, MTU: 2000, HardwareAddr: mac(2, 0, 0, 0, 0, 11), Addresses: []netip.Addr{addr("10.9.0.1"), addr("fd09::1")}},
		},
		Routes: []Route{
			route("10.0.0.0/24", a, "", 0), route("10.9.0.0/24", b, "", 0), route("fd00::/64", a, "", 256), route("fd09::/64", b, "", 256),
			kind("10.0.0.255/32", RouteLocal), kind("fd00::/128", RouteLocal), // broadcast and anycast
			route("10.1.0.0/16", a, "10.0.0.2", 0),
			route("10.1.2.0/24", a, "10.0.0.2", 9),
			route("10.1.2.0/24", b, "10.9.0.9", 7),
			route("10.2.0.0/16", a, "", 5),
			with(route("10.3.0.0/16", a, "10.0.0.3", 0), func(r *Route) { r.MTU = 1300 }),
			kind("10.4.0.0/16", RouteBlackhole), kind("10.5.0.0/16", RouteUnreachable), kind("10.6.0.0/16", RouteProhibit),
			route("10.7.0.0/16", a, "fd00::2", 0),
			with(route("10.8.0.0/16", a, "10.0.0.2", 0), func(r *Route) { r.Table = 100 }),
			with(route("10.10.0.0/16", b, "10.9.0.9", 0), func(r *Route) { r.Source = addr("10.0.0.1") }),
			route("fd01::/64", a, "fd00::2", 0), route("fd01:0:0:0:1::/80", b, "fd09::9", 77), route("fd02::/64", a, "", 0),
			kind("fd03::/64", RouteBlackhole), kind("fd04::/64", RouteUnreachable), kind("fd05::/64", RouteProhibit),
			with(route("fd06::/64", a, "fd00::2", 0), func(r *Route) { r.Table = 100 }),
			with(route("fd07::/64", b, "fd09::9", 0), func(r *Route) { r.Source = addr("fd00::1") }),
		},
		Neighbors: []Neighbor{
			{addr("10.0.0.2"), a, mac(2, 0, 0, 0, 1, 2)},
			{addr("10.2.0.5"), a, mac(2, 0, 0, 0, 1, 5)},
			{addr("10.9.0.9"), b, mac(2, 0, 0, 0, 9, 9)},
			{addr("fd00::2"), a, mac(2, 0, 0, 0, 2, 2)},
			{addr("fd02::5"), a, mac(2, 0, 0, 0, 2, 5)},
			{addr("fd09::9"), b, mac(2, 0, 0, 0, 9, 10)},
		},
	}
}

var destinations = []string{
	"10.0.0.1", "10.0.0.2", "10.0.0.9", "10.1.0.5", "10.1.2.3", "10.2.0.5", "10.2.0.6", "10.3.0.1", "10.4.0.1", "10.5.0.1", "10.6.0.1",
	"10.7.0.1", "10.8.0.1", "10.9.0.9", "10.10.0.1", "11.0.0.1", "10.9.0.1",
	"fd00::1", "fd00::2", "fd00::9", "fd01::5", "fd01::1:0:0:1", "fd02::5", "fd02::6", "fd03::1", "fd04::1", "fd05::1", "fd06::1", "fd07::1",
	"fd09::9", "fd08::1", "fe80::1", "ff02::1", "::1",
}

var fibOps = []op{
	{
		name: "fib_lookup",
		code: join(move(r4, r3), valueAt(r3, 0, stepMemory), move(r1, r6), move(r2, r3), set(r3, fibSize), call(int32(linux.FnFibLookup))),
	},
	{
		name: "check_mtu",
		code: join(valueAt(r9, 0, stepMemory+80), store(4, r9, 0, r3), move(r3, r9), move(r1, r6), call(int32(linux.FnCheckMtu))),
	},
}

// TestKernelNetwork compares what helpers say of interfaces, routes and neighbors, in a
// network of the test's own.
func TestKernelNetwork(t *testing.T) {
	network := inNetwork(t)
	h := newHooks(t, Options{Network: network})
	h.machine.options.Network = network
	ops := append(append([]op{}, fibOps...), redirectOps...)
	skb := h.load(linux.ProgSchedCLS, stepProgram(ops, commonFields, 2, &skbLayout))
	xdpProgram := program(stepProgram(fibOps, []int{12}, 2, &xdpLayout))
	there, err := h.kernel.Load(xdpProgram, kernel.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(there.Close)
	xdp := hookProgram{h, &Program{h.machine, xdpProgram, decode(xdpProgram, h.machine.maps)}, there}
	rng := rand.New(rand.NewPCG(10, 10))
	count := 4000
	if require.Long() {
		count = 100000
	}
	answers := map[string]int{}
	for range count {
		onXDP := rng.IntN(2) == 0
		r := networkRun(rng, network, onXDP)
		var diff string
		if onXDP {
			diff = xdp.differXDP(r, nil)
		} else {
			diff = skb.differ(r)
		}
		if diff != "" {
			t.Fatalf("XDP %v: %s\nmemory %x\nkernel (-) and vm (+) differ:\n%s", onXDP, r.describe(), r.memory[:fibSize], diff)
		}
		result := int32(binary.LittleEndian.Uint64(h.machine.maps[0].values.bytes(0, 0)[stepResults:]))
		answers[fmt.Sprintf("%s: %d", ops[r.steps[0].op].name, result)]++
	}
	t.Log(answers)
	for answer := range fibNoSource {
		if name := fmt.Sprintf("fib_lookup: %d", answer); answer != 6 && answers[name] == 0 {
			t.Errorf("no %s", name)
		}
	}
}

// networkRun makes a run of one step.
func networkRun(rng *rand.Rand, network *Network, onXDP bool) hookRun {
	some := func(list ...uint32) uint64 { return uint64(list[rng.IntN(len(list))]) }
	r := hookRun{packet: testPacket(rng), memory: make([]byte, memoryRoom)}
	device := network.Devices[rng.IntN(3)]
	if !onXDP {
		r.in.Ifindex, r.mac = device.Ifindex, device.HardwareAddr
		if rng.IntN(8) == 0 {
			r.in.GSOSize = 100
		}
	}
	r.packet = r.packet[:min(len(r.packet), 3520)] // one buffer
	copy(r.packet, device.HardwareAddr[:])         // not to another host
	ifindex := some(network.Devices[0].Ifindex, network.Devices[1].Ifindex, network.Devices[1].Ifindex, network.Devices[2].Ifindex, 99, 0)
	ops := 2
	if !onXDP {
		ops += len(redirectOps)
	}
	s := step{op: rng.IntN(ops)}
	if rng.IntN(2) == 0 {
		s.op = 0
	}
	switch s.op {
	case 0:
		fibRun(rng, fibQuery(r.memory), uint32(ifindex))
		s.args[1] = uint64(rng.IntN(64))
		if rng.IntN(20) == 0 {
			s.args[1] |= 1 << rng.IntN(32)
		}
	case 1:
		s.args = [4]uint64{ifindex, some(0, 0, 1400, 1401, 1500, 2000, 65536, 65537), some(0, 0, 100, 1<<32-100, 1<<31-1), some(0, 0, 0, 1, 2)}
	default:
		s.args = [4]uint64{ifindex, some(0, 0, 1, 2, 8)}
		r.packet = r.packet[:min(len(r.packet), 1400)] // what the interfaces take
	}
	r.steps = []step{s}
	return r
}

// fibRun makes a query.
func fibRun(rng *rand.Rand, q fibQuery, ifindex uint32) {
	to := netip.MustParseAddr(destinations[rng.IntN(len(destinations))])
	q[fibFamily] = afINET
	if to.Is6() {
		q[fibFamily] = afINET6
	}
	if rng.IntN(20) == 0 {
		q[fibFamily] = byte(rng.IntN(16))
	}
	q[1] = 6
	lengths := []uint16{0, 0, 100, 1300, 1301, 1400, 1401, 2000, 2001, 65535}
	binary.LittleEndian.PutUint16(q[fibLength:], lengths[rng.IntN(len(lengths))])
	q.put(fibIfindex, ifindex)
	q.putAddress(fibDst, to)
	if to.Is6() {
		q.putAddress(fibSrc, netip.MustParseAddr([]string{"fd00::7", "fe80::7", "fd99::1"}[rng.IntN(3)]))
	} else {
		q.putAddress(fibSrc, netip.MustParseAddr("10.0.0.7"))
	}
	q.put(fibTableID, []uint32{0, 100, mainTable, 77}[rng.IntN(4)])
}
