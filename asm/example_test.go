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

func ExamplePrintObject() {
	img, _ := asm.Assemble("count.s", []byte(`
	.map counts, type=array, value=u64, max_entries=1
	.program xdp, count
	*(u32 *)(r10 - 4) = 0
	r1 = counts ll ; r2 = r10 ; r2 += -4
	call 1
	if r0 == 0 goto 1f
	*(u64 *)(r0 + 0) = 1
1:	r0 = XDP_PASS
	exit
`), asm.Options{})
	obj, _, err := elf.Load(img, "count.o", elf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := asm.PrintObject(os.Stdout, obj); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 	.map counts, type=array, key=u32, value=u64, max_entries=1
	//
	// 	.program xdp, count
	// 	*(u32 *)(r10 - 4) = 0
	// 	r1 = counts ll
	// 	r2 = r10
	// 	r2 += -4
	// 	call bpf_map_lookup_elem
	// 	if r0 == 0 goto L1
	// 	*(u64 *)(r0 + 0) = 1
	// L1:
	// 	r0 = 2
	// 	exit
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
