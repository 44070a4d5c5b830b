package ebtools_test

import (
	"fmt"
	"os"

	"ebtools"
	"ebtools/vm"
)

func ExampleOpen() {
	packet, _ := os.ReadFile("testdata/echo-request.bin")

	file, _ := ebtools.Open("programs/xdp_drop_icmp/xdp_drop_icmp.s")
	machine, _ := vm.New(file.Object, vm.Options{})
	out, err := machine.Program("xdp_drop_icmp").RunXDP(&vm.Frame{Data: packet})
	fmt.Println(out.Verdict, err)
	// Output: 1 <nil>
}
