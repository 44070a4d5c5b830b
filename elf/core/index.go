package core

import "hash/maphash"

// EssentialName gives the name that a type, function or variable of the kernel is
// looked for by: without its flavor, as in "task_struct___v2".
func EssentialName(name string) string { return essential(name) }

// FuncID finds the function of a name among the types, not those of the base.
func (t *Types) FuncID(name string) (id uint32, ok bool) { return t.exactly(name, kindFunc) }

// VarID finds the variable of a name among the types, not those of the base.
func (t *Types) VarID(name string) (id uint32, ok bool) { return t.exactly(name, kindVar) }

// exactly gives the first type of a name, flavor and all, and of a kind.
func (t *Types) exactly(name string, k kind) (id uint32, ok bool) {
	x := t.index()
	for i := *x.head(essential(name)); i != 0; i = x.next[i-1] {
		if c, _ := t.typ(t.firstID + i - 1); c.kind == k && c.name() == name {
			return c.id, true
		}
	}
	return 0, false
}

// essential gives a type's name without its flavor: what follows the last three
// underscores that have no underscore next to them ("task_struct___v2").
// Everything before them counts when a type is looked for.
func essential(name string) string {
	for i := len(name) - 5; i >= 0; i-- {
		if name[i] != '_' && name[i+1] == '_' && name[i+2] == '_' && name[i+3] == '_' && name[i+4] != '_' {
			return name[:i+1]
		}
	}
	return name
}

// nameIndex finds types by their essential names: a hash table of chains, each
// by ascending id.
type nameIndex struct {
	seed  maphash.Seed
	heads []uint32 // by hash, the index of the first type plus 1
	next  []uint32 // by index of a type, that of the next plus 1
}

func (t *Types) makeIndex() *nameIndex {
	size := 1
	for size < len(t.offsets) {
		size *= 2
	}
	x := &nameIndex{maphash.MakeSeed(), make([]uint32, size), make([]uint32, len(t.offsets))}
	for i := len(t.offsets) - 1; i >= 0; i-- {
		at := t.order.Uint32(t.types[t.offsets[i]:])
		if at == 0 {
			continue
		}
		head := x.head(essential(t.name(at)))
		x.next[i], *head = *head, uint32(i+1)
	}
	return x
}

func (x *nameIndex) head(name string) *uint32 {
	return &x.heads[maphash.String(x.seed, name)&uint64(len(x.heads)-1)]
}

// named calls f with each type of t, not those of its base, that has the
// essential name and a kind that fits, by ascending id, until f returns an error
// or the effort is spent.
func (t *Types) named(name string, k kind, left *effort, f func(typ) error) error {
	x := t.index()
	for i := *x.head(name); i != 0; i = x.next[i-1] {
		c, _ := t.typ(t.firstID + i - 1)
		if err := left.spend(1 + len(name)/effortBytes); err != nil {
			return err
		}
		if k.fits(c.kind) && essential(c.name()) == name {
			if err := f(c); err != nil {
				return err
			}
		}
	}
	return nil
}
