package main

import (
	stdelf "debug/elf"
	"fmt"
	"io"
	"strings"

	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/show"
)

func (d *dump) writeSections(w io.Writer) {
	d.heading(w, "Sections")
	if d.img == nil || len(d.img.Sections) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  ", Right: []bool{true, false, false, false, true, true, true}}
	table.Row(d.quiet("#", "name", "type", "flags", "size", "align", "relocations")...)
	for i, s := range d.img.Sections {
		relocs := ""
		if len(s.Relocs) > 0 {
			relocs = show.Count(len(s.Relocs))
		}
		table.Row(fmt.Sprint(i+1), d.colors.Name(show.Name(s.Name)), d.colors.Type(sectionType(s)), sectionFlags(s.Flags),
			show.Count(s.Len()), fmt.Sprint(s.Align), relocs)
	}
	table.Write(w)
}

func sectionType(s *elf.Section) string {
	switch {
	case s.Type == typeAddrsig:
		return "llvm_addrsig"
	case s.Type >= stdelf.SHT_LOOS:
		return fmt.Sprintf("%#x", uint32(s.Type))
	}
	return strings.ToLower(strings.TrimPrefix(s.Type.String(), "SHT_"))
}

// typeAddrsig is SHT_LLVM_ADDRSIG of LLVM's llvm/BinaryFormat/ELF.h.
const typeAddrsig stdelf.SectionType = 0x6fff4c03

// sectionFlags writes flags as in assembly: "awx". Those without a letter are in
// hexadecimal.
func sectionFlags(flags stdelf.SectionFlag) string {
	s := ""
	for _, f := range []struct {
		flag   stdelf.SectionFlag
		letter string
	}{
		{stdelf.SHF_ALLOC, "a"},
		{stdelf.SHF_WRITE, "w"},
		{stdelf.SHF_EXECINSTR, "x"},
		{stdelf.SHF_MERGE, "M"},
		{stdelf.SHF_STRINGS, "S"},
		{stdelf.SHF_LINK_ORDER, "o"},
		{stdelf.SHF_GROUP, "G"},
		{stdelf.SHF_TLS, "T"},
		{stdelf.SHF_COMPRESSED, "C"},
		{1 << 31, "e"}, // SHF_EXCLUDE
	} {
		if flags&f.flag != 0 {
			s += f.letter
			flags &^= f.flag
		}
	}
	if flags != 0 {
		s += fmt.Sprintf("+%#x", uint32(flags))
	}
	return s
}

func (d *dump) writeSymbols(w io.Writer) {
	d.heading(w, "Symbols")
	if d.img == nil || len(d.img.Symbols) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  ", Right: []bool{true, true}}
	table.Row(d.quiet("value", "size", "type", "binding", "section", "name")...)
	for _, s := range d.img.Symbols {
		binding := symbolBinding(s)
		if s.Visibility != stdelf.STV_DEFAULT {
			binding += " " + strings.ToLower(strings.TrimPrefix(s.Visibility.String(), "STV_"))
		}
		table.Row(fmt.Sprint(s.Value), fmt.Sprint(s.Size), d.colors.Type(symbolType(s)), binding,
			show.Name(symbolSection(s)), d.colors.Name(show.Name(s.Name)))
	}
	table.Write(w)
}

func symbolType(s *elf.Symbol) string {
	return strings.ToLower(strings.TrimPrefix(s.Type.String(), "STT_"))
}

func symbolBinding(s *elf.Symbol) string {
	return strings.ToLower(strings.TrimPrefix(s.Bind.String(), "STB_"))
}

// symbolSection names where a symbol is defined: its section, "undefined",
// "absolute" or "common".
func symbolSection(s *elf.Symbol) string {
	switch {
	case s.Section != nil:
		return s.Section.Name
	case s.Special == stdelf.SHN_UNDEF:
		return "undefined"
	case s.Special == stdelf.SHN_ABS:
		return "absolute"
	case s.Special == stdelf.SHN_COMMON:
		return "common"
	}
	return s.Special.String()
}

// symbolText names a relocation's symbol: one without a name, as sections have,
// is named by its section.
func symbolText(s *elf.Symbol) string {
	switch {
	case s == nil:
		return ""
	case s.Name == "":
		return symbolSection(s)
	}
	return s.Name
}

// writeRelocs writes the relocations of sections that programs are made from,
// and those of CO-RE. Those of debugging information, which are very many, are
// counted.
func (d *dump) writeRelocs(w io.Writer) {
	d.heading(w, "Relocations")
	table := show.Table{Indent: "  ", Right: []bool{false, true, true}}
	table.Row(d.quiet("section", "offset", "insn", "type", "symbol")...)
	shown := false
	var counted []string
	for _, s := range d.sections() {
		if isDebug(s.Name) {
			if len(s.Relocs) > 0 {
				counted = append(counted, fmt.Sprintf("%s %s", show.Count(len(s.Relocs)), show.Name(s.Name)))
			}
			continue
		}
		for _, r := range s.Relocs {
			shown = true
			insn := ""
			if s.IsExecutable() {
				insn = fmt.Sprint(r.Offset / bpf.InstructionSize)
			}
			symbol := d.colors.Name(show.Name(symbolText(r.Symbol)))
			addend := d.addend(s, &r)
			if addend != 0 {
				symbol += fmt.Sprintf("%+d", addend)
			}
			row := []string{show.Name(s.Name), fmt.Sprint(r.Offset), insn, d.colors.Type(r.Type.String()), symbol}
			if name := d.symbolAt(r.Symbol, addend); name != "" {
				row = append(row, d.colors.Quiet("# ")+show.Name(name))
			}
			table.Row(row...)
		}
	}
	if shown {
		table.Write(w)
	} else {
		d.none(w)
	}
	if len(counted) > 0 {
		fmt.Fprintf(w, "  and of debugging information: %s\n", strings.Join(counted, ", "))
	}
	for _, p := range d.programs {
		d.writeCORE(w, p)
	}
}

// addend gives what a relocation adds to its symbol, in bytes: its own addend, or
// what stands in the place it is for.
func (d *dump) addend(s *elf.Section, r *elf.Relocation) int64 {
	if s.Rela || r.Offset > uint64(len(s.Data)) {
		return r.Addend
	}
	at := s.Data[r.Offset:]
	switch {
	case r.Type == elf.Reloc64_32 && len(at) >= bpf.InstructionSize && s.IsExecutable():
		if in := bpf.DecodeOne(at, d.obj.ByteOrder); r.Symbol != nil && r.Symbol.Name == "" {
			return (int64(in.Imm) + 1) * bpf.InstructionSize
		}
	case r.Type == elf.Reloc64_64 && len(at) >= bpf.InstructionSize && s.IsExecutable():
		return int64(bpf.DecodeOne(at, d.obj.ByteOrder).Imm)
	case (r.Type == elf.RelocABS64 || r.Type == elf.Reloc64_64) && len(at) >= 8:
		return int64(d.obj.ByteOrder.Uint64(at))
	case r.Type == elf.RelocABS32 && len(at) >= 4:
		return int64(d.obj.ByteOrder.Uint32(at))
	}
	return r.Addend
}

// symbolAt names what is at a place that a relocation gives by its section.
func (d *dump) symbolAt(section *elf.Symbol, offset int64) string {
	if section == nil || section.Name != "" || section.Section == nil || offset < 0 {
		return ""
	}
	if d.named == nil {
		d.named = map[place]string{}
		for _, s := range d.img.Symbols {
			if at := (place{s.Section, s.Value}); s.Name != "" && s.Section != nil && d.named[at] == "" {
				d.named[at] = s.Name
			}
		}
	}
	return d.named[place{section.Section, uint64(offset)}]
}

// place is where a symbol is.
type place struct {
	section *elf.Section
	offset  uint64
}

func (d *dump) sections() []*elf.Section {
	if d.img == nil {
		return nil
	}
	return d.img.Sections
}

// isDebug reports whether a section is of no concern to loaders.
func isDebug(name string) bool {
	return strings.HasPrefix(name, ".debug_") || strings.HasPrefix(name, ".BTF") || name == ".eh_frame"
}

func (d *dump) writeCORE(w io.Writer, p *bpf.Program) {
	if len(p.CORE) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", d.colors.Heading("CO-RE relocations of "+show.Name(p.Name)))
	table := show.Table{Indent: "  ", Right: []bool{true, false, false, true, false, true}}
	table.Row(d.quiet("insn", "kind", "what", "compiled", "", "kernel")...)
	for _, r := range p.CORE {
		row := []string{
			fmt.Sprint(r.PC), d.colors.Type(r.Kind.String()), d.colors.Name(show.Line(coreWhat(&r))),
			"", "", "",
		}
		if r.Result != bpf.COREUnresolved {
			row[3] = coreValue(&r, r.Local)
		}
		switch r.Result {
		case bpf.COREApplied:
			row[4], row[5] = "→", coreValue(&r, r.Target)
		case bpf.COREPoisoned:
			row[4], row[5] = "→", d.colors.Warn("poisoned")
		}
		if r.Why != "" {
			row = append(row, show.Line(r.Why))
		}
		table.Row(row...)
	}
	table.Write(w)
}

// coreWhat says which type, field or enumerator a relocation is about.
func coreWhat(r *bpf.CORERelocation) string {
	if r.Access != "" && r.Root != "" && !strings.ContainsRune(".-[", rune(r.Access[0])) {
		return r.Root + "::" + r.Access
	}
	return r.Root + r.Access
}

// coreValue writes a value; an enumerator's may be negative.
func coreValue(r *bpf.CORERelocation, v uint64) string {
	if r.Kind == bpf.COREEnumvalValue {
		return fmt.Sprint(int64(v))
	}
	return fmt.Sprint(v)
}
