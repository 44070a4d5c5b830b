package asm

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// names knows what the numbers in a program's instructions stand for.
type names struct {
	p         *bpf.Program
	obj       *bpf.Object
	order     binary.ByteOrder
	functions map[int]string // by their first instruction; nil: the program's
	labels    map[int]string // of jump targets; nil: jumps are by distance
	listed    bool           // for people: externs by name, helpers as LLVM has them
	variables map[*bpf.Map][]variable
}

// variablesOf is the function of that name, asked once for a map.
func (n *names) variablesOf(m *bpf.Map) []variable {
	list, ok := n.variables[m]
	if !ok {
		if n.variables == nil {
			n.variables = map[*bpf.Map][]variable{}
		}
		list = variablesOf(m)
		n.variables[m] = list
	}
	return list
}

// instruction writes the instruction at pc and says how many slots it takes.
func (n *names) instruction(pc int) (text string, slots int) {
	in := n.p.Instructions[pc]
	form := in.Form()
	text, slots = bpf.Disassemble(n.p.Instructions, pc)
	if form == nil || in.IsLoadImm64() && slots == 1 {
		return n.bytes(in), 1
	}
	var next bpf.Instruction
	if slots == 2 {
		next = n.p.Instructions[pc+1]
	}
	if n.listed {
		if e := n.p.ExternAt(pc); e != nil && e.Name != "" {
			switch {
			case in.IsLoadImm64():
				return fmt.Sprintf("%s = %s ll", in.Dst, symbolText(e.Name)), slots
			case in.Op == bpf.OpcodeCall:
				return "call " + callText(e.Name), 1
			}
		}
	}
	switch {
	case in.IsLocalCall():
		if f := n.function(pc + 1 + int(in.Imm)); f != "" {
			return "call " + callText(f), 1
		}
	case in.IsLoadImm64():
		if name := n.address(in, next, pc); name != "" {
			return fmt.Sprintf("%s = %s ll", in.Dst, name), 2
		}
	case in.IsHelperCall() && !n.listed:
		if h, ok := linux.HelperByID(linux.HelperID(in.Imm)); ok {
			return "call " + h.Name, 1
		}
	case in.IsJump():
		return form.Format(in, next, func(o bpf.Operand) string {
			if o == bpf.OperandJump || o == bpf.OperandFar {
				return n.labels[pc+1+in.JumpOffset()]
			}
			return ""
		}), slots
	}
	return text, slots
}

// within writes the instruction at pc of a function that ends at end. A 64-bit
// immediate load whose second half belongs to the next function is none.
func (n *names) within(pc, end int) (text string, slots int) {
	if n.p.Instructions[pc].IsLoadImm64() && pc+1 >= end {
		return n.bytes(n.p.Instructions[pc]), 1
	}
	return n.instruction(pc)
}

// bytes writes what is no instruction, in the object's byte order.
func (n *names) bytes(in bpf.Instruction) string {
	var b [bpf.InstructionSize]byte
	in.Put(b[:], n.order)
	words := make([]string, len(b))
	for i, c := range b {
		words[i] = fmt.Sprintf("%#02x", c)
	}
	return ".byte " + strings.Join(words, ", ")
}

// function gives the name of the function that begins at pc.
func (n *names) function(pc int) string {
	if n.functions != nil {
		return n.functions[pc]
	}
	for _, f := range n.p.Functions {
		if f.Start == pc {
			return f.Name
		}
	}
	return ""
}

// address gives what a 64-bit immediate load loads, if that has a name.
func (n *names) address(in, next bpf.Instruction, pc int) string {
	switch in.Src {
	case bpf.PseudoFunc:
		if next.Imm == 0 || next.Imm == in.Imm>>31 { // the distance, or that with its sign
			if f := n.function(pc + 1 + int(in.Imm)); f != "" {
				return symbolText(f)
			}
		}
	case bpf.PseudoMapIdx:
		if m := n.mapAt(in.Imm); m != nil && !m.IsSection() && next.Imm == 0 {
			return symbolText(m.Name)
		}
	case bpf.PseudoMapIdxValue:
		if m := n.mapAt(in.Imm); m != nil && m.Section != "" {
			return n.variableAt(m, uint32(next.Imm))
		}
	}
	return ""
}

func (n *names) mapAt(i int32) *bpf.Map {
	if n.obj == nil || i < 0 || int(i) >= len(n.obj.Maps) {
		return nil
	}
	return n.obj.Maps[i]
}

// variable is a variable of a section.
type variable struct {
	name         string
	offset, size uint32
	global       bool
	typ          btf.Type
}

// variablesOf lists the variables of a section that became a map, by offset, as
// far as its type tells of them.
func variablesOf(m *bpf.Map) []variable {
	sec, ok := m.Value.(*btf.Datasec)
	if !ok {
		return nil
	}
	var list []variable
	for _, v := range sec.Vars {
		t, ok := v.Type.(*btf.Var)
		if !ok || t.Name == "" || strings.HasPrefix(t.Name, ".L") || v.Offset > m.Room() || v.Size > m.Room()-v.Offset {
			continue
		}
		list = append(list, variable{t.Name, v.Offset, v.Size, t.Linkage == btf.GlobalVar, t.Type})
	}
	slices.SortStableFunc(list, func(a, b variable) int { return cmp.Compare(a.offset, b.offset) })
	return list
}

// variableAt names a place in a section of variables.
func (n *names) variableAt(m *bpf.Map, offset uint32) string {
	name, base := m.Section, uint32(0)
	if v := n.variableOver(m, offset); v != nil {
		name, base = v.name, v.offset
	}
	if offset == base {
		return symbolText(name)
	}
	return fmt.Sprintf("%s+%d", symbolText(name), offset-base)
}

// variableOver finds the variable that a place in a section belongs to, nil when
// there is none.
func (n *names) variableOver(m *bpf.Map, offset uint32) *variable {
	vars := n.variablesOf(m)
	i := sort.Search(len(vars), func(i int) bool { return vars[i].offset > offset }) - 1
	if i < 0 || offset-vars[i].offset >= max(vars[i].size, 1) {
		return nil
	}
	return &vars[i]
}

// symbolText writes a symbol's name, in quotes if it would not be read as one.
func symbolText(name string) string {
	if isName(name) && !isRegisterName(name) {
		return name
	}
	return quote(name)
}

// callText is symbolText behind call, where two words mean something.
func callText(name string) string {
	if name == "pc" || name == "kfunc" {
		return quote(name)
	}
	return symbolText(name)
}

func isName(s string) bool {
	if s == "" || s == "." || charClass[s[0]]&charStart == 0 {
		return false
	}
	for i := range len(s) {
		if charClass[s[i]]&charName == 0 {
			return false
		}
	}
	return true
}

// sectionText writes a section's name, in quotes unless it reads as names with
// slashes and hyphens between.
func sectionText(name string) string {
	start := true // of a name
	for i := range len(name) {
		class := charClass[name[i]]
		switch {
		case class&charName != 0 && (!start || class&charStart != 0):
			start = false
		case !start && (name[i] == '/' || name[i] == '-'):
			start = true
		default:
			return quote(name)
		}
	}
	if start {
		return quote(name)
	}
	return name
}

// quote writes a string that unquote reads back.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
