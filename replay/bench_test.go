package replay

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"
)

const benchPackets = 100_000

// benchSizes is a mix of packet sizes as on the Internet: acknowledgements, a few
// of middle size, full frames.
var benchSizes = []int{60, 66, 66, 74, 60, 590, 342, 1514, 1514, 1514}

func benchClassic() []byte {
	packets := samplePackets(benchSizes...)
	f := classicFiles[0]
	b := f.header()
	for i := range benchPackets {
		b = f.record(b, &packets[i%len(packets)])
	}
	return b
}

func BenchmarkClassic(b *testing.B) {
	data := benchClassic()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := OpenCapture(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		count(b, c)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchPackets, "ns/packet")
}

func BenchmarkClassicPcapgo(b *testing.B) {
	data := benchClassic()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		r, err := pcapgo.NewReader(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		n := 0
		for ; err == nil; n++ {
			_, _, err = r.ZeroCopyReadPacketData()
		}
		if err != io.EOF || n-1 != benchPackets {
			b.Fatal(n-1, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchPackets, "ns/packet")
}

func BenchmarkPcapng(b *testing.B) {
	packets := samplePackets(benchSizes...)
	ng := ngFile{binary.LittleEndian}
	data := append(ng.section(0), ng.iface(1, 0, ng.option(9, 9)...)...)
	for i := range benchPackets {
		p := &packets[i%len(packets)]
		data = append(data, ng.enhanced(0, uint64(p.TimeNS), p.Data, p.WireLen)...)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		c, err := OpenCapture(bytes.NewReader(data))
		if err != nil {
			b.Fatal(err)
		}
		count(b, c)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchPackets, "ns/packet")
}

func count(b *testing.B, c *Capture) {
	var p Packet
	n := 0
	err := c.Next(&p)
	for ; err == nil; err = c.Next(&p) {
		n++
	}
	if err != io.EOF || n != benchPackets {
		b.Fatal(n, err)
	}
}
