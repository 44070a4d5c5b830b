package vm

import (
	"encoding/binary"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// workload is a program that does one thing many times, and how many
// instructions that takes.
type workload struct {
	name  string
	insns int
	maps  []*bpf.Map
	prog  []bpf.Instruction
}

const rounds = 1000

// loop repeats body, which must leave r9 alone, rounds times.
func loop(body ...any) (prog []bpf.Instruction, insns int) {
	inner := join(body...)
	prog = join(set(r9, rounds), inner, add(r9, -1), jumpIf(bpf.OpJNE, r9, 0, int16(-len(inner)-2)), set(r0, linux.XDPPass), exit)
	return prog, rounds*(count(inner)+2) + 3
}

// count is how many instructions there are, not slots.
func count(insns []bpf.Instruction) (n int) {
	for pc := 0; pc < len(insns); n++ {
		pc++
		if insns[pc-1].IsLoadImm64() {
			pc++
		}
	}
	return n
}

func looped(name string, maps []*bpf.Map, before []bpf.Instruction, body ...any) workload {
	prog, n := loop(body...)
	return workload{name, n + count(before), maps, join(before, prog)}
}

func workloads() []workload {
	counters := func(kind linux.MapType) []*bpf.Map {
		return []*bpf.Map{{Name: "m", Type: kind, KeySize: 4, ValueSize: 8, MaxEntries: 1024}}
	}
	lookup := join(mapAt(r1, 0), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)), jumpIf(bpf.OpJEQ, r0, 0, 3), load(8, r1, r0, 0), add(r1, 1), store(8, r0, 0, r1))
	key := join(storeK(4, fp, -4, 7))
	update := join(
		mapAt(r1, 0), move(r2, fp), add(r2, -4), move(r3, fp), add(r3, -16), set(r4, linux.Any),
		storeK(4, fp, -4, 7), storeK(8, fp, -16, 0), call(int32(linux.FnMapUpdateElem)),
	)
	all := []workload{
		{name: "empty", insns: 2, prog: join(set(r0, linux.XDPPass), exit)},
		looped("xorshift", nil, join(set(r0, 88172645)),
			move(r1, r0), alu(bpf.OpLsh, r1, 13), aluX(bpf.OpXor, r0, r1),
			move(r1, r0), alu(bpf.OpRsh, r1, 7), aluX(bpf.OpXor, r0, r1),
			move(r1, r0), alu(bpf.OpLsh, r1, 17), aluX(bpf.OpXor, r0, r1)),
		looped("memory", nil, join(storeK(8, fp, -8, 1), storeK(8, fp, -16, 2)),
			load(8, r1, fp, -8), load(8, r2, fp, -16), aluX(bpf.OpAdd, r1, r2), store(8, fp, -16, r1), load(4, r3, fp, -12), store(4, fp, -4, r3)),
		looped("packet", nil, join(move(r6, r1)), parsePacket()...),
		looped("atomic", nil, join(storeK(8, fp, -8, 1), set(r2, 1)), atomicOp(8, bpf.AtomicAdd, fp, -8, r2)),
		looped("helper", nil, nil, call(int32(linux.FnGetSmpProcessorId))),
		looped("lookup/array", counters(linux.MapArray), key, lookup),
		looped("lookup/percpu_array", counters(linux.MapPercpuArray), key, lookup),
		looped("lookup/hash", counters(linux.MapHash), join(update, key), lookup),
		looped("lookup/percpu_hash", counters(linux.MapPercpuHash), join(update, key), lookup),
		looped("update/hash", counters(linux.MapHash), nil, update),
	}
	calls, n := loop(callLocal(4))
	return append(all, workload{"call", n + 2*rounds, nil, join(calls, set(r0, 1), exit)})
}

// parsePacket reads the headers of a TCP packet over IPv4, with the checks that
// the kernel asks for.
func parsePacket() []any {
	return []any{
		load(4, r2, r6, 4), load(4, r1, r6, 0),
		move(r3, r1), add(r3, 54), jumpIfX(bpf.OpJGT, r3, r2, 9),
		load(2, r3, r1, 12), jumpIf(bpf.OpJNE, r3, 8, 7),
		load(1, r3, r1, 14), alu(bpf.OpAnd, r3, 15), alu(bpf.OpLsh, r3, 2),
		load(1, r4, r1, 23), jumpIf(bpf.OpJNE, r4, 6, 2),
		aluX(bpf.OpAdd, r1, r3), load(2, r5, r1, 16),
	}
}

// tcpFrame is what parsePacket reads to its end.
func tcpFrame() *Frame {
	b := make([]byte, 60)
	binary.BigEndian.PutUint16(b[12:], 0x0800)
	b[14], b[23] = 0x45, 6
	return &Frame{Data: b}
}

func BenchmarkRun(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.name, func(b *testing.B) {
			p := machine(b, w.prog, w.maps...)
			frame := tcpFrame()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.RunXDP(frame); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(w.insns), "ns/insn")
		})
	}
}

// BenchmarkWrite is a run that changes its packet, and so copies it.
func BenchmarkWrite(b *testing.B) {
	p := machine(b, join(load(4, r2, r1, 0), storeK(1, r2, 0, 1), set(r0, linux.XDPTX), exit))
	frame := &Frame{Data: make([]byte, 1514)}
	for b.Loop() {
		if _, err := p.RunXDP(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	w := workloads()[3]
	obj := &bpf.Object{Programs: []*bpf.Program{program(w.prog)}, Maps: w.maps}
	for b.Loop() {
		if _, err := New(obj, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecode is what each instruction costs before a program runs.
func BenchmarkDecode(b *testing.B) {
	var prog []bpf.Instruction
	for len(prog) < 2000 {
		prog = join(append([]any{prog}, parsePacket()...)...)
	}
	p := program(join(prog, exit))
	for b.Loop() {
		decode(p, nil)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(p.Instructions)), "ns/insn")
}

// TestNoAllocations: a run allocates nothing, whatever the program does.
func TestNoAllocations(t *testing.T) {
	moves := workload{name: "adjust and write", prog: join(
		move(r6, r1), set(r2, -20), call(int32(linux.FnXdpAdjustHead)),
		move(r1, r6), set(r2, 40), call(int32(linux.FnXdpAdjustTail)),
		move(r1, r6), set(r2, -8), call(int32(linux.FnXdpAdjustMeta)),
		load(4, r1, r6, 0), storeK(8, r1, 0, 1), set(r0, linux.XDPTX), exit,
	)}
	for _, w := range append(workloads(), moves) {
		p := machine(t, w.prog, w.maps...)
		frame := tcpFrame()
		allocs := testing.AllocsPerRun(20, func() {
			if out, err := p.RunXDP(frame); err != nil || out.Verdict == linux.XDPAborted {
				t.Fatalf("%s: %v, %v", w.name, out.Verdict, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations a run", w.name, allocs)
		}
	}
	p := machine(t, join(set(r0, 1), exit))
	memory := make([]byte, 100)
	if allocs := testing.AllocsPerRun(20, func() { _, _ = p.RunRaw(memory) }); allocs != 0 {
		t.Errorf("RunRaw: %v allocations a run", allocs)
	}
}
