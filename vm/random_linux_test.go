package vm

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

var (
	randomPrograms = flag.Int("programs", 3000, "how many random programs TestKernelRandomPrograms runs")
	randomSeed     = flag.Uint64("seed", 1, "where TestKernelRandomPrograms begins")
)

// TestKernelRandomPrograms runs random programs that the verifier takes, on
// random packets. Program n of a seed is the same for ever: a mismatch names
// both. The long mode is go test -run RandomPrograms -programs 1000000.
func TestKernelRandomPrograms(t *testing.T) {
	b := newBoth(t, results(resultsSize))
	deadline, hasDeadline := t.Deadline()
	tried, taken, runs := 0, 0, 0
	for n := range *randomPrograms {
		if hasDeadline && time.Until(deadline) < 10*time.Second {
			t.Logf("stopped before the test's deadline, at program %d", n)
			break
		}
		tried++
		rng := rand.New(rand.NewPCG(*randomSeed, uint64(n)))
		prog, body := randomProgram(rng)
		packets := make([][]byte, 3)
		for i := range packets {
			packets[i] = make([]byte, randomPacket)
			for j := 0; j < randomPacket; j += 8 {
				binary.LittleEndian.PutUint64(packets[i][j:], pick(rng))
			}
		}
		diff, err := differFresh(b, prog, packets)
		switch {
		case err != nil:
			b.refused[err.Error()]++
			continue
		case diff != "":
			small := shrink(b, prog, body, packets)
			diff, _ = differFresh(b, small, packets)
			t.Fatalf("seed %d, program %d: kernel (-) and vm (+) differ:\n%s\n%s", *randomSeed, n, diff, listing(small))
		}
		taken++
		runs += len(packets)
	}
	t.Logf("seed %d: %d programs, %d runs", *randomSeed, taken, runs)
	if taken < tried*9/10 {
		t.Errorf("the kernel took only %d of %d", taken, tried)
	}
}

// differFresh is differ with the results zero at first.
func differFresh(b *both, prog []bpf.Instruction, packets [][]byte) (string, error) {
	b.update(0, word(0), make([]byte, resultsSize), linux.Any)
	return b.differ(prog, packets...)
}

// shrink replaces instructions from body on by ones that do nothing for as long
// as the two sides still differ.
func shrink(b *both, prog []bpf.Instruction, body int, packets [][]byte) []bpf.Instruction {
	for changed := true; changed; {
		changed = false
		for pc := body; pc < len(prog); pc++ {
			if prog[pc] == jump(0) {
				continue
			}
			less := slices.Clone(prog)
			less[pc] = jump(0)
			if diff, err := differFresh(b, less, packets); err == nil && diff != "" {
				prog, changed = less, true
			}
		}
	}
	return prog
}

const (
	randomPacket = 64
	randomStack  = 64               // bytes of stack that programs use
	resultsSize  = 7*8 + 64         // r0 to r6, then memory for atomics
	scratch      = resultsSize - 64 // where that begins
)

// generator writes a random program. r0 to r6 hold numbers, r7 the packet, r8
// the results and r9 belongs to the generator.
type generator struct {
	rng   *rand.Rand
	insns []bpf.Instruction
	calls []int // local calls whose function is still to be written
}

// randomProgram gives a program and where its random part begins.
func randomProgram(rng *rand.Rand) (prog []bpf.Instruction, body int) {
	g := &generator{rng: rng}
	g.add(
		load(4, r7, r1, 0), load(4, r2, r1, 4),
		move(r3, r7), add(r3, randomPacket),
		jumpIfX(bpf.OpJLE, r3, r2, 2), set(r0, 0), exit,
		valueAt(r8, 0, 0), set(r9, 0),
	)
	for i := range 7 {
		switch rng.IntN(3) {
		case 0:
			g.add(long(bpf.Register(i), pick(rng)))
		default:
			g.add(load(8, bpf.Register(i), r7, 8*i))
		}
	}
	for off := -randomStack; off < 0; off += 8 {
		g.add(store(8, fp, off, g.number()))
	}
	body = len(g.insns)
	g.block(10+rng.IntN(50), true)
	for i := range 7 {
		g.add(store(8, r8, 8*i, bpf.Register(i)))
	}
	g.add(exit)
	for len(g.calls) > 0 {
		at := g.calls[0]
		g.calls = g.calls[1:]
		g.insns[at].Imm = int32(len(g.insns) - at - 1)
		// r1 to r5 came as arguments; a function sees no other register.
		g.add(move(r0, r1), move(r6, r2))
		g.block(3+rng.IntN(10), false)
		g.add(exit)
	}
	return g.insns, body
}

func (g *generator) add(parts ...any) { g.insns = append(g.insns, join(parts...)...) }

// number is a register with a number in it.
func (g *generator) number() bpf.Register { return bpf.Register(g.rng.IntN(7)) }

// block writes n pieces; in the entry function also memory, loops and calls.
// Jumps inside go forwards to a piece's start.
func (g *generator) block(n int, entry bool) {
	var jumps []int // instructions that jump to where a later piece begins
	for range n {
		for i := 0; i < len(jumps); {
			if g.rng.IntN(4) == 0 {
				g.land(jumps[i])
				jumps = slices.Delete(jumps, i, i+1)
				continue
			}
			i++
		}
		switch k := g.rng.IntN(20); {
		case k < 9 || !entry && k > 11:
			g.alu()
		case k < 12:
			jumps = append(jumps, len(g.insns))
			g.conditional()
		case k < 17:
			g.memory()
		case k < 18:
			g.atomic()
		case k < 19:
			g.loop()
		case len(g.calls) < 2:
			g.calls = append(g.calls, len(g.insns))
			g.add(callLocal(0))
			for i := 1; i <= 5; i++ { // a call leaves nothing in them
				g.add(move(bpf.Register(i), bpf.Register(g.rng.IntN(2)*6)))
			}
		}
	}
	for _, at := range jumps {
		g.land(at)
	}
}

// land makes the jump at pc go to the instruction that comes next.
func (g *generator) land(pc int) { g.insns[pc].Off = int16(len(g.insns) - pc - 1) }

// aluForms and conditionForms are the rows of the table to choose from.
var aluForms, conditionForms = func() (alus, conditions []bpf.Form) {
	for _, f := range bpf.Forms() {
		in := bpf.Instruction{Op: f.Op, Off: f.Off}
		switch {
		case f.Alias || f.Op == 0xbf && f.Off == 1: // address spaces are for arenas
		case in.IsALU():
			alus = append(alus, f)
		case in.IsConditional():
			conditions = append(conditions, f)
		}
	}
	return alus, conditions
}()

func (g *generator) alu() {
	f := aluForms[g.rng.IntN(len(aluForms))]
	in := bpf.Instruction{Op: f.Op, Dst: g.number(), Off: f.Off, Imm: f.Imm}
	switch {
	case in.Code() == bpf.OpEnd || in.Code() == bpf.OpNeg:
	case in.UsesSourceRegister():
		in.Src = g.number()
	default:
		in.Imm = immediate(g.rng, in)
	}
	g.add(in)
}

func (g *generator) conditional() {
	f := conditionForms[g.rng.IntN(len(conditionForms))]
	in := bpf.Instruction{Op: f.Op, Dst: g.number()}
	if in.UsesSourceRegister() {
		in.Src = g.number()
	} else {
		in.Imm = int32(pick(g.rng))
	}
	g.add(in)
}

// memory loads or stores: stack (aligned, as the verifier wants it), packet or
// results, there also at an offset from a register.
func (g *generator) memory() {
	size := 1 << g.rng.IntN(4)
	base, off, signed := fp, -randomStack+g.rng.IntN(randomStack/size)*size, false
	switch g.rng.IntN(4) {
	case 0:
		base, off = r7, g.rng.IntN(randomPacket-size+1)
	case 1:
		base, off = r8, scratch+g.rng.IntN(64-size+1)
	case 2:
		base, off = r9, scratch+g.rng.IntN(32-size+1)
		g.add(move(r9, g.number()), alu(bpf.OpAnd, r9, 31), aluX(bpf.OpAdd, r9, r8))
	}
	if size < 8 {
		signed = g.rng.IntN(3) == 0
	}
	switch {
	case g.rng.IntN(2) == 0:
		in := load(size, g.number(), base, off)
		if signed {
			in.Op = in.Op&0x1f | bpf.ModeMEMSX
		}
		g.add(in)
	case g.rng.IntN(3) == 0:
		g.add(storeK(size, base, off, int32(pick(g.rng))))
	default:
		g.add(store(size, base, off, g.number()))
	}
	g.add(set(r9, 0))
}

var atomicOperations = []int32{
	bpf.AtomicAdd, bpf.AtomicOr, bpf.AtomicAnd, bpf.AtomicXor,
	bpf.AtomicAdd | bpf.AtomicFetch, bpf.AtomicOr | bpf.AtomicFetch, bpf.AtomicAnd | bpf.AtomicFetch, bpf.AtomicXor | bpf.AtomicFetch,
	bpf.AtomicXchg, bpf.AtomicCmpXchg, bpf.AtomicLoadAcq, bpf.AtomicStoreRel,
}

// atomic works on the results or the stack. It fetches nothing from the stack:
// Linux 6.18's verifier does not trace what was fetched there back to its slot
// (backtrack_insn), takes states for equal that are not, and may so drop code
// that runs. And after a 32-bit compare-and-exchange it clears the upper half
// of r0 anew: on x86 that is left to an instruction which the verifier adds, and
// forgets where it prunes the path that would need it.
func (g *generator) atomic() {
	size := 4 << g.rng.IntN(2)
	base, off := r8, scratch+g.rng.IntN(64/size)*size
	operation := atomicOperations[g.rng.IntN(len(atomicOperations))]
	if operation&bpf.AtomicFetch == 0 && g.rng.IntN(2) == 0 {
		base, off = fp, -randomStack+g.rng.IntN(randomStack/size)*size
	}
	if operation == bpf.AtomicLoadAcq {
		g.add(atomicOp(size, operation, g.number(), off, base))
		return
	}
	g.add(atomicOp(size, operation, base, off, g.number()))
	if operation == bpf.AtomicCmpXchg && size == 4 {
		g.add(alu32X(bpf.OpMov, r0, r0))
	}
}

// loop repeats some arithmetic a few times.
func (g *generator) loop() {
	g.add(set(r9, int32(1+g.rng.IntN(6))))
	top := len(g.insns)
	for range 1 + g.rng.IntN(4) {
		g.alu()
	}
	g.add(add(r9, -1), jumpIf(bpf.OpJNE, r9, 0, 0))
	last := len(g.insns) - 1
	g.insns[last].Off = int16(top - last - 1)
	g.add(set(r9, 0))
}

// TestRandomProgramsDiffer makes sure that the generator uses what it says.
func TestRandomProgramsDiffer(t *testing.T) {
	ops := map[uint8]bool{}
	calls := 0
	for n := range 300 {
		prog, _ := randomProgram(rand.New(rand.NewPCG(1, uint64(n))))
		for _, in := range prog {
			ops[in.Op] = true
			if in.IsLocalCall() {
				calls++
			}
		}
	}
	want := 0
	for _, f := range slices.Concat(aluForms, conditionForms) {
		want++
		if !ops[f.Op] {
			t.Errorf("no %q", f.Syntax)
		}
	}
	if calls == 0 {
		t.Error("no calls")
	}
	t.Logf("%d opcodes, %d forms of arithmetic and jumps, %d calls", len(ops), want, calls)
}
