package linux

import "slices"

// Sets of program types that helpers share.
var (
	setLWT     = []ProgramType{ProgLWTIn, ProgLWTOut, ProgLWTXmit, ProgLWTSeg6local}
	setProbe   = []ProgramType{ProgKprobe, ProgTracepoint, ProgPerfEvent, ProgRawTracepoint, ProgRawTracepointWritable}
	setTracing = slices.Concat(setProbe, []ProgramType{ProgTracing, ProgLSM, ProgSyscall})
	// The types whose tables end in tracing_prog_func_proto.
	setBTF    = []ProgramType{ProgTracing, ProgLSM, ProgSyscall}
	setSkb    = []ProgramType{ProgSchedCLS, ProgSchedACT, ProgCgroupSKB}
	setCgroup = []ProgramType{ProgCgroupSock, ProgCgroupDevice, ProgCgroupSockAddr, ProgCgroupSysctl, ProgCgroupSockopt}
	// All that have a socket or a packet to do with.
	setNet = slices.Concat(typesTC, setLWT, []ProgramType{
		ProgSocketFilter, ProgXDP, ProgCgroupSKB, ProgSockOps, ProgSkSKB, ProgSkMsg, ProgCgroupSockAddr, ProgFlowDissector, ProgSkLookup,
	})
	// All but lirc_mode2 and ext.
	setMost = slices.Concat(setNet, setTracing, []ProgramType{
		ProgCgroupSock, ProgCgroupDevice, ProgCgroupSysctl, ProgCgroupSockopt, ProgSkReuseport, ProgNetfilter, ProgStructOps,
	})
)

// helperAllowedTable says which types may call which helpers, in Linux 6.18 and
// with all capabilities: the functions *_func_proto of net/core/filter.c,
// kernel/bpf/helpers.c, kernel/bpf/cgroup.c, kernel/trace/bpf_trace.c, and of
// the subsystems. A helper may be in several rows. Left out are those that a type
// knows but always refuses.
var helperAllowedTable = [...]struct {
	helpers []HelperID
	types   []ProgramType
}{
	{[]HelperID{
		FnMapLookupElem, FnMapUpdateElem, FnMapDeleteElem, FnMapPushElem, FnMapPopElem, FnMapPeekElem, FnTailCall,
		FnKtimeGetNs, FnKtimeGetBootNs, FnGetPrandomU32, FnTracePrintk,
	}, append([]ProgramType{ProgLircMode2}, setMost...)},
	{[]HelperID{
		FnMapLookupPercpuElem, FnForEachMapElem, FnKtimeGetTaiNs, FnJiffies64, FnGetSmpProcessorId, FnGetNumaNodeId,
		FnGetCurrentPidTgid, FnGetNsCurrentPidTgid, FnGetCurrentUidGid, FnGetCurrentComm, FnGetCurrentTask, FnGetCurrentTaskBtf,
		FnGetCurrentCgroupId, FnGetCurrentAncestorCgroupId, FnCurrentTaskUnderCgroup, FnSendSignal, FnSendSignalThread,
		FnProbeReadUser, FnProbeReadKernel, FnProbeReadUserStr, FnProbeReadKernelStr, FnCopyFromUser, FnCopyFromUserTask,
		FnGetTaskStack, FnTaskPtRegs, FnFindVma, FnGetBranchSnapshot, FnPerfEventRead, FnPerfEventReadValue,
		FnTaskStorageGet, FnTaskStorageDelete, FnCgrpStorageGet, FnCgrpStorageDelete,
		FnStrtol, FnStrtoul, FnStrncmp, FnSnprintf, FnSnprintfBtf, FnTraceVprintk, FnPerCpuPtr, FnThisCpuPtr, FnLoop, FnKptrXchg,
		FnSpinLock, FnSpinUnlock, FnTimerInit, FnTimerSetCallback, FnTimerStart, FnTimerCancel,
		FnRingbufOutput, FnRingbufReserve, FnRingbufSubmit, FnRingbufDiscard, FnRingbufQuery, FnRingbufReserveDynptr,
		FnRingbufSubmitDynptr, FnRingbufDiscardDynptr, FnUserRingbufDrain, FnDynptrFromMem, FnDynptrRead, FnDynptrWrite, FnDynptrData,
	}, setMost},
	{[]HelperID{FnGetCgroupClassid}, setMost},
	{[]HelperID{FnPerfEventOutput}, slices.Concat(slices.DeleteFunc(slices.Clone(setNet), func(t ProgramType) bool {
		return t == ProgFlowDissector
	}), setCgroup, setTracing)},
	{[]HelperID{FnKtimeGetCoarseNs}, append([]ProgramType{ProgCgroupSock, ProgCgroupSysctl, ProgSkReuseport, ProgLSM, ProgStructOps}, setNet...)},
	{[]HelperID{
		FnSkcToTcp6Sock, FnSkcToTcpSock, FnSkcToTcpTimewaitSock, FnSkcToTcpRequestSock, FnSkcToUdp6Sock, FnSkcToUnixSock, FnSkcToMptcpSock,
	}, slices.Concat(setNet, setBTF)},
	{[]HelperID{FnGetSocketCookie}, slices.Concat(setSkb, setBTF, []ProgramType{
		ProgSocketFilter, ProgCgroupSock, ProgSockOps, ProgSkSKB, ProgCgroupSockAddr, ProgSkReuseport,
	})},
	{[]HelperID{FnSkStorageGet, FnSkStorageDelete}, slices.Concat(setSkb, []ProgramType{
		ProgSockOps, ProgSkMsg, ProgCgroupSockAddr, ProgCgroupSockopt, ProgTracing, ProgLSM, ProgStructOps,
	})},
	{[]HelperID{FnSkStorageGet}, []ProgramType{ProgCgroupSock}},
	{[]HelperID{FnGetNetnsCookie}, append([]ProgramType{
		ProgSocketFilter, ProgCgroupSock, ProgSockOps, ProgSkMsg, ProgCgroupSockAddr, ProgCgroupSockopt,
	}, setSkb...)},
	{[]HelperID{FnGetLocalStorage}, append([]ProgramType{ProgCgroupSKB, ProgSockOps}, setCgroup...)},
	{[]HelperID{FnGetRetval, FnSetRetval}, setCgroup},
	{[]HelperID{FnSetsockopt, FnGetsockopt}, []ProgramType{ProgSockOps, ProgCgroupSockAddr, ProgCgroupSockopt, ProgTracing, ProgLSM, ProgStructOps}},
	{[]HelperID{FnSkRelease}, append([]ProgramType{ProgXDP, ProgSkSKB, ProgCgroupSockAddr, ProgSkLookup}, setSkb...)},
	{[]HelperID{FnSkLookupTcp, FnSkLookupUdp, FnSkcLookupTcp}, append([]ProgramType{ProgXDP, ProgSkSKB, ProgCgroupSockAddr}, setSkb...)},
	{[]HelperID{FnSkFullsock, FnSkbCgroupId, FnSkbAncestorCgroupId, FnSkbEcnSetCe, FnGetListenerSock}, setSkb},
	{[]HelperID{FnTcpSock}, append([]ProgramType{ProgSockOps, ProgCgroupSockopt}, setSkb...)},
	{[]HelperID{FnSkCgroupId, FnSkAncestorCgroupId}, []ProgramType{ProgCgroupSKB}},
	{[]HelperID{FnSkbLoadBytes}, slices.Concat(setSkb, setLWT, []ProgramType{ProgSocketFilter, ProgSkSKB, ProgSkReuseport, ProgFlowDissector})},
	{[]HelperID{FnSkbLoadBytesRelative}, append([]ProgramType{ProgSocketFilter, ProgSkReuseport}, setSkb...)},
	{[]HelperID{FnGetSocketUid}, append([]ProgramType{ProgSocketFilter, ProgSkSKB}, setSkb...)},
	{[]HelperID{FnSkbPullData}, slices.Concat(typesTC, setLWT, []ProgramType{ProgSkSKB})},
	{[]HelperID{FnCsumDiff}, slices.Concat(typesTC, setLWT, []ProgramType{ProgXDP})},
	{[]HelperID{FnGetRouteRealm, FnSkbUnderCgroup, FnGetHashRecalc}, slices.Concat(typesTC, setLWT)},
	{[]HelperID{FnSkbStoreBytes, FnSkbChangeTail, FnSkbChangeHead}, append([]ProgramType{ProgLWTXmit, ProgSkSKB}, typesTC...)},
	{[]HelperID{FnSkbAdjustRoom}, append([]ProgramType{ProgSkSKB}, typesTC...)},
	{[]HelperID{FnRedirect}, append([]ProgramType{ProgXDP, ProgLWTXmit}, typesTC...)},
	{[]HelperID{
		FnL3CsumReplace, FnL4CsumReplace, FnCloneRedirect, FnSkbGetTunnelKey, FnSkbSetTunnelKey, FnSkbGetTunnelOpt, FnSkbSetTunnelOpt,
		FnCsumUpdate, FnSetHashInvalid, FnCsumLevel,
	}, append([]ProgramType{ProgLWTXmit}, typesTC...)},
	{[]HelperID{
		FnFibLookup, FnTcpCheckSyncookie, FnTcpGenSyncookie, FnCheckMtu,
		FnTcpRawGenSyncookieIpv4, FnTcpRawGenSyncookieIpv6, FnTcpRawCheckSyncookieIpv4, FnTcpRawCheckSyncookieIpv6,
	}, append([]ProgramType{ProgXDP}, typesTC...)},
	{[]HelperID{FnSkAssign}, append([]ProgramType{ProgSkLookup}, typesTC...)},
	{[]HelperID{
		FnSkbVlanPush, FnSkbVlanPop, FnSkbChangeProto, FnSkbChangeType, FnSetHash, FnSkbGetXfrmState, FnSkbCgroupClassid,
		FnRedirectNeigh, FnRedirectPeer, FnSkbSetTstamp,
	}, typesTC},
	{[]HelperID{FnXdpAdjustHead, FnXdpAdjustMeta, FnXdpAdjustTail, FnRedirectMap, FnXdpLoadBytes, FnXdpStoreBytes}, []ProgramType{ProgXDP}},
	{[]HelperID{FnXdpGetBuffLen}, append([]ProgramType{ProgXDP}, setBTF...)},
	{[]HelperID{FnSkRedirectMap, FnSkRedirectHash}, []ProgramType{ProgSkSKB}},
	{[]HelperID{FnLwtPushEncap}, []ProgramType{ProgLWTIn, ProgLWTXmit}},
	{[]HelperID{FnLwtSeg6StoreBytes, FnLwtSeg6AdjustSrh, FnLwtSeg6Action}, []ProgramType{ProgLWTSeg6local}},
	{[]HelperID{
		FnSockMapUpdate, FnSockHashUpdate, FnSockOpsCbFlagsSet, FnLoadHdrOpt, FnStoreHdrOpt, FnReserveHdrOpt,
	}, []ProgramType{ProgSockOps}},
	{[]HelperID{
		FnMsgRedirectMap, FnMsgRedirectHash, FnMsgApplyBytes, FnMsgCorkBytes, FnMsgPullData, FnMsgPushData, FnMsgPopData,
	}, []ProgramType{ProgSkMsg}},
	{[]HelperID{FnBind}, []ProgramType{ProgCgroupSockAddr}},
	{[]HelperID{FnSkSelectReuseport}, []ProgramType{ProgSkReuseport}},
	{[]HelperID{FnSysctlGetName, FnSysctlGetCurrentValue, FnSysctlGetNewValue, FnSysctlSetNewValue}, []ProgramType{ProgCgroupSysctl}},
	{[]HelperID{FnProbeRead, FnProbeReadStr, FnGetStackid, FnGetStack}, setTracing},
	{[]HelperID{FnGetFuncIp}, []ProgramType{ProgKprobe, ProgTracing}},
	{[]HelperID{FnGetAttachCookie}, append([]ProgramType{ProgTracing, ProgLSM}, setProbe...)},
	{[]HelperID{FnPerfProgReadValue, FnReadBranchRecords}, []ProgramType{ProgPerfEvent}},
	{[]HelperID{FnSkbOutput, FnXdpOutput, FnSockFromFile}, setBTF},
	{[]HelperID{FnDPath}, []ProgramType{ProgTracing, ProgLSM}},
	{[]HelperID{FnSeqPrintf, FnSeqWrite, FnSeqPrintfBtf}, []ProgramType{ProgTracing}},
	{[]HelperID{FnGetFuncArg, FnGetFuncRet, FnGetFuncArgCnt}, []ProgramType{ProgTracing, ProgLSM}},
	{[]HelperID{FnInodeStorageGet, FnInodeStorageDelete, FnBprmOptsSet, FnImaInodeHash, FnImaFileHash}, []ProgramType{ProgLSM}},
	{[]HelperID{FnSysBpf, FnBtfFindByNameKind, FnSysClose, FnKallsymsLookupName}, []ProgramType{ProgSyscall}},
	{[]HelperID{FnTcpSendAck}, []ProgramType{ProgStructOps}},
	{[]HelperID{FnRcRepeat, FnRcKeydown, FnRcPointerRel}, []ProgramType{ProgLircMode2}},
	// Not in kernels that are locked down.
	{[]HelperID{FnProbeWriteUser}, setTracing},
	// Only in kernels that are built to let functions fail.
	{[]HelperID{FnOverrideReturn}, []ProgramType{ProgKprobe}},
}

// helperAttachTable has the helpers that a type's programs may call only where
// they are to be attached as one of a few types.
var helperAttachTable = [...]struct {
	t       ProgramType
	helpers []HelperID
	attach  []AttachType
}{
	{ProgCgroupSockAddr, []HelperID{FnBind}, []AttachType{AttachCgroupInet4Connect, AttachCgroupInet6Connect}},
	{ProgCgroupSockAddr, []HelperID{FnGetRetval, FnSetRetval}, []AttachType{
		AttachCgroupInet4Bind, AttachCgroupInet6Bind, AttachCgroupInet4Connect, AttachCgroupInet6Connect, AttachCgroupUnixConnect,
		AttachCgroupUDP4Sendmsg, AttachCgroupUDP6Sendmsg, AttachCgroupUnixSendmsg,
	}},
	{ProgCgroupSockopt, []HelperID{FnSetsockopt, FnGetsockopt}, []AttachType{AttachCgroupSetsockopt}},
	{ProgLSM, []HelperID{FnSetsockopt, FnGetsockopt}, []AttachType{AttachLSMCgroup}},
	// Of the functions, only some few may be traced by programs that call it.
	{ProgTracing, []HelperID{FnDPath}, []AttachType{AttachTraceIter, AttachTraceFentry, AttachTraceFexit, AttachModifyReturn}},
	// The first two in iterators over sockets only.
	{ProgTracing, []HelperID{FnSetsockopt, FnGetsockopt, FnSeqPrintf, FnSeqWrite, FnSeqPrintfBtf}, []AttachType{AttachTraceIter}},
	{ProgTracing, []HelperID{FnGetAttachCookie}, []AttachType{AttachTraceRawTP, AttachTraceFentry, AttachTraceFexit, AttachModifyReturn}},
	{ProgTracing, []HelperID{FnGetFuncIp, FnGetFuncArg, FnGetFuncRet, FnGetFuncArgCnt}, []AttachType{AttachTraceFentry, AttachTraceFexit, AttachModifyReturn}},
}
