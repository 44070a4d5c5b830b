package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/cli"
	"ebtools/internal/require"
)

// conformanceCase is a file of the public bpf_conformance suite, by the parts it
// consists of.
type conformanceCase map[string]string

func readConformanceCase(t *testing.T, path string) conformanceCase {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := conformanceCase{}
	part := ""
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "-- "); ok {
			part = strings.TrimSpace(name)
			parts[part] = ""
		} else if part != "" {
			parts[part] += line
		}
	}
	return parts
}

// conformanceObject assembles the case's program, which has neither section nor
// name.
func conformanceObject(t *testing.T, name, src string) (object []byte, insns []bpf.Instruction) {
	t.Helper()
	// A vm takes programs from a section whose name says what they are.
	img, diags := asm.Assemble(name, []byte(".program socket, main\n"+src), asm.Options{NoDebug: true})
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	object, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	obj, problems, err := elf.Load(img, name, elf.Options{})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	return object, obj.Programs[0].Instructions
}

// runPlugin is the command of that name.
func runPlugin(stdin []byte, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	env := &cli.Env{Args: append([]string{"plugin"}, args...), Stdin: bytes.NewReader(stdin), Stdout: &out, Stderr: &errs}
	code = command().Main(env)
	return code, strings.TrimSpace(out.String()), errs.String()
}

// TestConformance has ebrun plugin answer every case of the public suite, given
// instructions and objects.
func TestConformance(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(require.Shared(t, "conformance"), "*.data"))
	if err != nil || len(paths) == 0 {
		t.Fatal("no cases", err)
	}
	passed := 0
	for _, path := range paths {
		name := filepath.Base(path)
		ok := t.Run(strings.TrimSuffix(name, ".data"), func(t *testing.T) {
			c := readConformanceCase(t, path)
			object, insns := conformanceObject(t, name, c["asm"])
			for part := range c {
				switch part {
				case "asm", "mem", "result", "error":
				case "raw":
					checkRaw(t, insns, c["raw"])
				case "no register offset": // says that the loader must not add an offset to helper numbers
				default:
					t.Errorf("the suite has a part %q that is not checked", part)
				}
			}
			memory := strings.Join(strings.Fields(c["mem"]), " ")
			raw := fmt.Appendf(nil, "% x\n", bpf.Encode(insns, binary.LittleEndian))
			check := func(code int, stdout, stderr string) {
				t.Helper()
				if _, fails := c["error"]; fails {
					if code != cli.Failed || stdout != "" || stderr == "" {
						t.Errorf("it ends with %d, %q, %q and should fault", code, stdout, stderr)
					}
					return
				}
				want, err := strconv.ParseUint(strings.TrimSpace(c["result"]), 0, 64)
				if err != nil {
					t.Fatal(err)
				}
				if want := fmt.Sprintf("%x", want); code != cli.OK || stdout != want || stderr != "" {
					t.Errorf("it ends with %d, %q, %q, and should with %s", code, stdout, stderr, want)
				}
			}
			check(runPlugin(raw, memory))
			check(runPlugin(object, "--elf", strings.ReplaceAll(memory, " ", "")))
		})
		if ok {
			passed++
		}
	}
	t.Logf("%d of %d programs give the result expected", passed, len(paths))
}

// checkRaw compares instructions with the words of a -- raw part.
func checkRaw(t *testing.T, insns []bpf.Instruction, raw string) {
	t.Helper()
	var want []byte
	for _, word := range strings.Fields(raw) {
		n, err := strconv.ParseUint(word, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		want = binary.LittleEndian.AppendUint64(want, n)
	}
	if got := bpf.Encode(insns, binary.LittleEndian); string(got) != string(want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}
