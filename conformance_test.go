package ebtools_test

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/require"
	"ebtools/vm"
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

// conformanceProgram assembles the case's program, which has neither section nor
// name.
func conformanceProgram(t *testing.T, name, src string) *bpf.Object {
	t.Helper()
	// A vm takes programs from a section whose name says what they are.
	img, diags := asm.Assemble(name, []byte(".program socket, main\n"+src), asm.Options{NoDebug: true})
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	object, problems, err := elf.Load(img, name, elf.Options{})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	return object
}

// TestConformance assembles every program of the public suite and runs it in the
// vm, for the result that the suite expects.
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
			object := conformanceProgram(t, name, c["asm"])
			for part := range c {
				switch part {
				case "asm", "mem", "result", "error":
				case "raw":
					checkRaw(t, object.Programs[0].Instructions, c["raw"])
				case "no register offset": // says that the loader must not add an offset to helper numbers
				default:
					t.Errorf("the suite has a part %q that is not checked", part)
				}
			}
			memory, err := hex.DecodeString(strings.Join(strings.Fields(c["mem"]), ""))
			if err != nil {
				t.Fatal(err)
			}
			machine, err := vm.New(object, vm.Options{Limit: 1 << 20})
			if err != nil {
				t.Fatal(err)
			}
			got, err := machine.Programs()[0].RunRaw(memory)
			if _, ok := c["error"]; ok {
				var fault *vm.Fault
				if !errors.As(err, &fault) {
					t.Errorf("it ends with %#x, %v, and should fault", got, err)
				}
				return
			}
			want, perr := strconv.ParseUint(strings.TrimSpace(c["result"]), 0, 64)
			if perr != nil {
				t.Fatal(perr)
			}
			if err != nil || got != want {
				t.Errorf("it ends with %#x, %v, and should with %#x", got, err, want)
			}
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
