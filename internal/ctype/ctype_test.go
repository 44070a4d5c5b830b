package ctype

import (
	"testing"

	"github.com/cilium/ebpf/btf"
)

func TestDecl(t *testing.T) {
	integer := &btf.Int{Name: "int", Size: 4}
	char := &btf.Int{Name: "char", Size: 1}
	flow := &btf.Struct{Name: "flow", Size: 4}
	text := &btf.Pointer{Target: &btf.Const{Type: char}}
	function := &btf.FuncProto{Return: integer, Params: []btf.FuncParam{{Name: "ctx", Type: &btf.Pointer{Target: flow}}, {Type: integer}}}
	around := &btf.Pointer{}
	around.Target = around
	for want, typ := range map[string]btf.Type{
		"int x":                           integer,
		"const char *x":                   text,
		"char *const x":                   &btf.Const{Type: &btf.Pointer{Target: char}},
		"const char *const volatile x":    &btf.Const{Type: &btf.Volatile{Type: text}},
		"struct flow x[4][2]":             &btf.Array{Type: &btf.Array{Type: flow, Nelems: 2}, Nelems: 4},
		"int (*x)[4]":                     &btf.Pointer{Target: &btf.Array{Type: integer, Nelems: 4}},
		"int *x[4]":                       &btf.Array{Type: &btf.Pointer{Target: integer}, Nelems: 4},
		"int (*x)(struct flow *ctx, int)": &btf.Pointer{Target: function},
		"int (*x[2])(struct flow *ctx, int)": &btf.Array{
			Type: &btf.Pointer{Target: function}, Nelems: 2,
		},
		"void *x":                         &btf.Pointer{Target: &btf.Void{}},
		"void x(int n, ...)":              &btf.FuncProto{Return: &btf.Void{}, Params: []btf.FuncParam{{Name: "n", Type: integer}, {Type: &btf.Void{}}}},
		"int x(void)":                     &btf.FuncProto{Return: integer},
		"union {…} x":                     &btf.Union{},
		"enum colour x":                   &btf.Enum{Name: "colour"},
		"struct later *x":                 &btf.Pointer{Target: &btf.Fwd{Name: "later", Kind: btf.FwdStruct}},
		"u32 x":                           &btf.Typedef{Name: "u32", Type: integer},
		"struct flow *x":                  &btf.Pointer{Target: &btf.TypeTag{Type: flow, Value: "kptr"}},
		"int main(struct flow *ctx, int)": &btf.Func{Name: "main", Type: function},
	} {
		if got := Decl(typ, "x"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, typ := range map[string]btf.Type{
		"const char *": text, "int[3]": &btf.Array{Type: integer, Nelems: 3}, "void": nil,
		"int (*)(struct flow *ctx, int)": &btf.Pointer{Target: function},
	} {
		if got := Name(typ); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if Name(around) == "" {
		t.Error("a type that leads back to itself has no name")
	}
}

// TestEntangled has prototypes whose parameters are prototypes and so on.
func TestEntangled(t *testing.T) {
	var typ btf.Type = &btf.Int{Name: "int", Size: 4}
	for range 60 {
		p := btf.FuncParam{Type: &btf.Pointer{Target: typ}}
		typ = &btf.FuncProto{Return: &btf.Pointer{Target: typ}, Params: []btf.FuncParam{p, p, p}}
	}
	if text := Name(typ); len(text) > 100_000 {
		t.Errorf("a declaration of %d bytes", len(text))
	}
}
