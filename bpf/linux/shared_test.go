package linux

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// featureVersions reads a list of lists of names and versions, as eBPF docs
// keeps it: "- name: GROUP", "    - name: NAME", "      version: v5.10".
func featureVersions(t *testing.T) map[string]map[string]Version {
	t.Helper()
	text, err := os.ReadFile(require.Shared(t, "facts", "feature-versions.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string]map[string]Version{}
	var group map[string]Version
	var name string
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "- name: "); ok {
			group = map[string]Version{}
			groups[rest] = group
		} else if rest, ok := strings.CutPrefix(line, "    - name: "); ok {
			name = rest
		} else if rest, ok := strings.CutPrefix(line, "      version: v"); ok {
			var v Version
			if _, err := fmt.Sscanf(rest, "%d.%d", &v.Major, &v.Minor); err != nil {
				t.Fatalf("version %q of %s: %v", rest, name, err)
			}
			group[name] = v
		}
	}
	return groups
}

func TestSinceAgainstFeatureVersions(t *testing.T) {
	groups := featureVersions(t)
	// The numbers of these appeared in the headers of another release: the map
	// helpers all in one commit of 3.19 (d0003ec01c66), and number 7 with its
	// neighbours in 4.1 (03e69b508b6f).
	differs := map[string]Version{
		"bpf_map_lookup_elem": {3, 18},
		"bpf_map_update_elem": {3, 18},
		"bpf_get_prandom_u32": {4, 17},
	}
	compared := 0
	compare := func(group, name string, since Version) {
		want, ok := groups[group][name]
		if !ok {
			return
		}
		compared++
		if want != since && want != differs[name] {
			t.Errorf("%s is since %v, but %v in the list", name, since, want)
		}
	}
	for _, h := range Helpers() {
		compare("helpers", h.Name, h.Since)
	}
	for _, m := range MapTypes() {
		compare("map_types", "BPF_MAP_TYPE_"+strings.ToUpper(m.String()), m.Since())
	}
	for _, p := range ProgramTypes() {
		compare("program_types", "BPF_PROG_TYPE_"+strings.ToUpper(p.String()), p.Since())
	}
	for _, a := range AttachTypes() {
		compare("attach_types", "BPF_"+strings.ToUpper(a.String()), a.Since())
	}
	t.Logf("%d versions compared", compared)
	if compared < 300 {
		t.Errorf("only %d versions compared", compared)
	}
}

// matrixRows reads a file of one JSON object a line.
func matrixRows[T any](t *testing.T, name string) []T {
	t.Helper()
	text, err := os.ReadFile(require.Shared(t, "kernel-6.18", name))
	if err != nil {
		t.Fatal(err)
	}
	var rows []T
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var row T
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

// matrixType finds the program type that a matrix calls "SchedCLS".
func matrixType(t *testing.T, name string) ProgramType {
	t.Helper()
	for _, p := range ProgramTypes() {
		if strings.ReplaceAll(p.String(), "_", "") == strings.ToLower(name) {
			return p
		}
	}
	t.Fatalf("no program type is called %s", name)
	return 0
}

func TestGPLAgainstHelperMatrix(t *testing.T) {
	allowed, gpl := map[HelperID]bool{}, map[HelperID]bool{}
	for _, row := range matrixRows[struct {
		Allowed []HelperID
		GPL     []HelperID `json:"gpl_only"`
	}](t, "helper_matrix_6.18.jsonl") {
		for _, id := range row.Allowed {
			allowed[id] = true
		}
		for _, id := range row.GPL {
			gpl[id] = true
		}
	}
	for id := range allowed {
		if h, ok := HelperByID(id); !ok || h.GPL != gpl[id] {
			t.Errorf("%v: GPL only is %v here, %v in the kernel", id, h.GPL, gpl[id])
		}
	}
	t.Logf("%d helpers compared", len(allowed))
}

// What the kernel gives for a load of a whole field that is no number.
func matrixKind(register string) (FieldKind, bool) {
	for prefix, kind := range map[string]FieldKind{
		"pkt(": FieldData, "pkt_end(": FieldDataEnd, "pkt_meta(": FieldDataMeta,
		"sock": FieldSock, "flow_keys(": FieldFlowKeys, "trusted_ptr_": FieldPointer,
	} {
		if strings.HasPrefix(register, prefix) {
			return kind, true
		}
	}
	return 0, false
}

// Every access that the kernel allows must lie in a field, and whatever gives a
// pointer must be a field of that kind.
func TestContextsAgainstMatrix(t *testing.T) {
	compared, pointers := 0, 0
	unseen := map[string]bool{}
	for _, c := range contexts {
		for _, f := range c.Fields {
			if f.Pointer() {
				unseen[c.Name+"."+f.Name] = true
			}
		}
	}
	for _, row := range matrixRows[struct {
		Type    string
		Size    int
		Write   bool
		Allowed map[string][]int
	}](t, "ctx_matrix_6.18.jsonl") {
		c, ok := ContextOf(matrixType(t, row.Type))
		if !ok {
			continue
		}
		for register, offsets := range row.Allowed {
			for _, offset := range offsets {
				first, ok1 := c.FieldAt(offset)
				_, ok2 := c.FieldAt(offset + row.Size - 1)
				// A port of 2 bytes was one of 4 once, and may still be read so.
				port, _ := c.FieldAt(offset &^ 3)
				if (!ok1 || !ok2) && port.Size != 2 {
					t.Errorf("%s programs may access %d bytes at %d, but %s has no field there", row.Type, row.Size, offset, c.Name)
					continue
				}
				compared++
				if kind, ok := matrixKind(register); ok {
					pointers++
					if first.Kind != kind || first.Offset != offset {
						t.Errorf("%s programs get %s at %d, but %s has %+v there", row.Type, register, offset, c.Name, first)
					}
					delete(unseen, c.Name+"."+first.Name)
				} else if first.Pointer() && !row.Write {
					t.Errorf("%s programs get %s at %d, but %s has %+v there", row.Type, register, offset, c.Name, first)
				}
			}
		}
	}
	t.Logf("%d accesses compared, %d of them pointers", compared, pointers)
	if len(unseen) > 0 {
		t.Errorf("no program gets a pointer from %v", slices.Sorted(maps.Keys(unseen)))
	}
}
