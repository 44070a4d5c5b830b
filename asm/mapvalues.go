package asm

import (
	stdelf "debug/elf"
	"math"
	"slices"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
)

// mapValue is an initial value of a .map: the program or map called name.
type mapValue struct {
	index uint32
	at    span
	name  string
}

// mapNode reads the NUMA node that a map is allocated on.
func (a *assembler) mapNode(m *bpf.Map) *fault {
	n, f := a.absoluteIn("the node", 0, math.MaxInt32)
	m.NumaNode = uint32(n)
	return f
}

// maxValueIndex bounds the indices of initial values: each up to the highest
// takes 8 bytes of the object.
const maxValueIndex = 1 << 20

// mapValues reads {first, second, [5]=third}: what a map of programs or maps
// holds from the start, by name. As in C, one without index follows the one
// before.
func (a *assembler) mapValues(m *bpf.Map) *fault {
	open, f := a.expect(tokLeftBrace, "names of programs or maps in braces")
	if f != nil {
		return f
	}
	if isInner(m) {
		return faultAt(a.span(open), ErrMisuse, "what is in an inner map can't be said here: define that map with .map, and name it among the values of the outer one")
	}
	next := int64(0)
	for !a.accept(tokRightBrace) {
		if a.accept(tokLeftBracket) {
			n, f := a.absoluteIn("the index", 0, maxValueIndex)
			if f != nil {
				return f
			}
			if _, f := a.expect(tokRightBracket, "a closing bracket"); f != nil {
				return f
			}
			if _, f := a.expect(tokEqual, "= and a name"); f != nil {
				return f
			}
			next = n
		}
		name, t, f := a.name("a program or a map, as first or [2]=third")
		if f != nil {
			return f
		}
		for _, v := range a.comfort.values {
			if v.index == uint32(next) {
				return faultAt(a.span(t), ErrRedefined, "index %d has the value %s already", next, v.name)
			}
		}
		a.comfort.values = append(a.comfort.values, mapValue{uint32(next), a.span(t), name})
		next++
		if a.toks[a.i].kind != tokRightBrace && !a.another() {
			return a.unexpected(a.toks[a.i], "a comma or a closing brace")
		}
	}
	if len(a.comfort.values) == 0 {
		return faultAt(a.span(open), ErrMisuse, "values without a name: leave them out")
	}
	return nil
}

// takeValues puts the initial values into the map's description, before the rest
// of it is checked. A map of maps that doesn't say what its maps are like takes
// that from the first value; and without max_entries, values are all there is
// room for.
func (a *assembler) takeValues(m *bpf.Map, values []mapValue, seen map[string]bool) *fault {
	if len(values) == 0 {
		return nil
	}
	need := mapNeeds(m.Type)
	if m.Type != 0 && !need.inner && m.Type != linux.MapProgArray {
		return faultAt(values[0].at, ErrMisuse, "a map of type %s can't have values from the start: only those of programs and of maps can", m.Type)
	}
	if need.inner && m.Inner == nil {
		i := slices.IndexFunc(a.comfort.maps, func(d mapDefinition) bool { return d.symbol.name == values[0].name })
		if i < 0 {
			return faultAt(values[0].at, ErrUndefined, "what map %s is like is not known here: define it before this one, or say inner={type=…}", values[0].name)
		}
		inner := *a.comfort.maps[i].def
		inner.Name, inner.Pinning = m.Name+".inner", 0
		m.Inner = &inner
	}
	slices.SortFunc(values, func(x, y mapValue) int { return int(x.index) - int(y.index) })
	if _, given := seen["max_entries"]; !given {
		m.MaxEntries = values[len(values)-1].index + 1
		seen["max_entries"] = true
	}
	for _, v := range values {
		m.Values = append(m.Values, bpf.MapValue{Index: v.index, Name: v.name})
	}
	return nil
}

// placeValues makes the addresses of the initial values in the map's
// definition, which starts at a place of the current section.
func (a *assembler) placeValues(m *bpf.Map, values []mapValue, at place) *fault {
	for _, v := range values {
		if v.index >= m.MaxEntries && m.MaxEntries > 0 && mapNeeds(m.Type).key == sideIndex {
			return faultAt(v.at, ErrRange, "index %d is beyond the map's max_entries=%d", v.index, m.MaxEntries)
		}
		off := at.off + uint64(elf.MapValuesOffset(m)) + uint64(v.index)*8
		a.section.fixups = append(a.section.fixups, fixup{
			place: place{off, at.gap}, kind: fixData8, expr: a.reference(v.name), at: v.at,
		})
	}
	return nil
}

// checkValues makes sure that what the values of all maps name is there, and
// something that loaders put into such a map.
func (a *assembler) checkValues() {
	for _, d := range a.comfort.maps {
		for _, v := range d.values {
			if f := a.checkValue(d.def, v); f != nil {
				a.report(f)
			}
		}
	}
}

func (a *assembler) checkValue(m *bpf.Map, v mapValue) *fault {
	s := a.symbols.named(v.name)
	if m.Type == linux.MapProgArray {
		if s.state != symLabel || !s.section.isExecutable() || s.bind != stdelf.STB_GLOBAL || s.section.name == ".text" {
			return faultAt(v.at, ErrMisuse, "%s is no program: a map of type %s holds what .program begins", v.name, m.Type)
		}
		return nil
	}
	i := slices.IndexFunc(a.comfort.maps, func(d mapDefinition) bool { return d.symbol == s })
	if i < 0 {
		return faultAt(v.at, ErrMisuse, "%s is not defined by .map: a map of type %s holds maps", v.name, m.Type)
	}
	held := a.comfort.maps[i].def
	if held.Type != m.Inner.Type || held.KeySize != m.Inner.KeySize || held.ValueSize != m.Inner.ValueSize {
		return faultAt(v.at, ErrMisuse, "%s is a %s map with keys of %d bytes and values of %d, and inner= asks for %s, %d and %d",
			v.name, held.Type, held.KeySize, held.ValueSize, m.Inner.Type, m.Inner.KeySize, m.Inner.ValueSize)
	}
	return nil
}
