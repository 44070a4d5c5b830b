package core_test

import (
	"fmt"
	"log"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// A program was compiled where the pid of a task was at offset 4, and is to run
// where it is at offset 1256.
func Example() {
	number := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	read := func(offset btf.Bits) *core.Types {
		b, err := btf.NewBuilder([]btf.Type{
			&btf.Struct{Name: "task_struct", Size: 2048, Members: []btf.Member{{Name: "pid", Type: number, Offset: offset * 8}}},
		}, nil)
		if err != nil {
			log.Fatal(err)
		}
		encoded, err := b.Marshal(nil, btf.KernelMarshalOptions())
		if err != nil {
			log.Fatal(err)
		}
		types, err := core.ReadTypes(encoded, nil)
		if err != nil {
			log.Fatal(err)
		}
		return types
	}
	local, kernel := read(4), read(1256)

	code := []bpf.Instruction{{Op: bpf.ClassLDX | bpf.ModeMEM | bpf.SizeW, Dst: bpf.R0, Src: bpf.R1, Off: 4}}
	r := core.NewTargets(kernel).NewResolver(local)
	c, err := r.Relocate(code, 0, core.Relocation{Kind: bpf.COREFieldByteOffset, ID: 1, Access: "0:0"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s of %s%s: %d, here %d\n", c.Kind, c.Root, c.Access, c.Local, c.Target)
	fmt.Println(code[0])
	// Output:
	// byte_off of struct task_struct.pid: 4, here 1256
	// r0 = *(u32 *)(r1 + 1256)
}
