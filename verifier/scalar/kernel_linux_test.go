package scalar

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

var (
	seed     = flag.Uint64("seed", 1, "of the random programs")
	programs = flag.Int("programs", 0, "random programs compared with the kernel; 0: 2,500, or 100,000 with EBTOOLS_LONG")
)

// TestKernel loads random programs and compares all scalars in the kernel's log
// with ours, instruction by instruction, on every path that the kernel follows.
func TestKernel(t *testing.T) {
	require.Kernel(t)
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
		n = 2500
	}
	var total comparison
	for i := range n {
		c := comparison{explorer: explorer{prog: randomProgram(*seed, i), live: map[int]string{}}}
		log := verifierLog(t, k, c.prog)
		c.read(log)
		total.add(&c)
		if c.difference != "" {
			t.Errorf("program %d of seed %d: %s\n%s", i, *seed, c.difference, log)
			if total.different++; total.different == 5 {
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

// comparison follows a program along the kernel's log.
type comparison struct {
	explorer
	difference                        string // the first
	instructions, scalars, violations int
	different                         int
}

func (c *comparison) add(d *comparison) {
	c.instructions += d.instructions
	c.scalars += d.scalars
	c.violations += d.violations
}

var (
	logInstruction = regexp.MustCompile(`^(\d+): \(..\) [^;]*(?:; (.*))?$`)
	logLive        = regexp.MustCompile(`^ *(\d+): ([.\d]{10}) \(..\)`)
	logState       = regexp.MustCompile(`^(\d+): (R.*)$`)
	logPath        = regexp.MustCompile(`^from (\d+) to (\d+): (.*)$`)
	logRegister    = regexp.MustCompile(`R(\d+)=(P?)(scalar\([^()]*(?:\([^)]*\))?\)|-?[0-9][0-9a-fx]*)`)
	logID          = regexp.MustCompile(`\(id=\d+(?:[-+]\d+)?,?`)
)

func (c *comparison) read(log string) {
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		c.violations += strings.Count(line, "REG INVARIANTS VIOLATION")
		switch {
		case logLive.MatchString(line):
			m := logLive.FindStringSubmatch(line)
			c.live[number(m[1])] = m[2]
		case logPath.MatchString(line):
			m := logPath.FindStringSubmatch(line)
			from, to := number(m[1]), number(m[2])
			if len(c.pending) == 0 {
				c.differ("the kernel has another path, %q", line)
				return
			}
			last := c.pending[len(c.pending)-1]
			c.pending = c.pending[:len(c.pending)-1]
			if last.from != from || last.to != to {
				c.differ("the kernel goes on with %q, not from %d to %d", line, last.from, last.to)
				return
			}
			c.now = last.path
			c.compare(m[3], line)
		case logState.MatchString(line):
			c.compare(logState.FindStringSubmatch(line)[2], line)
		case logInstruction.MatchString(line):
			m := logInstruction.FindStringSubmatch(line)
			c.instructions++
			c.step(number(m[1]))
			c.compare(m[2], line)
		}
		if c.difference != "" {
			return
		}
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s)
	return n
}

func (c *comparison) differ(format string, args ...any) { c.difference = fmt.Sprintf(format, args...) }

// compare takes the registers that the kernel shows.
func (c *comparison) compare(state, line string) {
	for _, m := range logRegister.FindAllStringSubmatch(state, -1) {
		r := number(m[1])
		if r >= registers {
			continue
		}
		c.scalars++
		theirs := logID.ReplaceAllString(m[3], "(")
		if ours := c.now.regs[r].String(); ours != theirs {
			c.differ("R%d is %s for us, %s for the kernel, after\n%s", r, ours, theirs, line)
			return
		}
	}
}
