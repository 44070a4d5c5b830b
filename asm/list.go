package asm

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Row is one instruction of a program as a listing shows it.
type Row struct {
	PC    int
	Slots int // slots it takes: 2 for a 64-bit immediate load, else 1
	// Function is set where a function begins.
	Function string
	// Label is set where a jump leads, without a colon: "L3".
	Label string
	// Text is the instruction in LLVM's syntax: numbers in decimal, jumps to
	// labels, and maps, variables, functions and kernel functions by name.
	Text string
	// Comment says what Text does not: a helper's name, what an extern is, what
	// became of a CO-RE relocation, what a constant holds. Empty when there is
	// nothing to say.
	Comment string
	// Target is the pc that a jump or a call of a function of the program leads
	// to, NoTarget for none. It may lie outside of a program that is damaged.
	Target int
	// Line is the source line that begins here, nil when it is that of the row
	// before, or not known.
	Line *bpf.Line
}

// NoTarget is the Target of an instruction that leads nowhere else.
const NoTarget = -1

// Rows lists the instructions of a program. obj is what the program is of; it
// may be nil, and then maps and variables have no names.
func Rows(p *bpf.Program, obj *bpf.Object) []Row {
	n := names{p: p, obj: obj, order: binary.LittleEndian, functions: map[int]string{}, listed: true}
	if obj != nil && obj.ByteOrder != nil {
		n.order = obj.ByteOrder
	}
	taken := map[string]bool{}
	for i, f := range p.Functions {
		n.functions[f.Start] = functionName(f)
		if i == 0 && p.Name != "" {
			n.functions[f.Start] = p.Name
		}
		taken[n.functions[f.Start]] = true
	}
	if obj != nil {
		for _, m := range obj.Maps {
			taken[m.Name] = true
			for _, v := range n.variablesOf(m) {
				taken[v.name] = true
			}
		}
	}
	n.labels = labelsOf(p, taken)
	core := p.CORE
	var shown *bpf.Line
	lines := p.Lines
	rows := make([]Row, 0, len(p.Instructions))
	for pc, next := 0, 0; pc < len(p.Instructions); {
		for next < len(p.Functions) && p.Functions[next].Start <= pc {
			next++
		}
		end := len(p.Instructions)
		if next < len(p.Functions) {
			end = min(end, p.Functions[next].Start)
		}
		row := Row{PC: pc, Function: n.functions[pc], Label: n.labels[pc], Target: NoTarget}
		row.Text, row.Slots = n.within(pc, end)
		if len(row.Text) > maxRowText {
			row.Text = strings.Clone(row.Text[:maxRowText]) + "…"
		}
		in := p.Instructions[pc]
		if in.Form() != nil && (in.IsJump() || in.IsLocalCall()) {
			row.Target = pc + 1 + in.JumpOffset()
		}
		for len(lines) > 0 && lines[0].PC <= pc {
			if l := &lines[0]; shown == nil || l.Pos.Line != shown.Pos.Line || l.Pos.File != shown.Pos.File {
				if row.Line, shown = l, l; l.Pos.Line == 0 && l.Text == "" {
					row.Line = nil // the source of what follows is not known
				}
			}
			lines = lines[1:]
		}
		comments := n.remarks(pc, row.Slots)
		for len(core) > 0 && core[0].PC < pc+row.Slots {
			if core[0].PC >= pc {
				comments = append(comments, coreText(&core[0]))
			}
			core = core[1:]
		}
		row.Comment = oneLine(strings.Join(comments, "; "))
		rows = append(rows, row)
		pc += row.Slots
	}
	return rows
}

// remarks says what is known of the instruction at pc that is not in its text.
func (n *names) remarks(pc, slots int) []string {
	in := n.p.Instructions[pc]
	if e := n.p.ExternAt(pc); e != nil {
		return []string{externText(e)}
	}
	switch {
	case in.IsHelperCall():
		if h, ok := linux.HelperByID(linux.HelperID(in.Imm)); ok {
			return []string{h.Name}
		}
	case in.IsLoadImm64() && slots == 2 && in.Src == bpf.PseudoMapIdxValue:
		if m := n.mapAt(in.Imm); m != nil {
			if s := n.constantAt(m, uint32(n.p.Instructions[pc+1].Imm)); s != "" {
				return []string{s}
			}
		}
	}
	return nil
}

// maxRowText bounds the text of a row, in bytes: a long name may be used by
// every instruction.
const maxRowText = 4096

// externText says what an extern is, and whether the kernel has it.
func externText(e *bpf.Extern) string {
	what := "kernel variable"
	if e.IsFunc() {
		what = "kernel function"
	}
	if e.Weak {
		what = "weak " + what
	}
	if e.Module != "" {
		what += " of module " + e.Module
	}
	if e.ID != 0 {
		what += fmt.Sprintf(", type %d", e.ID)
	}
	return what
}

// coreText says what became of a CO-RE relocation.
func coreText(r *bpf.CORERelocation) string {
	what := "CO-RE " + r.Kind.String()
	if r.Kind.String() == "unknown" {
		what += fmt.Sprintf(" kind %d", uint32(r.Kind))
	}
	if r.Root != "" {
		what += " " + r.Root
		if r.Access != "" && !strings.ContainsRune(".-[", rune(r.Access[0])) {
			what += "::" // an enumerator
		}
	}
	what += r.Access
	switch r.Result {
	case bpf.COREApplied:
		what += fmt.Sprintf(": %s -> %s", coreValue(r, r.Local), coreValue(r, r.Target))
	case bpf.COREPoisoned:
		what += ": poisoned"
		if r.Why != "" {
			what += ": " + r.Why
		}
	}
	return what
}

// coreValue writes the value of a CO-RE relocation: an enumerator's may be negative.
func coreValue(r *bpf.CORERelocation, v uint64) string {
	if r.Kind == bpf.COREEnumvalValue {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatUint(v, 10)
}

// maxConstant is how many bytes of a string a comment shows.
const maxConstant = 48

// constantAt says what stands at a place of a section that nothing may write to:
// a number or a string, empty for all else.
func (n *names) constantAt(m *bpf.Map, offset uint32) string {
	if !m.Frozen && m.Section != kconfigSection || uint64(offset) >= uint64(len(m.Contents)) {
		return ""
	}
	at := m.Contents[offset:]
	v := n.variableOver(m, offset)
	if v == nil {
		return stringAt(at)
	}
	typ := btf.UnderlyingType(v.typ)
	if array, ok := typ.(*btf.Array); ok && isChar(array.Type) {
		left := uint64(v.size - (offset - v.offset))
		return stringAt(at[:min(left, uint64(len(at)))])
	}
	if offset != v.offset {
		return ""
	}
	return numberAt(typ, at, n.order)
}

// kconfigSection is where programs take the settings of the kernel from.
const kconfigSection = ".kconfig"

func isChar(t btf.Type) bool {
	i, ok := btf.UnderlyingType(t).(*btf.Int)
	return ok && i.Size == 1 && i.Encoding != btf.Bool
}

// numberAt writes the number at the start of b, if the type is one.
func numberAt(t btf.Type, b []byte, order binary.ByteOrder) string {
	var size uint32
	signed, boolean := false, false
	switch t := t.(type) {
	case *btf.Int:
		size, signed, boolean = t.Size, t.Encoding == btf.Signed, t.Encoding == btf.Bool
	case *btf.Enum:
		size, signed = t.Size, t.Signed
	default:
		return ""
	}
	if uint64(len(b)) < uint64(size) {
		return ""
	}
	var v uint64
	switch size {
	case 1:
		v = uint64(b[0])
	case 2:
		v = uint64(order.Uint16(b))
	case 4:
		v = uint64(order.Uint32(b))
	case 8:
		v = order.Uint64(b)
	default:
		return ""
	}
	switch shift := 64 - 8*size; {
	case boolean && v <= 1:
		return strconv.FormatBool(v == 1)
	case signed:
		return strconv.FormatInt(int64(v<<shift)>>shift, 10)
	}
	return strconv.FormatUint(v, 10)
}

// stringAt writes the string that b begins with, empty when it is no text.
func stringAt(b []byte) string {
	end := 0
	for end < len(b) && b[end] != 0 {
		if end == maxConstant {
			return quote(string(b[:end])) + "…"
		}
		if c := b[end]; (c < ' ' || c >= 0x7f) && c != '\n' && c != '\t' {
			return ""
		}
		end++
	}
	if end == 0 {
		return ""
	}
	return quote(string(b[:end]))
}
