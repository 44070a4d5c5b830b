package replay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// Every cut of a file gives the whole packets before it and the right error.
func TestTruncated(t *testing.T) {
	packets := samplePackets(5, 0, 33)
	for name, data := range formats(packets) {
		if strings.Contains(name, "gzip") {
			continue
		}
		whole, _, err := readAll(bytes.NewReader(data), 64)
		if err != nil {
			t.Fatal(err)
		}
		cleanEnds := 0
		for cut := range data {
			got, c, err := readAll(bytes.NewReader(data[:cut]), 64)
			switch {
			case cut < 4:
				if !errors.Is(err, ErrFormat) {
					t.Fatalf("%s, %d bytes: %v", name, cut, err)
				}
				continue
			case err == nil:
				cleanEnds++
			case !errors.Is(err, ErrTruncated):
				t.Fatalf("%s, %d bytes: %v", name, cut, err)
			}
			samePackets(t, got, whole[:len(got)])
			if c != nil && err != nil {
				if next := c.Next(&Packet{}); next != err {
					t.Fatalf("%s, %d bytes: %v, and then %v", name, cut, err, next)
				}
			}
		}
		if want := cleanEndsOf(name, packets); cleanEnds != want {
			t.Errorf("%s: %d cuts were taken for the end, want %d", name, cleanEnds, want)
		}
	}
}

// cleanEndsOf counts the places in a file of formats, except its end, where a
// packet, a block or the file header ends.
func cleanEndsOf(name string, packets []Packet) int {
	if strings.HasPrefix(name, "pcapng") {
		return len(packets) + 2 // section, interface, one unknown block
	}
	return len(packets)
}

func TestTruncatedGzip(t *testing.T) {
	packets := samplePackets(60, 1500, 700)
	data := gzipped(classicFiles[0].build(packets))
	for cut := 4; cut < len(data); cut++ {
		got, _, err := readAll(bytes.NewReader(data[:cut]), 64)
		if !errors.Is(err, ErrTruncated) {
			t.Fatalf("%d of %d bytes: %v", cut, len(data), err)
		}
		samePackets(t, got, packets[:len(got)])
	}
	damaged := bytes.Clone(data)
	damaged[len(data)-6] ^= 1 // the checksum
	got, _, err := readAll(bytes.NewReader(damaged), chunkSize)
	if !errors.Is(err, ErrDamaged) {
		t.Errorf("wrong checksum: %v", err)
	}
	samePackets(t, got, packets)
	if _, _, err = readAll(bytes.NewReader(append(data, "trailing bytes"...)), chunkSize); !errors.Is(err, ErrDamaged) {
		t.Errorf("bytes after the end: %v", err)
	}
}

func TestErrorsNameThePlace(t *testing.T) {
	f, ng := classicFiles[0], ngFile{binary.LittleEndian}
	packets := samplePackets(100, 200)
	data := f.build(packets)
	tooLong := bytes.Clone(data)
	binary.LittleEndian.PutUint32(tooLong[24+116+8:], 262145)
	newer := bytes.Clone(data)
	newer[4] = 3
	section := ng.section(0)
	base := slices.Concat(section, ng.iface(1, 0))
	packet := ng.enhanced(0, 0, packets[0].Data, 100)
	trailer := bytes.Clone(packet)
	trailer[len(trailer)-4]++
	long := bytes.Clone(packet)
	long[20] = 101
	bigEndian := ngFile{binary.BigEndian}
	newSection := bytes.Clone(bigEndian.section(0))
	newSection[8] = 0
	for _, test := range []struct {
		name string
		data []byte
		is   error
		want string
	}{
		{"cut data", data[:24+116+16+33], ErrTruncated, "packet 2, at byte 156, has 33 of 200 bytes"},
		{"cut header", data[:24+116+7], ErrTruncated, "the header of packet 2, at byte 140, has 7 of 16 bytes"},
		{"cut file header", data[:20], ErrTruncated, "the file header, at byte 0, has 20 of 24 bytes"},
		{"cut gzip header", gzipped(data)[:8], ErrTruncated, "the gzip header, at byte 0, has 8 of 10 bytes"},
		{"inside gzip", gzipped(data[:24+116+7]), ErrTruncated, "at unpacked byte 140"},
		{"too long", tooLong, ErrDamaged, "packet 2, at byte 140: its captured length of 262145 bytes is over the limit of 262144"},
		{"version", newer, ErrFormat, "pcap version 3.4; expected 2.0 to 2.4"},
		{"ng cut", slices.Concat(base, packet, packet[:50]), ErrTruncated, "the block after packet 1, at byte 180, has 50 of 132 bytes"},
		{"ng cut at the start", slices.Concat(section, packet[:10]), ErrTruncated, "the block before packet 1, at byte 28, has 10 of 12 bytes"},
		{"ng cut unknown", slices.Concat(section, ng.block(99, make([]byte, 500))[:300]), ErrTruncated, "the block before packet 1, at byte 28, has 300 of 512 bytes"},
		{"ng order", newSection, ErrFormat, "byte-order mark is 00 2b 3c 4d"},
		{"ng order later", slices.Concat(base, packet, newSection), ErrDamaged, "byte-order mark is 00 2b 3c 4d"},
		{"ng lengths", slices.Concat(base, trailer), ErrDamaged, "the block before packet 1, at byte 48: its length is 132 at the start and 133 at the end"},
		{"ng interface", slices.Concat(base, ng.enhanced(1, 0, nil, 0)), ErrDamaged, "interface 1, where the section has described 1"},
		{"ng interface of the section before", slices.Concat(base, section, packet), ErrDamaged, "interface 0, where the section has described 0"},
		{"ng simple without", slices.Concat(section, ng.simple(nil, 0)), ErrDamaged, "interface 0, where the section has described none"},
		{"ng captured", slices.Concat(base, long), ErrDamaged, "captured length of 101 bytes in a block of 132"},
		{"ng simple captured", slices.Concat(base, ng.simple(make([]byte, 8), 9)), ErrDamaged, "captured length of 9 bytes in a block of 24"},
		{"ng limit", slices.Concat(base, ng.simple(make([]byte, 8), 1<<30)), ErrDamaged, "over the limit of 262144"},
		{"ng block length", slices.Concat(base, []byte{6, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0}), ErrDamaged, "its length is 33; expected a multiple of 4, at least 12"},
		{"ng short block", slices.Concat(base, ng.block(6, make([]byte, 12))), ErrDamaged, "its length is 24 for type 6; expected 32 to "},
		{"ng huge block", slices.Concat(base, []byte{6, 0, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0, 0}), ErrDamaged, "its length is 2130706432 for type 6"},
		{"ng option", slices.Concat(section, ng.iface(1, 0, 9, 0, 200, 0)), ErrDamaged, "option 9 has 200 bytes, where 0 are left"},
		{"ng version", ng.section(7), ErrFormat, "pcapng version 1.7; expected 1.0"},
		{"ng unknown", slices.Concat(base, []byte{99, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0}), ErrDamaged, "ends with length 13, but began with 12"},
	} {
		_, _, err := readAll(bytes.NewReader(test.data), 64)
		if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v\nwant %v: … %s", test.name, err, test.is, test.want)
		}
	}
}

func TestReaderErrors(t *testing.T) {
	data := classicFiles[0].build(samplePackets(100, 200))
	sentinel := errors.New("the disk is on fire")
	for _, cut := range []int{0, 3, 10, 24, 24 + 116, 200} {
		r := io.MultiReader(bytes.NewReader(data[:cut]), iotest.ErrReader(sentinel))
		if _, _, err := readAll(r, chunkSize); !errors.Is(err, sentinel) {
			t.Errorf("after %d bytes: %v", cut, err)
		}
	}
	if _, _, err := readAll(stuckReader{}, chunkSize); !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("no progress: %v", err)
	}
}

// stuckReader gives neither bytes nor an error.
type stuckReader struct{}

func (stuckReader) Read([]byte) (int, error) { return 0, nil }

func TestDetection(t *testing.T) {
	for _, test := range []struct {
		name, data, want string
	}{
		{"empty", "", "empty input"},
		{"empty in gzip", string(gzipped(nil)), "empty input inside gzip"},
		{"short", "\x0a\x0d", "only 2 bytes: 0a 0d"},
		{"ELF", "\x7fELF\x02\x01\x01\x00\x00", "starts with 7f 45 4c 46 02 01 01 00: an ELF file"},
		{"zstd", "\x28\xb5\x2f\xfd\x00\x00", "zstd -dc"},
		{"xz", "\xfd7zXZ\x00\x00", "xz -dc"},
		{"double gzip", string(gzipped(gzipped(classicFiles[0].build(nil)))), "gzip within gzip"},
		{"tar", strings.Repeat("x\x00", 128) + "\x00ustar\x0000", "a tar archive"},
		{"text", "\tr0 = 2\n\texit\n", "text; a capture is binary"},
		{"text that ends in a character", strings.Repeat("é", 300)[:511], "text; a capture is binary"},
		{"JSON", "{\"packets\": []}", "JSON"},
		{"binary", "\x00\x01\x02\x03\x04\x05\x06\x07\x08", "starts with 00 01 02 03 04 05 06 07; expected pcap"},
		{"Latin-1 is not text", "\x00caf\xe9", "expected pcap"},
	} {
		_, err := OpenCapture(strings.NewReader(test.data))
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want … %s", test.name, err, test.want)
		}
	}
}
