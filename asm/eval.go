package asm

import (
	"strings"
	"sync"

	"ebtools/bpf/linux"
)

// value is what an expression comes to: add - sub + num, where add and sub are
// labels, common symbols or undefined symbols.
type value struct {
	add, sub *symbol
	num      int64
}

func (v value) isNumber() bool { return v.add == nil && v.sub == nil }

// told is returned for what an earlier error already speaks of.
var told = &fault{}

// eval computes an expression with what is known of its symbols now. Names that
// the file leaves undefined may be those of sections or of the kernel.
func (a *assembler) eval(e expr, at span) (value, *fault) {
	if e.tree != nil {
		return a.evalTree(e.tree, at)
	}
	v := value{num: e.num}
	if e.add != nil {
		add, f := a.meaning(e.add, at)
		if f != nil {
			return value{}, f
		}
		v = value{add.add, add.sub, v.num + add.num}
	}
	if e.sub != nil {
		sub, f := a.meaning(e.sub, at)
		if f != nil {
			return value{}, f
		}
		return a.minus(v, sub, at)
	}
	return v, nil
}

// meaning gives what a symbol stands for.
func (a *assembler) meaning(s *symbol, at span) (value, *fault) {
	switch {
	case s.broken:
		return value{}, told
	case s.state == symVariable:
		m := s.more
		if m.evaluating {
			return value{}, faultAt(at, ErrMisuse, "the value of %s depends on itself", s.name)
		}
		m.evaluating = true
		defer func() { m.evaluating = false }()
		v, f := a.eval(m.value, at)
		if f == nil && s.isPreemptible() && !v.isNumber() {
			m.base = v
			return value{add: s}, nil // another name for a place: references keep it
		}
		return v, f
	case s.state != symUndefined || s.bound:
		return value{add: s}, nil
	}
	if section, ok := a.byName[s.name]; ok {
		return value{add: section.sym}, nil
	}
	if n, ok := a.memberOffset(s.name); ok {
		return value{num: n}, nil
	}
	if n, ok := kernelName(s.name); ok {
		return value{num: n}, nil
	}
	return value{add: s}, nil
}

// kernelName gives the value of a name of the kernel's headers, or the offset
// of a field in a program's context: xdp_md.data_end.
func kernelName(name string) (int64, bool) {
	if n, ok := linux.Constant(name); ok {
		return n, true
	}
	structure, field, ok := strings.Cut(name, ".")
	if !ok {
		return 0, false
	}
	f, ok := contexts()[structure].Field(field)
	return int64(f.Offset), ok
}

// contexts holds the layouts of program contexts by the structure's name.
var contexts = sync.OnceValue(func() map[string]linux.Context {
	byName := map[string]linux.Context{}
	for _, t := range linux.ProgramTypes() {
		if c, ok := linux.ContextOf(t); ok {
			byName[c.Name] = c
		}
	}
	return byName
})

func (a *assembler) evalTree(t *tree, at span) (value, *fault) {
	l, f := a.eval(t.left, at)
	if f != nil {
		return value{}, f
	}
	if t.unary {
		if !l.isNumber() {
			return value{}, a.notNumber(l, at)
		}
		if t.op == tokTilde {
			return value{num: ^l.num}, nil
		}
		return value{num: truth(l.num == 0, 1)}, nil
	}
	r, f := a.eval(t.right, at)
	if f != nil {
		return value{}, f
	}
	switch {
	case t.op == tokMinus:
		return a.minus(l, r, at)
	case t.op == tokPlus:
		return a.minus(l, value{r.sub, r.add, -r.num}, at)
	case !l.isNumber():
		return value{}, a.notNumber(l, at)
	case !r.isNumber():
		return value{}, a.notNumber(r, at)
	}
	n, f := calculate(t.op, l.num, r.num, t.at)
	return value{num: n}, f
}

// minus subtracts, and lets labels of one section cancel out.
func (a *assembler) minus(l, r value, at span) (value, *fault) {
	v := value{num: l.num - r.num}
	adds := [2]*symbol{l.add, r.sub}
	subs := [2]*symbol{l.sub, r.add}
	for i := range adds {
		for j := range subs {
			if d, ok := cancel(adds[i], subs[j]); ok {
				v.num += d
				adds[i], subs[j] = nil, nil
				break
			}
		}
	}
	if adds[0] != nil && adds[1] != nil || subs[0] != nil && subs[1] != nil {
		return value{}, faultAt(at, ErrMisuse, "this adds up addresses, which has no meaning")
	}
	v.add, v.sub = adds[0], subs[0]
	if v.add == nil {
		v.add = adds[1]
	}
	if v.sub == nil {
		v.sub = subs[1]
	}
	return v, nil
}

// cancel gives add - sub if that is a number.
func cancel(add, sub *symbol) (int64, bool) {
	if add == sub {
		return 0, add != nil
	}
	x, addNum := add.label()
	y, subNum := sub.label()
	if x == nil || y == nil || x.section != y.section {
		return 0, false
	}
	d, ok := x.section.distance(y.place, x.place)
	return d + addNum - subNum, ok
}

// label gives the label that a symbol is, or that an alias stands for with some
// distance; nil if there is none.
func (s *symbol) label() (*symbol, int64) {
	switch {
	case s == nil:
		return nil, 0
	case s.state == symLabel:
		return s, 0
	case s.state == symVariable && s.more.base.sub == nil && s.more.base.add != nil:
		to, n := s.more.base.add.label()
		return to, n + s.more.base.num
	}
	return nil, 0
}

// evalNumber computes an expression that must be a number by now.
func (a *assembler) evalNumber(e expr, at span) (int64, *fault) {
	if e.isNumber() {
		return e.num, nil
	}
	v, f := a.eval(e, at)
	if f != nil {
		return 0, f
	}
	if !v.isNumber() {
		return 0, a.notNumber(v, at)
	}
	return v.num, nil
}

// notNumber says why a value is no number.
func (a *assembler) notNumber(v value, at span) *fault {
	for _, s := range []*symbol{v.add, v.sub} {
		if s != nil && s.state == symUndefined {
			return a.undefined(s, at)
		}
	}
	switch {
	case v.sub == nil:
		return faultAt(at, ErrMisuse, "%s is an address, and a number is expected here", describe(v.add))
	case v.add == nil:
		return faultAt(at, ErrMisuse, "the address of %s can't be subtracted from a number", describe(v.sub))
	case v.add.section != v.sub.section:
		return faultAt(at, ErrMisuse, "%s is in section %s and %s in section %s: how far they are apart is not known before the program is loaded",
			describe(v.add), sectionName(v.add), describe(v.sub), sectionName(v.sub))
	}
	return faultAt(at, ErrMisuse, "how far %s and %s are apart is not known yet at this point of the file", describe(v.add), describe(v.sub))
}

func describe(s *symbol) string {
	switch {
	case s.name != "":
		return s.name
	case s.def.buf != nil:
		return "the label " + s.def.text()
	}
	return "the current place"
}

func sectionName(s *symbol) string {
	if s.section == nil {
		return "COMMON"
	}
	return s.section.name
}

// undefined says that a symbol is needed and not there.
func (a *assembler) undefined(s *symbol, at span) *fault {
	s.broken = true // told once is enough
	if s.name == "" {
		return faultAt(at, ErrUndefined, "no label %s follows", strings.TrimSuffix(s.ref.text(), "f"))
	}
	if f := wrongRegister(s.name, at); f != nil {
		return f
	}
	return faultAt(at, ErrUndefined, "%s is not defined", s.name).suggest(s.name, a.meanings(s.name))
}
