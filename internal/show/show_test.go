package show

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/cilium/ebpf/btf"
)

func TestNumbers(t *testing.T) {
	for want, got := range map[string]string{
		"0": Count(0), "999": Count(999), "1,000": Count(1000), "-1,234,567": Count(-1234567),
		"1 packet": Plural(1, "packet"), "2,000 packets": Plural(2000, "packet"),
		"999 ns": Duration(999), "1.50 µs": Duration(1500), "1000 µs": Duration(999_999), "100 µs": Duration(99_960), "12.3 ms": Duration(12345 * time.Microsecond), "61.00 s": Duration(61 * time.Second),
		"1.50 M": Rate(3e6, 2*time.Second), "2.00 k": Rate(2000, time.Second), "7.00": Rate(7, time.Second), "?": Rate(1, 0),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := Table{Indent: "  ", Right: []bool{false, true}}
	table.Row("verdict", "packets")
	table.Row("XDP_DROP", "5")
	table.Row("µs", "12,345", "note")
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := "  verdict   packets\n  XDP_DROP        5\n  µs         12,345  note\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}

func TestValue(t *testing.T) {
	u8 := &btf.Int{Name: "unsigned char", Size: 1}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	u16, s32, u64 := &btf.Int{Name: "u16", Size: 2}, &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, &btf.Int{Name: "u64", Size: 8}
	pair := &btf.Struct{Name: "pair", Size: 16, Members: []btf.Member{
		{Name: "packets", Type: u64}, {Name: "bytes", Type: &btf.Typedef{Name: "count", Type: u64}, Offset: 64},
	}}
	enum := &btf.Enum{Name: "state", Size: 4, Values: []btf.EnumValue{{Name: "OPEN", Value: 1}}}
	bits := &btf.Struct{Name: "bits", Size: 4, Members: []btf.Member{
		{Name: "low", Type: s32, BitfieldSize: 3},
		{Name: "high", Type: &btf.Int{Name: "u32", Size: 4}, Offset: 3, BitfieldSize: 5},
		{Name: "", Type: &btf.Struct{Size: 2, Members: []btf.Member{{Name: "inner", Type: u16}}}, Offset: 16},
	}}
	tests := []struct {
		name  string
		t     btf.Type
		bytes []byte
		text  string
		json  string
	}{
		{"signed", s32, []byte{0xfe, 0xff, 0xff, 0xff}, "-2", "-2"},
		{"bool", &btf.Int{Size: 1, Encoding: btf.Bool}, []byte{1}, "true", "true"},
		{"struct", pair, append([]byte{3, 0, 0, 0, 0, 0, 0, 0}, 180, 0, 0, 0, 0, 0, 0, 0), "{packets: 3, bytes: 180}", `{"packets":3,"bytes":180}`},
		{"enumerator", enum, []byte{1, 0, 0, 0}, `"OPEN"`, `"OPEN"`},
		{"no enumerator", enum, []byte{9, 0, 0, 0}, "9", "9"},
		{"array", &btf.Array{Type: u16, Nelems: 2}, []byte{1, 0, 2, 0}, "[1, 2]", "[1,2]"},
		{"text", &btf.Array{Type: char, Nelems: 8}, []byte("bash\x00\x00\x00\x00"), `"bash"`, `"bash"`},
		{"no text", &btf.Array{Type: char, Nelems: 2}, []byte{1, 2}, "[1, 2]", "[1,2]"},
		{"bytes", &btf.Array{Type: u8, Nelems: 2}, []byte("a\x00"), "[97, 0]", "[97,0]"},
		{"bit fields and an anonymous struct", bits, []byte{0x2f, 0, 7, 0}, "{low: -1, high: 5, inner: 7}", `{"low":-1,"high":5,"inner":7}`},
		{"untyped number", nil, []byte{1, 1, 0, 0}, "257", "257"},
		{"untyped bytes", nil, []byte{1, 0xff, 3}, `"01ff03"`, `"01ff03"`},
		{"too few bytes", u64, []byte{1, 2, 3}, `"010203"`, `"010203"`},
		{"datasec", &btf.Datasec{Name: ".data", Size: 8, Vars: []btf.VarSecinfo{
			{Type: &btf.Var{Name: "limit", Type: s32}, Offset: 4, Size: 4},
		}}, []byte{0, 0, 0, 0, 5, 0, 0, 0}, "{limit: 5}", `{"limit":5}`},
		{"array of no size", &btf.Array{Type: &btf.Struct{Name: "empty"}, Nelems: 1 << 30}, []byte{}, `""`, `""`},
	}
	for _, test := range tests {
		v := Value(test.t, test.bytes)
		if got := Text(v); got != test.text {
			t.Errorf("%s: got %s, want %s", test.name, got, test.text)
		}
		if got, err := json.Marshal(v); err != nil || string(got) != test.json {
			t.Errorf("%s: JSON %s, %v, want %s", test.name, got, err, test.json)
		}
	}
}

func TestValueBigEndian(t *testing.T) {
	u16, u32 := &btf.Int{Name: "u16", Size: 2}, &btf.Int{Name: "u32", Size: 4}
	bits := &btf.Struct{Name: "bits", Size: 4, Members: []btf.Member{
		{Name: "low", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}, BitfieldSize: 3},
		{Name: "high", Type: u32, Offset: 3, BitfieldSize: 5},
		{Name: "rest", Type: u16, Offset: 16},
	}}
	for _, test := range []struct {
		t     btf.Type
		bytes []byte
		want  string
	}{
		{u32, []byte{0, 0, 1, 2}, "258"},
		{&btf.Array{Type: u16, Nelems: 2}, []byte{0, 1, 0, 2}, "[1, 2]"},
		{&btf.Enum{Name: "state", Size: 4, Values: []btf.EnumValue{{Name: "OPEN", Value: 1}}}, []byte{0, 0, 0, 1}, `"OPEN"`},
		{bits, []byte{0b111_00101, 0, 0, 7}, "{low: -1, high: 5, rest: 7}"},
		{nil, []byte{1, 1}, "257"},
		{&btf.Enum{Size: 16}, make([]byte, 16), `"00000000000000000000000000000000"`},
	} {
		if got := Text(ValueIn(binary.BigEndian, test.t, test.bytes)); got != test.want {
			t.Errorf("%v: got %s, want %s", test.t, got, test.want)
		}
	}
}

// TestHugeValue gives a small type that means more values than memory holds:
// members that overlap, nested.
func TestHugeValue(t *testing.T) {
	var inner btf.Type = &btf.Array{Type: &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}, Nelems: 1000}
	for range 20 {
		s := &btf.Struct{Size: 1000}
		for range 20 {
			s.Members = append(s.Members, btf.Member{Name: "m", Type: inner})
		}
		inner = s
	}
	if n := len(Text(Value(inner, make([]byte, 1000)))); n > 1<<20 {
		t.Errorf("%d bytes of text for 1,000 bytes", n)
	}
}

func TestJSONNamesAreUnique(t *testing.T) {
	got, err := json.Marshal(Fields{{"a", 1}, {"b", 2}, {"a", 3}})
	if err != nil || string(got) != `{"a":1,"b":2}` {
		t.Errorf("%s, %v", got, err)
	}
}
