package asm

import (
	"ebtools/bpf"
)

// Opcodes of line number programs (DWARF 5, 7.22).
const (
	lnsExtended         = 0x00
	lnsCopy             = 0x01
	lnsAdvancePC        = 0x02
	lnsAdvanceLine      = 0x03
	lnsSetFile          = 0x04
	lnsSetColumn        = 0x05
	lnsNegateStatement  = 0x06
	lnsSetBlock         = 0x07
	lnsConstAddPC       = 0x08
	lnsSetPrologueEnd   = 0x0a
	lnsSetEpilogueBegin = 0x0b
	lnsSetISA           = 0x0c

	lneEndSequence = 0x01
	lneSetAddress  = 0x02
	lneSetVariant  = 0x04
)

// Columns of the tables of directories and files, and the forms they have
// (DWARF 5, 7.22 and 7.5.6).
const (
	lnctPath      = 1
	lnctDirectory = 2
	lnctMD5       = 5
	lnctSource    = 0x2001 // LLVM's

	formUdata      = 0x0f
	formData16     = 0x1e
	formLineString = 0x1f
)

// Special opcodes advance both the line and the address. These are LLVM's
// parameters.
const (
	lineBase          = -5 // the least advance of the line
	lineRange         = 14 // and how many there are
	opcodeBase        = 13 // the first special opcode
	maxSpecialAddress = (255 - opcodeBase) / lineRange
)

// Versions of the table: the usual one, and the first that has a file 0.
const (
	versionUsual    = 4
	versionWithRoot = 5
)

// operandCounts tells for each standard opcode how many operands it has.
var operandCounts = [opcodeBase - 1]byte{0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}

// writeLines makes section .debug_line, if there is something to say.
func (a *assembler) writeLines() {
	t := &a.debug.lineTable
	if t.root == nil && len(t.files) == 0 {
		return
	}
	if n := t.trim(); n > 0 {
		a.report(faultAt(t.last, ErrUndefined, "no .file gives file %d a name, and other numbers follow", n))
		return
	}
	w := a.dwarfSection(".debug_line", false)
	unitEnd := w.length()
	version := uint64(versionUsual)
	if t.root != nil {
		version = versionWithRoot
	}
	w.number(version, 2)
	if version >= versionWithRoot {
		w.bytes(addressSize, 0)
	}
	headerEnd := w.length()
	base := lineBase
	w.bytes(bpf.InstructionSize, 1, 1, byte(base), lineRange, opcodeBase)
	w.bytes(operandCounts[:]...)
	if version >= versionWithRoot {
		w.filesWithForms(t)
	} else {
		w.files(t)
	}
	headerEnd()
	for _, s := range t.filled {
		w.sequence(s)
	}
	unitEnd()
}

// files writes the tables of directories and files as DWARF 2 to 4 have them.
func (w *dwarfWriter) files(t *lineTable) {
	for _, dir := range t.dirs {
		w.text(dir)
	}
	w.bytes(0)
	for _, f := range t.files[1:] {
		w.text(f.name)
		w.unsigned(uint64(f.dir))
		w.bytes(0, 0) // time and size are not known
	}
	w.bytes(0)
}

// lineStrings is section .debug_line_str: each string once.
type lineStrings struct {
	*dwarfWriter
	at map[string]uint64
}

func (l *lineStrings) add(s string) uint64 {
	at, ok := l.at[s]
	if !ok {
		at = uint64(l.len())
		l.at[s] = at
		l.text(s)
	}
	return at
}

// filesWithForms writes the tables as DWARF 5 has them: each begins with what
// its rows hold.
func (w *dwarfWriter) filesWithForms(t *lineTable) {
	strings := lineStrings{w.a.dwarfSection(".debug_line_str", true), map[string]uint64{}}
	w.bytes(1, lnctPath, formLineString)
	w.unsigned(uint64(len(t.dirs)) + 1)
	for _, dir := range append([]string{t.home}, t.dirs...) {
		w.offset(strings.s, strings.add(dir))
	}
	rows := []sourceFile{*t.root}
	if len(t.files) > 0 {
		rows = append(rows, t.files[1:]...)
	}
	md5, source := true, false
	for _, f := range rows {
		md5 = md5 && f.hasMD5
		source = source || f.hasText
	}
	columns := 2
	if md5 {
		columns++
	}
	if source {
		columns++
	}
	w.bytes(byte(columns), lnctPath, formLineString, lnctDirectory, formUdata)
	if md5 {
		w.bytes(lnctMD5, formData16)
	}
	if source {
		w.unsigned(lnctSource)
		w.unsigned(formLineString)
	}
	w.unsigned(uint64(len(rows)))
	for _, f := range rows {
		w.offset(strings.s, strings.add(f.name))
		w.unsigned(uint64(max(f.dir, 0)))
		if md5 {
			w.bytes(f.md5[:]...)
		}
		if source {
			w.offset(strings.s, strings.add(f.source))
		}
	}
}

// sequence writes the program that makes the rows of a section.
func (w *dwarfWriter) sequence(s *section) {
	last := location{number: 1, line: 1, flags: locStatement}
	var address uint64
	for i, row := range s.rows {
		loc := row.loc
		if last.number != loc.number {
			w.bytes(lnsSetFile)
			w.unsigned(loc.number)
		}
		if last.col != loc.col {
			w.bytes(lnsSetColumn)
			w.unsigned(uint64(loc.col))
		}
		if loc.variant != 0 { // each row starts again from 0
			n := appendUnsigned(nil, loc.variant, 0)
			w.bytes(lnsExtended, byte(len(n)+1), lneSetVariant)
			w.bytes(n...)
		}
		if last.isa != loc.isa {
			w.bytes(lnsSetISA)
			w.unsigned(loc.isa)
		}
		if (last.flags^loc.flags)&locStatement != 0 {
			w.bytes(lnsNegateStatement)
		}
		for _, mark := range [...]struct {
			flag locationFlags
			op   byte
		}{{locBlock, lnsSetBlock}, {locPrologueEnd, lnsSetPrologueEnd}, {locEpilogueBegin, lnsSetEpilogueBegin}} {
			if loc.flags&mark.flag != 0 {
				w.bytes(mark.op)
			}
		}
		here := s.address(row.place)
		if i == 0 {
			w.bytes(lnsExtended, addressSize+1, lneSetAddress)
			w.address(s, here)
			address = here
		}
		w.advance(int64(loc.line)-int64(last.line), units(here-address))
		address, last = here, *loc
	}
	switch left := units(s.size() - address); left {
	case 0:
	case maxSpecialAddress:
		w.bytes(lnsConstAddPC)
	default:
		w.bytes(lnsAdvancePC)
		w.unsigned(left)
	}
	w.bytes(lnsExtended, 1, lneEndSequence)
}

// advance makes a row that is some lines and instructions further on, by one
// special opcode where possible.
func (w *dwarfWriter) advance(lines int64, slots uint64) {
	far := lines < lineBase || lines >= lineBase+lineRange || lines-lineBase+opcodeBase > 255
	if far {
		w.bytes(lnsAdvanceLine)
		w.signed(lines)
		lines = 0
	}
	if lines == 0 && slots == 0 {
		w.bytes(lnsCopy)
		return
	}
	special := uint64(lines - lineBase + opcodeBase)
	if slots <= 2*maxSpecialAddress+1 {
		if op := special + slots*lineRange; op <= 255 {
			w.bytes(byte(op))
			return
		}
		// A wrong guess wraps around, and is far beyond 255.
		if op := special + (slots-maxSpecialAddress)*lineRange; op <= 255 {
			w.bytes(lnsConstAddPC, byte(op))
			return
		}
	}
	w.bytes(lnsAdvancePC)
	w.unsigned(slots)
	if far {
		w.bytes(lnsCopy)
	} else {
		w.bytes(byte(special))
	}
}
