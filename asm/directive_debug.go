package asm

import stdelf "debug/elf"

// debugInfo is what a compiler says of where instructions came from.
type debugInfo struct {
	files map[int64]string
	loc   *location // of the next instructions
}

// location is a place in a compiler's source.
type location struct {
	file      string
	line, col int
}

var debugDirectives = map[string]handler{
	".file":  (*assembler).doFile,
	".loc":   (*assembler).doLoc,
	".ident": (*assembler).doIdent,

	".cfi_sections":          (*assembler).ignored,
	".cfi_startproc":         (*assembler).ignored,
	".cfi_endproc":           (*assembler).ignored,
	".cfi_def_cfa":           (*assembler).ignored,
	".cfi_def_cfa_offset":    (*assembler).ignored,
	".cfi_def_cfa_register":  (*assembler).ignored,
	".cfi_adjust_cfa_offset": (*assembler).ignored,
	".cfi_offset":            (*assembler).ignored,
	".cfi_rel_offset":        (*assembler).ignored,
	".cfi_personality":       (*assembler).ignored,
	".cfi_lsda":              (*assembler).ignored,
	".cfi_remember_state":    (*assembler).ignored,
	".cfi_restore_state":     (*assembler).ignored,
	".cfi_restore":           (*assembler).ignored,
	".cfi_same_value":        (*assembler).ignored,
	".cfi_undefined":         (*assembler).ignored,
	".cfi_register":          (*assembler).ignored,
	".cfi_escape":            (*assembler).ignored,
	".cfi_return_column":     (*assembler).ignored,
	".cfi_signal_frame":      (*assembler).ignored,
	".cfi_window_save":       (*assembler).ignored,
}

// doFile is .file "NAME", or .file NUMBER ["DIRECTORY"] "NAME" [md5 NUMBER].
func (a *assembler) doFile(token) *fault {
	if a.toks[a.i].kind == tokString {
		_, f := a.quoted("a file's name")
		return f
	}
	n, f := a.absoluteIn("the file's number", 0, 1<<31)
	if f != nil {
		return f
	}
	name, f := a.quoted("a file's name in quotes")
	if f != nil {
		return f
	}
	if a.toks[a.i].kind == tokString {
		dir := name
		if name, f = a.quoted("a file's name"); f != nil {
			return f
		}
		if dir != "" && (name == "" || name[0] != '/') {
			name = dir + "/" + name
		}
	}
	if a.debug.files == nil {
		a.debug.files = map[int64]string{}
	}
	a.debug.files[n] = name
	for a.toks[a.i].kind == tokIdent { // md5 and source
		a.i += 2
		if a.i >= len(a.toks) {
			a.i = len(a.toks) - 1
			return a.unexpected(a.toks[a.i], "a value")
		}
	}
	return nil
}

// doLoc is .loc FILE LINE [COLUMN] [words about the instruction].
func (a *assembler) doLoc(d token) *fault {
	var n [3]int64
	at := a.toks[a.i]
	for i := range n {
		if i == 2 && a.toks[a.i].kind != tokNumber {
			break
		}
		t, f := a.expect(tokNumber, [3]string{"the number of a file", "a line", "a column"}[i])
		if f != nil {
			return f
		}
		if t.num > 1<<31 {
			return faultAt(a.span(t), ErrRange, "%d is out of range", t.num)
		}
		n[i] = int64(t.num)
	}
	file, ok := a.debug.files[n[0]]
	if !ok {
		return faultAt(a.span(at), ErrUndefined, "no .file gave file %d a name", n[0])
	}
	a.debug.loc = &location{file, int(n[1]), int(n[2])}
	return a.ignored(d)
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
