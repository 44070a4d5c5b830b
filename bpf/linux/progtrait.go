package linux

// Traits are what the kernel's verifier lets programs of a type do, besides
// calling helpers and reading their context.
type Traits uint16

const (
	TraitSleep        Traits = 1 << iota // may be loaded as one that may sleep
	TraitMustSleep                       // is never loaded otherwise
	TraitPrivateStack                    // each function has 512 bytes of stack of its own, where the JIT can do that
	TraitReadPacket                      // helpers that take memory take the packet's
	TraitAnyPacket                       // even those that take no packet's of other types
	TraitWritePacket                     // may write to the packet
	TraitLoadSkb                         // may use the legacy loads from a packet, BPF_ABS and BPF_IND
	TraitSpinLock                        // may use maps with a bpf_spin_lock, a list or a tree in their values
	TraitTimer                           // may use maps with a bpf_timer or a bpf_wq in their values
)

// Traits gives what programs of type t that are to be attached as a may do.
func (t ProgramType) Traits(a AttachType) Traits {
	traits := programTraits[t].traits
	switch {
	case t == ProgTracing && (a == AttachTraceRawTP || a == AttachTraceIter):
		if a == AttachTraceIter {
			return traits &^ TraitPrivateStack
		}
		return traits &^ TraitSleep
	case t == ProgLSM && a == AttachLSMCgroup:
		return traits &^ (TraitSleep | TraitPrivateStack)
	}
	return traits
}

// ContextType is the name of the C type that an argument of a global function
// points to when the argument is the program's context: "__sk_buff", a struct but
// for kprobe's "bpf_user_pt_regs_t", a typedef of one, and the numbers "__u64"
// and "__u32". It is "" for types whose context is no type of its own, and for
// types that are unknown. (Declared with the tag "arg:ctx", an argument may point to
// other types.)
func (t ProgramType) ContextType() string { return programTraits[t].context }

// programTraits has the functions can_be_sleepable, bpf_enable_priv_stack,
// may_access_direct_pkt_data, may_access_skb and is_tracing_prog_type of
// kernel/bpf/verifier.c, and the names of include/linux/bpf_types.h. Sleeping is
// for uprobes only, not all of kprobe programs, and for the hooks of lsm and the
// structures of struct_ops that allow it.
var programTraits = map[ProgramType]struct {
	traits  Traits
	context string
}{
	ProgSocketFilter:          {TraitLoadSkb | TraitTimer, "__sk_buff"},
	ProgKprobe:                {TraitSleep | TraitPrivateStack, "bpf_user_pt_regs_t"},
	ProgSchedCLS:              {TraitReadPacket | TraitWritePacket | TraitLoadSkb | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgSchedACT:              {TraitReadPacket | TraitWritePacket | TraitLoadSkb | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgTracepoint:            {TraitPrivateStack, "__u64"},
	ProgXDP:                   {TraitReadPacket | TraitWritePacket | TraitSpinLock | TraitTimer, "xdp_md"},
	ProgPerfEvent:             {TraitPrivateStack, "bpf_perf_event_data"},
	ProgCgroupSKB:             {TraitReadPacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgCgroupSock:            {TraitSpinLock | TraitTimer, "bpf_sock"},
	ProgLWTIn:                 {TraitReadPacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgLWTOut:                {TraitReadPacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgLWTXmit:               {TraitReadPacket | TraitWritePacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgSockOps:               {TraitSpinLock | TraitTimer, "bpf_sock_ops"},
	ProgSkSKB:                 {TraitReadPacket | TraitWritePacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgCgroupDevice:          {TraitSpinLock | TraitTimer, "bpf_cgroup_dev_ctx"},
	ProgSkMsg:                 {TraitReadPacket | TraitWritePacket | TraitSpinLock | TraitTimer, "sk_msg_md"},
	ProgRawTracepoint:         {TraitPrivateStack, "bpf_raw_tracepoint_args"},
	ProgCgroupSockAddr:        {TraitSpinLock | TraitTimer, "bpf_sock_addr"},
	ProgLWTSeg6local:          {TraitReadPacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgLircMode2:             {TraitSpinLock | TraitTimer, "__u32"},
	ProgSkReuseport:           {TraitReadPacket | TraitSpinLock | TraitTimer, "sk_reuseport_md"},
	ProgFlowDissector:         {TraitReadPacket | TraitSpinLock | TraitTimer, "__sk_buff"},
	ProgCgroupSysctl:          {TraitSpinLock | TraitTimer, "bpf_sysctl"},
	ProgRawTracepointWritable: {0, "bpf_raw_tracepoint_args"},
	ProgCgroupSockopt:         {TraitReadPacket | TraitAnyPacket | TraitWritePacket | TraitSpinLock | TraitTimer, "bpf_sockopt"},
	ProgTracing:               {TraitSleep | TraitPrivateStack | TraitSpinLock | TraitTimer, ""},
	ProgStructOps:             {TraitSleep | TraitSpinLock | TraitTimer, ""},
	ProgExt:                   {TraitSpinLock | TraitTimer, ""},
	ProgLSM:                   {TraitSleep | TraitPrivateStack | TraitSpinLock | TraitTimer, ""},
	ProgSkLookup:              {TraitSpinLock | TraitTimer, "bpf_sk_lookup"},
	ProgSyscall:               {TraitSleep | TraitMustSleep | TraitSpinLock | TraitTimer, ""},
	ProgNetfilter:             {TraitSpinLock | TraitTimer, "bpf_nf_ctx"},
}
