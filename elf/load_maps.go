package elf

import (
	"cmp"
	stdelf "debug/elf"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// mapPlace is where a map is defined.
type mapPlace struct {
	section *Section
	offset  uint64
}

// isMaps reports whether a section holds map definitions: .maps those by type,
// maps and maps/* those by content that came before them.
func isMaps(s *Section) bool {
	return s.Name == mapsSection || strings.HasPrefix(s.Name, "maps")
}

// loadMaps finds all maps, in the order of the file.
func (l *loader) loadMaps() {
	l.mapAt, l.brokenMap = map[mapPlace]int{}, map[mapPlace]error{}
	l.dataMap, l.tailCalls = map[*Section]int{}, map[uint32]*bpf.Map{}
	symbols, used := l.mapSymbols(), l.usedSections()
	known := map[string]bool{}
	for _, s := range l.img.Sections {
		switch {
		case s.IsExecutable() || s.Len() == 0:
		case isMaps(s):
			for _, sym := range symbols[s] {
				l.loadMap(sym, known)
			}
		case isStructOps(s):
			l.loadStructOps(s, known)
		case isData(s) && (used[s] || len(symbols[s]) > 0):
			l.loadVariables(s, known)
		}
	}
	l.loadArena()
}

// mapSymbols lists the named variables of the sections that maps are made from,
// by offset. Definitions that have no size of their own reach up to the next.
func (l *loader) mapSymbols() map[*Section][]Symbol {
	symbols := map[*Section][]Symbol{}
	for _, sym := range l.img.Symbols {
		s := sym.Section
		if s == nil || sym.Name == "" || !isMaps(s) && !isData(s) {
			continue
		}
		if sym.Type == stdelf.STT_OBJECT || sym.Type == stdelf.STT_NOTYPE {
			symbols[s] = append(symbols[s], *sym)
		}
	}
	for s, list := range symbols {
		slices.SortStableFunc(list, func(a, b Symbol) int { return cmp.Compare(a.Value, b.Value) })
		end := s.Len()
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].Size == 0 && list[i].Value < end {
				list[i].Size = end - list[i].Value
			}
			end = min(end, list[i].Value)
		}
	}
	return symbols
}

// usedSections says which sections the instructions and variables refer to.
func (l *loader) usedSections() map[*Section]bool {
	used := map[*Section]bool{}
	for _, s := range l.img.Sections {
		if !s.IsExecutable() && !isMaps(s) && !isData(s) {
			continue
		}
		for _, rel := range s.Relocs {
			if rel.Symbol != nil && rel.Symbol.Section != nil {
				used[rel.Symbol.Section] = true
			}
		}
	}
	return used
}

// loadMap makes a map of a symbol in a section of map definitions.
func (l *loader) loadMap(sym Symbol, known map[string]bool) {
	place := mapPlace{sym.Section, sym.Value}
	m, err := l.mapOf(sym)
	if err == nil && known[sym.Name] {
		err = fmt.Errorf("%w: a second map of this name", errMapDef)
	}
	if err != nil {
		err = fmt.Errorf("map %q at %s+%#x: %w", shorten(sym.Name), shorten(sym.Section.Name), sym.Value, err)
		l.brokenMap[place] = err
		l.problem(false, "", err)
		return
	}
	known[sym.Name] = true
	l.mapAt[place] = len(l.obj.Maps)
	l.obj.Maps = append(l.obj.Maps, m)
}

func (l *loader) mapOf(sym Symbol) (*bpf.Map, error) {
	s := sym.Section
	if !fits(sym.Value, sym.Size, len(s.Data)) {
		return nil, fmt.Errorf("%w: %d bytes at offset %d of a section of %d", errMapDef, sym.Size, sym.Value, len(s.Data))
	}
	if s.Name != mapsSection {
		return l.oldMapDef(sym, s.Data[sym.Value:sym.Value+sym.Size])
	}
	if l.obj.Types == nil {
		return nil, fmt.Errorf("%w: it is described by its type, and the object has no usable type information (compile with -g)", errMapDef)
	}
	var datasec *btf.Datasec
	if err := l.obj.Types.TypeByName(s.Name, &datasec); err != nil {
		return nil, fmt.Errorf("%w: the types don't describe section %s", errMapDef, s.Name)
	}
	for _, v := range datasec.Vars {
		v, ok := v.Type.(*btf.Var)
		if !ok || v.Name != sym.Name {
			continue
		}
		def, ok := btf.As[*btf.Struct](v.Type)
		if !ok {
			return nil, fmt.Errorf("%w: its type is not a struct", errMapDef)
		}
		m, err := parseMapDef(sym.Name, def, false)
		if err == nil {
			l.mapValues(m, sym, def)
		}
		return m, err
	}
	return nil, fmt.Errorf("%w: the types don't describe it", errMapDef)
}

// Sizes in bytes of the structs that define maps in section maps, of 4-byte
// numbers all: type, size of key, size of value, maximum of entries, flags, and
// then what each loader added. The flags may be missing.
const (
	oldMapDefMin      = 16
	oldMapDefSize     = 20 // libbpf's struct bpf_map_def
	oldMapDefSamples  = 28 // of the kernel's samples: and index of the inner map, NUMA node
	oldMapDefIproute2 = 36 // struct bpf_elf_map: and id, pinning, id of the inner map, its index
)

// oldMapDef reads a map definition from before there was BTF.
func (l *loader) oldMapDef(sym Symbol, b []byte) (*bpf.Map, error) {
	if len(b) < oldMapDefMin {
		return nil, fmt.Errorf("%w: %d bytes; the shortest has %d", errMapDef, len(b), oldMapDefMin)
	}
	word := func(i int) uint32 {
		if i*4+4 > len(b) {
			return 0
		}
		return l.img.ByteOrder.Uint32(b[i*4:])
	}
	m := &bpf.Map{
		Name: sym.Name, Type: linux.MapType(word(0)),
		KeySize: word(1), ValueSize: word(2), MaxEntries: word(3), Flags: word(4),
	}
	holdsMaps := m.Type == linux.MapArrayOfMaps || m.Type == linux.MapHashOfMaps
	switch {
	case len(b) == oldMapDefIproute2:
		m.Pinning = min(word(6), 1)
		if id := word(5); m.Type == linux.MapProgArray && l.tailCalls[id] == nil {
			l.tailCalls[id] = m
		}
		if inner := word(7); holdsMaps && inner != 0 {
			m.Inner = l.oldMapWithID(sym.Section, inner)
		}
	case len(b) == oldMapDefSamples && holdsMaps:
		if i := word(5); int64(i) < int64(len(l.obj.Maps)) {
			m.Inner = l.obj.Maps[i]
		}
	case len(b) > oldMapDefSize && slices.ContainsFunc(b[oldMapDefSize:], func(c byte) bool { return c != 0 }):
		l.problem(true, "", fmt.Errorf("map %q: what stands behind the first %d of its %d bytes is left out", shorten(sym.Name), oldMapDefSize, len(b)))
	}
	return m, nil
}

// oldMapWithID finds the map that iproute2's definitions in s give this id.
func (l *loader) oldMapWithID(s *Section, id uint32) *bpf.Map {
	for place, i := range l.mapAt {
		at := place.offset + oldMapDefSize
		if place.section == s && fits(at, 4, len(s.Data)) && l.img.ByteOrder.Uint32(s.Data[at:]) == id {
			return l.obj.Maps[i]
		}
	}
	return nil
}

// loadVariables makes a map of a section of global variables: an array whose
// one value is the section.
func (l *loader) loadVariables(s *Section, known map[string]bool) {
	if err := checkVariables(s, known); err != nil {
		l.problem(false, "", fmt.Errorf("section %s: %w", shorten(s.Name), err))
		return
	}
	if n := len(s.Relocs); n > 0 {
		l.problem(true, "", fmt.Errorf("section %s: %d pointers in it are left as they are; a map can't hold addresses of variables or functions", shorten(s.Name), n))
	}
	known[s.Name] = true
	m := &bpf.Map{
		Name: s.Name, Section: s.Name,
		Type: linux.MapArray, KeySize: 4, ValueSize: uint32(s.Len()), MaxEntries: 1,
		Key:      &btf.Int{Name: "unsigned int", Size: 4},
		Contents: slices.Clone(s.Data),
	}
	if strings.HasPrefix(s.Name, ".rodata") {
		m.Frozen, m.Flags = true, linux.FRdonlyProg
	}
	if l.obj.Types != nil {
		var datasec *btf.Datasec
		if l.obj.Types.TypeByName(s.Name, &datasec) == nil {
			m.Value = datasec
		}
	}
	l.dataMap[s] = len(l.obj.Maps)
	l.obj.Maps = append(l.obj.Maps, m)
}

// checkVariables reports why a section can't become a map of variables.
func checkVariables(s *Section, known map[string]bool) error {
	switch {
	case s.Type != stdelf.SHT_PROGBITS && s.Type != stdelf.SHT_NOBITS:
		return fmt.Errorf("type %s can't hold variables", s.Type)
	case s.Flags&stdelf.SHF_COMPRESSED != 0:
		return errors.New("compressed variables can't be loaded")
	case s.Len() > math.MaxUint32:
		return fmt.Errorf("%d bytes of variables are more than a map can hold", s.Len())
	case known[s.Name]:
		return errors.New("there are two of this name")
	}
	return nil
}
