package verifier

import (
	"fmt"

	"ebtools/bpf"
)

// access is a load, store or atomic operation: where it is based and whether
// the kernel calls it a read.
type access struct {
	base bpf.Register
	read bool
}

// accesses gives the access to memory that the instruction makes, if any.
func accesses(in bpf.Instruction) (access, bool) {
	switch in.Class() {
	case bpf.ClassLDX:
		return access{in.Src, true}, true
	case bpf.ClassST:
		return access{in.Dst, false}, true
	case bpf.ClassSTX:
		switch {
		case in.Mode() != bpf.ModeATOMIC || in.Imm == bpf.AtomicStoreRel:
			return access{in.Dst, false}, true
		case in.Imm == bpf.AtomicLoadAcq:
			return access{in.Src, true}, true
		}
		return access{in.Dst, true}, true
	}
	return access{}, false
}

// checkStackAccess checks that an access through r10 lies in the frame, the 512
// bytes below r10, and at a multiple of its size: the kernel wants that of the
// stack on every machine.
func checkStackAccess(in bpf.Instruction) *violation {
	a, ok := accesses(in)
	if !ok || a.base != bpf.R10 {
		return nil
	}
	off, size := int(in.Off), in.Size()
	verb, kernelVerb := "write", "write to"
	if a.read {
		verb, kernelVerb = "read", "read from"
	}
	misaligned := fmt.Sprintf("misaligned stack access off 0+0+%d size %d", off, size)
	switch {
	case off < -bpf.StackSize || off+size > 0:
		kernel := fmt.Sprintf("invalid %s stack R10 off=%d size=%d", kernelVerb, off, size)
		if off%size != 0 {
			kernel = misaligned // which it looks for first
		}
		return &violation{fmt.Errorf("%w: %s of %s at r10%+d, the frame is r10-%d to r10-1", ErrStack, verb, bytes(size), off, bpf.StackSize), kernel, true}
	case off%size != 0:
		return &violation{fmt.Errorf("%w: %s of %s at r10%+d, expected a multiple of %d", ErrAlignment, verb, bytes(size), off, size), misaligned, true}
	}
	return nil
}

// bytes is a size in words.
func bytes(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return fmt.Sprintf("%d bytes", n)
}
