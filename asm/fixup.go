package asm

import (
	stdelf "debug/elf"
	"math"
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
)

// fixKind says what a fixup changes: a field of an instruction, or data.
type fixKind uint8

const (
	fixImm  fixKind = iota // 32-bit immediate
	fixLong                // 64-bit number or address, over two slots
	fixWide                // 64-bit number, over two slots
	fixOff                 // memory offset
	fixJump                // jump target, in the offset
	fixFar                 // jump target, in the immediate
	fixCall                // function or helper
	fixHigh                // high half of the immediate
	fixLow                 // low half of the immediate
	fixData1
	fixData2
	fixData4
	fixData8
)

// fixup is a place whose content depends on what the rest of the file says.
type fixup struct {
	place place
	kind  fixKind
	expr  expr
	at    span
}

// resolve settles all fixups of a section: they become numbers in its data, or
// relocations.
func (a *assembler) resolve(s *section) {
	for i := range s.fixups {
		x := &s.fixups[i]
		v, f := a.eval(x.expr, x.at)
		if f == nil {
			f = a.apply(s, x, v)
		}
		if f != nil && f != told {
			a.report(f)
		}
	}
	s.fixups = nil
}

func (a *assembler) apply(s *section, x *fixup, v value) *fault {
	switch x.kind {
	case fixJump, fixFar:
		return a.applyJump(s, x, v)
	case fixCall:
		return a.applyCall(s, x, v)
	case fixData1, fixData2, fixData4, fixData8:
		return a.applyData(s, x, v)
	case fixLong:
		if !v.isNumber() {
			return a.applyAddress(s, x, v)
		}
	default:
		if !v.isNumber() {
			f := a.notNumber(v, x.at)
			if x.kind == fixImm && v.sub == nil && v.add != nil && v.add.state != symUndefined {
				f.note("the address of %s is loaded with: rX = %s ll", describe(v.add), x.at.text())
			}
			return f
		}
	}
	return a.patch(s, x, v.num)
}

// patch sets the field of an instruction.
func (a *assembler) patch(s *section, x *fixup, n int64) *fault {
	data := s.data[s.address(x.place):]
	in := bpf.DecodeOne(data, a.order)
	var second bpf.Instruction
	f := a.setField(&in, &second, x.kind, n, x.at)
	in.Put(data, a.order)
	if x.kind == fixLong || x.kind == fixWide {
		second.Put(data[bpf.InstructionSize:], a.order)
	}
	return f
}

// applyJump settles where a jump goes: to a label of its own section.
func (a *assembler) applyJump(s *section, x *fixup, v value) *fault {
	to := v.add
	switch {
	case v.isNumber():
		return notLabel(x.at)
	case v.sub != nil || v.num != 0:
		return faultAt(x.at, ErrSyntax, "a jump goes to a label, or a number of instructions on (goto +3): put a label where %s is", x.at.text())
	case to.state == symUndefined && to.name == "":
		return a.undefined(to, x.at)
	case to.state == symUndefined && to.name == implicitExit && a.mnemonics:
		return a.jumpToExit(s, x)
	case to.state == symUndefined:
		to.broken = true
		return faultAt(x.at, ErrUndefined, "label %s is not defined", describe(to)).suggest(to.name, a.labelsOf(s))
	case to.section != s:
		return faultAt(x.at, ErrMisuse, "label %s is in section %s: a jump can't leave its section %s", describe(to), sectionName(to), s.name)
	case to.isPreemptible():
		return faultAt(x.at, ErrMisuse, "%s is a global symbol, so a linker may replace it: jump to a local label beside it", describe(to))
	}
	here := s.address(x.place) + bpf.InstructionSize
	distance := int64(s.address(to.place)) - int64(here)
	if distance%bpf.InstructionSize != 0 {
		return faultAt(x.at, ErrMisuse, "label %s is not at the start of an instruction", describe(to))
	}
	slots := distance / bpf.InstructionSize
	if x.kind == fixJump && !reaches(slots) {
		return a.farJump(s, x, to, slots)
	}
	return a.patch(s, x, slots)
}

func notLabel(at span) *fault {
	return faultAt(at, ErrMisuse, "%s is a number, not a label: a distance is written with its sign, as in goto +3", at.text())
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// applyCall settles what a call calls: a function of the section, a helper, or
// what a relocation names.
func (a *assembler) applyCall(s *section, x *fixup, v value) *fault {
	if v.isNumber() {
		return a.patch(s, x, v.num)
	}
	if v.sub != nil {
		return a.notNumber(v, x.at)
	}
	to := v.add
	if to.state == symUndefined && !to.bound && !to.isWeakly && !a.compiled {
		if h, ok := linux.HelperByName(to.name); ok {
			return a.patch(s, x, int64(h.ID))
		}
		return a.undefinedCall(to, x.at)
	}
	to.called = true
	target := v.num
	if to.section == s && !to.isPreemptible() {
		target += int64(s.address(to.place)) - int64(s.address(x.place))
	} else {
		name, offset := a.relocated(to)
		target += offset
		a.relocate(s, x, elf.Reloc64_32, name)
	}
	if target%bpf.InstructionSize != 0 {
		return faultAt(x.at, ErrMisuse, "%s is not at the start of an instruction", x.at.text())
	}
	data := s.data[s.address(x.place):]
	in := bpf.DecodeOne(data, a.order)
	in.Src = bpf.CallLocal
	in.Imm = int32(target/bpf.InstructionSize - 1)
	in.Put(data, a.order)
	return nil
}

// applyAddress settles a 64-bit load of an address: always by a relocation.
func (a *assembler) applyAddress(s *section, x *fixup, v value) *fault {
	name, offset, f := a.address(v, x.at)
	if f != nil {
		return f
	}
	n := v.num + offset
	if n < math.MinInt32 || n > math.MaxUint32 {
		return faultAt(x.at, ErrRange, "%s is %d bytes into its section, more than a relocation can say", x.at.text(), n)
	}
	a.relocate(s, x, elf.Reloc64_64, name)
	data := s.data[s.address(x.place):]
	in := bpf.DecodeOne(data, a.order)
	in.Imm = int32(n)
	in.Put(data, a.order)
	return nil
}

// applyData settles a number or an address among data.
func (a *assembler) applyData(s *section, x *fixup, v value) *fault {
	data := s.data[s.address(x.place):]
	n := v.num
	if !v.isNumber() {
		name, offset, f := a.address(v, x.at)
		if f != nil {
			return f
		}
		n += offset
		switch x.kind {
		case fixData8:
			a.relocate(s, x, elf.RelocABS64, name)
		case fixData4:
			a.relocate(s, x, dataReloc(v.add), name)
		default:
			return faultAt(x.at, ErrMisuse, "an address needs 4 or 8 bytes: .long or .quad")
		}
	}
	size := dataSize[x.kind]
	if f := checkData(n, size, x.at); f != nil {
		return f
	}
	a.putInt(data[:size], uint64(n))
	return nil
}

var dataSize = map[fixKind]int{fixData1: 1, fixData2: 2, fixData4: 4, fixData8: 8}

// address checks that a value is the address of one symbol, which the object
// may refer to.
func (a *assembler) address(v value, at span) (*symbol, int64, *fault) {
	switch {
	case v.sub != nil || v.add == nil:
		return nil, 0, a.notNumber(v, at)
	case v.add.state == symUndefined && !v.add.bound && !v.add.isWeakly && !a.compiled:
		f := a.undefined(v.add, at)
		if v.add.name != "" {
			f.note("a symbol of another file is declared with .extern %s", v.add.name)
		}
		return nil, 0, f
	}
	name, offset := a.relocated(v.add)
	return name, offset, nil
}

// relocated gives the symbol that a relocation against s names, and what to add
// to the place for it: local labels are given by their section.
func (a *assembler) relocated(s *symbol) (*symbol, int64) {
	if s.state == symLabel && !s.isPreemptible() {
		return s.section.sym, int64(s.section.address(s.place))
	}
	return s, 0
}

// dataReloc gives the relocation type of a 4-byte address by LLVM's rule: the
// fields of .BTF and .BTF.ext, which loaders apply themselves, are known by the
// symbols they refer to.
func dataReloc(s *symbol) elf.RelocType {
	label, _ := s.label()
	if label == nil {
		return elf.RelocABS32
	}
	need := stdelf.SHF_ALLOC | stdelf.SHF_WRITE
	if s.isTemporary() {
		need = stdelf.SHF_ALLOC | stdelf.SHF_EXECINSTR
	}
	if label.section.flags&need == need {
		return elf.RelocNODYLD32
	}
	return elf.RelocABS32
}

// relocate notes a relocation; the symbols are made into the image's later.
func (a *assembler) relocate(s *section, x *fixup, typ elf.RelocType, to *symbol) {
	to.use(x.at)
	if by := x.expr.add; by == nil || by.state != symVariable || !by.more.weakref {
		to.isDirectly = true
	}
	s.relocs = append(s.relocs, relocation{s.address(x.place), typ, to})
}

// definedNames lists what a reference could have meant.
func (a *assembler) definedNames() []string {
	if a.errors > maxSuggestions {
		return nil
	}
	var names []string
	for _, s := range a.symbols.order {
		if s.state != symUndefined && !s.isTemporary() {
			names = append(names, s.name)
		}
	}
	return names
}

// labelsOf lists the labels of a section.
func (a *assembler) labelsOf(sec *section) []string {
	if a.errors > maxSuggestions {
		return nil
	}
	var names []string
	for _, s := range a.symbols.order {
		if s.state == symLabel && s.section == sec && !strings.HasPrefix(s.name, ".Ltmp") {
			names = append(names, s.name)
		}
	}
	return names
}
