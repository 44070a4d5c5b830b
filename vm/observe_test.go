package vm

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"

	"ebtools/bpf"
)

func TestObservedLoopIsCurrent(t *testing.T) {
	want, err := exec.Command("go", "run", "interp_observed_gen.go").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile("interp_observed.go"); err != nil || string(got) != string(want) {
		t.Errorf("interp_observed.go is not what go generate makes of interp.go (%v)", err)
	}
}

// TestObservedRuns: random programs do the same when they are observed, and
// counts are how often Step was called.
func TestObservedRuns(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	ended := 0
	for n := range 300 {
		prog := fuseProgram(rng)
		fast := machine(t, prog)
		steps := make([]uint64, len(prog))
		last := -1
		opts := Options{Limit: 2000, Count: true, Step: func(_ *bpf.Program, pc int, r *[11]uint64) {
			steps[pc]++
			last = pc
		}}
		m, err := New(&bpf.Object{Programs: []*bpf.Program{program(prog)}}, opts)
		if err != nil {
			t.Fatal(err)
		}
		fast.machine.workers[0].thread.budget = 2000
		slow := m.Programs()[0]
		one, other := make([]byte, fuseMemory), make([]byte, fuseMemory)
		want, wantErr := fast.RunRaw(one)
		got, gotErr := slow.RunRaw(other)
		if !slices.Equal(steps, slow.Counts()) {
			t.Fatalf("program %d: steps %d, counts %d", n, steps, slow.Counts())
		}
		if f, ok := gotErr.(*Fault); ok && f.PC != last {
			t.Errorf("program %d: a fault at insn %d, the last step was at %d", n, f.PC, last)
		}
		if fast.machine.workers[0].thread.left < 0 || m.workers[0].thread.left < 0 {
			continue // joined instructions count a little differently
		}
		ended++
		if got != want || faultText(gotErr) != faultText(wantErr) || !slices.Equal(one, other) {
			t.Fatalf("program %d: %#x %v, observed %#x %v\n%s", n, want, wantErr, got, gotErr, listing(prog))
		}
	}
	if ended < 100 {
		t.Errorf("%d programs came to an end", ended)
	}
}

func TestCounts(t *testing.T) {
	prog := join(set(r1, 5), add(r0, 1), add(r1, -1), jumpIf(bpf.OpJNE, r1, 0, -3), long(r2, 1), exit)
	m, err := New(&bpf.Object{Programs: []*bpf.Program{program(prog)}}, Options{Count: true})
	if err != nil {
		t.Fatal(err)
	}
	p := m.Programs()[0]
	for range 2 {
		if _, err := p.RunRaw(nil); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := p.Counts(), []uint64{2, 10, 10, 10, 2, 0, 2}; !slices.Equal(got, want) {
		t.Errorf("counts %d, expected %d", got, want)
	}
}
