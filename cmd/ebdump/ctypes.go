package main

import (
	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/internal/ctype"
)

// declare writes a function's declaration.
func declare(t *btf.Func, name string) string { return ctype.Decl(t.Type, name) }

// declareVariable writes a variable's declaration.
func declareVariable(t btf.Type, name string) string {
	if t == nil {
		return name
	}
	return ctype.Decl(t, name)
}

// externType writes the declaration of an extern; one of type void has only an
// address.
func externType(e *bpf.Extern) string {
	if e.Type == nil {
		return e.Name
	}
	return ctype.Decl(e.Type, e.Name)
}
