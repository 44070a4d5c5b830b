package linux

// MapType is a kind of map: enum bpf_map_type of include/uapi/linux/bpf.h.
type MapType uint32

// The map types of Linux 6.18.
const (
	MapUnspec              MapType = 0
	MapHash                MapType = 1
	MapArray               MapType = 2
	MapProgArray           MapType = 3
	MapPerfEventArray      MapType = 4
	MapPercpuHash          MapType = 5
	MapPercpuArray         MapType = 6
	MapStackTrace          MapType = 7
	MapCgroupArray         MapType = 8
	MapLRUHash             MapType = 9
	MapLRUPercpuHash       MapType = 10
	MapLPMTrie             MapType = 11
	MapArrayOfMaps         MapType = 12
	MapHashOfMaps          MapType = 13
	MapDevmap              MapType = 14
	MapSockmap             MapType = 15
	MapCpumap              MapType = 16
	MapXskmap              MapType = 17
	MapSockhash            MapType = 18
	MapCgroupStorage       MapType = 19
	MapReuseportSockarray  MapType = 20
	MapPercpuCgroupStorage MapType = 21
	MapQueue               MapType = 22
	MapStack               MapType = 23
	MapSkStorage           MapType = 24
	MapDevmapHash          MapType = 25
	MapStructOps           MapType = 26
	MapRingbuf             MapType = 27
	MapInodeStorage        MapType = 28
	MapTaskStorage         MapType = 29
	MapBloomFilter         MapType = 30
	MapUserRingbuf         MapType = 31
	MapCgrpStorage         MapType = 32
	MapArena               MapType = 33
)

// String gives the name that bpftool and libbpf use, such as "lpm_trie", or
// "map_type(99)" for a number that no type has.
func (t MapType) String() string { return enumName(mapTypeTable[:], uint32(t), "map_type") }

// Since returns the first release that has the type.
func (t MapType) Since() Version { return enumSince(mapTypeTable[:], uint32(t)) }

// PerCPU reports whether an entry of the map has a value for each CPU.
func (t MapType) PerCPU() bool {
	switch t {
	case MapPercpuHash, MapPercpuArray, MapLRUPercpuHash, MapPercpuCgroupStorage:
		return true
	}
	return false
}

// ParseMapType returns the type called name, in any case: "hash" or
// "BPF_MAP_TYPE_HASH". Its error wraps ErrUnknownName.
func ParseMapType(name string) (MapType, error) {
	if t, ok := foldedLookup(mapTypesByName, "bpf_map_type_", name); ok {
		return t, nil
	}
	return MapUnspec, unknownName("map type", name, "hash or BPF_MAP_TYPE_HASH")
}

// MapTypes returns all map types in the order of their numbers, without
// MapUnspec.
func MapTypes() []MapType { return enumValues[MapType](mapTypeTable[:]) }

var mapTypeTable = [...]enumRow{
	MapUnspec:              {"unspec", Version{}},
	MapHash:                {"hash", Version{3, 19}},
	MapArray:               {"array", Version{3, 19}},
	MapProgArray:           {"prog_array", Version{4, 2}},
	MapPerfEventArray:      {"perf_event_array", Version{4, 3}},
	MapPercpuHash:          {"percpu_hash", Version{4, 6}},
	MapPercpuArray:         {"percpu_array", Version{4, 6}},
	MapStackTrace:          {"stack_trace", Version{4, 6}},
	MapCgroupArray:         {"cgroup_array", Version{4, 8}},
	MapLRUHash:             {"lru_hash", Version{4, 10}},
	MapLRUPercpuHash:       {"lru_percpu_hash", Version{4, 10}},
	MapLPMTrie:             {"lpm_trie", Version{4, 11}},
	MapArrayOfMaps:         {"array_of_maps", Version{4, 12}},
	MapHashOfMaps:          {"hash_of_maps", Version{4, 12}},
	MapDevmap:              {"devmap", Version{4, 14}},
	MapSockmap:             {"sockmap", Version{4, 14}},
	MapCpumap:              {"cpumap", Version{4, 15}},
	MapXskmap:              {"xskmap", Version{4, 18}},
	MapSockhash:            {"sockhash", Version{4, 18}},
	MapCgroupStorage:       {"cgroup_storage", Version{4, 19}},
	MapReuseportSockarray:  {"reuseport_sockarray", Version{4, 19}},
	MapPercpuCgroupStorage: {"percpu_cgroup_storage", Version{4, 20}},
	MapQueue:               {"queue", Version{4, 20}},
	MapStack:               {"stack", Version{4, 20}},
	MapSkStorage:           {"sk_storage", Version{5, 2}},
	MapDevmapHash:          {"devmap_hash", Version{5, 4}},
	MapStructOps:           {"struct_ops", Version{5, 6}},
	MapRingbuf:             {"ringbuf", Version{5, 8}},
	MapInodeStorage:        {"inode_storage", Version{5, 10}},
	MapTaskStorage:         {"task_storage", Version{5, 11}},
	MapBloomFilter:         {"bloom_filter", Version{5, 16}},
	MapUserRingbuf:         {"user_ringbuf", Version{6, 1}},
	MapCgrpStorage:         {"cgrp_storage", Version{6, 2}},
	MapArena:               {"arena", Version{6, 9}},
}

var mapTypesByName = func() map[string]MapType {
	types := enumByName[MapType](mapTypeTable[:])
	// The headers mark these two as deprecated with a second name each.
	types["cgroup_storage_deprecated"] = MapCgroupStorage
	types["percpu_cgroup_storage_deprecated"] = MapPercpuCgroupStorage
	return types
}()
