package scalar

import (
	"testing"

	"ebtools/bpf"
)

// The operands of the benchmarks: ranges that no two are alike of, so that
// nothing is decided early.
var (
	benchA = ranged(100, 5000, 0xfff0)
	benchB = ranged(3, 700, 0xffff)
)

func ranged(lo, hi, mask uint64) Scalar {
	s := Unknown()
	s.R64.Umin, s.R64.Umax = lo, hi
	s.Bits.Mask = mask
	s.Sync()
	return s
}

func BenchmarkApply(b *testing.B) {
	for _, bench := range []struct {
		name string
		in   bpf.Instruction
	}{
		{"add", bpf.Instruction{Op: bpf.OpAdd}},
		{"sub", bpf.Instruction{Op: bpf.OpSub}},
		{"mul", bpf.Instruction{Op: bpf.OpMul}},
		{"and", bpf.Instruction{Op: bpf.OpAnd}},
		{"or", bpf.Instruction{Op: bpf.OpOr}},
		{"xor", bpf.Instruction{Op: bpf.OpXor}},
		{"neg", bpf.Instruction{Op: bpf.OpNeg}},
		{"mov", bpf.Instruction{Op: bpf.OpMov | bpf.SourceX}},
		{"movs8", bpf.Instruction{Op: bpf.OpMov | bpf.SourceX, Off: 8}},
	} {
		for _, class := range []struct {
			name string
			op   uint8
		}{{"64", bpf.ClassALU64}, {"32", bpf.ClassALU}} {
			in := bench.in
			in.Op |= class.op
			b.Run(bench.name+class.name, func(b *testing.B) { apply1(b, in, &benchB) })
		}
	}
	seven := Const(7)
	for _, op := range []struct {
		name string
		op   uint8
	}{{"lsh", bpf.OpLsh}, {"rsh", bpf.OpRsh}, {"arsh", bpf.OpArsh}, {"addconst", bpf.OpAdd}, {"andconst", bpf.OpAnd}, {"mulconst", bpf.OpMul}} {
		b.Run(op.name+"64", func(b *testing.B) { apply1(b, bpf.Instruction{Op: bpf.ClassALU64 | op.op}, &seven) })
		b.Run(op.name+"32", func(b *testing.B) { apply1(b, bpf.Instruction{Op: bpf.ClassALU | op.op}, &seven) })
	}
	b.Run("be32", func(b *testing.B) {
		apply1(b, bpf.Instruction{Op: bpf.ClassALU | bpf.OpEnd | bpf.SourceX, Imm: 32}, &seven)
	})
}

func apply1(b *testing.B, in bpf.Instruction, s *Scalar) {
	b.ReportAllocs()
	for b.Loop() {
		d := benchA
		d.Apply(in, s)
	}
}

func BenchmarkTaken(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Taken(bpf.OpJEQ, true, &benchA, &benchB)
	}
}

func BenchmarkRefine(b *testing.B) {
	for _, op := range []struct {
		name string
		op   uint8
	}{{"jeq", bpf.OpJEQ}, {"jlt", bpf.OpJLT}, {"jsgt", bpf.OpJSGT}, {"jset", bpf.OpJSET}} {
		b.Run(op.name, func(b *testing.B) {
			b.ReportAllocs()
			limit := Const(0x800)
			for b.Loop() {
				x, y := benchA, limit
				Refine(op.op, true, true, &x, &y)
			}
		})
	}
}

func BenchmarkSync(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s := benchA
		s.Sync()
	}
}
