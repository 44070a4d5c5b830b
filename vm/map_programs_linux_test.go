package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// What programs can't be compared in:
//   - storage of objects: an XDP program, which is what runs here, has no object;
//   - the order of bpf_for_each_map_elem over a hash, by a random seed in the kernel:
//     what the function has summed up is compared, and how often it was called;
//   - what programs do to maps whose type they may only name in other helpers
//     (redirects, tail calls, events): their tests are those helpers'.

// call is one operation of a program on a map: what it leaves in r0 is compared, and
// the value it found.
type mapCall struct {
	name string
	kind mapUses
	prog []bpf.Instruction
}

// The packet that the programs below read: a key of up to 24 bytes, a value of 8, flags.
const (
	callKey, callValue, callFlags, callSize = 0, 24, 32, 40
)

// mapCalls are a program for each thing that programs may do with map 1.
func mapCalls(m *Map) (all []mapCall) {
	begin := join(
		load(4, r7, r1, 0), load(4, r8, r1, 4), move(r2, r7), add(r2, callSize), set(r0, 77),
		jumpIfX(bpf.OpJLE, r2, r8, 1), exit,
		load(8, r1, r7, callKey), store(8, fp, -24, r1),
		load(8, r1, r7, callKey+8), store(8, fp, -16, r1),
		load(8, r1, r7, callKey+16), store(8, fp, -8, r1),
		load(8, r1, r7, callValue), store(8, fp, -32, r1),
		load(8, r6, r7, callFlags),
		valueAt(r9, 0, 0), storeK(8, r9, 8, -1),
		mapAt(r1, 1), move(r2, fp), add(r2, -24),
	)
	key := join(move(r2, fp), add(r2, -24))
	value := join(move(r2, fp), add(r2, -32))
	end := join(store(8, r9, 0, r0), set(r0, 2), exit)
	size := min(8, int(m.def.ValueSize)&^3)
	found := join(
		jumpIf(bpf.OpJEQ, r0, 0, 4),
		load(size, r1, r0, 0), store(8, r9, 8, r1), storeK(8, r9, 0, 1), jump(1),
		storeK(8, r9, 0, 0), set(r0, 2), exit,
	)
	add := func(name string, kind mapUses, parts ...any) {
		if m.kind.may&kind != 0 {
			all = append(all, mapCall{name, kind, join(append([]any{begin}, parts...)...)})
		}
	}
	add("lookup", useLookup, key, call(int32(linux.FnMapLookupElem)), found)
	add("update", useUpdate, key, move(r3, fp), alu(bpf.OpAdd, r3, -32), move(r4, r6), call(int32(linux.FnMapUpdateElem)), end)
	add("delete", useDelete, key, call(int32(linux.FnMapDeleteElem)), end)
	add("push", usePush, value, move(r3, r6), call(int32(linux.FnMapPushElem)), end)
	taken := join(store(8, r9, 0, r0), load(8, r1, fp, -32), store(8, r9, 8, r1), set(r0, 2), exit)
	add("pop", usePop, value, call(int32(linux.FnMapPopElem)), taken)
	add("peek", usePeek, value, call(int32(linux.FnMapPeekElem)), taken)
	return all
}

// loadedCall is a program on both sides.
type loadedCall struct {
	name   string
	kernel *kernel.Program
	vm     *Program
}

func (b *both) loadCall(c mapCall) loadedCall {
	b.t.Helper()
	loaded, err := b.kernel.Load(program(c.prog), kernel.LoadOptions{})
	if err != nil {
		b.t.Fatalf("%s: %v", c.name, err)
	}
	b.t.Cleanup(loaded.Close)
	p := program(c.prog)
	return loadedCall{c.name, loaded, &Program{machine: b.machine, prog: p, code: decode(p, b.machine.maps)}}
}

// run runs the program on both sides and compares what it left in map 0.
func (b *both) runCall(c loadedCall, packet []byte) {
	b.t.Helper()
	out, err := c.kernel.Run(kernel.Input{Data: packet})
	if err != nil {
		b.t.Fatal(err)
	}
	o, err := c.vm.RunXDP(&Frame{Data: packet, IngressIfindex: 1, CPU: b.cpu})
	if err != nil {
		b.t.Fatal(err)
	}
	want, err := b.kernel.Lookup(0, word(0), 0)
	if err != nil {
		b.t.Fatal(err)
	}
	got, err := b.machine.maps[0].Lookup(word(0))
	if err != nil {
		b.t.Fatal(err)
	}
	if out.Return != o.Verdict || string(want) != string(got) {
		b.t.Fatalf("%s, packet %x: the kernel returns %d and leaves %x, the vm %d and %x", c.name, packet, out.Return, want, o.Verdict, got)
	}
}

// TestKernelMapPrograms runs random operations by programs on every type of map that
// they may use so, and compares each result, each value found and the maps.
func TestKernelMapPrograms(t *testing.T) {
	total := 0
	for i, def := range callMaps() {
		kind := mapKinds[def.Type]
		if kind.may&^useLookup == 0 || def.KeySize > 24 || def.ValueSize != 8 || def.Flags&(linux.FRdonly|linux.FWronly) != 0 {
			continue // see TestKernelInnerLookups for those that programs only look into
		}
		t.Run(fmt.Sprintf("%s-%d", def.Type, i), func(t *testing.T) {
			b := newBoth(t, results(16), def)
			c := &mapCallTest{both: b, index: 1, m: b.machine.maps[1], rng: rand.New(rand.NewPCG(uint64(i), 8))}
			var programs []loadedCall
			for _, call := range mapCalls(c.m) {
				programs = append(programs, b.loadCall(call))
			}
			for range 1500 {
				packet := make([]byte, callSize)
				_, key := c.key()
				copy(packet[callKey:], key)
				_, value := c.value()
				copy(packet[callValue:], value[:8])
				binary.LittleEndian.PutUint64(packet[callFlags:], updateFlags[c.rng.IntN(len(updateFlags))])
				b.runCall(programs[c.rng.IntN(len(programs))], packet)
				c.compared++
				if c.rng.IntN(5) == 0 && def.KeySize > 0 {
					c.contents()
				}
			}
			t.Logf("%d compared", c.compared)
			total += c.compared
		})
	}
	t.Logf("%d operations compared", total)
}

// TestKernelKeptPointers compares what a program sees through the address of a value that
// it looked up, after it updated and removed keys.
func TestKernelKeptPointers(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, def := range []*bpf.Map{
		plain(linux.MapHash), {Name: "m", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 6, Flags: linux.FNoPrealloc},
		plain(linux.MapPercpuHash), plain(linux.MapArray), plain(linux.MapLPMTrie),
	} {
		b := newBoth(t, results(64), def)
		for n := range 60 {
			b.loadAndRun(fmt.Sprintf("%s, program %d", def.Type, n), keptPointers(rng, def))
		}
	}
}

func (b *both) loadAndRun(name string, prog []bpf.Instruction) {
	b.t.Helper()
	b.runCall(b.loadCall(mapCall{name: name, prog: prog}), make([]byte, 64))
}

// keptPointers is a program of random operations that keeps up to three values'
// addresses, in r6 to r8, and counts up what they point to.
func keptPointers(rng *rand.Rand, def *bpf.Map) []bpf.Instruction {
	prog := join(valueAt(r9, 0, 0), set(r6, 0), set(r7, 0), set(r8, 0))
	for range 12 {
		key := join(storeK(8, fp, -8, 0), storeK(4, fp, -8, int32(rng.IntN(3))), mapAt(r1, 1), move(r2, fp), add(r2, -8))
		if def.Type == linux.MapLPMTrie {
			key = join(key, storeK(4, fp, -8, 32), storeK(4, fp, -4, int32(rng.IntN(3))))
		}
		kept := bpf.Register(6 + rng.IntN(3))
		switch rng.IntN(5) {
		case 0, 1:
			prog = join(prog, key, storeK(8, fp, -16, rng.Int32N(1000)), move(r3, fp), add(r3, -16), set(r4, 0), call(int32(linux.FnMapUpdateElem)))
		case 2:
			prog = join(prog, key, call(int32(linux.FnMapDeleteElem)))
		case 3:
			prog = join(prog, key, call(int32(linux.FnMapLookupElem)), move(kept, r0))
		default:
			prog = join(prog, jumpIf(bpf.OpJEQ, kept, 0, 3), load(8, r1, kept, 0), add(r1, 1), store(8, kept, 0, r1))
		}
		for i, reg := range []bpf.Register{6, 7, 8} {
			prog = join(prog, jumpIf(bpf.OpJEQ, reg, 0, 4), load(8, r1, reg, 0), load(8, r2, r9, 8*i), aluX(bpf.OpAdd, r2, r1), store(8, r9, 8*i, r2))
		}
	}
	return join(prog, set(r0, 2), exit)
}

// TestKernelFullLRU fills LRU maps over and over: no update fails, the key just
// added is there, and there are never more than the map may have.
func TestKernelFullLRU(t *testing.T) {
	for _, kind := range []linux.MapType{linux.MapLRUHash, linux.MapLRUPercpuHash} {
		for _, flags := range []uint32{0, linux.FNoCommonLRU} {
			def := plain(kind)
			def.MaxEntries, def.Flags = 50, flags
			b := newBoth(t, results(16), def)
			c := &mapCallTest{both: b, index: 1, m: b.machine.maps[1], rng: rand.New(rand.NewPCG(uint64(kind), 1))}
			var programs []loadedCall
			for _, call := range mapCalls(c.m) {
				if call.kind == useUpdate {
					programs = append(programs, b.loadCall(call))
				}
			}
			for i := range 500 {
				packet := make([]byte, callSize)
				binary.LittleEndian.PutUint32(packet, c.rng.Uint32N(400))
				binary.LittleEndian.PutUint64(packet[callValue:], c.rng.Uint64())
				b.runCall(programs[0], packet)
				want, err := b.kernel.Lookup(1, packet[:4], 0)
				got, ours := c.m.Lookup(packet[:4])
				if err != nil || ours != nil {
					t.Fatalf("%s, step %d: the key just added: %v in the kernel, %v in the vm", kind, i, err, ours)
				}
				if i > 0 && string(want[8*b.cpu:8*b.cpu+8]) != string(got[8*b.cpu%len(got):][:8]) && kind == linux.MapLRUPercpuHash {
					t.Fatalf("%s, step %d: %x in the kernel, %x in the vm", kind, i, want, got)
				}
			}
			if n := c.m.Len(); n < 50 || n > 50+b.kernel.CPUs() {
				t.Errorf("%s: %d entries", kind, n)
			}
		}
	}
}

// TestKernelForEach compares bpf_for_each_map_elem: how often it calls, in what order
// where that is not by chance, and what it is given.
func TestKernelForEach(t *testing.T) {
	for _, kind := range []linux.MapType{
		linux.MapArray, linux.MapPercpuArray, linux.MapHash, linux.MapPercpuHash, linux.MapLRUHash, linux.MapLRUPercpuHash,
	} {
		for _, entries := range []int{0, 1, 4, 9} {
			for _, flags := range []int32{0, 1} {
				for _, stop := range []int32{0, 1, 3} {
					def := plain(kind)
					def.MaxEntries = 10
					b := newBoth(t, results(32), def)
					for i := range entries {
						b.update(1, word(uint32(i)), func() []byte {
							value := make([]byte, 8*b.machine.maps[1].cpus)
							for j := range value {
								value[j] = byte(i*16 + j)
							}
							return value
						}(), linux.Any)
					}
					if stop != 0 && kind != linux.MapArray && kind != linux.MapPercpuArray && entries < int(stop) {
						continue
					}
					b.forEach(kind, stop, flags)
				}
			}
		}
	}
}

func (b *both) forEach(kind linux.MapType, stop, flags int32) {
	b.t.Helper()
	sum := 16 // what the function has counted, after a stop that comes by chance: nothing
	if _, ordered := b.machine.maps[1].entries.(array); ordered || stop == 0 {
		sum = 8
	}
	main := join(
		valueAt(r9, 0, 0), storeK(8, r9, 0, -1), storeK(8, r9, 8, 0), storeK(8, r9, 16, 0), storeK(8, r9, 24, 0),
		mapAt(r1, 1), bpf.LoadImm64(r2, bpf.PseudoFunc, 0), storeK(8, fp, -8, stop), move(r3, fp), add(r3, -8), set(r4, flags),
		call(int32(linux.FnForEachMapElem)), store(8, r9, 0, r0), storeK(8, r9, 16, 0), set(r0, 2), exit,
	)
	// The order makes a difference to the sum of arrays only.
	each := join(
		load(4, r6, r2, 0), load(8, r7, r3, 0), move(r8, r4), valueAt(r9, 0, 0),
		load(8, r1, r9, sum), aluX(bpf.OpAdd, r1, r6), aluX(bpf.OpAdd, r1, r7), store(8, r9, sum, r1),
		load(8, r1, r8, 0), set(r0, 0), jumpIf(bpf.OpJEQ, r1, 0, 4), add(r1, -1), store(8, r8, 0, r1), jumpIf(bpf.OpJNE, r1, 0, 1), set(r0, 1), exit,
	)
	for pc := range main {
		if main[pc].IsLoadImm64() && main[pc].Src == bpf.PseudoFunc {
			main[pc].Imm = int32(len(main) - pc - 1)
		}
	}
	insns := join(main, each)
	build := func() *bpf.Program {
		p := program(insns)
		p.Functions = []bpf.Function{{Name: "prog", Len: len(main)}, {Name: "each", Start: len(main), Len: len(each)}}
		return p
	}
	loaded, err := b.kernel.Load(build(), kernel.LoadOptions{})
	if err != nil {
		b.t.Fatalf("%s: %v", kind, err)
	}
	defer loaded.Close()
	p := build()
	b.runCall(loadedCall{
		fmt.Sprintf("for_each on a %s, stop %d, flags %d", kind, stop, flags), loaded, &Program{machine: b.machine, prog: p, code: decode(p, b.machine.maps)},
	}, make([]byte, 64))
}

// TestKernelInnerLookups compares what a program finds in maps that maps hold, and in
// maps of devices.
func TestKernelInnerLookups(t *testing.T) {
	for _, kind := range []linux.MapType{linux.MapArrayOfMaps, linux.MapHashOfMaps} {
		inner := func(name string) *bpf.Map {
			return &bpf.Map{Name: name, Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}
		}
		def := plain(kind)
		def.Inner = inner("inner")
		def.Values = []bpf.MapValue{{Index: 1, Name: "a"}, {Index: 3, Name: "b"}}
		b := newBoth(t, results(16), def, inner("a"), inner("b"))
		rng := rand.New(rand.NewPCG(uint64(kind), 2))
		prog := join(
			load(4, r7, r1, 0), load(4, r8, r1, 4), move(r2, r7), add(r2, callSize), set(r0, 77),
			jumpIfX(bpf.OpJLE, r2, r8, 1), exit,
			load(4, r1, r7, callKey), store(4, fp, -8, r1), load(4, r1, r7, callKey+4), store(4, fp, -4, r1),
			load(8, r1, r7, callValue), store(8, fp, -16, r1),
			valueAt(r9, 0, 0), storeK(8, r9, 0, -1), storeK(8, r9, 8, -1),
			mapAt(r1, 1), move(r2, fp), add(r2, -8), call(int32(linux.FnMapLookupElem)), jumpIf(bpf.OpJNE, r0, 0, 2), set(r0, 2), exit,
			move(r6, r0),
			move(r1, r6), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)), jumpIf(bpf.OpJEQ, r0, 0, 2),
			load(8, r1, r0, 0), store(8, r9, 8, r1),
			move(r1, r6), move(r2, fp), add(r2, -4), move(r3, fp), add(r3, -16), set(r4, 0), call(int32(linux.FnMapUpdateElem)),
			store(8, r9, 0, r0), set(r0, 2), exit,
		)
		c := b.loadCall(mapCall{name: kind.String(), prog: prog})
		for i := range 400 {
			packet := make([]byte, callSize)
			binary.LittleEndian.PutUint32(packet[callKey:], rng.Uint32N(5))
			binary.LittleEndian.PutUint32(packet[callKey+4:], rng.Uint32N(6))
			binary.LittleEndian.PutUint64(packet[callValue:], rng.Uint64())
			b.runCall(c, packet)
			if i%50 == 49 { // another map comes and goes
				key, number := word(rng.Uint32N(4)), 2+rng.IntN(2)
				want := errnoOf(b.kernel.Update(1, key, word(uint32(b.kernel.FD(number))), linux.Any))
				if got := b.machine.maps[1].UpdateMap(key, b.machine.maps[number], linux.Any); got != want {
					t.Fatalf("update: %v, want %v", got, want)
				}
			}
		}
		for i := 2; i <= 3; i++ {
			b.sameContents(i)
		}
	}
}

func (b *both) sameContents(index int) {
	b.t.Helper()
	want, err := b.kernel.Contents(index, kernel.AllCPUs)
	if err != nil {
		b.t.Fatal(err)
	}
	got := map[string]string{}
	for key, value := range b.machine.maps[index].All() {
		got[string(key)] = string(value)
	}
	if !maps.Equal(want, got) {
		b.t.Fatalf("map %d: the kernel has %x, the vm %x", index, want, got)
	}
}

// TestKernelSpinLocks compares updates and lookups of values that have a spin lock,
// by user space and by programs that take it.
func TestKernelSpinLocks(t *testing.T) {
	key := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	for _, kind := range []linux.MapType{linux.MapArray, linux.MapHash} {
		def := &bpf.Map{Name: "m", Type: kind, KeySize: 4, ValueSize: 24, MaxEntries: 4, Key: key, Value: lockedValue()}
		b := newBoth(t, results(16), def)
		b.machine.maps[1].def = def
		c := &mapCallTest{both: b, index: 1, m: b.machine.maps[1], rng: rand.New(rand.NewPCG(uint64(kind), 3))}
		for range 1500 {
			c.step()
		}
		c.same("freeze", errnoOf(c.kernel.Freeze(1)), c.m.Freeze())
		for range 30 {
			prog := join(
				valueAt(r9, 0, 0), storeK(4, fp, -4, int32(c.rng.IntN(5))),
				mapAt(r1, 1), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)), jumpIf(bpf.OpJNE, r0, 0, 3), storeK(8, r9, 0, 9), set(r0, 2), exit,
				move(r6, r0), move(r1, r6), add(r1, 8), call(int32(linux.FnSpinLock)),
				load(8, r7, r6, 16), add(r7, 3), store(8, r6, 16, r7), load(4, r8, r6, 12), storeK(8, r6, 0, 7),
				move(r1, r6), add(r1, 8), call(int32(linux.FnSpinUnlock)),
				store(8, r9, 8, r7), store(8, r9, 0, r8), set(r0, 2), exit,
			)
			b.loadAndRun("locks", prog)
			value := join(storeK(8, fp, -8, 5), storeK(8, fp, -16, -1), storeK(8, fp, -24, c.rng.Int32()))
			flags := []int32{0, 0, 1, 2, 4, 5, 6, 7, 8}[c.rng.IntN(9)]
			b.loadAndRun("update with a lock", join(
				value, storeK(4, fp, -32, int32(c.rng.IntN(5))), mapAt(r1, 1), move(r2, fp), add(r2, -32), move(r3, fp), add(r3, -24), set(r4, flags),
				call(int32(linux.FnMapUpdateElem)), valueAt(r9, 0, 0), store(8, r9, 0, r0), set(r0, 2), exit,
			))
			c.contents()
		}
		t.Logf("%s: %d compared", kind, c.compared)
	}
	// Where values may not have one.
	k, _ := newKernel(t)
	g := &grid{t: t, kernel: k}
	for _, kind := range emulated() {
		def := *plain(kind)
		if def.ValueSize != 8 || untyped(kind) {
			continue
		}
		def.ValueSize, def.Value = 24, lockedValue()
		if def.KeySize == 4 {
			def.Key = key
		}
		for _, flags := range []uint32{0, linux.FRdonlyProg, linux.FWronlyProg} {
			def.Flags = plain(kind).Flags | flags
			g.tryWhole(def)
		}
	}
	t.Logf("%d compared, of which %d can be made", g.compare, g.made)
}

// tryWhole is try with all that the vm does to make a map.
func (g *grid) tryWhole(def bpf.Map) {
	g.t.Helper()
	_, err := g.kernel.Add(&def)
	g.kernel.Close()
	want := errnoOf(err)
	_, got := newMap(&Machine{mem: newMemory(), cpus: 2}, &def)
	g.compare++
	if want == nil {
		g.made++
	}
	if !errors.Is(got, want) {
		g.t.Errorf("%s, flags %#x: the kernel says %v, the vm %v", def.Type, def.Flags, want, got)
	}
}
