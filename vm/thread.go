package vm

import (
	"fmt"

	"ebtools/bpf"
)

// thread is what runs programs: its registers, its stack and its packet, in the
// address space of the machine.
type thread struct {
	machine *Machine
	mem     *memory
	budget  int64 // instructions a run may take
	// observed: runs take the loop of observe.go.
	observed bool
	regs     registers

	// The run under way.
	cpu       int    // simulated CPU it is on
	now       uint64 // when its input came, in ns
	code      *code
	left      int64   // of the budget, see run
	pc        uintptr // next instruction, in bytes, where run does not have it
	fault     error   // set to end the run
	tailCalls int     // made so far

	depth  int // index of the frame that runs
	base   int // index of the frame whose exit ends run
	frames [bpf.MaxCallDepth]frame
	stacks *[bpf.MaxCallDepth]*region
	spare  []*[bpf.MaxCallDepth]*region // for tail calls

	keys [bpf.MaxCallDepth]*region // what bpf_for_each_map_elem hands on, by frame

	packet   packet   // what the program works on
	xdp      *region  // struct xdp_md
	raw      *region  // the memory of RunRaw
	redirect Redirect // where the last redirect helper sent it
	random   uint64   // state of the random numbers

	holds      holdings // what the run must give back
	formatter  formatter
	formatArgs [maxFormatArguments]uint64
	eventData  []byte // what perf events are put together in
	chunk      [256]byte
	frags      []*region // further buffers of the packet, see mapFrag
}

func newThread(m *Machine, seed uint64) (*thread, error) {
	t := &thread{machine: m, mem: m.mem, budget: m.options.Limit, random: seed}
	t.observed = m.options.Count || m.options.Step != nil
	var err error
	if t.stacks, err = newStacks(m.mem); err != nil {
		return nil, err
	}
	if t.raw, err = m.mem.reserve("the memory", maxPacket); err != nil {
		return nil, err
	}
	return t, t.packet.init(t)
}

// newStacks maps the frames that calls may nest to, one behind the other. They are
// two pages apart, see stackTop.
func newStacks(mem *memory) (*[bpf.MaxCallDepth]*region, error) {
	stacks := new([bpf.MaxCallDepth]*region)
	mem.lock.Lock()
	defer mem.lock.Unlock()
	for i := range stacks {
		name := "the stack frame"
		if i > 0 {
			name = fmt.Sprintf("the stack frame of call depth %d", i)
		}
		r, err := mem.reserveLocked(name, bpf.StackSize)
		if err != nil {
			return nil, err
		}
		mem.remap(r, aligned(bpf.StackSize), false)
		r.down = true
		stacks[i] = r
	}
	return stacks, nil
}

// stackTop is r10 of the frame at the given depth. Each frame is a region of
// its own, so that an overrun faults and never lands in a caller's frame.
func (t *thread) stackTop(depth int) uint64 {
	return t.stacks[0].start + uint64(depth)*2*pageSize + bpf.StackSize
}

// maxMayGoto is how often may_goto goes on in one frame (Linux BPF_MAX_LOOPS). With
// a JIT for x86-64 or arm64, Linux goes on for a quarter of a second from 6.15 on,
// however often that is, which no program can rely on.
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
	t.depth, t.base, t.tailCalls = 0, 0, 0
	clear(t.regs[:10])
	t.regs[1], t.regs[2] = r1, r2
	t.openFrame(&t.regs, p.code)
	t.code, t.left, t.pc = p.code, t.budget, 0
	pc, err := t.loop()
	if err != nil {
		err = t.ended(pc, err)
	}
	if t.holds.any() {
		if err == nil {
			err = t.leaked()
		}
		t.letGo()
	}
	if err != nil {
		return 0, err
	}
	return t.regs[0], nil
}

// clock is the time in ns.
func (t *thread) clock() uint64 {
	if clock := t.machine.options.Clock; clock != nil {
		return clock()
	}
	return t.now
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
