package vm

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// lookup is bpf_map_lookup_elem of an array that is known before the program
// runs: where the value of key 0 is on CPU 0, how far it is to the next key's and
// to the next CPU's, in bytes, and how many keys there are.
type lookup struct{ start, stride, nextCPU, entries uint64 }

// inline gives calls of helpers that are simple enough an operation of their own:
// bpf_get_smp_processor_id, and lookups in an array. Which map r1 is follows from
// the instructions before, as far back as the last one that is jumped to.
// plain keeps the call.
func (c *code) inline(maps []*Map) {
	targets := c.targets()
	var known [16]*Map // by register, of which an instruction has 4 bits
	for pc, in := range c.plain[:c.slots] {
		if targets[pc] {
			clear(known[:])
		}
		switch in.op {
		case opCallHelper:
			switch helpers[uint8(in.imm)].id {
			case linux.FnMapLookupElem:
				if l, ok := inlined(known[bpf.R1]); ok {
					c.insts[pc] = inst{op: opLookup, imm: uint64(len(c.lookups))}
					c.lookups = append(c.lookups, l)
				}
			case linux.FnGetSmpProcessorId:
				c.insts[pc] = inst{op: opCPU}
			}
			clear(known[:bpf.R6])
		case opCallLocal:
			clear(known[:bpf.R6])
		case opMovLong:
			known[in.dst&15] = nil
			if i := (in.imm - mapHandleBase) >> 8; i < uint64(len(maps)) && in.imm == mapHandle(int(i)) {
				known[in.dst&15] = maps[i]
			}
		case opMovX:
			known[in.dst&15] = known[in.src&15]
		case opAtomic:
			known[in.dst&15], known[in.src&15], known[bpf.R0] = nil, nil, nil
		default:
			known[in.dst&15] = nil
		}
	}
}

// targets marks where jumps, calls and callbacks arrive.
func (c *code) targets() []bool {
	targets := make([]bool, c.slots)
	for pc, in := range c.plain[:c.slots] {
		switch {
		case in.op >= opJmp && in.op <= opMayGoto, in.op == opCallLocal:
			targets[pc+1+int(in.off)] = true
		case in.op == opMovLong && in.imm>>32 == codeHandle(0)>>32:
			if to := int(uint32(in.imm) >> 3); to < c.slots {
				targets[to] = true
			}
		}
	}
	return targets
}

// inlined describes the lookup in m, if it is one of the kinds that are.
func inlined(m *Map) (lookup, bool) {
	if m == nil || m.missing != nil || m.def.Type != linux.MapArray && m.def.Type != linux.MapPercpuArray {
		return lookup{}, false
	}
	l := lookup{start: m.values.address(0, 0), stride: uint64(m.values.stride), entries: uint64(m.def.MaxEntries)}
	for cpu := 1; cpu < m.cpus; cpu++ {
		distance := m.values.address(cpu, 0) - m.values.address(cpu-1, 0)
		if cpu > 1 && distance != l.nextCPU {
			return lookup{}, false
		}
		l.nextCPU = distance
	}
	return l, true
}
