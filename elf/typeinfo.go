package elf

import (
	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// TypeInfo is what a compiler knows of an object beside its bytes: the types of
// its maps, variables and functions, and its source lines. AddTypeInfo puts it
// into the image as .BTF and .BTF.ext.
type TypeInfo struct {
	Maps  []MapInfo
	Vars  []VarInfo
	Funcs []FuncInfo
	Lines []LineInfo
	// Externs are what the kernel provides: DATASEC .ksyms.
	Externs []ExternInfo
}

// ExternInfo gives the type of an undefined symbol that stands for a function or
// a variable of the kernel: a *btf.FuncProto for a function, otherwise the
// variable's type, void when only its address matters. A loader may do
// without it when its symbol is weak.
type ExternInfo struct {
	Symbol *Symbol
	Type   btf.Type
}

// MapInfo describes a map in section .maps; Symbol is its variable there, of
// [MapDefSize] bytes.
type MapInfo struct {
	Symbol *Symbol
	Map    *bpf.Map
}

// VarInfo gives the type of a global variable in .data, .bss, .rodata, license
// and the like.
type VarInfo struct {
	Symbol *Symbol
	Type   btf.Type
}

// FuncInfo gives the type of a function. The linkage follows the symbol's
// binding.
type FuncInfo struct {
	Symbol *Symbol
	Type   *btf.FuncProto
}

// LineInfo says which source line the instruction at Offset, in bytes, of
// Section came from. BTF has room for lines up to 4194303 and columns up to
// 1023; a number above that is left out.
type LineInfo struct {
	Section *Section
	Offset  uint64
	Pos     bpf.Pos
	Text    string
}
