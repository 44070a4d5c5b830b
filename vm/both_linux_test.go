package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// both runs programs here and in the kernel, on maps of the same kind.
type both struct {
	t       testing.TB
	kernel  *kernel.Kernel
	cpu     int // that both run on
	machine *Machine
	refused map[string]int // what the kernel would not load, by reason
}

func newBoth(t testing.TB, maps ...*bpf.Map) *both {
	t.Helper()
	k, cpu := newKernel(t, maps...)
	obj := &bpf.Object{Name: "both", ByteOrder: binary.LittleEndian, Maps: maps, Programs: []*bpf.Program{program(join(exit))}}
	m, err := New(obj, Options{CPUs: k.CPUs()})
	if err != nil {
		t.Fatal(err)
	}
	b := &both{t: t, kernel: k, cpu: cpu, machine: m, refused: map[string]int{}}
	t.Cleanup(func() {
		for reason, n := range b.refused {
			t.Logf("the kernel refused %d: %s", n, reason)
		}
	})
	return b
}

// run runs the program on each packet in turn and compares verdicts, packets
// and maps. It reports whether the kernel took the program.
func (b *both) run(insns []bpf.Instruction, packets ...[]byte) bool {
	b.t.Helper()
	diff, err := b.differ(insns, packets...)
	if err != nil {
		b.refused[err.Error()]++
		return false
	}
	if diff != "" {
		b.t.Errorf("kernel (-) and vm (+) differ:\n%s\n%s", diff, listing(insns))
	}
	return true
}

// differ says how the two sides differ, "" when they don't. The error is the
// kernel's refusal.
func (b *both) differ(insns []bpf.Instruction, packets ...[]byte) (string, error) {
	b.t.Helper()
	loaded, err := b.kernel.Load(program(insns), kernel.LoadOptions{})
	if err != nil {
		return "", err
	}
	defer loaded.Close()
	p := b.machine.programs[0]
	p.prog = program(insns)
	p.code = decode(p.prog, b.machine.maps)
	for _, packet := range packets {
		out, err := loaded.Run(kernel.Input{Data: packet})
		if err != nil {
			return "", err
		}
		want := ran{out.Return, out.Data[:out.Metadata()], out.Data[out.Metadata():]}
		o, err := p.RunXDP(&Frame{Data: packet, IngressIfindex: 1, CPU: b.cpu})
		if err != nil {
			return err.Error(), nil
		}
		got := ran{o.Verdict, o.Metadata(), o.Data()}
		if got.ret != want.ret || string(got.data) != string(want.data) || string(got.metadata) != string(want.metadata) {
			return fmt.Sprintf("packet %x:\n%s", packet, cmp.Diff(want, got, cmp.AllowUnexported(ran{}))), nil
		}
		if diff := b.differMaps(); diff != "" {
			return fmt.Sprintf("packet %x:\n%s", packet, diff), nil
		}
	}
	return "", nil
}

// ran is what a run left: what both sides are compared by.
type ran struct {
	ret            uint32
	metadata, data []byte
}

func (b *both) differMaps() string {
	b.t.Helper()
	var all strings.Builder
	for i, m := range b.machine.maps {
		switch m.def.Type {
		case linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap, linux.MapXskmap:
			continue // programs don't change them
		}
		got := map[string]string{}
		for k, v := range m.All() {
			got[string(k)] = string(v)
		}
		want, err := b.kernel.Contents(i, kernel.AllCPUs)
		if err != nil {
			b.t.Fatal(err)
		}
		if !maps.Equal(want, got) {
			all.WriteString(m.title() + ": " + cmp.Diff(want, got))
		}
	}
	return all.String()
}

// update sets an entry on both sides, which must agree on the error.
func (b *both) update(index int, key, value []byte, flags uint64) {
	b.t.Helper()
	want := errnoOf(b.kernel.Update(index, key, value, flags))
	if got := b.machine.maps[index].Update(key, value, flags); !errors.Is(got, want) {
		b.t.Errorf("update of %s, key %x, flags %d: the kernel says %v, the vm %v", b.machine.maps[index].title(), key, flags, want, got)
	}
}
