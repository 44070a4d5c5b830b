package elf

import (
	"bytes"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"ebtools/internal/require"
)

// compile builds a source file of testdata.
func compile(t testing.TB, source string, flags ...string) []byte {
	t.Helper()
	return compileWith(t, "clang-19", source, flags...)
}

func compileWith(t testing.TB, compiler, source string, flags ...string) []byte {
	t.Helper()
	object := filepath.Join(t.TempDir(), strings.TrimSuffix(filepath.Base(source), ".c")+".o")
	run(t, compiler, append(flags, "-c", source, "-o", object)...)
	return readFile(t, object)
}

func sources(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.c")
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestClangVariants compiles the test programs in different ways and holds what
// Load makes of them to what cilium/ebpf does.
func TestClangVariants(t *testing.T) {
	require.LLVM(t)
	require.Tools(t, "clang-13", "clang-14", "clang-16")
	for _, flags := range []string{
		"clang-19 -O2 -g -target bpfel -mcpu=v4",
		"clang-19 -O1 -g -target bpfel -mcpu=v2 -ffunction-sections -fno-addrsig",
		"clang-19 -O2 -g -target bpfeb -mcpu=v3 -fdata-sections",
		"clang-19 -O2 -target bpfel -mcpu=v1",
		"clang-16 -O2 -g -target bpfeb -mcpu=v2",
		"clang-14 -O1 -g -target bpfel",
		"clang-13 -O2 -g -target bpfel -mcpu=v3",
	} {
		compiler, flags, _ := strings.Cut(flags, " ")
		for _, source := range sources(t) {
			t.Run(filepath.Base(source)+" "+compiler+" "+flags, func(t *testing.T) {
				file := compileWith(t, compiler, source, strings.Fields(flags)...)
				digest(t, file)
				img, err := Read(file)
				if err != nil {
					t.Fatal(err)
				}
				obj, problems, err := Load(img, filepath.Base(source), Options{})
				if err != nil {
					t.Fatal(err)
				}
				want, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
				if err != nil {
					t.Skipf("skipped: cilium/ebpf does not read it: %v", err)
				}
				comparePrograms(t, img, obj, problems, want)
				compareMaps(t, obj, want)
			})
		}
	}
}

// TestObjectsAreCurrent compares the objects in testdata with their sources.
func TestObjectsAreCurrent(t *testing.T) {
	require.LLVM(t)
	for _, source := range sources(t) {
		fresh, err := Read(compile(t, source, "-O2", "-g", "-target", "bpf"))
		if err != nil {
			t.Fatal(err)
		}
		want, _, err1 := Load(fresh, source, Options{})
		got, _, err2 := Load(readImage(t, strings.TrimSuffix(source, ".c")+".o"), source, Options{})
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		sameInstructions(t, want, got)
	}
}
