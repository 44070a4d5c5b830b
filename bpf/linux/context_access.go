package linux

import "slices"

// ContextValue is what a program gets when it loads from its context.
type ContextValue uint8

const (
	ContextScalar           ContextValue = iota // a number of the load's size
	ContextPacket                               // pointer to the packet, or to optval
	ContextPacketMeta                           // pointer to the metadata before it
	ContextPacketEnd                            // pointer behind its last byte
	ContextSock                                 // pointer to a full socket
	ContextSockOrNull                           // pointer to a full socket, or null
	ContextSockCommonOrNull                     // pointer to a socket of any kind, or null
	ContextFlowKeys                             // pointer to a struct bpf_flow_keys
	ContextBuffer                               // pointer to the memory that a writable tracepoint gives
	ContextNFHookState                          // trusted pointer to the kernel's struct nf_hook_state
	ContextSkBuff                               // trusted pointer to the kernel's struct sk_buff
)

// ContextAccess says whether a program of type t that is to be attached as a may
// load or store size bytes, 1, 2, 4 or 8, at an offset of its context, and what
// it gets. Of tracing, lsm, struct_ops and ext
// programs the kernel's types decide, so there it is always false.
func ContextAccess(t ProgramType, a AttachType, offset, size int, write bool) (ContextValue, bool) {
	for i := range contextAccess[t] {
		if row := &contextAccess[t][i]; row.allows(a, offset, size, write) {
			return row.gives, true
		}
	}
	return 0, false
}

// Sizes of accesses, as a set: each size is its own bit.
const (
	size1, size2, size4, size8 = 1, 2, 4, 8

	sizesTo4 = size1 | size2 | size4
	sizesAll = sizesTo4 | size8
)

// accessRow allows accesses to bytes from offset up to end.
type accessRow struct {
	offset, end int
	read, write uint8 // sizes
	gives       ContextValue
	start       bool         // only at offset itself
	unaligned   bool         // also where no multiple of the size is
	attach      []AttachType // for these attach types; nil for all
}

func (r *accessRow) allows(a AttachType, offset, size int, write bool) bool {
	sizes := r.read
	if write {
		sizes = r.write
	}
	switch {
	case size <= 0 || size > 8 || size&(size-1) != 0 || sizes&uint8(size) == 0,
		offset%size != 0 && !r.unaligned,
		offset < r.offset || offset > r.end-size,
		r.start && offset != r.offset:
		return false
	}
	return r.attach == nil || slices.Contains(r.attach, a)
}
