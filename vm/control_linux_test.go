package vm

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// mix folds a register into the number at an offset of map 0: n = n*31 + register.
// It uses r1 and r2.
func mix(off uint32, reg bpf.Register) []bpf.Instruction {
	return join(valueAt(r1, 0, off), load(8, r2, r1, 0), alu(bpf.OpMul, r2, 31), aluX(bpf.OpAdd, r2, reg), store(8, r1, 0, r2))
}

// each is a loop over the iterator at the given place on the stack, which folds
// what it gives into map 0.
func each(next bpf.Instruction, place, off int32) []bpf.Instruction {
	body := join(load(4, r3, r0, 0), mix(uint32(off), r3))
	head := join(at(r1, place), next)
	return join(head, jumpIf(bpf.OpJEQ, r0, 0, int16(len(body)+1)), body, jump(int16(-len(body)-len(head)-2)))
}

// TestKernelIterators compares bpf_iter_num and bpf_iter_bits.
func TestKernelIterators(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	words := make([]byte, 520*8)
	for i := range words {
		if rng.IntN(3) == 0 {
			words[i] = byte(rng.Uint32())
		}
	}
	c := newCallTest(t, results(64), readOnly(words))
	limits := []int32{math.MinInt32, math.MinInt32 + 1, -8 << 20, -(8 << 20) - 1, -5, -1, 0, 1, 3, 1000, 8 << 20, 8<<20 + 1, math.MaxInt32 - 3, math.MaxInt32}
	numNew, numNext, numDestroy := kfunc(t, "bpf_iter_num_new"), kfunc(t, "bpf_iter_num_next"), kfunc(t, "bpf_iter_num_destroy")
	for _, start := range limits {
		for _, end := range append(limits, start+2) {
			twice := join(at(r1, -8), numNext, unlessZero(r0, join(load(4, r3, r0, 0), mix(8, r3))))
			c.run(linked(join(at(r1, -8), set(r2, start), set(r3, end), numNew, low32(), keep(0), twice, twice, at(r1, -8), numDestroy, set(r0, 2), exit)), bytesUpTo(14))
			if n := int64(end) - int64(start); n < 10_000 {
				c.run(linked(join(at(r1, -8), set(r2, start), set(r3, end), numNew, low32(), keep(0), each(numNext, -8, 8), at(r1, -8), numDestroy, set(r0, 2), exit)), bytesUpTo(14))
			}
		}
	}
	bitsNew, bitsNext, bitsDestroy := kfunc(t, "bpf_iter_bits_new"), kfunc(t, "bpf_iter_bits_next"), kfunc(t, "bpf_iter_bits_destroy")
	for _, n := range []int32{0, 1, 2, 3, 7, 8, 64, 510, 511, 512, 520, -1} {
		for _, from := range [][]bpf.Instruction{join(valueAt(r2, 1, 0)), join(valueAt(r2, 1, 8*uint32(rng.IntN(9)))), join(set(r2, 0)), join(set(r2, 4096))} {
			c.run(linked(join(at(r1, -16), from, set(r3, n), bitsNew, low32(), keep(0), each(bitsNext, -16, 8), at(r1, -16), bitsDestroy, set(r0, 2), exit)), bytesUpTo(14))
		}
	}
	if len(c.refused) > 0 {
		t.Error("the kernel refused a program")
	}
}

// TestKernelSections runs what begins and ends sections in the kernel, and here.
func TestKernelSections(t *testing.T) {
	c := newCallTest(t, results(8))
	sections := join(
		kfunc(t, "bpf_rcu_read_lock"), kfunc(t, "bpf_preempt_disable"), kfunc(t, "bpf_preempt_disable"), at(r1, -8), kfunc(t, "bpf_local_irq_save"),
		at(r1, -16), kfunc(t, "bpf_local_irq_save"), at(r1, -16), kfunc(t, "bpf_local_irq_restore"), at(r1, -8), kfunc(t, "bpf_local_irq_restore"),
		kfunc(t, "bpf_preempt_enable"), kfunc(t, "bpf_preempt_enable"), kfunc(t, "bpf_rcu_read_unlock"), set(r0, 2), exit,
	)
	if !c.run(linked(sections), bytesUpTo(14)) {
		t.Error(c.refused)
	}
}

// withFunction puts main, in which the function's address is loaded at pc, before
// the function.
func withFunction(main []bpf.Instruction, pc int, function []bpf.Instruction) *bpf.Program {
	main[pc].Imm = int32(len(main) - pc - 1)
	return linked(join(main, function), len(main))
}

// TestKernelLoop compares bpf_loop: how often it calls, what it returns, and that
// registers survive.
func TestKernelLoop(t *testing.T) {
	c := newCallTest(t, results(64))
	for _, count := range []int64{0, 1, 2, 10, 1000, 8 << 20, 8<<20 + 1, -1, 1<<32 + 5} {
		for _, stop := range []int32{0, 1, 5, 999, math.MaxInt32} {
			for _, flags := range []int32{0, 1, -1} {
				if count > 10_000 && count <= maxLoops && stop > 1000 {
					continue // takes long
				}
				main := join(set(r6, 6), set(r7, 7), storeK(8, fp, -8, 1), long(r1, uint64(count)), functionAt(r2, 0), at(r3, -8), set(r4, flags),
					call(int32(linux.FnLoop)), keep(0), load(8, r6, fp, -8), mix(8, r6), mix(8, r7), set(r0, 2), exit)
				function := join(load(8, r3, r2, 0), alu(bpf.OpMul, r3, 3), aluX(bpf.OpXor, r3, r1), store(8, r2, 0, r3),
					set(r0, 0), set(r6, 0), set(r7, 0), jumpIf(bpf.OpJNE, r1, stop, 1), set(r0, 1), exit)
				c.run(withFunction(main, 5, function), bytesUpTo(14))
			}
		}
	}
	if len(c.refused) > 0 {
		t.Error("the kernel refused a program")
	}
}

// TestKernelTailCall compares programs that hand on to each other at random, also
// from functions, to indexes that have a program, have none, and are outside.
func TestKernelTailCall(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 7))
	const programs = 4
	names := []string{"a", "b", "c", "d"}
	compared := 0
	for round := range 60 {
		jumps := &bpf.Map{Name: "jumps", Type: linux.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 6}
		for i, name := range names {
			jumps.Values = append(jumps.Values, bpf.MapValue{Index: uint32(i), Name: name})
		}
		k, cpu := newKernel(t, results(64), jumps)
		obj := &bpf.Object{Maps: []*bpf.Map{results(64), jumps}}
		for i, name := range names {
			p := tailCaller(rng, i)
			p.Name = name
			obj.Programs = append(obj.Programs, p)
		}
		m, err := New(obj, Options{CPUs: k.CPUs()})
		if err != nil {
			t.Fatal(err)
		}
		var loaded []*kernel.Program
		for _, p := range obj.Programs {
			l, err := k.Load(p, kernel.LoadOptions{Functions: true})
			if err != nil {
				t.Fatal(err)
			}
			loaded = append(loaded, l)
		}
		for i := range programs {
			for range 3 {
				want, err := loaded[i].Run(kernel.Input{Data: bytesUpTo(14)})
				if err != nil {
					t.Fatal(err)
				}
				got, err := m.Programs()[i].RunXDP(&Frame{Data: bytesUpTo(14), CPU: cpu})
				if err != nil {
					t.Fatal(err)
				}
				a, _ := k.Lookup(0, word(0), 0)
				b, _ := m.maps[0].Lookup(word(0))
				if diff := differWords("counts", string(a), string(b)); diff != "" || got.Verdict != want.Return {
					t.Fatalf("round %d: the kernel returned %d, the vm %d\n%s%s", round, want.Return, got.Verdict, diff, listing(obj.Programs[i].Instructions))
				}
				compared++
			}
			loaded[i].Close()
		}
		k.Close()
	}
	t.Logf("%d runs compared", compared)
}

// tailCaller counts its runs in map 0 and hands on, or has a function do it.
func tailCaller(rng *rand.Rand, i int) *bpf.Program {
	index := func() int32 { return []int32{0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, -1}[rng.IntN(12)] }
	handOn := func() []bpf.Instruction {
		return join(move(r1, r6), mapAt(r2, 1), set(r3, index()), call(int32(linux.FnTailCall)))
	}
	prog := join(move(r6, r1), set(r7, 0), valueAt(r1, 0, uint32(8*i)), load(8, r2, r1, 0), add(r2, 1), store(8, r1, 0, r2))
	var calls []int
	for range rng.IntN(3) {
		prog = join(prog, move(r1, r6))
		calls = append(calls, len(prog))
		prog = join(prog, callLocal(0), aluX(bpf.OpAdd, r7, r0))
	}
	if rng.IntN(3) > 0 {
		prog = join(prog, handOn())
	}
	prog = join(prog, move(r0, r7), add(r0, int32(10+i)), alu(bpf.OpAnd, r0, 0xffff), exit)
	if len(calls) == 0 {
		return linked(prog)
	}
	start := len(prog)
	for _, pc := range calls {
		prog[pc].Imm = int32(start - pc - 1)
	}
	prog = join(prog, move(r6, r1), mix(32, r6)[:2], handOn(), set(r0, 100), exit)
	return linked(prog, start)
}

// TestKernelThrow compares what programs return that throw: from the main function,
// and from functions one and two calls away.
func TestKernelThrow(t *testing.T) {
	c := newCallTest(t, results(64))
	throwIf := func(value int32) []bpf.Instruction {
		return join(valueAt(r1, 0, 0), load(8, r2, r1, 0), jumpIf(bpf.OpJNE, r2, value, 2), set(r1, 100+value), kfunc(t, "bpf_throw"))
	}
	main := join(load(4, r2, r1, 4), load(4, r1, r1, 0), move(r3, r1), add(r3, 1), set(r0, 1), jumpIfX(bpf.OpJLE, r3, r2, 1), exit,
		load(1, r2, r1, 0), valueAt(r1, 0, 0), store(8, r1, 0, r2), throwIf(1), callLocal(2), add(r0, 1), exit)
	outer := join(throwIf(2), callLocal(2), add(r0, 1), exit)
	inner := join(valueAt(r1, 0, 8), load(8, r2, r1, 0), add(r2, 1), store(8, r1, 0, r2), throwIf(3), set(r0, 7), exit)
	packets := [][]byte{}
	for i := range byte(5) {
		packets = append(packets, append([]byte{i}, bytesUpTo(13)...))
	}
	if !c.run(linked(join(main, outer, inner), len(main), len(main)+len(outer)), packets...) {
		t.Error(c.refused)
	}
}

// TestKernelCatch compares a program whose exceptions go to a function of its own.
func TestKernelCatch(t *testing.T) {
	c := newCallTest(t, results(64))
	number := &btf.Int{Name: "unsigned long long", Size: 8}
	main := join(load(4, r2, r1, 4), load(4, r1, r1, 0), move(r3, r1), add(r3, 1), set(r0, 1), jumpIfX(bpf.OpJLE, r3, r2, 1), exit,
		load(1, r6, r1, 0), set(r0, 9), jumpIf(bpf.OpJEQ, r6, 0, 2), move(r1, r6), kfunc(t, "bpf_throw"), exit)
	catch := join(storeK(8, fp, -8, 1000), load(8, r2, fp, -8), move(r0, r1), aluX(bpf.OpAdd, r0, r2), alu(bpf.OpAnd, r0, 0xffff), exit)
	p := linked(join(main, catch), len(main))
	whole := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	p.Functions[0].Type = &btf.Func{
		Name: "prog", Linkage: btf.GlobalFunc, Tags: []string{"exception_callback:function1"},
		Type: &btf.FuncProto{Return: whole, Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: &btf.Struct{Name: "xdp_md", Size: 24}}}}},
	}
	p.Functions[1].Type = &btf.Func{
		Name: "function1", Linkage: btf.GlobalFunc,
		Type: &btf.FuncProto{Return: whole, Params: []btf.FuncParam{{Name: "cookie", Type: number}}},
	}
	packets := [][]byte{}
	for i := range byte(5) {
		packets = append(packets, append([]byte{i}, bytesUpTo(13)...))
	}
	if !c.run(p, packets...) {
		t.Error(c.refused)
	}
}

// userRing is the memory of a user_ringbuf in the kernel, to put records into.
type userRing struct{ producer []byte }

func openUserRing(t *testing.T, k *kernel.Kernel, index int, size int) *userRing {
	t.Helper()
	page := os.Getpagesize()
	memory, err := unix.Mmap(k.FD(index), int64(page), page+2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	return &userRing{memory}
}

func (u *userRing) add(size int, record []byte) {
	position := (*uint64)(unsafe.Pointer(&u.producer[0]))
	data := u.producer[os.Getpagesize():]
	off := *position & uint64(size-1)
	binary.NativeEndian.PutUint64(data[off:], uint64(len(record)))
	copy(data[off+8:], record)
	atomic.AddUint64(position, recordSpan(uint64(len(record))))
}

// TestKernelUserRingbuf compares bpf_user_ringbuf_drain: the samples that the
// function sees, how it ends, and what is left.
func TestKernelUserRingbuf(t *testing.T) {
	const size = 4096
	rng := rand.New(rand.NewPCG(5, 8))
	c := newCallTest(t, results(64), &bpf.Map{Name: "samples", Type: linux.MapUserRingbuf, MaxEntries: size})
	ring := openUserRing(t, c.kernel, 1, size)
	for range 400 {
		for range rng.IntN(12) {
			record := make([]byte, rng.IntN(200))
			for i := range record {
				record[i] = byte(rng.IntN(40))
			}
			if err := c.machine.maps[1].AddRecord(record); err == nil {
				ring.add(size, record)
			}
		}
		main := join(mapAt(r1, 1), functionAt(r2, 0), set(r3, 0), set(r4, rng.Int32N(5)), call(int32(linux.FnUserRingbufDrain)), keep(0), set(r0, 2), exit)
		function := join(
			move(r6, r1), storeK(8, fp, -8, 0), at(r1, -8), set(r2, 1+rng.Int32N(8)), move(r3, r6), set(r4, rng.Int32N(100)), set(r5, 0), call(int32(linux.FnDynptrRead)),
			move(r7, r0), load(8, r8, fp, -8), mix(8, r7), mix(16, r8),
			move(r1, r6), kfunc(t, "bpf_dynptr_size"), move(r7, r0), mix(24, r7),
			set(r0, 0), jumpIf(bpf.OpJNE, r8, 7, 1), set(r0, 1), exit,
		)
		if !c.run(withFunction(main, 2, function), bytesUpTo(14)) || t.Failed() {
			t.Fatal(c.refused)
		}
	}
}
