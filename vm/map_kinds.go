package vm

import "ebtools/bpf/linux"

// mapKind says what maps of one type are like.
type mapKind struct {
	check func(r *request) error // whether one can be made: nil or an errno
	make  func(m *Map) error     // sets entries, queue and values
	may   mapUses                // what programs may do
	// What user space may not do, as the error it gets: look a key up, walk the keys.
	lookup, walk linux.Errno
	takes        bool // lookup and delete in one call
}

// mapUses are the things that a program may do with a map, as the kernel's verifier
// has it (check_map_func_compatibility).
type mapUses uint16

const (
	useLookup mapUses = 1 << iota
	useUpdate
	useDelete
	usePercpu
	useEach
	usePush
	usePop
	usePeek

	useKeyed = useLookup | useUpdate | useDelete
)

// useNames say what a program wanted to do.
var useNames = map[mapUses]string{
	useLookup: "look up keys in", useUpdate: "update", useDelete: "delete from", usePercpu: "look up other CPUs' values of",
	useEach: "walk", usePush: "push to", usePop: "pop from", usePeek: "peek at",
}

// mapKinds are the map types that are emulated.
var mapKinds map[linux.MapType]*mapKind

func init() {
	mapKinds = map[linux.MapType]*mapKind{
		linux.MapArray:       {check: checkArray, make: newArray, may: useKeyed | useEach},
		linux.MapPercpuArray: {check: checkArray, make: newArray, may: useKeyed | useEach | usePercpu},

		linux.MapHash:          {check: checkHash, make: newHash, may: useKeyed | useEach, takes: true},
		linux.MapPercpuHash:    {check: checkHash, make: newHash, may: useKeyed | useEach | usePercpu, takes: true},
		linux.MapLRUHash:       {check: checkHash, make: newLRU, may: useKeyed | useEach, takes: true},
		linux.MapLRUPercpuHash: {check: checkHash, make: newLRU, may: useKeyed | useEach | usePercpu, takes: true},
		linux.MapLPMTrie:       {check: checkLPM, make: newLPM, may: useKeyed},

		linux.MapProgArray:      {check: checkReferences, make: newReferences},
		linux.MapPerfEventArray: {check: checkReferences, make: newPerfEvents, lookup: linux.ENOTSUPP},
		linux.MapCgroupArray:    {check: checkReferences, make: newReferences, lookup: linux.ENOTSUPP},
		linux.MapArrayOfMaps:    {check: checkMapOfMaps, make: newReferences, may: useLookup},
		linux.MapHashOfMaps:     {check: checkMapOfMaps, make: newMapHash, may: useLookup},

		linux.MapDevmap:     {check: checkDevices, make: newDevices, may: useLookup},
		linux.MapDevmapHash: {check: checkDevices, make: newDeviceHash, may: useLookup},
		linux.MapCpumap:     {check: checkDevices, make: newDevices},
		linux.MapXskmap:     {check: checkDevices, make: newSockets, may: useLookup, lookup: linux.EOPNOTSUPP},

		linux.MapQueue: {check: checkQueue, make: newFIFO, may: usePush | usePop | usePeek, walk: linux.EINVAL, takes: true},
		linux.MapStack: {check: checkQueue, make: newFIFO, may: usePush | usePop | usePeek, walk: linux.EINVAL, takes: true},
		linux.MapBloomFilter: {
			check: checkBloom, make: newBloom, may: usePush | usePeek, walk: linux.EOPNOTSUPP,
		},
		linux.MapRingbuf:     {check: checkRingBuffer, make: newRingBuffer, lookup: linux.ENOTSUPP, walk: linux.ENOTSUPP},
		linux.MapUserRingbuf: {check: checkRingBuffer, make: newRingBuffer, lookup: linux.ENOTSUPP, walk: linux.ENOTSUPP},

		linux.MapStackTrace: {check: checkStacks, make: newTraces, takes: true},

		linux.MapSkStorage:    {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
		linux.MapTaskStorage:  {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
		linux.MapInodeStorage: {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
		linux.MapCgrpStorage:  {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
	}
}
