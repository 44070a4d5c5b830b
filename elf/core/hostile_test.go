package core_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/elf/core"
)

// TestRefused resolves what makes no sense.
func TestRefused(t *testing.T) {
	b := newBuilder()
	u32 := b.integer("u32", 4)
	s := b.composite("s", kindStruct, 8, field{"x", u32, 0}, field{"y", u32, 32})
	fwd := b.add("ahead", kindFwd, 0, 0)
	anon := b.composite("", kindStruct, 4, field{"x", u32, 0})
	enum := b.add("e", kindEnum, 1, 4, b.name("A"), 1)
	big := b.composite("big", kindStruct, 4, field{"a", b.array(u32, 1<<30), 0})
	wide := b.composite("wide", kindStruct, 1<<30, field{"a", b.array(u32, 1<<28), 0})
	types := b.read(t, nil)
	r := core.NewTargets(types).NewResolver(types)
	for _, c := range []core.Relocation{
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: ""},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: ":0"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0::1"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "-1"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:x"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:2"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0:0:0"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "99999999999999999999"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "2147483647"},
		{Kind: bpf.COREFieldByteOffset, ID: s, Access: "0" + strings.Repeat(":0", 64)},
		{Kind: bpf.COREFieldByteOffset, ID: big, Access: "0:0:1073741823"},
		{Kind: bpf.COREFieldByteOffset, ID: wide, Access: "0:0:268435455"},
		{Kind: bpf.COREFieldByteOffset, ID: wide, Access: "1"},
		{Kind: bpf.COREFieldByteOffset, ID: fwd, Access: "0"},
		{Kind: bpf.COREFieldByteOffset, ID: 0, Access: "0"},
		{Kind: bpf.COREFieldByteOffset, ID: 999, Access: "0"},
		{Kind: bpf.COREFieldByteOffset, ID: 1<<32 - 1, Access: "0"},
		{Kind: bpf.COREFieldByteOffset, ID: anon, Access: "0:0"},
		{Kind: bpf.COREFieldSigned, ID: s, Access: "0"},
		{Kind: bpf.CORETypeExists, ID: s, Access: "0:0"},
		{Kind: bpf.CORETypeExists, ID: 0, Access: "0"},
		{Kind: bpf.COREEnumvalValue, ID: enum, Access: "1"},
		{Kind: bpf.COREEnumvalValue, ID: enum, Access: "0:0"},
		{Kind: bpf.COREEnumvalValue, ID: s, Access: "0"},
		{Kind: 13, ID: s, Access: "0"},
		{Kind: 1<<32 - 1, ID: s, Access: "0"},
	} {
		if got, err := r.Resolve(c); !errors.Is(err, core.ErrRelocation) && !errors.Is(err, core.ErrTypes) {
			t.Errorf("%+v is %+v, %v", c, got, err)
		}
		// Without a kernel, a type needs no name to be found by.
		if _, err := core.NewTargets(nil).NewResolver(types).Resolve(c); err == nil && c.ID != anon && c.ID != 0 {
			t.Errorf("%+v has a value", c)
		}
	}
}

// TestReadTypes reads what is no type information.
func TestReadTypes(t *testing.T) {
	b := newBuilder()
	b.integer("u32", 4)
	good := b.bytes()
	long := newBuilder()
	name := long.name(strings.Repeat("x", 1<<20))
	for range 10000 {
		long.add("", kindPtr, 0, 0)
		binary.LittleEndian.PutUint32(long.types[len(long.types)-12:], name)
	}
	with := func(at int, v byte) []byte {
		c := slices.Clone(good)
		c[at] = v
		return c
	}
	for name, c := range map[string][]byte{
		"empty": nil, "short": good[:23], "magic": with(0, 0), "version": with(2, 9), "header": with(4, 255), "header short": with(4, 8),
		"types": with(12, 255), "types cut": with(12, 13), "strings": with(20, 255), "strings open": with(20, 4),
		"kind 0": with(24+7, 0), "kind 31": with(24+7, 31), "long names": long.bytes(),
	} {
		if _, err := core.ReadTypes(c, nil); !errors.Is(err, core.ErrTypes) {
			t.Errorf("%s: %v", name, err)
		}
	}
	types := b.read(t, nil)
	module := b.module().read(t, types)
	if _, err := core.ReadTypes(good, module); !errors.Is(err, core.ErrTypes) {
		t.Errorf("a module of a module: %v", err)
	}
}

// TestEntangled resolves against types that lead back to themselves, or on to
// others in more ways than can be tried.
func TestEntangled(t *testing.T) {
	b := newBuilder()
	u32 := b.integer("u32", 4)
	// Each holds the one before twice, without a name and with one.
	bare, named, proto := u32, u32, u32
	for i := range 30 {
		bare = b.composite(fmt.Sprint("d", i), kindStruct, 4, field{"", bare, 0}, field{"", bare, 0})
		named = b.composite(fmt.Sprint("n", i), kindStruct, 4, field{"a", named, 0}, field{"a", named, 0}, field{"b", named, 0})
		proto = b.add("", kindFuncProto, 2, proto, 0, proto, 0, proto)
	}
	roots := []uint32{bare, named, b.composite("z", kindStruct, 4, field{"a", named, 0}, field{"q", u32, 0}), b.add("f", kindTypedef, 0, proto)}
	// Those that hold themselves.
	id := b.count + 1
	roots = append(
		roots,
		b.composite("s", kindStruct, 4, field{"", id, 0}, field{"x", id, 0}),
		b.add("t", kindTypedef, 0, id+1),
		b.add("p", kindPtr, 0, id+2),
		b.add("a", kindArray, 0, 0, id+3, id+3, 2),
		b.add("c", kindTypedef, 0, id+5),
		b.add("", kindConst, 0, id+4),
	)
	many := make([]field, 60000)
	for i := range many {
		many[i] = field{"m", u32, 0}
	}
	roots = append(roots, b.composite("many", kindStruct, 4, many...))
	types := b.read(t, nil)

	other := newBuilder()
	other.integer("u32", 4)
	for range 3000 {
		other.composite("d29", kindStruct, 4, field{"", other.count + 1, 0})
		other.composite("many", kindStruct, 4)
	}
	spent := 0
	for _, targets := range []*core.Targets{core.NewTargets(types), core.NewTargets(other.read(t, nil))} {
		r := targets.NewResolver(types)
		for _, root := range roots {
			for kind := range bpf.CORETypeMatches + 1 {
				for _, access := range []string{"0", "0:0", "0:1", "0:0:0:0:1", "0:1:1", "0" + strings.Repeat(":0", 63), "0:59999"} {
					rel := core.Relocation{Kind: kind, ID: root, Access: access}
					types.Describe(rel)
					_, _ = core.NewTargets(nil).NewResolver(types).Resolve(rel)
					if _, err := r.Resolve(rel); errors.Is(err, core.ErrEffort) {
						spent++
					}
				}
			}
		}
	}
	if spent == 0 {
		t.Error("nothing was too entangled")
	}
}
