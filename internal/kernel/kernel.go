package kernel

import (
	"os"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Kernel is a set of maps in the running kernel, and what programs use them. It
// is for one goroutine at a time.
type Kernel struct {
	defs []*bpf.Map
	fds  []int
	cpus int // possible CPUs
	// types are BTF objects, kept for as long as the maps that need them.
	types []int
	// Where runs leave their packets, and the verifier its log.
	packet, log []byte
}

// New makes the maps as a loader does, with their initial contents; a map of maps
// gets the maps that its Values name. Programs in the Values of a prog array get
// there when they are loaded. Errors are *Error, or ErrUnsupported.
func New(maps []*bpf.Map) (*Kernel, error) {
	cpus, err := PossibleCPUs()
	if err != nil {
		return nil, err
	}
	k := &Kernel{cpus: cpus}
	for _, def := range maps {
		if _, err := k.Add(asLoaded(def)); err != nil {
			k.Close()
			return nil, err
		}
	}
	for i := range maps {
		if err := k.fill(i, k.defs[i]); err != nil {
			k.Close()
			return nil, err
		}
	}
	return k, nil
}

// Add makes one more map, exactly as it is described and without contents, and
// gives its index.
func (k *Kernel) Add(def *bpf.Map) (int, error) {
	fd, err := k.createMap(def)
	if err != nil {
		return 0, err
	}
	k.defs = append(k.defs, def)
	k.fds = append(k.fds, fd)
	return len(k.fds) - 1, nil
}

// Close lets go of the maps. Programs are closed on their own.
func (k *Kernel) Close() {
	for _, fd := range append(k.fds, k.types...) {
		closeFD(fd)
	}
	k.fds, k.types, k.defs = nil, nil, nil
}

// CPUs is how many values an entry of a per-CPU map has: the possible CPUs.
func (k *Kernel) CPUs() int { return k.cpus }

// FD is the descriptor of a map: what is put into a map of maps.
func (k *Kernel) FD(index int) int { return k.fds[index] }

func (k *Kernel) createMap(def *bpf.Map) (int, error) {
	var a attribute
	a.u32(0, uint32(def.Type))
	a.u32(4, def.KeySize)
	a.u32(8, def.ValueSize)
	a.u32(12, def.MaxEntries)
	a.u32(16, def.Flags)
	if def.Inner != nil {
		inner, err := k.createMap(def.Inner)
		if err != nil {
			return -1, err
		}
		defer closeFD(inner)
		a.fd(20, inner)
	}
	a.u32(24, def.NumaNode)
	a.name(28, def.Name)
	if needsTypes(def) {
		t, err := loadMapTypes(def)
		if err != nil {
			return -1, err
		}
		k.types = append(k.types, t.fd)
		a.fd(48, t.fd)
		a.u32(52, t.key)
		a.u32(56, t.value)
	}
	a.u64(64, def.Extra)
	fd, err := a.call(mapCreate)
	return fd, failed(err, "create map %s, of type %s", def.Name, def.Type)
}

// asLoaded is def with the max_entries that libbpf makes of it: a ring buffer has
// a power of two of pages, and an array of perf events one for each CPU.
func asLoaded(def *bpf.Map) *bpf.Map {
	switch def.Type {
	case linux.MapRingbuf, linux.MapUserRingbuf:
		size := uint32(os.Getpagesize())
		for size < def.MaxEntries && size < 1<<31 {
			size *= 2
		}
		return withEntries(def, size)
	case linux.MapPerfEventArray:
		if cpus, err := PossibleCPUs(); err == nil && def.MaxEntries == 0 {
			return withEntries(def, uint32(cpus))
		}
	}
	return def
}

func withEntries(def *bpf.Map, n uint32) *bpf.Map {
	if def.MaxEntries == 0 && def.Type != linux.MapPerfEventArray {
		return def // for the kernel to refuse
	}
	changed := *def
	changed.MaxEntries = n
	return &changed
}

// fill gives the map its initial contents.
func (k *Kernel) fill(index int, def *bpf.Map) error {
	if def.Type == linux.MapArena {
		return k.fillArena(index, def)
	}
	if def.Contents != nil && def.Type != linux.MapStructOps {
		value := make([]byte, def.ValueSize)
		copy(value, def.Contents)
		if err := k.Update(index, make([]byte, 4), value, linux.Any); err != nil {
			return err
		}
	}
	if def.Type == linux.MapArrayOfMaps || def.Type == linux.MapHashOfMaps {
		for _, v := range def.Values {
			for i, inner := range k.defs {
				if inner.Name != v.Name {
					continue
				}
				if err := k.Update(index, number(v.Index), number(uint32(k.fds[i])), linux.Any); err != nil {
					return err
				}
			}
		}
	}
	if def.Frozen {
		return k.Freeze(index)
	}
	return nil
}

// fillArena puts variables at the start of an arena.
func (k *Kernel) fillArena(index int, def *bpf.Map) error {
	if len(def.Contents) == 0 {
		return nil
	}
	page := os.Getpagesize()
	memory, err := mapMemory(k.fds[index], 0, int(def.MaxEntries)*page, true)
	if err != nil {
		return failed(err, "map the memory of arena %s", def.Name)
	}
	defer unmapMemory(memory)
	copy(memory, def.Contents)
	return nil
}
