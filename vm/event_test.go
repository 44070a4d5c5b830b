package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

func ringMap(size uint32) *bpf.Map {
	return &bpf.Map{Name: "ring", Type: linux.MapRingbuf, MaxEntries: size}
}

// output writes size bytes of the stack, which begin with the number in r6.
func output(size int32) []bpf.Instruction {
	return join(store(8, fp, -64, r6), mapAt(r1, 0), move(r2, fp), add(r2, -64), set(r3, size), set(r4, 0), call(int32(linux.FnRingbufOutput)))
}

var pass = []bpf.Instruction{set(r0, linux.XDPPass), exit}

// TestEvents: ring buffers and perf events reach Options.Event in order.
func TestEvents(t *testing.T) {
	events := &bpf.Map{Name: "events", Type: linux.MapPerfEventArray, KeySize: 4, ValueSize: 4}
	prog := join(
		move(r7, r1), set(r6, 1), output(8), set(r6, 2),
		mapAt(r1, 0), set(r2, 8), set(r3, 0), call(int32(linux.FnRingbufReserve)), jumpIf(bpf.OpJNE, r0, 0, 1), exit, move(r8, r0), store(8, r8, 0, r6),
		set(r6, 3), output(8), // waits for 2
		move(r1, r8), set(r2, 0), call(int32(linux.FnRingbufSubmit)),
		storeK(8, fp, -64, 4), move(r1, r7), mapAt(r2, 1), long(r3, linux.FCurrentCPU|4<<32), move(r4, fp), add(r4, -64), set(r5, 8), call(int32(linux.FnPerfEventOutput)),
		pass,
	)
	var got []string
	opts := Options{CPUs: 2, Event: func(e Event) {
		got = append(got, e.Map.Spec().Name+string('0'+rune(e.CPU))+" "+string('0'+rune(e.Data[0]))+string(e.Data[8:]))
	}}
	_, m := run1(t, opts, &Frame{Data: []byte("packet that is long enough"), CPU: 1}, prog, ringMap(4096), events)
	if want := []string{"ring1 1", "ring1 2", "ring1 3", "events1 4pack"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if n := m.Map("events").Spec().MaxEntries; n != 2 {
		t.Errorf("%d entries for perf events of 2 CPUs", n)
	}
}

// TestRecords: a ring fills up, is read, and goes on at its start.
func TestRecords(t *testing.T) {
	p := machine(t, join(move(r6, r1), load(4, r1, r1, 0), load(1, r6, r1, 0), output(56), exit), ringMap(4096))
	ring := p.machine.Map("ring")
	next, want := byte(0), byte(0)
	for round := range 10 {
		full := 0
		for range 80 {
			out, err := p.RunXDP(&Frame{Data: bytes.Repeat([]byte{next}, 60)})
			if err != nil {
				t.Fatal(err)
			}
			if int32(out.Verdict) == -int32(linux.EAGAIN) {
				full++
			} else {
				next++
			}
		}
		if room := 4095 / 64; round == 0 && full != 80-room {
			t.Errorf("%d of 80 records found no room", full)
		}
		for record := range ring.Records() {
			if len(record) != 56 || record[0] != want {
				t.Fatalf("record %x, want %d", record, want)
			}
			if want++; want%7 == 0 {
				break
			}
		}
	}
	for range p.machine.Map("ring").Records() {
		want++
	}
	if want != next {
		t.Errorf("read %d of %d records", want, next)
	}
}

// TestHeld: what a program takes must be given back, and is memory until then.
func TestHeld(t *testing.T) {
	reserve := join(mapAt(r1, 0), set(r2, 16), set(r3, 0), call(int32(linux.FnRingbufReserve)), jumpIf(bpf.OpJNE, r0, 0, 1), exit, move(r6, r0))
	end := func(helper linux.HelperID) []bpf.Instruction {
		return join(move(r1, r6), set(r2, 0), call(int32(helper)))
	}
	named := func(name string) bpf.Instruction { return namedKfunc(name) }
	dynptr := join(mapAt(r1, 0), set(r2, 16), set(r3, 0), at(r4, -16), call(int32(linux.FnRingbufReserveDynptr)))
	for _, c := range []struct {
		name string
		prog []bpf.Instruction
		want error
	}{
		{"submitted", join(reserve, storeK(8, r6, 8, 1), end(linux.FnRingbufSubmit), pass), nil},
		{"discarded", join(reserve, end(linux.FnRingbufDiscard), pass), nil},
		{"kept", join(reserve, pass), ErrHeld},
		{"behind the end", join(reserve, storeK(8, r6, 16, 1), pass), ErrOutOfBounds},
		{"before the start", join(reserve, storeK(4, r6, -8, 1), pass), ErrOutOfBounds},
		{"after the submit", join(reserve, end(linux.FnRingbufSubmit), storeK(8, r6, 0, 1), pass), ErrOutOfBounds},
		{"twice", join(reserve, end(linux.FnRingbufSubmit), end(linux.FnRingbufSubmit), pass), ErrArgument},
		{"inside", join(reserve, add(r6, 8), end(linux.FnRingbufSubmit), pass), ErrArgument},
		{"foreign", join(move(r6, fp), add(r6, -8), end(linux.FnRingbufSubmit), pass), ErrArgument},
		{"dynptr", join(dynptr, at(r1, -16), set(r2, 0), call(int32(linux.FnRingbufSubmitDynptr)), pass), nil},
		{"dynptr kept", join(dynptr, pass), ErrHeld},
		{"dynptr copied", join(dynptr, load(8, r1, fp, -16), store(8, fp, -32, r1), load(8, r1, fp, -8), store(8, fp, -24, r1), at(r1, -32), named("bpf_dynptr_size"), pass), ErrArgument},
		{"dynptr changed", join(dynptr, storeK(1, fp, -8, 15), at(r1, -16), named("bpf_dynptr_size"), pass), ErrArgument},
		{"iterator", join(at(r1, -8), set(r2, 0), set(r3, 1), named("bpf_iter_num_new"), at(r1, -8), named("bpf_iter_num_destroy"), pass), nil},
		{"iterator kept", join(at(r1, -8), set(r2, 0), set(r3, 1), named("bpf_iter_num_new"), pass), ErrHeld},
		{"no iterator", join(at(r1, -8), named("bpf_iter_num_next"), pass), ErrArgument},
		{"section", join(named("bpf_rcu_read_lock"), named("bpf_rcu_read_unlock"), pass), nil},
		{"section kept", join(named("bpf_preempt_disable"), pass), ErrHeld},
		{"no section", join(named("bpf_rcu_read_unlock"), pass), ErrArgument},
		{"crossed", join(at(r1, -8), named("bpf_local_irq_save"), at(r1, -16), named("bpf_local_irq_save"), at(r1, -8), named("bpf_local_irq_restore"), pass), ErrArgument},
	} {
		p := machine(t, c.prog, ringMap(4096))
		p.prog = withExterns(program(c.prog), func(id int32) string { return helpers[id].kfunc })
		p.code = decode(p.prog, p.machine.maps)
		for range 3 { // also after a fault
			if _, err := p.RunXDP(&Frame{Data: make([]byte, 60)}); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
	}
}

// namedKfunc calls a kernel function by an id of this test's own.
func namedKfunc(name string) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: int32(kfuncIndex[name])}
}

// withExterns gives the calls of kernel functions their names.
func withExterns(p *bpf.Program, name func(id int32) string) *bpf.Program {
	for pc, in := range p.Instructions {
		if in.Op == bpf.OpcodeCall && in.Src == bpf.CallKfunc {
			p.Externs = append(p.Externs, bpf.ExternRef{PC: pc, Extern: &bpf.Extern{Name: name(in.Imm)}})
		}
	}
	return p
}

// at is the address of a place on the stack.
func at(reg bpf.Register, off int32) []bpf.Instruction { return join(move(reg, fp), add(reg, off)) }

// unlessZero puts a jump over body before it, taken when the register is 0.
func unlessZero(reg bpf.Register, body []bpf.Instruction) []bpf.Instruction {
	return join(jumpIf(bpf.OpJEQ, reg, 0, int16(len(body))), body)
}

// TestRingSizes: what the kernel says to sizes of rings, after libbpf has rounded
// them.
func TestRingSizes(t *testing.T) {
	for _, c := range []struct{ given, want uint32 }{{0, 0}, {1, 4096}, {4096, 4096}, {4097, 8192}, {1 << 20, 1 << 20}} {
		m, err := New(&bpf.Object{Maps: []*bpf.Map{ringMap(c.given)}}, Options{})
		if c.want == 0 {
			if !errors.Is(err, linux.EINVAL) {
				t.Errorf("%d: %v", c.given, err)
			}
			continue
		}
		if err != nil || m.Maps()[0].Spec().MaxEntries != c.want {
			t.Errorf("%d: %v", c.given, err)
		}
	}
	bad := ringMap(4096)
	bad.ValueSize = 8
	if _, err := New(&bpf.Object{Maps: []*bpf.Map{bad}}, Options{}); !errors.Is(err, linux.EINVAL) {
		t.Errorf("a ring with values: %v", err)
	}
	m, _ := New(&bpf.Object{Maps: []*bpf.Map{ringMap(4096)}}, Options{})
	ring := m.Maps()[0]
	if _, err := ring.Lookup(nil); !errors.Is(err, linux.ENOTSUPP) {
		t.Errorf("lookup: %v", err)
	}
	if err := ring.Update(nil, nil, 0); !errors.Is(err, linux.ENOTSUPP) {
		t.Errorf("update: %v", err)
	}
	if err := ring.AddRecord(nil); !errors.Is(err, linux.EINVAL) {
		t.Errorf("a record added: %v", err)
	}
}

// TestAddRecord: a user_ringbuf may be filled to its end.
func TestAddRecord(t *testing.T) {
	m, err := New(&bpf.Object{Maps: []*bpf.Map{{Name: "r", Type: linux.MapUserRingbuf, MaxEntries: 4096}}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ring := m.Maps()[0]
	for i, c := range []struct {
		size int
		want error
	}{{4089, linux.E2BIG}, {4080, nil}, {1, linux.ENOSPC}, {0, nil}, {0, linux.ENOSPC}} {
		if err := ring.AddRecord(make([]byte, c.size)); !errors.Is(err, c.want) {
			t.Errorf("%d: %v, want %v", i, err, c.want)
		}
	}
}

// TestEventsOfWorkers: several workers write to one ring, with and without a
// reader; no record is torn or lost without a word.
func TestEventsOfWorkers(t *testing.T) {
	const workers, runs = 4, 500
	number := join(load(4, r2, r1, 0), load(8, r6, r2, 0))
	fill := join(store(8, r0, 0, r6), store(8, r0, 8, r6), store(8, r0, 16, r6), move(r1, r0), set(r2, 0), call(int32(linux.FnRingbufSubmit)))
	prog := join(number, mapAt(r1, 0), set(r2, 24), set(r3, 0), call(int32(linux.FnRingbufReserve)), unlessZero(r0, fill), output(40), set(r0, linux.XDPPass), exit)
	seen := map[uint64]int{}
	count := func(data []byte) {
		seen[binary.LittleEndian.Uint64(data)]++
		if len(data) == 24 && (getLE(data[:8]) != getLE(data[8:16]) || getLE(data[:8]) != getLE(data[16:])) {
			t.Errorf("a torn record: %x", data)
		}
	}
	for _, read := range []bool{true, false} {
		clear(seen)
		opts := Options{CPUs: workers, Workers: workers}
		if read {
			opts.Event = func(e Event) { count(e.Data) }
		}
		m, err := New(&bpf.Object{Maps: []*bpf.Map{ringMap(1 << 20)}, Programs: []*bpf.Program{program(prog)}}, opts)
		if err != nil {
			t.Fatal(err)
		}
		var wait sync.WaitGroup
		for cpu, w := range m.Workers() {
			wait.Go(func() {
				data := make([]byte, 60)
				for i := range runs {
					binary.LittleEndian.PutUint64(data, uint64(cpu*runs+i))
					if _, err := w.RunXDP(m.Programs()[0], &Frame{Data: data, CPU: cpu}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wait.Wait()
		for record := range m.Maps()[0].Records() {
			count(record)
		}
		if len(seen) != workers*runs {
			t.Errorf("%d numbers, want %d", len(seen), workers*runs)
		}
		for number, n := range seen {
			if n != 2 {
				t.Errorf("number %d: %d records", number, n)
			}
		}
	}
}
