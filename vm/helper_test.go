package vm

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// run1 runs instructions as an XDP program of a machine with opts.
func run1(t *testing.T, opts Options, f *Frame, insns []bpf.Instruction, maps ...*bpf.Map) (Outcome, *Machine) {
	t.Helper()
	m, err := New(&bpf.Object{Name: "o", Maps: maps, Programs: []*bpf.Program{program(insns)}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.Programs()[0].RunXDP(f)
	if err != nil {
		t.Fatal(err)
	}
	return out, m
}

// TestFormat needs no kernel; what the kernel says to these is in
// TestKernelFormat.
func TestFormat(t *testing.T) {
	p := machine(t, join(exit), &bpf.Map{Name: "m", Type: linux.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Contents: []byte("hello\x00\x00\x00\xc0\xa8\x00\x01")})
	base := p.machine.maps[0].values.address(0, 0)
	for _, c := range []struct {
		format string
		args   []uint64
		want   string
		err    error
	}{
		{"plain 100%%", nil, "plain 100%", nil},
		{"%d %u %x %X", []uint64{1<<32 - 5, 7, 255, 255}, "-5 7 ff FF", nil},
		{"%lld|%5d|%-5d|%05d|%+d", []uint64{1 << 63, 42, 42, 42, 42}, "-9223372036854775808|   42|42   |00042|+42", nil},
		{"%c%c", []uint64{'a', 'b'}, "ab", nil},
		{"[%s] [%8s] [%-8s]", []uint64{base, base, base}, "[hello] [   hello] [hello   ]", nil},
		{"[%s]", []uint64{0}, "[]", nil},
		{"%pI4 %pi4", []uint64{base + 8, base + 8}, "192.168.0.1 192.168.000.001", nil},
		{"%pI6", []uint64{base}, "6865:6c6c:6f00:0000:c0a8:0001:0000:0000", nil},
		{"%px %ps", []uint64{0x1234, 0x1234}, "0000000000001234 0x1234", nil},
		{"%d", nil, "", linux.EINVAL},
		{"%q", []uint64{1}, "", linux.EINVAL},
		{"%", []uint64{1}, "", linux.EINVAL},
		{"%sx", []uint64{base}, "", linux.EINVAL},
		{"\x01", nil, "", linux.EINVAL},
	} {
		got, n, err := p.machine.workers[0].thread.format(c.format, c.args)
		if got != c.want || err != c.err || n != len(c.want) {
			t.Errorf("%q: %q, %d, %v, want %q, %v", c.format, got, n, err, c.want, c.err)
		}
	}
}

func TestTrace(t *testing.T) {
	var lines []string
	opts := Options{Trace: func(line string) { lines = append(lines, line) }}
	text := &bpf.Map{Name: ".rodata", Type: linux.MapArray, KeySize: 4, ValueSize: 32, MaxEntries: 1, Frozen: true, Contents: []byte("a %d b %x\n\x00bad %q\x00cut%c here\x00")}
	say := func(off uint32, size int32) []bpf.Instruction {
		return join(valueAt(r1, 0, off), set(r2, size), set(r3, 5), set(r4, 255), set(r5, 0), call(int32(linux.FnTracePrintk)))
	}
	out, _ := run1(t, opts, &Frame{Data: make([]byte, 20)}, join(say(0, 11), move(r6, r0), say(11, 7), aluX(bpf.OpAdd, r6, r0), move(r0, r6), exit), text)
	if int32(out.Verdict) != 9-int32(linux.EINVAL) {
		t.Errorf("returned %d", int32(out.Verdict))
	}
	_, _ = run1(t, opts, &Frame{Data: make([]byte, 20)}, join(
		storeK(8, fp, -16, 1), storeK(8, fp, -8, 2), valueAt(r1, 0, 0), set(r2, 11), move(r3, fp), add(r3, -16), set(r4, 16), call(int32(linux.FnTraceVprintk)), exit,
	), text)
	_, _ = run1(t, opts, &Frame{Data: make([]byte, 20)}, join(
		valueAt(r1, 0, 18), set(r2, 11), set(r3, 0), call(int32(linux.FnTracePrintk)), exit,
	), text)
	if want := []string{"a 5 b ff\n", "a 1 b 2\n", "cut"}; !slices.Equal(lines, want) {
		t.Errorf("%q, want %q", lines, want)
	}
}

func TestClockRandomAndCPU(t *testing.T) {
	f := &Frame{Data: make([]byte, 20), TimeNS: 12_345_678_901}
	for _, id := range []linux.HelperID{linux.FnKtimeGetNs, linux.FnKtimeGetBootNs, linux.FnKtimeGetCoarseNs, linux.FnKtimeGetTaiNs} {
		if out, _ := run1(t, Options{}, f, join(call(int32(id)), alu(bpf.OpDiv, r0, 1000), exit)); out.Verdict != 12_345_678 {
			t.Errorf("%s: %d", id, out.Verdict)
		}
	}
	if out, _ := run1(t, Options{Clock: func() uint64 { return 8_000_000 }}, f, join(call(int32(linux.FnJiffies64)), exit)); out.Verdict != 2 {
		t.Errorf("jiffies %d", out.Verdict)
	}
	random := join(call(int32(linux.FnGetPrandomU32)), exit)
	a, _ := run1(t, Options{Seed: 1}, f, random)
	b, _ := run1(t, Options{Seed: 1}, f, random)
	c, _ := run1(t, Options{Seed: 2}, f, random)
	if a.Verdict != b.Verdict || a.Verdict == c.Verdict {
		t.Errorf("seeds 1, 1 and 2 gave %d, %d and %d", a.Verdict, b.Verdict, c.Verdict)
	}
	f.CPU = 3
	out, m := run1(t, Options{CPUs: 4}, f, join(call(int32(linux.FnGetNumaNodeId)), move(r6, r0), call(int32(linux.FnGetSmpProcessorId)), aluX(bpf.OpAdd, r0, r6), exit))
	if out.Verdict != 3 {
		t.Errorf("CPU %d", out.Verdict)
	}
	f.CPU = 4
	if _, err := m.Programs()[0].RunXDP(f); !errors.Is(err, ErrFrame) {
		t.Errorf("a CPU too many: %v", err)
	}
}

// TestAdjust: what TestKernelAdjust found to be the limits.
func TestAdjust(t *testing.T) {
	for _, c := range []struct {
		name   string
		helper linux.HelperID
		delta  int32
		want   linux.Errno // 0: it works
	}{
		{"head", linux.FnXdpAdjustHead, -216, 0},
		{"head", linux.FnXdpAdjustHead, -217, linux.EINVAL},
		{"head", linux.FnXdpAdjustHead, 46, 0},
		{"head", linux.FnXdpAdjustHead, 47, linux.EINVAL},
		{"tail", linux.FnXdpAdjustTail, -46, 0},
		{"tail", linux.FnXdpAdjustTail, -47, linux.EINVAL},
		{"tail", linux.FnXdpAdjustTail, 3460, 0},
		{"tail", linux.FnXdpAdjustTail, 3461, linux.EINVAL},
		{"meta", linux.FnXdpAdjustMeta, -216, 0},
		{"meta", linux.FnXdpAdjustMeta, -220, linux.EINVAL},
		{"meta", linux.FnXdpAdjustMeta, -6, linux.EACCES},
		{"meta", linux.FnXdpAdjustMeta, 4, linux.EINVAL},
	} {
		out, _ := run1(t, Options{}, &Frame{Data: bytesUpTo(60)}, join(set(r2, c.delta), call(int32(c.helper)), exit))
		if int32(out.Verdict) != -int32(c.want) {
			t.Errorf("%s by %d: %d, want %d", c.name, c.delta, int32(out.Verdict), -int32(c.want))
		}
		want := bytesUpTo(60)
		if c.want == 0 {
			switch {
			case c.name == "head" && c.delta < 0:
				want = append(make([]byte, -c.delta), want...)
			case c.name == "head":
				want = want[c.delta:]
			case c.name == "tail":
				want = append(want, make([]byte, 4000)...)[:60+c.delta]
			}
		}
		if !bytes.Equal(out.Data(), want) {
			t.Errorf("%s by %d left %x", c.name, c.delta, out.Data())
		}
		if n := len(out.Metadata()); c.name == "meta" && c.want == 0 && n != int(-c.delta) {
			t.Errorf("%d bytes of metadata", n)
		}
	}
}

func TestRedirect(t *testing.T) {
	devices := &bpf.Map{Name: "devices", Type: linux.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 4}
	to := func(key, flags int32) []bpf.Instruction {
		return join(mapAt(r1, 0), set(r2, key), set(r3, flags), call(int32(linux.FnRedirectMap)))
	}
	for _, c := range []struct {
		name string
		prog []bpf.Instruction
		ret  uint32
		want Redirect
	}{
		{"interface", join(set(r1, 9), set(r2, 0), call(int32(linux.FnRedirect)), exit), linux.XDPRedirect, Redirect{Ifindex: 9}},
		{"flags", join(set(r1, 9), set(r2, 1), call(int32(linux.FnRedirect)), exit), linux.XDPAborted, Redirect{}},
		{"map", join(to(2, 0), exit), linux.XDPRedirect, Redirect{Map: "devices", Key: 2}},
		{"missing", join(to(1, linux.XDPTX), exit), linux.XDPTX, Redirect{}},
		{"broadcast", join(to(1, linux.FBroadcast), exit), linux.XDPRedirect, Redirect{Map: "devices", Key: 1, Broadcast: true}},
		{"the last counts", join(to(2, 0), to(3, linux.XDPPass), exit), linux.XDPPass, Redirect{}},
	} {
		m, err := New(&bpf.Object{Maps: []*bpf.Map{devices}, Programs: []*bpf.Program{program(c.prog)}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Map("devices").Update(word(2), word(7), linux.Any); err != nil {
			t.Fatal(err)
		}
		out, err := m.Programs()[0].RunXDP(&Frame{Data: make([]byte, 60)})
		if err != nil || out.Verdict != c.ret || out.Redirect() != c.want {
			t.Errorf("%s: %d, %+v, %v, want %d, %+v", c.name, out.Verdict, out.Redirect(), err, c.ret, c.want)
		}
	}
}

// TestPacketLoads are the legacy loads, which end the program when they miss.
func TestPacketLoads(t *testing.T) {
	abs := func(size uint8, off int32) bpf.Instruction {
		return bpf.Instruction{Op: bpf.ClassLD | bpf.ModeABS | size, Imm: off}
	}
	ind := bpf.Instruction{Op: bpf.ClassLD | bpf.ModeIND | bpf.SizeH, Src: r7, Imm: 2}
	for _, c := range []struct {
		name string
		prog []bpf.Instruction
		want uint32
	}{
		{"byte", join(abs(bpf.SizeB, 59), exit), 59},
		{"half", join(abs(bpf.SizeH, 12), exit), 0x0c0d},
		{"word", join(abs(bpf.SizeW, 56), exit), 0x38393a3b},
		{"register", join(set(r7, 10), ind, exit), 0x0c0d},
		{"beyond", join(set(r0, 5), abs(bpf.SizeW, 57), set(r0, 6), exit), 0},
		{"before", join(set(r0, 5), abs(bpf.SizeB, -1), set(r0, 6), exit), 0},
		{"beyond, in a function", join(callLocal(2), add(r0, 7), exit, set(r0, 5), abs(bpf.SizeW, 57), set(r0, 6), exit), 7},
	} {
		if out, _ := run1(t, Options{}, &Frame{Data: bytesUpTo(60)}, c.prog); out.Verdict != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, out.Verdict, c.want)
		}
	}
}

// TestEmulated: every emulated helper is one Linux has.
func TestEmulated(t *testing.T) {
	n := 0
	for id := range linux.HelperID(300) {
		if !Emulated(id) {
			continue
		}
		n++
		if h, ok := linux.HelperByID(id); !ok || h.Name == "" {
			t.Errorf("helper %d", id)
		}
	}
	if n < 20 || Emulated(linux.FnOverrideReturn) {
		t.Errorf("%d helpers", n)
	}
}

// TestCopyBytes: what TestKernelCopyBytes found.
func TestCopyBytes(t *testing.T) {
	for _, c := range []struct {
		off, n int32
		want   linux.Errno
	}{
		{0, 8, 0},
		{52, 8, 0},
		{53, 8, linux.EINVAL},
		{60, 1, linux.EINVAL},
		{0xffff, 1, linux.EINVAL},
		{0x10000, 1, linux.EFAULT},
		{-1, 1, linux.EFAULT},
	} {
		for _, helper := range []linux.HelperID{linux.FnXdpLoadBytes, linux.FnXdpStoreBytes} {
			out, _ := run1(t, Options{}, &Frame{Data: bytesUpTo(60)}, join(
				move(r6, r1), storeK(8, fp, -8, -1), set(r2, c.off), move(r3, fp), add(r3, -8), set(r4, c.n), call(int32(helper)),
				jumpIf(bpf.OpJEQ, r0, 0, 1), exit,
				load(1, r7, fp, -8), move(r1, r6), call(int32(linux.FnXdpGetBuffLen)), alu(bpf.OpLsh, r0, 8), aluX(bpf.OpOr, r0, r7), exit,
			))
			want, first, packet := -int32(c.want), int32(0xff), bytesUpTo(60)
			if c.want == 0 {
				if helper == linux.FnXdpLoadBytes {
					first = int32(packet[c.off])
				} else {
					copy(packet[c.off:], bytes.Repeat([]byte{0xff}, int(c.n)))
				}
				want = 60<<8 | first
			}
			if int32(out.Verdict) != want || !bytes.Equal(out.Data(), packet) {
				t.Errorf("%s, %d bytes at %d: %#x, want %#x", helper, c.n, c.off, int32(out.Verdict), want)
			}
		}
	}
}

// TestMapHelpers: lookup, update and delete by a program; see also
// TestKernelMapHelpers.
func TestMapHelpers(t *testing.T) {
	at := func(id linux.HelperID, key int32, rest ...bpf.Instruction) []bpf.Instruction {
		return join(storeK(4, fp, -4, key), mapAt(r1, 0), move(r2, fp), add(r2, -4), rest, call(int32(id)))
	}
	value := join(storeK(8, fp, -16, 42), move(r3, fp), add(r3, -16), set(r4, linux.Any))
	perCPU := &bpf.Map{Name: "m", Type: linux.MapPercpuHash, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	for _, c := range []struct {
		name string
		def  *bpf.Map
		prog []bpf.Instruction
		want int32
	}{
		{"missing", perCPU, at(linux.FnMapLookupElem, 1), 0},
		{"added", perCPU, join(at(linux.FnMapUpdateElem, 1, value...), at(linux.FnMapLookupElem, 1), load(8, r0, r0, 0)), 42},
		{"full", perCPU, join(at(linux.FnMapUpdateElem, 1, value...), at(linux.FnMapUpdateElem, 2, value...)), -int32(linux.E2BIG)},
		{"deleted", perCPU, join(at(linux.FnMapUpdateElem, 1, value...), at(linux.FnMapDeleteElem, 1), at(linux.FnMapLookupElem, 1)), 0},
		{"nothing to delete", perCPU, at(linux.FnMapDeleteElem, 1), -int32(linux.ENOENT)},
		{"another CPU", perCPU, join(at(linux.FnMapUpdateElem, 1, value...), at(linux.FnMapLookupPercpuElem, 1, set(r3, 1)), load(8, r0, r0, 0)), 0},
		{"no such CPU", perCPU, join(at(linux.FnMapUpdateElem, 1, value...), at(linux.FnMapLookupPercpuElem, 1, set(r3, 2))), 0},
	} {
		out, _ := run1(t, Options{CPUs: 2}, &Frame{Data: make([]byte, 60)}, join(c.prog, exit), c.def)
		if int32(out.Verdict) != c.want {
			t.Errorf("%s: %d, want %d", c.name, int32(out.Verdict), c.want)
		}
	}
}
