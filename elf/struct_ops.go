package elf

import (
	stdelf "debug/elf"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// A variable in section .struct_ops or .struct_ops.link is a struct of the
// kernel whose pointers to functions are programs of the object: each becomes a
// map of type struct_ops that holds the struct. Pointers are relocations.

// isStructOps reports whether a section holds such variables; a leading "?"
// means that they are to be loaded only if asked for.
func isStructOps(s *Section) bool {
	switch strings.TrimPrefix(s.Name, "?") {
	case ".struct_ops", ".struct_ops.link":
		return s.Type == stdelf.SHT_PROGBITS && !s.IsExecutable()
	}
	return false
}

func (l *loader) loadStructOps(s *Section, known map[string]bool) {
	fail := func(format string, args ...any) {
		l.problem(true, "", fmt.Errorf("section %s: its struct_ops maps are left out: %s", shorten(s.Name), fmt.Sprintf(format, args...)))
	}
	if l.obj.Types == nil {
		fail("they are described by their types, and the object has no usable type information (compile with -g)")
		return
	}
	var datasec *btf.Datasec
	if l.obj.Types.TypeByName(s.Name, &datasec) != nil {
		fail("the types don't describe the section")
		return
	}
	for _, v := range datasec.Vars {
		variable, ok := v.Type.(*btf.Var)
		if !ok {
			continue
		}
		value, ok := btf.As[*btf.Struct](variable.Type)
		switch {
		case !ok:
			fail("%s is not a struct", shorten(variable.Name))
			continue
		case !fits(uint64(v.Offset), uint64(value.Size), len(s.Data)):
			fail("%s: %d bytes at offset %d of %d", shorten(variable.Name), value.Size, v.Offset, len(s.Data))
			continue
		case known[variable.Name]:
			fail("there are two maps called %s", shorten(variable.Name))
			continue
		}
		known[variable.Name] = true
		l.obj.Maps = append(l.obj.Maps, l.structOpsMap(s, v.Offset, variable.Name, value))
	}
}

func (l *loader) structOpsMap(s *Section, offset uint32, name string, value *btf.Struct) *bpf.Map {
	m := &bpf.Map{
		Name: name, Type: linux.MapStructOps, KeySize: 4, ValueSize: value.Size, MaxEntries: 1,
		Key: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, Value: value,
		Contents: append([]byte(nil), s.Data[offset:offset+value.Size]...),
	}
	if strings.HasSuffix(s.Name, ".link") {
		m.Flags = linux.FLink
	}
	for _, rel := range l.values.within(s, uint64(offset), uint64(value.Size)) {
		program, err := l.valueName(s, rel)
		if err != nil {
			l.problem(true, "", fmt.Errorf("map %q: member at offset %d: %w", shorten(name), rel.Offset-uint64(offset), err))
			continue
		}
		m.Values = append(m.Values, bpf.MapValue{Index: uint32(rel.Offset - uint64(offset)), Name: program})
	}
	return m
}
