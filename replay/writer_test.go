package replay

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"testing"
	"time"
)

func TestWriter(t *testing.T) {
	packets := samplePackets(straddling...)
	packets[3].TimeNS++
	for _, resolution := range []time.Duration{time.Microsecond, time.Nanosecond} {
		var b bytes.Buffer
		w, err := NewWriter(&b, LinkEthernet, resolution)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Clone(packets)
		for i := range packets {
			if err := w.Write(&packets[i]); err != nil {
				t.Fatal(err)
			}
			want[i].TimeNS -= want[i].TimeNS % int64(resolution)
		}
		f := classicFile{order: binary.LittleEndian, nano: resolution == 1, snaplen: 262144}
		if !bytes.Equal(b.Bytes(), f.build(packets)) {
			t.Errorf("%v: other bytes than expected", resolution)
		}
		got, _, err := readAll(&b, chunkSize)
		if err != nil {
			t.Fatal(err)
		}
		samePackets(t, got, want)
	}
	w, err := NewWriter(io.Discard, LinkRaw, time.Microsecond)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Packet{
		{LinkType: LinkEthernet},
		{LinkType: LinkRaw, TimeNS: -1},
		{LinkType: LinkRaw, TimeNS: 1 << 62},
		{LinkType: LinkRaw, Data: make([]byte, 262145)},
	} {
		if err := w.Write(&p); err == nil {
			t.Errorf("%v, %d ns, %d bytes: no error", p.LinkType, p.TimeNS, len(p.Data))
		}
	}
	if _, err := NewWriter(io.Discard, LinkRaw, time.Millisecond); err == nil {
		t.Error("milliseconds: no error")
	}
}
