package core_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
	"ebtools/internal/require"
)

// TestOwnTypes resolves programs against the types of their own object, in both
// byte orders: what the compiler worked out is to come out again.
func TestOwnTypes(t *testing.T) {
	require.LLVM(t)
	for _, target := range []string{"-mlittle-endian", "-mbig-endian"} {
		t.Run(target, func(t *testing.T) { testOwnTypes(t, target, true) })
		t.Run(target+" no kernel", func(t *testing.T) { testOwnTypes(t, target, false) })
	}
}

func testOwnTypes(t *testing.T, target string, search bool) {
	o := readObject(t, compile(t, t.TempDir(), "testdata/local.c", "-mcpu=v4", target))
	count := 0
	before, after := map[string]int{}, map[string]int{}
	for _, s := range o.sections {
		insns := slices.Clone(s.insns)
		name := strings.TrimPrefix(s.name, "socket/")
		for _, rec := range s.records {
			targets := core.NewTargets(nil)
			if search {
				targets = core.NewTargets(o.types)
			}
			c, err := targets.NewResolver(o.types).Relocate(insns, rec.slot, rec.Relocation)
			root, _, _ := strings.Cut(c.Root, "___")
			switch {
			case search && errors.Is(err, core.ErrAmbiguous) && root == "struct sample": // it has a flavor
				continue
			case err != nil && c.Root == "enum mask": // sign-extended or not
				continue
			case err != nil:
				t.Errorf("%s: %v", name, err)
				continue
			case c.Local != c.Target && !(search && c.Kind == bpf.CORETypeMatches): // floating-point numbers match nothing
				t.Errorf("%s: %+v", name, c)
			}
			before[name], after[name] = int(s.insns[rec.slot].Imm), int(insns[rec.slot].Imm)
			count++
		}
		for i, in := range s.insns {
			if insns[i] != in && !strings.Contains(name, "type_") && !strings.Contains(name, "bits_") {
				t.Errorf("%s: %v has become %v", name, in, insns[i])
			}
		}
	}
	if count < 150 {
		t.Errorf("only %d relocations", count)
	}
	// Clang loads bitfields from larger storage. Where the field is must come
	// out the same.
	for _, field := range []string{"a", "b", "s", "w", "f", "c"} {
		place := func(value map[string]int) int {
			at, size, left := value["offset_bits_"+field], value["size_bits_"+field], value["left_bits_"+field]
			if target == "-mbig-endian" {
				return 8*at + left - 8*(8-size)
			}
			return 8*at + 64 - left
		}
		if place(before) != place(after) || before["right_bits_"+field] != after["right_bits_"+field] || place(after) < 8*300 {
			t.Errorf("bitfield %s is at bit %d, clang says %d", field, place(after), place(before))
		}
	}
}
