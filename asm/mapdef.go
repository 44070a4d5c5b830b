package asm

import (
	stdelf "debug/elf"
	"math"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
)

// doMap is .map NAME, type=TYPE, key=…, value=…, max_entries=…, and more: a map
// as libbpf 1.0 and later, cilium/ebpf and iproute2 know it, a variable of
// section .maps whose type says all. The definition goes on over the end of a
// line behind a comma and within braces.
func (a *assembler) doMap(d token) *fault {
	if f := a.joinLines(); f != nil {
		return f
	}
	name, t, f := a.name("the map's name")
	if f != nil {
		return f
	}
	m := &bpf.Map{Name: name}
	seen := map[string]bool{}
	a.comfort.values = nil
	for a.another() {
		if a.atEnd() { // a comma too many
			break
		}
		if f := a.readAttribute(m, seen); f != nil {
			return f
		}
	}
	if !a.atEnd() {
		return a.unexpected(a.toks[a.i], "a comma or the end of the statement")
	}
	values := a.comfort.values
	if f := a.takeValues(m, values, seen); f != nil {
		return f
	}
	if f := a.completeMap(m, seen, a.span(t)); f != nil {
		return f
	}
	maps := a.sectionNamed(mapsSection)
	if maps.plain || maps.here() == (place{}) {
		maps.flags, maps.plain = stdelf.SHF_ALLOC|stdelf.SHF_WRITE, false
	}
	return a.within(maps, func() *fault {
		if f := a.alignTo(8, nil, 0, a.span(t)); f != nil {
			return f
		}
		size := uint64(elf.MapDefSize(m))
		s, f := a.defineVariable(t, name, size)
		if f != nil {
			return f
		}
		at := a.section.here()
		a.comfort.maps = append(a.comfort.maps, mapDefinition{symbol: s, def: m, values: values})
		if f := a.reserve(size, nil, a.span(d)); f != nil {
			return f
		}
		return a.placeValues(m, values, at)
	})
}

// joinLines adds the tokens of the following lines while the statement is not
// complete. Within braces a semicolon counts as a comma.
func (a *assembler) joinLines() *fault {
	top := &a.frames[len(a.frames)-1]
	depth, i := 0, a.i
	for {
		for ; a.toks[i].kind != tokEnd; i++ {
			switch a.toks[i].kind {
			case tokLeftBrace:
				depth++
			case tokRightBrace:
				depth--
			}
		}
		goesOn := depth > 0 || i > 0 && a.toks[i-1].kind == tokComma
		if !goesOn || top.off >= top.end {
			return nil
		}
		end := a.toks[i]
		more, next, f := a.buf.scan(top.off, nil)
		if f == nil && more[0].kind == tokIdent && a.buf.text[more[0].start] == '.' {
			return nil // a directive: a brace is missing
		}
		top.off = next
		if f != nil {
			return f
		}
		a.toks = a.toks[:i]
		if int(end.start) < len(a.buf.text) && a.buf.text[end.start] == ';' {
			a.toks = append(a.toks, token{kind: tokComma, start: end.start, end: end.start + 1})
			i++
		}
		a.toks = append(a.toks, more...)
	}
}

// mapAttribute is a word of a .map and what reads its value.
type mapAttribute struct {
	name string
	read func(a *assembler, m *bpf.Map) *fault
}

// mapAttributes are all of them, in the order messages list them.
var mapAttributes []mapAttribute

func init() {
	mapAttributes = []mapAttribute{
		{"type", (*assembler).mapType},
		{"key", func(a *assembler, m *bpf.Map) (f *fault) {
			m.Key, m.KeySize, f = a.mapSide(m.Name + "_key")
			return f
		}},
		{"value", func(a *assembler, m *bpf.Map) (f *fault) {
			m.Value, m.ValueSize, f = a.mapSide(m.Name + "_value")
			return f
		}},
		{"max_entries", mapNumber(func(m *bpf.Map) *uint32 { return &m.MaxEntries })},
		{"flags", mapNumber(func(m *bpf.Map) *uint32 { return &m.Flags })},
		{"pinning", (*assembler).mapPinning},
		{"map_extra", func(a *assembler, m *bpf.Map) *fault {
			n, _, f := a.absolute()
			m.Extra = uint64(n)
			return f
		}},
		{"numa_node", (*assembler).mapNode},
		{"inner", (*assembler).mapInner},
		{"values", (*assembler).mapValues},
	}
}

func (a *assembler) readAttribute(m *bpf.Map, seen map[string]bool) *fault {
	word, t, f := a.name("an attribute of the map, as max_entries=1024")
	if f != nil {
		return f
	}
	var names []string
	for _, attribute := range mapAttributes {
		names = append(names, attribute.name)
		if attribute.name != word {
			continue
		}
		if seen[word] {
			return faultAt(a.span(t), ErrRedefined, "%s is given twice", word)
		}
		seen[word] = true
		if _, f := a.expect(tokEqual, "= and a value"); f != nil {
			return f
		}
		return attribute.read(a, m)
	}
	return faultAt(a.span(t), ErrSyntax, "a map has no attribute %s: they are %s", word, strings.Join(names, ", ")).suggest(word, names)
}

func (a *assembler) mapType(m *bpf.Map) *fault {
	if a.toks[a.i].kind == tokNumber {
		n, f := a.absoluteIn("the type", 1, math.MaxUint32)
		m.Type = linux.MapType(n)
		return f
	}
	word, t, f := a.name("a type of map, as hash or array")
	if f != nil {
		return f
	}
	typ, err := linux.ParseMapType(word)
	if err != nil {
		var names []string
		for _, t := range linux.MapTypes() {
			names = append(names, t.String())
		}
		return faultAt(a.span(t), ErrUndefined, "unknown type of map %s", word).suggest(word, names)
	}
	m.Type = typ
	return nil
}

// mapSide reads a key or a value: a size in bytes, or a type.
func (a *assembler) mapSide(name string) (btf.Type, uint32, *fault) {
	switch t := a.toks[a.i]; {
	case t.kind == tokLeftBrace, t.kind == tokIdent && a.isTypeName(a.text(t)):
		typ, size, f := a.cType(name)
		return typ, uint32(size), f
	}
	n, f := a.absoluteIn("the size", 0, math.MaxInt32)
	if f != nil {
		if f.kind == ErrUndefined {
			f.suggest(f.at.text(), scalarNames())
		}
		f.note("give a size in bytes, or a type as u32 or {u64 packets, u64 bytes}")
	}
	return nil, uint32(n), f
}

func mapNumber(field func(*bpf.Map) *uint32) func(*assembler, *bpf.Map) *fault {
	return func(a *assembler, m *bpf.Map) *fault {
		n, f := a.absoluteIn("the number", 0, math.MaxUint32)
		*field(m) = uint32(n)
		return f
	}
}

func (a *assembler) mapPinning(m *bpf.Map) *fault {
	if t := a.toks[a.i]; t.kind == tokIdent {
		switch a.text(t) {
		case "none", "LIBBPF_PIN_NONE":
			m.Pinning = 0
		case "by_name", "LIBBPF_PIN_BY_NAME":
			m.Pinning = 1
		default:
			return faultAt(a.span(t), ErrSyntax, "pinning is none or by_name, not %s", a.text(t))
		}
		a.i++
		return nil
	}
	n, f := a.absoluteIn("pinning", 0, 1)
	m.Pinning = uint32(n)
	return f
}

// mapInner reads what a map of maps holds: {type=…, key=…, …}.
func (a *assembler) mapInner(m *bpf.Map) *fault {
	open, f := a.expect(tokLeftBrace, "the inner map's attributes in braces")
	if f != nil {
		return f
	}
	if isInner(m) {
		return faultAt(a.span(open), ErrMisuse, "an inner map can't hold maps")
	}
	m.Inner = &bpf.Map{Name: m.Name + ".inner"}
	seen := map[string]bool{}
	for !a.accept(tokRightBrace) {
		if f := a.readAttribute(m.Inner, seen); f != nil {
			return f
		}
		if a.toks[a.i].kind != tokRightBrace && !a.another() {
			return a.unexpected(a.toks[a.i], "a comma or a closing brace")
		}
	}
	return a.completeMap(m.Inner, seen, a.span(open))
}

// isInner reports whether a map is what another one holds, by the name libbpf
// gives it.
func isInner(m *bpf.Map) bool { return strings.HasSuffix(m.Name, ".inner") }

// completeMap checks that nothing is missing and fills in what the type leaves
// no choice of.
func (a *assembler) completeMap(m *bpf.Map, seen map[string]bool, at span) *fault {
	if !seen["type"] {
		return faultAt(at, ErrMisuse, "the map's type is missing: type=hash, say")
	}
	if m.Type == linux.MapStructOps {
		return faultAt(at, ErrMisuse, "a map of type %s can't be made by .map: its value is a structure of the kernel's own, and loaders make it of a variable of that type in section .struct_ops", m.Type)
	}
	need := mapNeeds(m.Type)
	for _, side := range []struct {
		name string
		rule sideRule
		size *uint32
	}{{"key", need.key, &m.KeySize}, {"value", need.value, &m.ValueSize}} {
		switch {
		case side.rule == sideNone && seen[side.name]:
			return faultAt(at, ErrMisuse, "a map of type %s has no %s", m.Type, side.name)
		case side.rule == sideGiven && !seen[side.name]:
			return faultAt(at, ErrMisuse, "a map of type %s needs %s=", m.Type, side.name)
		case side.rule == sideIndex && !seen[side.name]:
			*side.size = 4
		}
	}
	if need.entries && !seen["max_entries"] {
		return faultAt(at, ErrMisuse, "a map of type %s needs max_entries=", m.Type)
	}
	if need.inner && m.Inner == nil {
		return faultAt(at, ErrMisuse, "a map of type %s needs inner={type=…}: what the maps in it are like", m.Type)
	}
	if seen["numa_node"] {
		m.Flags |= linux.FNUMANode
	}
	// The kernel wants the types of both or of neither.
	if (m.Key == nil) != (m.Value == nil) && m.Inner == nil {
		m.Key, m.Value = typeOrBytes(m.Key, m.KeySize), typeOrBytes(m.Value, m.ValueSize)
	}
	return nil
}

// typeOrBytes is t, or a type of size bytes that says nothing more, or nil if
// there are none.
func typeOrBytes(t btf.Type, size uint32) btf.Type {
	if t == nil && size > 0 {
		return plainType(uint64(size))
	}
	return t
}

// sideRule says what a type of map asks of its keys or values.
type sideRule uint8

const (
	sideGiven sideRule = iota // the definition must say it
	sideIndex                 // 4 bytes unless the definition says more
	sideNone                  // there are none
)

// mapNeed is what a definition must and may give (kernel/bpf, the map_alloc_check
// functions of each type).
type mapNeed struct {
	key, value sideRule
	entries    bool // max_entries must be given
	inner      bool
}

func mapNeeds(t linux.MapType) mapNeed {
	switch t {
	case linux.MapArray, linux.MapPercpuArray:
		return mapNeed{key: sideIndex, entries: true}
	case linux.MapProgArray, linux.MapCgroupArray, linux.MapDevmap, linux.MapCpumap, linux.MapXskmap,
		linux.MapSockmap, linux.MapReuseportSockarray:
		return mapNeed{key: sideIndex, value: sideIndex, entries: true}
	case linux.MapDevmapHash, linux.MapSockhash:
		return mapNeed{value: sideIndex, entries: true}
	case linux.MapPerfEventArray: // one entry a CPU by default
		return mapNeed{key: sideIndex, value: sideIndex}
	case linux.MapArrayOfMaps:
		return mapNeed{key: sideIndex, value: sideIndex, entries: true, inner: true}
	case linux.MapHashOfMaps:
		return mapNeed{value: sideIndex, entries: true, inner: true}
	case linux.MapRingbuf, linux.MapUserRingbuf, linux.MapArena:
		return mapNeed{key: sideNone, value: sideNone, entries: true}
	case linux.MapQueue, linux.MapStack, linux.MapBloomFilter:
		return mapNeed{key: sideNone, entries: true}
	case linux.MapSkStorage, linux.MapInodeStorage, linux.MapTaskStorage, linux.MapCgrpStorage:
		return mapNeed{key: sideIndex}
	case linux.MapCgroupStorage, linux.MapPercpuCgroupStorage:
		return mapNeed{}
	}
	return mapNeed{entries: true}
}
