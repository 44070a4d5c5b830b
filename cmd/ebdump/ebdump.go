package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/cli"
	"ebtools/internal/show"
)

// options are the command's flags.
type options struct {
	output    string
	programs  []string
	typ       string
	btf       string
	parts     parts
	all       bool
	types     string // "", typesList or typesC
	requires  string // "", requiresAll or a version
	source    bool
	noSource  bool
	bytes     bool
	assembly  bool
	debug     bool
	dot       bool
	raw       bool
	bigEndian bool
	json      bool
	color     string

	withSource bool          // what source, noSource and their default come to
	version    linux.Version // what requires asks for; zero when it only asks
}

// parts are what can be shown of an object.
type parts struct {
	programs, maps, variables, externs, sections, symbols, relocs, types, requires, stats, code bool
}

// Values of --types and --requires that are more than what they say.
const (
	typesList   = "list"
	typesC      = "c"
	requiresAll = "any"
)

func command() *cli.Command {
	var o options
	flags := pflag.NewFlagSet("ebdump", pflag.ContinueOnError)
	flags.BoolVar(&o.parts.programs, "programs", false, "show the programs and their functions")
	flags.BoolVar(&o.parts.maps, "maps", false, "show the maps")
	flags.BoolVar(&o.parts.variables, "variables", false, "show the global variables and their initial values")
	flags.BoolVar(&o.parts.externs, "externs", false, "show what is taken from the kernel by name")
	flags.BoolVar(&o.parts.sections, "sections", false, "show the sections of the file")
	flags.BoolVar(&o.parts.symbols, "symbols", false, "show the symbols of the file")
	flags.BoolVar(&o.parts.relocs, "relocs", false, "show the relocations of the file, and those of CO-RE")
	flags.StringVar(&o.types, "types", "", "show the types (BTF); `FORM` is list (default), or c for\na header in C that can be a vmlinux.h")
	flags.Lookup("types").NoOptDefVal = typesList
	flags.StringVar(&o.requires, "requires", "", "show which kernel each program needs, and why; with a\n`VERSION` such as 5.10, what that kernel lacks (exit code 1)")
	flags.Lookup("requires").NoOptDefVal = requiresAll
	flags.BoolVar(&o.parts.stats, "stats", false, "count instructions by form and by class, calls of helpers,\nuse of maps and of the stack")
	flags.BoolVarP(&o.parts.code, "disassemble", "d", false, "show the instructions")
	flags.BoolVarP(&o.all, "all", "a", false, "show all of the above")
	flags.StringArrayVar(&o.programs, "prog", nil, "only the program called `NAME`; may be repeated")
	flags.BoolVar(&o.source, "source", false, "show source lines between instructions; this is the\ndefault, but with --dot")
	flags.BoolVar(&o.noSource, "no-source", false, "show no source lines")
	flags.BoolVar(&o.bytes, "bytes", false, "show the bytes of each instruction")
	flags.BoolVarP(&o.assembly, "assembly", "S", false, "print assembly that ebas makes the same object of")
	flags.BoolVar(&o.debug, "debug", false, "with -S: print also what only debuggers and linkers read")
	flags.BoolVar(&o.dot, "dot", false, "print the control-flow graph, for Graphviz:\nebdump --dot prog.o | dot -Tsvg > prog.svg")
	flags.BoolVar(&o.raw, "raw", false, "the input is nothing but instructions: binary, or their\nbytes in hexadecimal, C, Python or a listing")
	flags.BoolVar(&o.bigEndian, "big-endian", false, "with --raw: they are for a big-endian machine")
	flags.StringVar(&o.typ, "type", "", "programs are of type `TYPE` (xdp, kprobe, …) where the\nsection's name does not say")
	flags.StringVar(&o.btf, "btf", "", "resolve against the kernel whose types are in `FILE`:\nBTF, or an ELF file such as vmlinux (default: the\nrunning kernel)")
	flags.BoolVar(&o.json, "json", false, "print one JSON object")
	flags.StringVar(&o.color, "color", "auto", "use colours: `WHEN` is auto (default: on a terminal),\nalways or never")
	flags.StringVarP(&o.output, "output", "o", "", "write to `FILE`")
	return &cli.Command{
		Name:     "ebdump",
		Synopsis: "show what is in an eBPF object",
		Usage:    "[flags] PROG.o|PROG.s|-\n--raw [flags] [FILE|-]",
		Examples: "ebdump prog.o\nebdump --requires=5.10 prog.o\nebdump -S prog.o | ebas -o copy.o -\n" +
			"ebdump --types=c /sys/kernel/btf/vmlinux > vmlinux.h\n" +
			"echo b700000002000000 9500000000000000 | ebdump --raw",
		Flags: flags,
		Run:   func(env *cli.Env, args []string) error { return run(env, &o, args) },
	}
}

func run(env *cli.Env, o *options, args []string) error {
	if err := o.check(args); err != nil {
		return err
	}
	colors, err := env.Colors(o.color)
	if err != nil {
		return err
	}
	if o.output != "" {
		if o.color == "auto" {
			colors = show.Colors{}
		}
		if len(args) > 0 && cli.SameFile(o.output, args[0]) {
			return cli.Usagef("the output would overwrite its input %s: give another name with -o", args[0])
		}
	}
	name := "-"
	if len(args) > 0 {
		name = args[0]
	}
	d, err := open(env, o, name)
	if err != nil {
		return err
	}
	d.colors, d.narrow = colors, env.Terminal && o.output == ""
	var out bytes.Buffer
	done := d.write(&out)
	var e *cli.Error
	if done != nil && !errors.As(done, &e) {
		return done
	}
	// Whatever ends the run, what is good has been written.
	if err := d.deliver(env, out.Bytes()); err != nil {
		return err
	}
	switch {
	case done != nil:
		return done
	case d.lacking != nil:
		return cli.Exit(cli.BadObject, d.lacking)
	case d.problems.Err() != nil:
		return cli.Exit(cli.BadObject, d.summary())
	}
	return nil
}

// check looks for flags that contradict each other, and makes of them what is
// to be shown.
func (o *options) check(args []string) error {
	whole := ""
	for _, f := range []struct {
		on   bool
		name string
	}{{o.assembly, "-S"}, {o.dot, "--dot"}, {o.types == typesC, "--types=c"}} {
		switch {
		case !f.on:
		case whole != "":
			return cli.Usagef("%s and %s both print a whole file: give one of them", whole, f.name)
		default:
			whole = f.name
		}
	}
	switch o.types {
	case "", typesC:
	case typesList:
		o.parts.types = true
	default:
		return cli.Usagef("--types is %q, expected list or c", o.types)
	}
	switch o.requires {
	case "":
	case requiresAll:
		o.parts.requires = true
	default:
		version, err := parseVersion(o.requires)
		if err != nil {
			return cli.Usagef("--requires: %v", err)
		}
		o.version, o.parts.requires = version, true
	}
	some := o.parts != (parts{}) || o.all
	switch {
	case len(args) == 0 && !o.raw:
		return cli.Usagef("no program file given")
	case len(args) > 1:
		return cli.Usagef("one program file expected, but %d were given: %s", len(args), strings.Join(args, " "))
	case o.bigEndian && !o.raw:
		return cli.Usagef("--big-endian is for --raw: an object says itself what machine it is for")
	case o.raw && o.assembly:
		return cli.Usagef("-S prints an object: --raw has none")
	case o.debug && !o.assembly:
		return cli.Usagef("--debug is for -S")
	case o.source && o.noSource:
		return cli.Usagef("--source and --no-source contradict each other")
	case whole != "" && o.json:
		return cli.Usagef("%s does not go with --json", whole)
	case whole != "" && some:
		return cli.Usagef("%s prints a whole file, nothing can be shown beside it", whole)
	case (o.assembly || o.types == typesC) && len(o.programs) > 0:
		return cli.Usagef("%s prints a whole object: --prog can't choose from it", whole)
	}
	o.withSource = !o.noSource && (!o.dot || o.source)
	switch {
	case o.all:
		o.parts = parts{true, true, true, true, true, true, true, true, true, true, true}
	case !some && o.json:
		// All that is not as large as the object itself.
		o.parts = parts{true, true, true, true, true, false, true, false, true, false, true}
	}
	return nil
}

// write writes what the flags ask for. An error of type *cli.Error only decides
// the exit code.
func (d *dump) write(w io.Writer) error {
	switch {
	case d.o.assembly:
		if d.img == nil {
			return cli.Exit(cli.BadObject, fmt.Errorf("%s holds types and nothing else: -S prints objects", show.Name(d.obj.Name)))
		}
		return cli.Exit(cli.BadObject, asm.Printer{Source: d.o.withSource, Debug: d.o.debug}.PrintImage(w, d.img))
	case d.o.dot:
		return d.writeDot(w)
	case d.o.types == typesC:
		return d.writeHeader(w)
	case d.o.json:
		return d.writeJSON(w)
	}
	return d.writeText(w)
}

// deliver puts the output where it belongs. What is text of the object on the
// screen has no control characters left; source that is printed for tools may.
func (d *dump) deliver(env *cli.Env, out []byte) error {
	if d.o.output != "" {
		return env.WriteFile(d.o.output, out)
	}
	w := env.Stdout
	if env.Terminal && (d.o.assembly || d.o.types == typesC) {
		w = show.Printable(w)
	}
	_, err := w.Write(out)
	return err
}

// summary is the error that a dump ends with when not everything in the object
// could be read. The problems have been printed.
func (d *dump) summary() error {
	n := 0
	for _, p := range d.problems {
		if !p.Warn {
			n++
		}
	}
	if n == 1 {
		return errors.New("part of the object could not be loaded, see above")
	}
	return fmt.Errorf("%d parts of the object could not be loaded, see above", n)
}

// named reports whether --prog asks for the program.
func (o *options) named(p *bpf.Program) bool {
	for _, n := range o.programs {
		if n == p.Name {
			return true
		}
	}
	return len(o.programs) == 0
}
