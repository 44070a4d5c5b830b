package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/ctype"
	"ebtools/internal/show"
)

// plainMaps are the maps that are no sections of variables.
func (d *dump) plainMaps() []*bpf.Map {
	return slices.DeleteFunc(slices.Clone(d.obj.Maps), (*bpf.Map).IsSection)
}

// dataMaps are the sections of variables, and an arena that has some.
func (d *dump) dataMaps() []*bpf.Map {
	return slices.DeleteFunc(slices.Clone(d.obj.Maps), func(m *bpf.Map) bool { return m.Section == "" })
}

func (d *dump) writeMaps(w io.Writer) {
	d.heading(w, "Maps")
	maps := d.plainMaps()
	if len(maps) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  ", Right: []bool{false, false, false, false, true}}
	table.Row(d.quiet("name", "type", "key", "value", "entries")...)
	for _, m := range maps {
		table.Row(d.mapRow(m.Name, m)...)
		for inner, depth := m.Inner, 1; inner != nil && depth < 4; inner, depth = inner.Inner, depth+1 {
			table.Row(d.mapRow(strings.Repeat("  ", depth)+"of: "+inner.Name, inner)...)
		}
	}
	table.Write(w)
	for _, m := range maps {
		d.writeValues(w, m)
	}
}

func (d *dump) mapRow(name string, m *bpf.Map) []string {
	row := []string{
		d.colors.Name(show.Name(strings.TrimSuffix(name, ": "))), d.colors.Type(m.Type.String()),
		sideText(m.Key, m.KeySize), valueText(m), show.Count(uint64(m.MaxEntries)),
	}
	if more := mapExtras(m); more != "" {
		row = append(row, more)
	}
	return row
}

func valueText(m *bpf.Map) string {
	if m.Type == linux.MapArena {
		return sideText(nil, m.ValueSize) // what Value has are its variables
	}
	return sideText(m.Value, m.ValueSize)
}

// sideText says what a map's key or value is: its type and size, "-" for none.
func sideText(t btf.Type, size uint32) string {
	switch {
	case size == 0 && t == nil:
		return "-"
	case t == nil:
		return show.Plural(uint64(size), "byte")
	}
	name := ctype.Name(t)
	if _, ok := btf.As[*btf.Int](t); ok || name == "" {
		if name == "" {
			return show.Plural(uint64(size), "byte")
		}
		return show.Line(name)
	}
	return fmt.Sprintf("%s (%s)", show.Line(name), show.Plural(uint64(size), "byte"))
}

// mapExtras says what few maps have: flags, pinning, ….
func mapExtras(m *bpf.Map) string {
	var words []string
	if m.Flags != 0 {
		words = append(words, mapFlags(m.Flags))
	}
	if m.Flags&linux.FNUMANode != 0 {
		words = append(words, fmt.Sprintf("node %d", m.NumaNode))
	}
	if m.Extra != 0 {
		words = append(words, fmt.Sprintf("map_extra %d", m.Extra))
	}
	switch m.Pinning {
	case 0:
	case 1:
		words = append(words, "pinned by name")
	default:
		words = append(words, fmt.Sprintf("pinning %d", m.Pinning))
	}
	return strings.Join(words, ", ")
}

// mapFlags names the flags of a map: "no_prealloc|0x80000".
func mapFlags(flags uint32) string { return strings.Join(mapFlagList(flags), "|") }

func mapFlagList(flags uint32) []string {
	words := []string{}
	for _, f := range linux.MapFlags() {
		if flags&f.Bit != 0 {
			words = append(words, f.Name)
			flags &^= f.Bit
		}
	}
	if flags != 0 {
		words = append(words, fmt.Sprintf("%#x", flags))
	}
	return words
}

// writeValues lists the programs and maps that a map holds from the start.
func (d *dump) writeValues(w io.Writer, m *bpf.Map) {
	if len(m.Values) == 0 {
		return
	}
	fmt.Fprintf(w, "\n  %s holds\n", d.colors.Name(show.Name(m.Name)))
	table := show.Table{Indent: "    ", Right: []bool{m.Type != linux.MapStructOps}}
	for _, v := range m.Values {
		table.Row(valueIndex(m, v.Index), d.colors.Name(show.Name(v.Name)))
	}
	table.Write(w)
}

// valueIndex says where a map's initial value is: its index, or the member of a
// struct_ops map.
func valueIndex(m *bpf.Map, index uint32) string {
	if t, ok := btf.As[*btf.Struct](m.Value); ok && m.Type == linux.MapStructOps {
		for _, member := range t.Members {
			if member.Offset.Bytes() == index {
				return "." + show.Name(member.Name)
			}
		}
	}
	return fmt.Sprintf("[%d]", index)
}

// variable is a global variable.
type variable struct {
	section      *bpf.Map
	name         string
	offset, size uint32
	typ          btf.Type // nil if not known
	linkage      string   // "static", "global", "extern"
}

// variables lists the variables of a section by their offset, as its type tells
// of them. Without one, the section as a whole is a variable without a name.
func variables(m *bpf.Map) []variable {
	sec, ok := m.Value.(*btf.Datasec)
	if !ok {
		return []variable{{section: m, size: m.Room()}}
	}
	var list []variable
	for _, v := range sec.Vars {
		t, ok := v.Type.(*btf.Var)
		if !ok {
			continue
		}
		list = append(list, variable{m, t.Name, v.Offset, v.Size, t.Type, linkageName(t.Linkage)})
	}
	slices.SortStableFunc(list, func(a, b variable) int { return cmp.Compare(a.offset, b.offset) })
	return list
}

func linkageName(l btf.VarLinkage) string {
	switch l {
	case btf.StaticVar:
		return "static"
	case btf.GlobalVar:
		return "global"
	case btf.ExternVar:
		return "extern"
	}
	return fmt.Sprintf("linkage %d", int(l))
}

// bytes gives the initial value; ok is false where it is not in the section. It
// is nil if it is all zeros.
func (v *variable) bytes() (b []byte, ok bool) {
	switch end := uint64(v.offset) + uint64(v.size); {
	case end > uint64(v.section.Room()):
		return nil, false
	case v.section.Contents == nil:
		return nil, true
	case end > uint64(len(v.section.Contents)):
		return nil, false
	}
	b = v.section.Contents[v.offset : v.offset+v.size]
	if slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		return b, true
	}
	return nil, true
}

func (d *dump) writeVariables(w io.Writer) {
	d.heading(w, "Variables")
	sections := d.dataMaps()
	if len(sections) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  ", Right: []bool{false, true}}
	table.Row(d.quiet("section", "offset", "variable", "value")...)
	shown, left := 0, 0
	for _, m := range sections {
		for _, v := range variables(m) {
			if shown++; shown > fewVariables && !d.o.parts.variables {
				left++
				continue
			}
			declaration := show.Plural(uint64(v.size), "byte")
			if v.name != "" {
				declaration = declareVariable(v.typ, v.name)
			}
			table.Row(show.Name(m.Section), fmt.Sprint(v.offset), d.colors.Name(show.Line(declaration)), d.colors.Number(d.valueText(&v)))
		}
	}
	table.Write(w)
	if left > 0 {
		fmt.Fprintf(w, "  and %s more, which --variables lists\n", show.Count(left))
	}
}

// fewVariables is how many variables the overview shows.
const fewVariables = 32

// fewZeros is how many bytes of variables are shown in any case. Beyond that, it
// is twice as many as the file has: more only come of variables that overlap, or
// that are all zeros, which no file has to hold.
const fewZeros = 4 << 20

// mayShow takes a value's bytes from those that may still be shown.
func (d *dump) mayShow(size uint32) bool {
	if uint64(size) > uint64(max(d.left, 0)) {
		return false
	}
	d.left -= int(size)
	return true
}

// valueText writes a variable's initial value.
func (d *dump) valueText(v *variable) string {
	b, ok := v.bytes()
	switch {
	case !ok:
		return "(outside of the section)"
	case b != nil && !d.mayShow(v.size):
		return "(too large to show)"
	case b == nil && isScalar(v.typ):
		return "0"
	case b == nil && v.size > 8:
		return "(zeros)"
	case b == nil:
		b = make([]byte, v.size)
	}
	text := show.Line(show.Text(show.ValueIn(d.obj.ByteOrder, v.typ, b)))
	if d.narrow {
		text = show.Clip(text, narrowValue)
	}
	return text
}

// narrowValue is how much of a value is shown on a terminal, in bytes.
const narrowValue = 72

func isScalar(t btf.Type) bool {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Int:
		return t.Encoding != btf.Bool
	case *btf.Pointer:
		return true
	}
	return false
}

func (d *dump) writeExterns(w io.Writer) {
	d.heading(w, "From the kernel")
	if len(d.obj.Externs) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  "}
	for _, e := range d.obj.Externs {
		what := "variable"
		if e.IsFunc() {
			what = "function"
		}
		if e.Weak {
			what = "weak " + what
		}
		row := []string{d.colors.Type(what), d.colors.Name(show.Line(externType(e)))}
		if d.obj.Kernel != "" {
			row = append(row, d.externFound(e))
		}
		table.Row(row...)
	}
	table.Write(w)
}

func (d *dump) externFound(e *bpf.Extern) string {
	switch {
	case e.ID == 0 && e.Weak:
		return d.colors.Quiet("not in this kernel")
	case e.ID == 0:
		return d.colors.Warn("not in this kernel")
	case e.Module != "":
		return d.colors.Quiet(fmt.Sprintf("type %d of module %s", e.ID, show.Name(e.Module)))
	}
	return d.colors.Quiet(fmt.Sprintf("type %d", e.ID))
}
