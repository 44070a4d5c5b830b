package vm

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

func arrayMap(name string, valueSize, entries uint32) *bpf.Map {
	return &bpf.Map{Name: name, Type: linux.MapArray, KeySize: 4, ValueSize: valueSize, MaxEntries: entries}
}

// TestPageCrossing writes and reads every size around the page borders of a
// big map, in one piece and byte by byte.
func TestPageCrossing(t *testing.T) {
	const size = 3*pageSize + 24
	p := machine(t, join(exit), arrayMap("big", size, 1))
	m := p.machine.maps[0]
	rng := rand.New(rand.NewPCG(1, 1))
	for border := range 4 {
		for back := range 9 {
			off := (border+1)*pageSize - back
			for _, n := range []int{1, 2, 4, 8} {
				if off+n > size {
					continue
				}
				v := rng.Uint64()
				p.code = decode(&bpf.Program{Instructions: join(
					valueAt(r1, 0, uint32(off)), long(r2, v), store(n, r1, 0, r2), load(n, r0, r1, 0), exit,
				)}, p.machine.maps)
				got, err := p.RunRaw(nil)
				want := v << (64 - 8*n) >> (64 - 8*n)
				if err != nil || got != want || getLE(m.values.bytes(0, 0)[off:off+n]) != want {
					t.Fatalf("%d bytes at %#x: %#x, %v, want %#x", n, off, got, err, want)
				}
			}
		}
	}
	for off, ok := range map[int]bool{size - 8: true, size - 7: false, size: false, -1: false, 3 * pageSize: true, 4 * pageSize: false} {
		p.code = decode(&bpf.Program{Instructions: join(valueAt(r1, 0, uint32(off)), load(8, r0, r1, 0), exit)}, p.machine.maps)
		if _, err := p.RunRaw(nil); (err == nil) != ok || err != nil && !errors.Is(err, ErrOutOfBounds) {
			t.Errorf("8 bytes at %d: %v", off, err)
		}
	}
}

// TestGuardGaps walks over the addresses between all regions: none of them may
// be reached from another by running off its end.
func TestGuardGaps(t *testing.T) {
	p := machine(t, join(exit), arrayMap("a", 8, 1), arrayMap("b", pageSize, 1), arrayMap("c", pageSize+1, 3), arrayMap("d", 16, 2))
	mem := p.machine.workers[0].thread.mem
	for i, r := range mem.regions {
		end := r.start + uint64(len(r.data))
		next := uint64(pageCount) << pageShift
		if i+1 < len(mem.regions) {
			next = mem.regions[i+1].start
		}
		if next < end+pageSize {
			t.Errorf("%s ends at %#x, the next region starts at %#x", r.name, end, next)
		}
		for _, addr := range []uint64{r.start - 1, r.start - 8, r.start - pageSize, end, end + 8, end + pageSize - 8} {
			if _, err := mem.load(addr, 8); !errors.Is(err, ErrOutOfBounds) && !errors.Is(err, ErrNull) {
				t.Errorf("8 bytes at %#x, outside of %s: %v", addr, r.name, err)
			}
		}
	}
}

// TestWildAddresses: none of these are memory, by any kind of access.
func TestWildAddresses(t *testing.T) {
	p := machine(t, join(exit), arrayMap("m", 8, 1))
	base := p.machine.maps[0].values.address(0, 0)
	wild := []uint64{
		0, 1, 8, pageSize - 1, pageSize - 8, ^uint64(0), ^uint64(0) - 7, ^uint64(linux.ENOMEM) + 1, 1 << 32, 1<<32 - 1, 1<<32 | base, 1<<63 | base,
		mapHandle(0), codeHandle(3), 0xdeadbeef00000000,
	}
	for _, addr := range wild {
		for size := 1; size <= 8; size *= 2 {
			for name, in := range map[string]bpf.Instruction{
				"load": load(size, r0, r1, 0), "store": store(size, r1, 0, r2), "constant": storeK(size, r1, 0, 1),
				"atomic": atomicOp(max(4, size), bpf.AtomicAdd, r1, 0, r2),
			} {
				p.code = decode(&bpf.Program{Instructions: join(long(r1, addr), set(r2, 1), in, exit)}, p.machine.maps)
				_, err := p.RunRaw(nil)
				if !errors.Is(err, ErrOutOfBounds) && !errors.Is(err, ErrNull) {
					t.Errorf("%s of %d at %#x: %v", name, size, addr, err)
				}
				if (addr < pageSize) != errors.Is(err, ErrNull) && addr%8 == 0 {
					t.Errorf("%s of %d at %#x: %v", name, size, addr, err)
				}
			}
		}
	}
}

// TestReadOnly: the context, frozen sections and maps that programs may only
// read.
func TestReadOnly(t *testing.T) {
	rodata := arrayMap(".rodata", 16, 1)
	rodata.Section, rodata.Frozen, rodata.Contents = ".rodata", true, []byte("0123456789abcdef")
	rdonly := arrayMap("config", 8, 4)
	rdonly.Flags = linux.FRdonlyProg
	p := machine(t, join(exit), rodata, rdonly)
	frame := &Frame{Data: make([]byte, 60)}
	for name, target := range map[string][]bpf.Instruction{
		"context": join(move(r6, r1)), ".rodata": join(valueAt(r6, 0, 0)), "map": join(valueAt(r6, 1, 8)),
	} {
		for _, in := range []bpf.Instruction{store(1, r6, 3, r1), store(8, r6, 0, r1), storeK(4, r6, 4, 7), atomicOp(4, bpf.AtomicAdd, r6, 0, r1), atomicOp(8, bpf.AtomicCmpXchg, r6, 0, r1)} {
			p.code = decode(&bpf.Program{Instructions: join(target, load(4, r0, r6, 0), in, exit)}, p.machine.maps)
			if _, err := p.RunXDP(frame); !errors.Is(err, ErrReadOnly) {
				t.Errorf("%s, %s: %v", name, in, err)
			}
		}
	}
	if got := p.machine.maps[0].values.bytes(0, 0); string(got) != "0123456789abcdef" {
		t.Errorf(".rodata became %q", got)
	}
}

// TestCallersPacketStays: a program changes its own copy, of packets of all
// sizes, and the next run starts afresh.
func TestCallersPacketStays(t *testing.T) {
	prog := join(
		load(4, r7, r1, 0), load(4, r8, r1, 4),
		load(8, r2, r7, 0), storeK(1, r7, 0, 0xaa), storeK(8, r8, -8, -1), load(1, r3, r7, 0),
		set(r0, 3), exit,
	)
	p := machine(t, prog)
	for _, n := range []int{14, 60, 1514, 4096, pageSize - 1, pageSize, pageSize + 1, 3*pageSize + 5, maxPacket - headroom} {
		for range 2 {
			packet := bytesUpTo(n + 9)[1 : n+1] // at an odd place, with something behind it
			packet = packet[:n:n]
			before := bytes.Clone(packet)
			out, err := p.RunXDP(&Frame{Data: packet})
			if err != nil {
				t.Fatalf("%d bytes: %v", n, err)
			}
			want := bytes.Clone(before)
			want[0] = 0xaa
			copy(want[n-8:], bytes.Repeat([]byte{0xff}, 8))
			if !bytes.Equal(packet, before) {
				t.Errorf("%d bytes: the caller's packet changed", n)
			}
			if !bytes.Equal(out.Data(), want) {
				t.Errorf("%d bytes: wrong output", n)
			}
		}
	}
	if _, err := p.RunXDP(&Frame{Data: make([]byte, maxPacket)}); !errors.Is(err, ErrFrame) {
		t.Errorf("a packet that is too large: %v", err)
	}
	if _, err := p.RunRaw(make([]byte, maxPacket+1)); !errors.Is(err, ErrFrame) {
		t.Errorf("memory that is too large: %v", err)
	}
}

// TestRunsDependOnInputOnly: registers, headroom and stack are as new.
func TestRunsDependOnInputOnly(t *testing.T) {
	dirty := join(
		move(r6, r1), storeK(8, fp, -8, 0x5555), storeK(8, fp, -512, 0x5555),
		set(r2, -100), call(int32(linux.FnXdpAdjustHead)),
		load(4, r7, r6, 0), storeK(8, r7, 0, 0x6666),
		set(r0, 77), set(r1, 77), set(r2, 77), set(r3, 77), set(r4, 77), set(r5, 77), set(r6, 77), set(r7, 77), set(r8, 77), set(r9, 77), exit,
	)
	look := join(
		aluX(bpf.OpOr, r0, r2), aluX(bpf.OpOr, r0, r3), aluX(bpf.OpOr, r0, r4), aluX(bpf.OpOr, r0, r5),
		aluX(bpf.OpOr, r0, r6), aluX(bpf.OpOr, r0, r7), aluX(bpf.OpOr, r0, r8), aluX(bpf.OpOr, r0, r9),
		load(8, r2, fp, -8), aluX(bpf.OpOr, r0, r2), load(8, r2, fp, -512), aluX(bpf.OpOr, r0, r2),
		move(r9, r0), move(r6, r1),
		set(r2, -100), call(int32(linux.FnXdpAdjustHead)), aluX(bpf.OpOr, r9, r0),
		load(4, r7, r6, 0), load(8, r2, r7, 0), aluX(bpf.OpOr, r9, r2),
		move(r0, r9), exit,
	)
	p := machine(t, dirty)
	q := &Program{machine: p.machine, prog: program(look), code: decode(program(look), nil)}
	for range 2 {
		if _, err := p.RunXDP(&Frame{Data: make([]byte, 60)}); err != nil {
			t.Fatal(err)
		}
		if out, err := q.RunXDP(&Frame{Data: make([]byte, 60)}); err != nil || out.Verdict != 0 {
			t.Fatalf("the run before shows: %#x, %v", out.Verdict, err)
		}
	}
}

// TestAtomicAnywhere: memory of the caller's lies wherever it lies; only
// program addresses must be aligned.
func TestAtomicAnywhere(t *testing.T) {
	p := machine(t, join(exit))
	for shift := range 9 {
		for _, size := range []int{4, 8} {
			p.code = decode(&bpf.Program{Instructions: join(
				set(r2, 5), atomicOp(size, bpf.AtomicAdd|bpf.AtomicFetch, r1, 8, r2), move(r0, r2),
				atomicOp(size, bpf.AtomicLoadAcq, r3, 8, r1), aluX(bpf.OpAdd, r0, r3),
				atomicOp(size, bpf.AtomicStoreRel, r1, 0, r0), exit,
			)}, nil)
			memory := make([]byte, 32)[shift : shift+16]
			memory[8] = 37
			got, err := p.RunRaw(memory)
			if err != nil || got != 37+42 || memory[8] != 42 || memory[0] != 79 {
				t.Errorf("%d bytes, shifted by %d: %d, %v, %v", size, shift, got, err, memory)
			}
		}
	}
	p.code = decode(&bpf.Program{Instructions: join(atomicOp(4, bpf.AtomicAdd, r1, 2, r2), exit)}, nil)
	if _, err := p.RunRaw(make([]byte, 16)); !errors.Is(err, ErrOutOfBounds) {
		t.Errorf("an atomic at an odd address: %v", err)
	}
}

func TestAddressSpaceRunsOut(t *testing.T) {
	for name, maps := range map[string][]*bpf.Map{
		"one huge map":     {arrayMap("m", 1<<20, 5000)},
		"the whole space":  {arrayMap("m", 1<<16, 1<<16)},
		"beyond 64 bits":   {{Name: "m", Type: linux.MapPercpuArray, KeySize: 4, ValueSize: 32768, MaxEntries: 1<<32 - 1}},
		"a huge array":     {arrayMap("m", 1<<31-1, 1<<32-1)},
		"many maps":        manyMaps(33000),
		"a map of devices": {{Name: "m", Type: linux.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 1<<32 - 1}},
	} {
		_, err := New(&bpf.Object{Name: "o", Maps: maps}, Options{})
		if !errors.Is(err, errAddressSpace) || !strings.Contains(err.Error(), "map m") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func manyMaps(n int) (maps []*bpf.Map) {
	for i := range n {
		maps = append(maps, arrayMap(fmt.Sprintf("m%d", i), 8, 1))
	}
	return maps
}

func TestThousandsOfMaps(t *testing.T) {
	const n = 5000
	m, err := New(&bpf.Object{Name: "o", Maps: manyMaps(n)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{}
	for _, mp := range m.Maps() {
		addr := mp.values.address(0, 0)
		if seen[addr] || addr>>32 != 0 {
			t.Fatalf("%s at %#x", mp.title(), addr)
		}
		seen[addr] = true
	}
	if m.Map("m4999") != m.Maps()[n-1] || m.Map("none") != nil {
		t.Error("maps are not found by name")
	}
}

// TestHashRunsOutOfAddresses: a hash that can grow no further says ENOMEM, to
// programs too, and keeps what it has.
func TestHashRunsOutOfAddresses(t *testing.T) {
	const size = 4096
	p := machine(t, join(exit), &bpf.Map{Name: "h", Type: linux.MapPercpuHash, KeySize: 4, ValueSize: size, MaxEntries: 1 << 20})
	m := p.machine.maps[0]
	p.machine.workers[0].thread.mem.next = pageCount - 40 // as if others had taken the rest
	var added uint32
	for ; added < 1000; added++ {
		if err := m.Update(word(added), make([]byte, size), linux.Any); err != nil {
			if err != linux.ENOMEM {
				t.Fatal(err)
			}
			break
		}
	}
	if added == 0 || added == 1000 {
		t.Fatalf("%d entries fitted", added)
	}
	if _, err := m.Lookup(word(added)); err != linux.ENOENT {
		t.Errorf("the entry that did not fit: %v", err)
	}
	p.code = decode(program(join(
		move(r3, r1), storeK(4, fp, -8, int32(added)), mapAt(r1, 0), move(r2, fp), add(r2, -8), set(r4, 0),
		call(int32(linux.FnMapUpdateElem)), exit,
	)), p.machine.maps)
	if got, err := p.RunRaw(make([]byte, size)); err != nil || int64(got) != -int64(linux.ENOMEM) {
		t.Errorf("update by a program: %d, %v", int64(got), err)
	}
	if n := countEntries(m); n != int(added) {
		t.Errorf("%d entries, %d were added", n, added)
	}
}

func countEntries(m *Map) (n int) {
	for range m.All() {
		n++
	}
	return n
}
