package scalar

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"ebtools/bpf"
)

// recorded has programs of TestKernel and what Linux 6.18.44 said of them.
// go test -run TestKernel -record writes it.
const recorded = "testdata/linux-6.18.log"

// TestRecorded is TestKernel where there is no such kernel.
func TestRecorded(t *testing.T) {
	text, err := os.ReadFile(recorded)
	if err != nil {
		t.Fatal(err)
	}
	scalars := 0
	for i, part := range strings.Split(string(text), "program ")[1:] {
		code, log, _ := strings.Cut(part, "\n")
		b, err := hex.DecodeString(code)
		if err != nil {
			t.Fatal(err)
		}
		prog, err := bpf.Decode(b, binary.LittleEndian)
		if err != nil {
			t.Fatal(err)
		}
		c := newComparison(prog)
		c.read(log)
		scalars += c.scalars
		if c.difference != "" {
			t.Errorf("program %d: %s", i, c.difference)
		}
	}
	if scalars < 300 {
		t.Errorf("the file has %d scalars only", scalars)
	}
}

// comparison follows a program along the kernel's log.
type comparison struct {
	explorer
	difference                        string // the first
	instructions, scalars, violations int
}

func newComparison(prog []bpf.Instruction) *comparison {
	return &comparison{explorer: explorer{prog: prog, live: map[int]string{}}}
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

// isRead reports whether a line of a log says something of scalars.
func isRead(line string) bool {
	for _, kind := range []*regexp.Regexp{logLive, logPath, logState, logInstruction} {
		if kind.MatchString(line) {
			return true
		}
	}
	return strings.Contains(line, violated)
}

// violated is what the kernel says of bounds that contradict each other.
const violated = "REG INVARIANTS VIOLATION"

func (c *comparison) read(log string) {
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, "\n")
		c.violations += strings.Count(line, violated)
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
