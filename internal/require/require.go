// Package require decides what a test does when something it needs from outside
// the repository is missing: it skips and prints why, or fails when the
// environment variable EBTOOLS_REQUIRE names that kind of thing.
//
// EBTOOLS_REQUIRE is a comma-separated list of:
//
//	kernel  a Linux kernel that lets this process load BPF programs
//	llvm    clang-19, llvm-mc-19, llvm-objdump-19 and llvm-dwarfdump-19
//	tools   other programs: bpftool, tcpdump, ip, ping, …
//
// EBTOOLS_NO_KERNEL, with a reason in it, has tests do without the kernel.
package require

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Demanded reports whether EBTOOLS_REQUIRE names kind.
func Demanded(kind string) bool {
	return slices.Contains(strings.Split(os.Getenv("EBTOOLS_REQUIRE"), ","), kind)
}

// Missing skips t, or fails it when kind is demanded.
func Missing(t testing.TB, kind, format string, args ...any) {
	t.Helper()
	if Demanded(kind) {
		t.Fatalf("EBTOOLS_REQUIRE names "+kind+", but "+format, args...)
	}
	t.Skipf("skipped: "+format, args...)
}

// LLVM skips t unless the LLVM 19 tools that tests compare against are on PATH.
func LLVM(t testing.TB) {
	t.Helper()
	programs(t, "llvm", "clang-19", "llvm-mc-19", "llvm-objdump-19", "llvm-dwarfdump-19")
}

// Tools skips t unless every named program is on PATH.
func Tools(t testing.TB, names ...string) {
	t.Helper()
	programs(t, "tools", names...)
}

func programs(t testing.TB, kind string, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := exec.LookPath(name); err != nil {
			Missing(t, kind, "%s is not on PATH", name)
		}
	}
}

// Shared returns the path of elem within the folder of reference material that
// may lie beside the checkout (../shared), and skips t when it is not there.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
	path := filepath.Join(append([]string{filepath.Dir(dir), "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("skipped: %s is not there", path)
	}
	return path
}
