package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"ebtools"
	"ebtools/bpf"
	"ebtools/internal/cli"
	"ebtools/vm"
)

// pluginCommand speaks the plugin protocol of the bpf_conformance suite: a
// program on standard input, memory as an argument, r0 as the answer.
func pluginCommand() *cli.Command {
	flags := pflag.NewFlagSet("ebrun plugin", pflag.ContinueOnError)
	object := flags.Bool("elf", false, "the program is the first one of an ELF object")
	flags.Bool("debug", false, "accepted for the suite's sake")
	return &cli.Command{
		Name:     "ebrun plugin",
		Synopsis: "run a program on plain memory, as the bpf_conformance suite asks",
		Usage:    "[flags] [MEMORY-HEX] <PROGRAM-HEX",
		Examples: "echo b7 00 00 00 2a 00 00 00 95 00 00 00 00 00 00 00 | ebrun plugin\n" +
			"bpf_conformance_runner --test_file_directory tests --plugin_path ebrun --plugin_options plugin",
		Flags: flags,
		Run:   func(env *cli.Env, args []string) error { return plugin(env, args, *object) },
	}
}

func plugin(env *cli.Env, args []string, object bool) error {
	if len(args) > 0 && args[0] == "plugin" { // as an option of the suite, behind the memory or before
		args = args[1:]
	}
	memory, err := parseHex(strings.Join(args, " "))
	if err != nil {
		return cli.Usagef("the memory: %v", err)
	}
	input, err := io.ReadAll(env.Stdin)
	if err != nil {
		return cli.Exit(cli.BadInput, err)
	}
	obj, err := pluginObject(input, object)
	if err != nil {
		return cli.Exit(cli.BadObject, err)
	}
	machine, err := vm.New(obj, vm.Options{})
	if err != nil {
		return cli.Exit(cli.BadObject, err)
	}
	r0, err := machine.Programs()[0].RunRaw(memory)
	if err != nil {
		return err
	}
	fmt.Fprintf(env.Stdout, "%x\n", r0)
	return nil
}

func pluginObject(input []byte, object bool) (*bpf.Object, error) {
	if object {
		file, err := ebtools.OpenReader("program.o", strings.NewReader(string(input)), ebtools.Options{})
		if err != nil {
			return nil, err
		}
		if len(file.Object.Programs) == 0 {
			if err := file.Problems.Err(); err != nil {
				return nil, err
			}
			return nil, fmt.Errorf("%s: there is no program in it", file.Object.Name)
		}
		return file.Object, nil
	}
	code, err := parseHex(string(input))
	if err != nil {
		return nil, fmt.Errorf("the program: %w", err)
	}
	if len(code) == 0 || len(code)%bpf.InstructionSize != 0 {
		return nil, fmt.Errorf("the program has %d bytes, expected instructions of %d", len(code), bpf.InstructionSize)
	}
	insns, err := bpf.Decode(code, binary.LittleEndian)
	if err != nil {
		return nil, fmt.Errorf("the program: %w", err)
	}
	return &bpf.Object{
		ByteOrder: binary.LittleEndian,
		Programs: []*bpf.Program{{
			Name: "program", Instructions: insns, Functions: []bpf.Function{{Name: "program", Len: len(insns)}},
		}},
	}, nil
}

// parseHex reads bytes in hexadecimal, with or without spaces and 0x.
func parseHex(text string) ([]byte, error) {
	var b []byte
	for _, word := range strings.Fields(strings.ReplaceAll(text, ",", " ")) {
		word = strings.TrimPrefix(strings.TrimPrefix(word, "0x"), "0X")
		if len(word) == 1 {
			word = "0" + word
		}
		part, err := hex.DecodeString(word)
		if err != nil {
			return nil, fmt.Errorf("%.40q is not bytes in hexadecimal: %w", word, err)
		}
		b = append(b, part...)
	}
	return b, nil
}
