package compat_test

import (
	"fmt"

	"ebtools/asm"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/elf"
)

func ExampleOf() {
	img, _ := asm.Assemble("prog.s", []byte(`
	.map events, type=ringbuf, max_entries=4096
	.program xdp, prog
	r1 = events ll
	r2 = 0
	call bpf_ringbuf_query
	r0 = 2
	exit
`), asm.Options{})
	obj, _, err := elf.Load(img, "prog.s", elf.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	needs := compat.Of(obj, obj.Programs[0])
	fmt.Println("oldest:", compat.Oldest(needs))
	for _, n := range compat.TooNew(needs, linux.Version{Major: 5, Minor: 4}) {
		fmt.Println(n.Since, n.Kind, n.Name, "at", n.Line.Pos)
	}
	// Output:
	// oldest: 5.8
	// 5.8 helper bpf_ringbuf_query at prog.s:6:2
	// 5.8 map type BPF_MAP_TYPE_RINGBUF at prog.s:4:2
}
