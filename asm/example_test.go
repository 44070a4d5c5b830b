package asm_test

import (
	"fmt"
	"os"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/elf"
)

func ExampleAssemble() {
	img, diags := asm.Assemble("drop.s", []byte(`
	.license "GPL"
	.program xdp, drop
	r0 = XDP_DROP
	exit
`), asm.Options{})
	if diags.Err() != nil {
		fmt.Println(diags)
		return
	}
	fmt.Printf("%x\n", img.Section("xdp").Data)
	// Output: b7000000010000009500000000000000
}

func ExampleAssemble_errors() {
	_, diags := asm.Assemble("prog.s", []byte("\tr0 = 0\n\tif r1 == r2 goto done\n\tr0 += w1\nbone:\texit\n"), asm.Options{})
	if err := bpf.Render(os.Stdout, diags); err != nil {
		fmt.Println(err)
	}
	// Output:
	// prog.s:2:19: label done is not defined
	//     2 | 	if r1 == r2 goto done
	//       | 	                 ^~~~
	//       = did you mean bone?
	// prog.s:3:8: w1 is 32 bits wide, and the instruction works on 64: write r1, or use w registers throughout
	//     3 | 	r0 += w1
	//       | 	      ^~
}

func ExamplePrintImage() {
	img, _ := asm.Assemble("f.s", []byte(".program xdp, f\nif r1 == 0 goto 1f\ncall bpf_ktime_get_ns\n1: r0 = XDP_PASS; exit"), asm.Options{NoDebug: true})
	if err := asm.PrintImage(os.Stdout, img); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 	.ifdef __ebas__
	// 	.exact
	// 	.endif
	//
	// 	.text
	// 	.p2align 2
	//
	// 	.section xdp, "ax", @progbits
	// 	.p2align 3
	// 	.globl f
	// 	.type f, @function
	// f:
	// 	if r1 == 0 goto .L1
	// 	call 5                                  # bpf_ktime_get_ns
	// .L1:
	// 	r0 = 2
	// 	exit
	// 	.size f, .-f
}

func ExampleRows() {
	img, _ := asm.Assemble("f.s", []byte(".program xdp, f\nif r1 == 0 goto 1f\ncall bpf_ktime_get_ns\n1: r0 = XDP_PASS; exit"), asm.Options{NoDebug: true})
	obj, _, err := elf.Load(img, "f.o", elf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, row := range asm.Rows(obj.Programs[0], obj) {
		fmt.Printf("%d %q %q %q\n", row.PC, row.Label, row.Text, row.Comment)
	}
	// Output:
	// 0 "" "if r1 == 0 goto L1" ""
	// 1 "" "call 5" "bpf_ktime_get_ns"
	// 2 "L1" "r0 = 2" ""
	// 3 "" "exit" ""
}

func ExampleFormat() {
	img, _ := asm.Assemble("f.s", []byte(".program xdp, f\ncall bpf_ktime_get_ns\ncall g\nexit\n.func g\nexit"), asm.Options{})
	obj, _, err := elf.Load(img, "f.o", elf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	p := obj.Programs[0]
	for pc := 0; pc < len(p.Instructions); {
		text, slots := asm.Format(p, obj, pc)
		fmt.Println(pc, text)
		pc += slots
	}
	// Output:
	// 0 call bpf_ktime_get_ns
	// 1 call g
	// 2 exit
	// 3 exit
}
