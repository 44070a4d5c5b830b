package vm

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// TestMapFaults: what the kernel's verifier would not let programs do with a map ends
// the run.
func TestMapFaults(t *testing.T) {
	with := func(kind linux.MapType, flags uint32) *bpf.Map {
		def := plain(kind)
		def.Flags |= flags
		return def
	}
	locked := &bpf.Map{Name: "m", Type: linux.MapArray, KeySize: 4, ValueSize: 24, MaxEntries: 2, Key: &btf.Int{Name: "int", Size: 4}, Value: lockedValue()}
	arguments := join(storeK(8, fp, -8, 0), mapAt(r1, 0), move(r2, fp), add(r2, -8), move(r3, fp), add(r3, -8), set(r4, 0))
	do := func(id linux.HelperID, rest ...any) []bpf.Instruction {
		return join(arguments, call(int32(id)), join(rest...), set(r0, 2), exit)
	}
	lock := func(off int32, id linux.HelperID) []bpf.Instruction {
		return join(valueAt(r1, 0, uint32(off)), call(int32(id)))
	}
	each := join(mapAt(r1, 0), bpf.LoadImm64(r2, bpf.PseudoFunc, 6), set(r3, 0), set(r4, 0), call(int32(linux.FnForEachMapElem)), set(r0, 2), exit,
		storeK(1, r2, 0, 1), set(r0, 0), exit)
	for _, c := range []struct {
		name string
		def  *bpf.Map
		prog []bpf.Instruction
		want error
	}{
		{"update", with(linux.MapHash, linux.FRdonlyProg), do(linux.FnMapUpdateElem), ErrReadOnly},
		{"delete", with(linux.MapHash, linux.FRdonlyProg), do(linux.FnMapDeleteElem), ErrReadOnly},
		{"push", with(linux.MapQueue, linux.FRdonlyProg), do(linux.FnMapPushElem), ErrReadOnly},
		{"store", with(linux.MapArray, linux.FRdonlyProg), do(linux.FnMapLookupElem, storeK(8, r0, 0, 1)), ErrReadOnly},
		{"load", with(linux.MapArray, linux.FWronlyProg), do(linux.FnMapLookupElem, load(8, r1, r0, 0)), ErrWriteOnly},
		{"store and no load", with(linux.MapArray, linux.FWronlyProg), do(linux.FnMapLookupElem, storeK(8, r0, 0, 1)), nil},
		{"load and no store", with(linux.MapArray, linux.FRdonlyProg), do(linux.FnMapLookupElem, load(8, r1, r0, 0)), nil},
		{"push to a hash", plain(linux.MapHash), do(linux.FnMapPushElem), ErrArgument},
		{"look up in a queue", plain(linux.MapQueue), do(linux.FnMapLookupElem), ErrArgument},
		{"pop from a bloom filter", plain(linux.MapBloomFilter), do(linux.FnMapPopElem), ErrArgument},
		{"update a prog_array", plain(linux.MapProgArray), do(linux.FnMapUpdateElem), ErrArgument},
		{"update an array of maps", plain(linux.MapArrayOfMaps), do(linux.FnMapUpdateElem), ErrArgument},
		{"another CPU's of a hash", plain(linux.MapHash), do(linux.FnMapLookupPercpuElem), ErrArgument},
		{"walk a trie", plain(linux.MapLPMTrie), each, ErrArgument},
		{"write to a key", plain(linux.MapArray), each, ErrReadOnly},
		{"storage of a task in one of sockets", plain(linux.MapSkStorage), do(linux.FnTaskStorageGet), ErrArgument},
		{"lock twice", locked, join(lock(8, linux.FnSpinLock), lock(8, linux.FnSpinLock), set(r0, 2), exit), ErrArgument},
		{"unlock", locked, join(lock(8, linux.FnSpinUnlock), set(r0, 2), exit), ErrArgument},
		{"unlock another", locked, join(lock(8, linux.FnSpinLock), lock(32, linux.FnSpinUnlock), set(r0, 2), exit), ErrArgument},
		{"no lock", locked, join(lock(12, linux.FnSpinLock), set(r0, 2), exit), ErrArgument},
		{"keep a lock", locked, join(lock(8, linux.FnSpinLock), set(r0, 2), exit), ErrHeld},
		{"lock and unlock", locked, join(lock(32, linux.FnSpinLock), lock(32, linux.FnSpinUnlock), set(r0, 2), exit), nil},
		{"update under a lock", locked, join(lock(8, linux.FnSpinLock), arguments, add(r3, -24), set(r4, linux.FLock), call(int32(linux.FnMapUpdateElem)), set(r0, 2), exit), ErrArgument},
	} {
		p := machine(t, c.prog, c.def)
		for range 2 { // what a run held is free for the next
			if _, err := p.RunXDP(&Frame{Data: make([]byte, 60)}); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
		}
	}
}

// TestStorageHelpers: an object's value is made when it is asked for, and stays.
func TestStorageHelpers(t *testing.T) {
	for kind, ids := range map[linux.MapType][2]linux.HelperID{
		linux.MapSkStorage:    {linux.FnSkStorageGet, linux.FnSkStorageDelete},
		linux.MapTaskStorage:  {linux.FnTaskStorageGet, linux.FnTaskStorageDelete},
		linux.MapInodeStorage: {linux.FnInodeStorageGet, linux.FnInodeStorageDelete},
		linux.MapCgrpStorage:  {linux.FnCgrpStorageGet, linux.FnCgrpStorageDelete},
	} {
		const object = 0x1234
		get := func(of, flags int32) []bpf.Instruction {
			return join(mapAt(r1, 0), set(r2, of), move(r3, fp), add(r3, -8), set(r4, flags), call(int32(ids[0])))
		}
		p := machine(t, join(
			storeK(8, fp, -8, 40),
			get(object, 0), jumpIf(bpf.OpJEQ, r0, 0, 2), set(r0, 11), exit, // none yet
			get(object, 2), jumpIf(bpf.OpJEQ, r0, 0, 2), set(r0, 12), exit, // no such flag
			get(0, 1), jumpIf(bpf.OpJEQ, r0, 0, 2), set(r0, 13), exit, // no object
			get(object, 1), jumpIf(bpf.OpJNE, r0, 0, 2), set(r0, 14), exit,
			load(8, r1, r0, 0), add(r1, 2), store(8, r0, 0, r1),
			mapAt(r1, 0), set(r2, 1), call(int32(ids[1])), jumpIf(bpf.OpJEQ, r0, -int32(linux.ENOENT), 2), set(r0, 15), exit,
			mapAt(r1, 0), set(r2, 0), call(int32(ids[1])), jumpIf(bpf.OpJEQ, r0, -int32(linux.EINVAL), 2), set(r0, 16), exit,
			set(r0, 2), exit,
		), plain(kind))
		m := p.machine.maps[0]
		out, err := p.RunXDP(&Frame{Data: make([]byte, 60)})
		if err != nil || out.Verdict != 2 {
			t.Fatalf("%s: %d, %v", kind, out.Verdict, err)
		}
		if value, err := m.Lookup(word(object)); err != nil || binary.LittleEndian.Uint64(value) != 42 {
			t.Errorf("%s: %v, %v", kind, value, err)
		}
		if err := m.Delete(word(object)); err != nil {
			t.Error(err)
		}
		if _, err := m.Lookup(word(object)); err != linux.ENOENT {
			t.Errorf("%s: %v after its removal", kind, err)
		}
	}
}

// TestMapsOfMapsAPI: programs and maps are put in by themselves, and new maps may be
// made for it.
func TestMapsOfMapsAPI(t *testing.T) {
	inner := func(name string) *bpf.Map {
		return &bpf.Map{Name: name, Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	}
	outer := plain(linux.MapHashOfMaps)
	outer.Inner, outer.Values = inner(""), []bpf.MapValue{{Index: 5, Name: "a"}}
	programs := plain(linux.MapProgArray)
	programs.Name, programs.Values = "programs", []bpf.MapValue{{Index: 1, Name: "prog"}, {Index: 2, Name: "lost"}}
	p := machine(t, join(set(r0, 2), exit), outer, inner("a"), programs)
	m, calls := p.machine.Map("m"), p.machine.Map("programs")
	if got, err := m.LookupMap(word(5)); err != nil || got != p.machine.Map("a") {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := calls.LookupProgram(word(1)); err != nil || got != p {
		t.Errorf("%v, %v", got, err)
	}
	fresh, err := p.machine.NewMap(inner("fresh"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.UpdateMap(word(6), fresh, linux.NoExist); err != nil {
		t.Error(err)
	}
	if got, err := m.LookupMap(word(6)); err != nil || got != fresh || m.Len() != 2 || calls.Len() != 1 {
		t.Errorf("%v, %v, %d maps, %d programs", got, err, m.Len(), calls.Len())
	}
	other := machine(t, join(exit), inner("a"))
	for name, c := range map[string]struct{ got, want error }{
		"another machine's map":     {m.UpdateMap(word(7), other.machine.Map("a"), 0), linux.EBADF},
		"another machine's program": {calls.UpdateProgram(word(0), other, 0), linux.EBADF},
		"no map":                    {m.UpdateMap(word(7), nil, 0), linux.EBADF},
		"a map of another kind":     {m.UpdateMap(word(7), calls, 0), linux.EINVAL},
		"a map in a hash":           {fresh.UpdateMap(word(7), fresh, 0), linux.EINVAL},
		"a program in a hash":       {fresh.UpdateProgram(word(7), p, 0), linux.EINVAL},
		"a number":                  {m.Update(word(7), word(77), 0), linux.EBADF},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

// TestHostileFields: types of values that nest and repeat without end are refused, and
// fields outside of the value.
func TestHostileFields(t *testing.T) {
	lock := &btf.Struct{Name: "bpf_spin_lock", Size: 4}
	timer := &btf.Struct{Name: "bpf_timer", Size: 16}
	loop := &btf.Struct{Name: "loop", Size: 8}
	loop.Members = []btf.Member{{Name: "again", Type: loop}}
	in := func(t btf.Type, off btf.Bits) btf.Type {
		return &btf.Struct{Name: "value", Size: 8, Members: []btf.Member{{Name: "x", Type: t, Offset: off}}}
	}
	for name, c := range map[string]struct {
		value btf.Type
		want  error
	}{
		"a loop":            {loop, linux.E2BIG},
		"outside":           {in(lock, 64), linux.EINVAL},
		"half outside":      {in(lock, 48), linux.EINVAL},
		"unaligned":         {in(lock, 8), linux.EINVAL},
		"too large":         {in(timer, 0), linux.EINVAL},
		"two":               {&btf.Struct{Members: []btf.Member{{Type: lock}, {Type: lock, Offset: 32}}}, linux.E2BIG},
		"endless array":     {in(&btf.Array{Type: lock, Nelems: 1 << 31}, 0), linux.E2BIG},
		"array of nothing":  {in(&btf.Array{Type: &btf.Struct{}, Nelems: 1 << 31}, 0), nil},
		"array of no field": {in(&btf.Array{Type: &btf.Int{Size: 1}, Nelems: 1 << 31}, 0), nil},
		"one":               {in(lock, 32), nil},
	} {
		def := plain(linux.MapHash)
		def.Value = c.value
		if _, err := New(&bpf.Object{Maps: []*bpf.Map{def}}, Options{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
