package vm

import (
	"fmt"
	"math"
	"math/bits"

	"ebtools/bpf/linux"
)

// values holds the values of a map: one copy of each slot, or one for each CPU.
// Slots lie in chunks of address space that are mapped as they are needed and
// never move, since programs keep pointers into them. Values start at multiples
// of 8 bytes, and those of different CPUs never share a cache line.
type values struct {
	mem    *memory
	name   string
	size   int // bytes of a value
	stride int // bytes from one value to the next
	shift  uint
	flags  uint32      // of the map: what programs may do
	chunks [][]*region // by CPU, then by slot >> shift
}

// chunkBytes is about how much a map that grows takes at a time.
const chunkBytes = 1 << 20

// cacheLine is what CPUs exchange at a time, in bytes; pairs of 64 are fetched
// together.
const cacheLine = 128

// newValues plans for up to slots values; whole puts them all into one chunk
// at once, as maps whose values are addressed directly need.
func newValues(mem *memory, name string, size, slots, cpus int, whole bool, flags uint32) (*values, error) {
	v := &values{
		mem: mem, name: name, size: size, stride: (size + 7) &^ 7, flags: flags,
		chunks: make([][]*region, cpus),
	}
	per := slots
	if !whole {
		per = min(slots, max(1, chunkBytes/v.stride))
	}
	v.shift = uint(bits.Len(uint(per - 1)))
	if !whole {
		return v, nil
	}
	return v, v.addChunk(slots)
}

// addChunk maps one more chunk for each CPU, of the given number of slots, or
// none at all.
func (v *values) addChunk(slots int) error {
	size := uint64(slots) * uint64(v.stride)
	if size > pageCount*pageSize || size > math.MaxInt {
		return fmt.Errorf("%s of %d entries of %d bytes: %w", v.name, slots, v.stride, errAddressSpace)
	}
	fresh := make([]*region, 0, len(v.chunks))
	for range v.chunks {
		r, err := v.mem.reserve(v.name, size)
		if err != nil {
			return err
		}
		fresh = append(fresh, r)
	}
	for cpu, r := range fresh {
		v.mem.remap(r, v.apart(int(size)), v.flags&linux.FRdonlyProg != 0)
		if v.flags&linux.FWronlyProg != 0 {
			v.mem.blind(r)
		}
		v.chunks[cpu] = append(v.chunks[cpu], r)
	}
	return nil
}

// apart makes n zeroed bytes, for one of several CPUs with no other's in their
// cache lines.
func (v *values) apart(n int) []byte {
	if len(v.chunks) == 1 {
		return aligned(n)
	}
	return aligned(n + 2*cacheLine)[cacheLine:][:n:n]
}

// grow makes sure that slot has its memory.
func (v *values) grow(slot int) error {
	if slot>>v.shift < len(v.chunks[0]) {
		return nil
	}
	return v.addChunk(1 << v.shift)
}

// place gives the chunk of a slot and where it lies in it.
func (v *values) place(cpu, slot int) (r *region, off int) {
	return v.chunks[cpu][slot>>v.shift], (slot & (1<<v.shift - 1)) * v.stride
}

// address is where programs find the value of a slot.
func (v *values) address(cpu, slot int) uint64 {
	r, off := v.place(cpu, slot)
	return r.start + uint64(off)
}

// bytes is the value of a slot as host memory.
func (v *values) bytes(cpu, slot int) []byte {
	r, off := v.place(cpu, slot)
	return r.data[off : off+v.size : off+v.size]
}

// pool hands out the slots of a map whose entries come and go. The slot given
// back last is the next one taken, as in the kernel's free lists; with oldest,
// that given back first.
type pool struct {
	values *values
	links  []int32 // by slot: the next free one
	head   int32   // of the free slots, -1 for none
	tail   int32
	max    int
	oldest bool
}

func newPool(v *values, max int, oldest bool) pool {
	return pool{values: v, head: -1, tail: -1, max: max, oldest: oldest}
}

// take gives a slot, -1 when there is no more memory.
func (p *pool) take() int {
	if e := p.head; e >= 0 && !(p.oldest && len(p.links) < p.max) {
		if p.head = p.links[e]; p.head < 0 {
			p.tail = -1
		}
		return int(e)
	}
	e := len(p.links)
	if e >= p.max || p.values.grow(e) != nil {
		return -1
	}
	p.links = append(p.links, -1)
	return e
}

// give takes a slot back.
func (p *pool) give(slot int) {
	e := int32(slot)
	switch {
	case p.head < 0:
		p.links[e], p.head, p.tail = -1, e, e
	case p.oldest:
		p.links[e] = -1
		p.links[p.tail], p.tail = e, e
	default:
		p.links[e], p.head = p.head, e
	}
}
