package ctype

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cilium/ebpf/btf"
)

// keywords are the words that can't be names in C, and the names that compilers
// have defined already.
var keywords = func() map[string]bool {
	words := map[string]bool{}
	for word := range strings.FieldsSeq(`auto break case char const continue default do double else enum extern float for
		goto if inline int long register restrict return short signed sizeof static struct switch typedef union
		unsigned void volatile while _Alignas _Alignof _Atomic _Bool _Complex _Generic _Imaginary _Noreturn
		_Static_assert _Thread_local asm typeof __asm __asm__ __attribute __attribute__ __int128 __signed
		__signed__ __typeof __typeof__ __alignof __alignof__ __const __const__ __volatile __volatile__ __restrict
		__restrict__ __inline __inline__ __complex__ __real__ __imag__ __extension__ __label__ __thread
		__auto_type __func__ __builtin_va_list __builtin_va_arg __builtin_offsetof __builtin_types_compatible_p
		__builtin_choose_expr _Float16 __bf16 __fp16 _BitInt _Nonnull _Nullable`) {
		words[word] = true
	}
	return words
}()

// builtinList is the type that compilers know variable arguments by. On BPF it is
// a pointer, on other systems something else.
const builtinList = "__builtin_va_list"

func isLetter(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// isIdent reports whether s has the form of a name in C.
func isIdent(s string) bool {
	for i := range len(s) {
		if !isLetter(s[i]) && (i == 0 || s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return s != ""
}

// identifier makes a name one that C takes.
func identifier(name string) string {
	switch {
	case keywords[name]:
		return name + "_"
	case isIdent(name):
		return name
	case name == "":
		return "__unnamed"
	}
	b := []byte(name)
	for i, c := range b {
		if !isLetter(c) && (c < '0' || c > '9') {
			b[i] = '_'
		}
	}
	if '0' <= b[0] && b[0] <= '9' {
		return "_" + string(b)
	}
	return string(b)
}

// maxText is the length from which on comments and tags are cut, in bytes.
const maxText = 1000

// printable replaces what can't be printed.
func printable(text string) string {
	cut := text
	if len(text) > maxText {
		cut = text[:maxText]
	}
	cut = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, cut)
	if len(text) > maxText {
		cut += "..."
	}
	return cut
}

// comment makes text fit for a comment.
func comment(text string) string {
	return strings.ReplaceAll(printable(text), "*/", "* /")
}

// quote writes a string as C does.
func quote(text string) string { return strconv.QuoteToASCII(printable(text)) }

// space is a set of names that may not repeat (C17, 6.2.3).
type space struct {
	taken    map[string]bool
	reserved map[string]bool // names that what is added here must leave alone
	next     map[string]int  // number to try next for a name that is used
}

func newSpace() *space {
	return &space{taken: map[string]bool{}, reserved: map[string]bool{}, next: map[string]int{}}
}

// assign gives name, or name___2 and so on when that is used already.
func (s *space) assign(name string) string {
	return s.firstFree(name, func(text string) bool { return !s.taken[text] })
}

// invent does the same for something that has no name in the types.
func (s *space) invent(name string) string {
	return s.firstFree(name, func(text string) bool { return !s.taken[text] && !s.reserved[text] })
}

func (s *space) firstFree(name string, free func(string) bool) string {
	text := name
	for !free(text) {
		n := max(s.next[name], 2)
		s.next[name] = n + 1
		text = name + "___" + strconv.Itoa(n)
	}
	s.taken[text] = true
	return text
}

// names gives every named type of a header its name there, such that none clashes
// with another.
type names struct {
	*budget
	tags     *space // of structures, unions and enums
	ordinary *space // of typedefs, enumerators, variables and functions
	types    map[btf.Type]string
	declared map[string]btf.Type // the structure or union that a forward declaration means
	values   map[*btf.Enum][]string
	written  map[*btf.Enum]bool // enums without a name whose enumerators are declared
}

func newNames(b *budget) *names {
	return &names{
		budget: b,
		tags:   newSpace(), ordinary: newSpace(),
		types: map[btf.Type]string{}, declared: map[string]btf.Type{},
		values: map[*btf.Enum][]string{}, written: map[*btf.Enum]bool{},
	}
}

// of gives the name of a type.
func (n *names) of(t btf.Type) string {
	if name, known := n.types[t]; known {
		return name
	}
	name := n.spend(t.TypeName())
	if n.stopped() {
		return ""
	}
	switch v := t.(type) {
	case *btf.Struct, *btf.Union:
		name = n.tags.assign(identifier(name))
		if key := tagKey(t); n.declared[key] == nil {
			n.declared[key] = t
		}
	case *btf.Fwd:
		key := tagKey(t)
		if of := n.declared[key]; of != nil {
			name = n.types[of]
			break
		}
		name = n.tags.assign(identifier(name))
		n.declared[key] = t
	case *btf.Enum:
		name = n.tags.assign(identifier(name))
	case *btf.Typedef:
		if name = identifier(name); n.isBuiltin(v) {
			name = v.Name
			break
		}
		name = n.ordinary.assign(name)
	default: // integers that C doesn't know
		name = n.ordinary.assign(identifier(name))
	}
	n.types[t] = name
	return name
}

// tagKey tells which structures a forward declaration may mean.
func tagKey(t btf.Type) string {
	switch v := t.(type) {
	case *btf.Union:
		return "union " + v.Name
	case *btf.Fwd:
		return v.Kind.String() + " " + v.Name
	}
	return "struct " + t.TypeName()
}

// isBuiltin reports whether a typedef is one that the compiler has, in the form
// that it has it on BPF.
func (n *names) isBuiltin(t *btf.Typedef) bool {
	if t.Name != builtinList {
		return false
	}
	_, pointer := n.skip(t.Type, true).(*btf.Pointer)
	return pointer
}

// enumerator gives the name of the i-th enumerator of an enum.
func (n *names) enumerator(t *btf.Enum, i int) string {
	list := n.values[t]
	if list == nil {
		list = make([]string, len(t.Values))
		for i, v := range t.Values {
			if n.spend(v.Name); n.stopped() {
				break
			}
			list[i] = n.ordinary.assign(identifier(v.Name))
		}
		n.values[t] = list
	}
	return list[i]
}
