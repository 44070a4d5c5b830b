package ebtools_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools"
	"ebtools/internal/require"
)

// ways are the compilers that objects come from, and how they are asked.
var ways = []struct {
	name    string
	command string
	flags   string
}{
	{"clang-13", "clang-13", "-target bpf -O2 -g"},
	{"clang-13-nodebug", "clang-13", "-target bpf -O2 -mcpu=v1"},
	{"clang-14", "clang-14", "-target bpf -O2 -g -mcpu=v2"},
	{"clang-16", "clang-16", "-target bpf -O2 -g -mcpu=v3 -ffunction-sections"},
	{"clang-19", "clang-19", "-target bpf -O2 -g -mcpu=v4"},
	{"clang-19-O1", "clang-19", "-target bpf -O1 -g -fdata-sections"},
	{"gcc", "bpf-gcc", "-O2 -gbtf"},
	{"gcc-dwarf", "bpf-gcc", "-O2 -g"},
}

// compileAll has every compiler make an object of every C program at hand, in
// dir, and gives them by way and program.
func compileAll(t *testing.T, dir string) map[string]map[string]string {
	t.Helper()
	require.LLVM(t)
	require.Tools(t, "clang-13", "clang-14", "clang-16", "bpf-gcc")
	gcc := gccHeaders(t, dir)
	var sources []string
	for _, pattern := range []string{"programs/*/*.c", "elf/testdata/*.c"} {
		list, err := filepath.Glob(pattern)
		if err != nil || len(list) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		sources = append(sources, list...)
	}
	objects := map[string]map[string]string{}
	for _, way := range ways {
		objects[way.name] = map[string]string{}
		if err := os.Mkdir(filepath.Join(dir, way.name), 0o755); err != nil {
			t.Fatal(err)
		}
		args := strings.Fields(way.flags)
		if way.command == "bpf-gcc" {
			args = append(args, "-I", gcc)
		}
		args = append(args, "-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", "/usr/include")
		for _, source := range sources {
			name := strings.TrimSuffix(filepath.Base(source), ".c")
			object := filepath.Join(dir, way.name, name+".o")
			if out, err := exec.Command(way.command, append(args, "-c", source, "-o", object)...).CombinedOutput(); err != nil {
				t.Errorf("%s %s: %v\n%s", way.name, source, err, out)
				continue
			}
			objects[way.name][name] = object
		}
	}
	return objects
}

// gccHeaders makes libbpf's declarations of helpers as gcc 12 takes them: it
// can't call a number, but has an attribute for it.
func gccHeaders(t *testing.T, dir string) string {
	t.Helper()
	const from = "/usr/include/bpf"
	to := filepath.Join(dir, "include", "bpf")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatalf("libbpf's headers (libbpf-dev): %v", err)
	}
	defs := filepath.Join(to, "bpf_helper_defs.h")
	text, err := os.ReadFile(defs)
	if err != nil {
		t.Fatal(err)
	}
	helper := regexp.MustCompile(`(?m)^static ([^(\n]*)\(\*(bpf_\w+)\)(\(.*\)) = \(void \*\) ?(\d+);`)
	text = helper.ReplaceAll(text, []byte(`extern $1 $2$3 __attribute__((kernel_helper($4)));`))
	if err := os.WriteFile(defs, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(to)
}

// TestCompilers reads what several compilers make of the same programs, holds it
// to what cilium/ebpf and libbpf hand to the kernel, and runs the programs of
// the gallery: a reader that mistakes one variable for another shows there.
func TestCompilers(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "strace")
	objects := compileAll(t, t.TempDir())
	var paths []string
	for _, byName := range objects {
		for _, path := range byName {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	t.Run("run", func(t *testing.T) { runCompiled(t, objects) })
	t.Run("cilium", func(t *testing.T) { compareWithCilium(t, paths) })
	t.Run("libbpf", func(t *testing.T) { compareWithLibbpf(t, paths) })
}

func runCompiled(t *testing.T, objects map[string]map[string]string) {
	t.Helper()
	runs := 0
	for name, gallery := range gallery(t) {
		for _, capture := range captures(t) {
			want := runOver(t, gallery["source"], capture)
			for _, way := range ways {
				file, err := ebtools.Open(objects[way.name][name])
				switch {
				case err != nil:
					t.Errorf("%s: %s: %v", way.name, name, err)
					continue
				case file.Problems.Err() != nil && strings.Contains(file.Problems.Error(), "no usable type information"):
					continue // maps are described by types, and this way has none
				case file.Problems.Err() != nil:
					t.Errorf("%s: %s: %v", way.name, name, file.Problems)
					continue
				}
				runs++
				if diff := cmp.Diff(want, runOver(t, file, capture)); diff != "" {
					t.Errorf("%s over %s: source and %s differ (-source +%s):\n%s", name, capture, way.name, way.name, diff)
				}
			}
		}
	}
	t.Logf("%d runs over captures the same", runs)
}

// shortPath names an object by its folder and file.
func shortPath(path string) string {
	return fmt.Sprintf("%s/%s", filepath.Base(filepath.Dir(path)), filepath.Base(path))
}
