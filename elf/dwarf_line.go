package elf

import (
	"math"
	"strings"

	"ebtools/bpf"
)

// Opcodes of line number programs (DWARF 5, 7.22).
const (
	lnsExtended = iota
	lnsCopy
	lnsAdvancePC
	lnsAdvanceLine
	lnsSetFile
	lnsSetColumn
	lnsNegateStatement
	lnsSetBlock
	lnsConstAddPC
	lnsFixedAdvancePC
	lnsSetPrologueEnd
	lnsSetEpilogueBegin
	lnsSetISA

	lneEndSequence = 1
	lneSetAddress  = 2
	lneDefineFile  = 3
)

// Columns of the tables of folders and files from DWARF 5 on.
const (
	lnctPath   = 1
	lnctFolder = 2
)

// lineTables reads the line tables of an image, one for each unit. The reader of
// debug/dwarf does not serve: it knows no relocations, needs the units' other
// sections, and makes tables of whatever size a header says.
type lineTables struct {
	*dwarfReader
	str     *dwarfStrings
	folders map[uint64]string // where compilers ran, by line table; nil until asked for
	img     *Image
	rows    map[*Section][]lineRow
	left    int // rows that there may still be
	letters int // bytes of paths that may still be made
}

func newLineTables(img *Image, s *Section) *lineTables {
	t := &lineTables{
		dwarfReader: &dwarfReader{dwarfSection: newDWARFSection(img, s), end: len(s.Data)},
		str:         newDWARFStrings(img), img: img, rows: map[*Section][]lineRow{},
		letters: nameBudget(len(s.Data)),
	}
	for _, table := range *t.str {
		t.letters += nameBudget(len(table.table))
	}
	for _, s := range img.Sections {
		if s.IsExecutable() {
			// Compilers write one for each slot at most, and one for each end.
			t.left += 2 * (len(s.Data)/bpf.InstructionSize + 1)
		}
	}
	return t
}

// lineTable is the table of a unit while its program runs.
type lineTable struct {
	*dwarfReader
	all     *lineTables
	version uint64
	// What the header says of opcodes.
	minLength uint64
	base      int64
	span      uint64
	first     uint64 // the first special opcode
	operands  []byte // how many the standard opcodes have, from opcode 1 on

	folders []string
	files   []lineFile

	// The state. What a program may also set is of no use here.
	code    *Section // where the sequence lies; nil when that is nowhere
	address uint64   // within code
	file    uint64
	line    int64
	column  uint64
	begun   int // rows of code before the sequence
}

// lineFile is a source file; its path is made when a row needs it.
type lineFile struct {
	name   string
	folder uint64
	path   string
}

// readTable reads the next table.
func (t *lineTables) readTable() {
	at := t.at
	u := &lineTable{dwarfReader: t.unit(), all: t}
	u.header(uint64(at))
	u.reset()
	for u.err == nil && u.at < u.end {
		u.step()
	}
	if t.err == nil {
		t.err = u.err
	}
}

// header reads what stands before the program of the table at an offset.
func (u *lineTable) header(table uint64) {
	u.version = u.number(2)
	if u.err == nil && (u.version < 2 || u.version > 5) {
		u.fail("a line table of version %d; 2 to 5 are known", u.version)
	}
	if u.version >= 5 {
		u.number(1) // size of addresses, which lneSetAddress says too
		if u.number(1) != 0 {
			u.fail("addresses with segments")
		}
	}
	size := uint64(4)
	if u.wide {
		size = 8
	}
	length := u.number(size)
	program := *u.dwarfReader
	program.bytes(length)
	u.minLength = u.number(1)
	if u.version >= 4 && u.number(1) > 1 {
		u.fail("several operations in an instruction")
	}
	u.number(1) // whether rows are statements at first
	u.base = int64(int8(u.number(1)))
	u.span = u.number(1)
	u.first = u.number(1)
	if u.span == 0 || u.first == 0 {
		u.fail("a range of %d lines, %d opcodes", u.span, u.first)
		return
	}
	u.operands = u.bytes(u.first - 1)
	if u.version >= 5 {
		u.entriesWithForms()
	} else {
		u.entries(table)
	}
	if u.err == nil {
		// There may be more in a header than is known.
		u.err, u.at = program.err, max(u.at, program.at)
	}
}

// entries reads the tables of folders and files as DWARF 2 to 4 have them.
func (u *lineTable) entries(table uint64) {
	if u.all.folders == nil {
		u.all.folders = unitFolders(u.all.img, u.all.str)
	}
	u.folders = []string{u.all.folders[table]}
	for u.err == nil {
		name := u.text()
		if name == "" {
			break
		}
		u.folders = append(u.folders, name)
	}
	u.files = []lineFile{{}} // they count from 1
	for u.err == nil {
		name := u.text()
		if name == "" {
			break
		}
		u.entry(name)
	}
}

// entry reads what follows a file's name in DWARF 2 to 4.
func (u *lineTable) entry(name string) {
	folder := u.unsigned()
	u.unsigned() // when it was changed
	u.unsigned() // its size
	u.files = append(u.files, lineFile{name: name, folder: folder})
}

// entriesWithForms reads the tables as DWARF 5 has them: each begins with what
// its rows hold.
func (u *lineTable) entriesWithForms() {
	u.table(func(name string, _ uint64) { u.folders = append(u.folders, name) })
	u.table(func(name string, folder uint64) { u.files = append(u.files, lineFile{name: name, folder: folder}) })
}

func (u *lineTable) table(add func(name string, folder uint64)) {
	type column struct{ content, form uint64 }
	var columns []column
	named := false
	for range u.number(1) {
		c := column{u.unsigned(), u.unsigned()}
		columns = append(columns, c)
		named = named || c.content == lnctPath
	}
	count := u.unsigned()
	if count > 0 && !named { // each row takes some bytes then
		u.fail("a table of %d files without names", count)
	}
	for range count {
		var name string
		var folder uint64
		for _, c := range columns {
			n, text := u.form(c.form, u.all.str)
			switch c.content {
			case lnctPath:
				if c.form != formString && c.form != formStrp && c.form != formLineStrp {
					u.fail("a name of form %#x", c.form)
				}
				name = text
			case lnctFolder:
				folder = n
			}
		}
		if u.err != nil {
			return
		}
		add(name, folder)
	}
}

// reset is how a sequence begins.
func (u *lineTable) reset() {
	u.code, u.address, u.file, u.line, u.column, u.begun = nil, 0, 1, 1, 0, 0
}

// step does one instruction of the program.
func (u *lineTable) step() {
	opcode := u.number(1)
	if opcode >= u.first {
		opcode -= u.first
		u.advance(opcode / u.span)
		u.advanceLine(u.base + int64(opcode%u.span))
		u.row()
		return
	}
	switch opcode {
	case lnsExtended:
		u.extended()
	case lnsCopy:
		u.row()
	case lnsAdvancePC:
		u.advance(u.unsigned())
	case lnsAdvanceLine:
		u.advanceLine(u.signed())
	case lnsSetFile:
		u.file = u.unsigned()
	case lnsSetColumn:
		u.column = u.unsigned()
	case lnsConstAddPC:
		u.advance((255 - u.first) / u.span)
	case lnsFixedAdvancePC:
		n, _ := u.relocated(2)
		u.address += n
	case lnsNegateStatement, lnsSetBlock, lnsSetPrologueEnd, lnsSetEpilogueBegin:
	case lnsSetISA:
		u.unsigned()
	default:
		for range u.operands[opcode-1] {
			u.unsigned()
		}
	}
}

// extended does an instruction that has its length with it.
func (u *lineTable) extended() {
	length := u.unsigned()
	if u.err == nil && (length == 0 || length > uint64(u.end-u.at)) {
		u.fail("an instruction of %d bytes", length)
	}
	if u.err != nil {
		return
	}
	end := u.at + int(length)
	switch u.number(1) {
	case lneEndSequence:
		u.endSequence()
	case lneSetAddress:
		u.setAddress(length - 1)
	case lneDefineFile:
		u.entry(u.text())
	}
	if u.err == nil && u.at > end {
		u.fail("an instruction beyond its %d bytes", length)
	}
	if u.err == nil {
		u.at = end
	}
}

// setAddress moves the sequence to a place in a section. All sections begin at
// address 0, so that only the relocation tells which one; without it, or where
// its symbol has no code, the rows are about nothing that is in the object.
func (u *lineTable) setAddress(size uint64) {
	address, rel := u.relocated(size)
	if u.err != nil {
		return
	}
	var code *Section
	if rel != nil && rel.Symbol.Section != nil && rel.Symbol.Section.IsExecutable() {
		code = rel.Symbol.Section
	}
	if code != u.code { // the GNU assembler may say every address in full
		u.endRows()
		u.code, u.begun = code, len(u.all.rows[code])
	}
	u.address = address
}

func (u *lineTable) advance(n uint64) { u.address += n * u.minLength }

func (u *lineTable) advanceLine(n int64) {
	u.line += n // may be out of range in between
}

// endSequence says that nothing is known of what follows.
func (u *lineTable) endSequence() {
	u.endRows()
	u.reset()
}

func (u *lineTable) endRows() {
	if u.code != nil && len(u.all.rows[u.code]) > u.begun && u.address < uint64(len(u.code.Data)) {
		u.add(lineRow{ends: true})
	}
}

// row adds a row for what the state is.
func (u *lineTable) row() {
	if u.err != nil || u.code == nil {
		return
	}
	if u.address == uint64(len(u.code.Data)) {
		return // no instruction is left for it
	}
	var row lineRow
	if u.line != 0 { // 0 stands for code that is no line's
		if u.line < 0 || u.line > math.MaxInt32 || u.column > math.MaxInt32 {
			u.fail("line %d, column %d", u.line, u.column)
			return
		}
		row.pos = bpf.Pos{File: u.path(), Line: int(u.line), Col: int(u.column)}
	}
	u.add(row)
}

func (u *lineTable) add(row lineRow) {
	if u.address%bpf.InstructionSize != 0 || u.address >= uint64(len(u.code.Data)) {
		u.fail("no instruction at offset %d of section %s", u.address, shorten(u.code.Name))
		return
	}
	row.slot = int(u.address / bpf.InstructionSize)
	rows := u.all.rows[u.code]
	if n := len(rows); n > u.begun && rows[n-1].slot == row.slot && !row.ends {
		rows[n-1] = row // no instruction was left for the one before
		return
	}
	if u.all.left--; u.all.left < 0 {
		u.fail("more lines than instructions")
		return
	}
	u.all.rows[u.code] = append(rows, row)
}

// path is that of the file, as compilers write it in .BTF.ext: from the root if
// the table says that much. Folders are relative to the first, which is where
// the compiler ran.
func (u *lineTable) path() string {
	if u.file >= uint64(len(u.files)) {
		u.fail("file %d of %d", u.file, len(u.files))
		return ""
	}
	f := &u.files[u.file]
	if f.path != "" || f.name == "" {
		return f.path
	}
	f.path = u.within(f.folder, f.name)
	if f.folder > 0 && len(u.folders) > 0 && strings.HasPrefix(u.folders[0], "/") {
		f.path = u.within(0, f.path)
	}
	if u.all.letters -= len(f.path); u.all.letters < 0 {
		u.fail("its files share more of their folders than any compiler's do")
	}
	return f.path
}

// within puts a folder before a path that does not begin at the root.
func (u *lineTable) within(folder uint64, path string) string {
	switch {
	case strings.HasPrefix(path, "/"):
		return path
	case folder >= uint64(len(u.folders)):
		u.fail("folder %d of %d", folder, len(u.folders))
		return path
	case u.folders[folder] == "":
		return path
	}
	return strings.TrimSuffix(u.folders[folder], "/") + "/" + path
}
