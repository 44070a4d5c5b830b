package ebtools_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"ebtools"
	"ebtools/bpf"
	"ebtools/internal/require"
)

// A program as a loader hands it to the kernel, after everything has been
// resolved, is seen in the system call alone: strace prints it. Descriptors of
// maps are replaced by names.

// handedEnv names the objects that the child process loads, and is how it knows
// that it is one.
const handedEnv = "EBTOOLS_HAND_OVER"

// marker is a command that the bpf system call does not have: what a child does
// for one program begins with it, its size is the program's number.
const marker = 0xfff

// TestHandOver is no test, but the child process of TestHandedByCilium: it has
// cilium/ebpf load every program of the objects.
func TestHandOver(t *testing.T) {
	list := os.Getenv(handedEnv)
	if list == "" {
		t.Skip("skipped: this is the child process of another test")
	}
	n := 0
	for _, path := range filepath.SplitList(list) {
		spec, err := ebpf.LoadCollectionSpec(path)
		if err != nil {
			fmt.Printf("unread\t%s\t%v\n", path, oneLine(err))
			continue
		}
		var names []string
		for name := range spec.Programs {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			n++
			_, _, _ = unix.Syscall(unix.SYS_BPF, marker, uintptr(unsafe.Pointer(new(byte))), uintptr(n))
			err := loadOne(spec.Copy(), name)
			fmt.Printf("program\t%d\t%s\t%s\t%v\n", n, path, name, oneLine(err))
		}
	}
}

func oneLine(err error) string {
	if err == nil {
		return "loaded"
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// loadOne loads one program and the maps that it needs. Pinning is left out, so
// that nothing stays behind.
func loadOne(spec *ebpf.CollectionSpec, name string) error {
	for _, m := range spec.Maps {
		m.Pinning = ebpf.PinNone
	}
	field := reflect.StructField{Name: "P", Type: reflect.TypeFor[*ebpf.Program](), Tag: reflect.StructTag(fmt.Sprintf("ebpf:%q", name))}
	dest := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	err := spec.LoadAndAssign(dest.Interface(), &ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogDisabled: true}})
	if p, ok := dest.Elem().Field(0).Interface().(*ebpf.Program); ok && p != nil {
		p.Close()
	}
	return err
}

// handed is a program as it went to the kernel.
type handed struct {
	path, name string
	outcome    string
	insns      []bpf.Instruction // nil when it did not come so far
	maps       map[int32]string  // names by descriptor
}

var (
	handedCall = regexp.MustCompile(`^\d+ +bpf\((\w+), (.*)\) += +(-?\d+)`)
	handedInsn = regexp.MustCompile(`\{code=([^,]+), dst_reg=(\w+), src_reg=(\w+), off=(-?\w+), imm=(-?\w+)\}`)
	handedNote = regexp.MustCompile(` /\*.*?\*/`) // of numbers that strace knows no name of
	handedName = regexp.MustCompile(`(?:prog|map)_name="([^"]*)"`)
)

// handOver has cilium/ebpf load the programs of objects, and gives what the
// kernel got.
func handOver(t *testing.T, paths []string) []*handed {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	cmd := exec.Command("strace", "-f", "-v", "-X", "raw", "-e", "trace=bpf", "-e", "abbrev=none", "-s", "64", "-o", trace,
		os.Args[0], "-test.run=^TestHandOver$", "-test.v")
	cmd.Env = append(os.Environ(), handedEnv+"="+strings.Join(paths, string(os.PathListSeparator)), "GOMAXPROCS=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	programs := map[int]*handed{}
	var list []*handed
	for line := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		switch f[0] {
		case "unread":
			t.Logf("cilium/ebpf does not read %s: %s", shortPath(f[1]), f[2])
		case "program":
			n, _ := strconv.Atoi(f[1])
			programs[n] = &handed{path: f[2], name: f[3], outcome: f[4], maps: map[int32]string{}}
			list = append(list, programs[n])
		}
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var now *handed
	for line := range bytes.Lines(handedNote.ReplaceAll(text, nil)) {
		call := handedCall.FindSubmatch(line)
		if call == nil {
			continue
		}
		command, _ := strconv.ParseInt(string(call[1]), 0, 32)
		result, _ := strconv.Atoi(string(call[3]))
		name := handedName.FindSubmatch(call[2])
		switch command {
		case marker:
			size, _ := strconv.ParseInt(string(call[2][bytes.LastIndexByte(call[2], ' ')+1:]), 0, 32)
			now = programs[int(size)]
		case unix.BPF_MAP_CREATE:
			if now != nil && name != nil && result >= 0 {
				now.maps[int32(result)] = string(name[1])
			}
		case unix.BPF_PROG_LOAD:
			if now != nil && name != nil && now.insns == nil && string(name[1]) == kernelName(now.name) {
				now.insns = tracedInstructions(t, call[2])
			}
		}
	}
	return list
}

// kernelName is a name as the kernel has room for it.
func kernelName(name string) string { return name[:min(len(name), unix.BPF_OBJ_NAME_LEN-1)] }

func tracedInstructions(t *testing.T, call []byte) []bpf.Instruction {
	t.Helper()
	number := func(b []byte) int64 {
		sum := int64(0)
		for _, part := range bytes.Split(b, []byte("|")) {
			n, err := strconv.ParseInt(string(part), 0, 64)
			if err != nil {
				t.Fatalf("number %q in %.200s", b, call)
			}
			sum |= n
		}
		return sum
	}
	var insns []bpf.Instruction
	for _, m := range handedInsn.FindAllSubmatch(call, -1) {
		insns = append(insns, bpf.Instruction{
			Op: uint8(number(m[1])), Dst: bpf.Register(number(m[2])), Src: bpf.Register(number(m[3])),
			Off: int16(number(m[4])), Imm: int32(number(m[5])),
		})
	}
	return insns
}

// handedLines print instructions a line each, maps by name.
func handedLines(insns []bpf.Instruction, mapName func(in bpf.Instruction) (string, bool)) []string {
	lines := make([]string, len(insns))
	for pc, in := range insns {
		name := ""
		if in.IsLoadImm64() {
			if m, ok := mapName(in); ok {
				name = " map " + kernelName(m)
				in.Imm, in.Src = 0, 1+(in.Src+1)%2 // by descriptor or by index
			}
		}
		lines[pc] = fmt.Sprintf("%x%s", bpf.Encode([]bpf.Instruction{in}, binary.LittleEndian), name)
	}
	return lines
}

// ourMap names the map that a 64-bit load of a linked program refers to.
func ourMap(obj *bpf.Object) func(in bpf.Instruction) (string, bool) {
	return func(in bpf.Instruction) (string, bool) {
		if in.Src != bpf.PseudoMapIdx && in.Src != bpf.PseudoMapIdxValue {
			return "", false
		}
		return obj.Maps[in.Imm].Name, true
	}
}

// TestHandedByCilium holds programs, resolved against the running kernel, to
// what cilium/ebpf hands to it.
func TestHandedByCilium(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "strace")
	compareWithCilium(t, objectsToCompare(t))
}

func compareWithCilium(t *testing.T, paths []string) {
	t.Helper()
	files := map[string]*ebtools.File{}
	same, absent := 0, map[string]int{}
	for _, h := range handOver(t, paths) {
		name := shortPath(h.path) + " " + h.name
		if files[h.path] == nil {
			file, err := ebtools.Open(h.path)
			if err != nil {
				t.Fatal(err)
			}
			files[h.path] = file
		}
		file := files[h.path]
		p := programNamed(file.Object, h.name)
		switch {
		case h.insns == nil:
			absent[h.outcome]++
			continue
		case p == nil:
			t.Errorf("%s: not loaded here: %v", name, file.Problems)
			continue
		}
		got := handedLines(p.Instructions, ourMap(file.Object))
		want := handedLines(h.insns, func(in bpf.Instruction) (string, bool) {
			m, ok := h.maps[in.Imm]
			return m, ok && (in.Src == bpf.PseudoMapFD || in.Src == bpf.PseudoMapValue)
		})
		if len(got) > len(want) && len(want) == tracedMax {
			got = got[:tracedMax]
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d instructions, cilium/ebpf hands over %d", name, len(got), len(want))
			continue
		}
		different := 0
		for pc := range got {
			if got[pc] != want[pc] && !ciliumOnly(p, pc) {
				if different++; different < 4 {
					t.Errorf("%s: instruction %d is %s, cilium/ebpf hands over %s (extern %v)", name, pc, got[pc], want[pc], p.ExternAt(pc))
				}
			}
		}
		if different == 0 {
			same++
		}
	}
	t.Logf("%d objects, %d programs the same", len(paths), same)
	for why, n := range absent {
		t.Logf("%d programs did not come to the kernel: %.300s", n, why)
	}
}

// tracedMax is how many instructions strace prints.
const tracedMax = 4096

// ciliumOnly reports whether cilium/ebpf is known to hand over something else: it
// makes types anew and has other numbers for them, poisons the size of a type
// that the kernel lacks, where libbpf has 0, and a 64-bit load without making
// calls of it, loses the offset of an ALU instruction, and loads the number of a
// function's type where its address is asked for.
func ciliumOnly(p *bpf.Program, pc int) bool {
	in := p.Instructions[pc]
	for _, c := range p.CORE {
		switch {
		case c.PC == pc && (c.Kind == bpf.CORETypeIDLocal || c.Kind == bpf.CORETypeSize && c.Why != ""):
			return true
		case c.Result == bpf.COREPoisoned && (c.PC == pc && in == p.Instructions[min(pc+1, len(p.Instructions)-1)] || c.PC+1 == pc && in == p.Instructions[c.PC]):
			return true
		}
	}
	return in.IsALU() && in.Off != 0 || in.IsLoadImm64() && in.Src == bpf.PseudoBTFID
}

func programNamed(obj *bpf.Object, name string) *bpf.Program {
	for _, p := range obj.Programs {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// objectsToCompare are the objects at hand: the project's own, and those of a
// corpus as far as time allows.
func objectsToCompare(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"testdata/objects/*.o", "elf/testdata/*.o", "elf/testdata/core/*.o"} {
		list, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, list...)
	}
	return append(paths, require.Corpus(t, 40)...)
}
