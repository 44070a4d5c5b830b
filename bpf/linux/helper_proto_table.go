package linux

import "slices"

// Arguments and results that many helpers share.
var (
	anyArg          = Arg{Kind: ArgAnything}
	ctxArg          = Arg{Kind: ArgCtx}
	ctxNullArg      = Arg{Kind: ArgCtx, Flags: ArgMaybeNull}
	mapArg          = Arg{Kind: ArgConstMapPtr}
	keyArg          = Arg{Kind: ArgMapKey}
	valueArg        = Arg{Kind: ArgMapValue}
	valueNullArg    = Arg{Kind: ArgMapValue, Flags: ArgMaybeNull}
	valueOutArg     = Arg{Kind: ArgMapValue, Flags: ArgUninit | ArgWrite}
	memArg          = Arg{Kind: ArgMem, Flags: ArgReadOnly}
	memNullArg      = Arg{Kind: ArgMem, Flags: ArgReadOnly | ArgMaybeNull}
	memInOutArg     = Arg{Kind: ArgMem, Flags: ArgWrite}
	memOutArg       = Arg{Kind: ArgMem, Flags: ArgUninit | ArgWrite}
	memInOutNullArg = Arg{Kind: ArgMem, Flags: ArgWrite | ArgMaybeNull}
	u64OutArg       = Arg{Kind: ArgMem, Flags: ArgUninit | ArgWrite | ArgFixedSize | ArgAligned, Size: 8}
	sizeArg         = Arg{Kind: ArgConstSize}
	sizeZeroArg     = Arg{Kind: ArgConstSizeOrZero}
	allocSizeArg    = Arg{Kind: ArgConstAllocSizeOrZero}
	sockCommonArg   = Arg{Kind: ArgSockCommon}
	btfSockArg      = Arg{Kind: ArgBTFSockCommon}
	taskArg         = Arg{Kind: ArgBTFID, Type: "task_struct"}
	taskNullArg     = Arg{Kind: ArgBTFID, Type: "task_struct", Flags: ArgMaybeNull}
	inodeNullArg    = Arg{Kind: ArgBTFID, Type: "inode", Flags: ArgMaybeNull}
	cgroupNullArg   = Arg{Kind: ArgBTFID, Type: "cgroup", Flags: ArgMaybeNull}
	seqFileArg      = Arg{Kind: ArgBTFID, Type: "seq_file"}
	sockNullArg     = Arg{Kind: ArgBTFID, Type: "sock_common", Flags: ArgMaybeNull}
	percpuArg       = Arg{Kind: ArgPercpuBTFID}
	funcArg         = Arg{Kind: ArgFunc}
	stackNullArg    = Arg{Kind: ArgStack, Flags: ArgMaybeNull}
	strArg          = Arg{Kind: ArgConstStr}
	timerArg        = Arg{Kind: ArgTimer}
	lockArg         = Arg{Kind: ArgSpinLock}
	recordArg       = Arg{Kind: ArgRingbufMem, Flags: ArgRelease}
	dynptrArg       = Arg{Kind: ArgDynptr, Flags: ArgReadOnly}
	ringDynptrArg   = Arg{Kind: ArgDynptr, Flags: ArgDynptrRingbuf | ArgRelease}
	ipv4Arg         = Arg{Kind: ArgMem, Flags: ArgReadOnly | ArgFixedSize, Size: 20}
	ipv6Arg         = Arg{Kind: ArgMem, Flags: ArgReadOnly | ArgFixedSize, Size: 40}
	tcpArg          = Arg{Kind: ArgMem, Flags: ArgReadOnly | ArgFixedSize, Size: 20}

	voidRet       = Ret{Kind: RetVoid}
	upToSizeRet   = Ret{Kind: RetInteger, Flags: RetUpToSize}
	valueRet      = Ret{Kind: RetMapValue, Flags: RetMaybeNull}
	socketRet     = Ret{Kind: RetSocket, Flags: RetMaybeNull}
	sockCommonRet = Ret{Kind: RetSockCommon, Flags: RetMaybeNull}
)

// btfRet is a pointer to one of the kernel's structures, or null.
func btfRet(name string) Ret { return Ret{Kind: RetBTFID, Flags: RetMaybeNull, Type: name} }

// helperProtoTable has the prototype of the helper with id n at index n, as of
// Linux 6.18. What programs of some types pass otherwise is in
// helperVariantTable.
var helperProtoTable = [...]HelperProto{
	FnMapLookupElem:              {Args: []Arg{mapArg, keyArg}, Ret: valueRet, Flags: HelperPacketAccess | HelperAcquiresFromMap},
	FnMapUpdateElem:              {Args: []Arg{mapArg, keyArg, valueArg, anyArg}, Flags: HelperPacketAccess},
	FnMapDeleteElem:              {Args: []Arg{mapArg, keyArg}, Flags: HelperPacketAccess},
	FnProbeRead:                  {Args: []Arg{memOutArg, sizeZeroArg, anyArg}},
	FnKtimeGetNs:                 {},
	FnTracePrintk:                {Args: []Arg{memArg, sizeArg}},
	FnGetPrandomU32:              {},
	FnGetSmpProcessorId:          {Ret: Ret{Kind: RetInteger, Flags: RetCPU}},
	FnSkbStoreBytes:              {Args: []Arg{ctxArg, anyArg, memArg, sizeArg, anyArg}, Flags: HelperChangesPacket},
	FnL3CsumReplace:              {Args: []Arg{ctxArg, anyArg, anyArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnL4CsumReplace:              {Args: []Arg{ctxArg, anyArg, anyArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnTailCall:                   {Args: []Arg{ctxArg, mapArg, anyArg}, Ret: voidRet, Flags: HelperMayNotReturn},
	FnCloneRedirect:              {Args: []Arg{ctxArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnGetCurrentPidTgid:          {},
	FnGetCurrentUidGid:           {},
	FnGetCurrentComm:             {Args: []Arg{memOutArg, sizeArg}},
	FnGetCgroupClassid:           {},
	FnSkbVlanPush:                {Args: []Arg{ctxArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnSkbVlanPop:                 {Args: []Arg{ctxArg}, Flags: HelperChangesPacket},
	FnSkbGetTunnelKey:            {Args: []Arg{ctxArg, memOutArg, sizeArg, anyArg}},
	FnSkbSetTunnelKey:            {Args: []Arg{ctxArg, memArg, sizeArg, anyArg}},
	FnPerfEventRead:              {Args: []Arg{mapArg, anyArg}},
	FnRedirect:                   {Args: []Arg{anyArg, anyArg}},
	FnGetRouteRealm:              {Args: []Arg{ctxArg}},
	FnPerfEventOutput:            {Args: []Arg{ctxArg, mapArg, anyArg, memArg, sizeZeroArg}},
	FnSkbLoadBytes:               {Args: []Arg{ctxArg, anyArg, memOutArg, sizeArg}},
	FnGetStackid:                 {Args: []Arg{ctxArg, mapArg, anyArg}},
	FnCsumDiff:                   {Args: []Arg{memNullArg, sizeZeroArg, memNullArg, sizeZeroArg, anyArg}, Flags: HelperPacketAccess},
	FnSkbGetTunnelOpt:            {Args: []Arg{ctxArg, memOutArg, sizeArg}},
	FnSkbSetTunnelOpt:            {Args: []Arg{ctxArg, memArg, sizeArg}},
	FnSkbChangeProto:             {Args: []Arg{ctxArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnSkbChangeType:              {Args: []Arg{ctxArg, anyArg}},
	FnSkbUnderCgroup:             {Args: []Arg{ctxArg, mapArg, anyArg}},
	FnGetHashRecalc:              {Args: []Arg{ctxArg}},
	FnGetCurrentTask:             {},
	FnProbeWriteUser:             {Args: []Arg{anyArg, memArg, sizeArg}},
	FnCurrentTaskUnderCgroup:     {Args: []Arg{mapArg, anyArg}},
	FnSkbChangeTail:              {Args: []Arg{ctxArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnSkbPullData:                {Args: []Arg{ctxArg, anyArg}, Flags: HelperChangesPacket},
	FnCsumUpdate:                 {Args: []Arg{ctxArg, anyArg}},
	FnSetHashInvalid:             {Args: []Arg{ctxArg}},
	FnGetNumaNodeId:              {},
	FnSkbChangeHead:              {Args: []Arg{ctxArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnXdpAdjustHead:              {Args: []Arg{ctxArg, anyArg}, Flags: HelperChangesPacket},
	FnProbeReadStr:               {Args: []Arg{memOutArg, sizeZeroArg, anyArg}, Ret: upToSizeRet},
	FnGetSocketCookie:            {Args: []Arg{ctxArg}},
	FnGetSocketUid:               {Args: []Arg{ctxArg}},
	FnSetHash:                    {Args: []Arg{ctxArg, anyArg}},
	FnSetsockopt:                 {Args: []Arg{ctxArg, anyArg, anyArg, memArg, sizeArg}},
	FnSkbAdjustRoom:              {Args: []Arg{ctxArg, anyArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnRedirectMap:                {Args: []Arg{mapArg, anyArg, anyArg}},
	FnSkRedirectMap:              {Args: []Arg{ctxArg, mapArg, anyArg, anyArg}},
	FnSockMapUpdate:              {Args: []Arg{ctxArg, mapArg, keyArg, anyArg}, Flags: HelperPacketAccess},
	FnXdpAdjustMeta:              {Args: []Arg{ctxArg, anyArg}, Flags: HelperChangesPacket},
	FnPerfEventReadValue:         {Args: []Arg{mapArg, anyArg, memOutArg, sizeArg}},
	FnPerfProgReadValue:          {Args: []Arg{ctxArg, memOutArg, sizeArg}},
	FnGetsockopt:                 {Args: []Arg{ctxArg, anyArg, anyArg, memOutArg, sizeArg}},
	FnOverrideReturn:             {Args: []Arg{ctxArg, anyArg}},
	FnSockOpsCbFlagsSet:          {Args: []Arg{ctxArg, anyArg}},
	FnMsgRedirectMap:             {Args: []Arg{ctxArg, mapArg, anyArg, anyArg}},
	FnMsgApplyBytes:              {Args: []Arg{ctxArg, anyArg}},
	FnMsgCorkBytes:               {Args: []Arg{ctxArg, anyArg}},
	FnMsgPullData:                {Args: []Arg{ctxArg, anyArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnBind:                       {Args: []Arg{ctxArg, memArg, sizeArg}},
	FnXdpAdjustTail:              {Args: []Arg{ctxArg, anyArg}, Flags: HelperChangesPacket},
	FnSkbGetXfrmState:            {Args: []Arg{ctxArg, anyArg, memOutArg, sizeArg, anyArg}},
	FnGetStack:                   {Args: []Arg{ctxArg, memOutArg, sizeZeroArg, anyArg}, Ret: upToSizeRet},
	FnSkbLoadBytesRelative:       {Args: []Arg{ctxArg, anyArg, memOutArg, sizeArg, anyArg}},
	FnFibLookup:                  {Args: []Arg{ctxArg, memInOutArg, sizeArg, anyArg}},
	FnSockHashUpdate:             {Args: []Arg{ctxArg, mapArg, keyArg, anyArg}, Flags: HelperPacketAccess},
	FnMsgRedirectHash:            {Args: []Arg{ctxArg, mapArg, keyArg, anyArg}},
	FnSkRedirectHash:             {Args: []Arg{ctxArg, mapArg, keyArg, anyArg}},
	FnLwtPushEncap:               {Args: []Arg{ctxArg, anyArg, memArg, sizeArg}, Flags: HelperChangesPacket},
	FnLwtSeg6StoreBytes:          {Args: []Arg{ctxArg, anyArg, memArg, sizeArg}, Flags: HelperChangesPacket},
	FnLwtSeg6AdjustSrh:           {Args: []Arg{ctxArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnLwtSeg6Action:              {Args: []Arg{ctxArg, anyArg, memArg, sizeArg}, Flags: HelperChangesPacket},
	FnRcRepeat:                   {Args: []Arg{ctxArg}},
	FnRcKeydown:                  {Args: []Arg{ctxArg, anyArg, anyArg, anyArg}},
	FnSkbCgroupId:                {Args: []Arg{ctxArg}},
	FnGetCurrentCgroupId:         {},
	FnGetLocalStorage:            {Args: []Arg{mapArg, anyArg}, Ret: Ret{Kind: RetMapValue}},
	FnSkSelectReuseport:          {Args: []Arg{ctxArg, mapArg, keyArg, anyArg}},
	FnSkbAncestorCgroupId:        {Args: []Arg{ctxArg, anyArg}},
	FnSkLookupTcp:                {Args: []Arg{ctxArg, memArg, sizeZeroArg, anyArg, anyArg}, Ret: socketRet, Flags: HelperPacketAccess | HelperAcquires},
	FnSkLookupUdp:                {Args: []Arg{ctxArg, memArg, sizeZeroArg, anyArg, anyArg}, Ret: socketRet, Flags: HelperPacketAccess | HelperAcquires},
	FnSkRelease:                  {Args: []Arg{{Kind: ArgBTFSockCommon, Flags: ArgRelease}}},
	FnMapPushElem:                {Args: []Arg{mapArg, valueArg, anyArg}, Flags: HelperPacketAccess},
	FnMapPopElem:                 {Args: []Arg{mapArg, valueOutArg}},
	FnMapPeekElem:                {Args: []Arg{mapArg, valueOutArg}},
	FnMsgPushData:                {Args: []Arg{ctxArg, anyArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnMsgPopData:                 {Args: []Arg{ctxArg, anyArg, anyArg, anyArg}, Flags: HelperChangesPacket},
	FnRcPointerRel:               {Args: []Arg{ctxArg, anyArg, anyArg}},
	FnSpinLock:                   {Args: []Arg{lockArg}, Ret: voidRet},
	FnSpinUnlock:                 {Args: []Arg{lockArg}, Ret: voidRet},
	FnSkFullsock:                 {Args: []Arg{sockCommonArg}, Ret: socketRet, Flags: HelperCasts},
	FnTcpSock:                    {Args: []Arg{sockCommonArg}, Ret: Ret{Kind: RetTCPSock, Flags: RetMaybeNull}, Flags: HelperCasts},
	FnSkbEcnSetCe:                {Args: []Arg{ctxArg}},
	FnGetListenerSock:            {Args: []Arg{sockCommonArg}, Ret: socketRet},
	FnSkcLookupTcp:               {Args: []Arg{ctxArg, memArg, sizeZeroArg, anyArg, anyArg}, Ret: sockCommonRet, Flags: HelperPacketAccess | HelperAcquires},
	FnTcpCheckSyncookie:          {Args: []Arg{btfSockArg, memArg, sizeArg, memArg, sizeArg}, Flags: HelperPacketAccess},
	FnSysctlGetName:              {Args: []Arg{ctxArg, memInOutArg, sizeArg, anyArg}},
	FnSysctlGetCurrentValue:      {Args: []Arg{ctxArg, memOutArg, sizeArg}},
	FnSysctlGetNewValue:          {Args: []Arg{ctxArg, memOutArg, sizeArg}},
	FnSysctlSetNewValue:          {Args: []Arg{ctxArg, memArg, sizeArg}},
	FnStrtol:                     {Args: []Arg{memArg, sizeArg, anyArg, u64OutArg}},
	FnStrtoul:                    {Args: []Arg{memArg, sizeArg, anyArg, u64OutArg}},
	FnSkStorageGet:               {Args: []Arg{mapArg, btfSockArg, valueNullArg, anyArg}, Ret: valueRet},
	FnSkStorageDelete:            {Args: []Arg{mapArg, btfSockArg}},
	FnSendSignal:                 {Args: []Arg{anyArg}},
	FnTcpGenSyncookie:            {Args: []Arg{btfSockArg, memArg, sizeArg, memArg, sizeArg}, Flags: HelperPacketAccess},
	FnSkbOutput:                  {Args: []Arg{{Kind: ArgBTFID, Type: "sk_buff"}, mapArg, anyArg, memArg, sizeZeroArg}},
	FnProbeReadUser:              {Args: []Arg{memOutArg, sizeZeroArg, anyArg}},
	FnProbeReadKernel:            {Args: []Arg{memOutArg, sizeZeroArg, anyArg}},
	FnProbeReadUserStr:           {Args: []Arg{memOutArg, sizeZeroArg, anyArg}, Ret: upToSizeRet},
	FnProbeReadKernelStr:         {Args: []Arg{memOutArg, sizeZeroArg, anyArg}, Ret: upToSizeRet},
	FnTcpSendAck:                 {Args: []Arg{{Kind: ArgBTFID, Type: "tcp_sock"}, anyArg}},
	FnSendSignalThread:           {Args: []Arg{anyArg}},
	FnJiffies64:                  {},
	FnReadBranchRecords:          {Args: []Arg{ctxArg, memInOutNullArg, sizeZeroArg, anyArg}},
	FnGetNsCurrentPidTgid:        {Args: []Arg{anyArg, anyArg, memOutArg, sizeArg}},
	FnXdpOutput:                  {Args: []Arg{{Kind: ArgBTFID, Type: "xdp_buff"}, mapArg, anyArg, memArg, sizeZeroArg}},
	FnGetNetnsCookie:             {Args: []Arg{ctxNullArg}},
	FnGetCurrentAncestorCgroupId: {Args: []Arg{anyArg}},
	FnSkAssign:                   {Args: []Arg{ctxArg, btfSockArg, anyArg}},
	FnKtimeGetBootNs:             {},
	FnSeqPrintf:                  {Args: []Arg{seqFileArg, memArg, sizeArg, memNullArg, sizeZeroArg}},
	FnSeqWrite:                   {Args: []Arg{seqFileArg, memArg, sizeZeroArg}},
	FnSkCgroupId:                 {Args: []Arg{btfSockArg}},
	FnSkAncestorCgroupId:         {Args: []Arg{btfSockArg, anyArg}},
	FnRingbufOutput:              {Args: []Arg{mapArg, memArg, sizeZeroArg, anyArg}},
	FnRingbufReserve:             {Args: []Arg{mapArg, allocSizeArg, anyArg}, Ret: Ret{Kind: RetMem, Flags: RetMaybeNull | RetRingbuf}, Flags: HelperAcquires},
	FnRingbufSubmit:              {Args: []Arg{recordArg, anyArg}, Ret: voidRet},
	FnRingbufDiscard:             {Args: []Arg{recordArg, anyArg}, Ret: voidRet},
	FnRingbufQuery:               {Args: []Arg{mapArg, anyArg}},
	FnCsumLevel:                  {Args: []Arg{ctxArg, anyArg}},
	FnSkcToTcp6Sock:              {Args: []Arg{btfSockArg}, Ret: btfRet("tcp6_sock"), Flags: HelperCasts},
	FnSkcToTcpSock:               {Args: []Arg{btfSockArg}, Ret: btfRet("tcp_sock"), Flags: HelperCasts},
	FnSkcToTcpTimewaitSock:       {Args: []Arg{btfSockArg}, Ret: btfRet("tcp_timewait_sock"), Flags: HelperCasts},
	FnSkcToTcpRequestSock:        {Args: []Arg{btfSockArg}, Ret: btfRet("tcp_request_sock"), Flags: HelperCasts},
	FnSkcToUdp6Sock:              {Args: []Arg{btfSockArg}, Ret: btfRet("udp6_sock"), Flags: HelperCasts},
	FnGetTaskStack:               {Args: []Arg{taskArg, memOutArg, sizeZeroArg, anyArg}, Ret: upToSizeRet},
	FnLoadHdrOpt:                 {Args: []Arg{ctxArg, memInOutArg, sizeArg, anyArg}},
	FnStoreHdrOpt:                {Args: []Arg{ctxArg, memArg, sizeArg, anyArg}, Flags: HelperChangesPacket},
	FnReserveHdrOpt:              {Args: []Arg{ctxArg, anyArg, anyArg}},
	FnInodeStorageGet:            {Args: []Arg{mapArg, inodeNullArg, valueNullArg, anyArg}, Ret: valueRet},
	FnInodeStorageDelete:         {Args: []Arg{mapArg, inodeNullArg}},
	FnDPath:                      {Args: []Arg{{Kind: ArgBTFID, Type: "path"}, memInOutArg, sizeZeroArg}},
	FnCopyFromUser:               {Args: []Arg{memOutArg, sizeZeroArg, anyArg}, Flags: HelperMightSleep},
	FnSnprintfBtf:                {Args: []Arg{memInOutArg, sizeArg, memArg, sizeArg, anyArg}},
	FnSeqPrintfBtf:               {Args: []Arg{seqFileArg, memArg, sizeZeroArg, anyArg}},
	FnSkbCgroupClassid:           {Args: []Arg{ctxArg}},
	FnRedirectNeigh:              {Args: []Arg{anyArg, memNullArg, sizeZeroArg, anyArg}},
	FnPerCpuPtr:                  {Args: []Arg{percpuArg, anyArg}, Ret: Ret{Kind: RetMemOrBTFID, Flags: RetMaybeNull | RetReadOnly}},
	FnThisCpuPtr:                 {Args: []Arg{percpuArg}, Ret: Ret{Kind: RetMemOrBTFID, Flags: RetReadOnly}},
	FnRedirectPeer:               {Args: []Arg{anyArg, anyArg}},
	FnTaskStorageGet:             {Args: []Arg{mapArg, taskNullArg, valueNullArg, anyArg}, Ret: valueRet},
	FnTaskStorageDelete:          {Args: []Arg{mapArg, taskNullArg}},
	FnGetCurrentTaskBtf:          {Ret: Ret{Kind: RetBTFID, Flags: RetTrusted, Type: "task_struct"}},
	FnBprmOptsSet:                {Args: []Arg{{Kind: ArgBTFID, Type: "linux_binprm"}, anyArg}},
	FnKtimeGetCoarseNs:           {},
	FnImaInodeHash:               {Args: []Arg{{Kind: ArgBTFID, Type: "inode"}, memOutArg, sizeArg}, Flags: HelperMightSleep},
	FnSockFromFile:               {Args: []Arg{{Kind: ArgBTFID, Type: "file"}}, Ret: btfRet("socket")},
	FnCheckMtu:                   {Args: []Arg{ctxArg, anyArg, {Kind: ArgMem, Flags: ArgWrite | ArgFixedSize | ArgAligned, Size: 4}, anyArg, anyArg}},
	FnForEachMapElem:             {Args: []Arg{mapArg, funcArg, stackNullArg, anyArg}},
	FnSnprintf:                   {Args: []Arg{memInOutNullArg, sizeZeroArg, strArg, memNullArg, sizeZeroArg}},
	FnSysBpf:                     {Args: []Arg{anyArg, memArg, sizeArg}},
	FnBtfFindByNameKind:          {Args: []Arg{memArg, sizeArg, anyArg, anyArg}},
	FnSysClose:                   {Args: []Arg{anyArg}},
	FnTimerInit:                  {Args: []Arg{timerArg, mapArg, anyArg}},
	FnTimerSetCallback:           {Args: []Arg{timerArg, funcArg}},
	FnTimerStart:                 {Args: []Arg{timerArg, anyArg, anyArg}},
	FnTimerCancel:                {Args: []Arg{timerArg}},
	FnGetFuncIp:                  {Args: []Arg{ctxArg}},
	FnGetAttachCookie:            {Args: []Arg{ctxArg}},
	FnTaskPtRegs:                 {Args: []Arg{taskArg}, Ret: Ret{Kind: RetBTFID, Type: "pt_regs"}},
	FnGetBranchSnapshot:          {Args: []Arg{memOutArg, sizeZeroArg}},
	FnTraceVprintk:               {Args: []Arg{memArg, sizeArg, memNullArg, sizeZeroArg}},
	FnSkcToUnixSock:              {Args: []Arg{btfSockArg}, Ret: btfRet("unix_sock")},
	FnKallsymsLookupName:         {Args: []Arg{memArg, sizeZeroArg, anyArg, u64OutArg}},
	FnFindVma:                    {Args: []Arg{taskArg, anyArg, funcArg, stackNullArg, anyArg}},
	FnLoop:                       {Args: []Arg{anyArg, funcArg, stackNullArg, anyArg}},
	FnStrncmp:                    {Args: []Arg{memArg, sizeArg, strArg}},
	FnGetFuncArg:                 {Args: []Arg{ctxArg, anyArg, u64OutArg}},
	FnGetFuncRet:                 {Args: []Arg{ctxArg, u64OutArg}},
	FnGetFuncArgCnt:              {Args: []Arg{ctxArg}},
	FnGetRetval:                  {},
	FnSetRetval:                  {Args: []Arg{anyArg}},
	FnXdpGetBuffLen:              {Args: []Arg{ctxArg}},
	FnXdpLoadBytes:               {Args: []Arg{ctxArg, anyArg, memOutArg, sizeArg}},
	FnXdpStoreBytes:              {Args: []Arg{ctxArg, anyArg, memArg, sizeArg}},
	FnCopyFromUserTask:           {Args: []Arg{memOutArg, sizeZeroArg, anyArg, taskArg, anyArg}, Flags: HelperMightSleep},
	FnSkbSetTstamp:               {Args: []Arg{ctxArg, anyArg, anyArg}},
	FnImaFileHash:                {Args: []Arg{{Kind: ArgBTFID, Type: "file"}, memOutArg, sizeArg}, Flags: HelperMightSleep},
	FnKptrXchg:                   {Args: []Arg{{Kind: ArgKptr}, {Kind: ArgBTFID, Flags: ArgMaybeNull | ArgRelease}}, Ret: btfRet(""), Flags: HelperAcquires},
	FnMapLookupPercpuElem:        {Args: []Arg{mapArg, keyArg, anyArg}, Ret: valueRet, Flags: HelperPacketAccess},
	FnSkcToMptcpSock:             {Args: []Arg{sockCommonArg}, Ret: btfRet("mptcp_sock"), Flags: HelperCasts},
	FnDynptrFromMem:              {Args: []Arg{memOutArg, sizeZeroArg, anyArg, {Kind: ArgDynptr, Flags: ArgDynptrLocal | ArgUninit | ArgWrite}}},
	FnRingbufReserveDynptr:       {Args: []Arg{mapArg, anyArg, anyArg, {Kind: ArgDynptr, Flags: ArgDynptrRingbuf | ArgUninit | ArgWrite}}, Flags: HelperDynptrRef},
	FnRingbufSubmitDynptr:        {Args: []Arg{ringDynptrArg, anyArg}, Ret: voidRet},
	FnRingbufDiscardDynptr:       {Args: []Arg{ringDynptrArg, anyArg}, Ret: voidRet},
	FnDynptrRead:                 {Args: []Arg{memOutArg, sizeZeroArg, dynptrArg, anyArg, anyArg}},
	FnDynptrWrite:                {Args: []Arg{dynptrArg, anyArg, memArg, sizeZeroArg, anyArg}},
	FnDynptrData:                 {Args: []Arg{dynptrArg, anyArg, allocSizeArg}, Ret: Ret{Kind: RetMem, Flags: RetMaybeNull | RetDynptr}},
	FnTcpRawGenSyncookieIpv4:     {Args: []Arg{ipv4Arg, memArg, sizeZeroArg}, Flags: HelperPacketAccess},
	FnTcpRawGenSyncookieIpv6:     {Args: []Arg{ipv6Arg, memArg, sizeZeroArg}, Flags: HelperPacketAccess},
	FnTcpRawCheckSyncookieIpv4:   {Args: []Arg{ipv4Arg, tcpArg}, Flags: HelperPacketAccess},
	FnTcpRawCheckSyncookieIpv6:   {Args: []Arg{ipv6Arg, tcpArg}, Flags: HelperPacketAccess},
	FnKtimeGetTaiNs:              {},
	FnUserRingbufDrain:           {Args: []Arg{mapArg, funcArg, stackNullArg, anyArg}},
	FnCgrpStorageGet:             {Args: []Arg{mapArg, cgroupNullArg, valueNullArg, anyArg}, Ret: valueRet},
	FnCgrpStorageDelete:          {Args: []Arg{mapArg, cgroupNullArg}},
}

// helperVariantTable has helpers that take something else in programs of some
// types: the kernel has several of one name.
var helperVariantTable = [...]struct {
	helper HelperID
	types  []ProgramType
	args   []Arg
}{
	// About the packet, not the process.
	{FnGetCgroupClassid, slices.Concat(typesTC, setLWT), []Arg{ctxArg}},
	// Of a socket that the program has, not of its context.
	{FnGetSocketCookie, append([]ProgramType{ProgSkReuseport}, setBTF...), []Arg{{Kind: ArgBTFSockCommon, Flags: ArgMaybeNull}}},
	{FnSetsockopt, []ProgramType{ProgCgroupSockopt, ProgLSM, ProgTracing, ProgStructOps}, []Arg{btfSockArg, anyArg, anyArg, memArg, sizeArg}},
	{FnGetsockopt, []ProgramType{ProgCgroupSockopt, ProgLSM, ProgTracing, ProgStructOps}, []Arg{btfSockArg, anyArg, anyArg, memOutArg, sizeArg}},
	// The context is the socket.
	{FnSkStorageGet, []ProgramType{ProgCgroupSock}, []Arg{mapArg, ctxArg, valueNullArg, anyArg}},
	{FnSkStorageGet, []ProgramType{ProgTracing}, []Arg{mapArg, sockNullArg, valueNullArg, anyArg}},
	{FnSkStorageDelete, []ProgramType{ProgTracing}, []Arg{mapArg, sockNullArg}},
	{FnXdpGetBuffLen, setBTF, []Arg{{Kind: ArgBTFID, Type: "xdp_buff"}}},
	{FnSkAssign, []ProgramType{ProgSkLookup}, []Arg{ctxArg, {Kind: ArgSocket, Flags: ArgMaybeNull}, anyArg}},
}
