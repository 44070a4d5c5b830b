package replay

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// unhex makes bytes of hexadecimal digits with spaces.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFrame(t *testing.T) {
	const (
		ip4      = "45000014 00000000 40010000 c0000201 c0000202"
		ip6      = "60000000 00003b40 20010db8000000000000000000000001 20010db8000000000000000000000002"
		group4   = "45000014 00000000 40010000 c0000201 e1860304"
		group6   = "60000000 00003b40 20010db8000000000000000000000001 ff0200000000000000000001ff123456"
		zeros    = "000000000000 000000000000 "
		mac      = "00005e005301"
		from     = "000000000000 " + mac
		cooked1  = "0001 0006 " + mac + " 0000 "
		loopback = "0304 0000 0000000000000000 "
	)
	for _, test := range []struct {
		name     string
		link     LinkType
		in, want string
	}{
		{"raw IPv4", LinkRaw, ip4, zeros + "0800" + ip4},
		{"raw IPv6", LinkRaw, ip6, zeros + "86dd" + ip6},
		{"raw 12", LinkRawBSD, ip4, zeros + "0800" + ip4},
		{"raw 14", LinkRawOBSD, ip6, zeros + "86dd" + ip6},
		{"raw 228", LinkIPv4, ip4, zeros + "0800" + ip4},
		{"raw 229", LinkIPv6, ip6, zeros + "86dd" + ip6},
		{"raw, version 5", LinkRaw, "50", zeros + "0000 50"},
		{"raw, no bytes", LinkRaw, "", zeros + "0000"},

		{"cooked v1 to us", LinkLinuxSLL, "0000" + cooked1 + "0800" + ip4, from + "0800" + ip4},
		{"cooked v1 sent", LinkLinuxSLL, "0004" + cooked1 + "86dd" + ip6, from + "86dd" + ip6},
		{"cooked v1 broadcast", LinkLinuxSLL, "0001" + cooked1 + "0806 0001", "ffffffffffff" + mac + "0806 0001"},
		{"cooked v1 multicast IPv4", LinkLinuxSLL, "0002" + cooked1 + "0800" + group4, "01005e060304" + mac + "0800" + group4},
		{"cooked v1 multicast IPv6", LinkLinuxSLL, "0002" + cooked1 + "86dd" + group6, "3333ff123456" + mac + "86dd" + group6},
		{"cooked v1 multicast other", LinkLinuxSLL, "0002" + cooked1 + "88cc 0102", "010000000000" + mac + "88cc 0102"},
		{"cooked v1 multicast cut", LinkLinuxSLL, "0002" + cooked1 + "0800 45", "010000000000" + mac + "0800 45"},
		{"cooked v1 loopback", LinkLinuxSLL, "0000" + loopback + "0800" + ip4, zeros + "0800" + ip4},
		{"cooked v1 VLAN", LinkLinuxSLL, "0000" + cooked1 + "8100 6064 0800" + ip4, from + "8100 6064 0800" + ip4},
		{"cooked v1 LLC", LinkLinuxSLL, "0002" + cooked1 + "0004 4242 03", "010000000000" + mac + "0003 4242 03"},
		{"cooked v1 no payload", LinkLinuxSLL, "0000" + cooked1 + "0800", from + "0800"},

		{"cooked v2", LinkSLL2, "0800 0000 00000003 0001 00 06" + mac + "0000" + ip4, from + "0800" + ip4},
		{"cooked v2 broadcast", LinkSLL2, "0806 0000 00000003 0001 01 06" + mac + "0000 0001", "ffffffffffff" + mac + "0806 0001"},
		{"cooked v2 loopback", LinkSLL2, "86dd 0000 00000001 0304 00 06 000000000000 0000" + ip6, zeros + "86dd" + ip6},
		{"cooked v2 no address", LinkSLL2, "86dd 0000 00000001 fffe 00 00 1111111111111111" + ip6, zeros + "86dd" + ip6},

		{"null little-endian", LinkNull, "02000000" + ip4, zeros + "0800" + ip4},
		{"null big-endian", LinkNull, "00000002" + ip4, zeros + "0800" + ip4},
		{"null Linux", LinkNull, "0a000000" + ip6, zeros + "86dd" + ip6},
		{"null NetBSD", LinkNull, "18000000" + ip6, zeros + "86dd" + ip6},
		{"null FreeBSD", LinkNull, "0000001c" + ip6, zeros + "86dd" + ip6},
		{"null macOS", LinkNull, "1e000000" + ip6, zeros + "86dd" + ip6},
		{"null other", LinkNull, "63000000" + ip6, zeros + "86dd" + ip6},
		{"null other, no IP", LinkNull, "63000000 00", zeros + "0000 00"},
		{"loop", LinkLoop, "00000002" + ip4, zeros + "0800" + ip4},
	} {
		in, want := unhex(t, test.in), unhex(t, test.want)
		var pcap bytes.Buffer
		w, err := NewWriter(&pcap, test.link, time.Microsecond)
		if err != nil {
			t.Fatal(err)
		}
		next := []byte("the packet after it")
		for _, data := range [][]byte{in, next} {
			if err := w.Write(&Packet{Data: data, WireLen: len(data), LinkType: test.link}); err != nil {
				t.Fatal(err)
			}
		}
		ng := ngFile{binary.BigEndian}
		var ngCapture bytes.Buffer
		for _, b := range [][]byte{ng.section(0), ng.iface(uint16(test.link), 0), ng.enhanced(0, 0, in, 0), ng.enhanced(0, 0, next, 0)} {
			ngCapture.Write(b)
		}
		for _, file := range []io.Reader{&pcap, &ngCapture} {
			c, err := OpenCapture(file)
			if err != nil {
				t.Fatal(err)
			}
			var f Framer
			var p Packet
			if err := c.Next(&p); err != nil {
				t.Fatal(err)
			}
			if err := f.Frame(&p); err != nil {
				t.Errorf("%s: %v", test.name, err)
				continue
			}
			if !bytes.Equal(p.Data, want) || p.WireLen != len(want) || p.LinkType != LinkEthernet {
				t.Errorf("%s, %s: %v, %d bytes on the wire,\n% x, want\n% x", test.name, c.Format(), p.LinkType, p.WireLen, p.Data, want)
			}
			if f.Note() == "" {
				t.Errorf("%s: no note", test.name)
			}
			clear(p.Data)
			if err := c.Next(&p); err != nil || !bytes.Equal(p.Data, next) {
				t.Errorf("%s: the next packet is %q, %v", test.name, p.Data, err)
			}
		}
	}
}

func TestFrameOfPartialPacket(t *testing.T) {
	var f Framer
	p := Packet{Data: []byte{0x45, 0}, WireLen: 1500, LinkType: LinkRaw}
	if err := f.Frame(&p); err != nil || len(p.Data) != 16 || p.WireLen != 1514 {
		t.Errorf("%d bytes of %d, %v", len(p.Data), p.WireLen, err)
	}
	// LLC in a packet that was cut: the length field tells the whole.
	p = Packet{Data: unhex(t, "0000 0001 0006 00005e005301 0000 0004 42"), WireLen: 16 + 100, LinkType: LinkLinuxSLL}
	if err := f.Frame(&p); err != nil || !bytes.Equal(p.Data[12:14], []byte{0, 100}) {
		t.Errorf("% x, %v", p.Data, err)
	}
	for _, short := range []Packet{
		{Number: 4, Data: make([]byte, 15), LinkType: LinkLinuxSLL},
		{Number: 4, Data: make([]byte, 19), LinkType: LinkSLL2},
		{Number: 4, Data: make([]byte, 3), LinkType: LinkNull},
	} {
		if err := f.Frame(&short); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "packet 4 has ") {
			t.Errorf("%v: %v", short.LinkType, err)
		}
	}
}

// In classic captures no packet is moved, wherever it lies; a packet that the
// caller has exchanged is framed as well.
func TestFrameInPlace(t *testing.T) {
	for _, link := range []LinkType{LinkRaw, LinkLinuxSLL, LinkSLL2, LinkNull} {
		var file bytes.Buffer
		w, err := NewWriter(&file, link, time.Nanosecond)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range samplePackets(40, 50, 1000) {
			p.LinkType = link
			if err := w.Write(&p); err != nil {
				t.Fatal(err)
			}
		}
		c, err := openCapture(&file, 64)
		if err != nil {
			t.Fatal(err)
		}
		var f Framer
		var p Packet
		for err = c.Next(&p); err == nil; err = c.Next(&p) {
			last := &p.Data[len(p.Data)-1]
			if err := f.Frame(&p); err != nil {
				t.Fatal(err)
			}
			if last != &p.Data[len(p.Data)-1] {
				t.Errorf("%v: packet %d was copied", link, p.Number)
			}
		}
		if err != io.EOF {
			t.Fatal(err)
		}
	}
	p := Packet{Data: []byte{0x45, 1, 2}, WireLen: 3, LinkType: LinkRaw, record: make([]byte, 40)}
	if err := new(Framer).Frame(&p); err != nil || !bytes.Equal(p.Data[14:], []byte{0x45, 1, 2}) {
		t.Errorf("% x, %v", p.Data, err)
	}
}

func TestUnsupportedLinkType(t *testing.T) {
	for link, want := range map[LinkType]string{
		105: "unsupported link type: IEEE 802.11 (105); expected one of Ethernet (1), raw IP (101)",
		127: "radiotap",
		999: "link type 999",
		150: "private use 3 (150)",
	} {
		var f Framer
		err := f.Frame(&Packet{LinkType: link, Data: make([]byte, 100), WireLen: 100})
		if !errors.Is(err, ErrLinkType) || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v", link, err)
		}
		if f.Note() != "" {
			t.Errorf("%d: note %q", link, f.Note())
		}
	}
}

func TestNotes(t *testing.T) {
	var f Framer
	for _, link := range []LinkType{LinkEthernet, LinkRaw, LinkIPv4, LinkSLL2, LinkRaw} {
		if err := f.Frame(&Packet{LinkType: link, Data: make([]byte, 100), WireLen: 100}); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.Note(); strings.Count(got, "capture: ") != 2 || strings.Contains(got, "\n") {
		t.Errorf("note %q", got)
	}
}
