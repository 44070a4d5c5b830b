package verifier

import (
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

const kernelLoadImm64 = "invalid bpf_ld_imm64 insn"

// loadIsCut reports whether the 64-bit immediate load at pc lacks its second slot.
func (c *checker) loadIsCut(pc int) bool {
	return pc+1 >= len(c.insns) || !c.second[pc+1]
}

// checkLoadImm64 checks what the kernel does of 64-bit immediate loads before it
// follows paths: the second slot and the kind.
func (c *checker) checkLoadImm64(pc int) *violation {
	in := c.insns[pc]
	if c.loadIsCut(pc) {
		return &violation{err: fmt.Errorf("%w: a 64-bit immediate load takes two slots, the second with opcode 0", ErrInvalidInstruction), kernel: kernelLoadImm64}
	}
	next := c.insns[pc+1]
	if next != (bpf.Instruction{Imm: next.Imm}) {
		return &violation{err: fmt.Errorf("%w: the second slot of a 64-bit immediate load may hold the immediate only", ErrInvalidInstruction), kernel: kernelLoadImm64}
	}
	const unrecognized = "unrecognized bpf_ld_imm64 insn"
	switch in.Src {
	case 0, bpf.PseudoMapValue, bpf.PseudoBTFID, bpf.PseudoFunc, bpf.PseudoMapIdxValue:
		return nil
	case bpf.PseudoMapFD, bpf.PseudoMapIdx:
		if next.Imm != 0 {
			return &violation{err: fmt.Errorf("%w: the second immediate of a map's address is %d, expected 0", ErrInvalidInstruction, next.Imm), kernel: unrecognized}
		}
		return nil
	}
	return &violation{err: fmt.Errorf("%w: there is no kind %d of 64-bit immediate, the source field may be 0 to 6", ErrInvalidInstruction, in.Src), kernel: unrecognized}
}

// maxDirectOffset bounds offsets into map values that are part of an
// instruction (Linux BPF_MAX_VAR_OFF).
const maxDirectOffset = 1 << 29

// checkMapReference checks that the map that a 64-bit immediate load refers to
// exists and that its value has the place. The kernel's words are those for the
// file descriptors that the indexes become.
func (c *checker) checkMapReference(pc int) *violation {
	in := c.insns[pc]
	if c.obj == nil || in.Src != bpf.PseudoMapIdx && in.Src != bpf.PseudoMapIdxValue {
		return nil
	}
	if in.Imm < 0 || int(in.Imm) >= len(c.obj.Maps) || c.obj.Maps[in.Imm] == nil {
		return &violation{
			err:    fmt.Errorf("%w: map %d, there are %d", ErrMap, in.Imm, len(c.obj.Maps)),
			kernel: "fd 0 is not pointing to valid bpf_map",
		}
	}
	if in.Src == bpf.PseudoMapIdx {
		return nil
	}
	m, off := c.obj.Maps[in.Imm], uint32(c.insns[pc+1].Imm)
	outside := fmt.Sprintf("invalid access to map value pointer, value_size=%d off=%d", m.ValueSize, off)
	switch {
	case off >= maxDirectOffset:
		return &violation{
			err:    fmt.Errorf("%w: offset %d into the value of %s, at most %d is allowed", ErrMap, off, m.Name, maxDirectOffset-1),
			kernel: fmt.Sprintf("direct value offset of %d is not allowed", off),
		}
	case m.Type == linux.MapArena:
		return nil
	case m.Type != linux.MapArray:
		return &violation{
			err:    fmt.Errorf("%w: the address of the value of %s, which is a %s: only an array's value has one", ErrMap, m.Name, m.Type),
			kernel: "no direct value access support for this map type",
		}
	case m.MaxEntries != 1:
		return &violation{
			err:    fmt.Errorf("%w: the address of the value of %s, which has %d entries, expected 1", ErrMap, m.Name, m.MaxEntries),
			kernel: outside,
		}
	case off >= m.ValueSize:
		return &violation{
			err:    fmt.Errorf("%w: offset %d into the value of %s, which has %d bytes", ErrMap, off, m.Name, m.ValueSize),
			kernel: outside,
		}
	}
	return nil
}
