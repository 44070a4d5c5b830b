package verifier

import (
	"fmt"

	"ebtools/bpf/linux"
)

// poison is the helper that libbpf's CO-RE makes an instruction call when it
// finds nothing in the kernel's types for it (libbpf's relo_core.c). Programs
// guard such instructions by a test that is constant once relocated.
const poison = 0x0bad2310

// checkHelper checks that the helper that is called exists.
func (c *checker) checkHelper(pc int) *violation {
	id := linux.HelperID(c.insns[pc].Imm)
	if _, ok := linux.HelperByID(id); ok {
		return nil
	}
	kernel := fmt.Sprintf("invalid func unknown#%d", id)
	switch {
	case id == poison && !c.certain[pc]:
		return nil
	case id == poison:
		return &violation{fmt.Errorf("%w: CO-RE found nothing in the kernel's types for this instruction, and nothing keeps it from running", ErrUnknownHelper), kernel, true}
	case id == 0:
		kernel = "program of this type cannot use helper bpf_unspec#0"
	}
	known := linux.Helpers()
	return &violation{fmt.Errorf("%w: number %d, those of Linux are 1 to %d", ErrUnknownHelper, id, known[len(known)-1].ID), kernel, true}
}
