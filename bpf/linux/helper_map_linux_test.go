package linux_test

import (
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// mapSample is a map of the type, with keys and values as calls pass them where
// the type can do that.
func mapSample(t linux.MapType) *bpf.Map {
	m := &bpf.Map{Name: "sample_" + t.String(), Type: t, KeySize: 4, ValueSize: 8, MaxEntries: 4}
	switch t {
	case linux.MapProgArray, linux.MapPerfEventArray, linux.MapCgroupArray, linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap,
		linux.MapXskmap, linux.MapSockmap, linux.MapSockhash, linux.MapReuseportSockarray:
		m.ValueSize = 4
	case linux.MapArrayOfMaps, linux.MapHashOfMaps:
		m.ValueSize = 4
		m.Inner = &bpf.Map{Name: "inner", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1}
	case linux.MapQueue, linux.MapStack, linux.MapBloomFilter:
		m.KeySize = 0
	case linux.MapRingbuf, linux.MapUserRingbuf:
		m.KeySize, m.ValueSize, m.MaxEntries = 0, 0, 4096
	case linux.MapCgroupStorage, linux.MapPercpuCgroupStorage:
		m.KeySize, m.MaxEntries = 8, 0
	case linux.MapSkStorage, linux.MapInodeStorage, linux.MapTaskStorage, linux.MapCgrpStorage:
		m.MaxEntries, m.Flags, m.Key, m.Value = 0, linux.FNoPrealloc, u32Type, valueOf8
	case linux.MapLPMTrie:
		m.KeySize, m.Flags = 8, linux.FNoPrealloc
	case linux.MapArena:
		m.KeySize, m.ValueSize, m.MaxEntries, m.Flags, m.Extra = 0, 0, 1, linux.FMmapable, 1<<44
	}
	return m
}

// TestHelperMapsInKernel calls every helper that takes a map with one of every
// type, in a type of program that may call it.
func TestHelperMapsInKernel(t *testing.T) {
	p := newProber(t, probeMaps...)
	places := p.places()
	compared, taken := 0, 0
	var unasked []string
	for _, m := range linux.MapTypes() {
		sample := mapSample(m)
		index, err := p.k.Add(sample)
		if err != nil {
			unasked = append(unasked, err.Error())
			continue
		}
		p.maps[sample.Name] = index
		for _, h := range linux.Helpers() {
			at, i, ok := whereWithMap(places, h)
			if !ok {
				continue
			}
			c := &probeCall{prober: p, at: at, h: h}
			c.proto, _ = h.Proto(at.t)
			got := c.with(i, p.mapAddress(bpf.Register(i+1), sample.Name)...)
			refused := strings.Contains(got.log, "cannot pass map_type") || strings.Contains(got.log, "expected prog array map for tail call") ||
				strings.Contains(got.log, "callback function not allowed for map")
			if !refused && !got.ok { // for another reason, such as a key of no size
				unasked = append(unasked, h.Name+" with "+m.String()+" ("+got.reason()+")")
				continue
			}
			compared++
			want := h.TakesMap(m)
			if want {
				taken++
			}
			if got.ok != want {
				t.Errorf("%v with %v in %v: %v here, %v in the kernel: %s", h.Name, m, at, want, got.ok, got.reason())
			}
		}
	}
	t.Logf("%d maps and helpers compared, %d of them fit", compared, taken)
	t.Logf("not asked: %d: %s", len(unasked), strings.Join(unasked, ", "))
}

// whereWithMap finds a place to call a helper that takes a map, and which
// argument that is.
func whereWithMap(places []place, h linux.Helper) (at place, arg int, ok bool) {
	for _, at := range places {
		if !h.AllowedIn(at.t, at.a) || at.t.Traits(at.a)&linux.TraitTimer == 0 || at.t == linux.ProgSyscall {
			continue
		}
		proto, _ := h.Proto(at.t)
		for i, a := range proto.Args {
			if a.Kind == linux.ArgConstMapPtr {
				return at, i, true
			}
		}
		return place{}, 0, false
	}
	return place{}, 0, false
}

// TestLookupResultsInKernel looks something up in a map of every type that allows
// it.
func TestLookupResultsInKernel(t *testing.T) {
	p := newProber(t)
	lookup, _ := linux.HelperByID(linux.FnMapLookupElem)
	compared := 0
	for _, m := range linux.MapTypes() {
		sample := mapSample(m)
		index, err := p.k.Add(sample)
		if err != nil || !lookup.TakesMap(m) {
			continue
		}
		p.maps[sample.Name] = index
		insns := append(start(), p.mapAddress(1, sample.Name)...)
		// The kernel makes a value of it all until it is known to be not null.
		insns = append(append(insns, mov(2, 10), add(2, memoryAt), call(lookup.ID)), unlessNull(0)...)
		got := p.load(place{t: linux.ProgSchedCLS}, "GPL", append(insns, mov(8, 0))...)
		all := resultText.FindAllStringSubmatch(got.log, -1)
		if len(all) == 0 {
			t.Logf("not asked: %v: %s", m, got.reason())
			continue
		}
		compared++
		last := all[len(all)-1]
		if want := returned[m.LookupRet()]; last[1] != want {
			t.Errorf("a lookup in %v gives %s here, %s in the kernel", m, want, last[1])
		}
		if ref := strings.Contains(last[2], "ref_obj_id="); ref != (m.LookupRet() == linux.RetSocket) {
			t.Errorf("a lookup in %v gives a reference: %v in the kernel", m, ref)
		}
	}
	t.Logf("%d types of maps compared", compared)
}

// TestSleepingMapsInKernel has a program that may sleep name a map of every type.
func TestSleepingMapsInKernel(t *testing.T) {
	p := newProber(t)
	compared := 0
	for _, m := range linux.MapTypes() {
		sample := mapSample(m)
		index, err := p.k.Add(sample)
		if err != nil {
			t.Logf("not asked: %v", err)
			continue
		}
		p.maps[sample.Name] = index
		got := p.load(place{t: linux.ProgSyscall}, "GPL", p.mapAddress(1, sample.Name)...)
		compared++
		if got.ok != m.MaySleep() {
			t.Errorf("%v: %v here, %v in the kernel: %s", m, m.MaySleep(), got.ok, got.reason())
		}
	}
	t.Logf("%d types of maps compared", compared)
}
