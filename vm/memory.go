package vm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sort"
	"sync"
	"unsafe"
)

// Program addresses are 32 bits, in pages of 64 KiB of address space. A page
// that is not mapped has limits of zero, so every access is one table look-up
// and one comparison. A page costs no memory: the smallest map takes one page
// of addresses and just the bytes it needs.
const (
	pageShift = 16
	pageSize  = 1 << pageShift
	pageCount = 1 << 16
)

// page maps the first bytes of one page of addresses to host memory.
type page struct {
	base  unsafe.Pointer
	read  uint32 // bytes that may be read, at most pageSize
	write uint32 // bytes that may be written: read, or 0 when read only
}

// region is a run of pages that maps one object: a packet, a stack frame, the
// values of a map. An unmapped page follows each, so that running off an end
// never arrives in another object.
type region struct {
	name  string // what it is called in messages: "the packet", "map counts"
	start uint64
	pages int // mapped pages that belong to it
	data  []byte
	read  bool // read only
	blind bool // write only
	down  bool // a stack frame: offsets are told from its end

	// own, when set, is called at the first write to a region that is read only
	// for as long as nobody writes: it maps a copy that may be written.
	own func()

	// write, when set, takes the program's stores to a region that is read only:
	// a context, of which some fields may be written.
	write func(off, size, v uint64) error
}

// memory is the address space of a machine. Workers share it: each has packet and
// stack in regions of its own, and a map that grows changes pages that nobody has
// addresses in yet.
type memory struct {
	table   *[pageCount]page
	lock    sync.RWMutex // for what follows
	regions []*region    // by ascending start
	next    int          // first page never given out
}

// errAddressSpace is returned when a program's maps do not fit 32-bit addresses.
var errAddressSpace = errors.New("the 4 GiB of program addresses are used up")

func newMemory() *memory {
	// Page 0 stays unmapped: a null pointer and small offsets from it fault. So
	// does page 1, which keeps the region that follows apart from it.
	return &memory{table: new([pageCount]page), next: 2}
}

// reserve gives out addresses for a region of up to size bytes and maps none of
// them yet.
func (m *memory) reserve(name string, size uint64) (*region, error) {
	m.lock.Lock()
	defer m.lock.Unlock()
	return m.reserveLocked(name, size)
}

func (m *memory) reserveLocked(name string, size uint64) (*region, error) {
	pages := (size + pageSize - 1) >> pageShift
	if pages == 0 {
		pages = 1
	}
	if pages+1 > uint64(pageCount-m.next) {
		return nil, fmt.Errorf("%s of %d bytes: %w", name, size, errAddressSpace)
	}
	r := &region{name: name, start: uint64(m.next) << pageShift, pages: int(pages)}
	m.next += int(pages) + 1
	m.regions = append(m.regions, r) // starts only grow, so this stays sorted
	return r, nil
}

// mapBytes makes a new region of data.
func (m *memory) mapBytes(name string, data []byte, readOnly bool) (*region, error) {
	r, err := m.reserve(name, uint64(len(data)))
	if err != nil {
		return nil, err
	}
	m.remap(r, data, readOnly)
	return r, nil
}

// remap points r at data, which must fit the addresses reserved for it. The
// memory is held by reference: it stays what the caller sees.
func (m *memory) remap(r *region, data []byte, readOnly bool) {
	old := len(r.data)
	r.data, r.read = data, readOnly
	first := int(r.start >> pageShift)
	base := unsafe.Pointer(unsafe.SliceData(data))
	if len(data) <= pageSize && old <= pageSize {
		m.table[first].set(base, len(data), readOnly)
		return
	}
	for i := range (max(len(data), old) + pageSize - 1) >> pageShift {
		left := max(0, min(len(data)-i<<pageShift, pageSize))
		p := base
		if left > 0 {
			p = unsafe.Add(base, i<<pageShift)
		}
		m.table[first+i].set(p, left, readOnly)
	}
}

// blind keeps programs from reading r.
func (m *memory) blind(r *region) {
	r.blind = true
	for i := range r.pages {
		m.table[int(r.start>>pageShift)+i].read = 0
	}
}

func (p *page) set(base unsafe.Pointer, n int, readOnly bool) {
	if p.base != base { // spares the write barrier
		p.base = base
	}
	p.read, p.write = uint32(n), uint32(n)
	if readOnly {
		p.write = 0
	}
}

// at finds the region whose addresses hold addr.
func (m *memory) at(addr uint64) *region {
	m.lock.RLock()
	defer m.lock.RUnlock()
	i := sort.Search(len(m.regions), func(i int) bool { return m.regions[i].start > addr })
	if i == 0 {
		return nil
	}
	if r := m.regions[i-1]; addr < r.start+uint64(r.pages)<<pageShift {
		return r
	}
	return nil
}

// nearest finds the region that an address outside of all was probably meant
// for: the one it lies in or less than a page away from.
func (m *memory) nearest(addr uint64) *region {
	m.lock.RLock()
	defer m.lock.RUnlock()
	i := sort.Search(len(m.regions), func(i int) bool { return m.regions[i].start > addr })
	var best *region
	distance := uint64(pageSize)
	if i > 0 {
		r := m.regions[i-1]
		if end := r.start + uint64(len(r.data)); addr < end {
			return r
		} else if addr-end < distance {
			best, distance = r, addr-end
		}
	}
	if i < len(m.regions) && m.regions[i].start-addr < distance {
		best = m.regions[i]
	}
	return best
}

// bytes gives size bytes at addr as host memory: what helpers read and write.
func (m *memory) bytes(addr, size uint64, write bool) ([]byte, error) {
	if pn := addr >> pageShift; pn < pageCount {
		p := &m.table[pn]
		off := addr & (pageSize - 1)
		limit := p.read
		if write {
			limit = p.write
		}
		if size > 0 && off+size <= uint64(limit) && size <= pageSize {
			return unsafe.Slice((*byte)(unsafe.Add(p.base, off)), size), nil
		}
	}
	return m.bytesSlow(addr, size, write)
}

func (m *memory) bytesSlow(addr, size uint64, write bool) ([]byte, error) {
	if size == 0 {
		return nil, nil
	}
	r := m.at(addr)
	if r != nil && addr-r.start <= uint64(len(r.data)) && size <= uint64(len(r.data))-(addr-r.start) {
		if write && r.read && r.own != nil {
			r.own()
		}
		if write && !r.read || !write && !r.blind {
			off := addr - r.start
			return r.data[off : off+size : off+size], nil
		}
	}
	return nil, m.accessError(addr, size, write)
}

// load reads size bytes, 1, 2, 4 or 8, at addr, where the fast path gave up.
func (m *memory) load(addr, size uint64) (uint64, error) {
	b, err := m.bytes(addr, size, false)
	if err != nil {
		return 0, err
	}
	return getLE(b), nil
}

// store writes the low size bytes of v at addr, where the fast path gave up.
func (m *memory) store(addr, size, v uint64) error {
	if r := m.at(addr); r != nil && r.write != nil && addr-r.start+size <= uint64(len(r.data)) {
		return r.write(addr-r.start, size, v)
	}
	b, err := m.bytes(addr, size, true)
	if err != nil {
		return err
	}
	putLE(b, v)
	return nil
}

func getLE(b []byte) uint64 {
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}

func putLE(b []byte, v uint64) {
	switch len(b) {
	case 1:
		b[0] = byte(v)
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	default:
		binary.LittleEndian.PutUint64(b, v)
	}
}

// aligned makes n zeroed bytes that start at a multiple of 8, as atomics need.
func aligned(n int) []byte {
	if n == 0 {
		return []byte{}
	}
	words := make([]uint64, (n+7)/8)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(words))), len(words)*8)[:n:n]
}
