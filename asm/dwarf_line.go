package asm

import "strings"

// lineTable is what .file and .loc say: the files that a compiler read, and
// where in them the instructions come from. It becomes section .debug_line
// (DWARF 5, chapter 6.2).
type lineTable struct {
	root    *sourceFile // .file 0, which only DWARF 5 has
	home    string      // the directory that names are relative to
	dirs    []string    // from 1 on
	dirAt   map[string]int
	files   []sourceFile
	last    span // the last .file
	loc     *location
	pending *section   // where loc still waits for its instruction
	filled  []*section // those that have rows, in the order of their first one
}

// sourceFile is a row of the table of files.
type sourceFile struct {
	name    string
	dir     int
	md5     [16]byte
	hasMD5  bool
	source  string
	hasText bool
	path    string // directory and name, for people; "" for an unused number
}

// location is a place in a compiler's source.
type location struct {
	file      string // its path
	number    uint64 // and row in the table of files
	line, col int
	isa       uint64
	variant   uint64 // "discriminator": which of several blocks on a line
	flags     locationFlags
}

type locationFlags uint8

const (
	locStatement locationFlags = 1 << iota
	locBlock
	locPrologueEnd
	locEpilogueBegin
)

// lineRow says where the bytes from a place on come from.
type lineRow struct {
	place place
	loc   *location
}

// noteLocation is called before bytes are added to the current section.
func (a *assembler) noteLocation() {
	if a.debug.pending == a.section {
		a.addRow()
	}
}

// addRow gives the location that waits the current place.
func (a *assembler) addRow() {
	s := a.debug.pending
	a.debug.pending = nil
	if len(s.rows) == 0 {
		a.debug.filled = append(a.debug.filled, s)
	}
	s.rows = append(s.rows, lineRow{s.here(), a.debug.loc})
}

// setRoot is .file 0: what was compiled.
func (t *lineTable) setRoot(dir string, f sourceFile) {
	t.root, t.home = &f, dir
}

// add gives a file its number; false if that is taken.
func (t *lineTable) add(n int, dir string, f sourceFile) bool {
	for len(t.files) <= n {
		t.files = append(t.files, sourceFile{})
	}
	if t.files[n].path != "" {
		return false
	}
	if dir == t.home {
		dir = ""
	}
	if t.root != nil && dir == "" && f.name == t.root.name && f.hasMD5 == t.root.hasMD5 && f.md5 == t.root.md5 {
		f.dir = sameAsRoot
		t.files[n] = f
		return true
	}
	if dir == "" {
		if i := strings.LastIndexByte(f.name, '/'); i >= 0 && i < len(f.name)-1 {
			dir, f.name = f.name[:max(i, 1)], f.name[i+1:]
		}
	}
	if dir != "" {
		f.dir = t.directory(dir)
	}
	t.files[n] = f
	return true
}

// sameAsRoot stands for the directory of a file that is file 0, too.
const sameAsRoot = -1

func (t *lineTable) directory(name string) int {
	if n, ok := t.dirAt[name]; ok {
		return n
	}
	if t.dirAt == nil {
		t.dirAt = map[string]int{}
	}
	t.dirs = append(t.dirs, name)
	t.dirAt[name] = len(t.dirs)
	return len(t.dirs)
}

// file gives the row of a number, nil if there is none.
func (t *lineTable) file(n uint64) *sourceFile {
	switch {
	case n == 0 && t.root != nil:
		return t.root
	case n < uint64(len(t.files)) && t.files[n].path != "":
		return &t.files[n]
	}
	return nil
}

// trim leaves out the rows at the end that repeat file 0, and finds a number
// that no file has, 0 if there is none.
func (t *lineTable) trim() (missing int) {
	for n := len(t.files) - 1; n > 0 && t.files[n].dir == sameAsRoot; n-- {
		t.files = t.files[:n]
	}
	for n := 1; n < len(t.files); n++ {
		if t.files[n].path == "" {
			return n
		}
	}
	return 0
}
