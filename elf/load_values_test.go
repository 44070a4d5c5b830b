package elf

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"ebtools/internal/require"
)

// TestMapValues reads the initial values of maps as clang writes them.
func TestMapValues(t *testing.T) {
	require.LLVM(t)
	const source = `
#define number(name, n) int (*name)[n]
#define section(s) __attribute__((section(s), used))
int one(void *ctx), two(void *ctx);
struct { number(type, 3); number(max_entries, 4); number(key_size, 4); int (*values[])(void *); }
	jumps section(".maps") = { .values = { [1] = one, [3] = two } };
struct inner { number(type, 2); number(max_entries, 1); int *key; long *value; } a section(".maps"), b section(".maps");
struct { number(type, 12); number(max_entries, 4); number(numa_node, 1); int *key; struct inner *values[]; }
	outer section(".maps") = { .values = { [0] = &b, [2] = &a } };
section("xdp") int one(void *ctx) { return 1; }
section("xdp") int two(void *ctx) { return 2; }
`
	dir := t.TempDir()
	c, o := filepath.Join(dir, "a.c"), filepath.Join(dir, "a.o")
	if err := os.WriteFile(c, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"bpfel", "bpfeb"} {
		if out, err := exec.Command("clang-19", "-O2", "-g", "-target", target, "-c", c, "-o", o).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		file, err := os.ReadFile(o)
		if err != nil {
			t.Fatal(err)
		}
		img, err := Read(file)
		if err != nil {
			t.Fatal(err)
		}
		obj, problems, err := Load(img, "a.o", Options{})
		if err != nil || len(problems) > 0 {
			t.Fatal(err, problems)
		}
		got := map[string]string{}
		for _, m := range obj.Maps {
			got[m.Name] = fmt.Sprint(m.Values, m.NumaNode)
		}
		if want := map[string]string{"jumps": "[{1 one} {3 two}] 0", "outer": "[{0 b} {2 a}] 1", "a": "[] 0", "b": "[] 0"}; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", target, got, want)
		}
	}
}

// TestMapValuesDamaged reads values that make no sense: each is left out with a
// warning, and the map stays.
func TestMapValuesDamaged(t *testing.T) {
	img := handmade(t, binary.LittleEndian)
	defs := img.Section(".maps")
	outer := img.Symbols[len(img.Symbols)-1]
	for _, sym := range img.Symbols {
		if sym.Name == "outer" {
			outer = sym
		}
	}
	undefined := &Symbol{Name: "elsewhere"}
	img.Symbols = append(img.Symbols, undefined)
	outer.Size += 24
	defs.Data = append(defs.Data, make([]byte, 64)...)
	end := outer.Value + outer.Size - 24
	for i, rel := range []Relocation{
		{Type: RelocABS64, Symbol: undefined}, {Type: RelocABS64}, {Type: Reloc64_32, Symbol: outer},
	} {
		rel.Offset = end + uint64(i)*8
		defs.Relocs = append(defs.Relocs, rel)
	}
	obj, problems, err := Load(img, "a.o", Options{})
	if err != nil || problems.Err() != nil {
		t.Fatal(err, problems)
	}
	if len(problems) < 3 {
		t.Errorf("only said: %v", problems)
	}
	for _, m := range obj.Maps {
		if m.Name == "outer" && len(m.Values) > 0 {
			t.Errorf("values %v", m.Values)
		}
	}
}
