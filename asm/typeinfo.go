package asm

import (
	"cmp"
	stdelf "debug/elf"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
)

// addTypeInfo describes the object in BTF, unless the file brings its own.
func (a *assembler) addTypeInfo(img *elf.Image) *fault {
	if a.exact || img.Section(".BTF") != nil || img.Section(".BTF.ext") != nil {
		if len(a.comfort.maps) > 0 {
			why := "the file has a section .BTF of its own"
			if a.exact {
				why = "with .exact none are added"
			}
			return faultAt(a.comfort.maps[0].symbol.def, ErrMisuse, "a .map is described by types, and %s", why)
		}
		return nil
	}
	a.checkValues()
	info := &elf.TypeInfo{}
	types := functionTypes{}
	for _, m := range a.comfort.maps {
		info.Maps = append(info.Maps, elf.MapInfo{Symbol: m.symbol.out, Map: m.def})
	}
	for _, s := range a.symbols.order {
		switch {
		case s.out != nil && s.state == symUndefined:
			if t := a.externType(s); t != nil {
				info.Externs = append(info.Externs, elf.ExternInfo{Symbol: s.out, Type: t})
			}
		case s.out == nil || s.state != symLabel:
		case isVariable(s):
			info.Vars = append(info.Vars, elf.VarInfo{Symbol: s.out, Type: variableType(s)})
		case s.typ == stdelf.STT_FUNC && s.section.isExecutable() && s.out.Size > 0 && !a.opts.NoDebug:
			info.Funcs = append(info.Funcs, elf.FuncInfo{Symbol: s.out, Type: a.functionType(types, s)})
		}
	}
	if !a.opts.NoDebug && len(info.Funcs) > 0 {
		for _, s := range a.sections {
			if s.isExecutable() {
				info.Lines = append(info.Lines, a.linesOf(s, info.Funcs)...)
			}
		}
	}
	if err := img.AddTypeInfo(info); err != nil {
		return faultAt(span{buf: a.file}, ErrMisuse, "%v", err)
	}
	return nil
}

// isVariable reports whether a symbol is a global variable as loaders know
// them: part of a section that becomes a map, or that they read themselves.
func isVariable(s *symbol) bool {
	sec := s.section
	return s.typ == stdelf.STT_OBJECT && s.out.Size > 0 && sec.name != mapsSection &&
		sec.flags&stdelf.SHF_ALLOC != 0 && !sec.isExecutable()
}

// variableType is what .type says; else an unsigned number where the size
// allows, else bytes; and text in a license.
func variableType(s *symbol) btf.Type {
	if s.declared != nil {
		return s.declared.typ
	}
	if s.section.name == licenseSection {
		return arrayOf(scalars["char"].typ, uint32(s.out.Size))
	}
	return plainType(s.out.Size)
}

// plainType is an unsigned number of so many bytes if there is one, else an
// array of bytes.
func plainType(size uint64) btf.Type {
	switch size {
	case 1, 2, 4, 8:
		return unsigned(int(size))
	}
	return arrayOf(unsigned(1), uint32(size))
}

// externType is the type of something that the kernel provides: what .type says,
// or what is known of a function that is called; of a variable, that its address
// is all that matters: void, where clang says const void, because cilium/ebpf
// takes nothing else. A function that nothing is known of is another file's.
func (a *assembler) externType(s *symbol) btf.Type {
	switch {
	case a.compiled:
		return nil
	case s.declared != nil:
		if _, isVoid := btf.UnderlyingType(s.declared.typ).(*btf.Void); isVoid {
			return &btf.Void{}
		}
		return s.declared.typ
	}
	if proto := a.kfuncType(s.name); proto != nil {
		return proto
	}
	if s.called {
		return nil
	}
	return &btf.Void{}
}

// functionType is what .type says of a function, or else what its section does.
func (a *assembler) functionType(types functionTypes, s *symbol) *btf.FuncProto {
	if s.declared != nil {
		if proto, ok := s.declared.typ.(*btf.FuncProto); ok {
			return proto
		}
	}
	return types.of(a, s.section.name)
}

// unsigned is the unsigned type of 1, 2, 4 or 8 bytes.
func unsigned(size int) btf.Type { return scalars["u"+itoa(size*8)].typ }

// functionTypes holds the types of programs that were asked for.
type functionTypes map[linux.ProgramType]*btf.FuncProto

// of is the type of a function of some section: int f(struct xdp_md
// *ctx) for a program, as far as its kind has a context with a name, and int
// f(void) for one that programs call.
func (types functionTypes) of(a *assembler, section string) *btf.FuncProto {
	def, _, ok := linux.SectionByName(section)
	if !ok {
		return &btf.FuncProto{Return: scalars["int"].typ}
	}
	if types[def.Type] == nil {
		target := btf.Type(&btf.Void{})
		if c, ok := linux.ContextOf(def.Type); ok {
			target = a.opaqueStruct(c.Name, false)
		}
		types[def.Type] = &btf.FuncProto{
			Return: scalars["int"].typ,
			Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: target}}},
		}
	}
	return types[def.Type]
}

// contextType is the structure of a program's context.
func contextType(c linux.Context) btf.Type {
	t := &btf.Struct{Name: c.Name, Size: uint32(c.Size)}
	for _, f := range c.Fields {
		typ := plainType(uint64(f.Size))
		if f.Elems > 1 {
			typ = arrayOf(typ, uint32(f.Elems))
		}
		t.Members = append(t.Members, btf.Member{Name: f.Name, Type: typ, Offset: btf.Bits(f.Offset * 8)})
	}
	return t
}

// linesOf gives the source lines of a section's instructions, as far as they
// belong to functions.
func (a *assembler) linesOf(s *section, functions []elf.FuncInfo) []elf.LineInfo {
	var lines []elf.LineInfo
	inside := functionsOf(s.out, functions)
	for _, l := range s.lines {
		info := elf.LineInfo{Section: s.out, Offset: s.address(l.place)}
		for len(inside) > 0 && inside[0].Value+inside[0].Size <= info.Offset {
			inside = inside[1:]
		}
		if len(inside) == 0 || info.Offset < inside[0].Value {
			continue
		}
		if l.loc != nil {
			info.Pos = bpf.Pos{File: l.loc.file, Line: l.loc.line, Col: l.loc.col}
		} else {
			pos, text, _, _ := l.at.place()
			info.Pos, info.Text = pos, strings.TrimRight(text, " \t")
		}
		lines = append(lines, info)
	}
	return lines
}

// functionsOf gives the symbols of a section's functions by ascending address.
func functionsOf(s *elf.Section, functions []elf.FuncInfo) []*elf.Symbol {
	var inside []*elf.Symbol
	for _, f := range functions {
		if f.Symbol.Section == s {
			inside = append(inside, f.Symbol)
		}
	}
	slices.SortStableFunc(inside, func(x, y *elf.Symbol) int { return cmp.Compare(x.Value, y.Value) })
	return inside
}
