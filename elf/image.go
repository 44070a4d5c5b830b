package elf

import (
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
)

// Image is an object file. The null section, the null symbol and the tables
// that only hold names, symbols and relocations (.strtab, .symtab, .rel*) are
// not among Sections: they are made by Write.
type Image struct {
	ByteOrder  binary.ByteOrder
	OSABI      stdelf.OSABI // EI_OSABI, 0 from every compiler
	ABIVersion uint8        // EI_ABIVERSION
	Flags      uint32       // e_flags
	Sections   []*Section
	Symbols    []*Symbol
}

// Section is one section with the relocations that apply to it.
type Section struct {
	Name  string
	Type  stdelf.SectionType
	Flags stdelf.SectionFlag
	Addr  uint64 // sh_addr, 0 from every compiler
	Data  []byte // nil for SHT_NOBITS
	Size  uint64 // bytes in memory; counts for SHT_NOBITS only, else len(Data) does
	Align uint64 // 0 or a power of two
	Entry uint64 // size of an entry (sh_entsize), 0 when entries have none

	Link        *Section // sh_link, when it names one of Sections
	LinkSymbols bool     // sh_link names the symbol table
	Info        uint32   // sh_info as it stands; Write sets that of a group

	// Members and Symbols stand for indexes that some types of section hold, so
	// that they stay right when the tables change. A group (SHT_GROUP) has its
	// sections in Members, its signature as the one element of Symbols, and the
	// 4 bytes of its flags in Data. A list of address-significant symbols
	// (SHT_LLVM_ADDRSIG) has them in Symbols, and no Data.
	Members []*Section
	Symbols []*Symbol

	Relocs []Relocation
	Rela   bool // Relocs are SHT_RELA entries, with addends; else SHT_REL
}

// Len is the section's size in memory, in bytes.
func (s *Section) Len() uint64 {
	if s.Type == stdelf.SHT_NOBITS {
		return s.Size
	}
	return uint64(len(s.Data))
}

// IsExecutable reports whether the section holds instructions.
func (s *Section) IsExecutable() bool {
	return s.Type == stdelf.SHT_PROGBITS && s.Flags&stdelf.SHF_EXECINSTR != 0
}

// Symbol is one entry of the symbol table.
type Symbol struct {
	Name       string
	Bind       stdelf.SymBind
	Type       stdelf.SymType
	Visibility stdelf.SymVis
	Other      uint8               // st_other without the visibility, 0 from every compiler
	Section    *Section            // where it is defined; nil when Special says more
	Special    stdelf.SectionIndex // SHN_UNDEF, SHN_ABS or SHN_COMMON when Section is nil, else 0
	Value      uint64              // offset within Section
	Size       uint64
}

// IsDefined reports whether the symbol has a place in a section.
func (s *Symbol) IsDefined() bool { return s.Section != nil }

// RelocType is a relocation type of machine EM_BPF.
type RelocType uint32

// The relocation types (LLVM, llvm/BinaryFormat/ELFRelocs/BPF.def; kernel,
// Documentation/bpf/llvm_reloc.rst).
const (
	RelocNone     RelocType = 0  // R_BPF_NONE
	Reloc64_64    RelocType = 1  // R_BPF_64_64: 64-bit immediate load
	RelocABS64    RelocType = 2  // R_BPF_64_ABS64: 8 bytes of data
	RelocABS32    RelocType = 3  // R_BPF_64_ABS32: 4 bytes of data
	RelocNODYLD32 RelocType = 4  // R_BPF_64_NODYLD32: 4 bytes of .BTF and .BTF.ext
	Reloc64_32    RelocType = 10 // R_BPF_64_32: call
)

// String gives the type's name in LLVM.
func (t RelocType) String() string {
	switch t {
	case RelocNone:
		return "R_BPF_NONE"
	case Reloc64_64:
		return "R_BPF_64_64"
	case RelocABS64:
		return "R_BPF_64_ABS64"
	case RelocABS32:
		return "R_BPF_64_ABS32"
	case RelocNODYLD32:
		return "R_BPF_64_NODYLD32"
	case Reloc64_32:
		return "R_BPF_64_32"
	}
	return fmt.Sprintf("relocation type %d", uint32(t))
}

// Relocation is a place in a section whose content depends on a symbol. The
// addend of BPF's SHT_REL relocations stands in the place itself; Addend is
// that of an SHT_RELA entry and 0 for all that LLVM writes.
type Relocation struct {
	Offset uint64
	Type   RelocType
	Symbol *Symbol
	Addend int64
}

// Section finds a section by its name, nil when there is none; the first when
// there are several.
func (img *Image) Section(name string) *Section {
	for _, s := range img.Sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// SectionSymbol returns the symbol of type STT_SECTION that stands for s, for
// relocations to places that have no name of their own. It is added to Symbols
// when there is none.
func (img *Image) SectionSymbol(s *Section) *Symbol {
	for _, sym := range img.Symbols {
		if sym.Type == stdelf.STT_SECTION && sym.Section == s {
			return sym
		}
	}
	sym := &Symbol{Type: stdelf.STT_SECTION, Section: s}
	img.Symbols = append(img.Symbols, sym)
	return sym
}
