package elf_test

import (
	"fmt"
	"log"
	"os"

	"ebtools/elf"
)

// Read an object of clang, link its programs, and say what is in it.
func Example() {
	file, err := os.ReadFile("testdata/linked.o")
	if err != nil {
		log.Fatal(err)
	}
	img, err := elf.Read(file)
	if err != nil {
		log.Fatal(err)
	}
	obj, problems, err := elf.Load(img, "linked.o", elf.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	for _, p := range obj.Programs {
		fmt.Printf("%s program %s: %d instructions in %d functions\n", p.Type, p.Name, len(p.Instructions), len(p.Functions))
	}
	for _, m := range obj.Maps {
		fmt.Printf("%s map %s: keys of %d bytes, values of %d\n", m.Type, m.Name, m.KeySize, m.ValueSize)
	}
	// Output:
	// xdp program first: 38 instructions in 3 functions
	// xdp program second: 37 instructions in 4 functions
	// sched_cls program third: 45 instructions in 5 functions
	// tracepoint program fourth: 2 instructions in 1 functions
	// array map .data: keys of 4 bytes, values of 44
	// array map .rodata: keys of 4 bytes, values of 4
	// array map .rodata.extra: keys of 4 bytes, values of 2
	// array map .data.tuning: keys of 4 bytes, values of 4
	// hash map counts: keys of 4 bytes, values of 8
	// array map .bss: keys of 4 bytes, values of 12
}
