package vm_test

import (
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/vm"
)

// A program that drops everything but IPv4, run on one packet.
func Example() {
	prog := &bpf.Program{Name: "ipv4_only", Type: linux.ProgXDP, Instructions: []bpf.Instruction{
		{Op: 0x61, Dst: bpf.R2, Src: bpf.R1, Off: 0},  // r2 = *(u32 *)(r1 + 0): data
		{Op: 0x69, Dst: bpf.R3, Src: bpf.R2, Off: 12}, // r3 = *(u16 *)(r2 + 12): EtherType
		{Op: 0xb7, Dst: bpf.R0, Imm: linux.XDPPass},   // r0 = 2
		{Op: 0x15, Dst: bpf.R3, Off: 1, Imm: 0x0008},  // if r3 == 8 goto +1
		{Op: 0xb7, Dst: bpf.R0, Imm: linux.XDPDrop},   // r0 = 1
		{Op: bpf.OpcodeExit},
	}}
	machine, err := vm.New(&bpf.Object{Programs: []*bpf.Program{prog}}, vm.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	packet := make([]byte, 60)
	packet[12], packet[13] = 0x86, 0xdd // IPv6
	out, err := machine.Program("ipv4_only").RunXDP(&vm.Frame{Data: packet})
	fmt.Println(out.Verdict == linux.XDPDrop, err)

	_, err = machine.Program("ipv4_only").RunXDP(&vm.Frame{Data: packet[:13]})
	fmt.Println(err)
	// Output:
	// true <nil>
	// ipv4_only: insn 1: read of 2 bytes at offset 12 of the packet, which is 13 bytes long: out of bounds
}
