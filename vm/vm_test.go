package vm

import (
	"encoding/binary"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// machine makes a machine of one XDP program.
func machine(t testing.TB, insns []bpf.Instruction, maps ...*bpf.Map) *Program {
	t.Helper()
	obj := &bpf.Object{
		Name:      "test",
		ByteOrder: binary.LittleEndian,
		Maps:      maps,
		Programs: []*bpf.Program{{
			Name: "prog", Section: "xdp", Type: linux.ProgXDP, Instructions: insns,
			Functions: []bpf.Function{{Name: "prog", Len: len(insns)}},
		}},
	}
	m, err := New(obj, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m.Programs()[0]
}

// join strings instructions and pairs of slots together.
func join(parts ...any) []bpf.Instruction {
	var out []bpf.Instruction
	for _, p := range parts {
		switch p := p.(type) {
		case bpf.Instruction:
			out = append(out, p)
		case [2]bpf.Instruction:
			out = append(out, p[:]...)
		case []bpf.Instruction:
			out = append(out, p...)
		}
	}
	return out
}

var exit = bpf.Instruction{Op: bpf.OpcodeExit}
