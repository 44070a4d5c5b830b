package core

import (
	"fmt"
	"strings"

	"ebtools/bpf"
)

// maxDescribe bounds how far a type is followed to describe it.
const maxDescribe = 16

// Describe says in C what a relocation is about: the type ("struct task_struct")
// and what of it (".mm.pgd", "[2].name", an enumerator's name; nothing for the
// type itself). An access that makes no sense is given as it stands.
func (t *Types) Describe(r Relocation) (root, access string) {
	p, err := t.localPath(r)
	if err != nil {
		return t.describe(r.ID), fmt.Sprintf("%.50q", r.Access)
	}
	return t.describe(r.ID), p.access(r.Kind)
}

// access writes what of its root a path leads to.
func (p *path) access(kind bpf.COREKind) string {
	if isEnumerator(kind) {
		return clip(p.last().name)
	}
	var text strings.Builder
	for i, s := range p.steps {
		switch {
		case s.name != "":
			text.WriteString("." + clip(s.name))
		case i > 0 || s.index > 0:
			fmt.Fprintf(&text, "[%d]", s.index)
		}
	}
	return text.String()
}

// describe writes a type as C does, "struct task_struct".
func (t *Types) describe(id uint32) string { return t.declare(id, "", maxDescribe) }

// describeEssential writes a type without its flavor, as it is looked for.
func (t *Types) describeEssential(x typ) string {
	return strings.Replace(t.describe(x.id), x.name(), essential(x.name()), 1)
}

// declare writes a type around what is declared to be of it.
func (t *Types) declare(id uint32, inner string, left int) string {
	x, ok := t.typ(id)
	if !ok {
		return fmt.Sprintf("type %d", id)
	}
	if left == 0 {
		return "…"
	}
	left--
	space := func(text string) string {
		if inner == "" || inner[0] == '[' {
			return text + inner
		}
		return text + " " + inner
	}
	named := func(word string) string {
		name := x.name()
		if name == "" {
			name = "{…}"
		}
		return space(word + clip(name))
	}
	qualified := func(word string) string {
		if y, ok := t.typ(x.word); ok && y.kind == kindPtr {
			return t.declare(x.word, strings.TrimRight(word+" "+inner, " "), left)
		}
		return word + " " + t.declare(x.word, inner, left)
	}
	switch x.kind {
	case kindVoid:
		return space("void")
	case kindStruct, kindUnion:
		return named(x.kind.String() + " ")
	case kindEnum, kindEnum64:
		return named("enum ")
	case kindFwd:
		if x.flag {
			return named("union ")
		}
		return named("struct ")
	case kindConst:
		return qualified("const")
	case kindVolatile:
		return qualified("volatile")
	case kindRestrict:
		return qualified("restrict")
	case kindTypeTag, kindDeclTag:
		return t.declare(x.word, inner, left)
	case kindPtr:
		inner = "*" + inner
		if y, ok := t.typ(x.word); ok && (y.kind == kindArray || y.kind == kindFuncProto) {
			inner = "(" + inner + ")"
		}
		return t.declare(x.word, inner, left)
	case kindArray:
		element, n := x.element()
		return t.declare(element, fmt.Sprintf("%s[%d]", inner, n), left)
	case kindFuncProto:
		return t.declare(x.word, inner+"("+t.parameters(x, left)+")", left)
	}
	return space(clip(x.name()))
}

// parameters writes at most four parameters of a function.
func (t *Types) parameters(x typ, left int) string {
	var list []string
	for i := range min(x.n, 4) {
		list = append(list, t.declare(x.param(i), "", min(left, 3)))
	}
	switch {
	case x.n > 4:
		list = append(list, "…")
	case x.n == 0:
		list = append(list, "void")
	}
	return strings.Join(list, ", ")
}

// article puts a type into a sentence.
func article(text string) string {
	if strings.HasPrefix(text, "unsigned") || text != "" && strings.Contains("aeio", text[:1]) {
		return "an " + text
	}
	return "a " + text
}

// clip cuts a name for a message.
func clip(name string) string {
	const limit = 100
	if len(name) <= limit {
		return name
	}
	return name[:limit] + "…"
}
