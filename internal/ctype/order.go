package ctype

import (
	"github.com/cilium/ebpf/btf"
)

// use is a type as a declaration uses it.
type use struct {
	t   btf.Type
	how how
}

// how says what a declaration that uses a type needs of it.
type how int

const (
	declared   how = iota // a forward declaration
	complete              // the definition
	writtenOut            // the members, which are written in the declaration itself
)

// need writes what must stand in front of a declaration that uses t.
func (d *dumper) need(t btf.Type, as how, depth int) {
	if depth > maxDefinitions {
		d.stop()
	}
	for !d.stopped() {
		if t == nil || d.seen[use{t, as}] {
			return
		}
		d.seen[use{t, as}] = true
		if next, ok := behind(t); ok {
			t = next
			continue
		}
		switch v := t.(type) {
		case *btf.Pointer:
			t, as = v.Target, declared
		case *btf.Array:
			t, as = v.Type, complete // C wants that behind a pointer, too
		case *btf.FuncProto:
			for _, p := range v.Params {
				d.need(p.Type, declared, depth+1)
			}
			t = v.Return
		case *btf.Typedef:
			d.define(v, depth+1)
			if as == declared {
				return
			}
			t = v.Type
		case *btf.Struct, *btf.Union:
			members, _, _, _ := composite(v)
			switch {
			case v.TypeName() == "":
				d.needMembers(members, depth)
			case as == complete:
				d.define(v, depth+1)
			default:
				d.forward(v)
			}
			return
		case *btf.Fwd:
			d.forward(v)
			return
		case *btf.Enum:
			if v.Name != "" {
				d.define(v, depth+1)
			}
			return
		case *btf.Int:
			d.define(v, depth+1)
			return
		default:
			return
		}
	}
}

func (d *dumper) needMembers(members []btf.Member, depth int) {
	for _, m := range members {
		inner, inline := d.anonymous(m)
		if !inline {
			d.need(m.Type, complete, depth+1)
			continue
		}
		key := use{d.skip(m.Type, false), writtenOut}
		if depth > maxDefinitions {
			d.stop()
		}
		if !d.seen[key] && !d.stopped() {
			d.seen[key] = true
			d.needMembers(inner, depth+1)
		}
	}
}

// define writes the definition of a type with a name, and what it needs first.
func (d *dumper) define(t btf.Type, depth int) {
	if d.begun[t] {
		return
	}
	d.begun[t] = true
	switch v := t.(type) {
	case *btf.Struct:
		d.structure(v, v.Members, v.Tags, depth)
	case *btf.Union:
		d.structure(v, v.Members, v.Tags, depth)
	case *btf.Enum:
		d.enum(v)
	case *btf.Fwd:
		d.forward(v)
	case *btf.Typedef:
		d.need(v.Type, declared, depth)
		d.typedef(v)
	case *btf.Int:
		if _, isC := intName(v.Name); !isC && v.Name != "" {
			d.integer(v)
		}
	}
}
