package show

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// Fields is a struct's or union's fields by name, in their order. It is
// written to JSON as an object.
type Fields []Field

// Field is a named value.
type Field struct {
	Name  string
	Value any
}

// Value takes b apart by its type, integers in little-endian order: numbers
// (int64, uint64, float64, bool), strings for character arrays that hold text
// and for enumerators, []any for arrays, Fields for structs. Bytes of no known
// type, and those that do not fit their type, are a number when they are 1, 2,
// 4 or 8 and a string of hexadecimal digits otherwise.
func Value(t btf.Type, b []byte) any { return ValueIn(binary.LittleEndian, t, b) }

// ValueIn is Value for a machine of another byte order.
func ValueIn(order binary.ByteOrder, t btf.Type, b []byte) any {
	d := decoder{order: order, left: 1024 + 2*maxDepth*len(b)}
	if t == nil {
		return d.untyped(b)
	}
	if size, err := btf.Sizeof(t); err != nil || size > len(b) {
		return d.untyped(b)
	}
	return d.value(t, b, 0)
}

// decoder takes bytes apart.
type decoder struct {
	order binary.ByteOrder
	// left is how many values may still be made, and how many bytes of them read.
	// Members of a type may overlap, as those of unions do, and nest: a small type
	// could mean more values than memory holds.
	left int
}

// maxDepth is how deep types may nest; BTF can't be recursive without pointers.
const maxDepth = 32

// tooMuch stands for values behind the limit.
const tooMuch = "…"

func (d *decoder) value(t btf.Type, b []byte, depth int) any {
	size, err := btf.Sizeof(t)
	if err != nil || size > len(b) || depth > maxDepth {
		if d.left -= len(b); d.left < 0 {
			return tooMuch
		}
		return d.untyped(b)
	}
	if d.left -= 1 + size; d.left < 0 {
		return tooMuch
	}
	b = b[:size]
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return d.integer(t, b)
	case *btf.Enum:
		return d.enumerator(t, b)
	case *btf.Array:
		return d.array(t, b, depth)
	case *btf.Struct:
		return d.members(t.Members, b, depth)
	case *btf.Union:
		return d.members(t.Members, b, depth)
	case *btf.Datasec:
		return d.variables(t, b, depth)
	case *btf.Var:
		return d.value(t.Type, b, depth+1)
	}
	return d.untyped(b)
}

func (d *decoder) integer(t *btf.Int, b []byte) any {
	if len(b) != 1 && len(b) != 2 && len(b) != 4 && len(b) != 8 {
		return d.untyped(b)
	}
	v := d.unsigned(b)
	switch t.Encoding {
	case btf.Bool:
		return v != 0
	case btf.Signed, btf.Char:
		shift := 64 - 8*len(b)
		return int64(v<<shift) >> shift
	}
	return v
}

func (d *decoder) unsigned(b []byte) uint64 {
	var v uint64
	for i, c := range b {
		shift := 8 * i
		if bpf.IsBigEndian(d.order) {
			shift = 8 * (len(b) - 1 - i)
		}
		v |= uint64(c) << shift
	}
	return v
}

func (d *decoder) enumerator(t *btf.Enum, b []byte) any {
	if len(b) < 1 || len(b) > 8 {
		return d.untyped(b)
	}
	v := d.unsigned(b)
	if t.Signed {
		shift := 64 - 8*len(b)
		v = uint64(int64(v<<shift) >> shift)
	}
	for _, e := range t.Values {
		if e.Value == v {
			return e.Name
		}
	}
	if t.Signed {
		return int64(v)
	}
	return v
}

func (d *decoder) array(t *btf.Array, b []byte, depth int) any {
	if s, ok := text(t, b); ok {
		return s
	}
	size, err := btf.Sizeof(t.Type)
	if err != nil || size == 0 {
		return d.untyped(b)
	}
	out := []any{}
	for element := range slices.Chunk(b, size) {
		if d.left < 0 {
			break
		}
		out = append(out, d.value(t.Type, element, depth+1))
	}
	return out
}

// text recognises an array of char that holds printable text up to a zero byte.
func text(t *btf.Array, b []byte) (string, bool) {
	if !isText(t) {
		return "", false
	}
	s, tail, found := strings.Cut(string(b), "\x00")
	if !found || strings.Trim(tail, "\x00") != "" || !utf8.ValidString(s) {
		return "", false
	}
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return "", false
		}
	}
	return s, true
}

func (d *decoder) members(list []btf.Member, b []byte, depth int) any {
	out := Fields{}
	for _, m := range list {
		if d.left < 0 {
			break
		}
		if m.BitfieldSize > 0 {
			d.left--
			out = append(out, Field{m.Name, d.bitfield(m, b)})
			continue
		}
		start := int(m.Offset.Bytes())
		if start > len(b) {
			continue
		}
		v := d.value(m.Type, b[start:], depth+1)
		if inner, ok := v.(Fields); ok && m.Name == "" {
			out = append(out, inner...) // an anonymous struct's fields are the outer one's
			continue
		}
		out = append(out, Field{m.Name, v})
	}
	return out
}

func (d *decoder) bitfield(m btf.Member, b []byte) any {
	first, width := int(m.Offset), int(m.BitfieldSize)
	var v uint64
	for i := range min(width, 64) {
		// Bits count from the low end of bytes, on big-endian machines from the
		// high end, where a field's first bit is its highest.
		bit, down := first+i, (first+i)%8
		if bpf.IsBigEndian(d.order) {
			bit = first + width - 1 - i
			down = 7 - bit%8
		}
		if bit/8 < len(b) && b[bit/8]>>down&1 == 1 {
			v |= 1 << i
		}
	}
	if t, ok := btf.UnderlyingType(m.Type).(*btf.Int); ok && t.Encoding == btf.Signed && width < 64 && v>>(width-1)&1 == 1 {
		return int64(v) - 1<<width
	}
	return v
}

func (d *decoder) variables(t *btf.Datasec, b []byte, depth int) any {
	out := Fields{}
	for _, v := range t.Vars {
		if d.left < 0 {
			break
		}
		variable, ok := v.Type.(*btf.Var)
		start, end := uint64(v.Offset), uint64(v.Offset)+uint64(v.Size)
		if !ok || end > uint64(len(b)) {
			continue
		}
		out = append(out, Field{variable.Name, d.value(variable.Type, b[start:end], depth+1)})
	}
	return out
}

func (d *decoder) untyped(b []byte) any {
	switch len(b) {
	case 1, 2, 4, 8:
		return d.unsigned(b)
	}
	return hex.EncodeToString(b)
}

// Text writes a value from Value on one line: {packets: 3, bytes: 180}.
func Text(v any) string {
	switch v := v.(type) {
	case Fields:
		parts := make([]string, len(v))
		for i, f := range v {
			parts[i] = f.Name + ": " + Text(f.Value)
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = Text(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case string:
		return strconv.Quote(v)
	}
	return fmt.Sprint(v)
}
