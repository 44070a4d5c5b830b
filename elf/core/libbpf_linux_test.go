package core_test

import (
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
	"ebtools/internal/libbpf"
	"ebtools/internal/require"
)

// tally counts what was compared.
type tally struct {
	programs, failed, refused, relocations, poisoned, resized, changed int
	kinds                                                              [13]int
}

func (c *tally) log(t *testing.T) {
	t.Helper()
	t.Logf("%d programs and %d relocations the same (%d instructions changed, %d poisoned, %d of another size); libbpf does not load %d programs, nor open %d objects",
		c.programs, c.relocations, c.changed, c.poisoned, c.resized, c.failed, c.refused)
	for k, n := range c.kinds {
		if n > 0 {
			t.Logf("%-15s %6d", bpf.COREKind(k), n)
		}
	}
}

// compare holds every relocated instruction of an object to what libbpf makes of
// it, for the types in the file btf or those of the running kernel.
func compare(t *testing.T, path, btf string, targets *core.Targets, count *tally) {
	t.Helper()
	o := readObject(t, path)
	if !slices.ContainsFunc(slices.Collect(sections(o)), func(s *section) bool { return len(s.records) > 0 }) {
		return
	}
	want := libbpf.Handed(t, path, btf)
	if want.Refused != "" {
		count.refused++
		t.Logf("libbpf does not take %s: %s", filepath.Base(path), want.Refused)
		return
	}
	if len(want.Programs) == 0 && len(want.Failed) > 1 && btf != "" {
		count.refused++ // later versions check all types, also those that nothing asks for
		return
	}
	for _, p := range want.Programs {
		count.programs++
		if err := compareProgram(o, p, targets, count); err != nil {
			t.Errorf("%s with %s, program %s: %v", filepath.Base(path), filepath.Base(btf), p.Name, err)
		}
	}
	for name, why := range want.Failed {
		count.failed++
		f, ok := o.named(name)
		if !ok {
			t.Errorf("%s has no program %s", filepath.Base(path), name)
			continue
		}
		// It may be about anything, unless the program is for relocations only.
		if _, err := relocated(o, f, targets.NewResolver(o.types)); err == nil && btf != "" {
			t.Errorf("%s with %s: libbpf does not load %s: %s", filepath.Base(path), filepath.Base(btf), name, why)
		}
	}
}

func sections(o *object) func(func(*section) bool) {
	return func(yield func(*section) bool) {
		for _, s := range o.sections {
			if !yield(s) {
				return
			}
		}
	}
}

// relocated applies the relocations of a function, and gives its instructions
// and the records.
func relocated(o *object, f function, r *core.Resolver) ([]bpf.Instruction, error) {
	s := o.sections[f.section]
	insns := slices.Clone(s.insns[f.start : f.start+f.size])
	for _, rec := range s.records {
		if rec.slot < f.start || rec.slot >= f.start+f.size {
			continue
		}
		if _, err := r.Relocate(insns, rec.slot-f.start, rec.Relocation); err != nil {
			return nil, fmt.Errorf("%s, slot %d: %w", f.name, rec.slot, err)
		}
	}
	return insns, nil
}

// compareProgram compares a program and the functions that it calls, which
// libbpf puts behind it.
func compareProgram(o *object, p *libbpf.Program, targets *core.Targets, count *tally) error {
	entry, ok := o.named(p.Name)
	if !ok {
		return fmt.Errorf("not among the functions of the object")
	}
	r := targets.NewResolver(o.types)
	places := map[function]int{entry: 0}
	for todo := []function{entry}; len(todo) > 0; {
		f := todo[0]
		todo = todo[1:]
		s := o.sections[f.section]
		ours, err := relocated(o, f, r)
		if err != nil {
			return err
		}
		theirs := p.Insns[places[f]:]
		if len(theirs) < f.size {
			return fmt.Errorf("%s has %d instructions, libbpf's %d", f.name, f.size, len(theirs))
		}
		for _, rec := range s.records {
			i := rec.slot - f.start
			if i < 0 || i >= f.size {
				continue
			}
			count.relocations++
			count.kinds[rec.Kind]++
			slots := 1
			if s.insns[rec.slot].IsLoadImm64() {
				slots = 2
			}
			if !slices.Equal(ours[i:i+slots], theirs[i:i+slots]) {
				root, access := o.types.Describe(rec.Relocation)
				return fmt.Errorf("%s+%d, %s of %s%s: %v becomes %v, with libbpf %v", f.name, i, rec.Kind, root, access, s.insns[rec.slot], ours[i:i+slots], theirs[i:i+slots])
			}
			switch before, after := s.insns[rec.slot], ours[i]; {
			case after.Imm == bpf.COREPoison && after.Op == bpf.OpcodeCall:
				count.poisoned++
			case before.Op != after.Op:
				count.resized++
			case !slices.Equal(s.insns[rec.slot:rec.slot+slots], ours[i:i+slots]):
				count.changed++
			}
		}
		for i := range f.size {
			in, sym := s.insns[f.start+i], s.relocs[f.start+i]
			section, slot := f.section, f.start+i+1+int(in.Imm)
			switch {
			case in.IsLocalCall():
				if sym.Section != 0 {
					section, slot = int(sym.Section), int(sym.Value/8)+int(in.Imm)+1
				}
			case in.IsLoadImm64() && o.sections[int(sym.Section)] != nil:
				section, slot = int(sym.Section), (int(sym.Value)+int(in.Imm))/8
			default:
				continue
			}
			callee, ok := o.at(section, slot)
			if !ok {
				continue
			}
			if _, known := places[callee]; !known {
				places[callee] = places[f] + i + 1 + int(theirs[i].Imm)
				todo = append(todo, callee)
			}
		}
	}
	return nil
}

func runningKernel(t testing.TB) *core.Targets {
	t.Helper()
	b, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		require.Missing(t, "kernel", "the kernel does not show its types: %v", err)
	}
	types, err := core.ReadTypes(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return core.NewTargets(types)
}

// TestLibbpfCorpus compares what the running kernel makes of the kernel's own
// programs.
func TestLibbpfCorpus(t *testing.T) {
	targets := runningKernel(t)
	var count tally
	for _, path := range require.Corpus(t, 60) {
		compare(t, path, "", targets, &count)
	}
	count.log(t)
}

// TestLibbpf compares what the kernels in testdata make of the programs there.
func TestLibbpf(t *testing.T) {
	require.LLVM(t)
	dir := t.TempDir()
	programs := compile(t, dir, "testdata/local.c", "-mcpu=v4")
	kernels, _ := filepath.Glob("testdata/kernel_*.c")
	var count tally
	for _, k := range append(kernels, "testdata/local.c") {
		btf, targets := targetsOf(t, compile(t, dir, k))
		compare(t, programs, btf, targets, &count)
	}
	// A kernel of a machine with pointers of 4 bytes, whose types another compiler
	// wrote.
	path := filepath.Join(dir, "kernel32.o")
	msg, err := exec.Command("gcc", "-m32", "-gbtf", "-w", "-c", "testdata/kernel_same.c", "-o", path).CombinedOutput()
	if err != nil {
		t.Logf("gcc makes no types for i386: %.200s", msg)
	} else {
		btf, targets := targetsOf(t, path)
		compare(t, programs, btf, targets, &count)
	}
	count.log(t)
}

// TestLibbpfMutated does so with kernels that have been damaged: a word of a type
// stands where another did, or a struct has become a union.
func TestLibbpfMutated(t *testing.T) {
	require.LLVM(t)
	dir := t.TempDir()
	programs := compile(t, dir, "testdata/local.c", "-mcpu=v4")
	kernels, _ := filepath.Glob("testdata/kernel_*.c")
	rounds := 4
	if require.Long() {
		rounds = 60
	}
	var count tally
	random := rand.New(rand.NewPCG(1, 2))
	for _, k := range append(kernels, "testdata/local.c") {
		o := readObject(t, compile(t, dir, k))
		for i := range rounds {
			b := mutate(random, o)
			types, err := core.ReadTypes(b, nil)
			if err != nil {
				t.Fatal(err)
			}
			if !types.IsSound() {
				continue
			}
			btf := filepath.Join(dir, fmt.Sprintf("%s-%d.btf", filepath.Base(k), i))
			if err := os.WriteFile(btf, b, 0o600); err != nil {
				t.Fatal(err)
			}
			compare(t, programs, btf, core.NewTargets(types), &count)
		}
	}
	count.log(t)
}

// mutate changes some words of types and leaves alone how long types are.
func mutate(random *rand.Rand, o *object) []byte {
	b := slices.Clone(o.btf)
	types := b[binary.LittleEndian.Uint32(b[4:])+binary.LittleEndian.Uint32(b[8:]):]
	types = types[:binary.LittleEndian.Uint32(b[12:])]
	offsets := o.types.Offsets()
	infos := map[int]bool{}
	for _, at := range offsets {
		infos[int(at)+4] = true
	}
	// Kinds that are of the same length.
	same := [][]byte{{4, 5}, {2, 7, 8, 9, 10, 11, 16, 18}}
	for range 1 + random.IntN(12) {
		at := int(offsets[random.IntN(len(offsets))])
		switch kind := types[at+7] & 0x1f; random.IntN(8) {
		case 0:
			for _, list := range same {
				if slices.Contains(list, kind) {
					types[at+7] = types[at+7]&0xe0 | list[random.IntN(len(list))]
				}
			}
		case 1:
			types[at+7] ^= 0x80
		default:
			to, from := 4*random.IntN(len(types)/4), 4*random.IntN(len(types)/4)
			if infos[to] || infos[from] {
				continue
			}
			copy(types[to:to+4], types[from:from+4])
			if random.IntN(4) == 0 {
				types[to] += byte(8 - random.IntN(17))
			}
		}
	}
	return b
}

// TestLibbpfPairs compares what kernels made up for the kernel's tests of CO-RE
// make of the programs of those tests.
func TestLibbpfPairs(t *testing.T) {
	require.LLVM(t)
	source := filepath.Join(require.CorpusDir(), "linux-source-6.12")
	progs := filepath.Join(source, "tools/testing/selftests/bpf/progs")
	programs, _ := filepath.Glob(filepath.Join(progs, "test_core_*.c"))
	kernels, _ := filepath.Glob(filepath.Join(progs, "btf__core_*.c"))
	if len(programs) == 0 || len(kernels) == 0 {
		t.Skip("skipped: no sources of the kernel's tests beside the corpus")
	}
	dir := t.TempDir()
	build := func(path string) string {
		return compile(
			t, dir, path, "-mcpu=v3", "-D__TARGET_ARCH_x86", "-fno-strict-aliasing",
			"-I", filepath.Join(require.CorpusDir(), "include"), "-I", progs, "-I", filepath.Dir(progs),
			"-I", filepath.Join(source, "tools/include/uapi"),
			"-idirafter", "/usr/include/x86_64-linux-gnu", "-idirafter", "/usr/include",
		)
	}
	var count tally
	byName := map[string]string{}
	for _, p := range programs {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(p), "test_core_"), ".c")
		if path := build(p); path != "" {
			byName[name] = path
			compare(t, path, "", runningKernel(t), &count)
		}
	}
	for _, k := range kernels {
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(k), "btf__core_"), ".c")
		path := build(k)
		if path == "" {
			continue
		}
		btf, targets := targetsOf(t, path)
		for program, object := range byName {
			family, _, _ := strings.Cut(name, "__")
			if strings.HasPrefix(program, family) {
				compare(t, object, btf, targets, &count)
			}
		}
	}
	count.log(t)
}

// targetsOf puts the types of an object into a file of their own, and reads them.
func targetsOf(t testing.TB, path string) (string, *core.Targets) {
	t.Helper()
	f, err := stdelf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := f.Section(".BTF").Data()
	if err != nil {
		t.Fatal(err)
	}
	btf := strings.TrimSuffix(path, ".o") + ".btf"
	if err := os.WriteFile(btf, b, 0o600); err != nil {
		t.Fatal(err)
	}
	types, err := core.ReadTypes(b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return btf, core.NewTargets(types)
}
