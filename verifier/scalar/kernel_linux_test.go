package scalar

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

var (
	seed     = flag.Uint64("seed", 1, "of the random programs")
	record   = flag.Bool("record", false, "record what the kernel says of some programs, for TestRecorded")
	programs = flag.Int("programs", 0, "random programs compared with the kernel; 0: 2,000, or 100,000 with EBTOOLS_LONG")
)

// TestKernel loads random programs and compares all scalars in the kernel's log
// with ours, instruction by instruction, on every path that the kernel follows.
func TestKernel(t *testing.T) {
	require.Kernel(t)
	requireRelease(t)
	k, err := kernel.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	n := *programs
	switch {
	case n != 0:
	case require.Long():
		n = 100_000
	default:
		n = 2000
	}
	if *record {
		recordLogs(t, k)
	}
	var total comparison
	different := 0
	for i := range n {
		c := newComparison(randomProgram(*seed, i))
		log := verifierLog(t, k, c.prog)
		c.read(log)
		total.add(c)
		if c.difference != "" {
			t.Errorf("program %d of seed %d: %s\n%s", i, *seed, c.difference, log)
			if different++; different == 5 {
				break
			}
		}
	}
	t.Logf("%d programs, %d instructions followed, %d scalars compared, %d of them with bounds that contradicted each other",
		n, total.instructions, total.scalars, total.violations)
	if total.scalars < n*10 {
		t.Error("the log says too little")
	}
}

// requireRelease skips t on kernels that know other things of numbers: what this
// package follows came into 6.18 with its 44th release at the latest.
func requireRelease(t *testing.T) {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	var major, minor, patch int
	if n, _ := fmt.Sscanf(string(release), "%d.%d.%d", &major, &minor, &patch); n != 3 || major != 6 || minor != 18 || patch < 44 {
		t.Skipf("skipped: this is Linux %s, and compared is with 6.18.44 and later of 6.18", strings.TrimSpace(string(release)))
	}
}

// verifierLog is what the kernel says of each step. The programs end with an
// error that the kernel finds last (see generator), so that they are never
// translated, which takes longer than all the rest.
func verifierLog(t *testing.T, k *kernel.Kernel, prog []bpf.Instruction) string {
	t.Helper()
	p, err := k.Load(&bpf.Program{Name: "scalars", Instructions: prog},
		kernel.LoadOptions{Type: linux.ProgSocketFilter, LogLevel: 2})
	var refused *kernel.Error
	switch {
	case err == nil:
		p.Close()
		t.Fatal("the kernel took a program that reads an uninitialised register")
	case !errors.As(err, &refused):
		t.Fatal(err)
	case !strings.Contains(refused.Reason(), "R9 !read_ok"):
		t.Fatalf("%v\n%s", err, refused.Log)
	}
	return refused.Log
}

// recordLogs writes what TestRecorded reads.
func recordLogs(t *testing.T, k *kernel.Kernel) {
	var b strings.Builder
	for i := range 6 {
		prog := randomProgram(*seed, i)
		fmt.Fprintf(&b, "program %x\n", bpf.Encode(prog, binary.LittleEndian))
		for line := range strings.Lines(verifierLog(t, k, prog)) {
			if isRead(strings.TrimRight(line, "\n")) {
				b.WriteString(strings.TrimRight(line, " \n") + "\n")
			}
		}
	}
	if err := os.WriteFile(recorded, []byte(b.String()), 0o666); err != nil {
		t.Fatal(err)
	}
}
