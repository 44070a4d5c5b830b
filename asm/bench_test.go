package asm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// synthetic is a long program of all kinds of statements.
func synthetic(lines int) string {
	var b strings.Builder
	b.WriteString("\t.addrsig\n\t.section xdp,\"ax\",@progbits\n\t.globl f\n\t.type f,@function\nf:\n")
	for i := 0; i < lines; i += 8 {
		fmt.Fprintf(&b, ".Ltmp%d:\n\tr1 = *(u64 *)(r10 - 8)           # a comment\n\tr1 += %d\n\tif r1 == %[2]d goto .Ltmp%[1]d\n\tw2 = w1\n\t*(u32 *)(r10 - 16) = w2\n\tr3 = counts ll\n\tcall 1\n", i, i&0xfff)
	}
	b.WriteString("\texit\n")
	return b.String()
}

// BenchmarkAssemble counts lines per second; BenchmarkLLVM does so for
// llvm-mc-19, started anew each time.
func BenchmarkAssemble(b *testing.B) {
	for name, src := range benchSources(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				img, diags := Assemble("bench.s", []byte(src), Options{NoDebug: true})
				if img == nil {
					b.Fatal(diags)
				}
				if _, err := img.Write(); err != nil {
					b.Fatal(err)
				}
			}
			reportLines(b, src)
		})
	}
}

func BenchmarkLLVM(b *testing.B) {
	require.LLVM(b)
	for name, src := range benchSources(b) {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			in := filepath.Join(dir, "in.s")
			if err := os.WriteFile(in, []byte(src), 0o644); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				run(b, "llvm-mc-19", "-triple", "bpfel", "-mcpu=v4", "-filetype=obj", in, "-o", filepath.Join(dir, "out.o"))
			}
			reportLines(b, src)
		})
	}
}

func reportLines(b *testing.B, src string) {
	b.ReportMetric(float64(strings.Count(src, "\n"))*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func benchSources(b *testing.B) map[string]string {
	sources := map[string]string{"synthetic": synthetic(240000)}
	if _, err := exec.LookPath("clang-19"); err != nil {
		b.Log("skipped: clang's output: clang-19 is not on PATH")
		return sources
	}
	// Copies of a file, as one with many functions.
	dir := b.TempDir()
	in, out := filepath.Join(dir, "in.c"), filepath.Join(dir, "out.s")
	flow, err := filepath.Abs("testdata/clang/flow.c")
	if err != nil {
		b.Fatal(err)
	}
	var c strings.Builder
	for i := range 50 {
		for _, name := range []string{"arithmetic", "signs", "swaps", "atomics", "loops", "map_lookup", "trace"} {
			fmt.Fprintf(&c, "#define %s %s%d\n", name, name, i)
		}
		fmt.Fprintf(&c, "#include %q\n#undef arithmetic\n#undef signs\n#undef swaps\n#undef atomics\n#undef loops\n#undef map_lookup\n#undef trace\n", flow)
	}
	if err := os.WriteFile(in, []byte(c.String()), 0o644); err != nil {
		b.Fatal(err)
	}
	run(b, "clang-19", "-O2", "-g", "-target", "bpf", "-mcpu=v4", "-w", "-S", in, "-o", out)
	text, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	sources["clang"] = string(text)
	return sources
}
