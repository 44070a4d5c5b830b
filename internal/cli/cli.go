// Package cli is what every command shares: its exit codes, its flags' manners
// and how it prints what went wrong.
package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"

	"ebtools/bpf"
	"ebtools/internal/show"
)

// Exit codes of the commands.
const (
	OK        = 0
	Failed    = 1 // a fault, a mismatch, a failed expectation
	Usage     = 2
	BadObject = 3 // bad object or source
	Rejected  = 4 // by a verifier
	BadInput  = 5 // bad input data; what was read is still reported

	NoPrivilege = 6 // a privilege is missing
	Lacking     = 7 // the kernel lacks it, or there is none
)

// Error is an error that decides the exit code.
type Error struct {
	Code int
	Err  error
}

// Error gives the message of Err.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives Err.
func (e *Error) Unwrap() error { return e.Err }

// Exit makes err end the command with code; nil stays nil.
func Exit(code int, err error) error {
	if err == nil {
		return nil
	}
	return &Error{code, err}
}

// Usagef is an error in how the command was called.
func Usagef(format string, args ...any) error {
	return &Error{Usage, fmt.Errorf(format, args...)}
}

// Env is what a command works with, so that tests can give their own.
type Env struct {
	Args   []string // without the command's name
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	// Terminal says that somebody looks at Stdout, and not a program.
	Terminal bool
}

// Command describes a command.
type Command struct {
	Name     string
	Synopsis string // one line: "assemble eBPF programs"
	Usage    string // how it is called, a line each, without the name
	Examples string // at least two, a line each
	Flags    *pflag.FlagSet
	Run      func(env *Env, args []string) error
	// Subcommands run instead when the first argument is the last word of their
	// names: "ebrun plugin".
	Subcommands []*Command
}

// Main runs a command on the process's own arguments and ends the process.
func Main(c *Command) {
	os.Exit(c.Main(&Env{
		Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Terminal: isTerminal(os.Stdout),
	}))
}

// Main parses the flags, runs the command and gives its exit code. Output is
// buffered; it is written also when the command fails.
func (c *Command) Main(env *Env) int {
	for _, sub := range c.Subcommands {
		if len(env.Args) > 0 && c.Name+" "+env.Args[0] == sub.Name {
			inner := *env
			inner.Args = env.Args[1:]
			return sub.Main(&inner)
		}
	}
	out := bufio.NewWriterSize(env.Stdout, 1<<16)
	inner := *env
	inner.Stdout = out
	err := c.main(&inner)
	if ferr := out.Flush(); err == nil && ferr != nil {
		err = fmt.Errorf("write output: %w", ferr)
	}
	if err == nil {
		return OK
	}
	c.report(env.Stderr, err)
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Failed
}

func (c *Command) main(env *Env) error {
	help := c.Flags.BoolP("help", "h", false, "print this help")
	version := c.Flags.Bool("version", false, "print the version")
	c.Flags.SortFlags = false
	c.Flags.SetOutput(io.Discard)
	c.Flags.Usage = func() {}
	if err := c.Flags.Parse(env.Args); err != nil {
		return Exit(Usage, err)
	}
	switch {
	case *help:
		c.help(env.Stdout)
		return nil
	case *version:
		fmt.Fprintf(env.Stdout, "%s %s\n", c.Name, Version())
		return nil
	}
	return c.Run(env, c.Flags.Args())
}

func (c *Command) help(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n\nUsage:\n%s\nExamples:\n%s\nFlags:\n%s", c.Name, c.Synopsis,
		indent(c.Name+" ", c.Usage), indent("", c.Examples), flagUsages(c.Flags))
	if len(c.Subcommands) > 0 {
		fmt.Fprint(w, "\nOther commands, each with --help:\n")
	}
	for _, sub := range c.Subcommands {
		fmt.Fprintf(w, "  %s: %s\n", sub.Name, sub.Synopsis)
	}
}

// flagUsages lists the flags, their explanations aligned.
func flagUsages(flags *pflag.FlagSet) string {
	type row struct{ flag, text string }
	var rows []row
	width := 0
	flags.VisitAll(func(f *pflag.Flag) {
		name := "      --" + f.Name
		if f.Shorthand != "" {
			name = "  -" + f.Shorthand + ", --" + f.Name
		}
		value, text := pflag.UnquoteUsage(f)
		switch {
		case f.Value.Type() == "bool":
		case f.NoOptDefVal != "":
			name += "[=" + value + "]"
		default:
			name += " " + value
		}
		rows = append(rows, row{name, text})
		width = max(width, len(name))
	})
	var b strings.Builder
	for _, r := range rows {
		for i, line := range strings.Split(r.text, "\n") {
			if i > 0 {
				r.flag = ""
			}
			fmt.Fprintf(&b, "%-*s  %s\n", width, r.flag, line)
		}
	}
	return b.String()
}

func indent(prefix, lines string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		b.WriteString("  " + prefix + strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// report prints what went wrong: diagnostics in full, anything else on a line
// that begins with the command's name.
func (c *Command) report(w io.Writer, err error) {
	w = show.Printable(w) // names in messages may come from any file
	var list bpf.Diagnostics
	var one *bpf.Diagnostic
	if errors.As(err, &list) || errors.As(err, &one) {
		bpf.Render(w, err)
		return
	}
	var e *Error
	if errors.As(err, &e) && e.Code == Usage {
		fmt.Fprintf(w, "%s: %v\nTry '%s --help'.\n", c.Name, err, c.Name)
		return
	}
	fmt.Fprintf(w, "%s: %v\n", c.Name, err)
}

// Version is the version this program was built as: a release, or the commit.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "commit " + s.Value[:12]
		}
	}
	return "development version"
}
