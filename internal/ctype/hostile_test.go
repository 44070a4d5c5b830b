package ctype

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"

	"ebtools/internal/require"
)

// dumpHostile writes types that may be anything. It fails t if that takes out of
// proportion, and returns what was written.
func dumpHostile(t *testing.T, what string, raw []byte) (header []byte, err error) {
	t.Helper()
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	start := time.Now()
	err = Dump(&out, spec)
	// A type has 12 bytes and a part of one 8 at least.
	if limit := budgetBase + budgetEach*len(raw)/8; out.Len() > limit {
		t.Errorf("%s: %d bytes of types became %d, more than %d", what, len(raw), out.Len(), limit)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("%s: took %v", what, took)
	}
	return out.Bytes(), err
}

// TestMutations dumps the types of objects after some words of them were replaced.
func TestMutations(t *testing.T) {
	rounds := 200
	if require.Long() {
		rounds = 20_000
	}
	var headers, refused, unread int
	for _, pattern := range []string{"../../testdata/objects/*.o", "../../elf/testdata/*.o"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			raw := typesOf(t, file)
			if raw == nil {
				continue
			}
			random := rand.New(rand.NewPCG(1, uint64(len(raw))))
			for round := range rounds {
				data := bytes.Clone(raw)
				mutate(random, data)
				_, err := dumpHostile(t, fmt.Sprintf("%s, round %d", file, round), data)
				switch {
				case err == nil:
					headers++
				case errors.Is(err, ErrTooLarge):
					refused++
				default:
					unread++
				}
			}
		}
	}
	t.Logf("%d headers, %d refused, %d could not be read", headers, refused, unread)
	if headers == 0 {
		t.Error("no mutated types became a header")
	}
}

// mutate replaces some words of types, most often by such that are there already
// or small.
func mutate(random *rand.Rand, data []byte) {
	words := (len(data) - 24) / 4 // behind the header of .BTF
	at := func() []byte { return data[24+4*random.IntN(words):] }
	for range 1 + random.IntN(4) {
		word := at()
		switch random.IntN(4) {
		case 0:
			copy(word[:4], at()[:4])
		case 1:
			binary.NativeEndian.PutUint32(word, uint32(random.IntN(64)))
		case 2:
			binary.NativeEndian.PutUint32(word, random.Uint32())
		case 3:
			word[random.IntN(4)] ^= 1 << random.IntN(8)
		}
	}
}

// marshal encodes types.
func marshal(t *testing.T, types ...btf.Type) []byte {
	t.Helper()
	b, err := btf.NewBuilder(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestHostile has types that ask for more than they are, or never end.
func TestHostile(t *testing.T) {
	i32 := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	long := strings.Repeat("n", 1<<14)
	member := func(name string, t btf.Type) btf.Member { return btf.Member{Name: name, Type: t} }

	loop := &btf.Pointer{}
	loop.Target = &btf.Const{Type: loop}
	typedef := &btf.Typedef{Name: "t"}
	typedef.Type = &btf.Volatile{Type: typedef}
	array := &btf.Array{Index: i32, Nelems: 1}
	array.Type = array
	anonymous := &btf.Struct{Size: 4}
	anonymous.Members = []btf.Member{member("", anonymous), member("x", anonymous)}
	proto := &btf.FuncProto{Return: &btf.Void{}}
	proto.Params = []btf.FuncParam{{Name: "f", Type: proto}, {Name: "g", Type: &btf.Pointer{Target: proto}}}

	// bomb has twice as many structures within each structure, without names or,
	// as no compiler writes them, with.
	bomb := func(depth int, name, memberName string) btf.Type {
		var t btf.Type = i32
		for n := range depth {
			s := &btf.Struct{Size: 4, Members: []btf.Member{member(memberName, t), member(memberName, t)}}
			if name != "" {
				s.Name = fmt.Sprint(name, n)
			}
			t = s
		}
		return &btf.Struct{Name: "bomb", Size: 4, Members: []btf.Member{member(memberName, t)}}
	}
	chain := func(depth int, wrap func(btf.Type, int) btf.Type) btf.Type {
		var t btf.Type = i32
		for n := range depth {
			t = wrap(t, n)
		}
		return t
	}
	protos := chain(60, func(t btf.Type, _ int) btf.Type {
		p := &btf.Pointer{Target: t}
		return &btf.FuncProto{Return: p, Params: []btf.FuncParam{{Type: p}, {Type: p}}}
	})
	many := func(n int, of func(int) btf.Type) (list []btf.Type) {
		for i := range n {
			list = append(list, of(i))
		}
		return list
	}

	for name, types := range map[string][]btf.Type{
		"pointer to itself":       {&btf.Typedef{Name: "p", Type: loop}, &btf.Struct{Name: "s", Size: 8, Members: []btf.Member{member("p", loop)}}},
		"typedef of itself":       {typedef, &btf.Struct{Name: "s", Size: 8, Members: []btf.Member{member("t", typedef)}}},
		"array of itself":         {&btf.Typedef{Name: "a", Type: array}, &btf.Struct{Name: "s", Size: 8, Members: []btf.Member{member("a", array)}}},
		"structure within itself": {anonymous, &btf.Typedef{Name: "a", Type: anonymous}},
		"prototype of itself":     {&btf.Typedef{Name: "f", Type: proto}},
		"bomb":                    {bomb(60, "", "m")},
		"bomb without names":      {bomb(60, "", "")},
		"bomb of names":           {bomb(60, "s", "")},
		"bomb of prototypes":      {&btf.Typedef{Name: "f", Type: protos}},
		"pointers":                {&btf.Typedef{Name: "p", Type: chain(20_000, func(t btf.Type, _ int) btf.Type { return &btf.Pointer{Target: t} })}},
		"qualifiers":              {&btf.Typedef{Name: "p", Type: chain(20_000, func(t btf.Type, _ int) btf.Type { return &btf.Const{Type: t} })}},
		"typedefs":                {chain(20_000, func(t btf.Type, n int) btf.Type { return &btf.Typedef{Name: fmt.Sprint("t", n), Type: t} })},
		"structures by value": {chain(10_000, func(t btf.Type, n int) btf.Type {
			return &btf.Struct{Name: fmt.Sprint("s", n), Size: 4, Members: []btf.Member{member("m", t)}}
		})},
		"arrays":                  {&btf.Typedef{Name: "a", Type: chain(300, func(t btf.Type, _ int) btf.Type { return &btf.Array{Index: i32, Type: t, Nelems: 1 << 31} })}},
		"a long name, many times": many(5_000, func(i int) btf.Type { return &btf.Struct{Name: long, Size: uint32(i)} }),
		"a long tag, many times": many(5_000, func(i int) btf.Type {
			return &btf.Typedef{Name: "t", Type: &btf.TypeTag{Value: long, Type: i32}, Tags: []string{long}}
		}),
		"a long member, many times": many(5_000, func(i int) btf.Type {
			return &btf.Struct{Name: "s", Size: uint32(4 + i), Members: []btf.Member{member(long, i32)}}
		}),
		"a long enumerator": many(5_000, func(i int) btf.Type { return &btf.Enum{Size: 4, Values: []btf.EnumValue{{Name: long}}} }),
		"a long integer":    many(5_000, func(i int) btf.Type { return &btf.Typedef{Name: "t", Type: &btf.Int{Name: long, Size: 4}} }),
		"gaps": many(5_000, func(i int) btf.Type {
			return &btf.Struct{Name: "gap", Size: 1<<32 - 1, Members: []btf.Member{member("i", i32), {Name: "j", Type: i32, Offset: 1 << 31}}}
		}),
		"members of arrays, chained": {&btf.Struct{Name: "s", Size: 1 << 20, Members: func() (list []btf.Member) {
			t := chain(120, func(t btf.Type, _ int) btf.Type {
				return chain(120, func(t btf.Type, _ int) btf.Type { return &btf.Const{Type: t} }).(*btf.Const)
			})
			for range 20_000 {
				list = append(list, member("m", &btf.Array{Index: i32, Type: t}))
			}
			return list
		}()}},
		"a million parts": {
			&btf.Typedef{Name: "huge", Type: &btf.Array{Index: i32, Type: i32, Nelems: 1<<32 - 1}},
			&btf.Struct{Name: "wide", Size: 65535, Members: make65535(i32)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw := marshal(t, types...)
			header, err := dumpHostile(t, name, raw)
			if err != nil && !errors.Is(err, ErrTooLarge) {
				t.Error(err)
			}
			t.Logf("%d bytes became %d, error %v", len(raw), len(header), err)
		})
	}
}

func make65535(t btf.Type) []btf.Member {
	list := make([]btf.Member, 65535)
	for i := range list {
		list[i] = btf.Member{Name: "m", Type: t, Offset: btf.Bits(i * 8)}
	}
	return list
}

// TestNothingWritten has an error leave the output as it was.
func TestNothingWritten(t *testing.T) {
	var t1 btf.Type = &btf.Int{Name: "int", Size: 4}
	for range 200 {
		t1 = &btf.Pointer{Target: t1}
	}
	spec := specOf(t, marshal(t, &btf.Struct{Name: "good"}, &btf.Typedef{Name: "deep", Type: t1}))
	var out bytes.Buffer
	if err := Dump(&out, spec); !errors.Is(err, ErrTooLarge) || out.Len() > 0 {
		t.Errorf("%v, %d bytes", err, out.Len())
	}
	if err := Dump(failing{}, specOf(t, marshal(t, &btf.Struct{Name: "s"}))); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v, want that of the writer", err)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
