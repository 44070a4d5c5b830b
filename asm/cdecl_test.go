package asm

import (
	"bytes"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// TestKfuncTypes reads the types of all functions of the kernel that are known.
func TestKfuncTypes(t *testing.T) {
	a := newAssembler(Options{})
	for _, k := range linux.Kfuncs() {
		if a.kfuncType(k.Name) == nil {
			t.Errorf("%s: can't read %q", k.Name, k.Prototype)
		}
	}
}

// TestDeclaredTypes looks for the types that .type gives in the object's BTF.
func TestDeclaredTypes(t *testing.T) {
	const src = `
.extern bpf_rdonly_cast, jiffies
.weak bpf_maybe
.type bpf_maybe, unsigned long (const struct task_struct *task, int (*callback)(void *, u32), char name[16])
.type run, int (struct xdp_md *ctx)
.type pairs, struct pair {
	u32 a; u32 b
}[2]
.type more, struct pair
.type count, signed short
.type add, u64 (u64, u64)
.program xdp, run
	r1 = jiffies ll
	call bpf_rdonly_cast
	call bpf_maybe
	call add
	exit
.func add
	r0 = r1
	r0 += r2
	exit
.data
pairs:	.zero 16
more:	.zero 8
count:	.short -1
`
	img, diags := Assemble("a.s", []byte(src), Options{})
	if img == nil {
		t.Fatal(rendered(t, diags))
	}
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(img.Section(".BTF").Data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"bpf_rdonly_cast": "extern func(2)", "bpf_maybe": "extern func(3)", "run": "global func(1)", "add": "static func(2)",
		"jiffies": "extern 0", "pairs": "static 16", "more": "static 8", "count": "static 2",
	} {
		types, err := spec.AnyTypesByName(name)
		if err != nil || len(types) != 1 {
			t.Errorf("%s: %v, %v", name, types, err)
			continue
		}
		if got := described(types[0]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	var ksyms *btf.Datasec
	if err := spec.TypeByName(".ksyms", &ksyms); err != nil || len(ksyms.Vars) != 3 {
		t.Errorf("%v, %v", ksyms, err)
	}
}

func described(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Func:
		return t.Linkage.String() + " func(" + itoa(len(t.Type.(*btf.FuncProto).Params)) + ")"
	case *btf.Var:
		size, _ := btf.Sizeof(t.Type)
		return t.Linkage.String() + " " + itoa(size)
	}
	return "?"
}
