// Package libbpf lets tests ask what libbpf makes of an object: the instructions
// and maps that it hands to the kernel. It builds a small C program with the
// machine's static libbpf, in which the bpf system call goes nowhere, so it needs
// no privilege.
package libbpf

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	gomaps "maps"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

//go:embed testdata/handed.c
var source []byte

// Result is what libbpf makes of an object.
type Result struct {
	Refused  string // why libbpf does not open the object, else empty
	Programs []*Program
	Failed   map[string]string // programs that could not be loaded, and why
}

// Program is a program as it goes to the kernel. Calls are relative, and maps
// are named by descriptors, the keys of Maps.
type Program struct {
	Name  string
	Type  linux.ProgramType
	Insns []bpf.Instruction
	Maps  map[int32]Map
}

// Map is a map as it goes to the kernel, its name cut to what that has room for.
type Map struct {
	Name                                     string
	Type                                     linux.MapType
	KeySize, ValueSize, MaxEntries, MapFlags uint32
}

var archives = []string{"/usr/lib/x86_64-linux-gnu/libbpf.a", "/usr/lib/aarch64-linux-gnu/libbpf.a", "/usr/lib64/libbpf.a", "/usr/lib/libbpf.a"}

var build = sync.OnceValues(func() (string, error) {
	archive := ""
	for _, name := range archives {
		if _, err := os.Stat(name); err == nil {
			archive = name
			break
		}
	}
	if archive == "" {
		return "", fmt.Errorf("no static libbpf (libbpf.a) on this machine")
	}
	dir, err := os.MkdirTemp("", "ebtools-libbpf")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "handed")
	cmd := exec.Command("gcc", "-O1", "-x", "c", "-", "-x", "none", "-o", program, archive, "-lelf", "-lz", "-Wl,--wrap=syscall")
	cmd.Stdin = bytes.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("gcc: %v\n%s", err, out)
	}
	return program, nil
})

// Handed has libbpf load every program of the object at path, resolved against
// the types in the file btf, or those of the running kernel when that is empty.
// The test is skipped where libbpf can't be built with.
func Handed(t testing.TB, path, btf string) *Result {
	t.Helper()
	require.Tools(t, "gcc")
	program, err := build()
	if err != nil {
		require.Missing(t, "tools", "%v", err)
	}
	args := []string{path}
	if btf != "" {
		args = append(args, btf)
	}
	out, err := exec.Command(program, args...).CombinedOutput()
	// What crashes may leave its last line unfinished.
	r, perr := parse(out[:bytes.LastIndexByte(out, '\n')+1])
	switch {
	case err != nil:
		r.Refused = fmt.Sprintf("libbpf crashes: %v", err) // as 1.1 does on some objects
	case perr != nil:
		t.Fatalf("%s: %v", path, perr)
	}
	return r
}

func parse(out []byte) (*Result, error) {
	r := &Result{Failed: map[string]string{}}
	maps := map[int32]Map{}
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		switch f[0] {
		case "open":
			r.Refused = f[1]
		case "again":
			r.Programs = nil
		case "failed":
			r.Failed[f[1]] = f[2]
		case "map":
			var n [6]uint32
			for i, word := range append(f[1:2:2], f[3:]...) {
				v, err := strconv.ParseUint(word, 10, 32)
				if err != nil || i >= len(n) {
					return r, fmt.Errorf("line %q", line)
				}
				n[i] = uint32(v)
			}
			// A descriptor may be one that was closed in between.
			fresh := gomaps.Clone(maps)
			fresh[int32(n[0])] = Map{Name: f[2], Type: linux.MapType(n[1]), KeySize: n[2], ValueSize: n[3], MaxEntries: n[4], MapFlags: n[5]}
			maps = fresh
		case "prog":
			code, err := hex.DecodeString(f[3])
			if err != nil {
				return r, err
			}
			insns, err := bpf.Decode(code, binary.LittleEndian)
			if err != nil {
				return r, err
			}
			typ, _ := strconv.ParseUint(f[2], 10, 32)
			r.Programs = append(r.Programs, &Program{Name: f[1], Type: linux.ProgramType(typ), Insns: insns, Maps: maps})
		default:
			return r, fmt.Errorf("line %q", line)
		}
	}
	return r, nil
}
