package core

var Essential = essential

// Offsets gives where each type begins in the section's types.
func (t *Types) Offsets() []uint32 { return t.offsets }

// IsSound reports whether every type leads somewhere, has a name among the
// strings, and may have bitfields if it has: libbpf does not look before it
// leaps.
func (t *Types) IsSound() bool {
	named := func(at uint32) bool { return uint64(at) < uint64(len(t.names)) }
	for id := uint32(1); id < t.end(); id++ {
		x, _ := t.typ(id)
		if !named(x.at) {
			return false
		}
		ids := []uint32{id}
		switch x.kind {
		case kindPtr, kindConst, kindVolatile, kindRestrict, kindTypedef, kindTypeTag, kindFuncProto, kindVar:
			ids = append(ids, x.word)
		case kindArray:
			element, _ := x.element()
			ids = append(ids, element)
		}
		for i := range x.n {
			switch {
			case x.kind.isComposite():
				m := x.member(i)
				ids = append(ids, m.typ)
				field, err := t.strip(m.typ)
				if err != nil || !named(m.at) {
					return false
				}
				if _, _, err := storage(field, 0, 1); m.bits != 0 && err != nil {
					return false
				}
			case x.kind == kindFuncProto:
				ids = append(ids, x.param(i))
			case x.kind.isEnum():
				if !named(t.order.Uint32(x.rest[i*kinds[x.kind].entry:])) {
					return false
				}
			}
		}
		for _, id := range ids {
			if _, err := t.strip(id); err != nil {
				return false
			}
		}
	}
	return true
}

// Find gives the id of the first struct of a name, 0 for none.
func (t *Types) Find(name string) uint32 {
	left, found := maxEffort, uint32(0)
	_ = t.named(name, kindStruct, &left, func(x typ) error {
		if found == 0 {
			found = x.id
		}
		return nil
	})
	return found
}
