package linux

import "slices"

// TakesMap reports whether the helper can be called with a map of type m. It is
// false for helpers that take no map. Maps of a type may be refused all the same:
// those with a size that the helper can't do with.
func (h Helper) TakesMap(m MapType) bool {
	if only, ok := helperMaps[h.ID]; ok {
		return slices.Contains(only, m)
	}
	if helpers, ok := mapHelpers[m]; ok {
		return slices.Contains(helpers, h.ID)
	}
	proto, _ := h.Proto(ProgUnspec)
	return slices.ContainsFunc(proto.Args, func(a Arg) bool { return a.Kind == ArgConstMapPtr })
}

// LookupRet is what bpf_map_lookup_elem gives, or null, from a map of the type. Until
// it is known to be not null, the kernel calls all of them values of the map.
func (t MapType) LookupRet() RetKind {
	switch t {
	case MapSockmap, MapSockhash:
		return RetSocket
	case MapXskmap:
		return RetXDPSock
	case MapArrayOfMaps, MapHashOfMaps:
		return RetMap
	}
	return RetMapValue
}

// MaySleep reports whether programs that may sleep can use maps of the type.
func (t MapType) MaySleep() bool {
	switch t {
	case MapHash, MapLRUHash, MapArray, MapPercpuHash, MapPercpuArray, MapLRUPercpuHash, MapArrayOfMaps, MapHashOfMaps,
		MapRingbuf, MapUserRingbuf, MapInodeStorage, MapSkStorage, MapTaskStorage, MapCgrpStorage, MapQueue, MapStack, MapArena:
		return true
	}
	return false
}

// The function check_map_func_compatibility of kernel/bpf/verifier.c looks from
// both sides: what helpers a type of map is for, and what types a helper takes.

// mapHelpers has the map types that only these helpers take.
var mapHelpers = map[MapType][]HelperID{
	MapProgArray:           {FnTailCall},
	MapPerfEventArray:      {FnPerfEventRead, FnPerfEventOutput, FnSkbOutput, FnPerfEventReadValue, FnXdpOutput},
	MapRingbuf:             {FnRingbufOutput, FnRingbufReserve, FnRingbufQuery, FnRingbufReserveDynptr},
	MapUserRingbuf:         {FnUserRingbufDrain},
	MapStackTrace:          {FnGetStackid},
	MapCgroupArray:         {FnSkbUnderCgroup, FnCurrentTaskUnderCgroup},
	MapCgroupStorage:       {FnGetLocalStorage},
	MapPercpuCgroupStorage: {FnGetLocalStorage},
	MapDevmap:              {FnRedirectMap, FnMapLookupElem},
	MapDevmapHash:          {FnRedirectMap, FnMapLookupElem},
	MapCpumap:              {FnRedirectMap},
	MapXskmap:              {FnRedirectMap, FnMapLookupElem},
	MapArrayOfMaps:         {FnMapLookupElem},
	MapHashOfMaps:          {FnMapLookupElem},
	MapSockmap: {
		FnSkRedirectMap, FnSockMapUpdate, FnMsgRedirectMap, FnSkSelectReuseport, FnMapLookupElem, FnMapUpdateElem, FnMapDeleteElem,
	},
	MapSockhash: {
		FnSkRedirectHash, FnSockHashUpdate, FnMsgRedirectHash, FnSkSelectReuseport, FnMapLookupElem, FnMapUpdateElem, FnMapDeleteElem,
	},
	MapReuseportSockarray: {FnSkSelectReuseport},
	MapQueue:              {FnMapPeekElem, FnMapPopElem, FnMapPushElem},
	MapStack:              {FnMapPeekElem, FnMapPopElem, FnMapPushElem},
	MapSkStorage:          {FnSkStorageGet, FnSkStorageDelete, FnKptrXchg},
	MapInodeStorage:       {FnInodeStorageGet, FnInodeStorageDelete, FnKptrXchg},
	MapTaskStorage:        {FnTaskStorageGet, FnTaskStorageDelete, FnKptrXchg},
	MapCgrpStorage:        {FnCgrpStorageGet, FnCgrpStorageDelete, FnKptrXchg},
	MapBloomFilter:        {FnMapPeekElem, FnMapPushElem},
}

// helperMaps has the helpers that only these map types take.
var helperMaps = map[HelperID][]MapType{
	FnTailCall:               {MapProgArray},
	FnPerfEventRead:          {MapPerfEventArray},
	FnPerfEventOutput:        {MapPerfEventArray},
	FnPerfEventReadValue:     {MapPerfEventArray},
	FnSkbOutput:              {MapPerfEventArray},
	FnXdpOutput:              {MapPerfEventArray},
	FnRingbufOutput:          {MapRingbuf},
	FnRingbufReserve:         {MapRingbuf},
	FnRingbufQuery:           {MapRingbuf},
	FnRingbufReserveDynptr:   {MapRingbuf},
	FnUserRingbufDrain:       {MapUserRingbuf},
	FnGetStackid:             {MapStackTrace},
	FnCurrentTaskUnderCgroup: {MapCgroupArray},
	FnSkbUnderCgroup:         {MapCgroupArray},
	FnRedirectMap:            {MapDevmap, MapDevmapHash, MapCpumap, MapXskmap},
	FnSkRedirectMap:          {MapSockmap},
	FnMsgRedirectMap:         {MapSockmap},
	FnSockMapUpdate:          {MapSockmap},
	FnSkRedirectHash:         {MapSockhash},
	FnMsgRedirectHash:        {MapSockhash},
	FnSockHashUpdate:         {MapSockhash},
	FnGetLocalStorage:        {MapCgroupStorage, MapPercpuCgroupStorage},
	FnSkSelectReuseport:      {MapReuseportSockarray, MapSockmap, MapSockhash},
	FnMapPopElem:             {MapQueue, MapStack},
	FnMapPeekElem:            {MapQueue, MapStack, MapBloomFilter},
	FnMapPushElem:            {MapQueue, MapStack, MapBloomFilter},
	FnForEachMapElem:         {MapHash, MapPercpuHash, MapLRUHash, MapLRUPercpuHash, MapArray, MapPercpuArray},
	FnTimerInit:              {MapHash, MapLRUHash, MapArray}, // those that can have timers
	FnMapLookupPercpuElem:    {MapPercpuArray, MapPercpuHash, MapLRUPercpuHash},
	FnSkStorageGet:           {MapSkStorage},
	FnSkStorageDelete:        {MapSkStorage},
	FnInodeStorageGet:        {MapInodeStorage},
	FnInodeStorageDelete:     {MapInodeStorage},
	FnTaskStorageGet:         {MapTaskStorage},
	FnTaskStorageDelete:      {MapTaskStorage},
	FnCgrpStorageGet:         {MapCgrpStorage},
	FnCgrpStorageDelete:      {MapCgrpStorage},
}
