package linux

// HelperProto is what the kernel's verifier knows of a helper: struct
// bpf_func_proto of include/linux/bpf.h, and what kernel/bpf/verifier.c says of
// single helpers.
type HelperProto struct {
	Args  []Arg // what it takes in r1, r2, …; up to 5
	Ret   Ret   // what it leaves in r0
	Flags HelperFlags
}

// Arg is what a helper takes in one register: enum bpf_arg_type.
type Arg struct {
	Kind  ArgKind
	Flags ArgFlags
	Size  int    // of the memory, in bytes, where ArgFixedSize is set
	Type  string // the structure's name in the kernel's BTF, of ArgBTFID
}

// ArgKind is the kind of register that an argument wants.
type ArgKind uint8

const (
	ArgAnything             ArgKind = iota // any value, pointers included
	ArgConstMapPtr                         // a map
	ArgMapKey                              // memory of the size of a key of that map
	ArgMapValue                            // memory of the size of a value of that map
	ArgMem                                 // memory; the next argument is its size, unless ArgFixedSize is set
	ArgConstSize                           // size of the memory before, in bytes: not 0
	ArgConstSizeOrZero                     // size of the memory before, in bytes
	ArgConstAllocSizeOrZero                // a constant: size of the memory that the helper returns, in bytes
	ArgCtx                                 // the program's context
	ArgSockCommon                          // a socket of any kind
	ArgBTFSockCommon                       // a socket of any kind, or a kernel's struct sock_common
	ArgSocket                              // a full socket
	ArgBTFID                               // a structure of the kernel
	ArgPercpuBTFID                         // a per-CPU variable of the kernel
	ArgRingbufMem                          // what bpf_ringbuf_reserve returned
	ArgDynptr                              // a dynptr on the stack
	ArgFunc                                // a function of the program
	ArgStack                               // the program's stack
	ArgConstStr                            // a string in a frozen read-only map
	ArgTimer                               // a struct bpf_timer in a map's value
	ArgSpinLock                            // a struct bpf_spin_lock in a map's value
	ArgKptr                                // a pointer to the kernel's memory in a map's value
)

// ArgFlags are a kind's modifiers: enum bpf_type_flag.
type ArgFlags uint16

const (
	ArgMaybeNull     ArgFlags = 1 << iota // 0 will do as well
	ArgReadOnly                           // read-only memory will do as well
	ArgUninit                             // need not be initialised
	ArgWrite                              // the helper writes to it
	ArgFixedSize                          // memory of Size bytes
	ArgAligned                            // its address is a multiple of Size
	ArgRelease                            // the reference ends here
	ArgDynptrLocal                        // of local memory
	ArgDynptrRingbuf                      // of a ring buffer's memory
)

// Ret is what a helper returns: enum bpf_return_type.
type Ret struct {
	Kind  RetKind
	Flags RetFlags
	Type  string // the structure's name in the kernel's BTF, of RetBTFID; "" where it is that of an argument
}

// RetKind is the kind of register that a helper leaves in r0.
type RetKind uint8

const (
	RetInteger    RetKind = iota // a number
	RetVoid                      // nothing: r0 can't be read
	RetMapValue                  // a value of the map that was an argument; of bpf_map_lookup_elem, [MapType.LookupRet]
	RetSocket                    // a full socket
	RetTCPSock                   // a TCP socket
	RetSockCommon                // a socket of any kind
	RetMem                       // memory of the size that was an argument
	RetMemOrBTFID                // memory or a structure of the kernel, as the argument's type says
	RetBTFID                     // a structure of the kernel
	RetXDPSock                   // an AF_XDP socket
	RetMap                       // a map
)

// RetFlags are a return kind's modifiers.
type RetFlags uint8

const (
	RetMaybeNull RetFlags = 1 << iota // or 0
	RetReadOnly                       // not to be written to
	RetTrusted                        // known to be valid
	RetRingbuf                        // memory of a ring buffer
	RetDynptr                         // memory of the dynptr that was an argument
	RetUpToSize                       // from -4095 up to the size that was an argument
	RetCPU                            // the number of a CPU
)

// HelperFlags are properties of a whole helper.
type HelperFlags uint16

const (
	HelperPacketAccess    HelperFlags = 1 << iota // memory may be that of the packet
	HelperMightSleep                              // programs that may sleep only
	HelperChangesPacket                           // pointers into the packet end here
	HelperMayNotReturn                            // or only to this function's caller, with the packet changed
	HelperAcquires                                // r0 is a reference, to be released
	HelperAcquiresFromMap                         // r0 is one if [MapType.LookupRet] is RetSocket
	HelperCasts                                   // r0 is the object of the first argument, and shares its reference
	HelperDynptrRef                               // the dynptr is a reference, to be released
)

// Proto returns the helper's prototype in programs of type t, which for a few
// helpers matters. Whether such programs may call it at all is what
// [Helper.AllowedIn] says. It is false for a helper that has no number here. The
// Args are shared: they must not be changed.
func (h Helper) Proto(t ProgramType) (HelperProto, bool) {
	if h.ID < 1 || int(h.ID) >= len(helperProtoTable) {
		return HelperProto{}, false
	}
	proto := helperProtoTable[h.ID]
	if args, ok := helperArgs[helperOf{t, h.ID}]; ok {
		proto.Args = args
	}
	return proto, true
}

// helperArgs has what helpers take in programs of some types.
var helperArgs = func() map[helperOf][]Arg {
	args := map[helperOf][]Arg{}
	for _, row := range helperVariantTable {
		for _, t := range row.types {
			args[helperOf{t, row.helper}] = row.args
		}
	}
	return args
}()
