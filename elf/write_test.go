package elf

import (
	"bytes"
	stdelf "debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/cilium/ebpf"

	"ebtools/internal/require"
)

// allObjects lists the checked-in objects and whatever others are at hand.
func allObjects(t testing.TB) []string {
	t.Helper()
	more, err := filepath.Glob(os.Getenv("EBTOOLS_OBJECTS"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(checkedIn(t), ciliumObjects(t), more)
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWriteGivesBack writes what it read, reads that, and finds nothing lost.
func TestWriteGivesBack(t *testing.T) {
	for _, path := range allObjects(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			before, err := Read(readFile(t, path))
			if err != nil {
				t.Fatal(err)
			}
			file, err := before.Write()
			if err != nil {
				t.Fatal(err)
			}
			after, err := Read(file)
			if err != nil {
				t.Fatal(err)
			}
			slices.SortStableFunc(before.Symbols, localsFirst)
			if !reflect.DeepEqual(before, after) {
				t.Error("what was written is not what was read")
			}
			again, err := after.Write()
			if err != nil || !bytes.Equal(file, again) {
				t.Errorf("the same image gives other bytes (error %v)", err)
			}
			compareWithStandard(t, file, after)
		})
	}
}

// compareWithStandard holds what was written to what debug/elf and cilium/ebpf
// read of it.
func compareWithStandard(t *testing.T, file []byte, img *Image) {
	t.Helper()
	std, err := stdelf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := std.Symbols()
	if err != nil && len(img.Symbols) > 0 {
		t.Fatal(err)
	}
	if len(symbols) != len(img.Symbols) {
		t.Fatalf("debug/elf finds %d symbols, want %d", len(symbols), len(img.Symbols))
	}
	for i, sym := range img.Symbols {
		s := symbols[i]
		if s.Name != sym.Name || s.Value != sym.Value || s.Size != sym.Size || stdelf.ST_BIND(s.Info) != sym.Bind {
			t.Errorf("symbol %d: debug/elf reads %+v, want %+v", i, s, sym)
		}
		if sym.Section != nil && std.Sections[s.Section].Name != sym.Section.Name {
			t.Errorf("symbol %s: debug/elf finds it in %s, want %s", sym.Name, std.Sections[s.Section].Name, sym.Section.Name)
		}
	}
	for _, s := range std.Sections {
		if s.Addralign > 1 && s.Type != stdelf.SHT_NOBITS && s.Offset%min(s.Addralign, maxFileAlign) != 0 {
			t.Errorf("section %s is at %d, which is not aligned to %d", s.Name, s.Offset, s.Addralign)
		}
	}
}

// TestWriteForOthers has LLVM and cilium/ebpf read what was written.
func TestWriteForOthers(t *testing.T) {
	for _, path := range allObjects(t) {
		before := readFile(t, path)
		want, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(before))
		if err != nil {
			continue
		}
		img, err := Read(before)
		if err != nil {
			t.Fatal(err)
		}
		file, err := img.Write()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
		if err != nil {
			t.Errorf("%s: cilium/ebpf refuses what was written: %v", path, err)
			continue
		}
		if len(got.Programs) != len(want.Programs) || len(got.Maps) != len(want.Maps) || len(got.Variables) != len(want.Variables) {
			t.Errorf("%s: cilium/ebpf finds %d programs, %d maps and %d variables in what was written, and %d, %d and %d in the original", path,
				len(got.Programs), len(got.Maps), len(got.Variables), len(want.Programs), len(want.Maps), len(want.Variables))
		}
	}
}

// TestWriteForLLVM has LLVM's tools read what was written: without a word of
// warning, and the same instructions and relocations as in the original.
func TestWriteForLLVM(t *testing.T) {
	require.LLVM(t)
	for _, path := range checkedIn(t) {
		img, err := Read(readFile(t, path))
		if err != nil {
			t.Fatal(err)
		}
		file, err := img.Write()
		if err != nil {
			t.Fatal(err)
		}
		written := filepath.Join(t.TempDir(), filepath.Base(path))
		if err := os.WriteFile(written, file, 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "llvm-readelf-19", "--all", written)
		dump := func(path string) []byte {
			out := run(t, "llvm-objdump-19", "-d", "-r", "-l", path)
			_, out, _ = bytes.Cut(out, []byte("file format"))
			return out
		}
		if !bytes.Equal(dump(path), dump(written)) {
			t.Errorf("%s: llvm-objdump prints something else of what was written", path)
		}
	}
}

// run gives the output of a command that must succeed and warn of nothing.
func run(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(name, args...)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil || errout.Len() > 0 {
		t.Fatalf("%s %v: %v\n%s", name, args, err, errout.Bytes())
	}
	return out
}

// combined runs a command that may have something to say although it succeeds.
func combined(name string, args ...string) ([]byte, error) {
	return exec.Command(name, args...).CombinedOutput()
}
