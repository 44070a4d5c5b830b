package kernel

import (
	"errors"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

func open(t *testing.T, maps ...*bpf.Map) *Kernel {
	t.Helper()
	require.Kernel(t)
	k, err := New(maps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func load(t *testing.T, k *Kernel, p *bpf.Program, opts LoadOptions) *Program {
	t.Helper()
	loaded, err := k.Load(p, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loaded.Close)
	return loaded
}

var exit = bpf.Instruction{Op: bpf.OpcodeExit}

func set(r bpf.Register, imm int32) bpf.Instruction {
	return bpf.Instruction{Op: 0xb7, Dst: r, Imm: imm}
}

func call(id linux.HelperID) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeCall, Imm: int32(id)}
}

// TestRunTypes runs a program of every type that BPF_PROG_TEST_RUN takes.
func TestRunTypes(t *testing.T) {
	packet := make([]byte, 64)
	packet[12], packet[13] = 8, 0
	packet[14] = 0x45
	cases := []struct {
		kind linux.ProgramType
		opts LoadOptions
		in   Input
	}{
		{kind: linux.ProgXDP, in: Input{Data: packet, Repeat: 3}},
		{kind: linux.ProgXDP, opts: LoadOptions{Flags: linux.FXDPHasFrags}, in: Input{Data: make([]byte, 9000)}},
		{kind: linux.ProgXDP, in: Input{Data: packet, Context: XDPContext(64, 8, 1, 0)}},
		{kind: linux.ProgSchedCLS, in: Input{Data: packet}},
		{kind: linux.ProgSchedACT, in: Input{Data: packet}},
		{kind: linux.ProgSocketFilter, in: Input{Data: packet}},
		{kind: linux.ProgCgroupSKB, in: Input{Data: packet}},
		{kind: linux.ProgLWTIn, in: Input{Data: packet}},
		{kind: linux.ProgLWTOut, in: Input{Data: packet}},
		{kind: linux.ProgLWTXmit, in: Input{Data: packet}},
		{kind: linux.ProgFlowDissector, in: Input{Data: packet}},
		{kind: linux.ProgRawTracepoint, in: Input{Context: make([]byte, 16)}},
		{kind: linux.ProgSyscall, opts: LoadOptions{Flags: linux.FSleepable}, in: Input{Context: make([]byte, 16)}},
	}
	k := open(t)
	for _, c := range cases {
		p := load(t, k, &bpf.Program{Name: "p", Type: c.kind, Instructions: []bpf.Instruction{set(0, 1), exit}}, c.opts)
		out, err := p.Run(c.in)
		if err != nil || out.Return != 1 {
			t.Errorf("%s: %+v, %v", c.kind, out, err)
		}
		if m := mannerOf(c.kind); m.context != 0 && len(out.Context) != m.context {
			t.Errorf("%s: a context of %d bytes", c.kind, len(out.Context))
		}
		switch c.kind {
		case linux.ProgXDP, linux.ProgSchedCLS:
			if string(out.Data) != string(c.in.Data) {
				t.Errorf("%s: packet is %x", c.kind, out.Data)
			}
		}
	}
}

func TestMetadata(t *testing.T) {
	k := open(t)
	p := load(t, k, &bpf.Program{Type: linux.ProgXDP, Instructions: []bpf.Instruction{
		set(2, -4), call(linux.FnXdpAdjustMeta), exit,
	}}, LoadOptions{})
	out, err := p.Run(Input{Data: make([]byte, 20)})
	if err != nil || out.Metadata() != 4 || len(out.Data) != 24 || out.Return != 0 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestMapTypes makes a map of each type that stands on its own.
func TestMapTypes(t *testing.T) {
	require.Kernel(t)
	for _, kind := range linux.MapTypes() {
		def := &bpf.Map{Name: kind.String(), Type: kind, KeySize: 4, ValueSize: 4, MaxEntries: 2}
		switch kind {
		case linux.MapCgroupStorage, linux.MapPercpuCgroupStorage:
			def.KeySize, def.MaxEntries = 8, 0
		case linux.MapStackTrace:
			def.ValueSize = 8
		case linux.MapLPMTrie:
			def.KeySize, def.Flags = 8, linux.FNoPrealloc
		case linux.MapArrayOfMaps, linux.MapHashOfMaps:
			def.Inner = &bpf.Map{Name: "inner", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
		case linux.MapQueue, linux.MapStack, linux.MapBloomFilter:
			def.KeySize = 0
		case linux.MapRingbuf, linux.MapUserRingbuf:
			def.KeySize, def.ValueSize = 0, 0
		case linux.MapSkStorage, linux.MapInodeStorage, linux.MapTaskStorage, linux.MapCgrpStorage:
			def.MaxEntries, def.Flags = 0, linux.FNoPrealloc
		case linux.MapArena:
			def.KeySize, def.ValueSize, def.Flags = 0, 0, linux.FMmapable
		case linux.MapStructOps:
			continue // needs a structure of the kernel
		}
		k, err := New([]*bpf.Map{def})
		if err != nil {
			t.Error(err)
			continue
		}
		k.Close()
	}
}

// TestMapOperations: values, numbers of errors, and what moves between maps.
func TestMapOperations(t *testing.T) {
	inner := &bpf.Map{Name: "inner", Type: linux.MapArray, KeySize: 4, ValueSize: 5, MaxEntries: 1, Contents: []byte{1, 2, 3}}
	maps := []*bpf.Map{
		inner,
		{Name: "outer", Type: linux.MapArrayOfMaps, KeySize: 4, ValueSize: 4, MaxEntries: 3, Inner: inner, Values: []bpf.MapValue{{Index: 1, Name: "inner"}}},
		{Name: "percpu", Type: linux.MapPercpuHash, KeySize: 3, ValueSize: 5, MaxEntries: 2},
		{Name: "queue", Type: linux.MapQueue, ValueSize: 4, MaxEntries: 1},
		{Name: "bloom", Type: linux.MapBloomFilter, ValueSize: 4, MaxEntries: 8, Extra: 3},
		{Name: "fixed", Type: linux.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1, Contents: []byte{9, 9, 9, 9}, Frozen: true},
	}
	k := open(t, maps...)
	if v, err := k.Lookup(0, number(0), 0); err != nil || string(v) != "\x01\x02\x03\x00\x00" {
		t.Errorf("inner: %x, %v", v, err)
	}
	if all, err := k.Contents(1, AllCPUs); err != nil || len(all) != 1 || all[string(number(1))] == "" {
		t.Errorf("outer: %q, %v", all, err)
	}
	values := make([]byte, 5*k.CPUs())
	for i := range values {
		values[i] = byte(i)
	}
	want := func(what string, err error, errno linux.Errno) {
		t.Helper()
		var e *Error
		if errno == 0 && err != nil || errno != 0 && (!errors.As(err, &e) || e.Errno != errno) {
			t.Errorf("%s: %v, want %v", what, err, errno)
		}
	}
	want("update", k.Update(2, []byte("abc"), values, linux.NoExist), 0)
	want("update", k.Update(2, []byte("abc"), values, linux.NoExist), linux.EEXIST)
	if all, err := k.Contents(2, 0); err != nil || len(all) != 1 || all["abc"] != "\x00\x01\x02\x03\x04" {
		t.Errorf("percpu: %q, %v", all, err)
	}
	if v, err := k.LookupAndDelete(2, []byte("abc"), 0); err != nil || string(v) != string(values) {
		t.Errorf("percpu: %x, %v", v, err)
	}
	want("delete", k.Delete(2, []byte("abc")), linux.ENOENT)
	want("push", k.Update(3, nil, number(7), 0), 0)
	want("push", k.Update(3, nil, number(7), 0), linux.E2BIG)
	if v, err := k.LookupAndDelete(3, nil, 0); err != nil || string(v) != string(number(7)) {
		t.Errorf("pop: %x, %v", v, err)
	}
	want("push", k.Update(4, nil, number(7), 0), 0)
	want("peek", k.Contains(4, number(7)), 0)
	want("peek", k.Contains(4, number(8)), linux.ENOENT)
	want("update of a frozen map", k.Update(5, number(0), number(1), 0), linux.EPERM)
}

// TestLock makes a map whose values have a spin lock, which takes types.
func TestLock(t *testing.T) {
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	lock := &btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: []btf.Member{{Name: "val", Type: u32}}}
	k := open(t, &bpf.Map{
		Name: "locked", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 1, Key: u32,
		Value: &btf.Struct{Name: "v", Size: 8, Members: []btf.Member{{Name: "lock", Type: lock}, {Name: "n", Type: u32, Offset: 32}}},
	})
	if err := k.Update(0, number(1), append(number(0), number(5)...), linux.FLock); !errors.Is(err, linux.ENOENT) && err != nil {
		t.Error(err)
	}
	if err := k.Update(0, number(1), append(number(0), number(6)...), linux.FLock); err != nil {
		t.Error(err)
	}
}

func TestRefusal(t *testing.T) {
	k := open(t)
	_, err := k.Load(&bpf.Program{Name: "bad", Type: linux.ProgXDP, Instructions: []bpf.Instruction{exit}}, LoadOptions{})
	var e *Error
	if !errors.As(err, &e) || e.Errno != linux.EACCES || e.Reason() != "R0 !read_ok" || !strings.Contains(e.Log, "R1=ctx()") {
		t.Errorf("%v", err)
	}
}

// TestTailCall: a prog array gets the programs that its values name.
func TestTailCall(t *testing.T) {
	k := open(t, &bpf.Map{
		Name: "next", Type: linux.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 2,
		Values: []bpf.MapValue{{Index: 1, Name: "second"}},
	})
	array := bpf.LoadImm64(2, bpf.PseudoMapIdx, 0)
	first := load(t, k, &bpf.Program{Name: "first", Type: linux.ProgXDP, Instructions: []bpf.Instruction{
		array[0], array[1], set(3, 1), call(linux.FnTailCall), set(0, 11), exit,
	}}, LoadOptions{})
	for _, want := range []uint32{11, 22} {
		if out, err := first.Run(Input{Data: make([]byte, 14)}); err != nil || out.Return != want {
			t.Errorf("%+v, %v; want %d", out, err, want)
		}
		load(t, k, &bpf.Program{Name: "second", Type: linux.ProgXDP, Instructions: []bpf.Instruction{set(0, 22), exit}}, LoadOptions{})
	}
}

// TestEvents has a program write to a ring buffer and to perf events.
func TestEvents(t *testing.T) {
	cpu, release, err := BindCPU()
	if err != nil {
		t.Skip(err)
	}
	defer release()
	k := open(t,
		&bpf.Map{Name: "ring", Type: linux.MapRingbuf, MaxEntries: 100},
		&bpf.Map{Name: "perf", Type: linux.MapPerfEventArray, KeySize: 4, ValueSize: 4})
	ring, err := k.OpenRing(0)
	if err != nil {
		t.Fatal(err)
	}
	defer ring.Close()
	perf, err := k.OpenPerf(1)
	if err != nil {
		t.Fatal(err)
	}
	defer perf.Close()
	r, a, f := bpf.LoadImm64(1, bpf.PseudoMapIdx, 0), bpf.LoadImm64(2, bpf.PseudoMapIdx, 1), bpf.LoadImm64(3, 0, 0xffffffff)
	copyOf := func(dst, src bpf.Register) bpf.Instruction { return bpf.Instruction{Op: 0xbf, Dst: dst, Src: src} }
	minus8 := func(dst bpf.Register) bpf.Instruction { return bpf.Instruction{Op: 0x07, Dst: dst, Imm: -8} }
	p := load(t, k, &bpf.Program{Name: "events", Type: linux.ProgXDP, Instructions: []bpf.Instruction{
		copyOf(6, 1),
		{Op: 0x7a, Dst: 10, Off: -8, Imm: 77},
		r[0], r[1], copyOf(2, 10), minus8(2), set(3, 5), set(4, 0), call(linux.FnRingbufOutput),
		copyOf(7, 0),
		copyOf(1, 6), a[0], a[1], f[0], f[1], copyOf(4, 10), minus8(4), set(5, 8), call(linux.FnPerfEventOutput),
		{Op: 0x0f, Dst: 0, Src: 7},
		exit,
	}}, LoadOptions{})
	for i := range 1000 { // many times around
		if out, err := p.Run(Input{Data: make([]byte, 14)}); err != nil || out.Return != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		records, events := ring.Read(), perf.Read()
		if len(records) != 1 || string(records[0]) != "M\x00\x00\x00\x00" {
			t.Fatalf("run %d: ring %q", i, records)
		}
		if len(events) != 1 || events[0].CPU != cpu || string(events[0].Data[:8]) != "M\x00\x00\x00\x00\x00\x00\x00" {
			t.Fatalf("run %d: perf %+v", i, events)
		}
	}
}

// TestFunctionAddress: callbacks need the types of functions.
func TestFunctionAddress(t *testing.T) {
	k := open(t)
	f := bpf.LoadImm64(2, bpf.PseudoFunc, 6)
	p := load(t, k, &bpf.Program{
		Name: "loop", Type: linux.ProgXDP,
		Functions: []bpf.Function{{Name: "loop", Len: 8}, {Name: "a.b", Start: 8, Len: 2}},
		Instructions: []bpf.Instruction{
			set(1, 5), f[0], f[1], set(3, 0), set(4, 0), call(linux.FnLoop),
			{Op: 0x07, Dst: 0, Imm: 100},
			exit,
			set(0, 0), exit,
		},
	}, LoadOptions{})
	if out, err := p.Run(Input{Data: make([]byte, 14)}); err != nil || out.Return != 105 {
		t.Errorf("%+v, %v", out, err)
	}
}

// TestDrain: what was closed is gone afterwards.
func TestDrain(t *testing.T) {
	k := open(t)
	for range 50 {
		p, err := k.Load(&bpf.Program{Type: linux.ProgXDP, Instructions: []bpf.Instruction{set(0, 2), exit}}, LoadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.Close()
	}
	if done, err := k.Drain(); err != nil || !done {
		t.Errorf("%v, %v", done, err)
	}
}

// TestMapID: a map has a number for as long as there is a descriptor.
func TestMapID(t *testing.T) {
	k := open(t, &bpf.Map{Name: "m", Type: linux.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1})
	id, err := mapID(k.FD(0))
	if err != nil || !mapExists(id) {
		t.Errorf("map %d: %v", id, err)
	}
}
