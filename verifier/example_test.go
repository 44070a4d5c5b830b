package verifier_test

import (
	"fmt"
	"os"

	"ebtools/bpf"
	"ebtools/verifier"
)

func ExampleCheck() {
	p := &bpf.Program{
		Name: "drop",
		Instructions: []bpf.Instruction{
			{Op: 0xb7, Dst: bpf.R0, Imm: 1},               // r0 = 1
			{Op: 0x7b, Dst: bpf.R10, Src: bpf.R0, Off: 8}, // *(u64 *)(r10 + 8) = r0
			{Op: bpf.OpcodeJA, Off: 1},                    // goto +1
			{Op: 0xb7, Dst: bpf.R0, Imm: 2},               // r0 = 2
			{Op: bpf.OpcodeExit},                          // exit
		},
	}
	if findings := verifier.Check(p, nil); findings.Err() != nil {
		if err := bpf.Render(os.Stdout, findings); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// drop: insn 1: outside the stack frame: write of 8 bytes at r10+8, the frame is r10-512 to r10-1
	//       = kernel: invalid write to stack R10 off=8 size=8
	// drop: insn 3: unreachable code: no path leads to insn 3
	//       = kernel: unreachable insn 3
}
