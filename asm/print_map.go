package asm

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// MapText says what a map is in the words of the .map directive, without its
// name: "type=hash, key=u32, value={u64 packets, u64 bytes}, max_entries=256".
func MapText(m *bpf.Map) string {
	w := mapWriter{structs: map[string]string{}}
	return strings.Join(w.mapWords(m), ", ")
}

// mapWriter writes a map's types.
type mapWriter struct {
	structs map[string]string // text of the structures written so far, by name
}

func (w *mapWriter) mapWords(m *bpf.Map) []string {
	typ := m.Type.String()
	if _, err := linux.ParseMapType(typ); err != nil {
		typ = fmt.Sprint(uint32(m.Type))
	}
	words := []string{"type=" + typ}
	need := mapNeeds(m.Type)
	add := func(name string, n uint64) {
		if n != 0 || name == "max_entries" && need.entries {
			words = append(words, fmt.Sprintf("%s=%d", name, n))
		}
	}
	if need.key != sideNone {
		words = append(words, "key="+w.typeText(m.Key, m.KeySize))
	}
	if need.value != sideNone {
		words = append(words, "value="+w.typeText(m.Value, m.ValueSize))
	}
	add("max_entries", uint64(m.MaxEntries))
	add("flags", uint64(m.Flags))
	add("map_extra", m.Extra)
	if m.Pinning == 1 {
		words = append(words, "pinning=by_name")
	}
	if m.Flags&linux.FNUMANode != 0 {
		add("numa_node", uint64(m.NumaNode))
	}
	if m.Inner != nil {
		words = append(words, "inner={"+strings.Join(w.mapWords(m.Inner), ", ")+"}")
	}
	if values := valueWords(m); len(values) > 0 {
		words = append(words, "values={"+strings.Join(values, ", ")+"}")
	}
	return words
}

// valueWords writes the programs or maps that a map holds from the start.
func valueWords(m *bpf.Map) []string {
	var words []string
	next := uint32(0)
	for _, v := range m.Values {
		word := symbolText(v.Name)
		if v.Index != next {
			word = fmt.Sprintf("[%d]=%s", v.Index, word)
		}
		words, next = append(words, word), v.Index+1
	}
	return words
}

// typeText writes a key's or a value's type, or its size when there is none or it
// can't be written.
func (w *mapWriter) typeText(t btf.Type, size uint32) string {
	if t != nil {
		if s, ok := w.cTypeText(t, "", 0); ok {
			if n, err := btf.Sizeof(t); err == nil && uint32(n) == size {
				return s
			}
		}
	}
	return fmt.Sprint(size)
}

// cTypeText writes the declaration of a member, or a type if member is "".
func (w *mapWriter) cTypeText(t btf.Type, member string, depth int) (string, bool) {
	if depth > 20 {
		return "", false
	}
	space := func(s string) string {
		if member == "" {
			return s
		}
		return s + " " + member
	}
	switch t := t.(type) {
	case *btf.Int:
		if t.Encoding == btf.Bool {
			return space("bool"), t.Size == 1
		}
		kind := "u"
		if t.Encoding == btf.Signed {
			kind = "s"
		}
		name := fmt.Sprintf("%s%d", kind, t.Size*8)
		_, known := scalars[name]
		return space(name), known
	case *btf.Typedef:
		if _, known := scalars[t.Name]; known {
			return space(t.Name), true
		}
		return w.cTypeText(t.Type, member, depth+1)
	case *btf.Const:
		return w.cTypeText(t.Type, member, depth+1)
	case *btf.Volatile:
		return w.cTypeText(t.Type, member, depth+1)
	case *btf.Array:
		bounds := ""
		element := btf.Type(t)
		for {
			array, ok := element.(*btf.Array)
			if !ok || array.Nelems == 0 {
				break
			}
			bounds += fmt.Sprintf("[%d]", array.Nelems)
			element = array.Type
		}
		if bounds == "" {
			return "", false
		}
		if member != "" {
			return w.cTypeText(element, member+bounds, depth+1)
		}
		s, ok := w.cTypeText(element, "", depth+1)
		return s + bounds, ok
	case *btf.Struct:
		s, ok := w.structText("struct", t.Name, t.Members, t.Size, depth)
		return space(s), ok
	case *btf.Union:
		s, ok := w.structText("union", t.Name, t.Members, t.Size, depth)
		return space(s), ok
	}
	return "", false
}

// structText writes a structure whose layout is the one that C gives it.
func (w *mapWriter) structText(word, name string, members []btf.Member, size uint32, depth int) (string, bool) {
	if k, ok := kernelStructs[name]; ok && uint64(size) == k.size {
		return word + " " + name, true
	}
	if name != "" && !isName(name) {
		return "", false
	}
	var texts []string
	end, align := uint64(0), uint64(1)
	for _, m := range members {
		alignment, ok := alignOf(m.Type, 0)
		if !ok || m.BitfieldSize != 0 || m.Name != "" && (!isName(m.Name) || strings.Contains(m.Name, ".")) {
			return "", false
		}
		offset := uint64(0)
		if word == "struct" {
			offset = end + padding(end, alignment)
		}
		text, ok := w.cTypeText(m.Type, m.Name, depth+1)
		n, err := btf.Sizeof(m.Type)
		if !ok || err != nil || uint64(m.Offset) != offset*8 {
			return "", false
		}
		end, align = max(end, offset+uint64(n)), max(align, alignment)
		texts = append(texts, text)
	}
	if len(texts) == 0 || end+padding(end, align) != uint64(size) {
		return "", false
	}
	body := "{" + strings.Join(texts, ", ") + "}"
	switch {
	case name == "" && word == "struct":
		return body, true
	case name == "":
		return word + " " + body, true
	}
	if known, ok := w.structs[name]; ok {
		return word + " " + name, known == word+body
	}
	w.structs[name] = word + body
	return word + " " + name + " " + body, true
}

// alignOf gives the alignment C has for a type.
func alignOf(t btf.Type, depth int) (uint64, bool) {
	if depth > 20 {
		return 0, false
	}
	members := func(list []btf.Member) (uint64, bool) {
		align := uint64(1)
		for _, m := range list {
			a, ok := alignOf(m.Type, depth+1)
			if !ok {
				return 0, false
			}
			align = max(align, a)
		}
		return align, true
	}
	switch t := t.(type) {
	case *btf.Int:
		return uint64(t.Size), t.Size > 0
	case *btf.Typedef:
		return alignOf(t.Type, depth+1)
	case *btf.Const:
		return alignOf(t.Type, depth+1)
	case *btf.Volatile:
		return alignOf(t.Type, depth+1)
	case *btf.Array:
		return alignOf(t.Type, depth+1)
	case *btf.Struct:
		if k, ok := kernelStructs[t.Name]; ok {
			return k.align, true
		}
		return members(t.Members)
	case *btf.Union:
		return members(t.Members)
	}
	return 0, false
}
