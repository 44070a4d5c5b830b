package core

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
)

// ErrTypes is wrapped by the errors about type information.
var ErrTypes = errors.New("bad type information")

// Types are the types of one .BTF section, or of the kernel or a module of it.
// They may be used by several goroutines at once.
type Types struct {
	order binary.ByteOrder
	types []byte
	names string
	base  *Types // of a module, else nil

	firstID   uint32   // of the type at offsets[0]
	firstName uint32   // offset that the first byte of names has
	offsets   []uint32 // of each type in types

	pointer func() uint32 // size of a pointer in bytes
	index   func() *nameIndex
}

// The format's numbers (kernel, include/uapi/linux/btf.h).
const (
	btfMagic      = 0xeb9f
	btfVersion    = 1
	btfHeaderSize = 24
	btfTypeSize   = 12
)

// kind is a kind of type: BTF_KIND_*.
type kind uint8

const (
	kindVoid      kind = 0
	kindInt       kind = 1
	kindPtr       kind = 2
	kindArray     kind = 3
	kindStruct    kind = 4
	kindUnion     kind = 5
	kindEnum      kind = 6
	kindFwd       kind = 7
	kindTypedef   kind = 8
	kindVolatile  kind = 9
	kindConst     kind = 10
	kindRestrict  kind = 11
	kindFunc      kind = 12
	kindFuncProto kind = 13
	kindVar       kind = 14
	kindDatasec   kind = 15
	kindFloat     kind = 16
	kindDeclTag   kind = 17
	kindTypeTag   kind = 18
	kindEnum64    kind = 19
)

// kinds says what a kind is called and what follows the 12 bytes that every type
// begins with: some bytes, and an entry of so many bytes for each member.
var kinds = [...]struct {
	name         string
	fixed, entry int
}{
	kindVoid:      {"void", 0, 0},
	kindInt:       {"integer", 4, 0},
	kindPtr:       {"pointer", 0, 0},
	kindArray:     {"array", 12, 0},
	kindStruct:    {"struct", 0, 12},
	kindUnion:     {"union", 0, 12},
	kindEnum:      {"enum", 0, 8},
	kindFwd:       {"forward declaration", 0, 0},
	kindTypedef:   {"typedef", 0, 0},
	kindVolatile:  {"volatile type", 0, 0},
	kindConst:     {"const type", 0, 0},
	kindRestrict:  {"restrict type", 0, 0},
	kindFunc:      {"function", 0, 0},
	kindFuncProto: {"function type", 0, 8},
	kindVar:       {"variable", 4, 0},
	kindDatasec:   {"section of variables", 0, 12},
	kindFloat:     {"floating-point number", 0, 0},
	kindDeclTag:   {"declaration tag", 4, 0},
	kindTypeTag:   {"type tag", 0, 0},
	kindEnum64:    {"enum", 0, 12},
}

func (k kind) String() string { return kinds[k].name }

func (k kind) isEnum() bool      { return k == kindEnum || k == kindEnum64 }
func (k kind) isComposite() bool { return k == kindStruct || k == kindUnion }

// isQualifier reports whether a type of the kind only qualifies another.
func (k kind) isQualifier() bool {
	switch k {
	case kindVolatile, kindConst, kindRestrict, kindTypeTag:
		return true
	}
	return false
}

// fits reports whether types of two kinds may stand for each other at all
// (libbpf, btf_kind_core_compat).
func (k kind) fits(other kind) bool { return k == other || k.isEnum() && other.isEnum() }

// ReadTypes indexes type information: the contents of a .BTF section or of a file
// in /sys/kernel/btf, in either byte order. The types of a module continue those
// of the kernel, which is then base, else nil. The bytes are kept, and must not
// change. The error wraps ErrTypes.
//
// Only what every type begins with is looked at, which takes 10 ms for the
// 126,000 types of a kernel.
func ReadTypes(b []byte, base *Types) (*Types, error) {
	if len(b) < btfHeaderSize || len(b) > math.MaxInt32 {
		return nil, fmt.Errorf("%w: %d bytes", ErrTypes, len(b))
	}
	t := &Types{order: binary.LittleEndian, base: base, firstID: 1}
	if b[0] == btfMagic>>8 {
		t.order = binary.BigEndian
	}
	if magic := t.order.Uint16(b); magic != btfMagic || b[2] != btfVersion {
		return nil, fmt.Errorf("%w: magic number %#x version %d, not %#x version %d", ErrTypes, magic, b[2], btfMagic, btfVersion)
	}
	header := uint64(t.order.Uint32(b[4:]))
	part := func(what string, at int) ([]byte, error) {
		offset, size := header+uint64(t.order.Uint32(b[at:])), uint64(t.order.Uint32(b[at+4:]))
		if header < btfHeaderSize || offset+size > uint64(len(b)) {
			return nil, fmt.Errorf("%w: %d bytes of %s at offset %d of %d bytes", ErrTypes, size, what, offset, len(b))
		}
		return b[offset : offset+size], nil
	}
	var err error
	if t.types, err = part("types", 8); err != nil {
		return nil, err
	}
	names, err := part("strings", 16)
	if err != nil {
		return nil, err
	}
	t.names = string(names)
	if t.names != "" && t.names[len(t.names)-1] != 0 {
		return nil, fmt.Errorf("%w: the last string has no end", ErrTypes)
	}
	if base != nil {
		if base.base != nil || base.order != t.order {
			return nil, fmt.Errorf("%w: a module's types continue those of a kernel of the same byte order", ErrTypes)
		}
		t.firstID = base.end()
		t.firstName = uint32(len(base.names))
	}
	if err := t.walk(); err != nil {
		return nil, err
	}
	t.pointer = sync.OnceValue(t.findPointerSize)
	t.index = sync.OnceValue(t.makeIndex)
	return t, nil
}

// walk finds where the types begin, and makes sure that none reaches beyond the
// end.
func (t *Types) walk() error {
	t.offsets = make([]uint32, 0, len(t.types)/(2*btfTypeSize))
	budget := 16*len(t.types) + 16*len(t.names) // of bytes in names of types
	for offset := 0; offset < len(t.types); {
		b := t.types[offset:]
		fail := func(format string, args ...any) error {
			return fmt.Errorf("%w: type %d: %s", ErrTypes, int(t.firstID)+len(t.offsets), fmt.Sprintf(format, args...))
		}
		if len(b) < btfTypeSize {
			return fail("cut short")
		}
		info := t.order.Uint32(b[4:])
		k := info >> 24 & 0x1f
		if k == 0 || int(k) >= len(kinds) {
			return fail("unknown kind %d", k)
		}
		size := btfTypeSize + kinds[k].fixed + int(info&0xffff)*kinds[k].entry
		if size > len(b) {
			return fail("cut short")
		}
		if at := t.order.Uint32(b); at != 0 {
			if budget -= len(t.name(at)); budget < 0 {
				return fail("the same long name is used more often than any compiler does")
			}
		}
		t.offsets = append(t.offsets, uint32(offset))
		offset += size
	}
	return nil
}

// end is the id behind the last type.
func (t *Types) end() uint32 { return t.firstID + uint32(len(t.offsets)) }

// ByteOrder is the order that the types are in, which is that of the machine they
// are for.
func (t *Types) ByteOrder() binary.ByteOrder { return t.order }

// maxName is where longer names are cut, in bytes: the kernel takes 511, and
// libbpf any number.
const maxName = 4096

// name gives the string at an offset, empty where there is none.
func (t *Types) name(offset uint32) string {
	if offset < t.firstName {
		return t.base.name(offset)
	}
	offset -= t.firstName
	if uint64(offset) >= uint64(len(t.names)) {
		return ""
	}
	rest := t.names[offset:]
	rest = rest[:min(len(rest), maxName)]
	name, _, _ := strings.Cut(rest, "\x00")
	return name
}

// typ is a type as it stands in the section.
type typ struct {
	of   *Types // that its references and names are in
	id   uint32
	at   uint32 // offset of its name, 0 for none
	kind kind
	n    int    // members, enumerators or parameters
	flag bool   // a struct has bitfields, an enumeration signed values; a forward declaration is of a union
	word uint32 // size in bytes, or the id of the type that this one refers to
	rest []byte
}

// typ gives the type of an id; not ok when there is none.
func (t *Types) typ(id uint32) (_ typ, ok bool) {
	if id == 0 {
		return typ{of: t}, true
	}
	if id < t.firstID {
		return t.base.typ(id) // which is not nil: ids begin at 1 without one
	}
	i := uint64(id) - uint64(t.firstID)
	if i >= uint64(len(t.offsets)) {
		return typ{}, false
	}
	b := t.types[t.offsets[i]:]
	info := t.order.Uint32(b[4:])
	k := kind(info >> 24 & 0x1f)
	n := int(info & 0xffff)
	return typ{
		of: t, id: id, at: t.order.Uint32(b), kind: k, n: n, flag: info>>31 != 0, word: t.order.Uint32(b[8:]),
		rest: b[btfTypeSize : btfTypeSize+kinds[k].fixed+n*kinds[k].entry],
	}, true
}

func (t typ) name() string {
	if t.at == 0 {
		return ""
	}
	return t.of.name(t.at)
}

// member is a member of a struct or a union.
type member struct {
	at     uint32 // offset of its name, 0 for none
	typ    uint32 // id
	offset uint32 // in bits
	bits   uint32 // of a bitfield, else 0
}

func (t typ) member(i int) member {
	b := t.rest[i*12:]
	m := member{at: t.of.order.Uint32(b), typ: t.of.order.Uint32(b[4:]), offset: t.of.order.Uint32(b[8:])}
	if t.flag {
		m.bits, m.offset = m.offset>>24, m.offset&0xffffff
	}
	return m
}

func (t typ) memberName(m member) string {
	if m.at == 0 {
		return ""
	}
	return t.of.name(m.at)
}

// enumerator gives the name and the value of an enumerator. One of 32 bits is
// sign-extended, whether or not the enumeration is signed, as in libbpf.
func (t typ) enumerator(i int) (name string, value uint64) {
	b := t.rest[i*kinds[t.kind].entry:]
	name = t.of.name(t.of.order.Uint32(b))
	if t.kind == kindEnum {
		return name, uint64(int32(t.of.order.Uint32(b[4:])))
	}
	return name, uint64(t.of.order.Uint32(b[8:]))<<32 | uint64(t.of.order.Uint32(b[4:]))
}

// element gives the type of an array's elements and how many there are.
func (t typ) element() (id, count uint32) {
	return t.of.order.Uint32(t.rest), t.of.order.Uint32(t.rest[8:])
}

// param gives the type of a parameter.
func (t typ) param(i int) (id uint32) { return t.of.order.Uint32(t.rest[i*8+4:]) }

// The encodings of an integer.
const (
	intSigned = 1
	intChar   = 2
	intBool   = 4
)

// integer gives the encoding of an integer, and its offset in bits in what is
// loaded: not 0 only where an old compiler made a type of every bitfield.
func (t typ) integer() (encoding, offset uint32) {
	word := t.of.order.Uint32(t.rest)
	return word >> 24 & 0xf, word >> 16 & 0xff
}

// maxChain bounds how many typedefs and qualifiers may stand before a type.
const maxChain = 64

// strip gives the type behind typedefs and qualifiers.
func (t *Types) strip(id uint32) (typ, error) {
	for range maxChain {
		x, ok := t.typ(id)
		if !ok {
			return typ{}, fmt.Errorf("%w: there is no type %d", ErrTypes, id)
		}
		if x.kind != kindTypedef && !x.kind.isQualifier() {
			return x, nil
		}
		id = x.word
	}
	return typ{}, fmt.Errorf("%w: type %d is behind more than %d typedefs", ErrTypes, id, maxChain)
}

// maxSizeDepth is how many types libbpf looks through for a size.
const maxSizeDepth = 32

// stripBoth strips a local type and one of the kernel.
func stripBoth(local *Types, localID uint32, target *Types, targetID uint32) (a, b typ, err error) {
	if a, err = local.strip(localID); err == nil {
		b, err = target.strip(targetID)
	}
	return a, b, err
}

// size gives the size of a type in bytes.
func (t *Types) size(id uint32) (uint32, error) {
	count := uint64(1)
	first := id
	for range maxSizeDepth {
		x, ok := t.typ(id)
		if !ok {
			break
		}
		size := uint64(x.word)
		switch x.kind {
		case kindInt, kindStruct, kindUnion, kindEnum, kindEnum64, kindDatasec, kindFloat:
		case kindPtr:
			size = uint64(t.pointer())
		case kindTypedef, kindVolatile, kindConst, kindRestrict, kindVar, kindDeclTag, kindTypeTag:
			id = x.word
			continue
		case kindArray:
			element, n := x.element()
			if count *= uint64(n); count > math.MaxUint32 {
				return 0, fmt.Errorf("%w: type %d has more than 4 GiB", ErrTypes, first)
			}
			id = element
			continue
		default:
			return 0, fmt.Errorf("%s has no size", t.describe(first))
		}
		if size *= count; size > math.MaxUint32 {
			return 0, fmt.Errorf("%w: type %d has more than 4 GiB", ErrTypes, first)
		}
		return uint32(size), nil
	}
	return 0, fmt.Errorf("%s has no size", t.describe(first))
}

// findPointerSize gives the size of a pointer in bytes: that of a long, which the
// kernel's own types are sure to have.
func (t *Types) findPointerSize() uint32 {
	if t.base != nil {
		return t.base.pointer()
	}
	for id := t.firstID; id < t.end(); id++ {
		x, _ := t.typ(id)
		if x.kind != kindInt || x.word != 4 && x.word != 8 {
			continue
		}
		if isLong(x.name()) {
			return x.word
		}
	}
	return 8
}

// isLong reports whether a name is one of those of long and unsigned long: the
// words in any order.
func isLong(name string) bool {
	count := map[string]int{}
	for _, word := range strings.Fields(name) {
		count[word]++
	}
	long, rest := count["long"], len(strings.Fields(name))
	return long == 1 && count["int"] <= 1 && count["unsigned"] <= 1 && rest == 1+count["int"]+count["unsigned"]
}
