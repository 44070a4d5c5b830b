package show

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"ebtools/internal/require"
)

func fromJSON(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// TestBytesBack takes random bytes apart by the types of real objects, and puts
// them together again from JSON.
func TestBytesBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	types := 0
	for _, path := range append(require.Corpus(t, 20), "../../testdata/objects/xdp_count.o") {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		spec, err := btf.LoadSpecFromReader(bytes.NewReader(file))
		if err != nil {
			continue
		}
		for id := btf.TypeID(1); ; id++ {
			typ, err := spec.TypeByID(id)
			if err != nil {
				break
			}
			size, err := btf.Sizeof(typ)
			if err != nil || size == 0 || size > 512 || comesNotBack(typ, 0) {
				continue
			}
			types++
			for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
				b := make([]byte, size)
				for i := range b {
					b[i] = byte(random.Uint32() >> (8 * random.Uint32N(4)) * random.Uint32N(2))
				}
				before, err := json.Marshal(ValueIn(order, typ, b))
				if err != nil {
					t.Fatal(err)
				}
				back, err := Bytes(order, typ, size, fromJSON(t, string(before)))
				if err != nil {
					t.Fatalf("%s: %v: %v of %s", path, typ, err, before)
				}
				after, _ := json.Marshal(ValueIn(order, typ, back))
				if diff := cmp.Diff(string(before), string(after)); diff != "" {
					t.Fatalf("%s: %v: %s", path, typ, diff)
				}
			}
		}
	}
	t.Logf("%d types", types)
}

// comesNotBack reports whether a value of the type does not come back: where two
// members have one name, only the first is in JSON.
func comesNotBack(t btf.Type, depth int) bool {
	if depth > 20 {
		return true
	}
	var list []btf.Member
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		list = t.Members
	case *btf.Union:
		list = t.Members
	case *btf.Array:
		return comesNotBack(t.Type, depth+1)
	case *btf.Datasec, *btf.Var:
		return true // as compilers leave them, without offsets and sizes
	}
	seen := map[string]bool{}
	for _, m := range list {
		if m.Name != "" && seen[m.Name] || comesNotBack(m.Type, depth+1) {
			return true
		}
		seen[m.Name] = true
	}
	return false
}

func TestBytes(t *testing.T) {
	u8 := &btf.Int{Name: "unsigned char", Size: 1}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	u16 := &btf.Int{Name: "unsigned short", Size: 2}
	u32 := &btf.Int{Name: "unsigned int", Size: 4}
	i32 := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	u64 := &btf.Int{Name: "unsigned long", Size: 8}
	state := &btf.Enum{Name: "state", Size: 4, Values: []btf.EnumValue{{Name: "IDLE", Value: 0}, {Name: "BUSY", Value: 7}}}
	flow := &btf.Struct{Name: "flow", Size: 12, Members: []btf.Member{
		{Name: "addr", Type: u32},
		{Name: "port", Type: u16, Offset: 32},
		{Type: &btf.Union{Size: 2, Members: []btf.Member{{Name: "a", Type: u8}, {Name: "b", Type: u16}}}, Offset: 48},
		{Name: "low", Type: u32, Offset: 64, BitfieldSize: 4},
		{Name: "high", Type: u32, Offset: 68, BitfieldSize: 4},
	}}
	for _, c := range []struct {
		typ  btf.Type
		size int
		json string
		want string // hexadecimal digits, or what the error has
	}{
		{u32, 4, `42`, "2a000000"},
		{u32, 4, `"0x2a"`, "2a000000"},
		{u32, 4, `-1`, "ffffffff"},
		{u32, 4, `1e6`, "40420f00"},
		{u32, 4, `"10.1.2.3"`, "0a010203"},
		{u32, 4, `4294967296`, "does not fit 32 bits"},
		{u32, 4, `"many"`, `"many", expected a number or 4 bytes`},
		{u32, 4, `null`, "null, expected 4 bytes"},
		{u32, 4, `{}`, "an object, expected 4 bytes"},
		{u32, 4, `["0x01","0x02","0x03","0xff"]`, "010203ff"},
		{i32, 4, `-2`, "feffffff"},
		{i32, 4, `"0xfffffffe"`, "feffffff"},
		{i32, 4, `4294967294`, "does not fit"},
		{u64, 8, `18446744073709551615`, "ffffffffffffffff"},
		{state, 4, `"BUSY"`, "07000000"},
		{state, 4, `3`, "03000000"},
		{state, 4, `"LAZY"`, `"LAZY", expected a number`},
		{&btf.Array{Type: char, Nelems: 8}, 8, `"eth0"`, "6574683000000000"},
		{&btf.Array{Type: char, Nelems: 4}, 4, `"longer"`, `"longer", expected a number or 4 bytes`},
		{&btf.Array{Type: u8, Nelems: 6}, 6, `"02:00:5e:10:00:fe"`, "02005e1000fe"},
		{&btf.Array{Type: u8, Nelems: 16}, 16, `"2001:db8::1"`, "20010db8000000000000000000000001"},
		{&btf.Array{Type: u16, Nelems: 3}, 6, `[1, 2]`, "010002000000"},
		{&btf.Array{Type: u16, Nelems: 2}, 4, `[1, 2, 3]`, "a list of 3 for an array of 2"},
		{&btf.Array{Type: u16, Nelems: 2}, 4, `[1, 65536]`, "[1]: bad value: 65536 does not fit"},
		{flow, 12, `{"addr": "192.0.2.1", "port": 53, "b": 257, "low": 5, "high": 10}`, "c000020135000101a5000000"},
		{flow, 12, `{"addr": 1}`, "010000000000000000000000"},
		{flow, 12, `{"low": 16}`, ".low: bad value: 16 does not fit 4 bits"},
		{flow, 12, `{"addr": 1, "prot": 6}`, `there is no member "prot"`},
		{flow, 12, `"00112233445566778899aabb"`, "00112233445566778899aabb"},
		{nil, 3, `"01 02 ff"`, "0102ff"},
		{nil, 3, `"0102"`, "3 bytes in hexadecimal"},
		{nil, 8, `7`, "0700000000000000"},
	} {
		b, err := Bytes(binary.LittleEndian, c.typ, c.size, fromJSON(t, c.json))
		if err != nil {
			if !errors.Is(err, ErrValue) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v of %s: %v, want %s", c.typ, c.json, err, c.want)
			}
			continue
		}
		if got := hex.EncodeToString(b); got != c.want {
			t.Errorf("%v of %s: %s, want %s", c.typ, c.json, got, c.want)
		}
	}
}
