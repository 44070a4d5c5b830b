package vm_test

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/vm"
)

// A case is an XDP program, packets to run it on one after the other, and what
// the kernel made of them. In a txtar file it has these parts:
//
//	maps     name, type, size of keys and of values, entries, flags
//	program  a line for each instruction: its 8 bytes, then what it says, for
//	         readers; "function NAME" where one begins
//	run      packet, verdict, metadata and data afterwards, and "map key value"
//	         for what is not zero; of a per-CPU map, of the CPU that the program ran on
type testCase struct {
	maps      []*bpf.Map
	program   []bpf.Instruction
	functions []bpf.Function
	runs      []caseRun
}

type caseRun struct {
	packet, metadata, data []byte
	verdict                uint32
	maps                   []map[string]string // by map
}

// TestCases runs all cases.
func TestCases(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			c, err := parseCase(text)
			if err != nil {
				t.Fatal(err)
			}
			if formatCase(c) != string(text) {
				t.Error("the case is not written as it would be")
			}
			c.run(t)
		})
	}
}

func (c *testCase) run(t *testing.T) {
	t.Helper()
	program := &bpf.Program{Name: "case", Section: "xdp", Type: linux.ProgXDP, Instructions: c.program, Functions: c.functions}
	machine, err := vm.New(&bpf.Object{Name: "case", Maps: c.maps, Programs: []*bpf.Program{program}}, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range c.runs {
		out, err := machine.Programs()[0].RunXDP(&vm.Frame{Data: want.packet, IngressIfindex: 1})
		if err != nil {
			t.Fatalf("run %d: %v", i+1, err)
		}
		got := caseRun{packet: want.packet, verdict: out.Verdict, metadata: out.Metadata(), data: out.Data()}
		for _, m := range machine.Maps() {
			all := map[string]string{}
			for k, v := range m.All() {
				all[string(k)] = string(v)
			}
			got.maps = append(got.maps, all)
		}
		if w, g := formatRun(c.maps, want), formatRun(c.maps, got); w != g {
			t.Errorf("run %d: the vm gives\n%s\nthe kernel\n%s", i+1, g, w)
		}
	}
}

func formatCase(c *testCase) string {
	var b strings.Builder
	b.WriteString("-- maps --\n")
	for _, m := range c.maps {
		fmt.Fprintf(&b, "%s %s %d %d %d %d\n", m.Name, m.Type, m.KeySize, m.ValueSize, m.MaxEntries, m.Flags)
	}
	b.WriteString("-- program --\n")
	second := false
	for pc, in := range c.program {
		for _, f := range c.functions {
			if f.Start == pc {
				fmt.Fprintf(&b, "function %s\n", f.Name)
			}
		}
		text := ""
		if !second {
			text, _ = bpf.Disassemble(c.program, pc)
		}
		second = in.IsLoadImm64() && !second
		b.WriteString(strings.TrimSpace(fmt.Sprintf("%x %s", bpf.Encode([]bpf.Instruction{in}, binary.LittleEndian), text)) + "\n")
	}
	for _, r := range c.runs {
		b.WriteString("-- run --\n" + formatRun(c.maps, r))
	}
	return b.String()
}

func formatRun(defs []*bpf.Map, r caseRun) string {
	var b strings.Builder
	fmt.Fprintf(&b, "packet %x\nverdict %#x\nmetadata %x\ndata %x\n", r.packet, r.verdict, r.metadata, r.data)
	for i, m := range r.maps {
		sparse := strings.Contains(defs[i].Type.String(), "hash")
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if value := m[key]; sparse || strings.Trim(value, "\x00") != "" {
				fmt.Fprintf(&b, "%s %x %x\n", defs[i].Name, key, value)
			}
		}
	}
	return b.String()
}

func parseCase(text []byte) (*testCase, error) {
	c := &testCase{}
	for _, part := range txtar.Parse(text).Files {
		if part.Name == "run" {
			c.runs = append(c.runs, newRun(c.maps))
		}
		for line := range strings.Lines(string(part.Data)) {
			fields := strings.Fields(line)
			var err error
			switch part.Name {
			case "maps":
				err = c.parseMap(fields)
			case "program":
				err = c.parseInstruction(fields)
			case "run":
				err = c.runs[len(c.runs)-1].parse(c.maps, fields)
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %q: %w", part.Name, line, err)
			}
		}
	}
	for i := range c.functions {
		end := len(c.program)
		if i+1 < len(c.functions) {
			end = c.functions[i+1].Start
		}
		c.functions[i].Len = end - c.functions[i].Start
	}
	return c, nil
}

// newRun has arrays full of zeros, as cases leave them out.
func newRun(defs []*bpf.Map) (r caseRun) {
	for _, m := range defs {
		all := map[string]string{}
		if !strings.Contains(m.Type.String(), "hash") {
			for i := range m.MaxEntries {
				all[string(binary.LittleEndian.AppendUint32(nil, i))] = string(make([]byte, m.ValueSize))
			}
		}
		r.maps = append(r.maps, all)
	}
	return r
}

func (c *testCase) parseMap(fields []string) error {
	kind, err := linux.ParseMapType(fields[1])
	if err != nil {
		return err
	}
	m := &bpf.Map{Name: fields[0], Type: kind}
	for i, p := range []*uint32{&m.KeySize, &m.ValueSize, &m.MaxEntries, &m.Flags} {
		n, err := strconv.ParseUint(fields[2+i], 0, 32)
		if err != nil {
			return err
		}
		*p = uint32(n)
	}
	c.maps = append(c.maps, m)
	return nil
}

func (c *testCase) parseInstruction(fields []string) error {
	if fields[0] == "function" {
		c.functions = append(c.functions, bpf.Function{Name: fields[1], Start: len(c.program)})
		return nil
	}
	raw, err := hex.DecodeString(fields[0])
	if err != nil {
		return err
	}
	insns, err := bpf.Decode(raw, binary.LittleEndian)
	c.program = append(c.program, insns...)
	return err
}

func (r *caseRun) parse(defs []*bpf.Map, fields []string) error {
	var raw [2][]byte
	if fields[0] != "verdict" {
		for i, f := range fields[1:] {
			b, err := hex.DecodeString(f)
			if err != nil {
				return err
			}
			raw[i] = b
		}
	}
	switch fields[0] {
	case "packet":
		r.packet = raw[0]
	case "metadata":
		r.metadata = raw[0]
	case "data":
		r.data = raw[0]
	case "verdict":
		n, err := strconv.ParseUint(fields[1], 0, 32)
		r.verdict = uint32(n)
		return err
	default:
		i := slices.IndexFunc(defs, func(m *bpf.Map) bool { return m.Name == fields[0] })
		if i < 0 {
			return fmt.Errorf("no map %s", fields[0])
		}
		r.maps[i][string(raw[0])] = string(raw[1])
	}
	return nil
}
