package asm

import (
	stdelf "debug/elf"
	"encoding/binary"
	"math"
	"strings"
)

// debugInfo is what a compiler says of where instructions came from, and how
// their functions keep the stack.
type debugInfo struct {
	lineTable
	frameTable
	names []string // of the sources, by .file without a number
}

var debugDirectives = map[string]handler{
	".file":  (*assembler).doFile,
	".loc":   (*assembler).doLoc,
	".ident": (*assembler).doIdent,
}

// doFile is .file "NAME", or .file NUMBER ["DIRECTORY"] "NAME" [md5 NUMBER]
// [source "TEXT"].
func (a *assembler) doFile(d token) *fault {
	if a.toks[a.i].kind == tokString {
		name, f := a.quoted("a file's name")
		if f == nil {
			a.debug.names = append(a.debug.names, name)
		}
		return f
	}
	n, f := a.absoluteIn("the file's number", 0, maxFileNumber)
	if f != nil {
		return f
	}
	at := a.span(d)
	var dir string
	var file sourceFile
	if file.name, f = a.quoted("a file's name in quotes"); f != nil {
		return f
	}
	if a.toks[a.i].kind == tokString {
		dir = file.name
		if file.name, f = a.quoted("a file's name"); f != nil {
			return f
		}
	}
	if file.name == "" {
		return faultAt(at, ErrSyntax, "file %d has no name", n)
	}
	file.path = file.name
	if dir != "" && file.name[0] != '/' {
		file.path = dir + "/" + file.name
	}
	for !a.atEnd() {
		if f := a.fileDetail(&file); f != nil {
			return f
		}
	}
	t := &a.debug.lineTable
	t.last = at
	switch {
	case n == 0 && t.root != nil, n > 0 && !t.add(int(n), dir, file):
		return faultAt(at, ErrRedefined, "file %d has a name already", n)
	case n == 0:
		t.setRoot(dir, file)
	}
	return nil
}

// maxFileNumber bounds the table of files.
const maxFileNumber = 1 << 16

// fileDetail takes md5 and a number, or source and a text.
func (a *assembler) fileDetail(file *sourceFile) *fault {
	word, t, f := a.name("md5 or source")
	if f != nil {
		return f
	}
	switch word {
	case "md5":
		sum := a.toks[a.i]
		if sum.kind != tokNumber && sum.kind != tokBig {
			return a.unexpected(sum, "a checksum of 16 bytes, as one number")
		}
		a.i++
		hi, lo := uint64(0), sum.num
		if sum.kind == tokBig {
			digits, base := splitBase(a.text(sum))
			var ok bool
			if hi, lo, ok = parseWide(digits, base); !ok {
				return faultAt(a.span(sum), ErrRange, "%s does not fit in 16 bytes", a.text(sum))
			}
		}
		binary.BigEndian.PutUint64(file.md5[:8], hi)
		binary.BigEndian.PutUint64(file.md5[8:], lo)
		file.hasMD5 = true
	case "source":
		file.source, f = a.quoted("the file's text in quotes")
		if strings.Contains(file.source, "\x00") {
			return faultAt(a.span(t), ErrRange, "the file's text holds a zero byte")
		}
		file.hasText = true
	default:
		return a.unexpected(t, "md5 or source")
	}
	return f
}

// doLoc is .loc FILE LINE [COLUMN] [words about the instruction]. It is about
// the next instruction or data of the section.
func (a *assembler) doLoc(token) *fault {
	a.noteLocation() // of two in a row, both count
	at := a.toks[a.i]
	var n [3]uint64
	for i := range n {
		if i == 2 && a.toks[a.i].kind != tokNumber {
			break
		}
		t, f := a.expect(tokNumber, [3]string{"the number of a file", "a line", "a column"}[i])
		if f != nil {
			return f
		}
		if limit := [3]uint64{maxFileNumber, math.MaxInt32, math.MaxUint16}[i]; t.num > limit {
			return faultAt(a.span(t), ErrRange, "%d is out of range: at most %d", t.num, limit)
		}
		n[i] = t.num
	}
	file := a.debug.file(n[0])
	if file == nil {
		return faultAt(a.span(at), ErrUndefined, "no .file gave file %d a name", n[0])
	}
	loc := &location{file: file.path, number: n[0], line: int(n[1]), col: int(n[2]), flags: locStatement}
	if before := a.debug.loc; before != nil {
		loc.flags = before.flags & locStatement
	}
	for !a.atEnd() {
		if f := a.locDetail(loc); f != nil {
			return f
		}
	}
	a.debug.loc, a.debug.pending = loc, a.section
	return nil
}

// locDetail takes one of the words that may follow in .loc.
func (a *assembler) locDetail(loc *location) (f *fault) {
	word, t, f := a.name("a word about the instruction, as is_stmt")
	if f != nil {
		return f
	}
	var n int64
	switch word {
	case "basic_block":
		loc.flags |= locBlock
	case "prologue_end":
		loc.flags |= locPrologueEnd
	case "epilogue_begin":
		loc.flags |= locEpilogueBegin
	case "is_stmt":
		if n, f = a.absoluteIn("is_stmt", 0, 1); n == 0 {
			loc.flags &^= locStatement
		} else {
			loc.flags |= locStatement
		}
	case "isa":
		n, f = a.absoluteIn("isa", 0, math.MaxInt32)
		loc.isa = uint64(n)
	case "discriminator":
		n, f = a.absoluteIn("the discriminator", 0, math.MaxUint32)
		loc.variant = uint64(n)
	case "view": // GNU as numbers locations by it; the table does not have it
		_, _, f = a.expression()
	default:
		return faultAt(a.span(t), ErrSyntax, "unknown word %s: is_stmt, prologue_end, epilogue_begin, basic_block, isa and discriminator are those of .loc", word)
	}
	return f
}

// doIdent is .ident "TEXT": who made the file.
func (a *assembler) doIdent(token) *fault {
	t := a.toks[a.i]
	s, f := a.quoted("a string in double quotes")
	if f != nil {
		return f
	}
	return a.within(a.commentSection(), func() *fault {
		if len(a.section.data) == 0 {
			s = "\x00" + s
		}
		return a.emit([]byte(s+"\x00"), a.span(t))
	})
}

// commentSection is where .ident puts its texts.
func (a *assembler) commentSection() *section {
	if s, ok := a.byName[".comment"]; ok {
		return s
	}
	s := a.newSection(".comment", stdelf.SHT_PROGBITS, stdelf.SHF_MERGE|stdelf.SHF_STRINGS)
	s.entry = 1
	return s
}
