package elf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf/core"
)

// Errors that the diagnostics of Load wrap.
var (
	// ErrNoPrograms says that an image holds neither programs nor maps.
	ErrNoPrograms = errors.New("no BPF programs or maps in this object")
	// ErrUndefined says that a program refers to something that the object
	// leaves to others: an undefined function, a kernel variable, ….
	ErrUndefined = errors.New("not defined in this object")
	// ErrRelocation says that a program refers to something in a way, or at a
	// place, that it can't.
	ErrRelocation = errors.New("impossible reference")
	// ErrSymbol says that a symbol contradicts the section it is in.
	ErrSymbol = errors.New("bad symbol")
	// ErrTooLarge says that linking would give more instructions than is
	// reasonable for the object.
	ErrTooLarge = errors.New("too many instructions")
)

// Load makes of an image what the rest of the toolchain works on. The name is
// the object's, for messages.
//
// Every function in a section of instructions is a program, unless it is static
// or the section is .text or .text.*, which hold what programs call. The
// section's name says what kind of program it is; a name that says nothing gives
// a program of type 0 and a warning.
//
// A program's instructions are followed by those of the functions that it calls
// or takes the address of: breadth-first, those that one function calls sorted
// by name, the layout of cilium/ebpf. A map is referred to by its index in
// Object.Maps. These are, in the order of the file, the definitions in section
// .maps and in the older section maps, and each section of variables: .data*,
// .rodata* and .bss*, if anything refers to it or it has symbols.
//
// What is wrong with a program, such as a reference to an undefined function, is
// among the diagnostics, and the program is not in the object; so it is with a
// map that makes no sense. The other programs are unaffected. An error is
// returned, and no object, when the image has nothing to load at all.
//
// Kernel functions and settings are resolved against the kernel that opts name,
// and otherwise left open. CO-RE relocations are listed and not applied:
// instructions stay as compiled.
func Load(img *Image, name string, opts Options) (*bpf.Object, bpf.Diagnostics, error) {
	if img.ByteOrder == nil || slices.Contains(img.Sections, nil) || slices.Contains(img.Symbols, nil) {
		return nil, nil, fmt.Errorf("load %s: %w: it has no byte order, or a section or symbol that is nil", name, ErrImage)
	}
	l := &loader{
		img: img, opts: opts,
		obj: &bpf.Object{Name: name, ByteOrder: img.ByteOrder},
	}
	l.loadLicense()
	l.loadTypes()
	l.loadLines()
	l.loadCode()
	l.loadMaps()
	l.loadExterns()
	l.loadPrograms()
	if len(l.obj.Programs)+len(l.obj.Maps)+len(l.problems) == 0 {
		return nil, nil, fmt.Errorf("load %s: %w", name, ErrNoPrograms)
	}
	return l.obj, l.problems, nil
}

// loader is an image being made into an object.
type loader struct {
	img      *Image
	opts     Options
	target   *Kernel // what opts.Kernel gave, once asked
	asked    bool
	obj      *bpf.Object
	problems bpf.Diagnostics

	coreResolver  *core.Resolver // for all programs, once asked
	resolverAsked bool

	raw   *rawBTF                      // nil without types
	lines map[string][]sourceLine      // by section name
	funcs map[string]map[int]*btf.Func // by section name and slot
	core  map[string][]coreRecord      // by section name

	codes  []*code // in the order of the file
	codeOf map[*Section]*code

	mapAt     map[mapPlace]int // index of the map defined there
	dataMap   map[*Section]int // index of the map that a section of variables is
	brokenMap map[mapPlace]error
	tailCalls map[uint32]*bpf.Map // maps of programs, by the id that iproute2's definitions give
	values    valueIndex
	externs   externs

	budget int // instructions that may still be linked
}

// problem adds a diagnostic that is not about an instruction.
func (l *loader) problem(warn bool, program string, err error, notes ...string) {
	l.problems = append(l.problems, &bpf.Diagnostic{
		Pos: bpf.Pos{File: l.obj.Name}, PC: bpf.NoPC, Prog: shorten(program), Err: err, Note: notes, Warn: warn,
	})
}

func (l *loader) loadLicense() {
	if s := l.img.Section("license"); s != nil {
		license, _, _ := strings.Cut(string(s.Data), "\x00")
		l.obj.License = license
	}
}

// loadTypes reads .BTF and .BTF.ext. What is wrong with them is a warning: an
// object may do without.
func (l *loader) loadTypes() {
	section := l.img.Section(btfSection)
	if section == nil {
		return
	}
	raw, err := parseBTF(section.Data, l.img.ByteOrder)
	if err == nil {
		raw.relocate(l.img, section)
		l.obj.Types, err = raw.spec()
	}
	if err != nil {
		l.problem(true, "", err, "the object is loaded without its types")
		return
	}
	l.raw = raw
	ext := l.img.Section(btfExtSection)
	if ext == nil {
		return
	}
	if l.lines, err = parseLines(ext.Data, raw); err != nil {
		l.problem(true, "", err, "the object is loaded without its source lines")
	}
	if l.funcs, err = parseFuncs(ext.Data, raw, l.obj.Types); err != nil {
		l.problem(true, "", err, "the object is loaded without the types of its functions")
	}
	if l.core, err = parseCORE(ext.Data, raw); err != nil {
		l.problem(true, "", err, "the object is loaded without its CO-RE relocations")
	}
}

// loadCode takes the sections of instructions apart.
func (l *loader) loadCode() {
	l.codeOf = map[*Section]*code{}
	slots, gnu := 0, madeByGNU(l.img)
	for _, s := range l.img.Sections {
		if !s.IsExecutable() || len(s.Data) == 0 {
			continue
		}
		c := newCode(s, l.img.ByteOrder)
		c.lines, c.gnu = l.lines[s.Name], gnu
		l.codes = append(l.codes, c)
		l.codeOf[s] = c
		slots += len(c.insns)
	}
	for _, sym := range l.img.Symbols {
		if c := l.codeOf[sym.Section]; c != nil {
			c.addSymbol(sym)
		}
	}
	// Calls show where functions begin that no symbol tells of.
	for _, c := range l.codes {
		c.callTargets(l.codeOf)
	}
	for _, c := range l.codes {
		c.divide()
	}
	// A function may be linked behind every program; that is more than the file
	// holds, but not without end.
	l.budget = 1<<16 + 64*slots
}

// loadPrograms links every program.
func (l *loader) loadPrograms() {
	known := map[string]bool{}
	for _, c := range l.codes {
		if isLibrary(c.section.Name) {
			continue
		}
		kind := l.kindOf(c.section.Name)
		table, index, isTail := l.tailCall(c.section.Name)
		for _, f := range c.functions {
			if f.local {
				continue
			}
			if known[f.name] {
				l.problem(false, f.name, fmt.Errorf("%w: section %s has a second program of this name", ErrSymbol, shorten(c.section.Name)))
				continue
			}
			known[f.name] = true
			p, problems := l.link(f)
			l.problems = append(l.problems, problems...)
			if p == nil {
				continue
			}
			p.Section, p.License = c.section.Name, l.obj.License
			p.Type, p.Attach, p.Target, p.SectionFlags = kind.def.Type, kind.def.Attach, kind.target, kind.def.Flags
			if kind.doubt != nil {
				l.problem(true, f.name, kind.doubt)
			}
			l.obj.Programs = append(l.obj.Programs, p)
			if isTail {
				table.Values = append(table.Values, bpf.MapValue{Index: index, Name: p.Name})
			}
		}
	}
	for _, m := range l.tailCalls {
		slices.SortStableFunc(m.Values, func(a, b bpf.MapValue) int { return cmp.Compare(a.Index, b.Index) })
	}
}

// tailCall reads a section's name as iproute2 does: "7/2" holds the program that
// is at index 2 of the map of programs with id 7 from the start.
func (l *loader) tailCall(section string) (table *bpf.Map, index uint32, ok bool) {
	id, key, ok := strings.Cut(section, "/")
	if !ok {
		return nil, 0, false
	}
	n, err1 := strconv.ParseUint(id, 0, 32)
	i, err2 := strconv.ParseUint(key, 0, 32)
	table = l.tailCalls[uint32(n)]
	return table, uint32(i), err1 == nil && err2 == nil && table != nil && i < uint64(table.MaxEntries)
}

// programKind is what a section's name says about the programs in it.
type programKind struct {
	def    linux.Section
	target string
	doubt  error // why the name may not say what it should
}

// kindOf is what the section's name says, or else whoever opens the object.
func (l *loader) kindOf(section string) programKind {
	kind := kindOf(section)
	if kind.def.Type != linux.ProgUnspec {
		return kind
	}
	if l.opts.Type != linux.ProgUnspec {
		return programKind{def: linux.Section{Type: l.opts.Type}}
	}
	if _, _, tail := l.tailCall(section); tail {
		// What is called must be of the caller's type: that of the first program
		// whose section tells, else the type that tc loads by default.
		for _, c := range l.codes {
			if def, _, ok := linux.SectionByName(c.section.Name); ok && !isLibrary(c.section.Name) {
				return programKind{def: def}
			}
		}
		return programKind{def: linux.Section{Type: linux.ProgSchedCLS}}
	}
	return kind
}

// kindOf reads a section's name as libbpf 1.0 and later do. Those that mean
// nothing to it are read as loaders did before, and cilium/ebpf does: "socket/3"
// as "socket".
func kindOf(section string) programKind {
	def, target, ok := linux.SectionByName(section)
	if ok {
		return programKind{def: def, target: target}
	}
	for name := section; ; {
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return programKind{doubt: fmt.Errorf("section %q is not the name of a kind of program: the program has no type", shorten(section))}
		}
		name = name[:i]
		if def, _, ok := linux.SectionByName(name); ok {
			return programKind{def: def, target: section[i+1:], doubt: fmt.Errorf("section %q is taken for %q; libbpf refuses it", shorten(section), name)}
		}
	}
}

// isLibrary reports whether a section holds functions for programs to call, and
// no programs. Compilers make .text.* when asked for a section per function, and
// of functions they think are seldom run.
func isLibrary(section string) bool {
	return section == ".text" || strings.HasPrefix(section, ".text.")
}

// isData reports whether a section holds global variables.
func isData(s *Section) bool {
	return slices.ContainsFunc([]string{".data", ".rodata", ".bss"}, func(prefix string) bool {
		return strings.HasPrefix(s.Name, prefix)
	}) && !s.IsExecutable() && s.Len() > 0
}

// madeByGNU reports whether the GNU assembler wrote the image: that always
// begins with these sections, empty or not, where LLVM leaves out empty ones.
func madeByGNU(img *Image) bool {
	names := []string{".text", ".data", ".bss"}
	if len(img.Sections) < len(names) {
		return false
	}
	for i, name := range names {
		if img.Sections[i].Name != name {
			return false
		}
	}
	return true
}
