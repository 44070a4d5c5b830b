package core_test

import (
	"encoding/binary"
	"testing"

	"ebtools/elf/core"
)

// builder puts type information together word by word, also such as no compiler
// writes.
type builder struct {
	types []byte
	names []byte
	count uint32 // types
	first uint32 // offset of the first name, where a module's begin
}

func newBuilder() *builder { return &builder{names: []byte{0}} }

// module gives a builder of types that continue those of a kernel.
func (b *builder) module() *builder {
	return &builder{count: b.count, first: uint32(len(b.names)), names: []byte{0}}
}

// The kinds of type, and the flag beside them.
const (
	kindInt       = 1
	kindPtr       = 2
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFwd       = 7
	kindTypedef   = 8
	kindConst     = 10
	kindFuncProto = 13
	flag          = 1 << 7
)

func (b *builder) name(s string) uint32 {
	if s == "" {
		return 0
	}
	at := uint32(len(b.names)) + b.first
	b.names = append(append(b.names, s...), 0)
	return at
}

// add adds a type with n members, and gives its id.
func (b *builder) add(name string, kind, n int, word uint32, rest ...uint32) uint32 {
	for _, w := range append([]uint32{b.name(name), uint32(kind)<<24 | uint32(n), word}, rest...) {
		b.types = binary.LittleEndian.AppendUint32(b.types, w)
	}
	b.count++
	return b.count
}

func (b *builder) integer(name string, size uint32) uint32 {
	return b.add(name, kindInt, 0, size, size*8)
}

type field struct {
	name   string
	typ    uint32
	offset uint32 // in bits; with flag, the size of a bitfield is in the highest byte
}

func (b *builder) composite(name string, kind int, size uint32, fields ...field) uint32 {
	var rest []uint32
	for _, f := range fields {
		rest = append(rest, b.name(f.name), f.typ, f.offset)
	}
	return b.add(name, kind, len(fields), size, rest...)
}

func (b *builder) array(element, n uint32) uint32 {
	return b.add("", kindArray, 0, 0, element, element, n)
}

func (b *builder) bytes() []byte {
	out := []byte{0x9f, 0xeb, 1, 0}
	for _, w := range []uint32{24, 0, uint32(len(b.types)), uint32(len(b.types)), uint32(len(b.names))} {
		out = binary.LittleEndian.AppendUint32(out, w)
	}
	return append(append(out, b.types...), b.names...)
}

func (b *builder) read(t testing.TB, base *core.Types) *core.Types {
	t.Helper()
	types, err := core.ReadTypes(b.bytes(), base)
	if err != nil {
		t.Fatal(err)
	}
	return types
}
