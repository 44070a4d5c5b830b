package core_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// TestModules finds types in modules where the kernel has none of the name, and
// counts them on from the kernel's.
func TestModules(t *testing.T) {
	local := newBuilder()
	u32 := local.integer("u32", 4)
	both := local.composite("both", kindStruct, 4, field{"x", u32, 0})
	only := local.composite("only", kindStruct, 4, field{"x", u32, 0})
	twice := local.composite("twice", kindStruct, 4, field{"x", u32, 0})
	kernel := newBuilder()
	k32 := kernel.integer("u32", 4)
	inKernel := kernel.composite("both", kindStruct, 8, field{"x", k32, 32})
	one := kernel.module()
	one.composite("both", kindStruct, 12, field{"x", k32, 64})
	inModule := one.composite("only___new", kindStruct, 16, field{"x", k32, 96})
	one.composite("twice", kindStruct, 16, field{"x", k32, 96})
	two := kernel.module()
	two.composite("twice", kindStruct, 16, field{"x", k32, 64})

	types := kernel.read(t, nil)
	r := core.NewTargets(types, one.read(t, types), two.read(t, types)).NewResolver(local.read(t, nil))
	for _, c := range []struct {
		r    core.Relocation
		want uint64
	}{
		{core.Relocation{Kind: bpf.CORETypeIDTarget, ID: both, Access: "0"}, uint64(inKernel)},
		{core.Relocation{Kind: bpf.COREFieldByteOffset, ID: both, Access: "0:0"}, 4},
		{core.Relocation{Kind: bpf.CORETypeIDTarget, ID: only, Access: "0"}, uint64(inModule)},
		{core.Relocation{Kind: bpf.COREFieldByteOffset, ID: only, Access: "0:0"}, 12},
	} {
		if got, err := r.Resolve(c.r); err != nil || got.Target != c.want || got.Poison {
			t.Errorf("%+v is %+v, %v, want %d", c.r, got, err, c.want)
		}
	}
	if _, err := r.Resolve(core.Relocation{Kind: bpf.COREFieldByteOffset, ID: twice, Access: "0:0"}); !errors.Is(err, core.ErrAmbiguous) {
		t.Errorf("a type that two modules have: %v", err)
	}
}

// TestCandidates leaves of several types of a name those that had what was asked
// for before.
func TestCandidates(t *testing.T) {
	local := newBuilder()
	u32 := local.integer("u32", 4)
	s := local.composite("s", kindStruct, 8, field{"x", u32, 0}, field{"y", u32, 32})
	kernel := newBuilder()
	k32 := kernel.integer("u32", 4)
	kernel.composite("s", kindStruct, 8, field{"x", k32, 32})
	kernel.composite("s___2", kindStruct, 12, field{"x", k32, 64}, field{"y", k32, 32})
	x := core.Relocation{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:0"}
	y := core.Relocation{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:1"}
	targets := core.NewTargets(kernel.read(t, nil))

	r := targets.NewResolver(local.read(t, nil))
	if _, err := r.Resolve(x); !errors.Is(err, core.ErrAmbiguous) {
		t.Errorf("x alone: %v", err)
	}
	r = targets.NewResolver(local.read(t, nil))
	for _, c := range []struct {
		r    core.Relocation
		want uint64
	}{{y, 4}, {x, 8}} {
		if got, err := r.Resolve(c.r); err != nil || got.Target != c.want {
			t.Errorf("%+v is %+v, %v, want %d", c.r, got, err, c.want)
		}
	}
}

func TestEssential(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "a": "a", "a___b": "a", "task_struct___v2": "task_struct", "a___b___c": "a___b", "a____b": "a____b",
		"___a": "___a", "a___": "a___", "a__b": "a__b", "a___b_": "a", "_a___b": "_a", "a_____b": "a_____b", "a___b____c": "a",
	} {
		if got := core.Essential(name); got != want {
			t.Errorf("%q gives %q, want %q", name, got, want)
		}
	}
}

// TestDescribe writes types and accesses as C does.
func TestDescribe(t *testing.T) {
	b := newBuilder()
	u32 := b.integer("unsigned int", 4)
	char := b.integer("char", 1)
	inner := b.composite("inner", kindStruct, 8, field{"a", u32, 0}, field{"list", b.array(u32, 3), 32})
	anon := b.composite("", kindUnion, 4, field{"n", u32, 0})
	s := b.composite("s", kindStruct, 64, field{"in", inner, 0}, field{"", anon, 64}, field{"many", b.array(b.array(inner, 2), 4), 96})
	enum := b.add("colour", kindEnum, 2, 4, b.name("RED"), 0, b.name("GREEN"), 1)
	text := b.add("", kindPtr, 0, b.add("", kindConst, 0, char))
	function := b.add("", kindPtr, 0, b.add("", kindFuncProto, 2, u32, 0, text, 0, s))
	for _, c := range []struct {
		kind     bpf.COREKind
		id       uint32
		access   string
		root, of string
	}{
		{bpf.COREFieldByteOffset, s, "0:0:1:2", "struct s", ".in.list[2]"},
		{bpf.COREFieldByteOffset, s, "0:1:0", "struct s", ".n"},
		{bpf.COREFieldByteOffset, s, "2:2:3:1:0", "struct s", "[2].many[3][1].a"},
		{bpf.COREFieldByteOffset, s, "0", "struct s", ""},
		{bpf.COREFieldByteOffset, s, "0:9", "struct s", `"0:9"`},
		{bpf.COREEnumvalValue, enum, "1", "enum colour", "GREEN"},
		{bpf.CORETypeExists, b.add("ahead", kindFwd|flag, 0, 0), "0", "union ahead", ""},
		{bpf.CORETypeSize, b.add("name_t", kindTypedef, 0, text), "0", "name_t", ""},
		{bpf.CORETypeSize, anon, "0", "union {…}", ""},
		{bpf.CORETypeSize, text, "0", "const char *", ""},
		{bpf.CORETypeSize, b.add("", kindConst, 0, text), "0", "const char *const", ""},
		{bpf.CORETypeSize, function, "0", "unsigned int (*)(const char *, struct s)", ""},
		{bpf.CORETypeSize, b.array(function, 4), "0", "unsigned int (*[4])(const char *, struct s)", ""},
		{bpf.CORETypeSize, b.array(b.array(u32, 2), 3), "0", "unsigned int[3][2]", ""},
		{bpf.CORETypeSize, 0, "0", "void", ""},
		{bpf.CORETypeSize, 500, "0", "type 500", `"0"`},
	} {
		root, of := b.read(t, nil).Describe(core.Relocation{Kind: c.kind, ID: c.id, Access: c.access})
		if root != c.root || of != c.of {
			t.Errorf("%s of type %d, %s is %q %q, want %q %q", c.kind, c.id, c.access, root, of, c.root, c.of)
		}
	}
}

// TestApply relocates instructions of all forms, and such as can't be.
func TestApply(t *testing.T) {
	local, kernel := newBuilder(), newBuilder()
	u32 := local.integer("u32", 4)
	s := local.composite("s", kindStruct, 8, field{"x", u32, 32}, field{"gone", u32, 0})
	kernel.composite("s", kindStruct, 96, field{"x", kernel.integer("u64", 8), 320})
	r := core.NewTargets(kernel.read(t, nil)).NewResolver(local.read(t, nil))
	x := core.Relocation{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:0"}
	gone := core.Relocation{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:1"}
	poison := bpf.Instruction{Op: bpf.OpcodeCall, Imm: 195896080}
	const (
		load  = bpf.ClassLDX | bpf.ModeMEM
		store = bpf.ClassSTX | bpf.ModeMEM
		put   = bpf.ClassST | bpf.ModeMEM
		mov   = bpf.ClassALU64 | bpf.OpMov
		add   = bpf.ClassALU | bpf.OpAdd
	)
	imm64, pseudo, after := bpf.LoadImm64(1, 0, 4), bpf.LoadImm64(1, 1, 4), bpf.LoadImm64(1, 0, 40)
	type code = []bpf.Instruction
	for _, c := range []struct {
		r    core.Relocation
		code code
		want code // nil for an error
	}{
		{x, code{{Op: mov, Imm: 4}}, code{{Op: mov, Imm: 40}}},
		{x, code{{Op: add, Imm: 4}}, code{{Op: add, Imm: 40}}},
		{x, code{{Op: mov, Imm: 5}}, nil},
		{x, code{{Op: mov | bpf.SourceX, Imm: 4}}, nil},
		{x, code{{Op: load | bpf.SizeW, Dst: 1, Src: 2, Off: 4}}, code{{Op: load | bpf.SizeDW, Dst: 1, Src: 2, Off: 40}}},
		{x, code{{Op: store | bpf.SizeW, Dst: 1, Src: 2, Off: 4}}, code{{Op: store | bpf.SizeDW, Dst: 1, Src: 2, Off: 40}}},
		{x, code{{Op: put | bpf.SizeW, Dst: 1, Off: 4, Imm: 9}}, code{{Op: put | bpf.SizeDW, Dst: 1, Off: 40, Imm: 9}}},
		{x, code{{Op: load | bpf.SizeH, Off: 4}}, nil},
		{x, code{{Op: load | bpf.SizeW, Off: 8}}, nil},
		{x, imm64[:], after[:]},
		{x, pseudo[:], nil},
		{x, imm64[:1], nil},
		{x, code{imm64[0], {Op: mov}}, nil},
		{x, code{{Op: bpf.OpcodeExit}}, nil},
		{x, code{{Op: bpf.ClassLD | bpf.ModeABS, Imm: 4}}, nil},
		{x, nil, nil},
		{gone, code{{Op: mov, Imm: 77}}, code{poison}},
		{gone, code{{Op: load | bpf.SizeW}}, code{poison}},
		{gone, imm64[:], code{poison, poison}},
		{gone, pseudo[:], nil},
		{gone, code{{Op: bpf.OpcodeExit}}, nil},
	} {
		insns := slices.Clone(c.code)
		done, err := r.Relocate(insns, 0, c.r)
		if (err != nil) != (c.want == nil) || err == nil && !slices.Equal(insns, c.want) || err != nil && !slices.Equal(insns, c.code) {
			t.Errorf("%v becomes %v, %v, want %v", c.code, insns, err, c.want)
		}
		if err != nil && (!errors.Is(err, core.ErrInstruction) || done.Result != bpf.COREUnresolved || done.Why == "") {
			t.Errorf("%v: %+v, %v", c.code, done, err)
		}
		if err == nil && strings.Contains(done.Why, "gone") != (c.r == gone) {
			t.Errorf("%v: %+v", c.code, done)
		}
	}
	if err := new(core.Result).Apply(code{{Op: mov}}, 0); err == nil {
		t.Error("no result can be applied")
	}
}
