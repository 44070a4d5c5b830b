package vm_test

import (
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/against"
	"ebtools/internal/generate"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
	"ebtools/vm"
)

var (
	randomPrograms = flag.Int("programs", 3000, "how many random programs TestKernelRandomPrograms runs")
	randomSeed     = flag.Uint64("seed", 1, "where TestKernelRandomPrograms begins")
	randomFirst    = flag.Int("first", 0, "the number of its first program")
	saveCases      = flag.Bool("save", false, "write programs of TestKernelRandomPrograms to testdata: each that differs, shrunk, and the first of every thousand")
)

// TestKernelRandomPrograms runs random programs that the verifier takes, on
// random packets. Program n of a seed is the same for as long as the generator
// and the list of helpers are: a mismatch names both and prints the program,
// shrunk. The long mode is
//
//	go test -run RandomPrograms -timeout 0 -programs 1000000
func TestKernelRandomPrograms(t *testing.T) {
	require.Kernel(t)
	r := random{t: t, refused: map[string]int{}}
	deadline, hasDeadline := t.Deadline()
	start, last := time.Now(), time.Now()
	for first := *randomFirst; first < *randomFirst+*randomPrograms; first += batch {
		if hasDeadline && time.Until(deadline) < 10*time.Second {
			t.Logf("stopped before the test's deadline, at program %d", first)
			break
		}
		r.batch(first, min(batch, *randomFirst+*randomPrograms-first))
		if done, err := r.drain(); err != nil || !done {
			t.Fatalf("after program %d: the kernel does not free programs as fast as they are made (%v)", first, err)
		}
		if time.Since(last) > time.Minute {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "seed %d: %d programs, %d runs, %d mismatches, %d refused in %s\n",
				*randomSeed, r.taken, r.runs, r.mismatches, r.tried-r.taken, time.Since(start).Round(time.Second))
		}
	}
	t.Logf("seed %d: %d programs of %d instructions on average, %d runs, %d mismatches in %s",
		*randomSeed, r.taken, r.instructions/max(1, r.taken), r.runs, r.mismatches, time.Since(start).Round(time.Millisecond))
	reasons := slices.SortedFunc(maps.Keys(r.refused), func(a, b string) int { return r.refused[b] - r.refused[a] })
	for _, reason := range reasons[:min(10, len(reasons))] {
		t.Logf("the kernel refused %d: %s", r.refused[reason], reason)
	}
	if r.taken < r.tried*9/10 {
		t.Errorf("the kernel took only %d of %d", r.taken, r.tried)
	}
}

// batch is how many programs share a machine and its maps, which takes longer to
// make than a program to run.
const batch = 100

type random struct {
	t                                            *testing.T
	tried, taken, runs, mismatches, instructions int
	refused                                      map[string]int
}

// drain waits for the kernel, see kernel.Drain.
func (r *random) drain() (bool, error) {
	k, err := kernel.New(nil)
	if err != nil {
		return false, err
	}
	defer k.Close()
	return k.Drain()
}

func (r *random) batch(first, n int) {
	r.t.Helper()
	programs := make([]*generate.Program, n)
	for i := range programs {
		programs[i] = generate.New(*randomSeed, uint64(first+i), generate.Options{Helper: vm.Emulated})
	}
	pair := newPair(r.t, programs...)
	defer pair.Close()
	for i, p := range programs {
		r.tried++
		diff, err := differ(pair, i, p)
		if errors.Is(err, errRefused) {
			r.refused[reason(err)]++
			continue
		} else if err != nil {
			r.t.Fatalf("seed %d, program %d: %v", *randomSeed, first+i, err)
		}
		r.taken++
		r.runs += len(p.Packets)
		r.instructions += len(p.Instructions)
		if diff != "" {
			r.mismatch(first+i, p, diff)
		} else if *saveCases && (first+i)%1000 == 0 {
			save(r.t, fmt.Sprintf("random_%d_%d", *randomSeed, first+i), p)
		}
	}
}

// mismatch reports a program, as small as it differs.
func (r *random) mismatch(number int, p *generate.Program, diff string) {
	r.t.Helper()
	r.mismatches++
	small := generate.Shrink(p, func(p *generate.Program) bool {
		text, err := differAlone(r.t, p)
		return err == nil && text != ""
	})
	if text, err := differAlone(r.t, small); err == nil && text != "" {
		diff = text
	} else {
		diff += "\nbut not when the program is run alone"
	}
	r.t.Errorf("seed %d, program %d: %s\n%s", *randomSeed, number, diff, formatCase(newCase(r.t, small)))
	if *saveCases {
		save(r.t, fmt.Sprintf("mismatch_%d_%d", *randomSeed, number), small)
	}
	if r.mismatches == 10 {
		r.t.Fatal("enough")
	}
}

var errRefused = errors.New("the kernel refuses it")

func reason(err error) string {
	var e *kernel.Error
	if errors.As(err, &e) {
		return strings.Map(func(c rune) rune { // numbers differ from one program to the next
			if c >= '0' && c <= '9' {
				return -1
			}
			return c
		}, e.Reason())
	}
	return err.Error()
}

// newPair makes both sides, with the programs, none of them loaded.
func newPair(t *testing.T, programs ...*generate.Program) *against.Pair {
	t.Helper()
	obj := &bpf.Object{Name: "random", ByteOrder: binary.LittleEndian, Maps: generate.Maps()}
	for _, p := range programs {
		obj.Programs = append(obj.Programs, &bpf.Program{
			Name: "random", Section: "xdp", Type: linux.ProgXDP, Instructions: p.Instructions, Functions: p.Functions,
		})
	}
	pair, err := against.New(obj, against.Options{Limit: 1 << 22})
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func differAlone(t *testing.T, p *generate.Program) (string, error) {
	pair := newPair(t, p)
	defer pair.Close()
	return differ(pair, 0, p)
}

// differ runs a program of a pair on its packets, from empty maps on, and says
// how the two sides differ, "" when they don't. It is errRefused when the kernel
// does not take it.
func differ(pair *against.Pair, index int, p *generate.Program) (string, error) {
	loaded, err := pair.Load(index, kernel.LoadOptions{})
	if err != nil {
		return "", fmt.Errorf("%w: %w", errRefused, err)
	}
	defer loaded.Close()
	if err := reset(pair); err != nil {
		return "", err
	}
	for i, packet := range p.Packets {
		diffs, err := loaded.Run(against.Input{Packet: packet})
		if err != nil {
			return "", err
		}
		inMaps, err := pair.Maps()
		if err != nil {
			return "", err
		}
		if diffs = append(diffs, inMaps...); len(diffs) > 0 {
			return fmt.Sprintf("packet %d: %v", i+1, diffs), nil
		}
	}
	return "", nil
}

func reset(pair *against.Pair) error {
	for _, place := range generate.Reset() {
		value := place.Value
		if n := pair.Machine.Maps()[place.Map].CPUs(); n > 1 {
			value = make([]byte, n*len(value))
		}
		if err := pair.Set(place.Map, place.Key, value, linux.Any); err != nil {
			return err
		}
	}
	for _, place := range generate.Keys() {
		if err := pair.Delete(place.Map, place.Key); err != nil {
			return err
		}
	}
	return nil
}

// newCase runs a program in the kernel and makes a case of it.
func newCase(t *testing.T, p *generate.Program) *testCase {
	t.Helper()
	pair := newPair(t, p)
	defer pair.Close()
	c := &testCase{maps: generate.Maps(), program: p.Instructions, functions: p.Functions}
	loaded, err := pair.Kernel.Load(&bpf.Program{Name: "random", Type: linux.ProgXDP, Instructions: p.Instructions, Functions: p.Functions}, kernel.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer loaded.Close()
	for _, packet := range p.Packets {
		out, err := loaded.Run(kernel.Input{Data: packet})
		if err != nil {
			t.Fatal(err)
		}
		r := caseRun{packet: packet, verdict: out.Return, metadata: out.Data[:out.Metadata()], data: out.Data[out.Metadata():]}
		for i := range c.maps {
			contents, err := pair.Kernel.Contents(i, pair.CPU())
			if err != nil {
				t.Fatal(err)
			}
			r.maps = append(r.maps, contents)
		}
		c.runs = append(c.runs, r)
	}
	return c
}

func save(t *testing.T, name string, p *generate.Program) {
	t.Helper()
	if err := os.WriteFile(filepath.Join("testdata", name+".txtar"), []byte(formatCase(newCase(t, p))), 0o644); err != nil {
		t.Error(err)
	}
}
