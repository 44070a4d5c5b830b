package bpf

import (
	"encoding/binary"
	"sort"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// Object is what one object file holds, ready to be verified, run or
// translated: its programs linked, its maps described.
type Object struct {
	Name      string // file it came from
	ByteOrder binary.ByteOrder
	License   string
	Programs  []*Program
	// Maps are the declared maps and the sections of global variables, in the
	// order that instructions count them (PseudoMapIdx).
	Maps []*Map
	// Externs are the functions and variables that programs take from the
	// kernel by name (.ksyms).
	Externs []*Extern
	Types   *btf.Spec // nil without BTF
	// Kernel says whose types externs were resolved against, for messages; empty
	// when they were not.
	Kernel string
}

// Extern is a function or a variable that the kernel provides.
type Extern struct {
	Name string
	// Type is a *btf.FuncProto for a function and otherwise the variable's
	// type, *btf.Void when only its address matters.
	Type btf.Type
	Weak bool // a program may be loaded where the kernel has none
	// ID is its type in the kernel's type information, in that of the module
	// when Module is not empty; 0 when it was not found or not looked for.
	ID     btf.TypeID
	Module string
}

// IsFunc reports whether the extern is a function.
func (e *Extern) IsFunc() bool {
	_, ok := e.Type.(*btf.FuncProto)
	return ok
}

// Program is one program, linked: the functions it calls stand behind it, and
// every reference to a map is a 64-bit immediate load with PseudoMapIdx or
// PseudoMapIdxValue and the index into Object.Maps.
//
// A call of a kernel function has source register CallKfunc and the function's
// [Extern].ID as immediate, -1 when that is 0; a load of the address of a kernel
// function or variable that has an ID has PseudoBTFID and the ID, else it loads
// 0. Externs tells which they are.
type Program struct {
	Name    string
	Section string // section it was found in
	Type    linux.ProgramType
	Attach  linux.AttachType
	Target  string // what the section name says to attach to, if anything
	// SectionFlags is what else the section's name says.
	SectionFlags linux.SectionFlags
	License      string

	Instructions []Instruction
	// Functions are the program's own entry and the functions linked behind
	// it, by ascending Start. At least one.
	Functions []Function
	// Lines gives source lines, by ascending PC; may be empty.
	Lines []Line
	// Externs says which instructions refer to what the kernel provides, by
	// ascending PC.
	Externs []ExternRef
	// CORE lists the CO-RE relocations, by ascending PC.
	CORE []CORERelocation
}

// ExternRef is an instruction that refers to an extern of the object.
type ExternRef struct {
	PC     int
	Extern *Extern
}

// ExternAt gives the extern that the instruction at pc refers to, nil for none.
func (p *Program) ExternAt(pc int) *Extern {
	i := sort.Search(len(p.Externs), func(i int) bool { return p.Externs[i].PC >= pc })
	if i < len(p.Externs) && p.Externs[i].PC == pc {
		return p.Externs[i].Extern
	}
	return nil
}

// Function is a stretch of a program's instructions.
type Function struct {
	Name  string
	Start int // pc of the first instruction
	Len   int // instructions
	// Type is the function's type and linkage, nil when the object does not say.
	Type *btf.Func
}

// Line says which source line the instructions from PC on come from.
type Line struct {
	PC   int
	Pos  Pos
	Text string // the line itself, if the object has it
}

// LineAt gives the source line of the instruction at pc.
func (p *Program) LineAt(pc int) (Line, bool) {
	i := sort.Search(len(p.Lines), func(i int) bool { return p.Lines[i].PC > pc })
	if i == 0 || pc < 0 || pc >= len(p.Instructions) {
		return Line{}, false
	}
	return p.Lines[i-1], true
}

// FunctionAt gives the function that the instruction at pc belongs to.
func (p *Program) FunctionAt(pc int) (Function, bool) {
	i := sort.Search(len(p.Functions), func(i int) bool { return p.Functions[i].Start > pc })
	if i == 0 || pc >= p.Functions[i-1].Start+p.Functions[i-1].Len {
		return Function{}, false
	}
	return p.Functions[i-1], true
}

// Diagnose places err at the instruction at pc: with its source line where the
// program knows it.
func (p *Program) Diagnose(pc int, err error) *Diagnostic {
	d := &Diagnostic{PC: pc, Prog: p.Name, Err: err}
	if line, ok := p.LineAt(pc); ok {
		d.Pos, d.Line = line.Pos, line.Text
	}
	return d
}

// Map describes a map; sizes are in bytes.
type Map struct {
	Name       string
	Type       linux.MapType
	KeySize    uint32
	ValueSize  uint32
	MaxEntries uint32
	Flags      uint32
	Extra      uint64 // map_extra: hash functions of a bloom filter, …
	NumaNode   uint32 // node to allocate on, when Flags has BPF_F_NUMA_NODE
	Pinning    uint32 // LIBBPF_PIN_BY_NAME is 1
	Inner      *Map   // what a map of maps holds
	Key, Value btf.Type
	// Values are the programs or maps that a map of such holds from the start,
	// by ascending Index.
	Values []MapValue
	// Contents is the initial value of a section of global variables, the one
	// value of an array map, or of a struct_ops map, or the variables in an arena.
	// Nil when it starts as zeros.
	Contents []byte
	// Frozen: neither programs nor user space may write (.rodata).
	Frozen bool
	// Section is the ELF section that the map stands for, when it holds global
	// variables, or .kconfig, which is a section of the type information alone.
	// That of an arena has the variables in the arena, and Value their types.
	Section string
}

// IsSection reports whether the map is there for its section's variables alone.
func (m *Map) IsSection() bool { return m.Section != "" && m.Type != linux.MapArena }

// Room is how many bytes of variables there may be.
func (m *Map) Room() uint32 {
	if m.Type == linux.MapArena {
		return uint32(len(m.Contents))
	}
	return m.ValueSize
}

// MapValue is an initial value of a prog_array, an array_of_maps or a
// hash_of_maps, or the program that a member of a struct_ops map points to.
type MapValue struct {
	Index uint32 // the key, a number of 4 bytes; of a struct_ops map the member's offset in bytes
	Name  string // of a program or a map of the object
}
