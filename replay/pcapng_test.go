package replay

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
)

// What pcapgo writes, with several interfaces and link types, reads back.
func TestPcapgoWriter(t *testing.T) {
	want := samplePackets(60, 1500, 0, 61, 9000, 77)
	links := []layers.LinkType{layers.LinkTypeEthernet, layers.LinkTypeRaw, layers.LinkTypeLinuxSLL2}
	var b bytes.Buffer
	var w *pcapgo.NgWriter
	for i, link := range links {
		intf := pcapgo.NgInterface{Name: "if", Comment: "one of three", LinkType: link, SnapLength: 0}
		var err error
		if i == 0 {
			w, err = pcapgo.NewNgWriterInterface(&b, intf, pcapgo.DefaultNgWriterOptions)
		} else {
			_, err = w.AddInterface(intf)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for i := range want {
		want[i].Interface = i % 3
		want[i].LinkType = LinkType(links[i%3])
		want[i].TimeNS += int64(i)
		err := w.WritePacket(gopacket.CaptureInfo{
			Timestamp:      time.Unix(0, want[i].TimeNS),
			CaptureLength:  len(want[i].Data),
			Length:         want[i].WireLen,
			InterfaceIndex: want[i].Interface,
		}, want[i].Data)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.WriteInterfaceStats(1, pcapgo.NgInterfaceStatistics{LastUpdate: time.Unix(0, 0), PacketsReceived: 2}); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, c, err := readAll(bytes.NewReader(b.Bytes()), 100)
	if err != nil {
		t.Fatal(err)
	}
	samePackets(t, got, want)
	if got := c.LinkTypes(); !slices.Equal(got, []LinkType{LinkEthernet, LinkRaw, LinkSLL2}) {
		t.Errorf("link types %v", got)
	}
}

// All block types that hold packets, sections of both byte orders in one file.
func TestBlockTypes(t *testing.T) {
	var file []byte
	var want []Packet
	data := samplePackets(61)[0].Data
	for i, f := range []ngFile{{binary.LittleEndian}, {binary.BigEndian}} {
		file = slices.Concat(
			file,
			f.section(uint16(2*i)),
			f.iface(1, 40),
			f.block(4, make([]byte, 40)), // names
			f.enhanced(0, 5, data[:30], 200),
			f.iface(101, 0, f.option(9, 9)...),
			f.obsolete(1, 7, data, 61),
			f.block(5, make([]byte, 20)),  // statistics
			f.block(10, make([]byte, 40)), // secrets
			f.simple(data[:40], 61),
			f.simple(data[:3], 3),
			f.enhanced(1, 1<<40, data, 0, append(f.option(2, 1, 2, 3, 4), f.option(0)...)...),
		)
		n := int64(5 * i)
		want = append(
			want,
			Packet{Data: data[:30], TimeNS: 5000, WireLen: 200, Number: n + 1, LinkType: LinkEthernet},
			Packet{Data: data, TimeNS: 7, WireLen: 61, Number: n + 2, Interface: 1, LinkType: LinkRaw},
			Packet{Data: data[:40], WireLen: 61, Number: n + 3, LinkType: LinkEthernet},
			Packet{Data: data[:3], WireLen: 3, Number: n + 4, LinkType: LinkEthernet},
			Packet{Data: data, TimeNS: 1 << 40, WireLen: 61, Number: n + 5, Interface: 1, LinkType: LinkRaw},
		)
	}
	got, _, err := readAll(bytes.NewReader(file), 64)
	if err != nil {
		t.Fatal(err)
	}
	samePackets(t, got, want)
}

func TestTimeOptions(t *testing.T) {
	for _, f := range []ngFile{{binary.LittleEndian}, {binary.BigEndian}} {
		offset := f.option(14, f.order.AppendUint64(nil, ^uint64(9))...) // -10 s
		for _, test := range []struct {
			options []byte
			units   uint64
			want    int64
		}{
			{nil, 20_000_001, 20_000_001_000},
			{f.option(9, 6), 20_000_001, 20_000_001_000},
			{f.option(9, 9), 20_000_000_001, 20_000_000_001},
			{f.option(9, 3), 20_001, 20_001_000_000},
			{f.option(9, 0), 20, 20_000_000_000},
			{f.option(9, 12), 20_000_000_001_999, 20_000_000_001},
			{f.option(9, 0x80|20), 3 << 19, 1_500_000_000},
			{f.option(9, 0x80|32), 5<<32 | 1<<31, 5_500_000_000},
			{f.option(9, 0x80|63), 1<<63 | 1<<62, 1_500_000_000},
			{offset, 20_000_001, 10_000_001_000},
			{slices.Concat(f.option(9, 9), offset), 1, -9_999_999_999},
			{slices.Concat(f.option(1, 'x', 'y', 'z'), f.option(9, 9), f.option(0), f.option(9, 6)), 1, 1},
			{f.option(9, 9, 9), 1, 1000}, // not of one byte: no resolution
		} {
			file := slices.Concat(f.section(0), f.iface(1, 0, test.options...), f.enhanced(0, test.units, nil, 0))
			got, _, err := readAll(bytes.NewReader(file), 64)
			if err != nil {
				t.Fatal(err)
			}
			if got[0].TimeNS != test.want {
				t.Errorf("options % x, %d units: %d ns, want %d", test.options, test.units, got[0].TimeNS, test.want)
			}
		}
	}
}

// The clock agrees with arithmetic on integers of any size.
func TestClock(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	offsets := []int64{0, 1, -1, 1 << 31, math.MaxInt64 / 1_000_000_000, -math.MaxInt64/1_000_000_000 - 1, math.MaxInt64, math.MinInt64}
	units := []uint64{0, 1, 999, 1_700_000_000_123_456, math.MaxInt64, 1 << 63, math.MaxUint64}
	for range 20 {
		units = append(units, r.Uint64()>>r.IntN(64))
		offsets = append(offsets, int64(r.Uint64())>>r.IntN(64))
	}
	for v := range 256 {
		var c ngClock
		c.setResolution(byte(v))
		base := int64(10)
		if v >= 128 {
			base = 2
		}
		perSecond := new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(v%128)), nil)
		for _, u := range units {
			for _, o := range offsets {
				c.offset = o
				want := new(big.Int).SetUint64(u)
				want.Mul(want, big.NewInt(1e9)).Div(want, perSecond)
				want.Add(want, new(big.Int).Mul(big.NewInt(o), big.NewInt(1e9)))
				if most := big.NewInt(math.MaxInt64); want.Cmp(most) > 0 {
					want = most
				} else if least := big.NewInt(math.MinInt64); want.Cmp(least) < 0 {
					want = least
				}
				if got := c.ns(u); got != want.Int64() {
					t.Fatalf("resolution %#x, %d units, offset %d s: %d ns, want %d", v, u, o, got, want)
				}
			}
		}
	}
}
