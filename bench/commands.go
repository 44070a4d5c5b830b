package main

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"ebtools/replay"
)

// commands is what ebrun and tcpdump took for the same work.
type commands struct {
	packets        int
	bytes          int64
	ebrun, tcpdump []float64 // ms, by round
	onePacket      []float64 // ms of ebrun on one packet
	why            string    // tcpdump was not measured
}

const (
	filter        = "programs/xdp_drop_icmp/xdp_drop_icmp.s"
	commandRounds = 7
)

// measureCommands runs ebrun and tcpdump on a capture of n packets, in turns.
func measureCommands(n int) (*commands, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	ebrun := filepath.Join(dir, "ebrun")
	if out, err := exec.Command("go", "build", "-o", ebrun, "./cmd/ebrun").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build ./cmd/ebrun, which goes from the module's folder: %w\n%s", err, out)
	}
	large, one := filepath.Join(dir, "large.pcap"), filepath.Join(dir, "one.pcap")
	c := &commands{packets: n}
	if c.bytes, err = writeCapture(large, n); err != nil {
		return nil, err
	}
	if _, err := writeCapture(one, 1); err != nil {
		return nil, err
	}
	for range commandRounds {
		if err := timed(&c.ebrun, ebrun, "--pcap", large, filter); err != nil {
			return nil, err
		}
		if err := timed(&c.onePacket, ebrun, "--pcap", one, filter); err != nil {
			return nil, err
		}
		if c.why != "" {
			continue
		}
		if err := timed(&c.tcpdump, "tcpdump", "-r", large, "-w", os.DevNull, "icmp"); err != nil {
			c.why = err.Error()
		}
	}
	return c, nil
}

// timed runs a command and appends how long it took.
func timed(times *[]float64, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	*times = append(*times, float64(time.Since(begin).Microseconds())/1000)
	return nil
}

// writeCapture writes n packets, drawn from some thousands of different ones.
func writeCapture(name string, n int) (size int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buffer := bufio.NewWriterSize(f, 1<<20)
	w, err := replay.NewWriter(buffer, 1, time.Microsecond)
	if err != nil {
		return 0, err
	}
	pool, rng := packets(20_000, 9), rand.New(rand.NewPCG(9, 9))
	for i := range n {
		p := replay.Packet{Data: pool[rng.IntN(len(pool))], LinkType: 1, TimeNS: 1_700_000_000e9 + int64(i)*1000}
		if err := w.Write(&p); err != nil {
			return 0, err
		}
	}
	if err := buffer.Flush(); err != nil {
		return 0, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return 0, err
	}
	return size, f.Close()
}
