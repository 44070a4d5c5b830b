package ctype

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
)

// compiled is a header as a compiler understood it: what it takes each type for.
type compiled struct {
	t *testing.T
	*dumper
	uses   map[string]btf.Type // by the name of the member that has the type
	errors int                 // that may still be printed
	opaque int                 // structures whose members can't be written
}

// atOnce is the number of types to have in one file: the time that clang takes
// grows with its square.
const atOnce = 1000

// compileHeader has clang read a header, with a use of each type of list. The
// members of the structure that uses them are called v and the type's place in list.
func compileHeader(t *testing.T, d *dumper, list []btf.Type) *compiled {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "types.h"), d.text(), 0o666); err != nil {
		t.Fatal(err)
	}
	c := &compiled{t: t, dumper: d, uses: map[string]btf.Type{}, errors: 20}
	for first := 0; first == 0 || first < len(list); first += atOnce {
		var use strings.Builder
		use.WriteString("#include \"types.h\"\nstruct everything__ {\n")
		for i, typ := range list[first:min(first+atOnce, len(list))] {
			text := ""
			switch typ.(type) {
			case *btf.Struct, *btf.Union, *btf.Enum:
				text = keyword(typ) + " " + d.names.types[typ] + " "
			case *btf.Fwd:
				text = keyword(typ) + " " + d.names.types[typ] + " *"
			case *btf.Typedef:
				text = d.names.types[typ] + " *"
			}
			if typ.TypeName() != "" && text != "" {
				fmt.Fprintf(&use, "\t%sv%d;\n", text, first+i)
			}
		}
		use.WriteString("} everything__;\n")
		c.compile(dir, use.String())
	}
	return c
}

func (c *compiled) compile(dir, source string) {
	c.t.Helper()
	file := filepath.Join(dir, "use.c")
	if err := os.WriteFile(file, []byte(source), 0o666); err != nil {
		c.t.Fatal(err)
	}
	object := filepath.Join(dir, "use.o")
	if out, err := exec.Command("clang-19", "--target=bpf", "-Wall", "-Werror", "-g", "-c", file, "-o", object).CombinedOutput(); err != nil {
		c.t.Fatalf("clang-19: %v\n%.4000s", err, out)
	}
	spec, err := btf.LoadSpec(object)
	if err != nil {
		c.t.Fatal(err)
	}
	var everything *btf.Struct
	if err := spec.TypeByName("everything__", &everything); err != nil {
		c.t.Fatal(err)
	}
	for _, m := range everything.Members {
		c.uses[m.Name] = m.Type
	}
}

func (c *compiled) errorf(format string, args ...any) {
	if c.errors--; c.errors >= 0 {
		c.t.Errorf(format, args...)
	}
	if c.errors == 0 {
		c.t.Error("and so on")
		c.t.FailNow()
	}
}

// compare holds what the compiler made of a type to the type, and returns how many
// members it compared.
func (c *compiled) compare(list []btf.Type) (members int) {
	for i, want := range list {
		got := c.uses[fmt.Sprint("v", i)]
		if want.TypeName() == "" || got == nil {
			continue
		}
		where := Name(want)
		switch want := want.(type) {
		case *btf.Struct, *btf.Union:
			members += c.layout(where, want, got)
		case *btf.Enum:
			c.enum(where, want, got)
		case *btf.Typedef:
			p, ok := got.(*btf.Pointer)
			if !ok {
				c.errorf("%s: a pointer to it is %v", where, got)
				continue
			}
			def, ok := p.Target.(*btf.Typedef)
			if !ok || def.Name != c.names.types[want] {
				c.errorf("%s: became %v", where, p.Target)
				continue
			}
			c.typ(where, want.Type, def.Type, 0)
		}
	}
	return members
}

// layout compares structures.
func (c *compiled) layout(where string, want, got btf.Type) (count int) {
	wantMembers, wantSize, wantUnion, _ := composite(want)
	gotMembers, gotSize, gotUnion, ok := composite(got)
	if !ok || wantSize != gotSize || wantUnion != gotUnion {
		c.errorf("%s: %d bytes became %v", where, wantSize, got)
		return
	}
	if c.layouts.plan(want, 0).opaque != "" {
		c.opaque++
		return
	}
	for _, m := range wantMembers {
		name := m.Name
		_, inline := c.anonymous(m)
		if name == "" && !inline {
			if m.BitfieldSize > 0 {
				continue // nothing has to be there
			}
			name = "__unnamed"
		}
		// Names that a structure has twice are one___2 and so on.
		text := identifier(name)
		if inline {
			text = ""
		}
		once := slices.ContainsFunc(gotMembers, func(g btf.Member) bool { return g.Name == text })
		is := func(g btf.Member) bool {
			return g.Name == text || !once && strings.HasPrefix(g.Name, text+"___")
		}
		for len(gotMembers) > 0 && !is(gotMembers[0]) && strings.HasPrefix(gotMembers[0].Name, "__pad") {
			gotMembers = gotMembers[1:]
		}
		if len(gotMembers) == 0 || !is(gotMembers[0]) {
			c.errorf("%s: member %q is not there", where, name)
			return
		}
		g := gotMembers[0]
		gotMembers = gotMembers[1:]
		if m.Offset != g.Offset || m.BitfieldSize != g.BitfieldSize {
			c.errorf("%s.%s: bit %d and %d bits of a bit field became %d and %d", where, name, m.Offset, m.BitfieldSize, g.Offset, g.BitfieldSize)
		}
		if inline {
			count += c.layout(where+".", c.skip(m.Type, false), c.skip(g.Type, false))
			continue
		}
		count += 1 + c.typ(where+"."+name, m.Type, g.Type, 0)
	}
	for _, g := range gotMembers {
		if !strings.HasPrefix(g.Name, "__pad") {
			c.errorf("%s: has a member %s", where, g.Name)
		}
	}
	return count
}

func (c *compiled) enum(where string, want *btf.Enum, got btf.Type) {
	e, ok := got.(*btf.Enum)
	if !ok {
		if n, is := got.(*btf.Int); is && want.Name == "" && n.Size == want.Size {
			return // it was written elsewhere
		}
		c.errorf("%s: became %v", where, got)
		return
	}
	if e.Size != want.Size || len(want.Values) > 0 && len(e.Values) != len(want.Values) {
		c.errorf("%s: %d bytes and %d values became %d and %d", where, want.Size, len(want.Values), e.Size, len(e.Values))
		return
	}
	mask := uint64(math.MaxUint64) >> (64 - 8*want.Size)
	for i, v := range want.Values {
		if g := e.Values[i]; g.Name != c.names.values[want][i] || g.Value&mask != v.Value&mask {
			c.errorf("%s: %s = %#x became %s = %#x", where, v.Name, v.Value, g.Name, g.Value)
		}
	}
}

// typ compares two types; those with names only by these, for they have their
// turn.
func (c *compiled) typ(where string, want, got btf.Type, depth int) int {
	if depth > maxNesting {
		return 0
	}
	bad := func() int {
		c.errorf("%s: %v became %v", where, Name(want), Name(got))
		return 0
	}
	depth++
	switch w := want.(type) {
	case *btf.Int:
		switch g := got.(type) {
		case *btf.Int:
			if g.Size != w.Size || (g.Encoding == btf.Bool) != (w.Encoding == btf.Bool && w.Size == 1) {
				return bad()
			}
		case *btf.Typedef:
			if g.Name != c.names.types[w] {
				return bad()
			}
		default:
			return bad()
		}
	case *btf.Float:
		if n, err := btf.Sizeof(got); err != nil || uint32(n) != w.Size {
			return bad()
		}
	case *btf.Pointer:
		if g, ok := got.(*btf.Pointer); ok {
			return c.typ(where, w.Target, g.Target, depth)
		}
		return bad()
	case *btf.Array:
		element := w.Type
		if g, ok := got.(*btf.Array); ok && g.Nelems == w.Nelems {
			return c.typ(where, element, g.Type, depth)
		}
		return bad()
	case *btf.Const, *btf.Volatile, *btf.Restrict, *btf.TypeTag:
		return c.qualified(where, want, got, depth)
	case *btf.Typedef:
		if w.Name == builtinList {
			return 0
		}
		if g, ok := got.(*btf.Typedef); !ok || g.Name != c.names.types[w] {
			return bad()
		}
	case *btf.FuncProto:
		g, ok := got.(*btf.FuncProto)
		if !ok || len(g.Params) != len(w.Params) {
			return bad()
		}
		for i := range w.Params {
			c.typ(where, w.Params[i].Type, g.Params[i].Type, depth)
		}
		return c.typ(where, w.Return, g.Return, depth)
	case *btf.Enum:
		if w.Name == "" {
			c.enum(where, w, got)
		} else if g, ok := got.(*btf.Enum); !ok || g.Name != c.names.types[w] {
			return bad()
		}
	case *btf.Struct, *btf.Union:
		if want.TypeName() == "" {
			return c.layout(where, want, got)
		}
		if got.TypeName() != c.names.types[want] {
			return bad()
		}
	case *btf.Fwd:
		if got.TypeName() != c.names.types[want] {
			return bad()
		}
	}
	return 0
}

func (c *compiled) qualified(where string, want, got btf.Type, depth int) int {
	// Qualifiers of arrays and functions go to the elements, or nowhere.
	switch c.skip(want, true).(type) {
	case *btf.Array, *btf.FuncProto:
		return 0
	}
	var w, g qualifiers
	wantBare, gotBare := w.addAll(want), g.addAll(got)
	if _, pointer := wantBare.(*btf.Pointer); !pointer {
		w.isRestrict = false
	}
	if !reflect.DeepEqual(w, g) {
		c.errorf("%s: qualifiers of %s became those of %s", where, Name(want), Name(got))
		return 0
	}
	return c.typ(where, wantBare, gotBare, depth)
}
