package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

// fill gives a map the programs or maps that it holds from the start.
func (m *Map) fill() error {
	for _, v := range m.def.Values {
		if m.def.Type != linux.MapProgArray {
			continue
		}
		number := uint32(0)
		for i, p := range m.machine.programs {
			if p.prog.Name == v.Name {
				number = uint32(i + 1)
			}
		}
		if number == 0 {
			continue // a program that could not be loaded
		}
		key := binary.LittleEndian.AppendUint32(nil, v.Index)
		if err := m.Update(key, binary.LittleEndian.AppendUint32(nil, number), linux.Any); err != nil {
			return fmt.Errorf("map %s: program %s at index %d: %w", m.def.Name, v.Name, v.Index, err)
		}
	}
	return nil
}
