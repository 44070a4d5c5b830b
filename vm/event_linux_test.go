package vm

import (
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

// ringSteps makes a program of random operations on the ring, map 1, with data of
// map 2. What each returns goes to map 0.
type ringSteps struct {
	rng *rand.Rand
	out uint32 // where the next result goes
}

func (s *ringSteps) keep() []bpf.Instruction {
	s.out += 8
	return keep(s.out - 8)
}

// size is a size of a record: mostly small, sometimes about as large as the ring.
func (s *ringSteps) size() int32 {
	switch s.rng.IntN(8) {
	case 0:
		return 0
	case 1:
		return 4000 + s.rng.Int32N(200)
	case 2:
		return s.rng.Int32N(2000)
	}
	return s.rng.Int32N(100)
}

// flags are mostly good.
func (s *ringSteps) flags(most int32) int32 {
	if s.rng.IntN(10) == 0 {
		return s.rng.Int32N(8)
	}
	return s.rng.Int32N(most)
}

func (s *ringSteps) step(depth int) []bpf.Instruction {
	switch s.rng.IntN(4) {
	case 0:
		return join(mapAt(r1, 1), set(r2, s.rng.Int32N(6)), call(int32(linux.FnRingbufQuery)), s.keep())
	case 1:
		if depth < 2 {
			return s.reserve(depth)
		}
	case 2:
		if depth < 2 {
			return s.dynptr(depth)
		}
	}
	return join(mapAt(r1, 1), valueAt(r2, 2, uint32(s.rng.IntN(100))), set(r3, s.size()), set(r4, s.flags(4)),
		call(int32(linux.FnRingbufOutput)), s.keep())
}

// end is a helper that ends a reservation, and its flags.
func (s *ringSteps) end(submit, discard linux.HelperID) []bpf.Instruction {
	helper := submit
	if s.rng.IntN(3) == 0 {
		helper = discard
	}
	return join(set(r2, s.flags(4)), call(int32(helper)))
}

func (s *ringSteps) reserve(depth int) []bpf.Instruction {
	size := s.size()
	held := bpf.R6 + bpf.Register(depth)
	body := []bpf.Instruction{}
	for off := int32(0); off+8 <= size; off += 8 + s.rng.Int32N(size) {
		body = join(body, storeK(8, held, int(off), s.rng.Int32()))
	}
	body = join(body, s.step(depth+1), move(r1, held), s.end(linux.FnRingbufSubmit, linux.FnRingbufDiscard), set(r0, 1), s.keep())
	return join(mapAt(r1, 1), set(r2, size), set(r3, s.flags(1)), call(int32(linux.FnRingbufReserve)), move(held, r0), unlessZero(held, body))
}

func (s *ringSteps) dynptr(depth int) []bpf.Instruction {
	size, at := s.size(), -16-16*int32(depth)
	if s.rng.IntN(20) == 0 {
		size = 1<<24 - s.rng.Int32N(2)
	}
	n := s.rng.Int32N(64)
	data := join(storeK(1, r0, 0, 0x77), set(r0, 1), s.keep())
	return join(
		mapAt(r1, 1), set(r2, size), set(r3, s.flags(1)), move(r4, fp), add(r4, at), call(int32(linux.FnRingbufReserveDynptr)), s.keep(),
		move(r1, fp), add(r1, at), set(r2, s.rng.Int32N(size+2)), valueAt(r3, 2, 0), set(r4, n), set(r5, s.flags(1)), call(int32(linux.FnDynptrWrite)), s.keep(),
		move(r1, fp), add(r1, at), set(r2, s.rng.Int32N(size+2)), set(r3, 1+s.rng.Int32N(8)), call(int32(linux.FnDynptrData)), unlessZero(r0, data),
		s.step(depth+1),
		move(r1, fp), add(r1, at), s.end(linux.FnRingbufSubmitDynptr, linux.FnRingbufDiscardDynptr),
	)
}

// TestKernelRingbuf compares random operations on a ring that is read now and
// then: results, positions, records.
func TestKernelRingbuf(t *testing.T) {
	c := newCallTest(t, results(1024), &bpf.Map{Name: "ring", Type: linux.MapRingbuf, MaxEntries: 4096}, readOnly(bytesUpTo(5000)))
	rng := rand.New(rand.NewPCG(5, 1))
	n := 1500
	if require.Long() {
		n = 100_000
	}
	for range n {
		s := &ringSteps{rng: rng}
		var prog []bpf.Instruction
		for range 1 + rng.IntN(5) {
			prog = join(prog, s.step(0))
		}
		if !c.run(linked(join(prog, set(r0, 2), exit)), bytesUpTo(14)) || t.Failed() {
			break
		}
		if rng.IntN(3) == 0 {
			if diff := c.differRing(1); diff != "" {
				t.Fatalf("records of the kernel (-) and the vm (+) differ:\n%s\n%s", diff, listing(prog))
			}
		}
	}
	if len(c.refused) > 0 {
		t.Error("the kernel refused a program")
	}
}

// TestKernelPerfEvent compares bpf_perf_event_output over its flags and sizes.
func TestKernelPerfEvent(t *testing.T) {
	events := &bpf.Map{Name: "events", Type: linux.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 4}
	c := newCallTest(t, results(8), readOnly(bytesUpTo(70_000)), events)
	rng := rand.New(rand.NewPCG(5, 2))
	for range 1500 {
		packet := bytesUpTo(14 + rng.IntN(1000))
		flags := []uint64{uint64(c.cpu), linux.FCurrentCPU, 0, 1, 2, 3, 4, 5, 0x7fffffff}[rng.IntN(9)]
		if rng.IntN(3) > 0 {
			flags = linux.FCurrentCPU
		}
		switch rng.IntN(4) {
		case 0:
			flags |= uint64(rng.IntN(len(packet)+2)) << 32
		case 1:
			flags |= uint64(rng.IntN(1<<20)) << 32
		case 2:
			if rng.IntN(4) == 0 {
				flags |= 1 << (52 + rng.IntN(12))
			}
		}
		size := rng.Int32N(200)
		if rng.IntN(20) == 0 {
			size = rng.Int32N(30_000)
		}
		p := linked(join(mapAt(r2, 2), long(r3, flags), valueAt(r4, 1, uint32(rng.IntN(50))), set(r5, size),
			call(int32(linux.FnPerfEventOutput)), keep(0), set(r0, 1), exit))
		p.Type = []linux.ProgramType{linux.ProgXDP, linux.ProgSchedCLS, linux.ProgSocketFilter, linux.ProgCgroupSKB, linux.ProgLWTXmit}[rng.IntN(5)]
		c.run(p, packet)
	}
}
