package vm

import (
	"encoding/binary"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// What maps that refer to something let in.

// admit gives why a map of references refuses the number in value.
func (m *Map) admit(value []byte) error {
	number := binary.LittleEndian.Uint32(value)
	switch m.def.Type {
	case linux.MapProgArray:
		p := m.machine.programNumber(number)
		if p == nil {
			return linux.EBADF
		}
		if m.owner == nil {
			m.owner = p
		}
		if p.prog.Type != m.owner.prog.Type {
			return linux.EINVAL
		}
	case linux.MapArrayOfMaps, linux.MapHashOfMaps:
		inner := m.machine.mapNumber(number)
		if inner == nil {
			return linux.EBADF
		}
		if !sameShape(m.inner, inner.def) {
			return linux.EINVAL
		}
	default:
		if number == 0 {
			return linux.EBADF
		}
	}
	return nil
}

// sameShape reports whether a map may stand where a map of maps has its template
// (Linux, map_meta_equal).
func sameShape(template, def *bpf.Map) bool {
	if template.Type != def.Type || template.KeySize != def.KeySize || template.ValueSize != def.ValueSize || template.Flags != def.Flags {
		return false
	}
	switch template.Type {
	case linux.MapArray, linux.MapPercpuArray:
		return template.Flags&linux.FInnerMap != 0 || template.MaxEntries == def.MaxEntries
	case linux.MapBloomFilter:
		return template.Extra == def.Extra
	}
	return true
}

// programNumber gives the program that maps call by a number, nil for none.
func (m *Machine) programNumber(number uint32) *Program {
	if number-1 < uint32(len(m.programs)) {
		return m.programs[number-1]
	}
	return nil
}

// mapNumber is the same for a map.
func (m *Machine) mapNumber(number uint32) *Map {
	if number-1 < uint32(len(m.maps)) {
		return m.maps[number-1]
	}
	return nil
}

// maxQueue is the most packets that a CPU may have waiting (kernel/bpf/cpumap.c).
const maxQueue = 16384

// admitInterface gives why a devmap refuses value: every interface exists here.
func (m *Map) admitInterface(value []byte) error {
	number := secondNumber(value)
	switch {
	case number == 0:
		return nil
	case binary.LittleEndian.Uint32(value) == 0 || !m.runs(number, linux.AttachXDPDevmap):
		return linux.EINVAL
	}
	return nil
}

// admitCPU gives why a cpumap refuses value for a CPU.
func (m *Map) admitCPU(cpu int, value []byte) error {
	length, number := binary.LittleEndian.Uint32(value), secondNumber(value)
	switch {
	case length > maxQueue:
		return linux.EOVERFLOW
	case cpu >= m.machine.cpus:
		return linux.ENODEV
	case length != 0 && number != 0 && !m.runs(number, linux.AttachXDPCpumap):
		return linux.ENOMEM // what the kernel makes of any failure there
	}
	return nil
}

// secondNumber is that of a program, 0 for none: as a file descriptor it would be
// negative.
func secondNumber(value []byte) uint32 {
	if len(value) < 8 {
		return 0
	}
	return uint32(max(0, int32(binary.LittleEndian.Uint32(value[4:]))))
}

// runs reports whether there is an XDP program of that number for maps of a kind.
func (m *Map) runs(number uint32, attach linux.AttachType) bool {
	p := m.machine.programNumber(number)
	return p != nil && p.prog.Type == linux.ProgXDP && p.prog.Attach == attach
}
