package vm

import (
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

// dynptrSteps makes programs of random operations on dynptrs: of 256 bytes of map
// 1, of the packet, and null ones. What they return goes to map 0; bytes that
// they read to its second half.
type dynptrSteps struct {
	t    *testing.T
	rng  *rand.Rand
	out  uint32
	live []int32 // where on the stack there are dynptrs
	kind linux.ProgramType
	old  bool // the kernel lacks the newest functions
}

const (
	dynptrResults = 1024 // bytes of results, and of what was read
	dynptrMemory  = 256
)

func (s *dynptrSteps) keep(narrow bool) []bpf.Instruction {
	s.out += 8
	if narrow {
		return join(low32(), keep(s.out-8))
	}
	return keep(s.out - 8)
}

// place is a new place on the stack for a dynptr.
func (s *dynptrSteps) place() int32 {
	at := -16 * int32(len(s.live)+1)
	s.live = append(s.live, at)
	return at
}

func (s *dynptrSteps) some() int32 { return s.live[s.rng.IntN(len(s.live))] }

// number is an offset or a size: mostly inside what dynptrs have.
func (s *dynptrSteps) number() int32 {
	switch s.rng.IntN(8) {
	case 0:
		return 0
	case 1:
		return int32(s.rng.Uint32()) // large or negative
	case 2:
		return s.rng.Int32N(400)
	case 3:
		return 3400 + s.rng.Int32N(8000) // where packets in several buffers go on
	}
	return s.rng.Int32N(40)
}

func (s *dynptrSteps) flags() int32 {
	if s.rng.IntN(10) == 0 {
		return 1
	}
	return 0
}

// create makes a dynptr.
func (s *dynptrSteps) create() []bpf.Instruction {
	if s.rng.IntN(2) == 0 {
		return join(move(r1, r6), set(r2, s.flags()), at(r3, s.place()), kfunc(s.t, s.fromPacket()), s.keep(true))
	}
	start := s.rng.Int32N(dynptrMemory)
	size := s.rng.Int32N(dynptrMemory - start)
	return join(valueAt(r1, 1, uint32(start)), set(r2, size), set(r3, s.flags()), at(r4, s.place()), call(int32(linux.FnDynptrFromMem)), s.keep(false))
}

func (s *dynptrSteps) fromPacket() string {
	if s.kind == linux.ProgXDP {
		return "bpf_dynptr_from_xdp"
	}
	return "bpf_dynptr_from_skb"
}

// buffer is memory of n bytes that is read to or written from.
func (s *dynptrSteps) buffer(reg bpf.Register, n int32) [2]bpf.Instruction {
	return valueAt(reg, 0, uint32(dynptrResults+s.rng.Int32N(dynptrResults-n)))
}

func (s *dynptrSteps) step() []bpf.Instruction {
	n := s.rng.Int32N(64)
	choice := s.rng.IntN(12)
	if s.old && (choice == 9 || choice == 10) {
		choice = 11
	}
	switch choice {
	case 0:
		if len(s.live) < 12 {
			return s.create()
		}
		fallthrough
	case 1:
		return join(s.buffer(r1, n), set(r2, n), at(r3, s.some()), set(r4, s.number()), set(r5, s.flags()), call(int32(linux.FnDynptrRead)), s.keep(false))
	case 2:
		return join(at(r1, s.some()), set(r2, s.number()), s.buffer(r3, n), set(r4, n), set(r5, s.flags()), call(int32(linux.FnDynptrWrite)), s.keep(false))
	case 3:
		n := 1 + s.rng.Int32N(32)
		used := join(load(1, r1, r0, 0), storeK(1, r0, int(n-1), s.rng.Int32()), move(r0, r1), s.keep(false))
		return join(at(r1, s.some()), set(r2, s.number()), set(r3, n), call(int32(linux.FnDynptrData)), unlessZero(r0, used))
	case 4:
		return join(at(r1, s.some()), set(r2, s.number()), set(r3, s.number()), kfunc(s.t, "bpf_dynptr_adjust"), s.keep(true))
	case 5:
		return join(at(r1, s.some()), kfunc(s.t, "bpf_dynptr_is_null"), alu(bpf.OpAnd, r0, 0xff), s.keep(false))
	case 6:
		return join(at(r1, s.some()), kfunc(s.t, "bpf_dynptr_is_rdonly"), alu(bpf.OpAnd, r0, 0xff), s.keep(false))
	case 7:
		return join(at(r1, s.some()), kfunc(s.t, "bpf_dynptr_size"), s.keep(true))
	case 8:
		if len(s.live) < 12 {
			from := s.some()
			return join(at(r1, from), at(r2, s.place()), kfunc(s.t, "bpf_dynptr_clone"), s.keep(true))
		}
		return s.slice()
	case 9:
		return join(at(r1, s.some()), set(r2, s.number()), at(r3, s.some()), set(r4, s.number()), set(r5, s.number()), kfunc(s.t, "bpf_dynptr_copy"), s.keep(true))
	case 10:
		return join(at(r1, s.some()), set(r2, s.number()), set(r3, s.number()), set(r4, s.rng.Int32()), kfunc(s.t, "bpf_dynptr_memset"), s.keep(true))
	}
	return s.slice()
}

func (s *dynptrSteps) slice() []bpf.Instruction {
	n := 1 + s.rng.Int32N(500)
	buffer := join(set(r3, 0))
	if s.rng.IntN(2) == 0 {
		buffer = join(s.buffer(r3, n))
	}
	args := join(at(r1, s.some()), set(r2, s.number()), buffer, set(r4, n))
	readOnly := s.kind == linux.ProgSocketFilter || s.kind == linux.ProgCgroupSKB
	if readOnly || s.rng.IntN(2) == 0 {
		return join(args, kfunc(s.t, "bpf_dynptr_slice"), unlessZero(r0, join(load(1, r0, r0, int(n-1)), s.keep(false))))
	}
	used := join(load(1, r1, r0, int(n-1)), storeK(1, r0, 0, s.rng.Int32()), move(r0, r1), s.keep(false))
	return join(args, kfunc(s.t, "bpf_dynptr_slice_rdwr"), unlessZero(r0, used))
}

// TestKernelDynptr compares random operations on dynptrs. Those of ring buffers are
// part of TestKernelRingbuf.
func TestKernelDynptr(t *testing.T) {
	c := newCallTest(t, results(2*dynptrResults), dataMap(bytesUpTo(dynptrMemory)))
	rng := rand.New(rand.NewPCG(5, 5))
	types, err := kernelFunctions()
	if err != nil {
		t.Fatal(err)
	}
	_, newest := types.FuncID("bpf_dynptr_memset") // 6.17
	old := !newest
	steps, n := 0, 1500
	if require.Long() {
		n = 50_000
	}
	for range n {
		kinds := []linux.ProgramType{linux.ProgXDP, linux.ProgXDP, linux.ProgSchedCLS, linux.ProgSocketFilter, linux.ProgCgroupSKB}
		s := &dynptrSteps{t: t, rng: rng, kind: kinds[rng.IntN(len(kinds))], old: old}
		prog := join(move(r6, r1), s.create())
		for range 1 + rng.IntN(30) {
			prog = join(prog, s.step())
			steps++
		}
		p, packet := linked(join(prog, set(r0, 1), exit)), bytesUpTo(14+rng.IntN(200))
		p.Type = s.kind
		if s.kind == linux.ProgXDP && rng.IntN(2) == 0 {
			p.SectionFlags, packet = linux.SecFrags, bytesUpTo(3500+rng.IntN(9000))
		}
		c.run(p, packet)
		if t.Failed() {
			break
		}
	}
	t.Logf("%d calls", steps)
}
