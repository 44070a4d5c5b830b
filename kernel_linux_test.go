package ebtools_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"ebtools/internal/require"
	"ebtools/replay"
	"ebtools/vm"
)

// TestGalleryAgreesWithKernel runs every program on every packet of every
// capture in the kernel (BPF_PROG_TEST_RUN) and here, and compares verdicts,
// packets and, at the end, maps. Each way a program exists is loaded, through
// cilium/ebpf.
func TestGalleryAgreesWithKernel(t *testing.T) {
	require.Kernel(t)
	for name, ways := range gallery(t) {
		for way, file := range ways {
			object, err := file.Image.Write()
			if err != nil {
				t.Fatal(err)
			}
			spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
			if err != nil {
				t.Errorf("%s, %s: cilium/ebpf does not read the object: %v", name, way, err)
				continue
			}
			t.Run(name+"/"+way, func(t *testing.T) {
				kernel, err := ebpf.NewCollection(spec)
				if err != nil {
					t.Fatalf("the kernel does not take it: %+v", err)
				}
				defer kernel.Close()
				machine, err := vm.New(file.Object, vm.Options{CPUs: ebpf.MustPossibleCPU()})
				if err != nil {
					t.Fatal(err)
				}
				both := &sideBySide{kernel: kernel, machine: machine}
				for _, capture := range captures(t) {
					both.capture(t, capture)
				}
				t.Logf("%d packets compared; refused by the kernel: %v", both.packets, both.refused)
				both.maps(t)
			})
		}
	}
}

// sideBySide is a program's object in the kernel and in a machine.
type sideBySide struct {
	kernel  *ebpf.Collection
	machine *vm.Machine
	packets int
	refused []string
}

func (s *sideBySide) capture(t *testing.T, name string) {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := replay.OpenCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	var p replay.Packet
	var framer replay.Framer
	for {
		if err := c.Next(&p); err == io.EOF {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		if err := framer.Frame(&p); err != nil {
			t.Fatal(err)
		}
		for _, program := range s.machine.Programs() {
			s.packet(t, fmt.Sprintf("%s, packet %d", filepath.Base(name), p.Number), program, p.Data)
		}
	}
}

func (s *sideBySide) packet(t *testing.T, where string, program *vm.Program, data []byte) {
	// The kernel takes no frame shorter than an Ethernet header; since the
	// maps are compared as well, it is not run here either.
	if len(data) < 14 {
		s.refused = append(s.refused, fmt.Sprintf("%s (%d bytes)", where, len(data)))
		return
	}
	opts := &ebpf.RunOptions{Data: data, DataOut: make([]byte, len(data)+512)}
	verdict, err := s.kernel.Programs[program.Spec().Name].Run(opts)
	if err != nil {
		t.Fatalf("%s: BPF_PROG_TEST_RUN: %v", where, err)
	}
	out, err := program.RunXDP(&vm.Frame{Data: data, IngressIfindex: 1})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	s.packets++
	if out.Verdict != verdict || !bytes.Equal(out.Data(), opts.DataOut) {
		t.Errorf("%s: verdict %d, kernel %d\npacket %x\nkernel %x", where, out.Verdict, verdict, out.Data(), opts.DataOut)
	}
}

// maps compares all maps but those of global variables. Per-CPU values are
// summed: the kernel's run was on whatever CPU it was on.
func (s *sideBySide) maps(t *testing.T) {
	for _, m := range s.machine.Maps() {
		kernel := s.kernel.Maps[m.Spec().Name]
		if m.Spec().Section != "" || kernel == nil {
			continue
		}
		want := map[string][]byte{}
		var key []byte
		entries := kernel.Iterate()
		if m.Spec().Type.PerCPU() {
			var values [][]byte
			for entries.Next(&key, &values) {
				want[string(key)] = sum(values)
			}
		} else {
			var value []byte
			for entries.Next(&key, &value) {
				want[string(key)] = slices.Clone(value)
			}
		}
		if err := entries.Err(); err != nil {
			t.Fatal(err)
		}
		n := 0
		for key, value := range m.All() {
			n++
			got := value
			if m.Spec().Type.PerCPU() {
				got = sum(slices.Collect(slices.Chunk(value, int(m.Spec().ValueSize))))
			}
			if !bytes.Equal(got, want[string(key)]) {
				t.Errorf("map %s, key %x: %x, kernel %x", m.Spec().Name, key, got, want[string(key)])
			}
		}
		if n != len(want) {
			t.Errorf("map %s: %d entries, kernel %d", m.Spec().Name, n, len(want))
		}
	}
}

// sum adds values up as arrays of 64-bit counters.
func sum(values [][]byte) []byte {
	total := make([]byte, len(values[0]))
	for _, v := range values {
		carry := uint(0)
		for i := range total {
			if i%8 == 0 {
				carry = 0
			}
			carry += uint(total[i]) + uint(v[i])
			total[i] = byte(carry)
			carry >>= 8
		}
	}
	return total
}

// TestPingStops assembles the ICMP filter, loads it with bpftool and attaches
// it to one end of a veth pair between two namespaces: ping must stop, and come
// back when it is taken off.
func TestPingStops(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "bpftool", "ip", "ping", "nsenter")
	object, err := open(t, "programs/xdp_drop_icmp/xdp_drop_icmp.s").Image.Write()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "xdp_drop_icmp.o")
	if err := os.WriteFile(name, object, 0o644); err != nil {
		t.Fatal(err)
	}
	id := fmt.Sprintf("ebt%d", os.Getpid())
	near, far, pin := id+"a", id+"b", "/sys/fs/bpf/"+id
	t.Cleanup(func() {
		os.Remove(pin)
		exec.Command("ip", "netns", "del", near).Run()
		exec.Command("ip", "netns", "del", far).Run()
	})
	must(t, "ip netns add "+near)
	must(t, "ip netns add "+far)
	must(t, "ip -n "+near+" link add v0 type veth peer name v0 netns "+far)
	for i, ns := range []string{near, far} {
		must(t, fmt.Sprintf("ip -n %s addr add 192.0.2.%d/24 dev v0", ns, i+1))
		must(t, "ip -n "+ns+" link set v0 up")
	}
	ping := "ip netns exec " + near + " ping -c 2 -i 0.2 -W 1 192.0.2.2"
	must(t, ping)
	must(t, "bpftool prog load "+name+" "+pin)
	// ip -n would mount a /sys of its own, without the pin.
	must(t, "nsenter --net=/run/netns/"+far+" ip link set dev v0 xdpgeneric pinned "+pin)
	if out, err := command(ping); err == nil {
		t.Errorf("ping still works:\n%s", out)
	} else if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ping failed by itself: %v\n%s", err, out)
	}
	must(t, "ip -n "+far+" link set dev v0 xdpgeneric off")
	must(t, ping)
}

func command(line string) (string, error) {
	words := strings.Fields(line)
	out, err := exec.Command(words[0], words[1:]...).CombinedOutput()
	return string(out), err
}

func must(t *testing.T, line string) {
	t.Helper()
	if out, err := command(line); err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
}
