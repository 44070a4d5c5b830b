package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/internal/cli"
	"ebtools/internal/show"
)

// parseVersion reads a release of Linux: "5.10", "v6", "5.10.3-generic". What is
// behind the second number makes no difference: features come with releases.
func parseVersion(s string) (linux.Version, error) {
	bad := fmt.Errorf("%q is no release of Linux, expected one such as 5.10", s)
	text, _, _ := strings.Cut(strings.TrimPrefix(s, "v"), "-")
	numbers := strings.Split(text, ".")
	if len(numbers) > 3 {
		return linux.Version{}, bad
	}
	var v [3]uint64
	for i, n := range numbers {
		var err error
		if v[i], err = strconv.ParseUint(n, 10, 16); err != nil {
			return linux.Version{}, bad
		}
	}
	if v[0] == 0 || v[0] > 255 || v[1] > 255 {
		return linux.Version{}, bad
	}
	return linux.Version{Major: uint8(v[0]), Minor: uint8(v[1])}, nil
}

// requirements gives what the object needs of a kernel.
func (d *dump) requirements() *compat.Report {
	if d.report == nil {
		report := compat.Read(d.obj)
		d.report, d.needs = &report, map[*bpf.Program][]compat.Need{}
		for i, p := range d.obj.Programs {
			d.needs[p] = report.Programs[i]
		}
	}
	return d.report
}

// needsOf gives what a program needs of a kernel.
func (d *dump) needsOf(p *bpf.Program) []compat.Need {
	d.requirements()
	return d.needs[p]
}

// rest is what the object needs beside its programs; it does not count when
// programs are chosen.
func (d *dump) rest() []compat.Need {
	if len(d.o.programs) > 0 {
		return nil
	}
	return d.requirements().Rest
}

// allNeeds gives what is needed for all that is shown.
func (d *dump) allNeeds() []compat.Need {
	all := slices.Clone(d.rest())
	for _, p := range d.programs {
		all = append(all, d.needsOf(p)...)
	}
	return all
}

// releaseText writes the oldest release for a list of needs.
func (d *dump) releaseText(needs []compat.Need) string {
	if v := compat.Oldest(needs); v != (linux.Version{}) {
		return v.String()
	}
	return d.colors.Warn("unknown")
}

// needed writes the sentence about it.
func (d *dump) needed(what string, needs []compat.Need) string {
	if v := compat.Oldest(needs); v != (linux.Version{}) {
		return fmt.Sprintf("%s needs Linux %s", what, v)
	}
	return what + " needs what no known release of Linux has"
}

// writeRequires says which kernel each program needs and why, the newest need
// first. When the flag names a release, only what that lacks counts, and the
// error is the exit code for it.
func (d *dump) writeRequires(w io.Writer) error {
	if d.o.version != (linux.Version{}) {
		return d.writeTooNew(w)
	}
	for i, p := range d.programs {
		if i > 0 {
			fmt.Fprintln(w)
		}
		needs := d.needsOf(p)
		d.heading(w, d.needed(nameOf(p), needs))
		d.writeNeeds(w, needs)
	}
	if rest := d.rest(); len(rest) > 0 {
		if len(d.programs) > 0 {
			fmt.Fprintln(w)
		}
		d.heading(w, "Beside its programs, the object needs")
		d.writeNeeds(w, rest)
	}
	switch {
	case len(d.programs)+len(d.rest()) == 0:
		d.heading(w, "Kernel needed")
		d.none(w)
	case len(d.programs) > 1 || len(d.programs) == 1 && compat.Oldest(d.allNeeds()) != compat.Oldest(d.needsOf(d.programs[0])):
		fmt.Fprintf(w, "\n%s\n", d.colors.Heading(d.needed("All of it", d.allNeeds())))
	}
	return nil
}

// nameOf names a program; raw instructions have no name.
func nameOf(p *bpf.Program) string { return show.Name(cmp.Or(p.Name, "The program")) }

// writeTooNew says what the release of the flag lacks.
func (d *dump) writeTooNew(w io.Writer) error {
	first := true
	lacks := func(what string, needs []compat.Need) {
		if needs = compat.TooNew(needs, d.o.version); len(needs) == 0 {
			return
		}
		if !first {
			fmt.Fprintln(w)
		}
		first = false
		d.heading(w, fmt.Sprintf("Linux %s lacks what %s needs", d.o.version, what))
		d.writeNeeds(w, needs)
	}
	for _, p := range d.programs {
		lacks(show.Name(cmp.Or(p.Name, "the program")), d.needsOf(p))
	}
	lacks("the object beside its programs", d.rest())
	if err := d.tooNewError(); err != nil {
		return err
	}
	what := "the programs need"
	if len(d.programs) == 1 {
		what = "the program needs"
	}
	fmt.Fprintf(w, "Linux %s has all that %s\n", d.o.version, what)
	return nil
}

// tooNewError is the error that --requires=VERSION ends with when that release
// lacks something.
func (d *dump) tooNewError() error {
	if d.o.version == (linux.Version{}) {
		return nil
	}
	lacking := 0
	for _, p := range d.programs {
		if len(compat.TooNew(d.needsOf(p), d.o.version)) > 0 {
			lacking++
		}
	}
	var err error
	switch {
	case lacking == 1 && len(d.programs) == 1:
		err = fmt.Errorf("the program needs more than Linux %s has", d.o.version)
	case lacking > 0:
		err = fmt.Errorf("%d of %s need more than Linux %s has", lacking, show.Plural(len(d.programs), "program"), d.o.version)
	case len(compat.TooNew(d.rest(), d.o.version)) > 0:
		err = fmt.Errorf("the object needs more than Linux %s has", d.o.version)
	}
	return cli.Exit(cli.Failed, err)
}

func (d *dump) writeNeeds(w io.Writer, needs []compat.Need) {
	if len(needs) == 0 {
		d.none(w)
		return
	}
	table := show.Table{Indent: "  ", Right: []bool{true}}
	table.Row(d.quiet("since", "what", "", "where", "why")...)
	for _, n := range needs {
		why := show.Line(n.Detail)
		kind, name := n.Kind.String(), show.Name(n.Name)
		if n.Optional {
			if why != "" {
				why = ": " + why
			}
			table.Row(d.quiet(sinceText(n), kind, name, show.Line(sourcePlace(&n)), "not necessary"+why)...)
			continue
		}
		table.Row(d.colors.Number(sinceText(n)), d.colors.Type(kind), d.colors.Name(name), show.Line(sourcePlace(&n)), d.colors.Quiet(why))
	}
	table.Write(w)
}

// sinceText writes since when there is something: "5.8", "5.13+" where it may be
// later, "never" where no release is known to have it.
func sinceText(n compat.Need) string {
	switch {
	case n.Since == linux.Version{}:
		return "never"
	case n.AtLeast:
		return n.Since.String() + "+"
	}
	return n.Since.String()
}

// sourcePlace says where in a program a need comes from: the line of its source, of
// which the last part of the file's name says enough, or the instruction.
func sourcePlace(n *compat.Need) string {
	switch {
	case n.Line.Pos.IsValid():
		return fmt.Sprintf("%s:%d", n.Line.Pos.File[strings.LastIndexByte(n.Line.Pos.File, '/')+1:], n.Line.Pos.Line)
	case n.PC != bpf.NoPC:
		return fmt.Sprintf("insn %d", n.PC)
	}
	return ""
}
