// Package generate writes random programs for tests: XDP programs that are valid
// by construction, so that the kernel's verifier takes nearly all of them, and
// that use as much as possible of what programs may do: all forms of arithmetic,
// jumps, memory, atomics, loops, functions, maps and helpers. What a program
// does depends on its packet and its maps only.
package generate

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Program is a random program.
type Program struct {
	Instructions []bpf.Instruction
	Functions    []bpf.Function
	Packets      [][]byte // to run it on, one after the other
}

// Options say what programs may do.
type Options struct {
	// Helper says which helpers may be called; nil is none but those of maps.
	Helper func(linux.HelperID) bool
}

// New makes program number n of a seed: the same for ever with the same options.
func New(seed, n uint64, opts Options) *Program {
	g := &generator{rng: rand.New(rand.NewPCG(seed, n)), helper: opts.Helper}
	if g.helper == nil {
		g.helper = func(linux.HelperID) bool { return false }
	}
	g.entry()
	for len(g.pending) > 0 {
		f := g.pending[0]
		g.pending = g.pending[1:]
		g.function(f)
	}
	return &Program{g.insns, g.functions, g.packets()}
}

const (
	leastPacket = 64 // every packet has these many bytes, which programs may always access
	mostPacket  = 200
)

func (g *generator) packets() [][]byte {
	list := make([][]byte, 3)
	for i := range list {
		p := make([]byte, 0, mostPacket+8)
		for len(p) < mostPacket {
			p = binary.LittleEndian.AppendUint64(p, g.value())
		}
		list[i] = p[:leastPacket+g.rng.IntN(mostPacket-leastPacket)]
	}
	return list
}

// Where things are in a stack frame, by their distance from r10. Memory for all
// kinds of access is at the bottom; the context is in the entry's frame only.
const (
	frameContext = -8
	frameKey     = -16
	frameValue   = -40 // 24 bytes
	frameMemory  = -104
	frameSize    = 104
	memorySize   = 64
)

// generator writes a program. r0 to r6 hold numbers wherever a piece begins or
// ends, r7 the packet, r8 the results, and r9 belongs to the piece under way.
type generator struct {
	rng       *rand.Rand
	helper    func(linux.HelperID) bool
	insns     []bpf.Instruction
	functions []bpf.Function
	pending   []*function // to be written, in order
	made      int         // functions but the entry
	now       *function
	leave     []int // jumps to the end of the entry
}

// function is a function that calls lead to.
type function struct {
	kind  functionKind
	depth int   // frames above
	stack int   // bytes of stack used by those above
	calls []int // instructions that call it
}

type functionKind int

const (
	entry    functionKind = iota
	memory                // has a frame, the packet and the results
	numbers               // only computes
	callback              // of bpf_loop
)

// maxFunctions is how many a program may have besides its entry.
const maxFunctions = 7

func (g *generator) add(insns ...bpf.Instruction) { g.insns = append(g.insns, insns...) }

func (g *generator) long(dst, src bpf.Register, imm uint64) {
	pair := bpf.LoadImm64(dst, src, imm)
	g.add(pair[0], pair[1])
}

func (g *generator) mapAt(dst bpf.Register, index int) { g.long(dst, bpf.PseudoMapIdx, uint64(index)) }

// jump adds a jump to where land says.
func (g *generator) jump(in bpf.Instruction) int {
	g.add(in)
	return len(g.insns) - 1
}

// land makes the jump at pc go to the instruction that comes next.
func (g *generator) land(pc int) {
	distance := len(g.insns) - pc - 1
	if g.insns[pc].Op == bpf.OpcodeJA32 {
		g.insns[pc].Imm = int32(distance)
		return
	}
	g.insns[pc].Off = int16(distance)
}

// one reports true once in n.
func (g *generator) one(n int) bool { return g.rng.IntN(n) == 0 }

// number is a register with a number in it.
func (g *generator) number() bpf.Register { return bpf.Register(g.rng.IntN(7)) }

// entry writes the program's own function.
func (g *generator) entry() {
	g.now = &function{kind: entry, stack: frameSize}
	g.add(store(8, r10, frameContext, r1), load(4, r7, r1, 0), load(4, r2, r1, 4), move(r3, r7), add(r3, leastPacket))
	enough := g.jump(jumpIfX(bpf.OpJLE, r3, r2))
	g.add(set(r0, 0), exit)
	g.land(enough)
	g.long(r8, bpf.PseudoMapIdxValue, mapResults)
	for i := range r7 {
		if g.one(3) {
			g.long(i, 0, g.value())
		} else {
			g.add(load(8, i, r7, 8*int(i)))
		}
	}
	g.frame()
	g.block(6 + g.rng.IntN(30))
	for _, pc := range g.leave {
		g.land(pc)
	}
	for i := range r7 {
		g.add(store(8, r8, 8*int(i), i))
	}
	g.add(exit)
	g.functions = append(g.functions, bpf.Function{Name: "entry", Len: len(g.insns)})
}

// frame fills the stack frame.
func (g *generator) frame() {
	g.add(set(r9, 0))
	for off := frameMemory; off < frameContext; off += 8 {
		g.add(store(8, r10, off, g.number()))
	}
}

// function writes a function and makes its calls lead there.
func (g *generator) function(f *function) {
	g.now = f
	start := len(g.insns)
	for _, pc := range f.calls {
		g.insns[pc].Imm = int32(start - pc - 1)
	}
	switch f.kind {
	case memory: // (results, packet, number, number, number)
		g.add(move(r8, r1), move(r7, r2), move(r0, r3), move(r6, r4), move(r1, r5), move(r2, r3))
		g.frame()
	case callback: // (turn, memory)
		g.add(move(r7, r2), move(r0, r1), load(8, r6, r2, 0), load(4, r3, r2, 8), move(r2, r6), move(r4, r0), move(r5, r6))
	default:
		g.add(move(r0, r1), move(r6, r2))
	}
	g.block(2 + g.rng.IntN(8))
	if f.kind == callback {
		// In halves, whose number the verifier does not know when it loads
		// both: it would follow a known one from turn to turn.
		n := g.number()
		g.add(store(4, r7, 0, n), store(4, r7, 4, n), store(4, r7, 8, g.number()), alu(bpf.OpAnd, r0, int32(g.rng.IntN(2))))
	}
	g.add(exit)
	g.functions = append(g.functions, bpf.Function{Name: "f" + string(rune('a'+len(g.functions))), Start: start, Len: len(g.insns) - start})
}

// block writes n pieces. Jumps go forwards to a piece's start.
func (g *generator) block(n int) {
	var jumps []int
	for range n {
		for i := 0; i < len(jumps); {
			if g.one(4) {
				g.land(jumps[i])
				jumps = slices.Delete(jumps, i, i+1)
				continue
			}
			i++
		}
		if g.one(6) {
			jumps = append(jumps, g.jump(g.condition()))
			continue
		}
		g.piece()
	}
	for _, at := range jumps {
		g.land(at)
	}
}

// piece writes a piece that the function may have.
func (g *generator) piece() {
	withMemory := g.now.kind == entry || g.now.kind == memory
	switch k := g.rng.IntN(40); {
	case k < 14:
		g.arithmetic()
	case k < 16:
		g.branches()
	case k < 18 && g.now.kind != callback:
		g.loop()
	case k < 20:
		g.callFunction()
	case !withMemory:
		g.arithmetic()
	case k < 27:
		g.memory()
	case k < 30:
		g.atomic(r8, scratch, scratchSize)
	case k < 36:
		g.mapPiece()
	case k < 37:
		g.callLoop()
	case k < 38:
		g.checksum()
	case g.now.kind == entry:
		g.packetPiece()
	}
}

// clobbered gives r1 to r5 numbers again after a call.
func (g *generator) clobbered() {
	for r := r1; r <= r5; r++ {
		switch g.rng.IntN(4) {
		case 0:
			g.add(move(r, r0))
		case 1:
			g.add(set(r, int32(g.value())))
		default:
			g.add(move(r, r6))
		}
	}
}

// interesting are the values that arithmetic goes wrong at.
var interesting = []uint64{
	0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 33, 63, 64, 65, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
	0x7fffffff, 0x80000000, 0x80000001, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
	0x8000000000000000, 0xffffffff00000000, 0xffffffff80000000, 0xffffffffffffffff, 0x0123456789abcdef,
}

func (g *generator) value() uint64 {
	if g.one(4) {
		return g.rng.Uint64()
	}
	return interesting[g.rng.IntN(len(interesting))]
}
