package replay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
)

// straddling are packet sizes that make records end in all places of a buffer.
var straddling = []int{0, 1, 14, 60, 61, 62, 63, 1500, 9000, 3, 65535, 0, 0, 262144, 64}

// formats are all file formats with the same packets in them.
func formats(packets []Packet) map[string][]byte {
	files := map[string][]byte{
		"pcapng, little-endian": ngFile{binary.LittleEndian}.build(packets),
		"pcapng, big-endian":    ngFile{binary.BigEndian}.build(packets),
	}
	for _, f := range classicFiles {
		files["pcap, "+f.name] = f.build(packets)
	}
	for name, data := range files {
		files[name+", gzip"] = gzipped(data)
	}
	half := len(files["pcap, little-endian microseconds"]) / 2
	data := files["pcap, little-endian microseconds"]
	files["gzip of two members"] = append(gzipped(data[:half]), gzipped(data[half:])...)
	return files
}

func TestFormatsAndReaders(t *testing.T) {
	want := samplePackets(straddling...)
	for name, data := range formats(want) {
		t.Run(name, func(t *testing.T) {
			readers := map[string]func(io.Reader) io.Reader{
				"whole":            func(r io.Reader) io.Reader { return r },
				"one byte":         iotest.OneByteReader,
				"half":             iotest.HalfReader,
				"error with bytes": iotest.DataErrReader,
			}
			for how, wrap := range readers {
				for _, chunk := range []int{64, 1000, 4096, chunkSize} {
					got, _, err := readAll(wrap(bytes.NewReader(data)), chunk)
					if err != nil {
						t.Fatalf("%s, chunks of %d: %v", how, chunk, err)
					}
					samePackets(t, got, want)
				}
			}
		})
	}
}

func TestCaptureFormat(t *testing.T) {
	packets := samplePackets(60)
	for _, test := range []struct {
		data []byte
		want string
	}{
		{classicFiles[0].build(packets), "pcap, little-endian, microseconds"},
		{classicFiles[3].build(packets), "pcap, big-endian, nanoseconds"},
		{classicFiles[4].build(packets), "modified pcap, little-endian, microseconds"},
		{gzipped(classicFiles[1].build(packets)), "pcap, big-endian, microseconds, gzip"},
		{ngFile{binary.BigEndian}.build(packets), "pcapng, big-endian"},
	} {
		_, c, err := readAll(bytes.NewReader(test.data), chunkSize)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Format(); got != test.want {
			t.Errorf("format %q, want %q", got, test.want)
		}
		if got := c.LinkTypes(); !slices.Equal(got, []LinkType{LinkEthernet}) {
			t.Errorf("%s: link types %v", test.want, got)
		}
	}
}

// A live pipe delivers a packet as soon as it is written, and no later one.
func TestPipeIsNotReadAhead(t *testing.T) {
	packets := samplePackets(60, 70)
	ng := ngFile{binary.LittleEndian}
	ngParts := [][]byte{slices.Concat(ng.section(0), ng.iface(1, 0, ng.option(9, 9)...))}
	f := classicFiles[0]
	parts := [][]byte{f.header()}
	for i, p := range packets {
		parts = append(parts, f.record(nil, &packets[i]))
		ngParts = append(ngParts, ng.enhanced(0, uint64(p.TimeNS), p.Data, p.WireLen))
	}
	for _, parts := range [][][]byte{parts, ngParts} {
		r, w := io.Pipe()
		step := make(chan bool)
		go func() {
			for i, part := range parts {
				if i > 0 {
					<-step
				}
				_, _ = w.Write(part)
			}
			<-step
			_ = w.Close()
		}()
		c, err := OpenCapture(r)
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		for i := range packets {
			step <- true
			if err := c.Next(&p); err != nil {
				t.Fatal(err)
			}
			samePackets(t, []Packet{p}, packets[i:i+1])
		}
		step <- true
		if err := c.Next(&p); err != io.EOF {
			t.Fatalf("at the end: %v", err)
		}
	}
}

func TestFieldsOfClassic(t *testing.T) {
	f := classicFile{order: binary.BigEndian, link: 0x5400_0000 | 101} // a 10-byte FCS, present
	p := samplePackets(20)[0]
	p.TimeNS = int64(1<<32-1)*1e9 + 999_999_000
	p.WireLen = 3 // untrue: less than was captured
	got, _, err := readAll(bytes.NewReader(f.build([]Packet{p})), chunkSize)
	if err != nil {
		t.Fatal(err)
	}
	p.WireLen, p.LinkType = 20, LinkRaw
	samePackets(t, got, []Packet{p})

	// Before version 2.4 the lengths may stand the other way round.
	p = samplePackets(20)[0]
	p.WireLen = 1000
	data := classicFiles[0].build([]Packet{p})
	data[6] = 3
	binary.LittleEndian.PutUint32(data[32:], 1000)
	binary.LittleEndian.PutUint32(data[36:], 20)
	if got, _, err = readAll(bytes.NewReader(data), chunkSize); err != nil {
		t.Fatal(err)
	}
	samePackets(t, got, []Packet{p})
}

// The caller may write to a packet without harm to the next ones.
func TestDataMayBeWritten(t *testing.T) {
	want := samplePackets(60, 1500, 0, 9, 300)
	for name, data := range formats(want) {
		c, err := openCapture(bytes.NewReader(data), 256)
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			var p Packet
			if err := c.Next(&p); err != nil {
				t.Fatal(err)
			}
			samePackets(t, []Packet{p}, want[i:i+1])
			clear(p.Data)
			_ = append(p.Data, "overwritten"...)
			if len(p.Data) != cap(p.Data) {
				t.Errorf("%s: capacity %d for %d bytes", name, cap(p.Data), len(p.Data))
			}
		}
	}
}

// repeated is a capture whose records never end, up to a number of bytes.
type repeated struct {
	head, record []byte
	left, at     int
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, io.EOF
	}
	n := 0
	for n < len(p) && len(r.head) > 0 {
		c := copy(p[n:], r.head)
		n, r.head = n+c, r.head[c:]
	}
	for n < len(p) {
		c := copy(p[n:], r.record[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.record)
	}
	r.left -= n
	return n, nil
}

func TestMemoryIsFlat(t *testing.T) {
	p := samplePackets(1400)[0]
	ng := ngFile{binary.LittleEndian}
	for name, r := range map[string]*repeated{
		"pcap":   {head: classicFiles[0].header(), record: classicFiles[0].record(nil, &p)},
		"pcapng": {head: slices.Concat(ng.section(0), ng.iface(1, 0)), record: ng.enhanced(0, 1, p.Data, 1400)},
	} {
		r.left = 64 << 20
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		c, err := OpenCapture(r)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			err = c.Next(&p)
		}
		runtime.ReadMemStats(&after)
		if err != io.EOF && !errors.Is(err, ErrTruncated) {
			t.Fatal(err)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > 4<<20 {
			t.Errorf("%s: %d bytes allocated for 64 MiB of packets", name, got)
		}
	}
}

func TestNextDoesNotAllocate(t *testing.T) {
	p := samplePackets(1400)[0]
	for _, f := range classicFiles {
		c, err := OpenCapture(&repeated{head: f.header(), record: f.record(nil, &p), left: 1 << 30})
		if err != nil {
			t.Fatal(err)
		}
		var p Packet
		if n := testing.AllocsPerRun(2000, func() { _ = c.Next(&p) }); n != 0 {
			t.Errorf("%s: %v allocations a packet", f.name, n)
		}
	}
}

// A length in the input is not reason enough to allocate that much.
func TestLengthsAreNotTrusted(t *testing.T) {
	f := classicFile{order: binary.LittleEndian, snaplen: 1 << 30}
	p := Packet{WireLen: 16 << 20, LinkType: LinkEthernet, Number: 1, Data: make([]byte, 16<<20)}
	data := f.build([]Packet{p})
	got, _, err := readAll(bytes.NewReader(data), chunkSize)
	if err != nil {
		t.Fatal(err)
	}
	samePackets(t, got, []Packet{p})

	c, err := OpenCapture(bytes.NewReader(data[:100]))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Next(&p); !errors.Is(err, ErrTruncated) {
		t.Fatal(err)
	}
	if n := len(c.src.(*pcapSource).w.buf); n > chunkSize {
		t.Errorf("a buffer of %d bytes for a file of 100", n)
	}

	p.Data = make([]byte, 16<<20+1)
	if _, _, err = readAll(bytes.NewReader(f.build([]Packet{p})), chunkSize); !errors.Is(err, ErrDamaged) {
		t.Errorf("16 MiB and 1 byte: %v", err)
	}
}
