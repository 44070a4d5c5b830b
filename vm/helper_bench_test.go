package vm

import (
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// helperWorkloads call one helper or function again and again. Map 0 has text and
// formats, map 1 is a ring, map 2 perf events.
func helperWorkloads() []workload {
	data := make([]byte, 256)
	copy(data, "a string of 27 letters, yes")
	copy(data[32:], "%d %s %08x")
	copy(data[64:], "-123456 ")
	maps := []*bpf.Map{
		{Name: "data", Type: linux.MapArray, KeySize: 4, ValueSize: 256, MaxEntries: 1, Contents: data},
		ringMap(1 << 20),
		{Name: "events", Type: linux.MapPerfEventArray, KeySize: 4, ValueSize: 4},
	}
	text := func(reg bpf.Register, off uint32) [2]bpf.Instruction { return valueAt(reg, 0, off) }
	numbers := join(storeK(8, fp, -24, 42), text(r1, 0), store(8, fp, -16, r1), storeK(8, fp, -8, 0xbeef))
	reserved := join(storeK(8, r0, 0, 1), move(r1, r0), set(r2, 0), call(int32(linux.FnRingbufSubmit)))
	dynptr := join(text(r1, 0), set(r2, 128), set(r3, 0), at(r4, -16), call(int32(linux.FnDynptrFromMem)))
	all := []workload{
		looped("ktime_get_ns", maps, nil, call(int32(linux.FnKtimeGetNs))),
		looped("get_prandom_u32", maps, nil, call(int32(linux.FnGetPrandomU32))),
		looped("ringbuf_output", maps, nil, mapAt(r1, 1), text(r2, 0), set(r3, 32), set(r4, 0), call(int32(linux.FnRingbufOutput))),
		looped("ringbuf_reserve", maps, nil, mapAt(r1, 1), set(r2, 32), set(r3, 0), call(int32(linux.FnRingbufReserve)), unlessZero(r0, reserved)),
		looped("perf_event_output", maps, join(move(r6, r1)), move(r1, r6), mapAt(r2, 2), long(r3, linux.FCurrentCPU|32<<32), text(r4, 0), set(r5, 32), call(int32(linux.FnPerfEventOutput))),
		looped("strtol", maps, nil, text(r1, 64), set(r2, 8), set(r3, 10), at(r4, -8), call(int32(linux.FnStrtol))),
		looped("strncmp", maps, nil, text(r1, 0), set(r2, 27), text(r3, 0), call(int32(linux.FnStrncmp))),
		looped("snprintf", maps, numbers, text(r1, 128), set(r2, 100), text(r3, 32), at(r4, -24), set(r5, 24), call(int32(linux.FnSnprintf))),
		looped("trace_printk", maps, nil, text(r1, 32), set(r2, 11), set(r3, 42), text(r4, 0), set(r5, 5), call(int32(linux.FnTracePrintk))),
		looped("dynptr_from_mem", maps, nil, dynptr),
		looped("dynptr_read", maps, dynptr, at(r1, -64), set(r2, 32), at(r3, -16), set(r4, 8), set(r5, 0), call(int32(linux.FnDynptrRead))),
		looped("dynptr_write", maps, dynptr, at(r1, -16), set(r2, 96), text(r3, 0), set(r4, 32), set(r5, 0), call(int32(linux.FnDynptrWrite))),
		looped("bpf_dynptr_slice", maps, dynptr, at(r1, -16), set(r2, 8), set(r3, 0), set(r4, 8), namedKfunc("bpf_dynptr_slice")),
		looped("bpf_strlen", maps, nil, text(r1, 0), namedKfunc("bpf_strlen")),
		looped("bpf_strcmp", maps, nil, text(r1, 0), text(r2, 0), namedKfunc("bpf_strcmp")),
		looped("bpf_strstr", maps, nil, text(r1, 0), text(r2, 26), namedKfunc("bpf_strstr")),
		looped("bpf_iter_num_next", maps, join(at(r1, -8), set(r2, 0), set(r3, 1<<20), namedKfunc("bpf_iter_num_new")), at(r1, -8), namedKfunc("bpf_iter_num_next")),
		looped("bpf_rcu_read_lock", maps, nil, namedKfunc("bpf_rcu_read_lock"), namedKfunc("bpf_rcu_read_unlock")),
	}
	for i := range all {
		if all[i].name == "bpf_iter_num_next" { // destroyed at the end
			prog := all[i].prog
			all[i].prog = join(prog[:len(prog)-2], at(r1, -8), namedKfunc("bpf_iter_num_destroy"), pass)
		}
	}
	function := join(set(r0, 0), exit)
	loop := join(set(r1, rounds), functionAt(r2, 0), set(r3, 0), set(r4, 0), call(int32(linux.FnLoop)), pass)
	loop[1].Imm = int32(len(loop) - 2)
	return append(all, workload{"loop", 3 * rounds, maps, join(loop, function)})
}

// helperMachine makes a machine for a workload, with a reader that takes all events.
func helperMachine(t testing.TB, w workload, events *int) *Program {
	t.Helper()
	p := withExterns(program(w.prog), func(id int32) string { return helpers[id].kfunc })
	m, err := New(&bpf.Object{Maps: w.maps, Programs: []*bpf.Program{p}}, Options{Event: func(Event) { *events++ }})
	if err != nil {
		t.Fatal(err)
	}
	return m.Programs()[0]
}

func BenchmarkHelper(b *testing.B) {
	for _, w := range helperWorkloads() {
		b.Run(w.name, func(b *testing.B) {
			events := 0
			p, frame := helperMachine(b, w, &events), tcpFrame()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.RunXDP(frame); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rounds, "ns/call")
		})
	}
}

// TestHelpersDoNotAllocate: a call allocates nothing.
func TestHelpersDoNotAllocate(t *testing.T) {
	for _, w := range helperWorkloads() {
		events := 0
		p, frame := helperMachine(t, w, &events), tcpFrame()
		allocs := testing.AllocsPerRun(5, func() {
			if _, err := p.RunXDP(frame); err != nil {
				t.Fatalf("%s: %v", w.name, err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations in %d calls", w.name, allocs, rounds)
		}
		if written := strings.Contains(w.name, "ringbuf") || strings.Contains(w.name, "event"); written != (events > 0) {
			t.Errorf("%s: %d events", w.name, events)
		}
	}
}
