package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"

	"golang.org/x/sys/unix"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// What the system calls can't be compared in:
//   - the order of hashes and of devmap_hash, which in the kernel depends on a random
//     seed: only what is there is compared, and the order of the others;
//   - which key a full LRU map drops: TestKernelFullLRU compares the rest;
//   - values of a perf_event_array, an xskmap and a cgroup_array that the kernel lets
//     in for what they are: it takes descriptors, the vm numbers; perf events are refused
//     on both sides only;
//   - interfaces that do not exist: in the vm all do;
//   - what a stack_trace map holds, which only bpf_get_stackid puts there;
//   - values that a bloom filter without BPF_F_ZERO_SEED is wrong about;
//   - inode_storage and cgrp_storage, whose objects are files here and would outlive the
//     test's maps; they are the same code as the other two on both sides.

// thing is what a map of references may hold: its number here, its descriptor and its
// id in the kernel.
type thing struct {
	number uint32
	fd     int32
	id     uint32
}

// mapCallTest runs the same calls on a map here and in the kernel.
type mapCallTest struct {
	*both
	index    int
	m        *Map
	rng      *rand.Rand
	things   []thing
	objects  []thing // keys of storage
	compared int
}

// callMaps are the maps that calls are made on.
func callMaps() (all []*bpf.Map) {
	for _, kind := range emulated() {
		if kind == linux.MapInodeStorage || kind == linux.MapCgrpStorage {
			continue
		}
		def := plain(kind)
		def.Name = "m"
		all = append(all, def)
		vary := func(change func(def *bpf.Map)) {
			other := *def
			change(&other)
			all = append(all, &other)
		}
		switch kind {
		case linux.MapLRUHash, linux.MapLRUPercpuHash:
			def.MaxEntries = 1000 // never full
		case linux.MapHash, linux.MapPercpuHash:
			vary(func(def *bpf.Map) { def.Flags = linux.FNoPrealloc })
			vary(func(def *bpf.Map) { def.KeySize, def.ValueSize = 3, 5 })
			vary(func(def *bpf.Map) { def.KeySize, def.ValueSize, def.MaxEntries = 21, 300, 1 })
			vary(func(def *bpf.Map) { def.Flags = linux.FRdonly })
			vary(func(def *bpf.Map) { def.Flags = linux.FWronly })
		case linux.MapArray, linux.MapPercpuArray, linux.MapQueue:
			vary(func(def *bpf.Map) { def.ValueSize = 5 })
			vary(func(def *bpf.Map) { def.Flags = linux.FRdonly })
			vary(func(def *bpf.Map) { def.Flags = linux.FWronly })
		case linux.MapLPMTrie:
			def.MaxEntries = 6
			vary(func(def *bpf.Map) { def.KeySize, def.ValueSize, def.MaxEntries = 20, 3, 40 })
			vary(func(def *bpf.Map) { def.KeySize, def.MaxEntries = 5, 300 })
		case linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap:
			vary(func(def *bpf.Map) { def.ValueSize = 4 })
		case linux.MapBloomFilter:
			def.Flags = linux.FZeroSeed
			vary(func(def *bpf.Map) { def.ValueSize, def.Extra = 13, 3 })
			vary(func(def *bpf.Map) { def.ValueSize, def.Extra, def.MaxEntries = 2, 1, 100 })
		}
	}
	return all
}

// TestKernelMapCalls compares Map's methods with the system calls, over random
// operations on every type of map.
func TestKernelMapCalls(t *testing.T) {
	total := 0
	for i, def := range callMaps() {
		t.Run(fmt.Sprintf("%s-%d", def.Type, i), func(t *testing.T) {
			c := newMapCallTest(t, def, uint64(i))
			n := 2000
			if def.Type == linux.MapCpumap {
				n = 150 // each entry is a thread of the kernel
			}
			for range n {
				c.step()
			}
			c.contents()
			c.same("freeze", errnoOf(c.kernel.Freeze(c.index)), c.m.Freeze())
			c.same("freeze again", errnoOf(c.kernel.Freeze(c.index)), c.m.Freeze())
			for range 50 {
				c.step()
			}
			t.Logf("%d compared", c.compared)
			total += c.compared
		})
	}
	t.Logf("%d operations compared", total)
}

func newMapCallTest(t *testing.T, def *bpf.Map, seed uint64) *mapCallTest {
	like := func(name string, entries uint32) *bpf.Map {
		return &bpf.Map{Name: name, Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: entries}
	}
	c := &mapCallTest{both: newBoth(t, def, like("a", 2), like("b", 2), like("longer", 3)), rng: rand.New(rand.NewPCG(seed, 5))}
	c.m = c.machine.maps[0]
	c.things = []thing{{number: math.MaxUint32, fd: -1}, {number: 9999, fd: 9999}} // descriptors that don't exist
	switch def.Type {
	case linux.MapArrayOfMaps, linux.MapHashOfMaps:
		for i := 1; i <= 3; i++ {
			c.things = append(c.things, thing{number: uint32(i + 1), fd: int32(c.kernel.FD(i))})
		}
	case linux.MapProgArray:
		c.programs(linux.ProgXDP, 0)
		c.programs(linux.ProgXDP, 0)
		c.programs(linux.ProgSocketFilter, 0)
	case linux.MapDevmap, linux.MapDevmapHash:
		c.programs(linux.ProgXDP, linux.AttachXDPDevmap)
		c.programs(linux.ProgXDP, 0)
	case linux.MapCpumap:
		c.programs(linux.ProgXDP, linux.AttachXDPCpumap)
		c.programs(linux.ProgXDP, 0)
	case linux.MapPerfEventArray: // open here from the start
		c.things = []thing{{fd: -1}}
		for key := range c.m.All() {
			if err := c.m.Delete(key); err != nil {
				t.Fatal(err)
			}
		}
	case linux.MapXskmap:
		c.things = []thing{{fd: -1}}
		c.sockets(unix.AF_XDP, unix.SOCK_RAW)
		c.sockets(unix.AF_XDP, unix.SOCK_RAW)
	case linux.MapCgroupArray:
		c.things = []thing{{fd: -1}}
		c.open("/sys/fs/cgroup")
	case linux.MapSkStorage:
		c.things = []thing{{fd: -1}}
		for range 3 {
			c.sockets(unix.AF_INET, unix.SOCK_DGRAM)
		}
		c.objects = c.things
	case linux.MapTaskStorage:
		c.things = []thing{{fd: -1}}
		c.task()
		c.objects = c.things
	}
	c.identify()
	return c
}

func (c *mapCallTest) programs(kind linux.ProgramType, attach linux.AttachType) {
	p := program(join(set(r0, 0), exit))
	p.Type, p.Attach = kind, attach
	loaded, err := c.kernel.Load(p, kernel.LoadOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(loaded.Close)
	c.machine.programs = append(c.machine.programs, &Program{machine: c.machine, prog: p, code: decode(p, nil)})
	c.things = append(c.things, thing{number: uint32(len(c.machine.programs)), fd: int32(loaded.FD())})
}

// descriptor adds what fd stands for, under a number that means nothing to the vm.
func (c *mapCallTest) descriptor(fd int, err error) {
	if err != nil {
		c.t.Logf("not tried: %v", err)
		return
	}
	c.t.Cleanup(func() { _ = unix.Close(fd) })
	c.things = append(c.things, thing{number: uint32(1000 + len(c.things)), fd: int32(fd)})
}

func (c *mapCallTest) sockets(domain, kind int) {
	fd, err := unix.Socket(domain, kind, 0)
	c.descriptor(fd, err)
}

func (c *mapCallTest) open(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	c.descriptor(fd, err)
}

func (c *mapCallTest) task() {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	c.descriptor(fd, err)
}

// identify asks the kernel for the ids of things, by putting them into the map.
func (c *mapCallTest) identify() {
	switch c.m.def.Type {
	case linux.MapProgArray, linux.MapArrayOfMaps, linux.MapHashOfMaps:
	case linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap:
		if c.m.def.ValueSize < 8 {
			return
		}
	default:
		return
	}
	key := make([]byte, c.m.def.KeySize)
	for i := range c.things {
		value := c.words(1, uint32(c.things[i].fd))
		if c.kernel.Update(0, key, value, linux.Any) != nil {
			continue
		}
		got, err := c.kernel.Lookup(0, key, 0)
		if err != nil {
			c.t.Fatal(err)
		}
		c.things[i].id = binary.LittleEndian.Uint32(got[len(got)-4:])
		if err := c.kernel.Delete(0, key); err != nil {
			c.t.Fatal(err)
		}
	}
}

// words is a value of one or two numbers: the second alone when there is room for
// one of a thing only.
func (c *mapCallTest) words(first, reference uint32) []byte {
	switch {
	case c.m.def.ValueSize == 8:
		return append(word(first), word(reference)...)
	case c.m.def.Type == linux.MapDevmap, c.m.def.Type == linux.MapDevmapHash, c.m.def.Type == linux.MapCpumap:
		return word(first)
	}
	return word(reference)
}

// value is a random value, for the kernel and for the vm.
func (c *mapCallTest) value() (theirs, ours []byte) {
	first := uint32(0)
	switch c.m.def.Type {
	case linux.MapDevmap, linux.MapDevmapHash:
		first = uint32(c.rng.IntN(2)) // none, or the loopback device
	case linux.MapCpumap:
		first = []uint32{0, 1, 192, 16384, 16385, 1 << 31}[c.rng.IntN(6)]
	case linux.MapProgArray, linux.MapArrayOfMaps, linux.MapHashOfMaps, linux.MapPerfEventArray, linux.MapXskmap, linux.MapCgroupArray:
	default:
		ours = make([]byte, int(c.m.def.ValueSize)*c.m.cpus)
		for i := range ours {
			ours[i] = byte(c.rng.Uint32())
		}
		if c.m.def.Type == linux.MapBloomFilter {
			clear(ours[1:])
		}
		return ours, ours
	}
	x := c.things[c.rng.IntN(len(c.things))]
	return c.words(first, uint32(x.fd)), c.words(first, x.number)
}

// theirs turns a value of the vm into what the kernel gives: ids of things.
func (c *mapCallTest) theirs(value []byte) []byte {
	switch c.m.def.Type {
	case linux.MapProgArray, linux.MapArrayOfMaps, linux.MapHashOfMaps, linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap:
	default:
		return value
	}
	if len(value) < 4 || len(value) == 4 && c.words(1, 0)[0] == 1 {
		return value
	}
	value = append([]byte(nil), value...)
	last := value[len(value)-4:]
	for _, x := range c.things {
		if x.number == binary.LittleEndian.Uint32(last) {
			binary.LittleEndian.PutUint32(last, x.id)
			break
		}
	}
	return value
}

// key is a random key, for the kernel and for the vm.
func (c *mapCallTest) key() (theirs, ours []byte) {
	def := c.m.def
	if c.objects != nil {
		x := c.objects[c.rng.IntN(len(c.objects))]
		return word(uint32(x.fd)), word(x.number)
	}
	if def.KeySize == 0 {
		return nil, nil
	}
	ours = make([]byte, def.KeySize)
	switch {
	case def.Type == linux.MapLPMTrie:
		bits := int(8 * (def.KeySize - 4))
		prefix := c.rng.IntN(bits + 2)
		if c.rng.IntN(2) == 0 {
			prefix = c.rng.IntN(min(bits, 4) + 1)
		}
		binary.LittleEndian.PutUint32(ours, uint32(prefix))
		for i := range ours[4:] {
			ours[4+i] = byte(c.rng.IntN(2) * 0xa0)
		}
		ours[4] ^= byte(c.rng.IntN(16))
	case c.rng.IntN(30) == 0:
		ours[def.KeySize-1] = 0xff
	default:
		ours[0] = byte(c.rng.IntN(7))
	}
	return ours, ours
}

// same compares the errors of a call.
func (c *mapCallTest) same(what string, want, got error) {
	c.t.Helper()
	c.compared++
	if !errors.Is(got, want) {
		c.t.Fatalf("%s: the kernel says %v, the vm %v", what, want, got)
	}
}

// step makes one random call.
func (c *mapCallTest) step() {
	k, i, m := c.kernel, c.index, c.m
	theirKey, key := c.key()
	flags := updateFlags[c.rng.IntN(len(updateFlags))]
	switch c.rng.IntN(7) {
	case 0, 1, 2:
		theirs, ours := c.value()
		c.same(fmt.Sprintf("update of %x to %x, flags %#x", key, ours, flags), errnoOf(k.Update(i, theirKey, theirs, flags)), m.Update(key, ours, flags))
	case 3:
		c.same(fmt.Sprintf("delete of %x", key), errnoOf(k.Delete(i, theirKey)), m.Delete(key))
	case 4:
		if m.def.Type == linux.MapBloomFilter {
			_, value := c.value()
			c.same(fmt.Sprintf("%x is there", value), errnoOf(k.Contains(i, value)), m.Contains(value))
			return
		}
		want, err := k.Lookup(i, theirKey, flags)
		got, ours := m.LookupWithFlags(key, flags)
		c.found(fmt.Sprintf("lookup of %x, flags %#x", key, flags), want, err, got, ours)
	case 5:
		want, err := k.LookupAndDelete(i, theirKey, flags)
		got, ours := m.LookupAndDeleteWithFlags(key, flags)
		c.found(fmt.Sprintf("lookup and delete of %x, flags %#x", key, flags), want, err, got, ours)
	default:
		if c.rng.IntN(5) == 0 {
			theirKey, key = nil, nil
		}
		want, err := k.NextKey(i, theirKey)
		got, ours := m.NextKey(key)
		switch m.entries.(type) {
		case *hash, *lru, deviceHash, mapHash: // in no comparable order
			if key != nil {
				return
			}
			want, got = nil, nil
		}
		c.same(fmt.Sprintf("key after %x", key), errnoOf(err), ours)
		if string(got) != string(want) {
			c.t.Fatalf("key after %x: the kernel gives %x, the vm %x", key, want, got)
		}
	}
	if c.rng.IntN(50) == 0 {
		c.contents()
	}
}

// found compares what a call found, or its error.
func (c *mapCallTest) found(what string, want []byte, theirs error, got []byte, ours error) {
	c.t.Helper()
	c.same(what, errnoOf(theirs), ours)
	if got = c.theirs(got); string(got) != string(want) {
		c.t.Fatalf("%s: the kernel gives %x, the vm %x", what, want, got)
	}
}

// contents compares the whole map, where it can be walked.
func (c *mapCallTest) contents() {
	c.t.Helper()
	want, err := c.kernel.Contents(c.index, kernel.AllCPUs)
	if err != nil {
		_, ours := c.m.NextKey(nil)
		if c.m.kind.lookup != 0 {
			ours = c.m.kind.lookup
		}
		c.same("contents", errnoOf(err), ours)
		return
	}
	got := map[string]string{}
	for key, value := range c.m.All() {
		got[string(key)] = string(c.theirs(value))
	}
	if !maps.Equal(want, got) {
		c.t.Fatalf("the kernel has %x, the vm %x", want, got)
	}
	if c.m.Len() != len(want) {
		c.t.Fatalf("%d entries, want %d", c.m.Len(), len(want))
	}
}
