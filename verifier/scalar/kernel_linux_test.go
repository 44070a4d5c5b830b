package scalar

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
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
	programs = flag.Int("programs", 0, "random programs compared with the kernel; 0: 4,000, or 100,000 with EBTOOLS_LONG")
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
		n = 4000
	}
	var total comparison
	for i := range n {
		g := generator{Rand: rand.New(rand.NewPCG(*seed, uint64(i)))}
		c := comparison{explorer: explorer{prog: g.program(), live: map[int]string{}}}
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

// generator makes programs of loads, arithmetic and jumps forward.
type generator struct {
	*rand.Rand
	prog  []bpf.Instruction
	jumps int
}

// used is how many registers the programs use.
const used = 6

// program begins with a jump, the other way of which ends in an error. The
// kernel comes back to it last.
func (g *generator) program() []bpf.Instruction {
	g.prog = []bpf.Instruction{
		{Op: bpf.OpcodeCall, Imm: 5}, // bpf_ktime_get_ns: any number
		{Op: bpf.ClassJMP | bpf.OpJEQ, Dst: bpf.R0, Imm: 0x7eedbeef},
	}
	for r := bpf.R1; r < used; r++ {
		g.start(r)
	}
	body := 8 + g.IntN(24)
	for range body {
		g.instruction()
	}
	for pc := range g.prog { // jumps may lead as far as the end
		if in := &g.prog[pc]; in.IsJump() && in.IsConditional() {
			in.Off = min(in.Off, int16(len(g.prog)-pc-1))
		}
	}
	g.prog[1].Off = int16(len(g.prog))
	return append(g.prog,
		bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov, Dst: bpf.R0},
		bpf.Instruction{Op: bpf.OpcodeExit},
		bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov | bpf.SourceX, Dst: bpf.R0, Src: bpf.R9},
		bpf.Instruction{Op: bpf.OpcodeExit},
	)
}

func (g *generator) emit(in bpf.Instruction) { g.prog = append(g.prog, in) }

// start gives a register its first value: a load, of the uninitialised stack.
func (g *generator) start(r bpf.Register) {
	op := bpf.ClassLDX | bpf.ModeMEM | pick[uint8](g, bpf.SizeB, bpf.SizeH, bpf.SizeW, bpf.SizeDW, bpf.SizeDW)
	if g.IntN(4) == 0 {
		op = bpf.ClassLDX | bpf.ModeMEMSX | pick[uint8](g, bpf.SizeB, bpf.SizeH, bpf.SizeW)
	}
	g.emit(bpf.Instruction{Op: op, Dst: r, Src: bpf.R10, Off: -8})
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

func (g *generator) register() bpf.Register { return bpf.Register(g.IntN(used)) }

// imm prefers numbers at which something changes.
func (g *generator) imm() int32 {
	switch g.IntN(4) {
	case 0:
		return int32(g.IntN(16)) - 4
	case 1:
		return int32(uint32(1)<<g.IntN(32)) + int32(g.IntN(3)) - 1
	case 2:
		return int32(g.Uint32()) >> g.IntN(32)
	}
	return pick[int32](g, 0, 1, -1, 0x7f, 0x80, 0xff, -128, 0x7fff, 0xffff, 0x7fffffff, -0x80000000, 0x55555555, -0x10000)
}

func (g *generator) instruction() {
	dst := g.register()
	switch n := g.IntN(20); {
	case n < 4 && g.jumps < 5:
		g.jump(dst)
	case n < 6:
		g.start(dst)
	case n < 8:
		g.move(dst)
	case n < 9:
		g.byteOrder(dst)
	default:
		g.arithmetic(dst)
	}
}

// operand is an immediate or a register.
func (g *generator) operand(in bpf.Instruction) bpf.Instruction {
	if g.IntN(2) == 0 {
		in.Op, in.Src = in.Op|bpf.SourceX, g.register()
	} else {
		in.Imm = g.imm()
	}
	return in
}

func (g *generator) jump(dst bpf.Register) {
	g.jumps++
	op := pick[uint8](g, bpf.OpJEQ, bpf.OpJGT, bpf.OpJGE, bpf.OpJSET, bpf.OpJNE, bpf.OpJSGT, bpf.OpJSGE,
		bpf.OpJLT, bpf.OpJLE, bpf.OpJSLT, bpf.OpJSLE)
	class := pick[uint8](g, bpf.ClassJMP, bpf.ClassJMP32)
	g.emit(g.operand(bpf.Instruction{Op: class | op, Dst: dst, Off: int16(1 + g.IntN(4))}))
}

func (g *generator) move(dst bpf.Register) {
	class := pick[uint8](g, bpf.ClassALU, bpf.ClassALU64)
	in := g.operand(bpf.Instruction{Op: class | bpf.OpMov, Dst: dst})
	if in.UsesSourceRegister() {
		in.Off = pick[int16](g, 0, 0, 8, 16, 32)
		if class == bpf.ClassALU && in.Off == 32 {
			in.Off = 0
		}
	}
	g.emit(in)
}

func (g *generator) byteOrder(dst bpf.Register) {
	op := pick[uint8](g, bpf.ClassALU, bpf.ClassALU|bpf.SourceX, bpf.ClassALU64)
	g.emit(bpf.Instruction{Op: op | bpf.OpEnd, Dst: dst, Imm: pick[int32](g, 16, 32, 64)})
}

func (g *generator) arithmetic(dst bpf.Register) {
	op := pick[uint8](g, bpf.OpAdd, bpf.OpAdd, bpf.OpSub, bpf.OpSub, bpf.OpMul, bpf.OpMul, bpf.OpAnd, bpf.OpAnd, bpf.OpAnd,
		bpf.OpOr, bpf.OpXor, bpf.OpLsh, bpf.OpRsh, bpf.OpArsh, bpf.OpNeg, bpf.OpDiv, bpf.OpMod)
	class := pick[uint8](g, bpf.ClassALU, bpf.ClassALU64)
	in := bpf.Instruction{Op: class | op, Dst: dst}
	switch op {
	case bpf.OpNeg:
	case bpf.OpLsh, bpf.OpRsh, bpf.OpArsh:
		if in = g.operand(in); !in.UsesSourceRegister() {
			in.Imm = int32(g.IntN(32))
			if class == bpf.ClassALU64 {
				in.Imm = pick(g, int32(g.IntN(64)), 32)
			}
		}
	case bpf.OpDiv, bpf.OpMod:
		in = g.operand(in)
		in.Off = int16(g.IntN(2))
		if !in.UsesSourceRegister() && in.Imm == 0 {
			in.Imm = 1
		}
	default:
		in = g.operand(in)
	}
	g.emit(in)
}
