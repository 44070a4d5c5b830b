package compat

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// mapAt adds what map i of the object needs, asked for by the instruction at pc.
func (l *list) mapAt(r *reader, pc, i int) {
	r.used[i] = true
	for _, n := range r.mapNeeds(i) {
		n.PC = pc
		l.add(n)
	}
}

// mapNeeds is what map i of the object needs. An index that no map has needs
// nothing: what refers to it is refused for that.
func (r *reader) mapNeeds(i int) []Need {
	if i < 0 || i >= len(r.obj.Maps) || r.obj.Maps[i] == nil {
		return nil
	}
	if needs, ok := r.maps[i]; ok {
		return needs
	}
	l := list{seen: map[key]int{}}
	l.mapType(r.obj.Maps[i], 0)
	r.maps[i] = l.needs
	return l.needs
}

// maxInner bounds how deep maps within maps are looked into. The kernel takes one
// level.
const maxInner = 4

func (l *list) mapType(m *bpf.Map, depth int) {
	where := "map " + m.Name
	if depth > 0 {
		where = "maps within " + m.Name
	}
	if m.Section != "" {
		l.variables(m)
	} else {
		n := Need{Since: m.Type.Since(), Kind: MapType, Name: "BPF_MAP_TYPE_" + strings.ToUpper(m.Type.String()), PC: bpf.NoPC, Detail: where}
		if n.Since == (linux.Version{}) {
			n.Name, n.Detail = m.Type.String(), where+": no release up to 6.18 has this type"
		}
		l.add(n)
		l.mapFlags(m, where)
	}
	if m.Extra != 0 {
		l.feature(MapFlag, linux.FeatureMapExtra, bpf.NoPC, where)
	}
	if m.Type == linux.MapStructOps {
		if n, ok := structOpsNeed(m); ok {
			l.add(n)
		}
	} else if m.Value != nil {
		w := fieldWalk{list: l, where: where, seen: map[walked]bool{}}
		w.value(m.Value)
	}
	if m.Inner != nil && depth < maxInner {
		l.mapType(m.Inner, depth+1)
	}
}

// variables adds what a section of global variables needs: an array whose value
// instructions have the address of.
func (l *list) variables(m *bpf.Map) {
	n := Need{Since: linux.FeatureGlobalData.Since(), Kind: GlobalData, Name: m.Section, PC: bpf.NoPC, Detail: "a section of variables is an array whose value instructions have the address of"}
	if m.Section == kconfig {
		n.Detail = "settings that loaders read from /proc/config.gz or /boot, as variables"
	}
	l.add(n)
	if m.Flags&linux.FMmapable != 0 {
		l.add(Need{
			Since: flagSince(linux.FMmapable), Kind: MapFlag, Name: "BPF_F_MMAPABLE", PC: bpf.NoPC, Optional: true,
			Detail: "loaders leave it out for older kernels",
		})
	}
}

// kconfig is the section of settings.
const kconfig = ".kconfig"

func flagSince(bit uint32) linux.Version {
	for _, f := range linux.MapFlags() {
		if f.Bit == bit {
			return f.Since
		}
	}
	return linux.Version{}
}

func (l *list) mapFlags(m *bpf.Map, where string) {
	unknown := m.Flags
	for _, f := range linux.MapFlags() {
		if m.Flags&f.Bit != 0 {
			unknown &^= f.Bit
			l.add(Need{Since: f.Since, Kind: MapFlag, Name: f.Name, PC: bpf.NoPC, Detail: where})
		}
	}
	if unknown != 0 {
		l.add(Need{Kind: MapFlag, Name: fmt.Sprintf("map flags %#x", unknown), PC: bpf.NoPC, Detail: where + ": no release up to 6.18 has them"})
	}
}

// fieldWalk looks for special fields in the type of a map's values.
type fieldWalk struct {
	list  *list
	where string
	seen  map[walked]bool
}

type walked struct {
	t      btf.Type
	nested bool
}

func (w *fieldWalk) value(t btf.Type) {
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Datasec:
		for _, v := range t.Vars {
			if variable, ok := v.Type.(*btf.Var); ok {
				w.field(variable.Type, false, 0)
			}
		}
	case *btf.Struct:
		if !w.special(t.Name, false, false) {
			w.members(t, false, 0)
		}
	default:
		w.field(t, false, 0)
	}
}

func (w *fieldWalk) members(s *btf.Struct, nested bool, depth int) {
	if k := (walked{s, nested}); w.seen[k] {
		return
	} else {
		w.seen[k] = true
	}
	for _, m := range s.Members {
		w.field(m.Type, nested, depth)
	}
}

// maxNested is how deep structs are looked into. The kernel stops at 4.
const maxNested = 8

func (w *fieldWalk) field(t btf.Type, nested bool, depth int) {
	if depth > maxNested {
		return
	}
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		if !w.special(t.Name, false, nested) {
			w.members(t, true, depth+1)
		}
	case *btf.Array:
		w.field(t.Type, true, depth+1)
	case *btf.Pointer:
		target := t.Target
		for range maxNested {
			tag, ok := target.(*btf.TypeTag)
			if !ok {
				return
			}
			w.special(tag.Value, true, nested)
			target = tag.Type
		}
	}
}

// special adds the field if it is one of those that the verifier knows.
func (w *fieldWalk) special(name string, tag, nested bool) bool {
	f, ok := linux.MapFieldByName(name, tag)
	if !ok {
		return false
	}
	what := "struct " + name
	detail := w.where
	if tag {
		what = "pointer tag " + name
		if name == "kptr" {
			detail += "; from 5.19 to 6.3 the tag of pointers that hold a reference was kptr_ref"
		}
	}
	w.list.add(Need{Since: f.Since, Kind: MapField, Name: what, PC: bpf.NoPC, Detail: detail})
	if nested && (tag || name == "bpf_list_head" || name == "bpf_rb_root") {
		w.list.feature(MapField, linux.FeatureNestedFields, bpf.NoPC, w.where)
	}
	return true
}
