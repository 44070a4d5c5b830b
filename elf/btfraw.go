package elf

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// errBTF is wrapped by the errors about .BTF and .BTF.ext.
var errBTF = errors.New("bad type information")

// The kinds of BTF type (kernel, include/uapi/linux/btf.h).
const (
	kindInt       = 1
	kindPtr       = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFwd       = 7
	kindTypedef   = 8
	kindVolatile  = 9
	kindConst     = 10
	kindRestrict  = 11
	kindFunc      = 12
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindFloat     = 16
	kindDeclTag   = 17
	kindTypeTag   = 18
	kindEnum64    = 19
)

// btfLayout says what follows the 12 bytes that every type begins with: fixed
// bytes, and entries of so many bytes. In an entry, name and typ are where the
// offset of a name and the id of a type stand; -1 for nowhere. ref says that the
// type's third word is the id of a type.
var btfLayout = [...]struct {
	fixed, entry, name, typ int
	ref                     bool
}{
	kindInt:       {4, 0, -1, -1, false},
	kindPtr:       {0, 0, -1, -1, true},
	kindArray:     {12, 0, -1, -1, false},
	kindStruct:    {0, 12, 0, 4, false},
	kindUnion:     {0, 12, 0, 4, false},
	kindEnum:      {0, 8, 0, -1, false},
	kindFwd:       {0, 0, -1, -1, false},
	kindTypedef:   {0, 0, -1, -1, true},
	kindVolatile:  {0, 0, -1, -1, true},
	kindConst:     {0, 0, -1, -1, true},
	kindRestrict:  {0, 0, -1, -1, true},
	kindFunc:      {0, 0, -1, -1, true},
	kindFuncProto: {0, 8, 0, 4, true},
	kindVar:       {4, 0, -1, -1, true},
	kindDatasec:   {0, 12, -1, 0, false},
	kindFloat:     {0, 0, -1, -1, false},
	kindDeclTag:   {4, 0, -1, -1, true},
	kindTypeTag:   {0, 0, -1, -1, true},
	kindEnum64:    {0, 12, 0, -1, false},
}

const btfTypeSize = 12

// The BTF library follows references from type to type recursively, pointers
// included. These bound the stack it may need: how deep it goes when it looks at
// the types from the first to the last, and how many there are at all. All of
// Linux's own types together stay within half of either.
const (
	maxTypeDepth = 4096
	maxTypes     = 1 << 18
)

// rawBTF is the contents of a .BTF section, checked so far that nothing in it
// leads outside, or makes the BTF library take memory out of proportion.
type rawBTF struct {
	order   binary.ByteOrder
	b       []byte // a copy, to be changed
	typesAt uint32 // offset of types in b
	types   []byte
	strings string
	offsets []uint32 // of each type in types; that of id 1 is first
}

// parseBTF checks the contents of a .BTF section.
func parseBTF(b []byte, order binary.ByteOrder) (*rawBTF, error) {
	if len(b) < btfHeaderSize {
		return nil, fmt.Errorf("%w: header cut short: %d bytes", errBTF, len(b))
	}
	if len(b) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d bytes are more than it can have", errBTF, len(b))
	}
	if magic := order.Uint16(b); magic != btfMagic || b[2] != btfVersion {
		return nil, fmt.Errorf("%w: magic number %#x version %d, not %#x version %d in the file's byte order", errBTF, magic, b[2], btfMagic, btfVersion)
	}
	raw := &rawBTF{order: order, b: bytes.Clone(b)}
	header := uint64(order.Uint32(b[4:]))
	part := func(what string, at int) ([]byte, error) {
		offset, size := header+uint64(order.Uint32(b[at:])), uint64(order.Uint32(b[at+4:]))
		if header < btfHeaderSize || !fits(offset, size, len(b)) {
			return nil, fmt.Errorf("%w: %d bytes of %s at offset %d of %d bytes", errBTF, size, what, offset, len(b))
		}
		return raw.b[offset : offset+size], nil
	}
	var err error
	if raw.types, err = part("types", 8); err != nil {
		return nil, err
	}
	raw.typesAt = uint32(header) + order.Uint32(b[8:])
	table, err := part("strings", 16)
	if err != nil {
		return nil, err
	}
	if len(table) == 0 || table[0] != 0 || table[len(table)-1] != 0 {
		return nil, fmt.Errorf("%w: the strings don't begin and end with an empty one", errBTF)
	}
	raw.strings = string(table)
	if err := raw.walk(); err != nil {
		return nil, err
	}
	if depth := raw.depth(); depth > maxTypeDepth {
		return nil, fmt.Errorf("%w: types refer to types more than %d deep", errBTF, maxTypeDepth)
	}
	return raw, nil
}

// rawType is the beginning of a type, and what follows it.
type rawType struct {
	name, kind, vlen, word uint32
	rest                   []byte
}

func (raw *rawBTF) typeAt(offset uint32) (t rawType, size int, err error) {
	b := raw.types[offset:]
	if len(b) < btfTypeSize {
		return t, 0, errors.New("cut short")
	}
	info := raw.order.Uint32(b[4:])
	t = rawType{name: raw.order.Uint32(b), kind: info >> 24 & 0x1f, vlen: info & 0xffff, word: raw.order.Uint32(b[8:])}
	if t.kind == 0 || int(t.kind) >= len(btfLayout) {
		return t, 0, fmt.Errorf("unknown kind %d", t.kind)
	}
	l := &btfLayout[t.kind]
	size = btfTypeSize + l.fixed + int(t.vlen)*l.entry
	if l.entry == 0 {
		size = btfTypeSize + l.fixed
	}
	if size > len(b) {
		return t, 0, errors.New("cut short")
	}
	t.rest = b[btfTypeSize:size]
	return t, size, nil
}

// walk finds all types and checks their names.
func (raw *rawBTF) walk() error {
	budget := nameBudget(len(raw.b))
	name := func(offset uint32) error {
		s, ok := raw.string(offset)
		if !ok {
			return fmt.Errorf("name at offset %d of %d bytes of strings", offset, len(raw.strings))
		}
		if budget -= len(s); budget < 0 {
			return errors.New("the same long name is used more often than any compiler does")
		}
		return nil
	}
	raw.offsets = make([]uint32, 0, len(raw.types)/btfTypeSize)
	for offset := 0; offset < len(raw.types); {
		fail := func(err error) error {
			return fmt.Errorf("%w: type %d: %w", errBTF, len(raw.offsets)+1, err)
		}
		t, size, err := raw.typeAt(uint32(offset))
		if err != nil {
			return fail(err)
		}
		if err := name(t.name); err != nil {
			return fail(err)
		}
		if l := &btfLayout[t.kind]; l.name >= 0 {
			for e := t.rest[l.fixed:]; len(e) > 0; e = e[l.entry:] {
				if err := name(raw.order.Uint32(e[l.name:])); err != nil {
					return fail(err)
				}
			}
		}
		if len(raw.offsets) == maxTypes {
			return fmt.Errorf("%w: more than %d types", errBTF, maxTypes)
		}
		raw.offsets = append(raw.offsets, uint32(offset))
		offset += size
	}
	return nil
}

// string returns the string at offset, sharing memory with the table.
func (raw *rawBTF) string(offset uint32) (string, bool) {
	if uint64(offset) >= uint64(len(raw.strings)) {
		return "", false
	}
	s, _, ok := strings.Cut(raw.strings[offset:], "\x00")
	return s, ok
}

// refs appends the ids of the types that type id refers to, the one that the
// BTF library follows first last.
func (raw *rawBTF) refs(ids []uint32, id uint32) []uint32 {
	t, _, err := raw.typeAt(raw.offsets[id-1])
	if err != nil {
		return ids
	}
	l := &btfLayout[t.kind]
	if l.ref {
		ids = append(ids, t.word)
	}
	if t.kind == kindArray {
		ids = append(ids, raw.order.Uint32(t.rest), raw.order.Uint32(t.rest[4:])) // element, index
	}
	if l.typ >= 0 {
		for i := len(t.rest) - l.entry; i >= l.fixed; i -= l.entry {
			ids = append(ids, raw.order.Uint32(t.rest[i+l.typ:]))
		}
	}
	return ids
}

// depth returns how deep a walk through all types goes that follows every
// reference and visits each type once, as the BTF library does.
func (raw *rawBTF) depth() int {
	visited := make([]bool, len(raw.offsets)+1)
	visited[0] = true // void
	var pending []uint32
	var ends []int // where the references of each type on the way begin in pending
	deepest := 0
	visit := func(id uint32) {
		if uint64(id) >= uint64(len(visited)) || visited[id] {
			return
		}
		visited[id] = true
		ends = append(ends, len(pending))
		pending = raw.refs(pending, id)
		deepest = max(deepest, len(ends))
	}
	for id := range visited {
		visit(uint32(id))
		for len(ends) > 0 {
			if top := ends[len(ends)-1]; len(pending) > top {
				next := pending[len(pending)-1]
				pending = pending[:len(pending)-1]
				visit(next)
			} else {
				ends = ends[:len(ends)-1]
			}
		}
	}
	return deepest
}

// ParseTypes reads type information that stands by itself, as in a file of
// /sys/kernel/btf.
func ParseTypes(b []byte) (*btf.Spec, error) {
	var order binary.ByteOrder = binary.LittleEndian
	if len(b) > 0 && b[0] == btfMagic>>8 {
		order = binary.BigEndian
	}
	raw, err := parseBTF(b, order)
	if err != nil {
		return nil, err
	}
	return raw.spec()
}

// relocate fills in what a compiler leaves to whoever knows where things are:
// the offsets of variables and the sizes of the sections they are in. An offset
// has a relocation; where those have been stripped, a symbol of the variable's
// name says the same.
func (raw *rawBTF) relocate(img *Image, section *Section) {
	sections := map[string]*Section{}
	for _, s := range img.Sections {
		if sections[s.Name] == nil {
			sections[s.Name] = s
		}
	}
	type variable struct {
		section *Section
		name    string
	}
	places := map[variable]uint64{}
	for _, sym := range img.Symbols {
		if sym.Section != nil && sym.Type != stdelf.STT_SECTION {
			places[variable{sym.Section, sym.Name}] = sym.Value
		}
	}
	relocs := map[uint64]Relocation{}
	for _, rel := range section.Relocs {
		if rel.Symbol != nil && rel.Symbol.IsDefined() && (rel.Type == RelocNODYLD32 || rel.Type == RelocABS32) {
			relocs[rel.Offset] = rel
		}
	}

	for _, offset := range raw.offsets {
		t, _, err := raw.typeAt(offset)
		if err != nil || t.kind != kindDatasec {
			continue
		}
		name, _ := raw.string(t.name)
		s := sections[name]
		bare := t.word == 0 && s != nil && s.Len() <= math.MaxUint32
		if bare {
			raw.order.PutUint32(raw.types[offset+8:], uint32(s.Len()))
		}
		for i := 0; i < len(t.rest); i += 12 {
			entry := t.rest[i:]
			rel, ok := relocs[uint64(raw.typesAt)+uint64(offset)+btfTypeSize+uint64(i)+4]
			switch {
			case ok && section.Rela:
				raw.order.PutUint32(entry[4:], uint32(rel.Symbol.Value)+uint32(rel.Addend))
			case ok:
				raw.order.PutUint32(entry[4:], uint32(rel.Symbol.Value)+raw.order.Uint32(entry[4:]))
			case bare:
				if at, ok := places[variable{s, raw.nameOf(raw.order.Uint32(entry))}]; ok {
					raw.order.PutUint32(entry[4:], uint32(at))
				}
			}
		}
	}
}

// nameOf returns the name of type id, if it has one.
func (raw *rawBTF) nameOf(id uint32) string {
	if id == 0 || uint64(id) > uint64(len(raw.offsets)) {
		return ""
	}
	t, _, err := raw.typeAt(raw.offsets[id-1])
	if err != nil {
		return ""
	}
	name, _ := raw.string(t.name)
	return name
}

// spec hands the types to the BTF library and has it look at every one of them,
// so that none gives an error later.
func (raw *rawBTF) spec() (spec *btf.Spec, err error) {
	defer func() {
		if r := recover(); r != nil {
			spec, err = nil, fmt.Errorf("%w: %v", errBTF, r)
		}
	}()
	if spec, err = btf.LoadSpecFromReader(bytes.NewReader(raw.b)); err != nil {
		return nil, fmt.Errorf("%w: %w", errBTF, err)
	}
	for id := range len(raw.offsets) {
		if _, err := spec.TypeByID(btf.TypeID(id + 1)); err != nil {
			return nil, fmt.Errorf("%w: %w", errBTF, err)
		}
	}
	return spec, nil
}
