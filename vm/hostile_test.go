package vm

import (
	"errors"
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// TestHostileCalls calls every helper and kernel function with arguments that make
// no sense, several in a run, so that what one leaves is what the next finds: each
// run ends by itself or with a fault, and the next is as good as new.
func TestHostileCalls(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 9))
	maps := []*bpf.Map{
		results(256), ringMap(4096),
		{Name: "user", Type: linux.MapUserRingbuf, MaxEntries: 4096},
		{Name: "events", Type: linux.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "jumps", Type: linux.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4, Values: []bpf.MapValue{{Index: 0, Name: "prog"}}},
		{Name: "hash", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4},
	}
	argument := func(reg bpf.Register) []bpf.Instruction {
		switch rng.IntN(8) {
		case 0:
			return join(set(reg, int32(rng.Uint32())))
		case 1:
			return join(long(reg, rng.Uint64()))
		case 2:
			return join(move(reg, r6)) // the context
		case 3:
			return join(mapAt(reg, rng.IntN(len(maps))))
		case 4:
			return join(valueAt(reg, 0, uint32(rng.IntN(256))))
		case 5:
			return functionAt(reg, rng.Int32N(20))
		case 6:
			return join(set(reg, rng.Int32N(64)))
		}
		return at(reg, -8*(1+rng.Int32N(8)))
	}
	n := 0
	for helpers[n].fn != nil {
		n++
	}
	var m *Machine
	ended, faults := 0, 0
	for i := range 200 * n {
		if i%1000 == 0 {
			var err error
			m, err = New(&bpf.Object{Maps: maps, Programs: []*bpf.Program{program(pass)}}, Options{Limit: 20_000, Event: func(Event) {}})
			if err != nil {
				t.Fatal(err)
			}
		}
		var prog []bpf.Instruction
		prog = join(prog, move(r6, r1))
		for j := range 3 {
			for reg := r1; reg <= r5; reg++ {
				prog = join(prog, argument(reg))
			}
			row := &helpers[rng.IntN(n)]
			if j == 0 {
				row = &helpers[i%n]
			}
			if row.kfunc != "" {
				prog = join(prog, namedKfunc(row.kfunc))
			} else {
				prog = join(prog, call(int32(row.id)))
			}
		}
		p := withExterns(program(join(prog, pass)), func(id int32) string { return helpers[id].kfunc })
		run := func(p *Program) (Outcome, error) { return p.RunXDP(tcpFrame()) }
		if i/n%2 == 1 {
			p.Type = linux.ProgSchedCLS
			run = func(p *Program) (Outcome, error) { return p.RunSKB(&SKB{Data: tcpFrame().Data}) }
		}
		m.programs[0].prog, m.programs[0].code = p, decode(p, m.maps)
		_ = m.Map("user").AddRecord(make([]byte, 20)) // until it is full
		for range 2 {
			_, err := run(m.programs[0])
			if fault := (*Fault)(nil); err != nil && !errors.As(err, &fault) {
				t.Fatalf("%v\n%s", err, listing(prog))
			}
			if err == nil {
				ended++
			} else {
				faults++
			}
			if held := m.workers[0].thread.holds; held.any() {
				t.Fatalf("%+v is held\n%s", held, listing(prog))
			}
		}
	}
	t.Logf("%d helpers and functions: %d runs ended, %d with a fault", n, ended, faults)
}
