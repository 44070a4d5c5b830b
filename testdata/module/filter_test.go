// Package filter is a module of its own that tests a program with ebtools.
package filter

import (
	"testing"

	"ebtools"
	"ebtools/bpf/linux"
	"ebtools/vm"
)

func TestARPPasses(t *testing.T) {
	file, err := ebtools.Open("../../programs/xdp_drop_icmp/xdp_drop_icmp.s")
	if err != nil {
		t.Fatal(err)
	}
	machine, err := vm.New(file.Object, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	arp := make([]byte, 42)
	arp[12], arp[13] = 0x08, 0x06
	out, err := machine.Program("xdp_drop_icmp").RunXDP(&vm.Frame{Data: arp})
	if err != nil || out.Verdict != linux.XDPPass {
		t.Errorf("verdict %d, %v", out.Verdict, err)
	}
}
