package linux_test

import (
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// returns makes a program return a value on one path; the path behind it never
// gets to its end.
func returns(value ...bpf.Instruction) []bpf.Instruction {
	insns := []bpf.Instruction{call(linux.FnKtimeGetNs), {Op: 0x15, Dst: 0, Off: int16(len(value) + 1)}} // if r0 == 0
	return append(append(insns, value...), exit)
}

// TestReturnRangesInKernel has programs return values around the ends of the
// ranges, in every place that the kernel tells apart.
func TestReturnRangesInKernel(t *testing.T) {
	p := newProber(t)
	compared, limited := 0, 0
	values := []int32{-4096, -4095, -2, -1, 0, 1, 2, 3, 4, 5, 0x7fffffff, -0x80000000}
	for _, at := range append(p.places(), p.loadable(targets)...) {
		allowed, ok := linux.ReturnRangeOf(at.t, at.a)
		compare := func(what string, want bool, got answer) {
			compared++
			refused := strings.Contains(got.log, "At program exit the register R0 has ")
			if refused == want || !refused && !got.ok {
				t.Errorf("%v returns %s: %v here, %v in the kernel: %s", at, what, want, !refused, got.reason())
			}
		}
		if ok {
			limited++
		}
		for _, v := range values {
			got := p.load(at, "GPL", returns(imm(0, v))...)
			compare(bpf.Instruction{Op: 0xb7, Imm: v}.String(), !ok || int64(v) >= allowed.Min && int64(v) <= allowed.Max, got)
			// The upper half set, the lower as in values.
			wide := bpf.LoadImm64(0, 0, uint64(uint32(v))|1<<32)
			got = p.load(at, "GPL", returns(wide[:]...)...)
			compare("1<<32 | "+bpf.Instruction{Op: 0xb7, Imm: v}.String(), !ok || allowed.Bits32 && int64(v) >= allowed.Min && int64(v) <= allowed.Max, got)
		}
		// A number that could be anything, and one with as many bits as the range.
		compare("anything", !ok, p.load(at, "GPL", returns(call(linux.FnGetPrandomU32))...))
		and := bpf.Instruction{Op: 0x57, Dst: 0, Imm: 1}
		compare("0 or 1", !ok || allowed.Min <= 0 && allowed.Max >= 1, p.load(at, "GPL", returns(call(linux.FnGetPrandomU32), and)...))
	}
	t.Logf("%d values compared, %d places with a range", compared, limited)
}
