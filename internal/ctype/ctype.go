// Package ctype writes BTF types as C does.
package ctype

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// maxDepth bounds how far a type is followed: types of a damaged file may lead
// back to themselves.
const maxDepth = 64

// Name gives a type as a cast would have it: "struct flow_key", "const char *",
// "int (*)(void *, int)". It is "void" for no type.
func Name(t btf.Type) string { return Decl(t, "") }

// Decl declares something called name: "char comm[16]", "int (*fn)(void *)".
// Structs without a name are cut to "struct {…}".
func Decl(t btf.Type, name string) string {
	w := writer{left: maxSteps}
	return w.declare(t, name, "", 0)
}

// maxSteps bounds how many types are looked at for one declaration: prototypes
// within prototypes may ask for any number.
const maxSteps = 1000

// writer counts what may still be looked at.
type writer struct{ left int }

// declare writes a type around what has been said of the name so far.
// qualifiers are those that belong to t, with a space behind each.
func (w *writer) declare(t btf.Type, inner, qualifiers string, depth int) string {
	if w.left--; depth > maxDepth || w.left < 0 {
		return "…"
	}
	depth++
	base := func(what string) string {
		text := qualifiers + what
		switch {
		case inner == "":
			return text
		case strings.HasPrefix(inner, "["):
			return text + inner
		}
		return text + " " + inner
	}
	tagged := func(keyword, name string) string {
		if name == "" {
			return base(keyword + " {…}")
		}
		return base(keyword + " " + name)
	}
	switch t := t.(type) {
	case nil, *btf.Void:
		return base("void")
	case *btf.Int:
		return base(t.Name)
	case *btf.Float:
		return base(t.Name)
	case *btf.Typedef:
		return base(t.Name)
	case *btf.Struct:
		return tagged("struct", t.Name)
	case *btf.Union:
		return tagged("union", t.Name)
	case *btf.Enum:
		return tagged("enum", t.Name)
	case *btf.Fwd:
		return tagged(t.Kind.String(), t.Name)
	case *btf.Const:
		return w.declare(t.Type, inner, qualifiers+"const ", depth)
	case *btf.Volatile:
		return w.declare(t.Type, inner, qualifiers+"volatile ", depth)
	case *btf.Restrict:
		return w.declare(t.Type, inner, qualifiers+"restrict ", depth)
	case *btf.TypeTag:
		return w.declare(t.Type, inner, qualifiers, depth)
	case *btf.Pointer:
		inner = "*" + strings.TrimRight(qualifiers+inner, " ")
		if needsParentheses(t.Target, depth) {
			inner = "(" + inner + ")"
		}
		return w.declare(t.Target, inner, "", depth)
	case *btf.Array:
		return w.declare(t.Type, fmt.Sprintf("%s[%d]", inner, t.Nelems), qualifiers, depth)
	case *btf.FuncProto:
		return w.declare(t.Return, inner+"("+w.parameters(t, depth)+")", "", depth)
	case *btf.Func:
		return w.declare(t.Type, t.Name, "", depth)
	case *btf.Var:
		return w.declare(t.Type, t.Name, "", depth)
	}
	return base(t.TypeName())
}

func (w *writer) parameters(t *btf.FuncProto, depth int) string {
	if len(t.Params) == 0 {
		return "void"
	}
	list := make([]string, len(t.Params))
	for i, p := range t.Params {
		if w.left <= 0 {
			return strings.Join(append(list[:i], "…"), ", ")
		}
		if _, void := p.Type.(*btf.Void); void && i == len(t.Params)-1 {
			list[i] = "..."
			continue
		}
		list[i] = w.declare(p.Type, p.Name, "", depth)
	}
	return strings.Join(list, ", ")
}

// needsParentheses reports whether a pointer to t is written within some: what
// follows a name binds closer than what stands before it.
func needsParentheses(t btf.Type, depth int) bool {
	for ; depth <= maxDepth; depth++ {
		if next, ok := behind(t); ok {
			t = next
			continue
		}
		switch t.(type) {
		case *btf.Array, *btf.FuncProto:
			return true
		}
		return false
	}
	return false
}
