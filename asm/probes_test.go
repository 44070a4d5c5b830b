package asm

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// better lists statements that LLVM 19's assembler takes and this one refuses or
// reads otherwise, and why.
var better = map[string]string{
	"r1 += 0x100000000":    "LLVM drops the upper half of the number",
	"r1 += -0x80000001":    "LLVM drops the upper half of the number",
	"w1 += 0x100000000":    "LLVM drops the upper half of the number",
	"R1 = R2":              "LLVM takes R2 for an undefined symbol",
	"r11 = 1":              "there is no r11",
	"r1 = fp":              "LLVM takes fp for an undefined symbol",
	"r1 = X":               "X is not defined, and LLVM says nothing",
	"r1 += X":              "X is not defined, and LLVM says nothing",
	"ld_pseudo r1, 1, foo": "foo is not defined, and LLVM says nothing",
	"r1 = foo-bar ll":      "neither is defined, and there is no relocation that means this",
}

// TestProbes assembles statements whose encoding by llvm-mc-19 was recorded.
func TestProbes(t *testing.T) {
	data, err := os.ReadFile(require.Shared(t, "asm", "llvm-mc-19-probes.txt"))
	if err != nil {
		t.Fatal(err)
	}
	seen, same, more := 0, 0, 0
	for _, line := range strings.Split(string(data), "\n") {
		if line == "" || strings.HasPrefix(line, "//") {
			continue
		}
		verdict, rest := line[:2], line[5:]
		statement, answer, _ := cutSpaces(rest)
		src := strings.ReplaceAll(statement, `\n`, "\n")
		seen++
		switch {
		case better[statement] != "":
			if got, _ := probe(src); got != "" && matchesEncoding(got, encodings(answer)) {
				t.Errorf("%q is listed as different, but is the same", statement)
			}
		case verdict == "ok":
			got, err := probe(src)
			if want := encodings(answer); !matchesEncoding(got, want) {
				t.Errorf("%q\n got %s\nwant %s\n%v", statement, got, want, err)
			} else {
				same++
			}
		default:
			got, err := probe(src)
			if got != "" {
				more++
				t.Logf("LLVM refuses %q, here it is %s", statement, got)
			} else {
				t.Logf("%q: %v", statement, err)
			}
		}
	}
	t.Logf("%d statements: %d as LLVM has them, %d that only LLVM takes or that mean more here, %d that only this assembler takes", seen, same, len(better), more)
}

// probe assembles a statement, with what it refers to behind it, and gives its
// bytes in hexadecimal.
func probe(src string) (string, error) {
	img, diags := Assemble("probe.s", []byte(src+"\n"), Options{NoDebug: true})
	if diags.Err() == nil {
		return fmt.Sprintf("%x", img.Section(".text").Data), nil
	}
	if img2, diags2 := Assemble("probe.s", []byte(src+"\nfoo:\n"), Options{NoDebug: true}); diags2.Err() == nil {
		return fmt.Sprintf("%x", img2.Section(".text").Data), nil
	}
	return "", diags.Err()
}

func cutSpaces(s string) (string, string, bool) {
	i := strings.Index(s, "  ")
	if i < 0 {
		return strings.TrimSpace(s), "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i:]), true
}

var encodingRE = regexp.MustCompile(`# encoding: \[([^\]]*)\](?: \| #   fixup A - offset: 0, value: \S*, kind: (\w+))?`)

// fixed lists the bytes that a kind of fixup decides.
var fixed = map[string]string{
	"FK_PCRel_2": "23", "FK_BPF_PCRel_4": "4567", "FK_PCRel_4": "14567", "FK_SecRel_8": "4567",
}

// encodings joins the bytes of an answer; those that a fixup decides are "..".
func encodings(answer string) string {
	var out strings.Builder
	for _, m := range encodingRE.FindAllStringSubmatch(answer, -1) {
		for i, b := range strings.Split(m[1], ",") {
			v, err := strconv.ParseUint(strings.TrimSuffix(b, "'A'"), 0, 8)
			switch {
			case strings.Contains(fixed[m[2]], strconv.Itoa(i)):
				out.WriteString("..")
			case err == nil || b == "A": // A marks a byte that the fixup is anchored at
				fmt.Fprintf(&out, "%02x", v)
			default:
				return "no byte: " + b
			}
		}
	}
	return out.String()
}

func matchesEncoding(got, want string) bool {
	ok, _ := regexp.MatchString("^"+want+"$", got)
	return ok && want != ""
}
