package ebtools_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write what the commands print into README.md")

// TestREADME holds the README's quotations to what they quote. A quotation
// stands between two comments: <!-- source: FILE --> shows a file, <!-- run:
// COMMAND --> a command and what it prints, by the letter but for times.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	bin := buildCommands(t)
	quotation := regexp.MustCompile(`(?ms)^<!-- (source|run): ([^\n]*) -->\n(.*?)<!-- end -->$`)
	n := 0
	fresh := quotation.ReplaceAllStringFunc(string(readme), func(s string) string {
		n++
		m := quotation.FindStringSubmatch(s)
		var want string
		if m[1] == "source" {
			want = indent(content(t, m[2]))
		} else {
			want = indent("$ " + m[2] + "\n" + shell(t, bin, m[2]))
		}
		if timeless(want) == timeless(m[3]) {
			return s // times that differ are no reason to change it
		}
		if !*update {
			t.Errorf("README.md no longer quotes %s %q, run go test -run README -update .\n--- README\n%s--- now\n%s", m[1], m[2], m[3], want)
		}
		return "<!-- " + m[1] + ": " + m[2] + " -->\n" + want + "<!-- end -->"
	})
	if n == 0 {
		t.Error("README.md quotes nothing")
	}
	if *update {
		if err := os.WriteFile("README.md", []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func content(t *testing.T, name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func buildCommands(t *testing.T) string {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("skipped: the go command is not on PATH")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin+string(filepath.Separator), "./cmd/...").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// shell runs a command line of the README, words parted by spaces.
func shell(t *testing.T, bin, line string) string {
	words := strings.Fields(line)
	cmd := exec.Command(filepath.Join(bin, words[0]), words[1:]...)
	out, err := cmd.CombinedOutput()
	if exit, is := err.(*exec.ExitError); err != nil && (!is || exit.ExitCode() > 9) {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimRight("    "+spaces(line), " \n") + "\n")
	}
	return "\n" + b.String() + "\n"
}

// spaces replaces tabs: where a web page puts their stops is not known.
func spaces(line string) string {
	var b strings.Builder
	for _, r := range line {
		if r != '\t' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Repeat(" ", 8-utf8.RuneCountInString(b.String())%8))
	}
	return b.String()
}

var times = regexp.MustCompile(`[0-9.]+ (ns|µs|ms|s|([kMG] )?packets/s)\b`)

// timeless leaves out what a clock had a part in.
func timeless(s string) string { return times.ReplaceAllString(s, "TIME") }
