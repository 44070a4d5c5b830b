package replay

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// FuzzCapture feeds the reader anything: it must not panic, nor take memory that
// the input does not have, and must read the same whatever the pieces the input
// comes in.
func FuzzCapture(f *testing.F) {
	for _, data := range formats(samplePackets(60, 0, 333)) {
		f.Add(data)
		f.Add(data[:len(data)-9])
	}
	for _, link := range []uint32{0, 101, 105, 113, 276} {
		f.Add(classicFile{order: classicFiles[1].order, link: link}.build(samplePackets(40, 4)))
	}
	f.Add([]byte("{}   "))
	f.Fuzz(func(t *testing.T, data []byte) {
		const chunk = 64
		want, c, wantErr := readAll(bytes.NewReader(data), 1<<12)
		got, _, err := readAll(iotest.HalfReader(bytes.NewReader(data)), chunk)
		samePackets(t, got, want)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("%v, and in small pieces %v", wantErr, err)
		}
		known := false
		for _, sentinel := range []error{nil, ErrFormat, ErrTruncated, ErrDamaged} {
			known = known || errors.Is(err, sentinel)
		}
		if !known {
			t.Fatalf("an error of no kind: %v", err)
		}
		if c != nil {
			checkBuffers(t, c, len(data))
		}

		c, err = openCapture(bytes.NewReader(data), chunk)
		var framer Framer
		var p Packet
		for err == nil {
			if err = c.Next(&p); err != nil {
				break
			}
			wire := p.WireLen - len(p.Data)
			if ferr := framer.Frame(&p); ferr != nil {
				if !errors.Is(ferr, ErrLinkType) && !errors.Is(ferr, ErrDamaged) {
					t.Fatal(ferr)
				}
			} else if p.WireLen-len(p.Data) != wire || p.LinkType != LinkEthernet {
				t.Fatalf("framed: %d bytes of %d, %v", len(p.Data), p.WireLen, p.LinkType)
			}
		}
		if wantErr == nil && err != io.EOF {
			t.Fatalf("with frames: %v", err)
		}
	})
}

// checkBuffers looks at how far the buffers have grown for an input of n bytes,
// which gzip may have made 1032 times shorter than it is.
func checkBuffers(t *testing.T, c *Capture, n int) {
	t.Helper()
	if c.packed {
		n *= 1032
	}
	var w *window
	switch s := c.src.(type) {
	case *pcapSource:
		w = s.w
	case *pcapngSource:
		w = s.blocks.w
	}
	if limit := min(max(1<<12, 2*n), 2*ngMaxBlock); len(w.buf) > limit {
		t.Fatalf("a buffer of %d bytes for an input of %d", len(w.buf), n)
	}
}
