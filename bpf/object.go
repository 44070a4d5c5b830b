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
	Maps  []*Map
	Types *btf.Spec // nil without BTF
}

// Program is one program, linked: the functions it calls stand behind it, and
// every reference to a map is a 64-bit immediate load with PseudoMapIdx or
// PseudoMapIdxValue and the index into Object.Maps.
type Program struct {
	Name    string
	Section string // section it was found in
	Type    linux.ProgramType
	Attach  linux.AttachType
	Target  string // what the section name says to attach to, if anything
	License string

	Instructions []Instruction
	// Functions are the program's own entry and the functions linked behind
	// it, by ascending Start. At least one.
	Functions []Function
	// Lines gives source lines, by ascending PC; may be empty.
	Lines []Line
}

// Function is a stretch of a program's instructions.
type Function struct {
	Name  string
	Start int // pc of the first instruction
	Len   int // instructions
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
	// Contents is the initial value of a section of global variables: the one
	// value of an array map. Nil when it starts as zeros.
	Contents []byte
	// Frozen: neither programs nor user space may write (.rodata).
	Frozen bool
	// Section is the ELF section that the map stands for, when it holds global
	// variables.
	Section string
}

// MapValue is an initial value of a prog_array, an array_of_maps or a
// hash_of_maps.
type MapValue struct {
	Index uint32 // the key, a number of 4 bytes
	Name  string // of a program or a map of the object
}
