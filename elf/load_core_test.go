package elf

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// kernelOf makes a kernel of an object's types.
func kernelOf(t testing.TB, path string) *Kernel {
	t.Helper()
	types, err := core.ReadTypes(readImage(t, path).Section(btfSection).Data, nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Kernel{Name: path, Types: types}
}

func loadFor(t testing.TB, path string, kernel func() (*Kernel, error)) (*bpf.Object, bpf.Diagnostics) {
	t.Helper()
	obj, problems, err := Load(readImage(t, path), "core.o", Options{Kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	return obj, problems
}

// coreResults says in a line each what became of an object's CO-RE relocations.
func coreResults(obj *bpf.Object) []string {
	var lines []string
	for _, p := range obj.Programs {
		for _, r := range p.CORE {
			line := fmt.Sprintf("%s %d %s %s%s: %d -> %d", p.Name, r.PC, r.Kind, r.Root, r.Access, r.Local, r.Target)
			if r.Result == bpf.COREPoisoned {
				line = fmt.Sprintf("%s %d poisoned: %s", p.Name, r.PC, r.Why)
			}
			lines = append(lines, line+" | "+p.Instructions[r.PC].String())
		}
	}
	return lines
}

// TestCOREAgainstKernel resolves against the types of another object. What comes
// out is what libbpf makes of it too, as other tests see.
func TestCOREAgainstKernel(t *testing.T) {
	obj, problems := loadFor(t, "testdata/core/core.o", func() (*Kernel, error) { return kernelOf(t, "testdata/core/moved.o"), nil })
	if len(problems) > 0 || obj.Kernel != "testdata/core/moved.o" {
		t.Errorf("kernel %q, problems %v", obj.Kernel, problems)
	}
	want := []string{
		"moved 0 byte_off struct task.clock.rate: 16 -> 48 | r6 = *(u32 *)(r1 + 48)",
		"moved 1 byte_off struct task.name[3]: 27 -> 19 | r2 = *(u8 *)(r1 + 19)",
		"moved 9 byte_off struct task.clock.ticks: 8 -> 56 | r0 = *(u64 *)(r1 + 56)",
		"resized 0 byte_off struct task.pid: 0 -> 0 | r0 = *(u64 *)(r1 + 0)",
		"lacking 0 field_exists struct task.gone: 1 -> 0 | r2 = 0",
		`lacking 2 poisoned: struct task has no member "gone" | call 195896080`,
		"lacking 5 field_exists struct task___old.number: 1 -> 0 | r2 = 0",
		`lacking 7 poisoned: struct task has no member "number" | call 195896080`,
		"questions 0 type_exists struct clock: 1 -> 1 | r1 = 1",
		"questions 1 type_size struct task: 48 -> 64 | r0 = 64",
		"questions 3 byte_sz struct task.name: 16 -> 32 | r1 = 32",
		"questions 5 enumval_value enum modeBUSY: 1 -> 3 | r1 = 3 ll",
		"bits 0 byte_off struct task.state: 40 -> 8 | r0 = *(u8 *)(r1 + 8)",
	}
	if diff := cmp.Diff(want, coreResults(obj)); diff != "" {
		t.Error(diff)
	}
}

// TestCOREWithoutKernel resolves against the object's own types where there are no
// others, and says so.
func TestCOREWithoutKernel(t *testing.T) {
	big := kernelOf(t, "testdata/linked-be.o")
	for name, test := range map[string]struct {
		kernel func() (*Kernel, error)
		why    string
	}{
		"not asked for": {nil, ""},
		"none":          {func() (*Kernel, error) { return nil, nil }, "no kernel's types are at hand"},
		"error":         {func() (*Kernel, error) { return nil, errors.New("can't be read") }, "can't be read"},
		"no types":      {func() (*Kernel, error) { return &Kernel{Name: "old"}, nil }, "old has no types"},
		"other order":   {func() (*Kernel, error) { return big, nil }, "testdata/linked-be.o is for machines of the other byte order"},
	} {
		obj, problems := loadFor(t, "testdata/core/core.o", test.kernel)
		for _, line := range coreResults(obj) {
			values, _, _ := strings.Cut(line[strings.LastIndex(line, ": ")+2:], " | ")
			if from, to, ok := strings.Cut(values, " -> "); !ok || from != to {
				t.Errorf("%s: %s", name, line)
			}
		}
		if obj.Kernel != "" {
			t.Errorf("%s: kernel %q", name, obj.Kernel)
		}
		if test.why == "" && len(problems) == 0 {
			continue
		}
		if len(problems) != 1 || !problems[0].Warn || !strings.Contains(problems[0].Error(), test.why) ||
			len(problems[0].Note) != 1 || !strings.Contains(problems[0].Note[0], "the object's own types") {
			t.Errorf("%s: problems are %v, want a warning of %q", name, problems, test.why)
		}
	}
}

// TestCOREFails makes relocations of single programs impossible: the others load.
func TestCOREFails(t *testing.T) {
	const source = "testdata/core/core.o"
	for name, test := range map[string]struct {
		record func(r *coreRecord)
		text   string
	}{
		"no such type": {func(r *coreRecord) { r.id = 1 << 20 }, "type 1048576"},
		"no such kind": {func(r *coreRecord) { r.kind = 99 }, "no kind of relocation 99"},
		"bad access":   {func(r *coreRecord) { r.access = "0:x" }, `"0:x" is not numbers`},
		"wrong form":   {func(r *coreRecord) { r.slot++ }, "exit has no immediate"},
	} {
		img := readImage(t, source)
		ext := img.Section(btfExtSection)
		raw, err := parseBTF(img.Section(btfSection).Data, img.ByteOrder)
		if err != nil {
			t.Fatal(err)
		}
		l := &loader{img: img, obj: &bpf.Object{Name: source, ByteOrder: img.ByteOrder}, raw: raw}
		if l.core, err = parseCORE(ext.Data, raw); err != nil {
			t.Fatal(err)
		}
		test.record(&l.core["raw_tp/resized"][0])
		l.loadCode()
		l.loadPrograms()
		var names []string
		for _, p := range l.obj.Programs {
			names = append(names, p.Name)
		}
		if strings.Join(names, " ") != "moved lacking questions bits" {
			t.Errorf("%s: programs %v", name, names)
		}
		if len(l.problems) != 1 || l.problems[0].Warn || l.problems[0].Prog != "resized" || !strings.Contains(l.problems[0].Error(), test.text) {
			t.Errorf("%s: problems are %v, want one of %q", name, l.problems, test.text)
		}
	}
}
