package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/internal/cli"
)

// options are the command's flags.
type options struct {
	output  string
	endian  string
	noDebug bool
	include []string
	cpu     string
	dialect string
}

func command() *cli.Command {
	var o options
	flags := pflag.NewFlagSet("ebas", pflag.ContinueOnError)
	flags.StringVarP(&o.output, "output", "o", "", "write the object to `FILE`; - for standard output\n(default: the source's name with .o, in this folder)")
	flags.StringArrayVarP(&o.include, "include", "I", nil, "look in `DIR` too for what .include and .incbin name;\nmay be repeated")
	flags.StringVar(&o.endian, "endian", "little", "`ORDER` of bytes in the object: little (default) or big")
	flags.BoolVar(&o.noDebug, "no-debug", false, "leave out function types and source lines")
	flags.StringVar(&o.cpu, "cpu", "v4", "`VERSION` of the instruction set that may be used:\nv1, v2, v3 or v4 (default)")
	flags.StringVar(&o.dialect, "dialect", "auto", "whose `READING` counts where assemblers differ: auto\n(default: ask), llvm, gnu (; begins a comment) or ubpf")
	return &cli.Command{
		Name:     "ebas",
		Synopsis: "assemble eBPF programs into object files",
		Usage:    "[flags] FILE.s...\n[flags] -o FILE.o FILE.s|-",
		Examples: "ebas -o prog.o prog.s\necho 'r0 = 2; exit' | ebas -o - - | llvm-objdump -d -",
		Flags:    flags,
		Run:      func(env *cli.Env, args []string) error { return run(env, &o, args) },
	}
}

func run(env *cli.Env, o *options, args []string) error {
	switch {
	case len(args) == 0:
		return cli.Usagef("no source file given")
	case len(args) > 1 && o.output != "":
		return cli.Usagef("-o names one object, but %d source files were given", len(args))
	}
	assembler := asm.Options{NoDebug: o.noDebug, Include: o.include}
	switch o.endian {
	case "little":
		assembler.ByteOrder = binary.LittleEndian
	case "big":
		assembler.ByteOrder = binary.BigEndian
	default:
		return cli.Usagef("--endian is %q, expected little or big", o.endian)
	}
	cpu, ok := map[string]bpf.ISA{"v1": bpf.V1, "v2": bpf.V2, "v3": bpf.V3, "v4": bpf.V4}[o.cpu]
	if !ok {
		return cli.Usagef("--cpu is %q, expected v1, v2, v3 or v4", o.cpu)
	}
	assembler.CPU = cpu
	if assembler.Dialect, ok = asm.ParseDialect(o.dialect); !ok {
		return cli.Usagef("--dialect is %q, expected auto, llvm, gnu or ubpf", o.dialect)
	}
	// Every file is tried, so that one run shows the errors of all.
	var failed bpf.Diagnostics
	for _, name := range args {
		problems, err := assemble(env, o, assembler, name)
		if err != nil {
			return err
		}
		failed = append(failed, problems...)
	}
	return cli.Exit(cli.BadObject, failed.Err())
}

// assemble makes the object of one source file. It prints warnings and returns
// what is wrong with the source.
func assemble(env *cli.Env, o *options, opts asm.Options, name string) (bpf.Diagnostics, error) {
	output := o.output
	if output == "" {
		if name == "-" {
			return nil, cli.Usagef("the source comes from standard input: -o must say where the object goes")
		}
		base := filepath.Base(name)
		output = strings.TrimSuffix(base, filepath.Ext(base)) + ".o"
	}
	src, shown, err := read(env, name)
	if err != nil {
		return nil, cli.Exit(cli.BadObject, err)
	}
	if cli.SameFile(output, name) {
		return nil, cli.Usagef("the object would overwrite its source %s: give another name with -o", name)
	}
	img, problems := asm.Assemble(shown, src, opts)
	if problems.Err() != nil {
		return problems, nil
	}
	for _, warning := range problems {
		if err := warning.Render(env.Stderr); err != nil {
			return nil, err
		}
	}
	object, err := img.Write()
	if err != nil {
		return nil, cli.Exit(cli.BadObject, fmt.Errorf("%s: %w", shown, err))
	}
	return nil, env.WriteFile(output, object)
}

func read(env *cli.Env, name string) (src []byte, shown string, err error) {
	if name == "-" {
		src, err = io.ReadAll(env.Stdin)
		return src, "<stdin>", err
	}
	src, err = os.ReadFile(name)
	return src, name, err
}
