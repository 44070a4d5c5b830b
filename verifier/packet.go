package verifier

import (
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// checkPacketLoad checks that the program's type has legacy packet loads. The
// type that an extension replaces a function of is not known here.
func (c *checker) checkPacketLoad(in bpf.Instruction) *violation {
	switch c.prog.Type {
	case linux.ProgSocketFilter, linux.ProgSchedCLS, linux.ProgSchedACT, linux.ProgExt, linux.ProgUnspec:
		return nil
	}
	return &violation{
		fmt.Errorf("%w: `%s` in a program of type %s, expected %s, %s or %s", ErrPacketLoad, in, c.prog.Type,
			linux.ProgSocketFilter, linux.ProgSchedCLS, linux.ProgSchedACT),
		"BPF_LD_[ABS|IND] instructions not allowed for this program type", true,
	}
}
