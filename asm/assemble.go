package asm

import (
	"encoding/binary"
	"strings"

	"ebtools/bpf"
	"ebtools/elf"
)

// Options say how to assemble. The zero value is the usual way.
type Options struct {
	// ByteOrder of the object; nil is little-endian.
	ByteOrder binary.ByteOrder
	// NoDebug leaves out what only people and debuggers need: the types of
	// functions and the source lines of instructions.
	NoDebug bool
	// Include lists the directories that .include and .incbin look in, after that
	// of the file they stand in.
	Include []string
	// ReadFile gives them the content of a file; its error wraps fs.ErrNotExist
	// when there is none. Nil reads regular files of the operating system.
	ReadFile func(name string) ([]byte, error)
	// Dialect settles what assemblers read differently.
	Dialect Dialect
	// CPU is the version of the instruction set that the object is for; 0 is the
	// latest, v4. Instructions that came later are errors. The version of an
	// instruction is the one that LLVM emits it from.
	CPU bpf.ISA
}

// Assemble turns assembly text into an object file. name is what messages and
// line information call the text.
//
// The diagnostics are everything there is to say, sorted by place: errors, and
// warnings (Warn is set). When one is an error, so that Diagnostics.Err is not
// nil, there is no image. Errors wrap one of ErrSyntax, ErrUndefined,
// ErrRedefined, ErrRange and ErrMisuse.
func Assemble(name string, src []byte, opts Options) (*elf.Image, bpf.Diagnostics) {
	return assemble(name, src, opts, limits{expanded: 16 << 20, reserved: 256 << 20})
}

// limits keep a few words from filling the memory, in bytes.
type limits struct {
	expanded int    // text that macros and loops make
	reserved uint64 // content of all sections from directives that take a size
}

func assemble(name string, src []byte, opts Options, most limits) (*elf.Image, bpf.Diagnostics) {
	a := newAssembler(opts)
	a.limits = most
	file := &buffer{name: name, text: string(src)}
	switch {
	case len(src) > maxSource:
		file.text = ""
		a.report(faultAt(span{buf: file}, ErrRange, "the source has %d bytes: more than %d are not supported", len(src), maxSource))
	case strings.HasPrefix(file.text, "\x7fELF"):
		file.text = ""
		a.report(faultAt(span{buf: file}, ErrSyntax, "this is an object file, not assembly text"))
	}
	a.file = file
	a.run(file)
	a.settleDialects()
	img := a.finish()
	a.diags.Sort()
	if a.errors > 0 {
		return nil, a.diags
	}
	return img, a.diags
}

// assembler is one run over a file.
type assembler struct {
	opts   Options
	order  binary.ByteOrder
	diags  bpf.Diagnostics
	errors int // and how many of diags are
	warned int // and warnings

	// The statement being read.
	frames []frame
	buf    *buffer
	toks   []token
	i      int // next token, for directives

	symbols  symbolTable
	sections []*section
	byName   map[string]*section     // those that only the name tells apart
	special  map[sectionKey]*section // the others
	section  *section                // where bytes go
	previous *section
	stack    [][2]*section // .pushsection: the section and the previous one

	conds  []condition
	macros map[string]*macro
	debug  debugInfo
	// What .addrsig and .addrsig_sym say: that addresses may matter only where
	// they are said to, and where that is.
	significant        bool
	significantSymbols []*symbol
	comfort
	exactly
	dialectState

	matcher    matcher
	limits     limits
	file       *buffer
	expansions int // of macros, so far
	expanded   int // bytes of text they made
	reserved   uint64
	included   int // bytes of files that were read for it
}

func newAssembler(opts Options) *assembler {
	a := &assembler{
		opts:    opts,
		order:   opts.ByteOrder,
		symbols: symbolTable{byName: map[string]*symbol{}, local: map[uint64]*numericLabel{}},
		byName:  map[string]*section{},
		special: map[sectionKey]*section{},
		macros:  map[string]*macro{},
	}
	if a.order == nil {
		a.order = binary.LittleEndian
	}
	a.section = a.sectionNamed(".text")
	return a
}

// frame is a stretch of a buffer that is being read.
type frame struct {
	buf      *buffer
	off, end uint32
	start    uint32 // where to go on when repeat is not 0
	repeat   uint64
	conds    int // open .if when it was entered
}

// run reads a file, statement by statement.
func (a *assembler) run(file *buffer) {
	a.frames = append(a.frames, frame{buf: file, end: uint32(len(file.text))})
	for len(a.frames) > 0 {
		top := &a.frames[len(a.frames)-1]
		if top.off >= top.end {
			a.leave(top)
			continue
		}
		a.buf = top.buf
		if a.buf.isListing() {
			top.off = min(a.enterListing(top.off), top.end)
		}
		var f *fault
		a.toks, top.off, f = a.buf.scan(top.off, a.toks)
		a.dropComment()
		if f != nil {
			if !a.skipping() {
				a.report(f)
			}
		} else {
			a.statement()
		}
		if a.errors >= maxErrors {
			return
		}
	}
}

// leave ends a stretch, or starts over.
func (a *assembler) leave(top *frame) {
	if len(a.conds) > top.conds {
		open := a.conds[len(a.conds)-1]
		a.report(faultAt(open.at, ErrSyntax, "this %s has no .endif", open.at.text()))
		a.conds = a.conds[:top.conds]
	}
	if top.repeat > 0 {
		top.repeat--
		top.off = top.start
		return
	}
	a.frames = a.frames[:len(a.frames)-1]
}

// statement does what the tokens say: labels, and then a directive, an
// assignment, a macro or an instruction.
func (a *assembler) statement() {
	a.i = 0
	if a.skipping() {
		a.skipped()
		return
	}
	for a.label() {
	}
	t := a.toks[a.i]
	if t.kind == tokEnd {
		return
	}
	if t.kind != tokIdent {
		a.instruction()
		return
	}
	word := a.text(t)
	if m, ok := a.macros[word]; ok {
		a.try(a.expand(m))
		return
	}
	if word[0] == '.' {
		a.i++
		a.try(a.directive(t, word))
		return
	}
	if a.toks[a.i+1].kind == tokEqual && !isRegisterName(word) {
		a.i += 2
		a.try(a.assign(t, word, true))
		return
	}
	a.instruction()
}

// label reads one label, if there is one.
func (a *assembler) label() bool {
	t := a.toks[a.i]
	if t.kind == tokEnd || a.toks[a.i+1].kind != tokColon {
		return false
	}
	switch t.kind {
	case tokNumber:
		if charClass[a.buf.text[t.start]]&charDigit == 0 {
			return false // a character
		}
		a.defineNumeric(t)
	case tokIdent, tokString:
		name, f := a.nameOf(t)
		if f == nil {
			f = a.defineLabel(t, name)
		}
		if f != nil {
			a.report(f)
		}
	default:
		return false
	}
	a.i += 2
	return true
}

// try reports a directive's error, or that it did not end where the statement
// does.
func (a *assembler) try(f *fault) {
	if f == nil && a.toks[a.i].kind != tokEnd {
		f = a.unexpected(a.toks[a.i], "the end of the statement")
	}
	if f != nil && f != told {
		a.report(f)
	}
}

// text is the token as it is written.
func (a *assembler) text(t token) string { return a.buf.text[t.start:t.end] }

func (a *assembler) span(t token) span { return span{a.buf, t.start, t.end} }

// spanOf covers the tokens from first up to end.
func (a *assembler) spanOf(first, end int) span {
	return span{a.buf, a.toks[first].start, a.toks[max(end-1, first)].end}
}

// unexpected says that t is not what should stand there.
func (a *assembler) unexpected(t token, want string) *fault {
	return faultAt(a.span(t), ErrSyntax, "expected %s, found %s", want, a.found(t))
}

func (a *assembler) found(t token) string {
	if t.kind == tokEnd {
		return "the end of the statement"
	}
	return "'" + a.text(t) + "'"
}
