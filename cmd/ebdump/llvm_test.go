package main

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// TestInstructionsAreLLVMs compares what is shown of every function with what
// llvm-objdump shows of it, instruction by instruction. Places of jumps are
// compared, not names; where a relocation has put something, only the rest is.
func TestInstructionsAreLLVMs(t *testing.T) {
	require.LLVM(t)
	functions, instructions := 0, 0
	for _, name := range corpus(t, 25) {
		code, stdout, stderr := dumpOf(nil, name, "--json", "-d", "--relocs", "--btf", "../../testdata/objects/xdp_count.o")
		if code == 3 && stdout == "" {
			t.Logf("%s: %s", name, stderr)
			continue
		}
		var dump jsonObject
		if err := json.Unmarshal([]byte(stdout), &dump); err != nil {
			t.Fatal(err)
		}
		known := map[string]bool{}
		for _, p := range dump.Programs {
			for _, f := range p.Functions {
				known[f.Name] = true
			}
		}
		// Loads and stores of 4 bytes name r1 or w1, and atomics name w1, by the
		// version of the instruction set that LLVM is told; the bytes are the same.
		theirs, newer := objdump(t, name, known), objdump(t, name, known, "--mcpu=v4")
		for _, p := range dump.Programs {
			resolved := map[int]bool{}
			for _, r := range p.CORE {
				resolved[r.PC] = true
			}
			for _, f := range p.Functions {
				want, ok := theirs[f.Name]
				if !ok || want == nil {
					continue // it has no name of its own there
				}
				functions++
				instructions += compareFunction(t, name, p.Instructions, f, want, newer[f.Name], resolved)
			}
		}
	}
	t.Logf("%d functions, %d instructions", functions, instructions)
	if functions == 0 {
		t.Error("nothing was compared")
	}
}

func compareFunction(t *testing.T, name string, all []jsonInstruction, f jsonFunction, want, newer []string, resolved map[int]bool) (n int) {
	t.Helper()
	for _, in := range all {
		if in.PC < f.Start || in.PC >= f.Start+f.Slots {
			continue
		}
		at := in.PC - f.Start
		if at >= len(want) {
			t.Errorf("%s: %s: insn %d: %s, which LLVM does not have", name, f.Name, at, in.Text)
			return n
		}
		got := ours(in, f.Start)
		theirs := want[at]
		if resolved[in.PC] || in.Text == poisoned {
			continue
		}
		n++
		if got == "call …" && strings.HasPrefix(theirs, "call ") {
			continue // of a function, whose distance LLVM shows like a helper's number
		}
		if theirs == "<unknown>" && strings.HasPrefix(got, ".byte ") {
			continue
		}
		if displacement.MatchString(got) {
			got = displacement.ReplaceAllString(got, "$1]") // which LLVM does not show
		}
		if got != theirs && got != newer[at] {
			t.Errorf("%s: %s: insn %d: %q, LLVM has %q", name, f.Name, at, got, theirs)
			return n
		}
	}
	return n
}

// poisoned is what both slots of a 64-bit load become if CO-RE can't do it.
const poisoned = "call 195896080"

var (
	jumpLabel = regexp.MustCompile(`(goto|gotol|may_goto) \S+$`)
	symbolic  = regexp.MustCompile(`^(r\d+ = ).* ll$`)
	distance  = regexp.MustCompile(`(goto|gotol|may_goto) ([+-]?\d+)( <.*>)?$`)
	// displacement is that of a legacy packet load.
	displacement = regexp.MustCompile(`(skb\[r\d+) [+-] \d+\]$`)

	callOf = regexp.MustCompile(`^call .*$`)
)

// ours writes an instruction as theirs is.
func ours(in jsonInstruction, start int) string {
	text := in.Text
	switch {
	case in.Target != nil && !strings.HasPrefix(text, "call"):
		text = jumpLabel.ReplaceAllString(text, fmt.Sprintf("$1 @%d", *in.Target-start))
	case strings.HasPrefix(text, "call"):
		return normalCall(text)
	case symbolic.MatchString(text):
		return symbolic.ReplaceAllString(text, "$1… ll")
	}
	return text
}

// normalCall keeps the number of a helper; what functions are called by depends
// on relocations.
func normalCall(text string) string {
	if n, err := strconv.Atoi(strings.TrimPrefix(text, "call ")); err == nil && n > 0 {
		return text
	}
	return callOf.ReplaceAllString(text, "call …")
}

// objdump gives llvm-objdump's instructions of each function by their place in
// it, nil for functions whose name occurs twice. Names that are not known are
// labels.
func objdump(t *testing.T, name string, known map[string]bool, flags ...string) map[string][]string {
	t.Helper()
	out, err := exec.Command("llvm-objdump-19", append(flags, "-d", "--no-show-raw-insn", "--print-imm-hex=false", name)...).Output()
	if err != nil {
		t.Fatalf("llvm-objdump %s: %v", name, err)
	}
	functions := map[string][]string{}
	heading := regexp.MustCompile(`^[0-9a-f]{16} <(.*)>:$`)
	line := regexp.MustCompile(`^\s*([0-9]+):\t(.*)$`)
	current, start := "", 0
	for _, l := range strings.Split(string(out), "\n") {
		if m := heading.FindStringSubmatch(l); m != nil {
			if !known[m[1]] {
				continue
			}
			current, start = m[1], -1
			if _, twice := functions[current]; twice {
				functions[current], current = nil, ""
			}
			continue
		}
		m := line.FindStringSubmatch(l)
		if m == nil || current == "" {
			continue
		}
		pc, _ := strconv.Atoi(m[1])
		if start < 0 {
			start = pc
		}
		for len(functions[current]) < pc-start {
			functions[current] = append(functions[current], "") // second slots
		}
		functions[current] = append(functions[current], llvmText(m[2], pc-start))
	}
	return functions
}

func llvmText(text string, at int) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "\t", " ")
	if m := distance.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[2])
		return distance.ReplaceAllString(text, fmt.Sprintf("$1 @%d", at+1+n))
	}
	if strings.HasPrefix(text, "call") {
		return normalCall(text)
	}
	return symbolic.ReplaceAllString(text, "$1… ll")
}
