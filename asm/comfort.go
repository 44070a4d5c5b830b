package asm

import (
	stdelf "debug/elf"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// comfort is what the directives for whole programs gather.
type comfort struct {
	// compiled is set when a compiler wrote the file, which then means what it
	// leaves undefined.
	compiled bool
	maps     []mapDefinition
	values   []mapValue            // of the .map that is being read
	structs  map[string]*structure // named in .map and .type directives
	opaque   map[string]btf.Type   // structures of which only the name is known
}

// mapDefinition is a .map and its symbol in section .maps.
type mapDefinition struct {
	symbol *symbol
	def    *bpf.Map
	values []mapValue
}

var comfortDirectives = map[string]handler{
	".license": (*assembler).doLicense,
	".program": (*assembler).doProgram,
	".func":    (*assembler).doFunc,
	".map":     (*assembler).doMap,
}

const (
	licenseSection = "license"
	// licenseSymbol is the license's variable: what kernel code calls it.
	licenseSymbol = "_license"
	mapsSection   = ".maps"
)

// doLicense is .license "TEXT".
func (a *assembler) doLicense(d token) *fault {
	t := a.toks[a.i]
	text, f := a.quoted(`the license in quotes, as in "GPL"`)
	if f != nil {
		return f
	}
	return a.within(a.sectionNamed(licenseSection), func() *fault {
		if len(a.section.data) > 0 {
			return faultAt(a.span(d), ErrRedefined, "the file has a license already")
		}
		if _, f := a.defineVariable(d, licenseSymbol, uint64(len(text))+1); f != nil {
			return f
		}
		return a.emit([]byte(text+"\x00"), a.span(t))
	})
}

// defineVariable makes a global variable of size bytes at the current place.
func (a *assembler) defineVariable(t token, name string, size uint64) (*symbol, *fault) {
	if f := a.defineLabel(t, name); f != nil {
		return nil, f
	}
	s := a.symbols.named(name)
	s.bind, s.bound = stdelf.STB_GLOBAL, true
	s.typ, s.typed = stdelf.STT_OBJECT, true
	m := s.extra()
	m.size, m.hasSize = number(int64(size)), true
	return s, nil
}

// doProgram is .program SECTION, NAME: a program that loaders find in a section
// whose name says what kind it is.
func (a *assembler) doProgram(token) *fault {
	name, at, f := a.sectionName()
	if f != nil {
		return f
	}
	if _, f := a.expect(tokComma, "a comma and the program's name"); f != nil {
		return f
	}
	if _, _, ok := linux.SectionByName(name); !ok {
		return unknownProgram(name, at)
	}
	s := a.sectionNamed(name)
	if s.plain {
		s.flags, s.plain = stdelf.SHF_ALLOC|stdelf.SHF_EXECINSTR, false
	}
	if !s.isExecutable() {
		return faultAt(at, ErrMisuse, "section %s was opened before without flag x: it can't hold a program", name)
	}
	return a.beginFunction(s, stdelf.STB_GLOBAL)
}

// unknownProgram says which sections there are.
func unknownProgram(name string, at span) *fault {
	var known []string
	for _, s := range linux.Sections() {
		known = append(known, strings.TrimSuffix(s.Pattern, "+"))
	}
	f := faultAt(at, ErrUndefined, "no loader knows what kind of program section %q holds", name)
	kind, target, _ := strings.Cut(name, "/")
	for _, s := range linux.Sections() {
		if s.Pattern == kind && target != "" {
			return f.note("%s takes no target: write .program %s", kind, kind)
		}
	}
	if best := nearest(name, known); best != "" {
		return f.note("did you mean %s?", best)
	}
	if best := nearest(kind, known); best != "" && target != "" {
		return f.note("did you mean %s/%s?", best, target)
	}
	return f.note("usual ones are xdp, tc, socket, kprobe/FUNCTION, tracepoint/GROUP/NAME and cgroup_skb/egress")
}

// doFunc is .func NAME: a function for programs of the file to call.
func (a *assembler) doFunc(token) *fault {
	return a.beginFunction(a.sectionNamed(".text"), stdelf.STB_LOCAL)
}

// beginFunction opens s and starts a function there, whose name follows. It
// ends where the next one begins, or with the section.
func (a *assembler) beginFunction(s *section, bind stdelf.SymBind) *fault {
	name, t, f := a.name("the function's name")
	if f != nil {
		return f
	}
	if s != a.section {
		a.enter(s)
	}
	if f := a.alignTo(bpf.InstructionSize, nil, 0, a.span(t)); f != nil {
		return f
	}
	if f := a.defineLabel(t, name); f != nil {
		return f
	}
	sym := a.symbols.named(name)
	if !sym.bound {
		sym.bind, sym.bound = bind, true
	}
	sym.typ, sym.typed = stdelf.STT_FUNC, true
	return nil
}
