package core

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"ebtools/bpf"
)

// ErrRelocation is wrapped by the errors about relocations that make no sense
// with the types of their object.
var ErrRelocation = errors.New("bad CO-RE relocation")

// Relocation is a record of .BTF.ext (kernel, struct bpf_core_relo), without the
// place of the instruction.
type Relocation struct {
	Kind bpf.COREKind
	// ID is the local type that the access starts from.
	ID uint32
	// Access is the path from there, numbers with colons between them: of an
	// element as if the type were an array, and then of members and elements. For
	// enumerations it is the index of the enumerator, for types "0".
	Access string
}

// The three families of kinds: what is asked about.
func isField(k bpf.COREKind) bool { return k <= bpf.COREFieldRShift64 }

func isType(k bpf.COREKind) bool {
	return k >= bpf.CORETypeIDLocal && k <= bpf.CORETypeSize || k == bpf.CORETypeMatches
}

func isEnumerator(k bpf.COREKind) bool {
	return k == bpf.COREEnumvalExists || k == bpf.COREEnumvalValue
}

// maxPath bounds the length of a path, and how deep members are nested
// (libbpf, BPF_CORE_SPEC_MAX_LEN).
const maxPath = 64

// path is an access, followed in the types of one side. Members without a name
// that were passed on the way are not in steps, which so compare between sides.
type path struct {
	root   typ    // as recorded, or as found by name
	steps  []step // none for types; one for enumerators
	depth  int    // as steps, but with the members without a name
	offset uint32 // in bits
}

// step is a member of a struct or a union, an element of an array, or an
// enumerator.
type step struct {
	in    typ    // the struct, union or enumeration; the type of the element
	index int    // of the member, the element or the enumerator
	name  string // of the member or the enumerator, empty for an element
}

func (p *path) last() step { return p.steps[len(p.steps)-1] }

// forward moves the offset by so many bits.
func (p *path) forward(index int, bits uint64) error {
	if bits != 0 && uint64(index) > math.MaxUint32/bits || uint64(p.offset)+uint64(index)*bits > math.MaxUint32 {
		return fmt.Errorf("%w: an offset of more than 512 MiB", ErrRelocation)
	}
	p.offset += uint32(uint64(index) * bits)
	return nil
}

// parseAccess takes an access apart.
func parseAccess(access string) ([]int, error) {
	var list []int
	for rest, more := access, true; more; {
		var number string
		number, rest, more = strings.Cut(rest, ":")
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%w: access %.50q is not numbers with colons between them", ErrRelocation, access)
		}
		if len(list) == maxPath {
			return nil, fmt.Errorf("%w: access %.50q… has more than %d numbers", ErrRelocation, access, maxPath)
		}
		list = append(list, int(n))
	}
	return list, nil
}

// localPath follows the access of a relocation in the types of its object.
func (t *Types) localPath(r Relocation) (path, error) {
	bad := func(format string, args ...any) (path, error) {
		return path{}, fmt.Errorf("%w: %s of %s, access %.50q: %s", ErrRelocation, r.Kind, t.describe(r.ID), r.Access, fmt.Sprintf(format, args...))
	}
	root, ok := t.typ(r.ID)
	if !ok {
		return path{}, fmt.Errorf("%w: %s of type %d, which there is not", ErrRelocation, r.Kind, r.ID)
	}
	p := path{root: root}
	if isType(r.Kind) {
		if r.Access != "0" {
			return bad(`that of a type is "0"`)
		}
		return p, nil
	}
	access, err := parseAccess(r.Access)
	if err != nil {
		return path{}, err
	}
	at, err := t.strip(r.ID)
	if err != nil {
		return path{}, err
	}
	p.depth = len(access)
	switch {
	case isEnumerator(r.Kind):
		if !at.kind.isEnum() || len(access) != 1 || access[0] >= at.n {
			return bad("not an enumeration, or not an enumerator of it")
		}
		name, _ := at.enumerator(access[0])
		p.steps = []step{{at, access[0], name}}
		return p, nil
	case !isField(r.Kind):
		return bad("there is no kind of relocation %d", uint32(r.Kind))
	}
	size, err := t.size(at.id)
	if err != nil {
		return bad("%v", err)
	}
	if err := p.forward(access[0], 8*uint64(size)); err != nil {
		return path{}, err
	}
	p.steps = append(make([]step, 0, len(access)), step{in: at, index: access[0]})
	id := at.id
	for i, index := range access[1:] {
		if at, err = t.strip(id); err != nil {
			return path{}, err
		}
		switch {
		case at.kind.isComposite():
			if index >= at.n {
				return bad("number %d: %s has %d members", i+2, t.describe(at.id), at.n)
			}
			m := at.member(index)
			if err := p.forward(1, uint64(m.offset)); err != nil {
				return path{}, err
			}
			if name := at.memberName(m); name != "" {
				p.steps = append(p.steps, step{at, index, name})
			}
			id = m.typ
		case at.kind == kindArray:
			if err := p.element(at, index); err != nil {
				return bad("number %d: %v", i+2, err)
			}
			id = p.last().in.id
		default:
			return bad("number %d: %s has no members", i+2, t.describe(at.id))
		}
	}
	return p, nil
}

// errElement says that an array has not so many elements.
var errElement = errors.New("the array has fewer elements")

// element goes on to an element of an array, which is where the path leads. An
// array of no elements at the end of a struct has any number.
func (p *path) element(array typ, index int) error {
	id, count := array.element()
	if last := p.last(); uint64(index) >= uint64(count) && (count != 0 || last.name == "" || last.index != last.in.n-1) {
		return errElement
	}
	at, err := array.of.strip(id)
	if err != nil {
		return err
	}
	size, err := array.of.size(at.id)
	if err != nil {
		return err
	}
	p.steps = append(p.steps, step{in: at, index: index})
	return p.forward(index, 8*uint64(size))
}
