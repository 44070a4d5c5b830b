package core

import (
	"errors"
	"fmt"
)

// matcher holds a relocation's path to the types of the kernel.
type matcher struct {
	local *path
	left  *effort
}

// noMatch says in words what a type of the kernel lacks. It is no failure: the
// path leads nowhere there.
type noMatch string

func (n noMatch) Error() string { return string(n) }

func isNoMatch(err error) bool {
	var n noMatch
	return errors.As(err, &n)
}

// errDeep says that members are nested too deep to be found.
var errDeep = fmt.Errorf("%w: more than %d members inside each other", ErrTypes, maxPath)

// field follows the local path of an access from a type of the kernel. The error
// is a noMatch if there is no such path.
func (m matcher) field(root typ) (path, error) {
	p := path{root: root, steps: make([]step, 0, len(m.local.steps))}
	id := root.id
	for i, local := range m.local.steps {
		at, err := root.of.strip(id)
		if err != nil {
			return path{}, err
		}
		switch {
		case local.name != "":
			if id, err = m.member(&p, local, at); err != nil {
				return path{}, err
			}
			if id == notFound {
				return path{}, noMatch(fmt.Sprintf("%s has no member %q", at.of.describe(at.id), clip(local.name)))
			}
			continue
		case i == 0:
			size, err := at.of.size(at.id)
			if err != nil {
				return path{}, err
			}
			if err := p.forward(local.index, 8*uint64(size)); err != nil {
				return path{}, err
			}
			p.steps = append(p.steps, step{in: at, index: local.index})
		case at.kind != kindArray:
			return path{}, noMatch(fmt.Sprintf("member %q is no array", clip(p.last().name)))
		default:
			if p.depth == maxPath {
				return path{}, errDeep
			}
			err := p.element(at, local.index)
			if errors.Is(err, errElement) {
				_, count := at.element()
				return path{}, noMatch(fmt.Sprintf("the array has %d elements, none with index %d", count, local.index))
			}
			if err != nil {
				return path{}, err
			}
		}
		p.depth++
		id = p.last().in.id
	}
	return p, nil
}

// notFound is the id of no type.
const notFound = ^uint32(0)

// member goes on to the member of in that has the name of the local one, also
// among those of members without a name, and gives its type. Of several it is the
// first, and there is no match if that is of another kind than the local one.
func (m matcher) member(p *path, local step, in typ) (uint32, error) {
	if !in.kind.isComposite() {
		return notFound, nil
	}
	depth, offset := p.depth, p.offset
	for i := range in.n {
		if depth == maxPath {
			return 0, errDeep
		}
		target := in.member(i)
		name := in.memberName(target)
		if err := m.left.spend(1 + len(name)/effortBytes); err != nil {
			return 0, err
		}
		if name != "" && name != local.name {
			continue
		}
		p.depth, p.offset = depth+1, offset
		if err := p.forward(1, uint64(target.offset)); err != nil {
			return 0, err
		}
		if name == "" {
			inner, err := in.of.strip(target.typ)
			if err != nil {
				return 0, err
			}
			if id, err := m.member(p, local, inner); err != nil || id != notFound {
				return id, err
			}
			continue
		}
		mine := local.in.member(local.index)
		ok, err := fieldsFit(local.in.of, mine.typ, in.of, target.typ)
		if err != nil {
			return 0, err
		}
		if !ok {
			return 0, noMatch(fmt.Sprintf("member %q is %s there, not %s", clip(name),
				article(in.of.describe(target.typ)), article(local.in.of.describe(mine.typ))))
		}
		p.steps = append(p.steps, step{in, i, name})
		return target.typ, nil
	}
	p.depth, p.offset = depth, offset
	return notFound, nil
}

// fieldsFit reports whether a member may stand for a local one (libbpf,
// bpf_core_fields_are_compat): by kind alone, struct and union being one, but
// enumerations and forward declarations also by name if both have one, and arrays
// by their elements.
func fieldsFit(local *Types, localID uint32, target *Types, targetID uint32) (bool, error) {
	for range maxSizeDepth {
		a, b, err := stripBoth(local, localID, target, targetID)
		if err != nil {
			return false, err
		}
		if a.kind.isComposite() && b.kind.isComposite() {
			return true, nil
		}
		if !a.kind.fits(b.kind) {
			return false, nil
		}
		switch a.kind {
		case kindPtr, kindFloat:
			return true, nil
		case kindFwd, kindEnum, kindEnum64:
			x, y := essential(a.name()), essential(b.name())
			return x == "" || y == "" || x == y, nil
		case kindInt:
			return integersFit(a, b), nil
		case kindArray:
			localID, _ = a.element()
			targetID, _ = b.element()
		default:
			return false, nil
		}
	}
	return false, fmt.Errorf("%w: arrays of arrays, more than %d deep", ErrTypes, maxSizeDepth)
}

// integersFit reports whether two integers may stand for each other: any but
// those that an old compiler made for bitfields.
func integersFit(a, b typ) bool {
	_, x := a.integer()
	_, y := b.integer()
	return x == 0 && y == 0
}

// enumerator finds the local enumerator among those of a type of the kernel, by
// name without flavor.
func (m matcher) enumerator(root typ) (path, error) {
	at, err := root.of.strip(root.id)
	if err != nil {
		return path{}, err
	}
	want := m.local.last().name
	if at.kind.isEnum() {
		for i := range at.n {
			name, _ := at.enumerator(i)
			if err := m.left.spend(1 + len(name)/effortBytes); err != nil {
				return path{}, err
			}
			if essential(name) == essential(want) {
				return path{root: root, steps: []step{{at, i, name}}}, nil
			}
		}
	}
	return path{}, noMatch(fmt.Sprintf("%s has no enumerator %q", at.of.describe(at.id), clip(want)))
}
