package vm

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"reflect"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf/core"
	"ebtools/internal/kernel"
)

// callTest runs programs that call helpers and kernel functions, here and in the
// kernel, and compares what they leave in maps, rings and perf events.
type callTest struct {
	t       testing.TB
	kernel  *kernel.Kernel
	cpu     int
	machine *Machine
	rings   map[int]*kernel.Ring
	perf    *kernel.Perf
	events  []kernel.Event // of the vm
	runs    int
	refused map[string]int
}

func newCallTest(t testing.TB, defs ...*bpf.Map) *callTest {
	t.Helper()
	k, cpu := newKernel(t, defs...)
	c := &callTest{t: t, kernel: k, cpu: cpu, rings: map[int]*kernel.Ring{}, refused: map[string]int{}}
	opts := Options{CPUs: k.CPUs()}
	for i, def := range defs {
		switch def.Type {
		case linux.MapRingbuf:
			ring, err := k.OpenRing(i)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(ring.Close)
			c.rings[i] = ring
		case linux.MapPerfEventArray:
			opts.Event = func(e Event) {
				c.events = append(c.events, kernel.Event{CPU: e.CPU, Data: append([]byte{}, e.Data...)})
			}
			perf, err := k.OpenPerf(i)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(perf.Close)
			c.perf = perf
		}
	}
	m, err := New(&bpf.Object{Maps: defs, Programs: []*bpf.Program{program(join(exit))}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	c.machine = m
	t.Cleanup(func() {
		t.Logf("%d runs compared", c.runs)
		for reason, n := range c.refused {
			t.Logf("the kernel refused %d: %s", n, reason)
		}
	})
	return c
}

// run runs the program on both sides on each packet. It reports whether the
// kernel took it.
func (c *callTest) run(p *bpf.Program, packets ...[]byte) bool {
	c.t.Helper()
	loaded, err := c.kernel.Load(p, kernel.LoadOptions{})
	if err != nil {
		c.refused[err.Error()]++
		return false
	}
	defer loaded.Close()
	ours := c.machine.programs[0]
	ours.prog, ours.code = p, decode(p, c.machine.maps)
	for _, packet := range packets {
		out, err := loaded.Run(kernel.Input{Data: packet})
		if err != nil {
			c.t.Fatal(err)
		}
		want := ran{ret: out.Return, metadata: []byte{}, data: out.Data}
		if p.Type == linux.ProgXDP {
			want.metadata, want.data = out.Data[:out.Metadata()], out.Data[out.Metadata():]
		} else if !skbKinds[p.Type].ethernet {
			want.data = want.data[ethHeader:] // zeros, put before it
		}
		o, err := c.runHere(ours, packet)
		if err != nil {
			c.t.Errorf("%v\n%s", err, listing(p.Instructions))
			return true
		}
		got := ran{o.Verdict, append([]byte{}, o.Metadata()...), o.thread.packet.all()}
		diff := c.differMaps() + c.differEvents()
		if !reflect.DeepEqual(want, got) {
			diff += cmp.Diff(want, got, cmp.AllowUnexported(ran{}))
		}
		if c.runs++; diff != "" {
			c.t.Errorf("kernel (-) and vm (+) differ:\n%s\n%s", diff, listing(p.Instructions))
		}
	}
	return true
}

func (c *callTest) runHere(p *Program, packet []byte) (Outcome, error) {
	if p.prog.Type == linux.ProgXDP {
		return p.RunXDP(&Frame{Data: packet, IngressIfindex: 1, CPU: c.cpu})
	}
	return p.RunSKB(&SKB{Data: packet, Ifindex: 1, CPU: c.cpu})
}

// differMaps compares the array maps, 8 bytes at a time.
func (c *callTest) differMaps() (diff string) {
	for i, m := range c.machine.maps {
		if m.def.Type != linux.MapArray || m.def.Frozen {
			continue
		}
		want, err := c.kernel.Contents(i, kernel.AllCPUs)
		if err != nil {
			c.t.Fatal(err)
		}
		got := maps.Collect(func(yield func(string, string) bool) {
			for k, v := range m.All() {
				if !yield(string(k), string(v)) {
					return
				}
			}
		})
		for key, value := range want {
			diff += differWords(m.title(), value, got[key])
		}
	}
	return diff
}

func differWords(name, want, got string) (diff string) {
	for off := 0; off+8 <= len(want) && len(diff) < 1000; off += 8 {
		if w, g := want[off:off+8], got[off:off+8]; w != g {
			diff += fmt.Sprintf("%s, offset %d: -%x +%x (%d, %d)\n", name, off, w, g, getLE([]byte(w)), getLE([]byte(g)))
		}
	}
	return diff
}

func (c *callTest) differEvents() string {
	if c.perf == nil {
		return ""
	}
	want := c.perf.Read()
	got := c.events
	c.events = nil
	for i := range min(len(want), len(got)) {
		// The kernel fills up to a multiple of 8 less 4 with what was there.
		if n := len(got[i].Data); len(want[i].Data) == (n+4+7)&^7-4 {
			want[i].Data = want[i].Data[:n]
		}
	}
	if reflect.DeepEqual(want, got) { // which is much faster than a difference
		return ""
	}
	return cmp.Diff(want, got)
}

// differRing reads what a ring has on both sides.
func (c *callTest) differRing(index int) string {
	want := c.rings[index].Read()
	var got [][]byte
	for record := range c.machine.maps[index].Records() {
		got = append(got, bytes.Clone(record))
	}
	return cmp.Diff(want, got)
}

// kernelFunctions are the kernel's functions by name.
var kernelFunctions = sync.OnceValues(func() (*core.Types, error) {
	b, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		return nil, err
	}
	return core.ReadTypes(b, nil)
})

// kfuncNames has the names of those that tests have called.
var kfuncNames = map[int32]string{}

func kfunc(t testing.TB, name string) bpf.Instruction {
	t.Helper()
	types, err := kernelFunctions()
	if err != nil {
		t.Skip(err)
	}
	id, ok := types.FuncID(name)
	if !ok {
		t.Skipf("the kernel has no function %s", name)
	}
	kfuncNames[int32(id)] = name
	return bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: int32(id)}
}

// linked is a program of several functions, which begin at starts besides 0.
func linked(insns []bpf.Instruction, starts ...int) *bpf.Program {
	p := program(insns)
	for i, start := range starts {
		p.Functions[len(p.Functions)-1].Len = start - p.Functions[len(p.Functions)-1].Start
		p.Functions = append(p.Functions, bpf.Function{Name: fmt.Sprintf("function%d", i+1), Start: start, Len: len(insns) - start})
	}
	return withExterns(p, func(id int32) string { return kfuncNames[id] })
}

// keep stores r0 at an offset of map 0.
func keep(off uint32) []bpf.Instruction { return join(valueAt(r1, 0, off), store(8, r1, 0, r0)) }

// dataMap is an array map of one value with the given contents.
func dataMap(contents []byte) *bpf.Map {
	return &bpf.Map{Name: "data", Type: linux.MapArray, KeySize: 4, ValueSize: uint32(len(contents)), MaxEntries: 1, Contents: contents}
}

// readOnly is dataMap for contents that nobody changes.
func readOnly(contents []byte) *bpf.Map {
	m := dataMap(contents)
	m.Flags, m.Frozen = linux.FRdonlyProg, true
	return m
}
