package against

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/show"
	"ebtools/vm"
)

// Difference is one thing that the two sides do not agree about, in words.
type Difference struct {
	What       string // "verdict", "packet, from byte 14 on", "map counts, key 00000000"
	Kernel, VM string
}

// String gives the difference on one line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: the kernel has %s, the vm %s", d.What, d.Kernel, d.VM)
}

func compare(t linux.ProgramType, want, got Outcome) []Difference {
	var all []Difference
	if want.Return != got.Return {
		all = append(all, Difference{"verdict", verdict(t, want.Return), verdict(t, got.Return)})
	}
	all = appendBytes(all, "metadata", want.Metadata, got.Metadata)
	all = appendBytes(all, "packet", want.Packet, got.Packet)
	return appendContext(all, t, want.Context, got.Context)
}

func verdict(t linux.ProgramType, v uint32) string {
	if name, ok := linux.VerdictName(t, v); ok {
		return name
	}
	return fmt.Sprintf("%d (%#x)", v, v)
}

// shown is how many bytes of a difference are printed.
const shown = 16

func appendBytes(all []Difference, what string, want, got []byte) []Difference {
	if bytes.Equal(want, got) {
		return all
	}
	if len(want) != len(got) {
		all = append(all, Difference{"length of the " + what, show.Plural(len(want), "byte"), show.Plural(len(got), "byte")})
	}
	n := min(len(want), len(got))
	for i := range n {
		if want[i] != got[i] {
			end := min(n, i+shown)
			return append(all, Difference{fmt.Sprintf("%s, from byte %d on", what, i), fmt.Sprintf("%x", want[i:end]), fmt.Sprintf("%x", got[i:end])})
		}
	}
	return all
}

// appendContext compares contexts field by field.
func appendContext(all []Difference, t linux.ProgramType, want, got []byte) []Difference {
	layout, known := linux.ContextOf(t)
	if !known || len(want) != len(got) {
		return appendBytes(all, "context", want, got)
	}
	for _, f := range layout.Fields {
		end := f.Offset + f.Size*f.Elems
		if end > len(want) || f.Pointer() {
			continue
		}
		if a, b := want[f.Offset:end], got[f.Offset:end]; !bytes.Equal(a, b) {
			all = append(all, Difference{"context, " + f.Name, fmt.Sprintf("%x", a), fmt.Sprintf("%x", b)})
		}
	}
	return all
}

// canCompare reports whether the contents of a map can be compared: those that
// programs write to, and that can be read without changing them.
func canCompare(m *vm.Map) bool {
	if m.Err() != nil {
		return false
	}
	switch m.Spec().Type {
	case linux.MapArray, linux.MapPercpuArray, linux.MapHash, linux.MapPercpuHash, linux.MapLRUHash, linux.MapLRUPercpuHash,
		linux.MapLPMTrie:
		return true
	}
	return false
}

// mapDifferences is how many entries of a map are named.
const mapDifferences = 4

// Maps compares the contents of the maps, all CPUs' values included; of each map
// that differs it names a few entries.
func (p *Pair) Maps() ([]Difference, error) {
	var all []Difference
	for i, m := range p.Machine.Maps() {
		if !canCompare(m) || m.Spec().Frozen {
			continue
		}
		want, err := p.Kernel.Contents(i, kernel.AllCPUs)
		if err != nil {
			return nil, err
		}
		all = append(all, compareEntries(m, want)...)
	}
	return all, nil
}

func compareEntries(m *vm.Map, want map[string]string) []Difference {
	var all []Difference
	add := func(key, want, got string) {
		all = append(all, Difference{fmt.Sprintf("map %s, key %x", m.Spec().Name, key), want, got})
	}
	for k, v := range m.All() {
		key := string(k)
		value, there := want[key]
		switch delete(want, key); {
		case !there:
			add(key, "no such entry", fmt.Sprintf("%x", v))
		case value != string(v):
			i := 0
			for value[i] == v[i] {
				i++
			}
			i &^= 7
			end := min(len(v), i+shown)
			add(key, fmt.Sprintf("%x at byte %d of the value", value[i:end], i), fmt.Sprintf("%x", v[i:end]))
		}
		if len(all) == mapDifferences {
			return all
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if len(all) == mapDifferences {
			break
		}
		add(key, fmt.Sprintf("%x", want[key]), "no such entry")
	}
	return all
}

// NotCompared lists maps that programs may write to but that can't be compared.
func (p *Pair) NotCompared() []*vm.Map {
	var list []*vm.Map
	for _, m := range p.Machine.Maps() {
		switch m.Spec().Type {
		case linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap, linux.MapXskmap, linux.MapProgArray, linux.MapArrayOfMaps, linux.MapHashOfMaps:
			continue // written to by system calls only
		}
		if !canCompare(m) {
			list = append(list, m)
		}
	}
	return list
}

// Set sets an entry of a map on both sides, which must agree on the error.
func (p *Pair) Set(index int, key, value []byte, flags uint64) error {
	want := p.Kernel.Update(index, key, value, flags)
	got := p.Machine.Maps()[index].Update(key, value, flags)
	var errno linux.Errno
	if errors.As(want, &errno) != (got != nil) || want != nil && !errors.Is(got, errno) {
		return fmt.Errorf("update of map %s, key %x: the kernel says %v, the vm %v", p.object.Maps[index].Name, key, want, got)
	}
	return nil
}

// Delete removes an entry of a map on both sides, if it is there.
func (p *Pair) Delete(index int, key []byte) error {
	want := p.Kernel.Delete(index, key)
	got := p.Machine.Maps()[index].Delete(key)
	if errors.Is(want, linux.ENOENT) != errors.Is(got, linux.ENOENT) {
		return fmt.Errorf("deletion from map %s, key %x: the kernel says %v, the vm %v", p.object.Maps[index].Name, key, want, got)
	}
	return nil
}
