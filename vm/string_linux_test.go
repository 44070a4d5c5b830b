package vm

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// shortStrings are strings of few different letters, so that they are found in each
// other, one behind the other; at says where each begins.
func shortStrings(rng *rand.Rand) (b []byte, at []int) {
	for range 60 {
		at = append(at, len(b))
		for range rng.IntN(12) {
			b = append(b, "aAbB\xe9\xc9cdz"[rng.IntN(9)])
		}
		b = append(b, 0)
	}
	return b, at
}

// TestKernelStrings compares the string functions over strings that are short, too
// long, or not there.
func TestKernelStrings(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 3))
	short, at := shortStrings(rng)
	long1 := len(short)
	data := append(short, []byte(strings.Repeat("ab", 33_000)+"\x00")...) // too long
	long2 := len(data)
	data = append(data, []byte(strings.Repeat("ab", 32_767)+"x\x00")...) // as long as may be
	c := newCallTest(t, results(1024), readOnly(data))
	argument := func(reg bpf.Register) []bpf.Instruction {
		switch rng.IntN(40) {
		case 0:
			return join(valueAt(reg, 1, uint32(long1+rng.IntN(600))))
		case 1:
			return join(valueAt(reg, 1, uint32(long2+rng.IntN(4))))
		case 2, 3:
			bad := []uint64{0, 1, 4095, 4096, 0x7fff_0040_0000, 0x8000_0000_0000_0000, 0xffff_f000_0000_0000, ^uint64(0) - 4095}
			return join(long(reg, bad[rng.IntN(len(bad))]))
		}
		start := at[rng.IntN(len(at))]
		return join(valueAt(reg, 1, uint32(start)))
	}
	letter := func(reg bpf.Register) []bpf.Instruction {
		return join(set(reg, int32([]byte("aAbBczxX\x00\xe9")[rng.IntN(10)])|[]int32{0, 0, 0, 1 << 8, -1 << 8}[rng.IntN(5)]))
	}
	limit := func(reg bpf.Register) []bpf.Instruction {
		limits := []uint64{0, 1, 2, 3, 5, 8, 12, 65_535, 65_536, 65_537, 70_000, 1 << 32, ^uint64(0)}
		return join(long(reg, limits[rng.IntN(len(limits))]))
	}
	functions := map[string][]func(bpf.Register) []bpf.Instruction{
		"bpf_strcmp": {argument, argument}, "bpf_strcasecmp": {argument, argument}, "bpf_strlen": {argument}, "bpf_strnlen": {argument, limit},
		"bpf_strchr": {argument, letter}, "bpf_strnchr": {argument, limit, letter}, "bpf_strchrnul": {argument, letter}, "bpf_strrchr": {argument, letter},
		"bpf_strspn": {argument, argument}, "bpf_strcspn": {argument, argument}, "bpf_strstr": {argument, argument}, "bpf_strnstr": {argument, argument, limit},
	}
	names, calls := slices.Sorted(maps.Keys(functions)), 0
	for range 500 {
		var prog []bpf.Instruction
		for i := range 20 {
			name := names[rng.IntN(len(names))]
			for n, argument := range functions[name] {
				prog = join(prog, argument(r1+bpf.Register(n)))
			}
			prog = join(prog, kfunc(t, name), low32(), keep(uint32(8*i)))
			calls++
		}
		if !c.run(linked(join(prog, set(r0, 2), exit)), bytesUpTo(14)) || t.Failed() {
			t.Fatalf("%v", c.refused)
		}
	}
	t.Logf("%d calls", calls)
}

// TestKernelNumbers compares bpf_strtol, bpf_strtoul and bpf_strncmp.
func TestKernelNumbers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 4))
	texts := []string{
		"", "0", "1", "-1", "--1", "+1", " 12", "\t\n\v\f\r -7", "\xa042", "0x", "0x1", "0X1f", "0xg", "-0x10", "x1", "08", "017", "018", "09", "abc", "ABC", "12a", "1 2", "-", " ", "-  5",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
		"0xffffffffffffffff", "0x10000000000000000", "01777777777777777777777", "02000000000000000000000", strings.Repeat("0", 62) + "12", strings.Repeat("0", 70), strings.Repeat(" ", 70) + "5",
		strings.Repeat("9", 70), "0x" + strings.Repeat("0", 60) + "1f", "1\x002",
	}
	for range 60 {
		var text string
		for range 1 + rng.IntN(22) {
			text += string("0123456789abcdefxX- \x00"[rng.IntN(21)])
		}
		texts = append(texts, text)
	}
	var data []byte
	at := map[string]uint32{}
	for _, text := range texts {
		at[text] = uint32(len(data))
		data = append(append(data, text...), 0, '7', '7')
	}
	c := newCallTest(t, results(2048), readOnly(data))
	calls := 0
	for _, text := range texts {
		for _, helper := range []linux.HelperID{linux.FnStrtol, linux.FnStrtoul} {
			var prog []bpf.Instruction
			for i, base := range []uint64{0, 8, 10, 16, 2, 7, 32, 1<<32 | 10} {
				for j, n := range []int32{int32(len(text)), int32(len(text)) + 2, 1 + rng.Int32N(int32(len(text))+1)} {
					prog = join(prog, valueAt(r1, 1, at[text]), set(r2, max(1, n)), long(r3, base), move(r4, fp), add(r4, -8), storeK(8, fp, -8, 0x55),
						call(int32(helper)), keep(uint32(48*i+16*j)), load(8, r0, fp, -8), keep(uint32(48*i+16*j+8)))
					calls++
				}
			}
			if !c.run(linked(join(prog, set(r0, 2), exit)), bytesUpTo(14)) {
				t.Fatalf("%v", c.refused)
			}
		}
		var prog []bpf.Instruction
		for i := range 20 {
			other := texts[rng.IntN(len(texts))]
			if rng.IntN(2) == 0 {
				other = text
			}
			prog = join(prog, valueAt(r1, 1, at[text]), set(r2, 1+rng.Int32N(int32(len(text))+3)), valueAt(r3, 1, at[other]), call(int32(linux.FnStrncmp)), keep(uint32(8*i)))
			calls++
		}
		if !c.run(linked(join(prog, set(r0, 2), exit)), bytesUpTo(14)) {
			t.Fatalf("%v", c.refused)
		}
	}
	t.Logf("%d calls", calls)
}

// TestKernelSnprintf compares bpf_snprintf's result and buffer over sizes of both.
// What it formats is compared by TestKernelFormat.
func TestKernelSnprintf(t *testing.T) {
	formats := []string{"%d %s|%08x %pI4", "plain", "%pI6|%d|%s %x", "%pks %c%d %pi4", "%pI4%s", "%d%d%d%lld"}
	var data []byte
	var starts []uint32
	for _, f := range formats {
		starts = append(starts, uint32(len(data)))
		data = append(append(data, f...), 0)
	}
	text := uint32(len(data))
	c := newCallTest(t, results(256), readOnly(append(data, "hello, this is some text\x00"...)))
	before := []bpf.Instruction{}
	for off := 8; off < 256; off += 8 {
		before = join(before, valueAt(r1, 0, uint32(off)), storeK(8, r1, 0, -1))
	}
	before = join(before, valueAt(r6, 1, text))
	for off := -104; off < 0; off += 8 {
		before = join(before, store(8, fp, off, r6))
	}
	for i, format := range formats {
		for _, size := range []int32{0, 1, 2, 5, 12, 20, 29, 30, 31, 40, 100} {
			for _, args := range []int32{0, 1, 32, 40, 96, 104} {
				prog := join(before, valueAt(r1, 0, 8), set(r2, size), valueAt(r3, 1, starts[i]), move(r4, fp), add(r4, -104))
				for j, part := range strings.Split(format, "%")[1:] { // numbers for what is no address
					if part[0] != 's' && part[0] != 'p' {
						prog = join(prog, storeK(8, fp, -104+8*j, int32(-5*j-3)))
					}
				}
				if args == 0 {
					prog = join(prog, set(r4, 0))
				}
				c.run(linked(join(prog, set(r5, args), call(int32(linux.FnSnprintf)), keep(0), set(r0, 2), exit)), bytesUpTo(14))
			}
		}
	}
}

// low32 leaves the lower half of r0, which is all that functions returning int
// give.
func low32() bpf.Instruction { return alu32X(bpf.OpMov, r0, r0) }
