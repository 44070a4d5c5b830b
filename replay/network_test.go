package replay

import (
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/internal/require"
	"ebtools/vm"
)

const addresses = `[{"ifindex":1,"ifname":"lo","mtu":65536,"address":"00:00:00:00:00:00","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8}]},
	{"ifindex":4,"ifname":"eth0","mtu":1500,"address":"02:00:00:00:00:01","addr_info":[{"local":"192.0.2.2"},{"local":"fd00::2"}]}]`

func TestParseNetwork(t *testing.T) {
	got, err := ParseNetwork(
		[]byte(`[{"dst":"default","gateway":"192.0.2.1","dev":"eth0","metric":100},{"dst":"192.0.2.0/24","dev":"eth0","prefsrc":"192.0.2.2"},
			{"type":"blackhole","dst":"198.51.100.7"},{"type":"broadcast","dst":"192.0.2.255","dev":"eth0","table":"local"},
			{"type":"local","dst":"192.0.2.2","dev":"eth0","table":"local"},
			{"dst":"203.0.113.0/24","dev":"eth0","table":"77","metrics":[{"mtu":1400}]}]`),
		[]byte(`[{"dst":"default","nexthops":[{"gateway":"fd00::1","dev":"eth0"},{"gateway":"fd00::3","dev":"eth0"}]}]`),
		[]byte(`[{"dst":"192.0.2.1","dev":"eth0","lladdr":"02:fc:00:00:00:05","state":["STALE"]},{"dst":"fd00::1","dev":"eth0","state":["FAILED"]}]`),
		[]byte(addresses),
	)
	if err != nil {
		t.Fatal(err)
	}
	addr := netip.MustParseAddr
	prefix := netip.MustParsePrefix
	want := &vm.Network{
		Devices: []vm.Device{
			{Ifindex: 1, MTU: 65536, Addresses: []netip.Addr{addr("127.0.0.1")}, Forwarding: true},
			{Ifindex: 4, MTU: 1500, HardwareAddr: [6]byte{2, 0, 0, 0, 0, 1}, Addresses: []netip.Addr{addr("192.0.2.2"), addr("fd00::2")}, Forwarding: true},
		},
		Routes: []vm.Route{
			{Prefix: prefix("0.0.0.0/0"), Gateway: addr("192.0.2.1"), Ifindex: 4, Metric: 100},
			{Prefix: prefix("192.0.2.0/24"), Ifindex: 4, Source: addr("192.0.2.2")},
			{Prefix: prefix("198.51.100.7/32"), Kind: vm.RouteBlackhole},
			{Prefix: prefix("192.0.2.2/32"), Kind: vm.RouteLocal, Ifindex: 4},
			{Prefix: prefix("203.0.113.0/24"), Ifindex: 4, Table: 77, MTU: 1400},
			{Prefix: prefix("::/0"), Gateway: addr("fd00::1"), Ifindex: 4},
		},
		Neighbors: []vm.Neighbor{{Addr: addr("192.0.2.1"), Ifindex: 4, HardwareAddr: [6]byte{2, 0xfc, 0, 0, 0, 5}}},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Error(diff)
	}
}

func TestParseNetworkErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                                    "unexpected end",
		`{"dst": 1}`:                           "cannot unmarshal object",
		`[{"dst":"nowhere"}]`:                  "entry 0, nowhere",
		`[{"dst":"10.0.0.0/8","dev":"eth9"}]`:  "interface eth9 is not known",
		`[{"dst":"10.0.0.0/8","gateway":"x"}]`: "entry 0, 10.0.0.0/8",
		`[{"dst":"10.0.0.0/8","dev":"eth0","table":"vpn"}]`:                        "routing table vpn",
		`[{"dst":"10.0.0.1","dev":"eth0","lladdr":"02:00","state":["REACHABLE"]}]`: "not one of Ethernet",
		`[{"ifindex":9,"ifname":"eth0"}]`:                                          "a second interface eth0",
		`[{"ifindex":9,"ifname":"eth1","addr_info":[{"local":"one"}]}]`:            "interface 0",
	} {
		_, err := ParseNetwork([]byte(addresses), []byte(text))
		if !errors.Is(err, ErrNetwork) || !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestParseThisNetwork reads what ip says of this machine.
func TestParseThisNetwork(t *testing.T) {
	require.Tools(t, "ip")
	var outputs [][]byte
	for _, args := range []string{"address", "route show table all", "-6 route", "neighbor"} {
		out, err := exec.Command("ip", append([]string{"-json"}, strings.Fields(args)...)...).Output()
		if err != nil {
			t.Skipf("skipped: ip -json %s: %v", args, err)
		}
		outputs = append(outputs, out)
	}
	n, err := ParseNetwork(outputs...)
	if err != nil || len(n.Devices) == 0 {
		t.Errorf("%+v, %v", n, err)
	}
}
