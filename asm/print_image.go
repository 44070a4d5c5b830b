package asm

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"ebtools/bpf"
	"ebtools/elf"
)

// ErrUnprintable is what PrintImage's errors are when an image holds something
// that assembly text has no words for. No compiler writes such.
var ErrUnprintable = errors.New("can't be written as assembly")

func unprintable(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrUnprintable)
}

// Printer writes object files as text. The zero value writes nothing that is only
// for people or debuggers.
type Printer struct {
	// Source puts the lines that instructions were made from between them, as
	// comments, as far as .BTF.ext has them.
	Source bool
	// Debug keeps what no loader reads: DWARF, .llvm_addrsig, .eh_frame, .comment
	// and .note.GNU-stack.
	Debug bool
}

// PrintImage writes a whole object file as assembly; see [Printer.PrintImage].
func PrintImage(w io.Writer, img *elf.Image) error { return Printer{}.PrintImage(w, img) }

// PrintImage writes a whole object file as assembly that [Assemble] makes the
// same of: sections with their bytes, symbols and relocations. Symbols that
// stand for sections and that nothing refers to are left out, and so are the
// sections that only debuggers and linkers read, unless Debug is set.
//
// llvm-mc makes the same of the text as long as it has none of what only ebas
// reads: .reloc, .rename, spellings that are not LLVM's, and .exact, which is
// around where it does no harm to others.
//
// The error is the writer's, or wraps ErrUnprintable.
func (o Printer) PrintImage(w io.Writer, img *elf.Image) error {
	p, err := newImagePrinter(o, img)
	if err != nil {
		return err
	}
	p.print()
	if p.tooLong {
		return unprintable("text of more than %d bytes, out of proportion to the object", p.budget)
	}
	_, err = w.Write(p.out.Bytes())
	return err
}

// imagePrinter is an image being written as text.
type imagePrinter struct {
	opts  Printer
	img   *elf.Image
	order binary.ByteOrder

	out     bytes.Buffer
	budget  int // bytes the text may have
	tooLong bool

	plans     []*sectionPlan // of the sections that are written, in their order
	planOf    map[*elf.Section]*sectionPlan
	names     map[*elf.Symbol]string // what symbols are called in the text
	renamed   map[*elf.Symbol]bool   // names that are not the object's
	mentioned map[*elf.Symbol]bool   // symbols that a relocation refers to
	isWritten map[string]bool        // texts of names
	// Symbols without a section, as far as something refers to them or they are
	// not local.
	outside []*elf.Symbol
	files   []*elf.Symbol // STT_FILE
	addrsig *elf.Section
	exact   bool

	types *btfText // nil without .BTF that makes sense
	ext   *extText // nil without .BTF.ext that makes sense
	maps  map[string]*bpf.Map
}

// isForDebuggers reports whether neither a loader nor a program has a use for a
// section.
func isForDebuggers(s *elf.Section) bool {
	switch s.Name {
	case ".llvm_addrsig", ".eh_frame", ".comment", ".note.GNU-stack":
		return true
	}
	return strings.HasPrefix(s.Name, ".debug_")
}

func newImagePrinter(o Printer, img *elf.Image) (*imagePrinter, error) {
	p := &imagePrinter{
		opts: o, img: img, order: img.ByteOrder,
		planOf: map[*elf.Section]*sectionPlan{}, names: map[*elf.Symbol]string{}, renamed: map[*elf.Symbol]bool{},
		mentioned: map[*elf.Symbol]bool{}, isWritten: map[string]bool{},
	}
	if p.order == nil {
		p.order = binary.LittleEndian
	}
	if img.OSABI != 0 || img.ABIVersion != 0 || img.Flags != 0 {
		return nil, unprintable("an object with OS ABI %d, ABI version %d and flags %#x", img.OSABI, img.ABIVersion, img.Flags)
	}
	p.budget = 1 << 16
	for _, s := range img.Sections {
		p.budget += 128 + 64*len(s.Data) + 256*len(s.Relocs) + 8*len(s.Name)
	}
	for _, sym := range img.Symbols {
		p.budget += 512 + 8*len(sym.Name)
	}
	if err := p.chooseSections(); err != nil {
		return nil, err
	}
	p.readTypes()
	if err := p.chooseSymbols(); err != nil {
		return nil, err
	}
	if err := p.planSections(); err != nil {
		return nil, err
	}
	p.exact = p.needsExact()
	return p, nil
}

// needsExact reports whether an assembler would add something to the text.
func (p *imagePrinter) needsExact() bool {
	hasBTF, hasText := false, false
	for i, plan := range p.plans {
		s := plan.s
		hasBTF = hasBTF || s.Name == ".BTF"
		if s.Name == ".text" && plan.unique == 0 && s.Flags&stdelf.SHF_GROUP == 0 {
			hasText = true
			if s.Align < textAlign || i > 0 {
				return true
			}
		}
		if s.IsExecutable() && len(s.Data) >= bpf.InstructionSize && s.Align < bpf.InstructionSize {
			return true
		}
	}
	return !hasBTF || !hasText
}

// printf writes, within the budget.
func (p *imagePrinter) printf(format string, args ...any) {
	if p.tooLong {
		return
	}
	fmt.Fprintf(&p.out, format, args...)
	p.tooLong = p.out.Len() > p.budget
}

// line writes a statement, and behind it a comment if that is not empty.
func (p *imagePrinter) line(statement, comment string) {
	if comment == "" {
		p.printf("\t%s\n", statement)
		return
	}
	p.printf("\t%-39s # %s\n", statement, oneLine(shortText(comment)))
}

// shortText cuts a comment's words down to what fits on a screen.
func shortText(s string) string {
	const most = 160
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

func (p *imagePrinter) print() {
	if bpf.IsBigEndian(p.order) {
		p.printf("# big-endian: for ebas --endian=big, llvm-mc -triple bpfeb\n")
	}
	if p.exact {
		p.printf("\t.ifdef %s\n\t.exact\n\t.endif\n", assemblerName)
	}
	for _, f := range p.files {
		p.printf("\t.file %s\n", quote(f.Name))
	}
	for _, plan := range p.plans {
		p.section(plan)
		if p.tooLong {
			return
		}
	}
	p.outsiders()
	if p.addrsig != nil {
		p.printf("\n\t.addrsig\n")
		for _, sym := range p.addrsig.Symbols {
			p.printf("\t.addrsig_sym %s\n", symbolText(p.names[sym]))
		}
	}
}
