package core

import (
	"fmt"

	"ebtools/bpf"
)

// maxCompare is how many types are followed one after the other when two are
// compared, and how deep comparisons are nested; as in libbpf.
const maxCompare = 32

var errCompare = fmt.Errorf("%w: types too deep to compare", ErrTypes)

// whole compares the local type with one of the kernel of the same name, as the
// kind of relocation asks.
func (m matcher) whole(kind bpf.COREKind, root typ) (path, error) {
	var ok bool
	var err error
	if local := m.local.root; kind == bpf.CORETypeMatches {
		ok, err = m.matches(local.of, local.id, root.of, root.id, false, maxCompare)
	} else {
		ok, err = m.compatible(local.of, local.id, root.of, root.id, maxCompare)
	}
	if err == nil && !ok {
		err = noMatch(fmt.Sprintf("%s is not the same there", root.of.describe(root.id)))
	}
	return path{root: root}, err
}

// compatible reports whether a type of the kernel counts as there being the local
// one (libbpf, bpf_core_types_are_compat): of the same kind, whatever its name,
// size and members, pointers and arrays by what they are of, and functions by
// parameters and result.
func (m matcher) compatible(local *Types, localID uint32, target *Types, targetID uint32, level int) (bool, error) {
	a, ok1 := local.typ(localID)
	b, ok2 := target.typ(targetID)
	if !ok1 || !ok2 || !a.kind.fits(b.kind) {
		return false, nil
	}
	for range maxCompare {
		if err := m.left.spend(1); err != nil {
			return false, err
		}
		a, b, err := stripBoth(local, localID, target, targetID)
		if err != nil {
			return false, err
		}
		if !a.kind.fits(b.kind) {
			return false, nil
		}
		switch a.kind {
		case kindVoid, kindStruct, kindUnion, kindEnum, kindEnum64, kindFwd:
			return true, nil
		case kindInt:
			return integersFit(a, b), nil
		case kindPtr:
			localID, targetID = a.word, b.word
		case kindArray:
			localID, _ = a.element()
			targetID, _ = b.element()
		case kindFuncProto:
			if a.n != b.n {
				return false, nil
			}
			for i := range a.n {
				if level <= 0 {
					return false, errCompare
				}
				x, err := local.strip(a.param(i))
				if err != nil {
					return false, err
				}
				y, err := target.strip(b.param(i))
				if err != nil {
					return false, err
				}
				if ok, err := m.compatible(local, x.id, target, y.id, level-1); !ok || err != nil {
					return false, err
				}
			}
			localID, targetID = a.word, b.word
		default:
			return false, nil
		}
	}
	return false, errCompare
}

// sameName compares two names without their flavors.
func sameName(a, b typ) bool { return essential(a.name()) == essential(b.name()) }

// matches reports whether a type of the kernel has all that the local one has
// (libbpf, bpf_core_types_match): names, sizes and signs of integers, lengths of
// arrays, and of structs and enumerations at least the local members, in any
// order and at any place. Of what is behind a pointer only kind and name count.
func (m matcher) matches(local *Types, localID uint32, target *Types, targetID uint32, behind bool, level int) (bool, error) {
	if level <= 0 {
		return false, errCompare
	}
	for range maxCompare {
		if err := m.left.spend(1); err != nil {
			return false, err
		}
		a, b, err := stripBoth(local, localID, target, targetID)
		if err != nil {
			return false, err
		}
		if !sameName(a, b) {
			return false, nil
		}
		same := a.kind == b.kind
		switch a.kind {
		case kindVoid:
			return same, nil
		case kindFwd:
			// The flag says union on either side.
			return same && a.flag == b.flag ||
				behind && (b.kind == kindStruct && !a.flag || b.kind == kindUnion && a.flag), nil
		case kindEnum, kindEnum64:
			if !b.kind.isEnum() || a.word != b.word || a.n > b.n {
				return false, nil
			}
			return m.enumeratorsMatch(a, b)
		case kindStruct, kindUnion:
			if behind {
				return same || b.kind == kindFwd && b.flag == (a.kind == kindUnion), nil
			}
			if !same || a.n > b.n {
				return false, nil
			}
			return m.membersMatch(a, b, level)
		case kindInt:
			if !same {
				return false, nil
			}
			x, _ := a.integer()
			y, _ := b.integer()
			return a.word == b.word && x&intSigned == y&intSigned, nil
		case kindPtr:
			if !same {
				return false, nil
			}
			behind = true
			localID, targetID = a.word, b.word
		case kindArray:
			if !same {
				return false, nil
			}
			var x, y uint32
			localID, x = a.element()
			targetID, y = b.element()
			if x != y {
				return false, nil
			}
		case kindFuncProto:
			if !same || a.n != b.n {
				return false, nil
			}
			for i := range a.n {
				if ok, err := m.matches(local, a.param(i), target, b.param(i), behind, level-1); !ok || err != nil {
					return false, err
				}
			}
			localID, targetID = a.word, b.word
		default:
			return false, nil
		}
	}
	return false, errCompare
}

// membersMatch reports whether every member of a has a match among those of b
// with its name.
func (m matcher) membersMatch(a, b typ, level int) (bool, error) {
next:
	for i := range a.n {
		x := a.member(i)
		name := essential(a.memberName(x))
		for j := range b.n {
			y := b.member(j)
			other := b.memberName(y)
			if err := m.left.spend(1 + (len(name)+len(other))/effortBytes); err != nil {
				return false, err
			}
			if essential(other) != name {
				continue
			}
			ok, err := m.matches(a.of, x.typ, b.of, y.typ, false, level-1)
			if err != nil {
				return false, err
			}
			if ok {
				continue next
			}
		}
		return false, nil
	}
	return true, nil
}

// enumeratorsMatch reports whether every enumerator of a is among those of b;
// values don't matter.
func (m matcher) enumeratorsMatch(a, b typ) (bool, error) {
next:
	for i := range a.n {
		name, _ := a.enumerator(i)
		name = essential(name)
		for j := range b.n {
			other, _ := b.enumerator(j)
			if err := m.left.spend(1 + (len(name)+len(other))/effortBytes); err != nil {
				return false, err
			}
			if essential(other) == name {
				continue next
			}
		}
		return false, nil
	}
	return true, nil
}
