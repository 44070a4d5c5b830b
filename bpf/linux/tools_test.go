package linux

import (
	"bufio"
	"bytes"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// bpftool must call every type and helper as the tables do. It lists what its
// libbpf knows, in the order of the numbers: newer things are missing at the end.
func TestNamesAgainstBpftool(t *testing.T) {
	require.Tools(t, "bpftool")
	names := func(n int, name func(int) string) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = name(i)
		}
		return list
	}
	for _, tt := range []struct {
		group string
		want  []string
	}{
		{"map_types", names(len(mapTypeTable), func(i int) string { return MapType(i).String() })},
		{"prog_types", names(len(progTypeTable), func(i int) string { return ProgramType(i).String() })},
		{"attach_types", names(len(attachTypeTable), func(i int) string { return AttachType(i).String() })},
		{"helpers", names(len(helperTable), func(i int) string { return helperTable[i].Name })},
	} {
		out, err := exec.Command("bpftool", "feature", "list_builtins", tt.group).Output()
		if err != nil {
			t.Errorf("bpftool feature list_builtins %s: %v", tt.group, err)
			continue
		}
		got := strings.Fields(string(out))
		if tt.group == "helpers" && len(got) > 0 && got[0] == "bpf_unspec" {
			got = got[1:]
		}
		n := min(len(got), len(tt.want))
		if !slices.Equal(got[:n], tt.want[:n]) {
			t.Errorf("%s:\nbpftool has %v,\nthe table  %v", tt.group, got[:n], tt.want[:n])
		}
		t.Logf("%s: %d names agree", tt.group, n)
		if n < 25 {
			t.Errorf("%s: bpftool knows only %d", tt.group, n)
		}
	}
}

// libbpfProgTypes asks libbpf for the program and attach type of each line's
// section name, and prints "-" for a name that it doesn't know.
const libbpfProgTypes = `
import ctypes, sys
lib = ctypes.CDLL("libbpf.so.1")
printer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *a: 0)
lib.libbpf_set_print(printer)
for line in sys.stdin:
    prog, attach = ctypes.c_uint(), ctypes.c_uint()
    name = line.rstrip("\n").encode()
    if lib.libbpf_prog_type_by_name(name, ctypes.byref(prog), ctypes.byref(attach)) < 0:
        print("-")
    else:
        print(prog.value, attach.value)
`

// SectionByName must understand each name as libbpf 1.x itself does. Names of
// sections newer than the libbpf that is installed are only counted.
func TestSectionsAgainstLibbpf(t *testing.T) {
	require.Tools(t, "python3")
	if err := exec.Command("python3", "-c", `import ctypes; ctypes.CDLL("libbpf.so.1")`).Run(); err != nil {
		if require.Demanded("tools") {
			t.Fatalf("EBTOOLS_REQUIRE names tools, but python3 can't load libbpf.so.1: %v", err)
		}
		t.Skipf("skipped: python3 can't load libbpf.so.1: %v", err)
	}
	names := slices.DeleteFunc(sectionNames(), func(name string) bool {
		return strings.HasPrefix(name, "?") // libbpf drops that before it asks
	})
	cmd := exec.Command("python3", "-c", libbpfProgTypes)
	cmd.Stdin = strings.NewReader(strings.Join(names, "\n") + "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	answers := bufio.NewScanner(bytes.NewReader(out))
	agreed, newer := 0, map[string]bool{}
	for _, name := range names {
		if !answers.Scan() {
			t.Fatalf("libbpf gave no answer for %q", name)
		}
		s, _, ok := SectionByName(name)
		here := "-"
		if ok && s.Source == "" {
			here = fmt.Sprint(uint32(s.Type), uint32(s.Attach))
		}
		switch there := answers.Text(); {
		case here == there:
			agreed++
		case there == "-":
			newer[s.Pattern] = true
		default:
			t.Errorf("section %q is %s here, %s in libbpf", name, here, there)
		}
	}
	t.Logf("%d of %d names agree; unknown to this libbpf: %d patterns", agreed, len(names), len(newer))
	if known := len(sectionTable) - len(newer); known < 80 {
		t.Errorf("libbpf knows only %d of the %d patterns", known, len(sectionTable))
	}
}
