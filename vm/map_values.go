package vm

import (
	"encoding/binary"
	"fmt"

	"ebtools/bpf/linux"
)

// fill gives a map the programs or maps that it holds from the start. Programs that
// could not be loaded are left out.
func (m *Map) fill() error {
	for _, v := range m.def.Values {
		key := binary.LittleEndian.AppendUint32(nil, v.Index)
		var err error
		switch m.def.Type {
		case linux.MapProgArray:
			if p := m.machine.Program(v.Name); p != nil {
				err = m.UpdateProgram(key, p, linux.Any)
			}
		case linux.MapArrayOfMaps, linux.MapHashOfMaps:
			err = m.UpdateMap(key, m.machine.Map(v.Name), linux.Any)
		}
		if err != nil {
			return fmt.Errorf("map %s: %s at index %d: %w", m.def.Name, v.Name, v.Index, err)
		}
	}
	return nil
}
