package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"ebtools/internal/cli"
	"ebtools/internal/require"
)

// corpus lists objects that other compilers made: those that come with the
// tests, and about sample of the corpus.
func corpus(t testing.TB, sample int) []string {
	t.Helper()
	own := glob(t, "../../testdata/objects/*.o", "../../elf/testdata/*.o", "../../elf/testdata/core/*.o")
	return append(own, require.Corpus(t, sample)...)
}

func glob(t testing.TB, patterns ...string) []string {
	t.Helper()
	var names []string
	for _, pattern := range patterns {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, list...)
	}
	return names
}

// dumpOf runs the command in this process.
func dumpOf(stdin []byte, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := &cli.Env{Args: args, Stdin: bytes.NewReader(stdin), Stdout: &out, Stderr: &errs}
	code = command().Main(env)
	return code, out.String(), errs.String()
}

// everyFlag are calls that between them run all there is.
var everyFlag = [][]string{
	{},
	{"--all"},
	{"--all", "--color=always", "--bytes"},
	{"--no-source", "-d"},
	{"--json"},
	{"--json", "--all"},
	{"-S"},
	{"--dot"},
	{"--dot", "--source"},
	{"--types=c"},
	{"--requires=5.10"},
	{"--type=xdp", "--programs", "--maps", "--variables", "--externs"},
}

// TestCorpus dumps every object in every way: nothing panics, nothing that a
// terminal would obey comes through.
func TestCorpus(t *testing.T) {
	runs := 0
	for _, name := range corpus(t, 30) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, flags := range everyFlag {
			// Its own types serve as the kernel's, which is the same everywhere.
			args := append([]string{"-"}, flags...)
			if !strings.HasSuffix(name, "oldmaps.o") {
				args = append(args, "--btf", name)
			}
			checkDump(t, name, content, args)
			runs++
		}
	}
	t.Logf("%d runs", runs)
}

func checkDump(t *testing.T, name string, content []byte, args []string) {
	t.Helper()
	code, stdout, stderr := dumpOf(content, args...)
	switch {
	case code != cli.OK && code != cli.BadObject && code != cli.Failed:
		t.Errorf("%s %q: exit code %d: %s", name, args, code, stderr)
	case code == cli.Failed && !slices.Contains(args, "--requires=5.10"):
		t.Errorf("%s %q: exit code %d: %s", name, args, code, stderr)
	case code != cli.BadObject && stdout == "":
		t.Errorf("%s %q: no output", name, args)
	}
	if slices.Contains(args, "-S") || slices.Contains(args, "--types=c") {
		return // source for tools, where names stand as they are
	}
	for _, text := range []string{stdout, stderr} {
		if bad := control(text, slices.Contains(args, "--color=always")); bad != "" {
			t.Errorf("%s %q: control characters in the output: %q", name, args, bad)
		}
	}
}

// control gives a place in text with something that a terminal would obey.
func control(text string, colors bool) string {
	if colors {
		for _, code := range []string{"0", "1", "2", "31", "32", "33", "34", "35", "36"} {
			text = strings.ReplaceAll(text, "\x1b["+code+"m", "")
		}
	}
	if !utf8.ValidString(text) {
		return "bytes that are no UTF-8"
	}
	for i, r := range text {
		if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
			return text[max(0, i-20):min(len(text), i+20)]
		}
	}
	return ""
}

// TestDamaged changes bytes of objects and cuts them off.
func TestDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	names := glob(t, "../../elf/testdata/*.o", "../../elf/testdata/core/*.o")
	rounds := 40
	if require.Long() {
		names = corpus(t, 0)
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for range rounds {
			damaged := bytes.Clone(content)
			for range 1 + random.IntN(20) {
				damaged[random.IntN(len(damaged))] = byte(random.Uint32())
			}
			if random.IntN(4) == 0 {
				damaged = damaged[:random.IntN(len(damaged))]
			}
			for _, flags := range [][]string{{"--all"}, {"--json", "--all"}, {"--dot"}} {
				args := append([]string{"-", "--btf", "../../testdata/objects/xdp_count.o"}, flags...)
				checkDump(t, name, damaged, args)
			}
		}
	}
}
