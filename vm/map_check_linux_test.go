package vm

import (
	"errors"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// What the creation of a map can't be compared in:
//   - maps that the kernel has no memory for (ENOMEM); the vm has 4 GiB of addresses;
//   - a cpumap of more CPUs than the running kernel is built for: the vm goes by the
//     most that it can be built for;
//   - a perf_event_array of no entries, which gets as many as there are CPUs, as libbpf
//     has it;
//   - flags that go with descriptors of things the vm does not have
//     (BPF_F_TOKEN_FD, BPF_F_VTYPE_BTF_OBJ_FD).

// grid makes maps in the kernel and in the vm and compares the answers.
type grid struct {
	t       *testing.T
	kernel  *kernel.Kernel
	compare int
	skipped int // the kernel had no memory
	made    int
}

func (g *grid) try(def bpf.Map) {
	g.t.Helper()
	if def.Type == linux.MapPerfEventArray && def.MaxEntries == 0 {
		return
	}
	_, err := g.kernel.Add(&def)
	g.kernel.Close()
	want := errnoOf(err)
	if want == linux.ENOMEM {
		g.skipped++
		return
	}
	got := checkMap(&def, mapKinds[def.Type])
	g.compare++
	if want == nil {
		g.made++
	}
	if !errors.Is(got, want) {
		g.t.Errorf("%s, key %d, value %d, entries %d, flags %#x, extra %#x, node %d: the kernel says %v, the vm %v",
			def.Type, def.KeySize, def.ValueSize, def.MaxEntries, def.Flags, def.Extra, def.NumaNode, want, got)
	}
}

// TestKernelMapSizes compares which maps can be made at all: sizes of keys and values,
// numbers of entries, and flags, up to three at once.
func TestKernelMapSizes(t *testing.T) {
	k, _ := newKernel(t)
	for _, kind := range emulated() {
		g := &grid{t: t, kernel: k}
		g.sizes(kind)
		g.flags(kind)
		g.entries(kind)
		t.Logf("%s: %d compared, of which %d can be made; no memory for %d more", kind, g.compare, g.made, g.skipped)
	}
}

func (g *grid) sizes(kind linux.MapType) {
	for _, key := range []uint32{0, 1, 4, 5, 8, 260, 261, 512, 1 << 22} {
		for _, value := range []uint32{
			0, 1, 4, 7, 8, 12, 16, 32, 127 * 8, 128 * 8, 127 * 32, 128 * 32, 1 << 15, 1<<15 + 1, 0xff00, 0xff7e, 0xff7f, 0xff80, 0xffff,
			1<<22 - 281, 1<<22 - 280, 1<<22 - 279, 1<<22 - 54, 1<<22 - 53, 1<<22 - 52, 1 << 22, 1<<22 + 1, 1 << 31,
		} {
			for _, entries := range []uint32{0, 1} {
				def := *plain(kind)
				def.KeySize, def.ValueSize, def.MaxEntries = key, value, entries
				if def.Value != nil { // as its type says
					def.Value = &btf.Struct{Name: "value", Size: value, Members: []btf.Member{
						{Name: "bytes", Type: &btf.Array{Index: def.Key, Type: &btf.Int{Name: "char", Size: 1}, Nelems: value}},
					}}
					if value == 0 {
						continue // no type has that size
					}
				}
				if kind == linux.MapHash || kind == linux.MapPercpuHash {
					def.Flags = linux.FNoPrealloc // spares the kernel the memory
				}
				g.try(def)
			}
		}
	}
}

func (g *grid) flags(kind linux.MapType) {
	flags := []uint32{0}
	for bit := range 14 {
		flags = append(flags, 1<<bit)
	}
	def := *plain(kind)
	for _, a := range flags {
		for _, b := range flags {
			for _, c := range flags {
				if a > b || b > c || a == b && a != 0 || b == c && b != 0 {
					continue
				}
				def.Flags = a | b | c
				g.try(def)
			}
		}
	}
	def.Flags = plain(kind).Flags
	for _, flag := range []uint32{linux.FLink, linux.FSegvOnFault, linux.FNoUserConv, 1 << 19, 1 << 31} {
		def.Flags = plain(kind).Flags | flag
		g.try(def)
	}
	def.Flags = plain(kind).Flags | linux.FNUMANode
	def.NumaNode = 1 << 10
	g.try(def)
	def.Flags, def.NumaNode = plain(kind).Flags, 1 // counts with its flag only
	g.try(def)
	for _, extra := range []uint64{1, 5, 15, 16, 1 << 32} {
		def.Extra = extra
		g.try(def)
	}
	def.Extra = 0
	def.KeySize, def.Key = 8, &btf.Int{Name: "long", Size: 8}
	g.try(def)
}

func (g *grid) entries(kind linux.MapType) {
	for _, entries := range []uint32{0, 1, 2, 3, 5, 64, 2048, 4096, 6000, 8192, 1<<31 + 1} {
		def := *plain(kind)
		def.MaxEntries = entries
		if entries > 8192 {
			switch kind {
			case linux.MapDevmapHash, linux.MapStackTrace: // refuse before they allocate
			default:
				continue
			}
		}
		g.try(def)
	}
}

// TestKernelInnerMaps compares which maps can be in maps.
func TestKernelInnerMaps(t *testing.T) {
	k, _ := newKernel(t)
	for _, kind := range []linux.MapType{linux.MapArrayOfMaps, linux.MapHashOfMaps} {
		g := &grid{t: t, kernel: k}
		for _, inner := range emulated() {
			def := *plain(kind)
			def.Inner = plain(inner)
			g.try(def)
		}
	}
}
