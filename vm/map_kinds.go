package vm

import "ebtools/bpf/linux"

// mapKind says what maps of one type are like.
type mapKind struct {
	check func(r *request) error // whether one can be made: nil or an errno
	make  func(m *Map) error     // sets entries, queue and values
	calls calls                  // what programs may do
	// What user space may not do, as the error it gets: look a key up, walk the keys.
	lookup, walk linux.Errno
	takes        bool // lookup and delete in one call
}

// calls are the things that a program may do with a map, as the kernel's verifier
// has it (check_map_func_compatibility).
type calls uint16

const (
	callLookup calls = 1 << iota
	callUpdate
	callDelete
	callPercpu
	callEach
	callPush
	callPop
	callPeek

	callKeyed = callLookup | callUpdate | callDelete
)

// callNames say what a program wanted to do.
var callNames = map[calls]string{
	callLookup: "look up keys in", callUpdate: "update", callDelete: "delete from", callPercpu: "look up other CPUs' values of",
	callEach: "walk", callPush: "push to", callPop: "pop from", callPeek: "peek at",
}

// mapKinds are the map types that are emulated.
var mapKinds map[linux.MapType]*mapKind

func init() {
	mapKinds = map[linux.MapType]*mapKind{
		linux.MapArray:       {check: checkArray, make: newArray, calls: callKeyed | callEach},
		linux.MapPercpuArray: {check: checkArray, make: newArray, calls: callKeyed | callEach | callPercpu},

		linux.MapHash:          {check: checkHash, make: newHash, calls: callKeyed | callEach, takes: true},
		linux.MapPercpuHash:    {check: checkHash, make: newHash, calls: callKeyed | callEach | callPercpu, takes: true},
		linux.MapLRUHash:       {check: checkHash, make: newLRU, calls: callKeyed | callEach, takes: true},
		linux.MapLRUPercpuHash: {check: checkHash, make: newLRU, calls: callKeyed | callEach | callPercpu, takes: true},
		linux.MapLPMTrie:       {check: checkLPM, make: newLPM, calls: callKeyed},

		linux.MapProgArray:      {check: checkReferences, make: newReferences},
		linux.MapPerfEventArray: {check: checkReferences, make: newPerfEvents, lookup: linux.ENOTSUPP},
		linux.MapCgroupArray:    {check: checkReferences, make: newReferences, lookup: linux.ENOTSUPP},
		linux.MapArrayOfMaps:    {check: checkMapOfMaps, make: newReferences, calls: callLookup},
		linux.MapHashOfMaps:     {check: checkMapOfMaps, make: newMapHash, calls: callLookup},

		linux.MapDevmap:     {check: checkDevices, make: newDevices, calls: callLookup},
		linux.MapDevmapHash: {check: checkDevices, make: newDeviceHash, calls: callLookup},
		linux.MapCpumap:     {check: checkDevices, make: newDevices},
		linux.MapXskmap:     {check: checkDevices, make: newSockets, calls: callLookup, lookup: linux.EOPNOTSUPP},

		linux.MapQueue: {check: checkQueue, make: newRing, calls: callPush | callPop | callPeek, walk: linux.EINVAL, takes: true},
		linux.MapStack: {check: checkQueue, make: newRing, calls: callPush | callPop | callPeek, walk: linux.EINVAL, takes: true},
		linux.MapBloomFilter: {
			check: checkBloom, make: newBloom, calls: callPush | callPeek, walk: linux.EOPNOTSUPP,
		},
		linux.MapRingbuf:     {check: checkRingBuffer, make: newRingBuffer, lookup: linux.ENOTSUPP, walk: linux.ENOTSUPP},
		linux.MapUserRingbuf: {check: checkRingBuffer, make: newRingBuffer, lookup: linux.ENOTSUPP, walk: linux.ENOTSUPP},
		linux.MapStackTrace:  {check: checkStacks, make: newStacks32},

		linux.MapSkStorage:    {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
		linux.MapTaskStorage:  {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
		linux.MapInodeStorage: {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
		linux.MapCgrpStorage:  {check: checkStorage, make: newStorage, walk: linux.ENOTSUPP},
	}
}
