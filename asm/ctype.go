package asm

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// Types in .map directives are written as in C: u32, u8[6], struct flow, and
// {u32 source, u16 port} for a structure; its members may be such in turn.

// scalar is a type with a name of its own.
type scalar struct {
	typ  btf.Type
	size uint64 // in bytes; its alignment as well
}

func integerType(name string, size uint32, encoding btf.IntEncoding) scalar {
	return scalar{&btf.Int{Name: name, Size: size, Encoding: encoding}, uint64(size)}
}

// scalars are the types known by name. Those with an alias for a name are
// typedefs, so that a reader sees which byte order is meant.
var scalars = func() map[string]scalar {
	types := map[string]scalar{
		"u8": integerType("u8", 1, btf.Unsigned), "s8": integerType("s8", 1, btf.Signed),
		"u16": integerType("u16", 2, btf.Unsigned), "s16": integerType("s16", 2, btf.Signed),
		"u32": integerType("u32", 4, btf.Unsigned), "s32": integerType("s32", 4, btf.Signed),
		"u64": integerType("u64", 8, btf.Unsigned), "s64": integerType("s64", 8, btf.Signed),
		"char": integerType("char", 1, btf.Signed), "bool": integerType("bool", 1, btf.Bool),
		"int": integerType("int", 4, btf.Signed),
	}
	for alias, of := range map[string]string{
		"__u8": "u8", "__u16": "u16", "__u32": "u32", "__u64": "u64",
		"__s8": "s8", "__s16": "s16", "__s32": "s32", "__s64": "s64",
		"uint8_t": "u8", "uint16_t": "u16", "uint32_t": "u32", "uint64_t": "u64",
		"int8_t": "s8", "int16_t": "s16", "int32_t": "s32", "int64_t": "s64",
		"be16": "u16", "be32": "u32", "be64": "u64", "__be16": "u16", "__be32": "u32", "__be64": "u64",
		"le16": "u16", "le32": "u32", "le64": "u64", "__le16": "u16", "__le32": "u32", "__le64": "u64",
	} {
		types[alias] = scalar{&btf.Typedef{Name: alias, Type: types[of].typ}, types[of].size}
	}
	return types
}()

func scalarNames() []string { return slices.Sorted(maps.Keys(scalars)) }

// structure is a struct or union type with its layout.
type structure struct {
	typ         btf.Type
	size, align uint64
}

// kernelStructs are structures that the kernel knows by name within map values
// (include/uapi/linux/bpf.h): a program may only hand them to helpers.
var kernelStructs = map[string]*structure{
	"bpf_spin_lock": opaque("bpf_spin_lock", "val", scalars["u32"], 1),
	"bpf_timer":     opaque("bpf_timer", "__opaque", scalars["u64"], 2),
	"bpf_wq":        opaque("bpf_wq", "__opaque", scalars["u64"], 2),
	"bpf_list_head": opaque("bpf_list_head", "__opaque", scalars["u64"], 2),
	"bpf_rb_root":   opaque("bpf_rb_root", "__opaque", scalars["u64"], 2),
}

func opaque(name, member string, of scalar, n uint32) *structure {
	typ, size := of.typ, of.size
	if n > 1 {
		typ, size = arrayOf(typ, n), size*uint64(n)
	}
	return &structure{
		typ:  &btf.Struct{Name: name, Size: uint32(size), Members: []btf.Member{{Name: member, Type: typ}}},
		size: size, align: of.size,
	}
}

func arrayOf(t btf.Type, n uint32) btf.Type {
	return &btf.Array{Type: t, Index: scalars["u32"].typ, Nelems: n}
}

// maxType bounds the size of a type, in bytes.
const maxType = math.MaxInt32

// isTypeName reports whether a type may begin with word.
func (a *assembler) isTypeName(word string) bool {
	switch word {
	case "struct", "union", "const", "unsigned", "signed", "short", "long":
		return true
	}
	_, ok := scalars[word]
	return ok
}

// cType reads a type, with array bounds behind it. A structure without a name
// is called name.
func (a *assembler) cType(name string) (btf.Type, uint64, *fault) {
	typ, size, _, f := a.baseType(name, 0)
	if f != nil {
		return nil, 0, f
	}
	return a.arrayBounds(typ, size)
}

// baseType reads a type as it stands before a member's name, and gives its size
// and alignment in bytes.
func (a *assembler) baseType(name string, depth int) (btf.Type, uint64, uint64, *fault) {
	t := a.toks[a.i]
	if depth > 20 {
		return nil, 0, 0, faultAt(a.span(t), ErrRange, "structures are nested too deeply")
	}
	if t.kind == tokLeftBrace {
		return a.members(name, false, depth)
	}
	word, t, f := a.name("a type, as u32 or {u64 packets, u64 bytes}")
	if f != nil {
		return nil, 0, 0, f
	}
	switch word {
	case "const":
		return a.baseType(name, depth)
	case "struct", "union":
		return a.structure(name, word == "union", depth)
	case "unsigned", "signed", "short", "long":
		s := a.integerWords(word)
		return s.typ, s.size, s.size, nil
	}
	s, ok := scalars[word]
	if !ok {
		return nil, 0, 0, faultAt(a.span(t), ErrUndefined, "unknown type %s: types are u8 to u64, s8 to s64, char, bool, int and structures", word).suggest(word, scalarNames())
	}
	return s.typ, s.size, s.size, nil
}

// structure reads what follows the word struct or union: a name, members, or
// both.
func (a *assembler) structure(name string, union bool, depth int) (btf.Type, uint64, uint64, *fault) {
	if a.toks[a.i].kind == tokLeftBrace {
		return a.members(name, union, depth)
	}
	tag, t, f := a.name("the structure's name or its members in braces")
	if f != nil {
		return nil, 0, 0, f
	}
	known := a.structs[tag]
	if known == nil {
		known = kernelStructs[tag]
	}
	if a.toks[a.i].kind != tokLeftBrace {
		if known == nil {
			return nil, 0, 0, faultAt(a.span(t), ErrUndefined, "struct %s is not defined: give its members in braces behind it", tag)
		}
		return known.typ, known.size, known.align, nil
	}
	if known != nil {
		return nil, 0, 0, faultAt(a.span(t), ErrRedefined, "struct %s is defined already", tag)
	}
	typ, size, align, f := a.members(tag, union, depth)
	if f == nil {
		if a.structs == nil {
			a.structs = map[string]*structure{}
		}
		a.structs[tag] = &structure{typ, size, align}
	}
	return typ, size, align, f
}

// memberOffset gives the offset of a member, in bytes, of a structure that a .map
// directive named: counter.packets.
func (a *assembler) memberOffset(name string) (int64, bool) {
	tag, member, _ := strings.Cut(name, ".")
	s := a.structs[tag]
	if s == nil {
		return 0, false
	}
	if t, ok := s.typ.(*btf.Struct); ok {
		for _, m := range t.Members {
			if m.Name == member {
				return int64(m.Offset.Bytes()), true
			}
		}
	}
	return 0, false
}

// members reads {TYPE NAME, …} and lays it out as C does.
func (a *assembler) members(name string, union bool, depth int) (btf.Type, uint64, uint64, *fault) {
	open := a.toks[a.i]
	a.i++
	var list []btf.Member
	var last btf.Type // of the member before, for "u16 sport, dport"
	var lastSize, lastAlign uint64
	size, align := uint64(0), uint64(1)
	for !a.accept(tokRightBrace) {
		if a.another() { // ;} and the like
			continue
		}
		typ, each, alignment := last, lastSize, lastAlign
		if t := a.toks[a.i]; last == nil || t.kind != tokIdent || a.isTypeName(a.text(t)) || a.toks[a.i+1].kind == tokIdent {
			var f *fault
			if typ, each, alignment, f = a.baseType("", depth+1); f != nil {
				return nil, 0, 0, f
			}
		}
		last, lastSize, lastAlign = typ, each, alignment
		member, t := "", a.toks[a.i]
		if t.kind == tokIdent {
			member = a.text(t)
			a.i++
		} else if _, isInt := typ.(*btf.Int); isInt {
			return nil, 0, 0, a.unexpected(t, "the member's name")
		}
		for _, m := range list {
			if m.Name == member && member != "" {
				return nil, 0, 0, faultAt(a.span(t), ErrRedefined, "a member %s is there already", member)
			}
		}
		typ, each, f := a.arrayBounds(typ, each)
		if f != nil {
			return nil, 0, 0, f
		}
		offset := uint64(0)
		if !union {
			offset = size + padding(size, alignment)
		}
		size, align = max(size, offset+each), max(align, alignment)
		if size > maxType/8 { // offsets are counted in bits
			return nil, 0, 0, faultAt(a.span(t), ErrRange, "the structure is too large")
		}
		list = append(list, btf.Member{Name: member, Type: typ, Offset: btf.Bits(offset * 8)})
		if k := a.toks[a.i].kind; k != tokRightBrace && k != tokComma {
			return nil, 0, 0, a.unexpected(a.toks[a.i], "a comma or a closing brace")
		}
	}
	if len(list) == 0 {
		return nil, 0, 0, faultAt(a.span(open), ErrMisuse, "a structure needs members")
	}
	size += padding(size, align)
	if union {
		return &btf.Union{Name: name, Size: uint32(size), Members: list}, size, align, nil
	}
	return &btf.Struct{Name: name, Size: uint32(size), Members: list}, size, align, nil
}

// arrayBounds reads [N][M] behind a type or a member's name.
func (a *assembler) arrayBounds(t btf.Type, size uint64) (btf.Type, uint64, *fault) {
	var bounds []uint32
	for a.accept(tokLeftBracket) {
		n, at, f := a.absolute()
		if f != nil {
			return nil, 0, f
		}
		if n < 1 || n > maxType || size*uint64(n) > maxType {
			return nil, 0, faultAt(at, ErrRange, "an array can't have %d elements", n)
		}
		size *= uint64(n)
		bounds = append(bounds, uint32(n))
		if _, f := a.expect(tokRightBracket, "a closing bracket"); f != nil {
			return nil, 0, f
		}
	}
	for i := len(bounds) - 1; i >= 0; i-- {
		t = arrayOf(t, bounds[i])
	}
	return t, size, nil
}
