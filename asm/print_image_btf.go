package asm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"ebtools/elf"
)

// btfText is .BTF divided into lines, with what is needed to name its types. The
// layout is that of the kernel's Documentation/bpf/btf.rst.
type btfText struct {
	s       *elf.Section
	order   binary.ByteOrder
	lines   []dataLine
	strings []byte
	types   []btfRecord       // by id, from 1
	vars    map[string]uint32 // types of variables, by name
}

// btfRecord is a type as it stands in .BTF.
type btfRecord struct {
	kind     uint32
	vlen     uint32
	flag     bool
	name     uint32 // offset into the strings
	sizeType uint32 // size in bytes, or the id of a type
	extra    []byte
}

// btfHeaderSize is the header's size in bytes as all versions have it so far.
const btfHeaderSize = 24

// Kinds of types.
const (
	btfInt = 1 + iota
	btfPtr
	btfArray
	btfStruct
	btfUnion
	btfEnum
	btfFwd
	btfTypedef
	btfVolatile
	btfConst
	btfRestrict
	btfFunc
	btfFuncProto
	btfVar
	btfDatasec
	btfFloat
	btfDeclTag
	btfTypeTag
	btfEnum64
)

var btfKindWords = [...]string{
	"void", "int", "pointer", "array", "struct", "union", "enum", "forward", "typedef", "volatile", "const", "restrict",
	"func", "prototype", "var", "section", "float", "decl_tag", "type_tag", "enum64",
}

// btfExtra gives how the bytes behind a type's first 12 are divided: records of
// so many words of 4 bytes, once or vlen times.
func btfExtra(kind, vlen uint32) (words, count int) {
	switch kind {
	case btfInt, btfVar, btfDeclTag:
		return 1, 1
	case btfArray:
		return 3, 1
	case btfStruct, btfUnion, btfDatasec, btfEnum64:
		return 3, int(vlen)
	case btfEnum, btfFuncProto:
		return 2, int(vlen)
	}
	return 0, 0
}

// newBTFText divides .BTF, as far as it makes sense. It gives nil when it does
// not begin as it should.
func newBTFText(s *elf.Section, order binary.ByteOrder) *btfText {
	b := s.Data
	if len(b) < btfHeaderSize || order.Uint16(b) != 0xeb9f || order.Uint32(b[4:]) < btfHeaderSize {
		return nil
	}
	header := uint64(order.Uint32(b[4:]))
	part := func(at int) (start, end uint64, ok bool) {
		start = header + uint64(order.Uint32(b[at:]))
		end = start + uint64(order.Uint32(b[at+4:]))
		return start, end, end <= uint64(len(b))
	}
	typesStart, typesEnd, ok1 := part(8)
	stringsStart, stringsEnd, ok2 := part(16)
	if !ok1 || !ok2 || typesEnd > stringsStart {
		return nil
	}
	t := &btfText{s: s, order: order, strings: b[stringsStart:stringsEnd], types: make([]btfRecord, 1), vars: map[string]uint32{}}
	t.lines = []dataLine{
		{off: 0, size: 2, words: 1, hex: true, comment: "magic"},
		{off: 2, size: 1, words: 2, comment: "version, flags"},
		{off: 4, size: 4, words: 1, comment: "bytes of this header"},
		{off: 8, size: 4, words: 2, comment: "types: offset behind the header, bytes"},
		{off: 16, size: 4, words: 2, comment: "strings: offset, bytes"},
	}
	ends := t.readTypes(b[:typesEnd], typesStart)
	for i := range t.types {
		if r := &t.types[i]; r.kind == btfVar {
			t.vars[t.string(r.name)] = r.sizeType
		}
	}
	t.describeTypes(typesStart, ends)
	t.describeStrings(stringsStart)
	return t
}

// readTypes takes the types and gives where each ends.
func (t *btfText) readTypes(b []byte, at uint64) (ends []uint64) {
	for at+12 <= uint64(len(b)) {
		info := t.order.Uint32(b[at+4:])
		r := btfRecord{
			name: t.order.Uint32(b[at:]), kind: info >> 24 & 0x1f, vlen: info & 0xffff, flag: info>>31 != 0,
			sizeType: t.order.Uint32(b[at+8:]),
		}
		words, count := btfExtra(r.kind, r.vlen)
		extra := uint64(4 * words * count)
		if r.kind == 0 || int(r.kind) >= len(btfKindWords) || extra > uint64(len(b))-at-12 {
			return ends // what follows can't be told apart
		}
		at += 12
		r.extra = b[at : at+extra]
		at += extra
		t.types = append(t.types, r)
		ends = append(ends, at)
	}
	return ends
}

// string gives the string at an offset, empty when there is none.
func (t *btfText) string(off uint32) string {
	if t == nil || uint64(off) >= uint64(len(t.strings)) {
		return ""
	}
	b := t.strings[off:]
	b = b[:min(len(b), 200)]
	if n := bytes.IndexByte(b, 0); n >= 0 {
		b = b[:n]
	}
	return string(b)
}

// nameOf is a type in a few words: "struct flow", "[7] *u64".
func (t *btfText) nameOf(id uint32) string { return t.typeName(id, 0) }

func (t *btfText) typeName(id uint32, depth int) string {
	switch {
	case id == 0:
		return "void"
	case t == nil || uint64(id) >= uint64(len(t.types)) || depth > 8:
		return fmt.Sprintf("[%d]", id)
	}
	r := &t.types[id]
	name := t.string(r.name)
	switch r.kind {
	case btfPtr:
		return "*" + t.typeName(r.sizeType, depth+1)
	case btfArray:
		return fmt.Sprintf("%s[%d]", t.typeName(t.order.Uint32(r.extra), depth+1), t.order.Uint32(r.extra[8:]))
	case btfConst, btfVolatile, btfRestrict:
		return btfKindWords[r.kind] + " " + t.typeName(r.sizeType, depth+1)
	case btfTypeTag:
		return t.typeName(r.sizeType, depth+1)
	case btfInt, btfFloat, btfTypedef, btfVar, btfFunc:
		return name
	}
	if name == "" {
		return fmt.Sprintf("%s [%d]", btfKindWords[r.kind], id)
	}
	word := btfKindWords[r.kind]
	switch {
	case r.kind == btfFwd && r.flag:
		word = "union"
	case r.kind == btfFwd:
		word = "struct"
	case r.kind == btfEnum64:
		word = "enum"
	}
	return word + " " + name
}

// describeTypes makes the lines of the types: one for each and one for each of
// its members.
func (t *btfText) describeTypes(start uint64, ends []uint64) {
	at := start
	for i, end := range ends {
		r := &t.types[i+1]
		id := uint32(i + 1)
		words, count := btfExtra(r.kind, r.vlen)
		first := dataLine{off: at, size: 4, words: 3, comment: fmt.Sprintf("[%d] %s", id, t.describe(r, id)), blank: i == 0}
		if count == 1 && r.kind != btfStruct && r.kind != btfUnion && r.kind != btfDatasec && r.kind != btfEnum && r.kind != btfEnum64 && r.kind != btfFuncProto {
			first.words += words
			t.lines = append(t.lines, first)
			at = end
			continue
		}
		t.lines = append(t.lines, first)
		for k := range count {
			extra := r.extra[4*words*k:]
			t.lines = append(t.lines, dataLine{
				off: at + 12 + uint64(4*words*k), size: 4, words: words,
				signed: r.kind == btfEnum && r.flag, comment: "  " + t.member(r, extra),
			})
		}
		at = end
	}
}

// describe is the comment of a type.
func (t *btfText) describe(r *btfRecord, id uint32) string {
	switch r.kind {
	case btfInt:
		return fmt.Sprintf("%s: %s", t.string(r.name), intWords(t.order.Uint32(r.extra), r.sizeType))
	case btfStruct, btfUnion:
		return fmt.Sprintf("%s, %d bytes", t.nameOf(id), r.sizeType)
	case btfTypedef:
		return fmt.Sprintf("typedef %s: %s", t.string(r.name), t.nameOf(r.sizeType))
	case btfFunc:
		return fmt.Sprintf("%s func %s: [%d]", linkWord(r.vlen), t.string(r.name), r.sizeType)
	case btfVar:
		return fmt.Sprintf("%s var %s: %s", linkWord(t.order.Uint32(r.extra)), t.string(r.name), t.nameOf(r.sizeType))
	case btfFuncProto:
		return "prototype: " + t.nameOf(r.sizeType)
	case btfDeclTag:
		return fmt.Sprintf("decl_tag %q of %s", t.string(r.name), t.nameOf(r.sizeType))
	case btfTypeTag:
		return fmt.Sprintf("type_tag %q: %s", t.string(r.name), t.nameOf(r.sizeType))
	case btfDatasec:
		return fmt.Sprintf("section %s, %d bytes", t.string(r.name), r.sizeType)
	}
	return t.nameOf(id)
}

// member is the comment of a member of a type.
func (t *btfText) member(r *btfRecord, extra []byte) string {
	first, second := t.order.Uint32(extra), t.order.Uint32(extra[4:])
	switch r.kind {
	case btfStruct, btfUnion:
		bits, width := t.order.Uint32(extra[8:]), uint32(0)
		if r.flag {
			bits, width = bits&0xffffff, bits>>24
		}
		text := t.nameOf(second) + " at "
		if name := t.string(first); name != "" {
			text = name + ": " + text
		}
		switch {
		case width > 0:
			text += fmt.Sprintf("bit %d, %d wide", bits, width)
		case bits%8 != 0:
			text += fmt.Sprintf("bit %d", bits)
		default:
			text += fmt.Sprint(bits / 8)
		}
		return text
	case btfDatasec:
		return fmt.Sprintf("%s, %d bytes", t.nameOf(first), t.order.Uint32(extra[8:]))
	case btfFuncProto:
		if first == 0 && second == 0 {
			return "…"
		}
		return fmt.Sprintf("%s: %s", t.string(first), t.nameOf(second))
	}
	return t.string(first)
}

// intWords says how an integer is encoded.
func intWords(encoding, size uint32) string {
	words := []string{"unsigned"}
	switch {
	case encoding>>24&4 != 0:
		words[0] = "bool"
	case encoding>>24&1 != 0:
		words[0] = "signed"
	}
	if encoding>>24&2 != 0 {
		words = append(words, "char")
	}
	words = append(words, fmt.Sprintf("%d bytes", size))
	if bits := encoding & 0xff; bits != 8*size {
		words = append(words, fmt.Sprintf("%d bits", bits))
	}
	return strings.Join(words, ", ")
}

func linkWord(linkage uint32) string {
	if int(linkage) < len(btfLinkages) {
		return btfLinkages[linkage]
	}
	return fmt.Sprintf("linkage %d", linkage)
}

var btfLinkages = [...]string{"static", "global", "extern"}

// describeStrings makes a line of each string.
func (t *btfText) describeStrings(start uint64) {
	for at := 0; at < len(t.strings); {
		n := bytes.IndexByte(t.strings[at:], 0) + 1
		if n == 0 {
			n = len(t.strings) - at
		}
		t.lines = append(t.lines, dataLine{off: start + uint64(at), words: n, comment: fmt.Sprint(at), blank: at == 0})
		at += n
	}
}
