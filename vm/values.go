package vm

import (
	"fmt"
	"math"
	"math/bits"
)

// values holds the values of a map's entries: one copy, or one for each CPU.
// Entries lie in chunks of address space that are mapped as they are needed
// and never move, since programs keep pointers into them. Values start at
// multiples of 8 bytes.
type values struct {
	mem      *memory
	name     string
	size     int // bytes of a value
	stride   int // bytes from one value to the next
	shift    uint
	readOnly bool        // for programs
	chunks   [][]*region // by CPU, then by entry >> shift
}

// chunkBytes is about how much a map that grows takes at a time.
const chunkBytes = 1 << 20

// newValues plans for up to entries values; whole puts them all into one chunk
// at once, as maps whose values are addressed directly need.
func newValues(mem *memory, name string, size, entries, cpus int, whole, readOnly bool) (*values, error) {
	v := &values{
		mem: mem, name: name, size: size, stride: (size + 7) &^ 7, readOnly: readOnly,
		chunks: make([][]*region, cpus),
	}
	per := entries
	if !whole {
		per = min(entries, max(1, chunkBytes/v.stride))
	}
	v.shift = uint(bits.Len(uint(per - 1)))
	if !whole {
		return v, nil
	}
	return v, v.addChunk(entries)
}

// addChunk maps one more chunk for each CPU, of the given number of entries, or
// none at all.
func (v *values) addChunk(entries int) error {
	size := uint64(entries) * uint64(v.stride)
	if size > pageCount*pageSize || size > math.MaxInt {
		return fmt.Errorf("%s of %d entries of %d bytes: %w", v.name, entries, v.stride, errAddressSpace)
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
		v.mem.remap(r, aligned(int(size)), v.readOnly)
		v.chunks[cpu] = append(v.chunks[cpu], r)
	}
	return nil
}

// grow makes sure that entry has its memory.
func (v *values) grow(entry int) error {
	if entry>>v.shift < len(v.chunks[0]) {
		return nil
	}
	return v.addChunk(1 << v.shift)
}

func (v *values) place(cpu, entry int) (r *region, off int) {
	return v.chunks[cpu][entry>>v.shift], (entry & (1<<v.shift - 1)) * v.stride
}

// address is where programs find the value of an entry.
func (v *values) address(cpu, entry int) uint64 {
	r, off := v.place(cpu, entry)
	return r.start + uint64(off)
}

// bytes is the value of an entry as host memory.
func (v *values) bytes(cpu, entry int) []byte {
	r, off := v.place(cpu, entry)
	return r.data[off : off+v.size : off+v.size]
}
