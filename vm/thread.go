package vm

import (
	"fmt"
	"math/bits"
	"unsafe"

	"ebtools/bpf"
)

// thread is one simulated CPU at work: its address space, its registers and
// its stack.
type thread struct {
	machine *Machine
	mem     *memory
	cpu     int
	budget  int64 // instructions a run may take
	regs    registers

	// The run under way.
	code  *code
	left  int64   // of the budget, see run
	pc    uintptr // next instruction, in bytes, where run does not have it
	fault error   // set to end the run

	depth  int // index of the frame that runs
	frames [bpf.MaxCallDepth]frame
	stacks [bpf.MaxCallDepth]*region

	packet   packet   // what XDP programs work on
	redirect Redirect // where the last redirect helper sent it
	random   uint64   // state of the random numbers
}

func newThread(m *Machine) (*thread, error) {
	t := &thread{machine: m, mem: newMemory(), budget: m.limit, random: m.seed}
	for i := range t.stacks {
		name := "the stack frame"
		if i > 0 {
			name = fmt.Sprintf("the stack frame of call depth %d", i)
		}
		r, err := t.mem.mapBytes(name, aligned(bpf.StackSize), false)
		if err != nil {
			return nil, err
		}
		r.down = true
		t.stacks[i] = r
	}
	return t, t.packet.init(t)
}

// stackTop is r10 of the frame at the given depth. Each frame is a region of
// its own, so that an overrun faults and never lands in a caller's frame.
func (t *thread) stackTop(depth int) uint64 {
	return t.stacks[0].start + uint64(depth)*2*pageSize + bpf.StackSize
}

// maxMayGoto is how often may_goto goes on in one frame (Linux BPF_MAX_LOOPS).
const maxMayGoto = 8 << 20

// openFrame clears the frame's stack, which the kernel leaves as it was: here
// a run must not depend on the run before.
func (t *thread) openFrame(r *registers, c *code) {
	r[10] = t.stackTop(t.depth)
	t.frames[t.depth].mayGoto = maxMayGoto
	if c.usesStack {
		clear(t.stacks[t.depth].data)
	}
}

// execute runs a program with the given r1 and r2, all other registers 0, and
// returns r0.
func (t *thread) execute(p *Program, r1, r2 uint64) (uint64, error) {
	t.depth = 0
	clear(t.regs[:10])
	t.regs[1], t.regs[2] = r1, r2
	t.openFrame(&t.regs, p.code)
	if pc, err := t.run(p.code); err != nil {
		return 0, &Fault{Program: p.prog, PC: pc, Registers: [11]uint64(t.regs[:11]), Err: err}
	}
	return t.regs[0], nil
}

// random32 is the next pseudo-random number of this thread (splitmix64's upper
// half): the same for the same seed.
func (t *thread) random32() uint32 {
	t.random += 0x9e3779b97f4a7c15
	z := t.random
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return uint32((z ^ z>>31) >> 32)
}

// packetLoad is a legacy packet load: r0 = the bytes at an offset of the
// packet, in host order. It reports whether they are all inside.
func (t *thread) packetLoad(in *inst, r *registers) bool {
	off := uint32(in.imm)
	if in.op == opPacketInd {
		off += uint32(r[in.src])
	}
	data := t.packet.bytes()
	if uint64(off)+uint64(in.aux) > uint64(len(data)) {
		return false
	}
	var v uint64
	for _, b := range data[off : off+uint32(in.aux)] { // network order
		v = v<<8 | uint64(b)
	}
	r[0] = v
	return true
}

// hostIsLittle reports whether program memory, always little-endian, has the
// byte order of this host.
var hostIsLittle = func() bool { v := uint16(1); return *(*byte)(unsafe.Pointer(&v)) == 1 }()

// host64 and host32 turn a number in host order into one in program order, and back.
func host64(v uint64) uint64 {
	if hostIsLittle {
		return v
	}
	return bits.ReverseBytes64(v)
}

func host32(v uint32) uint32 {
	if hostIsLittle {
		return v
	}
	return bits.ReverseBytes32(v)
}
