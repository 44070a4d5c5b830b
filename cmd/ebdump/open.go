package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"ebtools"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/elf"
	"ebtools/internal/cli"
	"ebtools/internal/show"
)

// dump is an object about to be shown.
type dump struct {
	o        *options
	obj      *bpf.Object
	img      *elf.Image     // nil for raw instructions
	programs []*bpf.Program // those to show
	problems bpf.Diagnostics
	lacking  error // why there are no programs at all
	colors   show.Colors
	narrow   bool // lines should fit a terminal

	named  map[place]string               // symbols by their place; made when needed
	report *compat.Report                 // what the object needs of a kernel; made when needed
	needs  map[*bpf.Program][]compat.Need // the same of each program
	left   int                            // bytes of variables that may still be shown
}

// open reads the input and chooses the programs to show. It prints what is wrong
// with parts of the object.
func open(env *cli.Env, o *options, name string) (*dump, error) {
	content, shown, err := read(env, name)
	if err != nil {
		return nil, cli.Exit(cli.BadObject, err)
	}
	typ := linux.ProgUnspec
	if o.typ != "" {
		if typ, err = linux.ParseProgramType(o.typ); err != nil {
			return nil, cli.Usagef("--type: %v", err)
		}
	}
	d := &dump{o: o, left: fewZeros + 2*len(content)}
	if o.raw {
		err = d.openRaw(shown, content, typ)
	} else {
		err = d.openObject(shown, content, typ)
	}
	if err != nil {
		return nil, cli.Exit(cli.BadObject, err)
	}
	stderr := show.Printable(env.Stderr)
	for _, p := range d.problems {
		if err := p.Render(stderr); err != nil {
			return nil, err
		}
	}
	return d, d.choose()
}

func read(env *cli.Env, name string) (content []byte, shown string, err error) {
	if name == "-" {
		content, err = io.ReadAll(env.Stdin)
		return content, "<stdin>", err
	}
	content, err = os.ReadFile(name)
	return content, name, err
}

func (d *dump) openObject(name string, content []byte, typ linux.ProgramType) error {
	if isBTF(content) && name != "<stdin>" {
		types, err := elf.ParseTypes(content)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		d.obj = &bpf.Object{Name: name, ByteOrder: binary.LittleEndian, Types: types}
		if d.o.parts == (parts{}) {
			d.o.parts.types = true
		}
		return nil
	}
	opts := ebtools.Options{Type: typ}
	if d.o.btf != "" {
		kernel, err := ebtools.KernelFromFile(d.o.btf)
		if err != nil {
			return err
		}
		opts.Kernel = func() (*elf.Kernel, error) { return kernel, nil }
	}
	file, err := ebtools.OpenReader(name, bytes.NewReader(content), opts)
	switch {
	case err == nil:
		d.obj, d.img, d.problems = file.Object, file.Image, file.Problems
		return nil
	case errors.Is(err, elf.ErrNoPrograms):
		// There are still sections and symbols to look at.
		img, readErr := elf.Read(content)
		if readErr != nil {
			return err
		}
		d.img, d.obj, d.lacking = img, &bpf.Object{Name: name, ByteOrder: img.ByteOrder}, err
		return nil
	}
	return err
}

// isBTF reports whether a file holds types and nothing else, as
// /sys/kernel/btf/vmlinux does: it begins with BTF's magic number, in either byte
// order, and its version.
func isBTF(b []byte) bool {
	return bytes.HasPrefix(b, []byte{0x9f, 0xeb, 1}) || bytes.HasPrefix(b, []byte{0xeb, 0x9f, 1})
}

func (d *dump) openRaw(name string, content []byte, typ linux.ProgramType) error {
	var order binary.ByteOrder = binary.LittleEndian
	if d.o.bigEndian {
		order = binary.BigEndian
	}
	insns, err := parseRaw(content, order)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	p := &bpf.Program{Type: typ, Instructions: insns, Functions: rawFunctions(insns)}
	d.obj = &bpf.Object{Name: name, ByteOrder: order, Programs: []*bpf.Program{p}}
	return nil
}

// choose picks the programs to show: those of --prog, else all.
func (d *dump) choose() error {
	for _, n := range d.o.programs {
		if err := d.mustHave(n); err != nil {
			return err
		}
	}
	for _, p := range d.obj.Programs {
		if d.o.named(p) {
			d.programs = append(d.programs, p)
		}
	}
	return nil
}

// mustHave says what is wrong when no program has a name.
func (d *dump) mustHave(name string) error {
	var known []string
	for _, p := range d.obj.Programs {
		if p.Name == name {
			return nil
		}
		known = append(known, show.Name(p.Name))
	}
	for _, problem := range d.problems {
		if !problem.Warn && problem.Prog == name {
			return cli.Exit(cli.BadObject, fmt.Errorf("program %s could not be loaded, see above", show.Name(name)))
		}
	}
	if len(known) == 0 {
		return cli.Usagef("no program is called %s; there is none", show.Name(name))
	}
	return cli.Usagef("no program is called %s; there is %s", show.Name(name), strings.Join(known, ", "))
}
