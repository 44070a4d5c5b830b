package ebtools

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
)

// File is a program file: what it holds, linked and described, and the object
// image that came from.
type File struct {
	Object *bpf.Object
	Image  *elf.Image
	// Problems are warnings, and errors about single programs that the others
	// do not suffer from; programs with errors are not in Object.
	Problems bpf.Diagnostics
}

// Options says how files are opened. The zero value is what most want.
type Options struct {
	Assembler asm.Options // for assembly source
	// Type is given to programs whose section's name does not say what type
	// they are of.
	Type linux.ProgramType
	// Kernel gives what programs are resolved against (CO-RE relocations,
	// kernel functions, settings); nil is the running one. See
	// [elf.Options].
	Kernel func() (*elf.Kernel, error)
}

// ErrUnknownFile is returned for a file that is neither an object nor assembly.
var ErrUnknownFile = errors.New("neither an eBPF object nor assembly source")

// Open opens name: assembly source, an eBPF object, or "-" for either of them
// from standard input. What it is, its content tells. Errors in source are
// [bpf.Diagnostics] with a place each. What in it depends on a kernel is resolved
// against the running one.
func Open(name string) (*File, error) {
	if name == "-" {
		return OpenReader("<stdin>", os.Stdin, Options{})
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return OpenReader(name, f, Options{})
}

// OpenReader opens what r holds; name is what messages call it.
func OpenReader(name string, r io.Reader, opts Options) (*File, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err // an *fs.PathError, which names the file
	}
	if opts.Kernel == nil {
		opts.Kernel = RunningKernel
	}
	img, problems, err := image(name, b, opts)
	if err != nil {
		return nil, err
	}
	obj, more, err := elf.Load(img, name, elf.Options{Type: opts.Type, Kernel: opts.Kernel})
	problems = append(problems, more...)
	if err != nil {
		return nil, err
	}
	return &File{Object: obj, Image: img, Problems: problems}, nil
}

// image makes the object image of a file's content.
func image(name string, b []byte, opts Options) (*elf.Image, bpf.Diagnostics, error) {
	if isSource(name, b) {
		img, problems := asm.Assemble(name, b, opts.Assembler)
		if err := problems.Err(); err != nil {
			return nil, nil, err
		}
		return img, problems, nil
	}
	img, err := elf.Read(b)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	return img, nil, nil
}

// isSource tells assembly from everything else, which the object reader names
// for what it is.
func isSource(name string, b []byte) bool {
	if bytes.IndexByte(b[:min(len(b), 4096)], 0) >= 0 || bytes.HasPrefix(b, []byte("\x7fELF")) {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".s", ".asm", "":
		return true
	}
	return name == "<stdin>"
}
