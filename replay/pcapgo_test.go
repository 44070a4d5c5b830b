package replay

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/pcapgo"
)

// pcapgoPackets reads a classic capture with pcapgo.
func pcapgoPackets(data []byte) ([]Packet, error) {
	r, err := pcapgo.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var packets []Packet
	for {
		b, info, err := r.ReadPacketData()
		if err != nil {
			return packets, err
		}
		packets = append(packets, Packet{
			Data:     b,
			TimeNS:   info.Timestamp.UnixNano(),
			WireLen:  info.Length,
			Number:   int64(len(packets) + 1),
			LinkType: LinkType(r.LinkType()),
		})
	}
}

func TestAgreesWithPcapgo(t *testing.T) {
	count := 0
	for name, data := range captureFiles(t) {
		if strings.Contains(name, "pcapng") || strings.Contains(name, "modified") {
			continue // pcapgo is what reads pcapng here, and does not know the other
		}
		want, wantErr := pcapgoPackets(data)
		got, _, err := readAll(bytes.NewReader(data), 1<<12)
		if (wantErr == io.EOF) != (err == nil) || err != nil && !errors.Is(err, ErrTruncated) {
			t.Errorf("%s: %v, where pcapgo says %v", name, err, wantErr)
		}
		samePackets(t, got, want)
		count += len(got)
	}
	t.Logf("%d packets agree", count)
}
