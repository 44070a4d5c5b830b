package core_test

import (
	"os"
	"slices"
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
	"ebtools/internal/require"
)

// BenchmarkKernel measures what the first relocation against the running kernel
// takes, from its types as bytes, and what each after it.
func BenchmarkKernel(b *testing.B) {
	types, err := os.ReadFile("/sys/kernel/btf/vmlinux")
	if err != nil {
		require.Missing(b, "kernel", "the kernel does not show its types: %v", err)
	}
	local, err := core.ReadTypes(types, nil)
	if err != nil {
		b.Fatal(err)
	}
	r := core.Relocation{Kind: bpf.COREFieldByteOffset, ID: local.Find("task_struct"), Access: "0:40"}
	resolve := func(b *testing.B, targets *core.Targets) {
		result, err := targets.NewResolver(local).Resolve(r)
		if err != nil || result.Local != result.Target {
			b.Fatalf("%+v, %v", result, err)
		}
	}
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			kernel, err := core.ReadTypes(types, nil)
			if err != nil {
				b.Fatal(err)
			}
			resolve(b, core.NewTargets(kernel))
		}
	})
	targets := core.NewTargets(local)
	b.Run("next", func(b *testing.B) {
		for b.Loop() {
			resolve(b, targets)
		}
	})
	b.Run("apply", func(b *testing.B) {
		v := targets.NewResolver(local)
		result, _ := v.Resolve(r)
		code := []bpf.Instruction{{Op: bpf.ClassALU64 | bpf.OpMov, Imm: int32(result.Local)}}
		for b.Loop() {
			if _, err := v.Relocate(slices.Clone(code), 0, r); err != nil {
				b.Fatal(err)
			}
		}
	})
}
