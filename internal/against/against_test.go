package against

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/vm"
)

func TestCompare(t *testing.T) {
	context := make([]byte, 192)
	other := slices.Clone(context)
	binary.NativeEndian.PutUint32(other[8:], 7)
	for _, c := range []struct {
		name      string
		want, got Outcome
		text      string // of the differences
	}{
		{"same", Outcome{Return: 2, Packet: []byte{1, 2}}, Outcome{Return: 2, Packet: []byte{1, 2}}, ""},
		{"verdict", Outcome{Return: 2}, Outcome{Return: 77}, "verdict: the kernel has XDP_PASS, the vm 77 (0x4d)"},
		{
			"packet",
			Outcome{Packet: []byte{1, 2, 3}},
			Outcome{Packet: []byte{1, 9}},
			"length of the packet: the kernel has 3 bytes, the vm 2 bytes; packet, from byte 1 on: the kernel has 02, the vm 09",
		},
		{"metadata", Outcome{Metadata: []byte{1}}, Outcome{}, "length of the metadata: the kernel has 1 byte, the vm 0 bytes"},
	} {
		if text := join(compare(linux.ProgXDP, c.want, c.got)); text != c.text {
			t.Errorf("%s: %s", c.name, text)
		}
	}
	if text := join(appendContext(nil, linux.ProgSchedCLS, context, other)); !strings.HasPrefix(text, "context, mark: the kernel has 00000000") {
		t.Error(text)
	}
}

func join(diffs []Difference) string {
	var texts []string
	for _, d := range diffs {
		texts = append(texts, d.String())
	}
	return strings.Join(texts, "; ")
}

func TestCompareEntries(t *testing.T) {
	obj := &bpf.Object{Maps: []*bpf.Map{{Name: "m", Type: linux.MapHash, KeySize: 1, ValueSize: 9, MaxEntries: 9}}}
	machine, err := vm.New(obj, vm.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := machine.Maps()[0]
	for _, key := range "abc" {
		if err := m.Update([]byte{byte(key)}, []byte("123456789"), linux.Any); err != nil {
			t.Fatal(err)
		}
	}
	text := join(compareEntries(m, map[string]string{"a": "123456789", "b": "12345678x", "d": "123456789"}))
	want := "map m, key 62: the kernel has 78 at byte 8 of the value, the vm 39; " +
		"map m, key 63: the kernel has no such entry, the vm 313233343536373839; " +
		"map m, key 64: the kernel has 313233343536373839, the vm no such entry"
	if text != want {
		t.Error(text)
	}
}

func TestByNature(t *testing.T) {
	call := func(id linux.HelperID) bpf.Instruction { return bpf.Instruction{Op: bpf.OpcodeCall, Imm: int32(id)} }
	p := &bpf.Program{Instructions: []bpf.Instruction{call(linux.FnKtimeGetNs), call(linux.FnMapLookupElem), call(linux.FnKtimeGetNs)}}
	if ids := ByNature(p); len(ids) != 1 || ids[0] != linux.FnKtimeGetNs {
		t.Error(ids)
	}
}
