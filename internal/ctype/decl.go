package ctype

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// printer writes types.
type printer struct {
	*budget
	layouts *layouts
	names   *names
	records bool // structures have been written
}

// place says where something stands.
type place struct {
	indent int // tabs in front of its line
	depth  int // structures and prototypes around it
	// members are the names used so far in the structure around it, when what is
	// written declares more of them.
	members *space
}

func (at place) inside() place { return place{indent: at.indent + 1, depth: at.depth + 1} }

// declare writes a declaration from the inside out: the name, around it what the
// outermost parts of the type put there, and in front of all the innermost.
func (p *printer) declare(t btf.Type, name string, at place) string {
	text := name
	pointer := false // text begins with a star, and needs parentheses before [ and (
	var quals qualifiers
	for range maxChain {
		if p.full(at) {
			return ""
		}
		p.left--
		next, ok := quals.add(t)
		if ok {
			t = next
			continue
		}
		switch v := t.(type) {
		case *btf.Pointer:
			text = p.spend("*" + quals.behind(text))
			quals, pointer, t = qualifiers{}, true, v.Target
		case *btf.Array:
			if pointer {
				text, pointer = "("+text+")", false
			}
			text = p.spend(text + "[" + decimal(uint64(v.Nelems)) + "]")
			t = v.Type // qualifiers of an array are its elements'
		case *btf.FuncProto:
			if pointer {
				// Tags stand where they are about what is pointed to.
				text, pointer = "("+quals.tagsBefore(text)+")", false
			}
			quals = qualifiers{}
			text = p.spend(text + p.params(v, at))
			t = v.Return
		default:
			base := quals.before(p.base(t, at))
			switch {
			case text == "":
				return p.spend(base)
			case text[0] == '[':
				return p.spend(base + text)
			}
			return p.spend(base + " " + text)
		}
	}
	p.stop() // there is no end of them
	return ""
}

// qualifiers are those met on the way to what they apply to, which stands further
// in.
type qualifiers struct {
	isConst, isVolatile, isRestrict bool
	tags                            []string // the one for the outermost first
}

// add adds the qualifier in front of a type, if there is one, and gives what is
// behind it.
func (q *qualifiers) add(t btf.Type) (next btf.Type, ok bool) {
	switch t := t.(type) {
	case *btf.Const:
		q.isConst = true
	case *btf.Volatile:
		q.isVolatile = true
	case *btf.Restrict:
		q.isRestrict = true
	case *btf.TypeTag:
		q.tags = append(q.tags, typeTag(t.Value))
	}
	return behind(t)
}

// addAll adds all of them.
func (q *qualifiers) addAll(t btf.Type) btf.Type {
	for range maxChain {
		next, ok := q.add(t)
		if !ok {
			break
		}
		t = next
	}
	return t
}

// behind writes the qualifiers of a pointer, between its star and the rest.
func (q *qualifiers) behind(rest string) string {
	words := q.reversedTags()
	for _, w := range []struct {
		is   bool
		word string
	}{{q.isConst, "const"}, {q.isVolatile, "volatile"}, {q.isRestrict, "restrict"}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	if len(words) == 0 {
		return rest
	}
	text := strings.Join(words, " ")
	if len(q.tags) > 0 {
		text = " " + text
	}
	if rest == "" {
		return text
	}
	return text + " " + rest
}

// before writes the qualifiers of anything else, which restrict can't be one of.
func (q *qualifiers) before(base string) string {
	if q.isVolatile {
		base = "volatile " + base
	}
	if q.isConst {
		base = "const " + base
	}
	if len(q.tags) > 0 {
		base += " " + strings.Join(q.reversedTags(), " ")
	}
	return base
}

func (q *qualifiers) tagsBefore(text string) string {
	if len(q.tags) == 0 {
		return text
	}
	return strings.Join(q.reversedTags(), " ") + " " + text
}

// reversedTags gives the tags in the order of the source: clang puts the last one
// outermost.
func (q *qualifiers) reversedTags() []string {
	tags := make([]string, 0, len(q.tags))
	for i := len(q.tags) - 1; i >= 0; i-- {
		tags = append(tags, q.tags[i])
	}
	return tags
}

// typeTag writes a type tag, as the attribute that clang takes for it.
func typeTag(value string) string { return "__attribute__((btf_type_tag(" + quote(value) + ")))" }

// params writes the parameters of a function. The last one of a function that
// takes any number has no name and no type.
func (p *printer) params(f *btf.FuncProto, at place) string {
	if len(f.Params) == 0 {
		return "(void)"
	}
	var b strings.Builder
	b.WriteByte('(')
	names := map[string]bool{}
	for i, param := range f.Params {
		if i > 0 {
			b.WriteString(", ")
		}
		if p.full(at) {
			return ""
		}
		if i == len(f.Params)-1 && param.Name == "" && isVoid(param.Type) && i > 0 {
			b.WriteString("...")
			break
		}
		name := p.param(param.Name)
		if names[name] {
			name = ""
		}
		names[name] = true
		b.WriteString(p.declare(param.Type, name, place{indent: at.indent, depth: at.depth + 1}))
	}
	b.WriteByte(')')
	return b.String()
}

// param gives a parameter's name, none when the parameters behind it would take a
// type's name for it.
func (p *printer) param(name string) string {
	if name == "" || p.names.ordinary.taken[name] {
		return ""
	}
	return identifier(name)
}

func isVoid(t btf.Type) bool {
	_, is := t.(*btf.Void)
	return is || t == nil
}

// base writes a type that is no pointer, array or function.
func (p *printer) base(t btf.Type, at place) string {
	if members, _, _, ok := composite(t); ok {
		if t.TypeName() != "" {
			return keyword(t) + " " + p.names.of(t)
		}
		return keyword(t) + " " + p.body(t, members, at)
	}
	switch t := t.(type) {
	case *btf.Int:
		return p.integer(t)
	case *btf.Float:
		text, _ := floatText(t)
		return text
	case *btf.Typedef:
		return p.names.of(t)
	case *btf.Fwd:
		return t.Kind.String() + " " + p.names.of(t)
	case *btf.Enum:
		if t.Name != "" {
			return "enum " + p.names.of(t)
		}
		return p.inlineEnum(t, at)
	}
	return "void"
}

func (p *printer) integer(t *btf.Int) string {
	size, isC := intName(t.Name)
	switch {
	case isC && size == t.Size:
		return t.Name
	case isC || t.Name == "":
		return intText(t.Size, t.Encoding)
	}
	return p.names.of(t)
}
