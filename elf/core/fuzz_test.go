package core_test

import (
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// FuzzResolve relocates an instruction with whatever types an object and a kernel
// have: no panic, and no more effort than is allowed.
func FuzzResolve(f *testing.F) {
	b := newBuilder()
	u32 := b.integer("u32", 4)
	inner := b.composite("inner", kindStruct, 8, field{"a", u32, 0}, field{"b", b.array(u32, 3), 32})
	b.composite("s", kindStruct|flag, 16, field{"", inner, 0}, field{"bits", u32, 5<<24 | 67}, field{"p", b.add("", kindPtr, 0, inner), 64})
	b.add("e", kindEnum|flag, 1, 4, b.name("A"), 1)
	b.add("f", kindTypedef, 0, b.add("", kindFuncProto, 1, u32, 0, inner))
	seed := b.bytes()
	for kind := range bpf.CORETypeMatches + 1 {
		f.Add(seed, seed, uint32(kind), uint32(5), "0:0:1:2", []byte{0xb7, 0, 0, 0, 12, 0, 0, 0})
		f.Add(seed, seed, uint32(kind), uint32(5), "0", []byte{0x61, 0, 0, 0, 0, 0, 0, 0})
		f.Add(seed, seed, uint32(kind), uint32(6), "0", []byte{0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	}
	f.Fuzz(func(t *testing.T, mine, theirs []byte, kind, id uint32, access string, code []byte) {
		local, err := core.ReadTypes(mine, nil)
		if err != nil {
			return
		}
		kernel, err := core.ReadTypes(theirs, nil)
		if err != nil {
			return
		}
		insns, err := bpf.Decode(code[:len(code)/8*8], local.ByteOrder())
		if err != nil {
			t.Fatal(err)
		}
		r := core.Relocation{Kind: bpf.COREKind(kind), ID: id, Access: access}
		_, _ = core.NewTargets(nil).NewResolver(local).Resolve(r)
		module, err := core.ReadTypes(theirs, kernel)
		if err != nil {
			return // names that would be in the kernel's
		}
		for _, targets := range []*core.Targets{core.NewTargets(kernel), core.NewTargets(kernel, module), core.NewTargets(local)} {
			c, err := targets.NewResolver(local).Relocate(insns, 0, r)
			if (err != nil) != (c.Result == bpf.COREUnresolved) {
				t.Fatalf("%+v, %v", c, err)
			}
		}
	})
}
