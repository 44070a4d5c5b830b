package linux

// SinceIn returns the first release in which programs of the type may call the
// helper: the newest of the helper's own, the type's, and that in which the type
// got it if that was later still. It does not say whether any kernel lets them.
func (h Helper) SinceIn(t ProgramType) Version {
	since := h.Since
	for _, v := range [...]Version{t.Since(), helperLater[helperOf{t, h.ID}]} {
		if since.Less(v) {
			since = v
		}
	}
	return since
}

type helperOf struct {
	t  ProgramType
	id HelperID
}

// helperLater has the types that got a helper after both were there.
var helperLater = func() map[helperOf]Version {
	later := map[helperOf]Version{}
	for _, row := range helperLaterTable {
		for _, t := range row.types {
			for _, id := range row.helpers {
				later[helperOf{t, id}] = row.since
			}
		}
	}
	return later
}()

// Groups of types that share the function which says what they may call, or got
// helpers together.
var (
	typesTC     = []ProgramType{ProgSchedCLS, ProgSchedACT}
	typesFilter = []ProgramType{ProgSocketFilter, ProgSchedCLS, ProgSchedACT}
	typesCgroup = []ProgramType{ProgCgroupDevice, ProgCgroupSysctl, ProgCgroupSockopt}
	typesSocket = []ProgramType{ProgCgroupSock, ProgCgroupSockAddr}
	// Networking types whose common helpers are in bpf_base_func_proto.
	typesNet = []ProgramType{
		ProgSocketFilter, ProgSchedCLS, ProgSchedACT, ProgXDP, ProgCgroupSKB, ProgCgroupSock, ProgLWTIn, ProgLWTOut,
		ProgLWTXmit, ProgLWTSeg6local, ProgSockOps, ProgSkSKB, ProgSkMsg, ProgCgroupSockAddr, ProgSkReuseport, ProgFlowDissector,
	}
)

// helperLaterTable has the releases of the eBPF docs' lists of helpers by program
// type where those give one, which is for the rows marked with "docs", and else
// those of the functions *_func_proto of net/core/filter.c, kernel/bpf/helpers.c
// and kernel/trace/bpf_trace.c.
var helperLaterTable = [...]struct {
	since   Version
	types   []ProgramType
	helpers []HelperID
}{
	{Version{4, 2}, typesFilter, []HelperID{FnKtimeGetNs, FnTracePrintk}},
	{Version{4, 5}, typesTC, []HelperID{FnPerfEventOutput}},
	{Version{4, 11}, []ProgramType{ProgSocketFilter}, []HelperID{FnSkbLoadBytes}},
	{Version{4, 14}, []ProgramType{ProgXDP}, []HelperID{FnRedirect}},
	{Version{4, 16}, []ProgramType{ProgXDP}, []HelperID{FnCsumDiff}},
	{Version{4, 19}, []ProgramType{ProgCgroupSockAddr, ProgSockOps}, []HelperID{FnGetSocketCookie}},
	{Version{5, 0}, []ProgramType{ProgXDP, ProgCgroupSockAddr}, []HelperID{FnSkLookupTcp, FnSkLookupUdp, FnSkRelease}},
	{Version{5, 0}, []ProgramType{ProgSockOps}, []HelperID{FnPerfEventOutput}},
	{Version{5, 4}, []ProgramType{ProgSocketFilter, ProgCgroupSKB}, []HelperID{FnPerfEventOutput}},
	{Version{5, 7}, typesSocket, []HelperID{
		FnGetCgroupClassid, FnGetCurrentCgroupId, FnGetCurrentAncestorCgroupId, FnGetCurrentPidTgid, FnGetCurrentComm, FnPerfEventOutput,
	}},
	{Version{5, 7}, []ProgramType{ProgCgroupSock}, []HelperID{FnGetSocketCookie}},
	{Version{5, 8}, typesNet, []HelperID{
		FnGetCurrentTask, FnProbeReadUser, FnProbeReadKernel, FnProbeReadUserStr, FnProbeReadKernelStr,
	}},
	{Version{5, 8}, []ProgramType{ProgSkMsg}, []HelperID{
		FnGetCurrentUidGid, FnGetCurrentPidTgid, FnGetCurrentCgroupId, FnGetCurrentAncestorCgroupId, FnGetCgroupClassid,
		FnPerfEventOutput, FnSkStorageGet, FnSkStorageDelete,
	}},
	{Version{5, 8}, typesCgroup, []HelperID{FnPerfEventOutput}},
	{Version{5, 8}, []ProgramType{ProgCgroupSKB}, []HelperID{FnSkLookupTcp, FnSkLookupUdp, FnSkRelease, FnSkcLookupTcp}},
	{Version{5, 8}, typesTC, []HelperID{FnSkbChangeHead}},                                       // docs
	{Version{5, 8}, []ProgramType{ProgCgroupSockAddr}, []HelperID{FnSetsockopt, FnGetsockopt}},  // docs
	{Version{5, 11}, []ProgramType{ProgTracing}, []HelperID{FnSkStorageGet, FnSkStorageDelete}}, // docs
	{Version{5, 12}, []ProgramType{ProgTracing}, []HelperID{FnGetSocketCookie}},
	{Version{5, 13}, []ProgramType{
		ProgKprobe, ProgTracepoint, ProgPerfEvent, ProgRawTracepoint, ProgRawTracepointWritable, ProgTracing,
	}, []HelperID{FnTaskStorageGet, FnTaskStorageDelete}},
	{Version{5, 14}, []ProgramType{ProgSkReuseport}, []HelperID{FnGetSocketCookie}},
	{Version{5, 15}, []ProgramType{ProgCgroupSockopt}, []HelperID{FnSetsockopt, FnGetsockopt}}, // docs
	{Version{5, 19}, []ProgramType{ProgTracing, ProgLSM}, []HelperID{FnGetAttachCookie}},       // docs
	{Version{6, 0}, []ProgramType{ProgLSM}, []HelperID{FnSetsockopt, FnGetsockopt}},            // docs
	{Version{6, 1}, typesNet, []HelperID{FnStrtol, FnStrtoul}},
	{Version{6, 1}, typesSocket, []HelperID{FnGetRetval, FnSetRetval}},
	{Version{6, 4}, typesNoCgroupID, []HelperID{FnGetCurrentCgroupId, FnGetCurrentAncestorCgroupId}}, // docs
	{Version{6, 10}, typesNoPid, []HelperID{FnGetCurrentPidTgid, FnGetNsCurrentPidTgid}},             // docs
	{Version{6, 10}, []ProgramType{ProgCgroupSock, ProgCgroupSockAddr, ProgSkMsg}, []HelperID{FnGetNsCurrentPidTgid}},
	{Version{6, 10}, []ProgramType{ProgRawTracepoint}, []HelperID{FnGetAttachCookie}},
	{Version{6, 13}, typesTC, []HelperID{FnGetNetnsCookie}},                                        // docs
	{Version{6, 15}, []ProgramType{ProgSocketFilter, ProgCgroupSKB}, []HelperID{FnGetNetnsCookie}}, // docs
}

// Types that got the helpers about the current cgroup and process when all did.
var (
	typesNoCgroupID = []ProgramType{
		ProgSocketFilter, ProgSchedCLS, ProgSchedACT, ProgXDP, ProgCgroupSKB, ProgLWTIn, ProgLWTOut, ProgLWTXmit,
		ProgLWTSeg6local, ProgSockOps, ProgSkSKB, ProgSkReuseport, ProgFlowDissector, ProgSkLookup, ProgNetfilter,
	}
	typesNoPid = append([]ProgramType{ProgCgroupDevice, ProgCgroupSysctl, ProgCgroupSockopt}, typesNoCgroupID...)
)
