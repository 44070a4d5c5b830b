package replay_test

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"ebtools/replay"
)

func ExampleOpenCapture() {
	var file bytes.Buffer
	w, _ := replay.NewWriter(&file, replay.LinkRaw, time.Microsecond)
	_ = w.Write(&replay.Packet{Data: []byte{0x45, 0, 0, 20}, TimeNS: 1_500_000, WireLen: 20, LinkType: replay.LinkRaw})

	c, err := replay.OpenCapture(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Format())
	var framer replay.Framer
	var p replay.Packet
	for err = c.Next(&p); err == nil; err = c.Next(&p) {
		if err := framer.Frame(&p); err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%d: %d ns, %d bytes on the wire: % x\n", p.Number, p.TimeNS, p.WireLen, p.Data)
	}
	if err != io.EOF {
		fmt.Println(err)
	}
	// Output:
	// pcap, little-endian, microseconds
	// 1: 1500000 ns, 34 bytes on the wire: 00 00 00 00 00 00 00 00 00 00 00 00 08 00 45 00 00 14
}
