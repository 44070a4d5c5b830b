package elf

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// A map is defined by a variable in section .maps that is never looked at: its
// type says everything. It is a struct whose members are named after the
// attributes of the map (libbpf, parse_btf_map_def). A number N is written as
// a pointer to an array of N ints, a type as a pointer to it, and what a map of
// maps holds as an array of pointers to another such struct. What is in a map
// of maps or programs from the start follows the struct: addresses of 8 bytes,
// with a relocation each.

// mapMember is an attribute that a map's definition has to give.
type mapMember struct {
	name string
	num  uint64   // the attribute, unless typ is set
	typ  btf.Type // for key and value
	of   *bpf.Map // for values, in a map of maps
	// programs is set for values in a map of programs.
	programs bool
}

// mapMembers lists what the definition of m says. What is 0 is left out, but
// for the type.
func mapMembers(m *bpf.Map) []mapMember {
	members := []mapMember{{name: "type", num: uint64(m.Type)}}
	number := func(name string, n uint64) {
		if n != 0 {
			members = append(members, mapMember{name: name, num: n})
		}
	}
	typeOrSize := func(name string, t btf.Type, size uint32) {
		if t != nil {
			members = append(members, mapMember{name: name, typ: t})
			return
		}
		number(name+"_size", uint64(size))
	}
	typeOrSize("key", m.Key, m.KeySize)
	programs := m.Inner == nil && len(m.Values) > 0
	if m.Inner == nil && !programs {
		typeOrSize("value", m.Value, m.ValueSize)
	}
	number("max_entries", uint64(m.MaxEntries))
	number("map_flags", uint64(m.Flags))
	number("map_extra", m.Extra)
	number("numa_node", uint64(m.NumaNode))
	number("pinning", uint64(m.Pinning))
	if m.Inner != nil || programs {
		members = append(members, mapMember{name: "values", of: m.Inner, programs: programs})
	}
	return members
}

// mapMemberSize is what a member takes in the struct, in bytes: a pointer, or
// an enumeration of 8 bytes.
const mapMemberSize = 8

// MapDefSize is the size in bytes of the variable in section .maps that stands
// for m: 8 for each attribute that is given, apart from the inner map, an array
// of no elements, and 8 for each initial value up to that of the highest index.
// Whoever lays out the section gives the map's symbol this size, and the section
// that many zero bytes for it, aligned to 8.
func MapDefSize(m *bpf.Map) int {
	size := MapValuesOffset(m)
	for _, v := range m.Values {
		size = max(size, MapValuesOffset(m)+(int(v.Index)+1)*mapMemberSize)
	}
	return size
}

// MapValuesOffset says where in that variable the initial values begin, in
// bytes. The value of index i is the 8 bytes at i*8 from there, with a
// relocation of type R_BPF_64_ABS64 against the symbol of a program or map.
func MapValuesOffset(m *bpf.Map) int {
	size := 0
	for _, member := range mapMembers(m) {
		if member.of == nil && !member.programs {
			size += mapMemberSize
		}
	}
	return size
}

// The types that arrays in definitions are made of, as clang names them.
var (
	mapElem  = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	mapIndex = &btf.Int{Name: "__ARRAY_SIZE_TYPE__", Size: 4}
)

// mapNumber is the type that stands for n, as macro __uint of libbpf writes it:
// int (*)[n].
func mapNumber(n uint32) btf.Type {
	return &btf.Pointer{Target: &btf.Array{Index: mapIndex, Type: mapElem, Nelems: n}}
}

// mapProgram is the type of what a map of programs holds, as clang has it of
// int (void *).
func mapProgram() btf.Type {
	return &btf.FuncProto{Return: mapElem, Params: []btf.FuncParam{{Type: &btf.Pointer{Target: &btf.Void{}}}}}
}

// mapDef makes the struct that defines m.
func mapDef(m *bpf.Map, inner bool) (*btf.Struct, error) {
	if m.Section != "" {
		return nil, errors.New("it stands for a section of variables, which is no map definition")
	}
	if inner && m.Pinning != 0 {
		return nil, errors.New("an inner map can't be pinned")
	}
	if inner && len(m.Values) > 0 {
		return nil, errors.New("what is in an inner map from the start can't be said")
	}
	def := &btf.Struct{Size: uint32(MapValuesOffset(m))}
	for i, member := range mapMembers(m) {
		var t btf.Type
		switch {
		case member.of != nil && inner:
			return nil, errors.New("maps nest only once: the inner map can't hold maps itself")
		case member.programs:
			t = &btf.Array{Index: mapIndex, Type: &btf.Pointer{Target: mapProgram()}}
		case member.of != nil:
			of, err := mapDef(member.of, true)
			if err != nil {
				return nil, fmt.Errorf("inner map: %w", err)
			}
			t = &btf.Array{Index: mapIndex, Type: &btf.Pointer{Target: of}}
		case member.typ != nil:
			want := m.KeySize
			if member.name == "value" {
				want = m.ValueSize
			}
			size, err := btf.Sizeof(member.typ)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", member.name, err)
			}
			if want != 0 && uint64(size) != uint64(want) {
				return nil, fmt.Errorf("%s of %d bytes has a type of %d bytes", member.name, want, size)
			}
			t = &btf.Pointer{Target: member.typ}
		case member.num > math.MaxUint32:
			t = &btf.Enum{Size: mapMemberSize, Values: []btf.EnumValue{{Name: "__unique_value", Value: member.num}}}
		default:
			t = mapNumber(uint32(member.num))
		}
		def.Members = append(def.Members, btf.Member{Name: member.name, Type: t, Offset: btf.Bits(i * mapMemberSize * 8)})
	}
	return def, nil
}

// errMapDef is wrapped by the errors of parseMapDef.
var errMapDef = errors.New("bad map definition")

// parseMapDef reads the struct that defines the map called name.
func parseMapDef(name string, def *btf.Struct, inner bool) (*bpf.Map, error) {
	m := &bpf.Map{Name: name}
	for i, member := range def.Members {
		if err := parseMapMember(m, member, i == len(def.Members)-1, inner); err != nil {
			return nil, fmt.Errorf("%w: %s: %w", errMapDef, shorten(member.Name), err)
		}
	}
	if m.Value != nil && (m.Type == linux.MapRingbuf || m.Type == linux.MapUserRingbuf || m.Type == linux.MapArena) {
		// These have no values the kernel knows of; the type is there for the
		// sake of whoever reads the source.
		m.ValueSize = 0
	}
	return m, nil
}

func parseMapMember(m *bpf.Map, member btf.Member, last, inner bool) error {
	number := func(into *uint32) error {
		n, err := memberNumber(member.Type)
		if err == nil && n > math.MaxUint32 {
			err = fmt.Errorf("%d does not fit 32 bits", n)
		}
		if err == nil {
			*into = uint32(n)
		}
		return err
	}
	size := func(into *uint32, n uint64) error {
		if *into != 0 && uint64(*into) != n || n > math.MaxUint32 {
			return fmt.Errorf("size is %d here and %d elsewhere", n, *into)
		}
		*into = uint32(n)
		return nil
	}
	sizeNumber := func(into *uint32) error {
		n, err := memberNumber(member.Type)
		if err != nil {
			return err
		}
		return size(into, n)
	}
	target := func(into *btf.Type, bytes *uint32) error {
		ptr, ok := btf.As[*btf.Pointer](member.Type)
		if !ok {
			return fmt.Errorf("is not a pointer to a type, but %T", member.Type)
		}
		n, err := btf.Sizeof(ptr.Target)
		if err != nil {
			return err
		}
		*into = ptr.Target
		return size(bytes, uint64(n))
	}
	var err error
	switch member.Name {
	case "type":
		var n uint32
		err = number(&n)
		m.Type = linux.MapType(n)
	case "key":
		err = target(&m.Key, &m.KeySize)
	case "key_size":
		err = sizeNumber(&m.KeySize)
	case "value":
		err = target(&m.Value, &m.ValueSize)
	case "value_size":
		err = sizeNumber(&m.ValueSize)
	case "max_entries":
		err = number(&m.MaxEntries)
	case "map_flags":
		err = number(&m.Flags)
	case "map_extra":
		m.Extra, err = memberNumber(member.Type)
	case "numa_node":
		err = number(&m.NumaNode)
	case "pinning":
		if inner {
			return errors.New("an inner map can't be pinned")
		}
		err = number(&m.Pinning)
	case "values":
		switch {
		case !last:
			return errors.New("is not the last member")
		case inner:
			return errors.New("maps nest only once")
		}
		if err = size(&m.ValueSize, 4); err == nil {
			err = parseMapValues(m, member.Type)
		}
	default:
		err = errors.New("is not an attribute of a map")
	}
	return err
}

// parseMapValues reads what a map of maps or of programs holds.
func parseMapValues(m *bpf.Map, t btf.Type) error {
	array, ok := btf.As[*btf.Array](t)
	if !ok {
		return fmt.Errorf("is not an array of pointers, but %T", t)
	}
	ptr, ok := btf.As[*btf.Pointer](array.Type)
	if !ok {
		return fmt.Errorf("is not an array of pointers, but of %T", array.Type)
	}
	if def, ok := btf.As[*btf.Struct](ptr.Target); ok {
		if m.Type != linux.MapArrayOfMaps && m.Type != linux.MapHashOfMaps {
			return fmt.Errorf("a map of type %s holds no maps", m.Type)
		}
		var err error
		m.Inner, err = parseMapDef(m.Name+".inner", def, true)
		return err
	}
	if _, ok := btf.As[*btf.FuncProto](ptr.Target); ok {
		if m.Type != linux.MapProgArray {
			return fmt.Errorf("a map of type %s holds no programs", m.Type)
		}
		return nil
	}
	return fmt.Errorf("points neither to maps nor to functions, but to %T", ptr.Target)
}

// memberNumber reads a number: a pointer to an array of so many elements, or an
// enumeration of one value.
func memberNumber(t btf.Type) (uint64, error) {
	if ptr, ok := btf.As[*btf.Pointer](t); ok {
		if array, ok := btf.As[*btf.Array](ptr.Target); ok {
			return uint64(array.Nelems), nil
		}
	}
	if enum, ok := btf.As[*btf.Enum](t); ok && len(enum.Values) == 1 {
		return enum.Values[0].Value, nil
	}
	return 0, fmt.Errorf("is not a number, written as a pointer to an array, but %T", t)
}
