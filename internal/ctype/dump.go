package ctype

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// ErrTooLarge says that types would take far more text than there are of them:
// they lie within each other in a way that no compiler makes them.
var ErrTooLarge = errors.New("types too large, or too deep in each other, to be written as C")

// Dump writes all types of an object as a C header. A compiler for BPF gives each
// structure the size and the offsets that it has in the object. The header can stand
// in for vmlinux.h, and like that of bpftool makes accesses to members relocatable
// unless BPF_NO_PRESERVE_ACCESS_INDEX is defined.
//
// Types stand in the order that they have in the object, as far as what one is
// made of has not to come first. Where names clash, the second one is name___2,
// and so on; where C has no such name or type, the closest there is; a comment
// says so. Structures without a name are written where they are used.
// Declaration tags are comments, type tags are attributes that clang knows.
//
// It returns the error of w, of spec, or one that is [ErrTooLarge]. Nothing is
// written unless all is well.
func Dump(w io.Writer, spec *btf.Spec) error {
	d := newDumper()
	if err := d.collect(spec); err != nil {
		return fmt.Errorf("types as C: %w", err)
	}
	d.types()
	if d.stopped() {
		return ErrTooLarge
	}
	_, err := w.Write(d.text())
	return err
}

// dumper writes a header.
type dumper struct {
	*printer
	out  bytes.Buffer // declarations
	list []btf.Type   // in the order of the file

	begun     map[btf.Type]bool // definitions
	seen      map[use]bool
	forwarded map[string]bool // "struct foo"
}

func newDumper() *dumper {
	b := &budget{left: budgetBase}
	return &dumper{
		printer:   &printer{budget: b, layouts: newLayouts(b), names: newNames(b)},
		begun:     map[btf.Type]bool{},
		seen:      map[use]bool{},
		forwarded: map[string]bool{},
	}
}

// collect takes the types from spec, and gives those that are written names.
func (d *dumper) collect(spec *btf.Spec) error {
	for t, err := range spec.All() {
		if err != nil {
			return err
		}
		// Types may share one long name, which takes memory for each.
		if d.left += budgetEach - len(t.TypeName()) + weigh(t); d.stopped() {
			return nil
		}
		d.list = append(d.list, t)
	}
	// A forward declaration means the structure of its name, so that comes first.
	var later []btf.Type
	for _, t := range d.list {
		switch v := t.(type) {
		case *btf.Struct, *btf.Union, *btf.Typedef:
			if t.TypeName() != "" {
				d.names.of(t)
			}
		case *btf.Enum:
			if v.Name != "" {
				d.names.of(t)
			}
			if len(v.Values) > 0 {
				d.names.enumerator(v, 0)
			}
		case *btf.Fwd:
			later = append(later, t)
		case *btf.Int:
			if _, isC := intName(v.Name); !isC && v.Name != "" {
				d.names.of(t)
			}
		}
	}
	for _, t := range later {
		d.names.of(t)
	}
	return nil
}

// weigh gives what the parts of a type add to the budget, less their names.
func weigh(t btf.Type) (n int) {
	switch v := t.(type) {
	case *btf.Struct, *btf.Union:
		members, _, _, _ := composite(v)
		for _, m := range members {
			n += budgetEach - len(m.Name)
		}
	case *btf.Enum:
		for _, e := range v.Values {
			n += budgetEach - len(e.Name)
		}
	case *btf.FuncProto:
		for _, p := range v.Params {
			n += budgetEach - len(p.Name)
		}
	case *btf.TypeTag:
		n -= len(v.Value)
	}
	return n
}

const relocatable = `
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)
#endif
`

const notRelocatable = `
#ifndef BPF_NO_PRESERVE_ACCESS_INDEX
#pragma clang attribute pop
#endif
`

// text gives the header. clang warns of an attribute that nothing has.
func (d *dumper) text() []byte {
	on, off := relocatable, notRelocatable
	if !d.records {
		on, off = "", ""
	}
	return slices.Concat([]byte("#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"+on),
		d.out.Bytes(), []byte(off+"\n#endif /* __VMLINUX_H__ */\n"))
}

// types writes all types.
func (d *dumper) types() {
	for _, t := range d.list {
		if d.stopped() {
			return
		}
		switch t.(type) {
		case *btf.Int: // one that nothing is of is but the index of arrays
		default:
			if t.TypeName() != "" {
				d.define(t, 0)
			}
		}
	}
	// Enumerators are of use even if nothing is of their type.
	for _, t := range d.list {
		if e, ok := t.(*btf.Enum); ok && e.Name == "" && len(e.Values) > 0 && !d.names.written[e] {
			d.write(d.inlineEnum(e, place{}) + ";")
		}
	}
}

// write writes a declaration and an empty line in front of it.
func (d *dumper) write(text string) {
	if d.spend(text); !d.stopped() {
		d.out.WriteByte('\n')
		d.out.WriteString(text)
		d.out.WriteByte('\n')
	}
}

// forward declares a structure.
func (d *dumper) forward(t btf.Type) {
	text := keyword(t) + " " + d.names.of(t)
	if !d.forwarded[text] {
		d.forwarded[text] = true
		d.write(text + ";")
	}
}

func (d *dumper) structure(t btf.Type, members []btf.Member, list []string, depth int) {
	if d.layouts.plan(t, 0).opaque == "" {
		d.needMembers(members, depth)
	}
	text := keyword(t) + " " + d.names.of(t)
	d.forwarded[text] = true
	d.write(text + " " + d.renamed(t) + d.body(t, members, place{}) + ";" + tags(list))
}

// renamed says in a comment what the name of a type is, if it could not keep it.
func (d *dumper) renamed(t btf.Type) string {
	if name := t.TypeName(); d.names.of(t) != name {
		return "/* " + comment(name) + " */ "
	}
	return ""
}

func (d *dumper) enum(t *btf.Enum) {
	d.write("enum " + d.names.of(t) + " " + d.renamed(t) + d.enumerators(t, place{}) + ";")
}

func (d *dumper) typedef(t *btf.Typedef) {
	if d.names.isBuiltin(t) {
		return
	}
	text := "typedef " + d.declare(t.Type, d.names.of(t), place{}) + ";"
	if note := d.renamed(t); note != "" {
		text += " " + strings.TrimSpace(note)
	}
	d.write(text + tags(t.Tags))
}

// integer gives an integer a name that C doesn't know it by.
func (d *dumper) integer(t *btf.Int) {
	text := "typedef " + intText(t.Size, t.Encoding) + " " + d.names.of(t) + ";"
	if note := d.renamed(t); note != "" {
		text += " " + strings.TrimSpace(note)
	}
	d.write(text)
}
