package vm

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// formatData is what formats point at: a string, an empty one, one of 600
// letters, and addresses from offset 1000 on.
func formatData() []byte {
	b := make([]byte, 1100)
	copy(b, "hello, world")
	copy(b[100:], strings.Repeat("abcdef", 100))
	for i := range 100 {
		b[1000+i] = byte(i * 37)
	}
	return b
}

// formatArg is an argument: a number, or an offset into the data.
type formatArg struct {
	number uint64
	data   bool
}

var (
	numbers = []formatArg{{number: 0}, {number: 1}, {number: 42}, {number: 0xffffffff}, {number: 0x80000000}, {number: 1 << 63}, {number: ^uint64(0)}, {number: 0x123456789abcdef0}}
	chars   = []formatArg{{number: 'A'}, {number: ' '}, {number: 0x141}, {number: 0xe9}}
	texts   = []formatArg{{0, true}, {50, true}, {100, true}, {690, true}, {number: 0}, {number: 8}}
	ips     = []formatArg{{1000, true}, {1003, true}, {1016, true}, {number: 0}}
)

// formatCases are formats with the arguments to try.
func formatCases() map[string][]formatArg {
	cases := map[string][]formatArg{}
	for _, flags := range []string{"", "0", "-", "+", " ", "-0", "+0", "0-", " +", "- ", "0 "} {
		for _, width := range []string{"", "1", "7", "12", "30"} {
			for _, kind := range []string{"d", "i", "u", "x", "X", "ld", "li", "lu", "lx", "lX", "lld", "lli", "llu", "llx", "llX"} {
				cases["a%"+flags+width+kind+"z"] = numbers
			}
			cases["a%"+flags+width+"pxz"] = numbers
			cases["a%"+flags+width+"cz"] = chars
			cases["a%"+flags+width+"s."] = texts
			cases["a%"+flags+width+"pks."] = texts
			for _, ip := range []string{"i4", "I4", "i6", "I6"} {
				cases["a%"+flags+width+"p"+ip] = ips
			}
			cases["a%"+flags+width+"p "] = numbers[:1] // others the kernel hashes
			cases["a%"+flags+width+"pK "] = numbers[:1]
			for _, symbol := range []string{"s", "S", "B"} {
				cases["a%"+flags+width+"p"+symbol+" "] = numbers[:3]
			}
		}
	}
	for _, f := range []string{ // mostly bad
		"", "plain", "%", "%%", "100%%", "%%d", "a%", "%5", "%-", "%l", "%ll", "%lll", "%llld", "%q", "%n", "%f", "%o", "%hd", "%hhd", "%zu", "%#x", "%.3d",
		"%*d", "%5.2s", "%lc", "%ls", "%lp", "%lpx", "%sx", "%s1", "%s", "%s\n", "%s%s", "%d%d", "%pz", "%p1", "%p", "%p\n", "%p.", "%p%%", "%pi", "%pI", "%pi5", "%pI4x",
		"%pI4 %s", "%pI6c tail", "%pI4hnbl.", "%pxyz!", "%pk", "%pu", "%pksx", "%pus", "%pusx", "%pB9 ", "%pKx ", "%pf", "%pF", "%pe", "%pM", "%pU",
		"tab\tnl\ncr\rvt\vff\f", "\x01", "\x1b[0m", "\x7f", "\x80", "\xff", "h\xc3\xa9llo %d", "%\xc3\xa9", "%s\xc3\xa9", "%s\xa0", "%s\xb7", "%d\xc3\xa9", "%pI4\xc3\xa9.",
		"%p\xc3\xa9", "%p\xb7", "%00005d", "%0-+ 5d", "%5-d", "%1000d|", "%-1000d|", "%1023d", "%1024d", "%2000d|", "%01500x", "%1500s", "%c%c%c", "%d %ld %lld", "%s %s %s",
		"%c%d%c", "%pI6 %pI6 %pI6",
	} {
		switch {
		case strings.ContainsAny(f, "s") || strings.Contains(f, "%pI"):
			cases[f] = texts
		case strings.Contains(f, "%p"):
			cases[f] = numbers[:1]
		default:
			cases[f] = numbers
		}
	}
	return cases
}

// TestKernelFormat compares the formatting with bpf_snprintf, and what
// bpf_trace_printk returns with itself.
func TestKernelFormat(t *testing.T) {
	cases := formatCases()
	formats := make([]byte, 0, 1<<16)
	offsets := map[string]int{}
	for f := range cases {
		offsets[f] = len(formats)
		formats = append(append(formats, f...), 0)
	}
	b := newBoth(
		t, results(3000),
		&bpf.Map{Name: "formats", Type: linux.MapArray, KeySize: 4, ValueSize: uint32(len(formats)), MaxEntries: 1, Flags: linux.FRdonlyProg, Contents: formats, Frozen: true},
		&bpf.Map{Name: "data", Type: linux.MapArray, KeySize: 4, ValueSize: 1100, MaxEntries: 1, Contents: formatData()},
	)
	rng := rand.New(rand.NewPCG(6, 6))
	runs, refused := 0, 0
	for f, choices := range cases {
		for i := range choices {
			args := [3]formatArg{choices[i], choices[rng.IntN(len(choices))], choices[rng.IntN(len(choices))]}
			want, err := kernelFormat(b, offsets[f], args)
			line, length, ours := formatLine(b.machine, f, vmArgs(b, args))
			if err != nil {
				refused++
				if !strings.Contains(err.Error(), "nvalid") {
					t.Fatalf("%q: %v", f, err)
				}
				if ours != linux.EINVAL {
					t.Errorf("%q: the kernel refuses it (%v), the vm says %q, %v", f, err, line, ours)
				}
				break
			}
			runs++
			if got := describeFormat(line, length, ours); got != want {
				t.Errorf("%q with %+v:\nkernel %s\nvm     %s", f, args, want, got)
			}
		}
		if strings.Contains(f, "s ") && strings.Contains(f, "p") || len(f) == 0 {
			continue // symbols, and the verifier takes no size of 0
		}
		printed := join(
			valueAt(r1, 1, uint32(offsets[f])), set(r2, int32(len(f)+1)),
			set(r3, 0), set(r4, 0), set(r5, 0), call(int32(linux.FnTracePrintk)),
			valueAt(r1, 0, 0), store(8, r1, 0, r0), set(r0, 2), exit,
		)
		b.update(0, word(0), make([]byte, 3000), linux.Any)
		if !b.run(printed, bytesUpTo(14)) {
			t.Errorf("%q: trace_printk refused", f)
		}
	}
	t.Logf("%d formats, %d lines compared, %d refused", len(cases), runs, refused)
}

func vmArgs(b *both, args [3]formatArg) []uint64 {
	var out []uint64
	for _, a := range args {
		v := a.number
		if a.data {
			v += b.machine.maps[2].values.address(0, 0)
		}
		out = append(out, v)
	}
	return out
}

func describeFormat(line string, length int, err error) string {
	if err != nil {
		return fmt.Sprint(err)
	}
	return fmt.Sprintf("%d %q", length, line)
}

// kernelFormat has the kernel format a line. An error says that it refused to
// load the program.
func kernelFormat(b *both, format int, args [3]formatArg) (string, error) {
	var prog []bpf.Instruction
	for i, a := range args {
		if a.data {
			prog = join(prog, valueAt(r1, 2, uint32(a.number)))
		} else {
			prog = join(prog, long(r1, a.number))
		}
		prog = join(prog, store(8, fp, -24+8*i, r1))
	}
	prog = join(
		prog,
		valueAt(r1, 0, 8), set(r2, lineRoom), valueAt(r3, 1, uint32(format)), move(r4, fp), add(r4, -24), set(r5, 24),
		call(int32(linux.FnSnprintf)),
		valueAt(r1, 0, 0), store(8, r1, 0, r0), set(r0, 2), exit,
	)
	loaded, err := b.kernel.Load(program(prog), kernel.LoadOptions{})
	if err != nil {
		return "", err
	}
	defer loaded.Close()
	if err := b.kernel.Update(0, word(0), make([]byte, 3000), linux.Any); err != nil {
		return "", err
	}
	if _, err := loaded.Run(kernel.Input{Data: bytesUpTo(14)}); err != nil {
		return "", err
	}
	out, err := b.kernel.Lookup(0, word(0), 0)
	if err != nil {
		return "", err
	}
	ret := int64(binary.LittleEndian.Uint64(out))
	if ret < 0 {
		return fmt.Sprint(linux.Errno(-ret)), nil
	}
	text := out[8 : 8+lineRoom-1]
	return fmt.Sprintf("%d %q", ret-1, text[:min(int(ret)-1, len(text))]), nil
}

// TestKernelVprintk compares what bpf_trace_vprintk returns over sizes of its
// arguments.
func TestKernelVprintk(t *testing.T) {
	b := newBoth(t, results(8), &bpf.Map{
		Name: "format", Type: linux.MapArray, KeySize: 4, ValueSize: 19, MaxEntries: 1, Flags: linux.FRdonlyProg,
		Contents: []byte("%d %d %d %d|\x00plain\x00"), Frozen: true,
	})
	zeros := []bpf.Instruction{}
	for off := -104; off < 0; off += 8 {
		zeros = join(zeros, storeK(8, fp, off, int32(off)))
	}
	for _, format := range []struct {
		offset uint32
		size   int32
	}{{0, 13}, {0, 12}, {13, 6}, {13, 5}, {13, 4}} {
		for _, size := range []int32{0, 1, 4, 8, 24, 32, 40, 96, 97, 100, 104} {
			for _, args := range [][]bpf.Instruction{join(move(r3, fp), add(r3, -104)), join(set(r3, 0))} {
				b.run(join(
					zeros, args, valueAt(r1, 1, format.offset), set(r2, format.size), set(r4, size), call(int32(linux.FnTraceVprintk)),
					valueAt(r1, 0, 0), store(8, r1, 0, r0), set(r0, 2), exit,
				), bytesUpTo(14))
			}
		}
	}
}
