package core

import (
	"errors"
	"fmt"

	"ebtools/bpf"
)

// ErrAmbiguous is wrapped by the errors about relocations for which the kernel
// has several types of the name that give different values.
var ErrAmbiguous = errors.New("ambiguous CO-RE relocation")

// Targets are the types of a kernel: its own, and those of its modules, which
// count only for names that its own types don't have.
type Targets struct {
	kernel  *Types
	modules []*Types
}

// NewTargets gives what relocations are resolved against: a kernel's types and
// those of its modules, read with the kernel's as base. Types of an older kernel
// or of any other object will do as well. Targets may be used by several
// goroutines at once.
func NewTargets(kernel *Types, modules ...*Types) *Targets {
	return &Targets{kernel, modules}
}

// candidates gives the types that a local one may be, by ascending id: of its
// kind, and of its name without flavors.
func (t *Targets) candidates(local typ, left *effort) ([]typ, error) {
	var list []typ
	name := essential(local.name())
	add := func(c typ) error { list = append(list, c); return nil }
	if err := t.kernel.named(name, local.kind, left, add); err != nil || len(list) > 0 {
		return list, err
	}
	for _, m := range t.modules {
		if err := m.named(name, local.kind, left, add); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Resolver resolves the relocations of one object, or of one program of it.
//
// Relocations of a type may bear on each other: of several types of its name
// only those stay in question that had what the relocations before asked for, so
// that a later one may be no longer ambiguous. libbpf resolves all relocations of
// an object in the order of the file.
type Resolver struct {
	local      *Types
	targets    *Targets
	candidates map[uint32][]typ // by id of the local type
	results    map[Relocation]*outcome
	left       effort
}

// outcome is what is known of a relocation once it has been asked for.
type outcome struct {
	root, access string
	result       Result
	err          error
}

// NewResolver gives a resolver for an object with the types local. It is for one
// goroutine at a time.
func (t *Targets) NewResolver(local *Types) *Resolver {
	return &Resolver{
		local: local, targets: t, left: maxEffort,
		candidates: map[uint32][]typ{}, results: map[Relocation]*outcome{},
	}
}

// Result is what a relocation comes to.
type Result struct {
	// Local is the value with the object's own types, Target that with the
	// kernel's.
	Local, Target uint64
	// Poison says that there is no Target, as the kernel has no such type, field
	// or enumerator. The instruction must not be run; programs that ask first
	// whether there is one don't.
	Poison bool
	// Why says in words what the kernel lacks, if it does.
	Why string

	kind      bpf.COREKind
	sure      bool   // the instruction has Local, or is not the one that is meant
	from, to  uint32 // size in bytes that an access moves, 0 for unknown
	misfit    string // why an access can't be of another size, if it can't
	hasTarget bool
}

// Resolve works out what a relocation comes to. What the kernel lacks is no error
// but poison, or the answer to a question for it: 0 for whether a type, field or
// enumerator exists, a type's size and its id.
//
// Errors wrap ErrRelocation (it makes no sense with the object's own types),
// ErrAmbiguous, ErrTypes (types that lead nowhere) or ErrEffort.
func (v *Resolver) Resolve(r Relocation) (Result, error) {
	o := v.outcome(r)
	return o.result, o.err
}

func (v *Resolver) outcome(r Relocation) *outcome {
	if o := v.results[r]; o != nil {
		return o
	}
	o := new(outcome)
	o.root, o.access = v.local.Describe(r)
	o.result, o.err = v.resolve(r)
	v.results[r] = o
	return o
}

func (v *Resolver) resolve(r Relocation) (Result, error) {
	local, err := v.local.localPath(r)
	if err != nil {
		return Result{}, err
	}
	from, err := local.value(r.Kind)
	if err != nil {
		return Result{}, err
	}
	result := Result{Local: from.n, kind: r.Kind, sure: from.sure, from: from.size}
	if r.Kind == bpf.CORETypeIDLocal || v.targets.kernel == nil {
		result.to = from.size
		result.Target, result.hasTarget = from.n, true
		return result, nil
	}
	if local.root.name() == "" {
		return Result{}, fmt.Errorf("%w: %s of %s, which has no name to be found by", ErrRelocation, r.Kind, v.local.describe(r.ID))
	}
	list, known := v.candidates[r.ID]
	if !known {
		if list, err = v.targets.candidates(local.root, &v.left); err != nil {
			return Result{}, err
		}
		v.candidates[r.ID] = list
	}
	found, why, err := v.match(r, &local, list, from, &result)
	switch {
	case err != nil:
		return Result{}, err
	case len(found) > 0:
		v.candidates[r.ID] = found
		return result, nil
	}
	n, ok := absent(r.Kind)
	result.Target, result.Poison, result.hasTarget = n, !ok, ok
	if result.Why = why; why == "" {
		result.Why = fmt.Sprintf("there is no %s", v.local.describeEssential(local.root))
	}
	return result, nil
}

// match tries the candidates, keeps those that have what the relocation asks for,
// and puts into result what they agree on. why is what the first of the others
// lacks.
func (v *Resolver) match(r Relocation, local *path, list []typ, from value, result *Result) (found []typ, why string, err error) {
	m := matcher{local, &v.left}
	var offset uint32
	for _, c := range list {
		var p path
		switch {
		case isType(r.Kind):
			p, err = m.whole(r.Kind, c)
		case isEnumerator(r.Kind):
			p, err = m.enumerator(c)
		default:
			p, err = m.field(c)
		}
		if isNoMatch(err) {
			if why == "" {
				why = err.Error()
			}
			continue
		}
		if err != nil {
			return nil, "", err
		}
		to, err := p.value(r.Kind)
		if err != nil {
			return nil, "", err
		}
		switch {
		case len(found) == 0:
			offset = p.offset
			result.Target, result.to, result.hasTarget = to.n, to.size, true
			result.misfit = misfit(from, to)
		case p.offset != offset || to.n != result.Target:
			return nil, "", ambiguous(r.Kind, local, found[0], c, result.Target, to.n)
		}
		found = append(found, c)
	}
	return found, why, nil
}

// ambiguous is the error about two types of the name. Where the values are the
// same, the offsets of the field are not, and the next relocation would suffer.
func ambiguous(kind bpf.COREKind, local *path, a, b typ, x, y uint64) error {
	what := fmt.Sprintf("%s of %s", kind, local.root.of.describe(local.root.id))
	switch access := local.access(kind); {
	case isField(kind):
		what += access
	case access != "":
		what += ", " + access
	}
	if x == y {
		return fmt.Errorf("%w: %s: at different offsets in types %d and %d of the kernel", ErrAmbiguous, what, a.id, b.id)
	}
	return fmt.Errorf("%w: %s: %d in type %d of the kernel, %d in type %d", ErrAmbiguous, what, x, a.id, y, b.id)
}

// misfit says why an access to a field can't be made one of the field's size on
// the kernel. It can where no bit of the value is lost or made up: both are
// pointers, or integers without sign, where a shorter load fills up with zeros.
func misfit(from, to value) string {
	if from.size == to.size {
		return ""
	}
	unsigned := func(t typ) bool {
		encoding, _ := t.integer()
		return encoding != intSigned // nor what an old compiler called signed and a character
	}
	a, b := from.field, to.field
	if a.kind == kindPtr && b.kind == kindPtr {
		return ""
	}
	if a.kind == kindInt && b.kind == kindInt && unsigned(a) && unsigned(b) {
		return ""
	}
	if from.size == 0 || to.size == 0 {
		return "the field is a bitfield on one side only"
	}
	return fmt.Sprintf("the field has %d bytes there instead of %d, and is not an unsigned integer or a pointer on both sides", to.size, from.size)
}
