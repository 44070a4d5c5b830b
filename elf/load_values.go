package elf

import (
	"cmp"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"slices"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// mapValues reads what a map of maps or programs holds from the start: the
// addresses behind the struct that defines it, which are relocations against
// the symbols of the maps or programs.
func (l *loader) mapValues(m *bpf.Map, sym Symbol, def *btf.Struct) {
	relocs := l.values.within(sym.Section, sym.Value, sym.Size)
	if len(relocs) == 0 {
		return
	}
	complain := func(format string, args ...any) {
		l.problem(true, "", fmt.Errorf("map %q: %s", shorten(m.Name), fmt.Sprintf(format, args...)))
	}
	last := len(def.Members) - 1
	if last < 0 || def.Members[last].Name != "values" {
		complain("the addresses in its definition are left out: a map of type %s has no values there", m.Type)
		return
	}
	start := sym.Value + uint64(def.Members[last].Offset.Bytes())
	for _, rel := range relocs {
		if rel.Offset < start || (rel.Offset-start)%mapMemberSize != 0 {
			complain("an address at offset %d of its definition is not where a value stands", rel.Offset-sym.Value)
			continue
		}
		name, err := l.valueName(sym.Section, rel)
		if err != nil {
			complain("value %d is left out: %v", (rel.Offset-start)/mapMemberSize, err)
			continue
		}
		m.Values = append(m.Values, bpf.MapValue{Index: uint32((rel.Offset - start) / mapMemberSize), Name: name})
	}
}

// valueIndex finds relocations and names quickly, whatever a file holds.
type valueIndex struct {
	relocs map[*Section][]Relocation // by offset, one for each
	names  map[mapPlace]string       // of functions and variables
}

// within takes the relocations of a stretch of a section out of the index: maps
// that lie over each other don't share them.
func (x *valueIndex) within(s *Section, offset, size uint64) []Relocation {
	list, ok := x.relocs[s]
	if !ok {
		list = slices.DeleteFunc(slices.Clone(s.Relocs), func(rel Relocation) bool { return rel.Type == RelocNone })
		slices.SortStableFunc(list, func(a, b Relocation) int { return cmp.Compare(a.Offset, b.Offset) })
		list = slices.CompactFunc(list, func(a, b Relocation) bool { return a.Offset == b.Offset })
	}
	first, _ := slices.BinarySearchFunc(list, offset, func(rel Relocation, at uint64) int { return cmp.Compare(rel.Offset, at) })
	end := first
	for end < len(list) && list[end].Offset-offset < size {
		end++
	}
	if x.relocs == nil {
		x.relocs = map[*Section][]Relocation{}
	}
	x.relocs[s] = list[end:] // maps come by ascending offset
	return list[first:end]
}

// name gives the name of the function or variable that begins at a place.
func (x *valueIndex) name(img *Image, place mapPlace) string {
	if x.names == nil {
		x.names = map[mapPlace]string{}
		for _, s := range img.Symbols {
			if at := (mapPlace{s.Section, s.Value}); s.Name != "" && x.names[at] == "" && (s.Type == stdelf.STT_FUNC || s.Type == stdelf.STT_OBJECT) {
				x.names[at] = s.Name
			}
		}
	}
	return x.names[place]
}

// valueName gives the name of the program or map that a value's relocation is
// about. One against a section says with its addend where the program begins.
func (l *loader) valueName(in *Section, rel Relocation) (string, error) {
	sym := rel.Symbol
	switch {
	case rel.Type != RelocABS64 && rel.Type != Reloc64_64:
		return "", fmt.Errorf("a relocation of type %s is no address", rel.Type)
	case sym == nil:
		return "", errors.New("its relocation has no symbol")
	case !sym.IsDefined() || sym.Section == nil:
		return "", fmt.Errorf("%q is not defined in the object", shorten(sym.Name))
	case !sym.Section.IsExecutable() && !isMaps(sym.Section):
		return "", fmt.Errorf("%s is neither a program nor a map", rel.name())
	}
	offset := sym.Value + uint64(rel.Addend)
	if !in.Rela && fits(rel.Offset, mapMemberSize, len(in.Data)) {
		offset += l.img.ByteOrder.Uint64(in.Data[rel.Offset:])
	}
	if offset == sym.Value && sym.Type != stdelf.STT_SECTION && sym.Name != "" {
		return sym.Name, nil
	}
	if name := l.values.name(l.img, mapPlace{sym.Section, offset}); name != "" {
		return name, nil
	}
	return "", fmt.Errorf("no program and no map begins at offset %d of section %s", offset, shorten(sym.Section.Name))
}
