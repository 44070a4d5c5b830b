package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/internal/ctype"
	"ebtools/internal/flow"
	"ebtools/internal/show"
)

func flowOf(p *bpf.Program) []flow.Function { return flow.Of(p) }

// typeRow is a type as lists show it.
type typeRow struct {
	id      btf.TypeID
	kind    string
	name    string
	size    int    // bytes, -1 if it has none
	refers  string // what it is made from, in C: "int [4]"
	tags    []string
	members []memberRow
}

// memberRow is a part of a type: a member, an enumerator, a parameter, a variable
// of a section.
type memberRow struct {
	name   string
	typ    string // in C
	offset uint32 // in bytes
	bits   uint32 // width of a bit field
	bit    uint32 // of a bit field, its first bit behind offset
	tags   []string

	isValue bool // it is an enumerator
	value   uint64
	signed  bool
}

// typeRows lists the types of the object by their ids.
func typeRows(spec *btf.Spec) ([]typeRow, error) {
	var rows []typeRow
	for t, err := range spec.All() {
		if err != nil {
			return rows, err
		}
		id, err := spec.TypeID(t)
		if err != nil || id == 0 {
			continue
		}
		rows = append(rows, describeType(id, t))
	}
	return rows, nil
}

func describeType(id btf.TypeID, t btf.Type) typeRow {
	r := typeRow{id: id, name: t.TypeName(), size: -1}
	switch t := t.(type) {
	case *btf.Int:
		r.kind, r.size = "int", int(t.Size)
		if t.Encoding != btf.Unsigned {
			r.refers = strings.ToLower(t.Encoding.String())
		}
	case *btf.Float:
		r.kind, r.size = "float", int(t.Size)
	case *btf.Pointer:
		r.kind, r.refers = "ptr", ctype.Name(t)
	case *btf.Array:
		r.kind, r.refers = "array", ctype.Name(t)
		if n, err := btf.Sizeof(t); err == nil {
			r.size = n
		}
	case *btf.Struct:
		r.kind, r.size, r.members, r.tags = "struct", int(t.Size), memberRows(t.Members), t.Tags
	case *btf.Union:
		r.kind, r.size, r.members, r.tags = "union", int(t.Size), memberRows(t.Members), t.Tags
	case *btf.Enum:
		r.kind, r.size = "enum", int(t.Size)
		if t.Size > 4 {
			r.kind = "enum64"
		}
		for _, v := range t.Values {
			r.members = append(r.members, memberRow{name: v.Name, isValue: true, value: v.Value, signed: t.Signed})
		}
	case *btf.Fwd:
		r.kind, r.refers = "fwd", t.Kind.String()
	case *btf.Typedef:
		r.kind, r.refers, r.tags = "typedef", ctype.Name(t.Type), t.Tags
	case *btf.Const:
		r.kind, r.refers = "const", ctype.Name(t)
	case *btf.Volatile:
		r.kind, r.refers = "volatile", ctype.Name(t)
	case *btf.Restrict:
		r.kind, r.refers = "restrict", ctype.Name(t)
	case *btf.TypeTag:
		r.kind, r.name, r.refers = "type_tag", t.Value, ctype.Name(t.Type)
	case *btf.Func:
		r.kind, r.tags = "func", t.Tags
		r.refers = declare(t, t.Name)
		if l := t.Linkage.String(); l != "" {
			r.refers = l + " " + r.refers
		}
	case *btf.FuncProto:
		r.kind, r.refers = "func_proto", ctype.Name(t)
	case *btf.Var:
		r.kind, r.refers, r.tags = "var", linkageName(t.Linkage)+" "+declareVariable(t.Type, t.Name), t.Tags
	case *btf.Datasec:
		r.kind, r.size = "datasec", int(t.Size)
		for _, v := range t.Vars {
			m := memberRow{offset: v.Offset, typ: ctype.Name(v.Type)}
			if x, ok := v.Type.(*btf.Var); ok {
				m.name, m.typ = x.Name, ctype.Name(x.Type)
			}
			r.members = append(r.members, m)
		}
	default:
		r.kind = strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", t), "*btf."))
	}
	return r
}

func memberRows(list []btf.Member) []memberRow {
	rows := make([]memberRow, len(list))
	for i, m := range list {
		rows[i] = memberRow{name: m.Name, typ: ctype.Name(m.Type), offset: m.Offset.Bytes(), tags: m.Tags}
		if m.BitfieldSize > 0 {
			rows[i].offset, rows[i].bit, rows[i].bits = uint32(m.Offset)/8, uint32(m.Offset)%8, uint32(m.BitfieldSize)
		}
	}
	return rows
}

// writeTypes lists the types, members of a struct with their offsets.
func (d *dump) writeTypes(w io.Writer) {
	d.heading(w, "Types")
	if d.obj.Types == nil {
		d.none(w)
		return
	}
	rows, err := typeRows(d.obj.Types)
	idWidth, kindWidth := 1, 0
	for _, r := range rows {
		idWidth = max(idWidth, len(fmt.Sprint(r.id)))
		kindWidth = max(kindWidth, len(r.kind))
	}
	for _, r := range rows {
		fmt.Fprintf(w, "  %s %s", d.colors.Quiet(fmt.Sprintf("%*d", idWidth, r.id)), d.colors.Type(fmt.Sprintf("%-*s", kindWidth, r.kind)))
		fmt.Fprintf(w, " %s", d.typeText(&r))
		if r.size >= 0 {
			fmt.Fprintf(w, ", %s", show.Plural(r.size, "byte"))
		}
		if tags := tagText(r.tags); tags != "" {
			fmt.Fprintf(w, ", %s", tags)
		}
		fmt.Fprintln(w)
		d.writeMembers(w, r.members, idWidth+kindWidth)
	}
	if len(rows) == 0 {
		d.none(w)
	}
	if err != nil {
		fmt.Fprintf(w, "  the types that follow can't be read: %s\n", show.Line(err.Error()))
	}
}

// typeText writes what a type is called and what it refers to. What is a
// declaration has its name in it already.
func (d *dump) typeText(r *typeRow) string {
	name, refers := d.colors.Name(show.Name(r.name)), show.Line(r.refers)
	switch {
	case r.kind == "func" || r.kind == "var" || r.name == "" && r.refers != "":
		return refers
	case r.name == "":
		return "(anonymous)"
	case r.refers == "":
		return name
	case r.kind == "typedef" || r.kind == "type_tag":
		return name + " = " + refers
	}
	return name + ", " + refers
}

// tagText writes declaration tags.
func tagText(tags []string) string {
	if len(tags) == 0 {
		return ""
	}
	shown := make([]string, len(tags))
	for i, tag := range tags {
		shown[i] = strconv.Quote(tag)
	}
	return "tagged " + strings.Join(shown, ", ")
}

func (d *dump) writeMembers(w io.Writer, members []memberRow, indent int) {
	table := show.Table{Indent: strings.Repeat(" ", indent+4), Right: []bool{true}}
	for _, m := range members {
		name := show.Name(m.name)
		switch {
		case m.isValue && m.signed:
			table.Row(strconv.FormatInt(int64(m.value), 10), name)
		case m.isValue:
			table.Row(strconv.FormatUint(m.value, 10), name)
		case m.bits > 0:
			table.Row(fmt.Sprintf("%d:%d", m.offset, m.bit), fmt.Sprintf("%s : %d", name, m.bits), show.Line(m.typ), tagText(m.tags))
		default:
			table.Row(fmt.Sprint(m.offset), name, show.Line(m.typ), tagText(m.tags))
		}
	}
	table.Write(w)
}
