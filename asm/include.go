package asm

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var fileDirectives = map[string]handler{
	".include": (*assembler).doInclude,
	".incbin":  (*assembler).doIncbin,
}

// maxIncludes is how deep files may include each other.
const maxIncludes = 64

// doInclude is .include "FILE": its text, in place of the statement.
func (a *assembler) doInclude(d token) *fault {
	at := a.span(a.toks[a.i])
	name, f := a.quoted("a file's name in quotes")
	if f != nil {
		return f
	}
	if !a.atEnd() {
		return a.unexpected(a.toks[a.i], "the end of the statement")
	}
	path, data, f := a.readFile(name, at)
	if f != nil {
		return f
	}
	depth := 0
	for i := range a.frames {
		b := a.frames[i].buf
		if b.title != "" {
			continue
		}
		depth++
		if filepath.Clean(b.name) == path {
			return faultAt(at, ErrMisuse, "%s includes itself", path)
		}
	}
	if depth > maxIncludes || len(a.frames) >= maxFrames {
		return faultAt(at, ErrMisuse, "files include each other more than %d deep", maxIncludes)
	}
	if strings.HasPrefix(string(data[:min(len(data), 4)]), "\x7fELF") {
		return faultAt(at, ErrSyntax, "%s is an object file, not assembly text", path)
	}
	b := &buffer{name: path, text: string(data), outer: a.span(d)}
	a.frames = append(a.frames, frame{buf: b, end: uint32(len(data)), conds: len(a.conds)})
	return nil
}

// doIncbin is .incbin "FILE" [, SKIP [, COUNT]]: bytes of a file, as they are.
func (a *assembler) doIncbin(token) *fault {
	at := a.span(a.toks[a.i])
	name, f := a.quoted("a file's name in quotes")
	if f != nil {
		return f
	}
	skip, count := int64(0), int64(-1)
	if a.another() {
		if a.toks[a.i].kind != tokComma {
			if skip, f = a.absoluteIn("the number of bytes to leave out", 0, maxSection); f != nil {
				return f
			}
		}
		if a.another() {
			if count, f = a.absoluteIn("the number of bytes", 0, maxSection); f != nil {
				return f
			}
		}
	}
	_, data, f := a.readFile(name, at)
	if f != nil {
		return f
	}
	data = data[min(skip, int64(len(data))):]
	if count >= 0 {
		data = data[:min(count, int64(len(data)))]
	}
	if a.reserved += uint64(len(data)); a.reserved > a.limits.reserved {
		return faultAt(at, ErrRange, "the object would have more than %d bytes", a.limits.reserved)
	}
	return a.emit(data, at)
}

// readFile finds a file that the text names: beside the file that names it, or in
// one of the directories given. It counts what is read, so that a few files
// can't fill the memory by including each other.
func (a *assembler) readFile(name string, at span) (path string, data []byte, f *fault) {
	if name == "" {
		return "", nil, faultAt(at, ErrSyntax, "a file has a name")
	}
	places := append([]string{filepath.Dir(at.buf.name)}, a.opts.Include...)
	if filepath.IsAbs(name) {
		places = []string{""}
	}
	read := a.opts.ReadFile
	if read == nil {
		read = readRegular
	}
	for _, dir := range places {
		path = filepath.Join(dir, name)
		data, err := read(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return "", nil, faultAt(at, ErrMisuse, "%v", err)
		}
		if a.included += len(data); a.included > maxIncluded {
			return "", nil, faultAt(at, ErrRange, "all included files have more than %d bytes", maxIncluded)
		}
		return path, data, nil
	}
	f = faultAt(at, ErrUndefined, "there is no file %s", name)
	if places[0] != "" {
		f.note("looked for in %s", strings.Join(places, ", "))
	}
	return "", nil, f
}

// maxIncluded bounds what all included files have, in bytes.
const maxIncluded = 256 << 20

// readRegular reads a file that is no device, pipe or directory.
func readRegular(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > maxIncluded:
		return nil, fmt.Errorf("%s has %d bytes: more than %d are not supported", name, info.Size(), maxIncluded)
	}
	return io.ReadAll(io.LimitReader(file, maxIncluded))
}
