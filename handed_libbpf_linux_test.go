package ebtools_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/libbpf"
)

// TestHandedByLibbpf holds programs to what libbpf hands to the running kernel,
// function by function: it puts them in another order.
func TestHandedByLibbpf(t *testing.T) {
	compareWithLibbpf(t, objectsToCompare(t))
}

func compareWithLibbpf(t *testing.T, paths []string) {
	t.Helper()
	var count tally
	for _, path := range paths {
		want := libbpf.Handed(t, path, "")
		if want.Refused != "" {
			t.Logf("libbpf does not take %s: %s", shortPath(path), want.Refused)
			continue
		}
		file, err := ebtools.Open(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for name, why := range want.Failed {
			count.failed++
			if testing.Verbose() {
				t.Logf("%s: libbpf does not load %s: %s", shortPath(path), name, why)
			}
		}
		for _, w := range want.Programs {
			name := shortPath(path) + " " + w.Name
			p := programNamed(file.Object, w.Name)
			if p == nil {
				t.Errorf("%s: not loaded here: %v", name, file.Problems)
				continue
			}
			m := match{file: file, ours: p, theirs: w, at: map[int]int{}}
			if err := m.program(); err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			count.same++
			count.functions += len(p.Functions)
			for _, c := range p.CORE {
				count.core++
				if c.Result == bpf.COREPoisoned {
					count.poisoned++
				}
			}
		}
	}
	t.Logf("the same: %d programs, %d functions, %d CO-RE relocations, %d of them poisoned; %d programs that libbpf does not load",
		count.same, count.functions, count.core, count.poisoned, count.failed)
}

type tally struct{ same, functions, core, poisoned, failed int }

// match compares a program, following calls.
type match struct {
	file   *ebtools.File
	ours   *bpf.Program
	theirs *libbpf.Program
	at     map[int]int // where our functions are in theirs
	todo   []int
}

func (m *match) program() error {
	if len(m.ours.Instructions) != len(m.theirs.Insns) {
		return fmt.Errorf("%d instructions, libbpf hands over %d", len(m.ours.Instructions), len(m.theirs.Insns))
	}
	m.function(0, 0)
	for len(m.todo) > 0 {
		start := m.todo[0]
		m.todo = m.todo[1:]
		f, ok := m.ours.FunctionAt(start)
		if !ok || f.Start != start {
			return fmt.Errorf("a call leads to %d, where no function begins", start)
		}
		for i := range f.Len {
			if err := m.instruction(start+i, m.at[start]+i); err != nil {
				return fmt.Errorf("%s+%d: %w", f.Name, i, err)
			}
		}
	}
	return nil
}

func (m *match) function(ours, theirs int) bool {
	if at, known := m.at[ours]; known {
		return at == theirs
	}
	m.at[ours] = theirs
	m.todo = append(m.todo, ours)
	return true
}

func (m *match) instruction(pc, their int) error {
	if pc >= len(m.ours.Instructions) || their < 0 || their >= len(m.theirs.Insns) {
		return fmt.Errorf("there is no instruction %d", their)
	}
	a, b := m.ours.Instructions[pc], m.theirs.Insns[their]
	second := func(insns []bpf.Instruction, at int) int32 { return insns[at+1].Imm }
	isMap := func(in bpf.Instruction) bool {
		return in.IsLoadImm64() && (in.Src == bpf.PseudoMapIdx || in.Src == bpf.PseudoMapIdxValue)
	}
	switch {
	case a.IsLocalCall() && b.IsLocalCall(), a.IsLoadImm64() && b.IsLoadImm64() && a.Src == bpf.PseudoFunc && b.Src == bpf.PseudoFunc:
		if m.function(pc+1+int(a.Imm), their+1+int(b.Imm)) {
			return nil
		}
	case isMap(a) && b.IsLoadImm64() && (b.Src == bpf.PseudoMapFD || b.Src == bpf.PseudoMapValue):
		got, want := m.file.Object.Maps[a.Imm], m.theirs.Maps[b.Imm]
		if !sameMapName(got, want.Name) {
			return fmt.Errorf("refers to map %s, libbpf's to %s", got.Name, want.Name)
		}
		offset := second(m.theirs.Insns, their)
		if got.Section == ".kconfig" {
			offset = settingAt(got, offset)
		}
		if a.Src == bpf.PseudoMapIdxValue && second(m.ours.Instructions, pc) != offset {
			return fmt.Errorf("refers to offset %d of map %s, libbpf's to %d", second(m.ours.Instructions, pc), got.Name, offset)
		}
		return sameMap(got, want)
	case pc > 0 && isMap(m.ours.Instructions[pc-1]), pc > 0 && m.ours.Instructions[pc-1].IsLoadImm64() && m.ours.Instructions[pc-1].Src == bpf.PseudoFunc:
		return nil // the second slot: looked at with the first, or the sign of a distance
	case m.ours.ExternAt(pc) != nil:
		return sameExtern(m.ours.ExternAt(pc), a, b)
	case pc > 0 && m.ours.ExternAt(pc-1) != nil && m.ours.Instructions[pc-1].IsLoadImm64():
		return nil // the address of a symbol, which is not the types' to tell
	case a == b:
		return nil
	}
	return fmt.Errorf("%v, libbpf hands over %v", a, b)
}

// sameExtern: libbpf 1.1 knows addresses of kernel symbols, and leaves a call
// of a missing function as one of type 0.
func sameExtern(e *bpf.Extern, a, b bpf.Instruction) error {
	switch {
	case a == b:
	case a.IsLoadImm64() && a.Src == 0 && b.IsLoadImm64() && b.Src == 0:
	case e.Weak && e.ID == 0 && b.Src == bpf.CallKfunc && b.Imm == 0:
	default:
		return fmt.Errorf("%v of %s, libbpf hands over %v", a, e.Name, b)
	}
	return nil
}

// sameMapName: libbpf puts the object's name before those of sections, and the
// kernel has no room for long ones.
func sameMapName(m *bpf.Map, name string) bool {
	if m.Section != "" {
		if i := strings.IndexByte(name, '.'); i > 0 {
			return strings.HasPrefix(m.Section, name[i:])
		}
	}
	return kernelName(m.Name) == name
}

func sameMap(m *bpf.Map, w libbpf.Map) error {
	got := libbpf.Map{Name: w.Name, Type: m.Type, KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries, MapFlags: m.Flags}
	switch {
	case m.Section == ".kconfig":
		got.ValueSize, w.MapFlags = w.ValueSize, w.MapFlags&^linux.FMmapable // laid out otherwise
	case m.Section != "":
		// libbpf lets user space map variables.
		w.MapFlags &^= linux.FMmapable
	case m.Type == linux.MapPerfEventArray || m.Type == linux.MapRingbuf || m.Type == linux.MapUserRingbuf:
		got.MaxEntries = w.MaxEntries // made to fit the machine
	}
	if got != w {
		return fmt.Errorf("map %s is %+v, libbpf's %+v", m.Name, got, w)
	}
	return nil
}

// settingAt gives our offset of the setting that libbpf has at an offset: it
// lays them out by alignment, then size, both descending, then name.
func settingAt(m *bpf.Map, offset int32) int32 {
	vars := slices.Clone(m.Value.(*btf.Datasec).Vars)
	align := func(v btf.VarSecinfo) int {
		t := btf.UnderlyingType(v.Type.(*btf.Var).Type)
		for {
			a, ok := t.(*btf.Array)
			if !ok {
				break
			}
			t = btf.UnderlyingType(a.Type)
		}
		n, _ := btf.Sizeof(t)
		return n
	}
	slices.SortFunc(vars, func(a, b btf.VarSecinfo) int {
		return cmp.Or(cmp.Compare(align(b), align(a)), cmp.Compare(b.Size, a.Size), cmp.Compare(a.Type.TypeName(), b.Type.TypeName()))
	})
	at := 0
	for _, v := range vars {
		at = (at + align(v) - 1) / align(v) * align(v)
		if at == int(offset) {
			return int32(v.Offset)
		}
		at += int(v.Size)
	}
	return -1
}
