package preset

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

var (
	u8    = &btf.Int{Name: "unsigned char", Size: 1}
	char  = &btf.Int{Name: "char", Size: 1, Encoding: btf.Char}
	u16   = &btf.Int{Name: "unsigned short", Size: 2}
	u32   = &btf.Int{Name: "unsigned int", Size: 4}
	limit = &btf.Struct{Name: "limit", Size: 4, Members: []btf.Member{
		{Name: "port", Type: u16}, {Name: "low", Type: u8, Offset: 16, BitfieldSize: 4}, {Name: "rest", Type: u8, Offset: 24},
	}}
)

// object has variables at 0 (mode), 4 (limits[3]) and 16 (name[4]) of .data, and a
// map of each kind that is filled differently.
func object(order binary.ByteOrder) *bpf.Object {
	variable := func(name string, t btf.Type, at, size uint32) btf.VarSecinfo {
		return btf.VarSecinfo{Type: &btf.Var{Name: name, Type: t}, Offset: at, Size: size}
	}
	return &bpf.Object{ByteOrder: order, Maps: []*bpf.Map{
		{Name: "plain", Type: linux.MapHash, KeySize: 4, ValueSize: 4, MaxEntries: 4, Key: u32, Value: limit},
		{Name: "each", Type: linux.MapPercpuArray, KeySize: 4, ValueSize: 2, MaxEntries: 4, Key: u32, Value: u16},
		{Name: "bytes", Type: linux.MapHash, KeySize: 2, ValueSize: 3, MaxEntries: 4},
		{
			Name: ".data", Section: ".data", Type: linux.MapArray, KeySize: 4, ValueSize: 20, MaxEntries: 1,
			Value: &btf.Datasec{Name: ".data", Size: 20, Vars: []btf.VarSecinfo{
				variable("mode", u32, 0, 4), variable("limits", &btf.Array{Type: limit, Nelems: 3}, 4, 12),
				variable("name", &btf.Array{Type: char, Nelems: 4}, 16, 4), variable("beyond", u32, 18, 4),
			}},
		},
	}}
}

// TestVariable sets variables and parts of them; want is the section afterwards,
// or what the error has.
func TestVariable(t *testing.T) {
	for _, c := range []struct{ assignment, want string }{
		{"mode=0x10", "10000000 00000000 00000000 00000000 00000000"},
		{"mode = 7", "there is no variable"},
		{"limits[1].port=80", "00000000 00000000 50000000 00000000 00000000"},
		{"limits[2].rest=255", "00000000 00000000 00000000 000000ff 00000000"},
		{`limits=[{"port": 1}, {"low": 5, "rest": 2}]`, "00000000 01000000 00000502 00000000 00000000"},
		{`limits[0]={"port": 443, "rest": 9}`, "00000000 bb010009 00000000 00000000 00000000"},
		{"name=lo", "00000000 00000000 00000000 00000000 6c6f0000"},
		{`name="eth"`, "00000000 00000000 00000000 00000000 65746800"},
		{"name=eth0", `name: bad value: "eth0", expected a number or 4 bytes`},
		{"limits[3].port=1", "element 3 of an array of 3"},
		{"limits[x]=1", "is no element"},
		{"mode[0]=1", "is no element"},
		{"mode.port=1", "there is no member port"},
		{"limits[0].gate=1", "there is no member gate"},
		{"limits[0].low=1", "member low can't be set by itself"},
		{"mode=4294967296", "does not fit 32 bits"},
		{"mode", "expected NAME=VALUE"},
		{"mod=1", "there is no variable mod; there is mode, limits, name, beyond"},
		{"beyond=1", "beyond is not within its section"},
	} {
		obj := object(binary.LittleEndian)
		got := ""
		if err := Variable(obj, c.assignment); err != nil {
			if got = err.Error(); !strings.Contains(got, c.want) {
				t.Errorf("%s: %s, want %q", c.assignment, got, c.want)
			}
			continue
		}
		if got = hex.EncodeToString(obj.Maps[3].Contents); got != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("%s: %s, want %s", c.assignment, got, c.want)
		}
	}
}

// TestVariableBigEndian: the object's byte order counts, and what was set before
// stays.
func TestVariableBigEndian(t *testing.T) {
	obj := object(binary.BigEndian)
	for _, a := range []string{"mode=1", "limits[0].port=258"} {
		if err := Variable(obj, a); err != nil {
			t.Fatal(err)
		}
	}
	if got := hex.EncodeToString(obj.Maps[3].Contents[:6]); got != "000000010102" {
		t.Error(got)
	}
	if err := Variable(&bpf.Object{}, "mode=1"); err == nil || !strings.Contains(err.Error(), "no variables whose types are known") {
		t.Error(err)
	}
}

// TestEntries reads the forms that maps come in; want is keys and values, or what
// the error has.
func TestEntries(t *testing.T) {
	file := filepath.Join(t.TempDir(), "m.json")
	if err := os.WriteFile(file, []byte(`{"type": "hash", "entries": [{"key": 2, "value": {"port": 53}}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ assignment, want string }{
		{`plain={"1": {"port": 80}, "0x10": {"rest": 1}}`, "01000000:50000000 10000000:00000001"},
		{`plain=[{"key": 1, "value": 7}]`, "01000000:07000000"},
		{"plain=@" + file, "02000000:35000000"},
		{`plain=[{"key": ["0x0a","0x00","0x00","0x01"], "value": ["0x01","0x02","0x03","0x04"]}]`, "0a000001:01020304"},
		{`plain={"10.0.0.1": {}}`, "0a000001:00000000"},
		{`each={"0": 5}`, "00000000:050005000500"},
		{`each={"1": [1, 2, 3]}`, "01000000:010002000300"},
		{`each={"1": [1, 2]}`, "a list of 3, for each CPU one"},
		{`bytes={"0x0102": "0a0b0c"}`, "0201:0a0b0c"},
		{`bytes={"0x0102": "0a0b"}`, "value of entry 0"},
		{`plain={"x": 1}`, "key of entry 0"},
		{`plain=[{"key": 1}]`, `entry 0 has no "key" or no "value"`},
		{`plain=7`, "expected an object"},
		{`plain={} {}`, "more behind the JSON"},
		{`plain={`, "not JSON"},
		{`plain=@` + file + `.gone`, "no such file"},
		{`none={}`, "there is no map none; there is plain, each, bytes, .data"},
		{`plain`, "expected NAME=@FILE or NAME=JSON"},
	} {
		_, list, err := Entries(object(binary.LittleEndian), 3, c.assignment)
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.assignment, err, c.want)
			}
			continue
		}
		var got []string
		for _, e := range list {
			got = append(got, fmt.Sprintf("%x:%x", e.Key, e.Value))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %s, want %s", c.assignment, s, c.want)
		}
	}
}
