package asm

import (
	stdelf "debug/elf"
	"fmt"
	"math"
	"strings"

	"ebtools/elf"
)

// maxPlainName is how long a name may be that is written wherever it is needed;
// longer ones are written once.
const maxPlainName = 255

// chooseSymbols gives the symbols that are written their names in the text.
func (p *imagePrinter) chooseSymbols() error {
	needed := map[*elf.Symbol]bool{}
	for _, plan := range p.plans {
		for _, r := range plan.s.Relocs {
			needed[r.Symbol], p.mentioned[r.Symbol] = true, true
		}
		for _, sym := range plan.s.Symbols {
			needed[sym] = true
		}
		if plan.group != nil {
			needed[plan.group.Symbols[0]] = true
		}
	}
	if p.addrsig != nil {
		for _, sym := range p.addrsig.Symbols {
			needed[sym] = true
		}
	}
	taken := map[string]bool{}
	for _, sym := range p.img.Symbols {
		taken[sym.Name] = true
	}
	for _, s := range p.img.Sections {
		taken[s.Name] = true
	}
	used := p.isWritten
	for i, sym := range p.img.Symbols {
		switch {
		case sym.Type == stdelf.STT_SECTION && sym.Section != nil && !needed[sym]:
			continue
		case sym.Section != nil && p.planOf[sym.Section] == nil:
			if needed[sym] {
				return unprintable("symbol %d is needed, and is of section %s, which is left out", i+1, shortText(sym.Section.Name))
			}
			continue
		}
		if err := p.checkSymbol(sym); err != nil {
			return fmt.Errorf("symbol %d (%s): %w", i+1, shortText(sym.Name), err)
		}
		switch {
		case sym.Type == stdelf.STT_FILE:
			if needed[sym] {
				return unprintable("symbol %d (%s): a file's name that something refers to", i+1, shortText(sym.Name))
			}
			p.files = append(p.files, sym)
			continue
		case sym.Type == stdelf.STT_SECTION:
			plan := p.planOf[sym.Section]
			if plan.symbol != nil {
				return unprintable("section %s: two symbols stand for it", shortText(sym.Section.Name))
			}
			plan.symbol = sym
			continue
		}
		name := sym.Name
		if name == "" || name == "." || name == assemblerName || len(name) > maxPlainName || strings.HasPrefix(name, ".L") || used[name] {
			for k := i + 1; ; k += len(p.img.Symbols) {
				if name = fmt.Sprintf("sym$%d", k); !taken[name] {
					break
				}
			}
			taken[name] = true
			p.renamed[sym] = true
		}
		used[name] = true
		p.names[sym] = name
		if sym.Section == nil {
			p.outside = append(p.outside, sym)
		} else {
			plan := p.planOf[sym.Section]
			plan.symbols = append(plan.symbols, sym)
		}
	}
	for _, plan := range p.plans {
		if plan.group != nil && p.names[plan.group.Symbols[0]] == "" {
			return unprintable("section %s: its group is named by no symbol of its own", shortText(plan.s.Name))
		}
	}
	if p.addrsig != nil {
		for _, sym := range p.addrsig.Symbols {
			if p.names[sym] == "" {
				return unprintable("section %s lists a symbol that is no name", p.addrsig.Name)
			}
		}
	}
	return nil
}

// checkSymbol refuses what no directive says.
func (p *imagePrinter) checkSymbol(sym *elf.Symbol) error {
	if sym.Other != 0 {
		return unprintable("bits %#x of st_other", sym.Other)
	}
	switch sym.Bind {
	case stdelf.STB_LOCAL, stdelf.STB_GLOBAL, stdelf.STB_WEAK:
	default:
		return unprintable("binding %d", sym.Bind)
	}
	if sym.Value > math.MaxInt64 || sym.Size > math.MaxInt64 {
		return unprintable("value %#x and size %#x", sym.Value, sym.Size)
	}
	switch {
	case sym.Type == stdelf.STT_FILE:
		if sym.Special != stdelf.SHN_ABS || sym.Section != nil || sym.Bind != stdelf.STB_LOCAL || sym.Value != 0 || sym.Size != 0 || sym.Visibility != 0 {
			return unprintable("a file's name with a place")
		}
	case sym.Type == stdelf.STT_SECTION:
		if sym.Section == nil || sym.Name != "" || sym.Bind != stdelf.STB_LOCAL || sym.Value != 0 || sym.Size != 0 || sym.Visibility != 0 {
			return unprintable("a section's symbol with more than a section")
		}
	case sym.Section != nil:
	case sym.Special == stdelf.SHN_UNDEF:
		if sym.Value != 0 {
			return unprintable("an undefined symbol with value %d", sym.Value)
		}
	case sym.Special == stdelf.SHN_COMMON:
		if sym.Type != stdelf.STT_OBJECT || sym.Bind == stdelf.STB_LOCAL || sym.Value == 0 || sym.Value > maxAlign || sym.Value&(sym.Value-1) != 0 || sym.Size > maxSection {
			return unprintable("an unusual common symbol")
		}
	case sym.Special == stdelf.SHN_ABS:
	default:
		return unprintable("section index %#x", int(sym.Special))
	}
	return nil
}

var typeWords = map[stdelf.SymType]string{
	stdelf.STT_NOTYPE: "@notype", stdelf.STT_OBJECT: "@object", stdelf.STT_FUNC: "@function",
	stdelf.STT_TLS: "@tls_object", stdelf.STT_COMMON: "@common",
}

// typeWord is a symbol's type as .type has it.
func typeWord(t stdelf.SymType) string {
	if word, ok := typeWords[t]; ok {
		return word
	}
	return fmt.Sprintf("@%d", t)
}

// attributes writes a symbol's binding, visibility, and name in the object.
func (p *imagePrinter) attributes(sym *elf.Symbol, global string) {
	name := symbolText(p.names[sym])
	switch sym.Bind {
	case stdelf.STB_GLOBAL:
		p.printf("\t%s %s\n", global, name)
	case stdelf.STB_WEAK:
		p.printf("\t.weak %s\n", name)
	}
	switch sym.Visibility {
	case stdelf.STV_HIDDEN:
		p.printf("\t.hidden %s\n", name)
	case stdelf.STV_PROTECTED:
		p.printf("\t.protected %s\n", name)
	case stdelf.STV_INTERNAL:
		p.printf("\t.internal %s\n", name)
	}
	if p.renamed[sym] {
		p.printf("\t.rename %s, %s\n", name, quote(sym.Name))
	}
}

// defined writes what there is to say of a symbol where it is defined.
func (p *imagePrinter) defined(sym *elf.Symbol) {
	p.attributes(sym, ".globl")
	p.printf("\t.type %s, %s\n", symbolText(p.names[sym]), typeWord(sym.Type))
}

// outsiders writes the symbols that have no place in a section.
func (p *imagePrinter) outsiders() {
	for i, sym := range p.outside {
		if i == 0 {
			p.printf("\n")
		}
		name := symbolText(p.names[sym])
		switch sym.Special {
		case stdelf.SHN_COMMON:
			p.attributes(sym, ".globl")
			p.printf("\t.comm %s, %d, %d\n", name, sym.Size, sym.Value)
			continue
		case stdelf.SHN_ABS:
			p.defined(sym)
			p.printf("\t.set %s, %d\n", name, sym.Value)
		default:
			if sym.Bind == stdelf.STB_LOCAL {
				p.printf("\t.local %s\n", name)
			}
			if p.mentioned[sym] {
				p.attributes(sym, ".extern")
				if sym.Type != stdelf.STT_NOTYPE {
					p.printf("\t.type %s, %s\n", name, typeWord(sym.Type))
				}
			} else {
				p.defined(sym)
			}
		}
		if sym.Size != 0 {
			p.printf("\t.size %s, %d\n", name, sym.Size)
		}
	}
}
