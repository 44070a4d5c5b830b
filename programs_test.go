package ebtools_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools"
	"ebtools/bpf"
	"ebtools/internal/require"
	"ebtools/replay"
	"ebtools/verifier"
	"ebtools/vm"
)

// gallery is every program of programs/ in the three ways it exists: source,
// the object made of that, and the object clang makes of the C.
func gallery(t *testing.T) map[string]map[string]*ebtools.File {
	t.Helper()
	sources, err := filepath.Glob("programs/*/*.s")
	if err != nil || len(sources) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	all := map[string]map[string]*ebtools.File{}
	for _, source := range sources {
		name := strings.TrimSuffix(filepath.Base(source), ".s")
		fromSource := open(t, source)
		object, err := fromSource.Image.Write()
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		assembled, err := ebtools.OpenReader(name+".o", bytes.NewReader(object), ebtools.Options{})
		if err != nil {
			t.Fatalf("%s: %v", source, err)
		}
		all[name] = map[string]*ebtools.File{
			"source": fromSource, "assembled": assembled, "clang": open(t, "testdata/objects/"+name+".o"),
		}
	}
	return all
}

func open(t *testing.T, name string) *ebtools.File {
	t.Helper()
	file, err := ebtools.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(file.Problems) > 0 {
		t.Errorf("%s: %v", name, file.Problems)
	}
	return file
}

// captures are the captures that can be read to their end.
func captures(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/captures/*.pcap*")
	if err != nil || len(all) == 0 {
		t.Fatalf("no captures: %v", err)
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.Contains(name, "truncated") })
}

// outcome is what a run over a capture left behind.
type outcome struct {
	Verdicts []replay.Verdict
	Maps     map[string][]string
}

func runOver(t *testing.T, file *ebtools.File, capture string) outcome {
	t.Helper()
	machine, err := vm.New(file.Object, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(capture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := replay.OpenCapture(f)
	if err != nil {
		t.Fatal(err)
	}
	report, err := (&replay.Runner{Programs: machine.Programs()}).Run(c)
	if err != nil {
		t.Fatalf("%s: %v", capture, err)
	}
	out := outcome{Maps: map[string][]string{}}
	for _, p := range report.Programs {
		for _, fault := range p.Faults {
			t.Errorf("%s: %v", capture, fault)
		}
		out.Verdicts = append(out.Verdicts, p.Verdicts...)
	}
	for _, m := range machine.Maps() {
		var entries []string
		for key, value := range m.All() {
			entries = append(entries, fmt.Sprintf("%x: %x", key, value))
		}
		slices.Sort(entries)
		out.Maps[m.Spec().Name] = entries
	}
	return out
}

// TestGalleryAgrees: on every capture, a program's source, its assembled object
// and clang's object of the C give the same verdicts and leave the same maps.
func TestGalleryAgrees(t *testing.T) {
	for name, ways := range gallery(t) {
		for _, capture := range captures(t) {
			want := runOver(t, ways["source"], capture)
			for _, way := range []string{"assembled", "clang"} {
				if diff := cmp.Diff(want, runOver(t, ways[way], capture)); diff != "" {
					t.Errorf("%s over %s: source and %s differ (-source +%s):\n%s", name, capture, way, way, diff)
				}
			}
		}
	}
}

func TestGalleryPassesTheVerifier(t *testing.T) {
	for name, ways := range gallery(t) {
		for way, file := range ways {
			for _, p := range file.Object.Programs {
				if problems := verifier.Check(p, file.Object); len(problems) > 0 {
					t.Errorf("%s, %s: %v", name, way, problems)
				}
			}
		}
	}
}

// TestGalleryObjectsAreClangs: the checked-in objects are what clang makes of
// the C programs beside the source.
func TestGalleryObjectsAreClangs(t *testing.T) {
	require.LLVM(t)
	for name, ways := range gallery(t) {
		out := filepath.Join(t.TempDir(), name+".o")
		// The same command as in doc.go.
		clang := exec.Command("clang-19", "-O2", "-g", "-Wall", "-Werror", "-target", "bpf", "-mcpu=v3",
			"-fdebug-compilation-dir=.", "-I/usr/include/x86_64-linux-gnu", "-c", "programs/"+name+"/"+name+".c", "-o", out)
		if msg, err := clang.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", clang, err, msg)
			continue
		}
		fresh, kept := open(t, out).Object.Programs, ways["clang"].Object.Programs
		if diff := cmp.Diff(instructions(fresh), instructions(kept)); diff != "" {
			t.Errorf("testdata/objects/%s.o is not what clang makes now, run go generate:\n%s", name, diff)
		}
	}
}

func instructions(programs []*bpf.Program) map[string][]string {
	out := map[string][]string{}
	for _, p := range programs {
		for pc := 0; pc < len(p.Instructions); {
			text, slots := bpf.Disassemble(p.Instructions, pc)
			out[p.Name] = append(out[p.Name], text)
			pc += slots
		}
	}
	return out
}
