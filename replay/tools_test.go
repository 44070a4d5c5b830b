package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ebtools/internal/require"
)

// captureFiles returns the recorded captures by name, and some that are built
// here: every variant of the formats, and packets of all sizes.
func captureFiles(t *testing.T) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	dir := filepath.Join("..", "testdata", "captures")
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*.gz"} {
		paths, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(path)] = data
		}
	}
	if len(files) == 0 {
		t.Logf("no captures in %s", dir)
	}
	packets := samplePackets(60, 1, 1500, 9000, 65535)
	for _, f := range classicFiles {
		files["built, "+f.name] = f.build(packets)
	}
	ng := ngFile{binary.BigEndian}
	files["built, pcapng"] = ng.build(packets)
	timed := slices.Concat(ng.section(0), ng.iface(1, 0, ng.option(9, 0x80|32)...), ng.iface(1, 0, ng.option(9, 3)...))
	for i, p := range packets {
		timed = append(timed, ng.enhanced(uint32(i%2), uint64(i)<<32|0x8000_0001, p.Data, p.WireLen)...)
	}
	files["built, pcapng of two clocks"] = timed
	return files
}

// noTime stands for a time the tool does not tell.
const noTime = -1

// nanoseconds reads "1700000000.123456789".
func nanoseconds(t *testing.T, s string) int64 {
	t.Helper()
	sec, frac, _ := strings.Cut(s, ".")
	ns, err := strconv.ParseInt(sec+(frac + "000000000")[:9], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

var truncatedDump = regexp.MustCompile("truncated (pcapng )?dump file")

// tcpdumpPackets returns the times and bytes that tcpdump shows, and whether it
// took the file for truncated.
func tcpdumpPackets(t *testing.T, data []byte) (packets []Packet, truncated bool) {
	t.Helper()
	cmd := exec.Command("tcpdump", "-r", "-", "-nn", "-tt", "-xx", "--time-stamp-precision=nano")
	cmd.Stdin = bytes.NewReader(data)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if truncated = truncatedDump.Match(stderr.Bytes()); !truncated {
			t.Fatalf("%v: %s", err, stderr.String())
		}
	}
	for line := range strings.Lines(string(out)) {
		switch first := line[0]; {
		case strings.HasPrefix(line, "[Invalid header: caplen==0"):
			packets = append(packets, Packet{TimeNS: noTime})
		case first >= '0' && first <= '9':
			stamp, _, _ := strings.Cut(line, " ")
			packets = append(packets, Packet{TimeNS: nanoseconds(t, stamp)})
		case strings.HasPrefix(line, "\t0x"):
			_, digits, _ := strings.Cut(line, ": ")
			b, err := hex.DecodeString(strings.Join(strings.Fields(digits), ""))
			if err != nil {
				t.Fatal(err)
			}
			last := &packets[len(packets)-1]
			last.Data = append(last.Data, b...)
		}
	}
	return packets, truncated
}

// oneLinkType reports whether all packets have the same: libpcap reads no other
// captures.
func oneLinkType(packets []Packet) bool {
	for _, p := range packets {
		if p.LinkType != packets[0].LinkType {
			return false
		}
	}
	return true
}

func TestAgreesWithTcpdump(t *testing.T) {
	require.Tools(t, "tcpdump")
	count := 0
	for name, data := range captureFiles(t) {
		t.Run(name, func(t *testing.T) {
			got, _, err := readAll(bytes.NewReader(data), 1<<12)
			if err != nil && !errors.Is(err, ErrTruncated) {
				t.Fatal(err)
			}
			if strings.HasSuffix(name, ".gz") {
				data = ungzip(t, data)
			}
			if !oneLinkType(got) {
				t.Skip("skipped: libpcap reads no capture of several link types")
			}
			want, truncated := tcpdumpPackets(t, data)
			if truncated != (err != nil) {
				t.Errorf("truncated: tcpdump says %v, error is %v", truncated, err)
			}
			for i := range min(len(got), len(want)) {
				if want[i].TimeNS == noTime {
					want[i].TimeNS = got[i].TimeNS
				}
				// What tcpdump does not tell.
				want[i].WireLen, want[i].Number = got[i].WireLen, int64(i+1)
				want[i].Interface, want[i].LinkType = got[i].Interface, got[i].LinkType
			}
			samePackets(t, got, want)
			count += len(got)
		})
	}
	t.Logf("%d packets agree", count)
}

func ungzip(t *testing.T, data []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(z); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tsharkPackets returns all that tshark tells of the packets, the link types
// aside.
func tsharkPackets(t *testing.T, data []byte) (packets []Packet, truncated bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "capture")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("tshark", "-r", path, "-T", "json", "-x", "-j", "frame")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if truncated = strings.Contains(stderr.String(), "cut short"); !truncated {
			t.Fatalf("%v: %s", err, stderr.String())
		}
	}
	var list []struct {
		Source struct {
			Layers struct {
				Raw   []any `json:"frame_raw"`
				Frame struct {
					Time      string `json:"frame.time_epoch"`
					Len       string `json:"frame.len"`
					Number    string `json:"frame.number"`
					Interface string `json:"frame.interface_id"`
				} `json:"frame"`
			} `json:"layers"`
		} `json:"_source"`
	}
	if err := json.Unmarshal(out, &list); err != nil {
		t.Fatalf("%v in tshark's output", err)
	}
	number := func(s string) int {
		n, _ := strconv.Atoi(s) // 0 where there is none
		return n
	}
	for _, entry := range list {
		layers := entry.Source.Layers
		var b []byte
		if len(layers.Raw) > 0 { // nothing for an empty packet
			var err error
			if b, err = hex.DecodeString(layers.Raw[0].(string)); err != nil {
				t.Fatal(err)
			}
		}
		packets = append(packets, Packet{
			Data:      b,
			TimeNS:    nanoseconds(t, layers.Frame.Time),
			WireLen:   number(layers.Frame.Len),
			Number:    int64(number(layers.Frame.Number)),
			Interface: number(layers.Frame.Interface),
		})
	}
	return packets, truncated
}

func TestAgreesWithTshark(t *testing.T) {
	require.Tools(t, "tshark")
	count := 0
	for name, data := range captureFiles(t) {
		t.Run(name, func(t *testing.T) {
			got, _, err := readAll(bytes.NewReader(data), 1<<12)
			if err != nil && !errors.Is(err, ErrTruncated) {
				t.Fatal(err)
			}
			want, truncated := tsharkPackets(t, data)
			if truncated != (err != nil) {
				t.Errorf("truncated: tshark says %v, error is %v", truncated, err)
			}
			for i := range min(len(got), len(want)) {
				want[i].LinkType = got[i].LinkType
			}
			samePackets(t, got, want)
			count += len(got)
		})
	}
	t.Logf("%d packets agree", count)
}

// What tshark understands of a packet is the same after a header was put before
// it.
func TestFramesMeanTheSame(t *testing.T) {
	require.Tools(t, "tshark")
	fields := func(data []byte) string {
		path := filepath.Join(t.TempDir(), "capture")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-r", path, "-T", "fields"}
		for _, field := range strings.Fields("frame.time_epoch vlan.id arp.opcode arp.dst.proto_ipv4 ip.version ip.src ip.dst ip.proto ip.frag_offset ipv6.src ipv6.dst ipv6.nxt icmp.type icmpv6.type tcp.srcport tcp.seq_raw tcp.len udp.srcport udp.length _ws.malformed") {
			args = append(args, "-e", field)
		}
		out, err := exec.Command("tshark", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	found := false
	for name, data := range captureFiles(t) {
		_, c, err := readAll(bytes.NewReader(data), chunkSize)
		if err != nil || c.LinkTypes()[0] == LinkEthernet {
			continue
		}
		found = true
		framed, note := framedCopy(t, data)
		in, out := fields(data), fields(framed)
		if in != out {
			ins, outs := strings.Split(in, "\n"), strings.Split(out, "\n")
			for i := range min(len(ins), len(outs)) {
				if ins[i] != outs[i] {
					t.Fatalf("%s, packet %d:\n%q, and framed\n%q", name, i+1, ins[i], outs[i])
				}
			}
			t.Fatalf("%s: %d packets, and framed %d", name, len(ins)-1, len(outs)-1)
		}
		t.Logf("%s: %d packets: %s", name, strings.Count(in, "\n"), note)
	}
	if !found {
		t.Skip("skipped: no captures of other link types in testdata")
	}
}

// framedCopy returns a capture as Ethernet.
func framedCopy(t *testing.T, data []byte) (framed []byte, note string) {
	t.Helper()
	c, err := OpenCapture(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, LinkEthernet, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	var f Framer
	var p Packet
	for err = c.Next(&p); err == nil; err = c.Next(&p) {
		if err := f.Frame(&p); err != nil {
			t.Fatal(err)
		}
		if err := w.Write(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err != io.EOF {
		t.Fatal(err)
	}
	return out.Bytes(), f.Note()
}
