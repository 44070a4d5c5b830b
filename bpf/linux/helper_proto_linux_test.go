package linux_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

// What the kernel prints of the registers that an argument may be.
const (
	expectMemory = "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"
	expectBTF    = "ptr_, trusted_ptr_, rcu_ptr_"
)

var expected = map[linux.ArgKind]string{
	linux.ArgConstMapPtr:          "map_ptr",
	linux.ArgMapKey:               expectMemory,
	linux.ArgMapValue:             expectMemory,
	linux.ArgMem:                  expectMemory,
	linux.ArgConstSize:            "scalar",
	linux.ArgConstSizeOrZero:      "scalar",
	linux.ArgConstAllocSizeOrZero: "scalar",
	linux.ArgCtx:                  "ctx",
	linux.ArgSockCommon:           "sock_common, sock, tcp_sock, xdp_sock",
	linux.ArgBTFSockCommon:        "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_",
	linux.ArgSocket:               "sock",
	linux.ArgBTFID:                expectBTF,
	linux.ArgPercpuBTFID:          "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_",
	linux.ArgRingbufMem:           "ringbuf_mem",
	linux.ArgDynptr:               "fp, dynptr_ptr",
	linux.ArgFunc:                 "func",
	linux.ArgStack:                "fp",
	linux.ArgConstStr:             "map_value",
	linux.ArgTimer:                "map_value",
	linux.ArgSpinLock:             "map_value, ptr_",
	linux.ArgKptr:                 "map_value, ptr_",
}

// Maps that the calls name, and what helper takes which.
var (
	u32Type = &btf.Int{Name: "unsigned int", Size: 4}
	u64Type = &btf.Int{Name: "unsigned long long", Size: 8}

	lockedValue = &btf.Struct{Name: "locked", Size: 8, Members: []btf.Member{
		{Name: "lock", Type: &btf.Struct{Name: "bpf_spin_lock", Size: 4, Members: []btf.Member{{Name: "val", Type: u32Type}}}},
		{Name: "n", Type: u32Type, Offset: 32},
	}}
	timedValue = &btf.Struct{Name: "timed", Size: 16, Members: []btf.Member{
		{Name: "timer", Type: &btf.Struct{Name: "bpf_timer", Size: 16, Members: []btf.Member{
			{Name: "opaque", Type: &btf.Array{Index: u32Type, Type: u64Type, Nelems: 2}},
		}}},
	}}
	taskValue = &btf.Struct{Name: "tasked", Size: 8, Members: []btf.Member{
		{Name: "task", Type: &btf.Pointer{Target: &btf.TypeTag{Value: "kptr", Type: &btf.Struct{Name: "task_struct", Size: 8}}}},
	}}
	valueOf8 = &btf.Struct{Name: "eight", Size: 8, Members: []btf.Member{{Name: "n", Type: u64Type}}}

	probeMaps = []*bpf.Map{
		{Name: "hash", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4},
		{Name: "array", Type: linux.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1},
		{Name: "readonly", Type: linux.MapArray, KeySize: 4, ValueSize: 64, MaxEntries: 1, Flags: linux.FRdonlyProg},
		{Name: "string", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Flags: linux.FRdonlyProg, Contents: []byte("ab"), Frozen: true},
		{Name: "programs", Type: linux.MapProgArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "events", Type: linux.MapPerfEventArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "percpu", Type: linux.MapPercpuHash, KeySize: 4, ValueSize: 8, MaxEntries: 4},
		{Name: "stacks", Type: linux.MapStackTrace, KeySize: 4, ValueSize: 64, MaxEntries: 4},
		{Name: "cgroups", Type: linux.MapCgroupArray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "devices", Type: linux.MapDevmap, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "sockets", Type: linux.MapSockmap, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "sockhash", Type: linux.MapSockhash, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "reuseport", Type: linux.MapReuseportSockarray, KeySize: 4, ValueSize: 4, MaxEntries: 4},
		{Name: "queue", Type: linux.MapQueue, ValueSize: 8, MaxEntries: 4},
		{Name: "ring", Type: linux.MapRingbuf, MaxEntries: 4096},
		{Name: "userring", Type: linux.MapUserRingbuf, MaxEntries: 4096},
		{Name: "cgroupstorage", Type: linux.MapCgroupStorage, KeySize: 8, ValueSize: 8},
		{Name: "skstorage", Type: linux.MapSkStorage, KeySize: 4, ValueSize: 8, Flags: linux.FNoPrealloc, Key: u32Type, Value: valueOf8},
		{Name: "taskstorage", Type: linux.MapTaskStorage, KeySize: 4, ValueSize: 8, Flags: linux.FNoPrealloc, Key: u32Type, Value: valueOf8},
		{Name: "cgrpstorage", Type: linux.MapCgrpStorage, KeySize: 4, ValueSize: 8, Flags: linux.FNoPrealloc, Key: u32Type, Value: valueOf8},
		{Name: "inodestorage", Type: linux.MapInodeStorage, KeySize: 4, ValueSize: 8, Flags: linux.FNoPrealloc, Key: u32Type, Value: valueOf8},
		{Name: "locked", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Key: u32Type, Value: lockedValue},
		{Name: "timed", Type: linux.MapArray, KeySize: 4, ValueSize: 16, MaxEntries: 1, Key: u32Type, Value: timedValue},
		{Name: "tasked", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1, Key: u32Type, Value: taskValue},
	}

	mapOf = map[linux.HelperID]string{
		linux.FnTailCall: "programs", linux.FnPerfEventRead: "events", linux.FnPerfEventReadValue: "events", linux.FnPerfEventOutput: "events",
		linux.FnSkbOutput: "events", linux.FnXdpOutput: "events", linux.FnMapLookupPercpuElem: "percpu", linux.FnGetStackid: "stacks",
		linux.FnSkbUnderCgroup: "cgroups", linux.FnCurrentTaskUnderCgroup: "cgroups", linux.FnRedirectMap: "devices",
		linux.FnSkRedirectMap: "sockets", linux.FnMsgRedirectMap: "sockets", linux.FnSockMapUpdate: "sockets",
		linux.FnSkRedirectHash: "sockhash", linux.FnMsgRedirectHash: "sockhash", linux.FnSockHashUpdate: "sockhash",
		linux.FnSkSelectReuseport: "reuseport", linux.FnMapPushElem: "queue", linux.FnMapPopElem: "queue", linux.FnMapPeekElem: "queue",
		linux.FnRingbufOutput: "ring", linux.FnRingbufReserve: "ring", linux.FnRingbufQuery: "ring", linux.FnRingbufReserveDynptr: "ring",
		linux.FnUserRingbufDrain: "userring", linux.FnGetLocalStorage: "cgroupstorage", linux.FnSkStorageGet: "skstorage",
		linux.FnSkStorageDelete: "skstorage", linux.FnTaskStorageGet: "taskstorage", linux.FnTaskStorageDelete: "taskstorage",
		linux.FnCgrpStorageGet: "cgrpstorage", linux.FnCgrpStorageDelete: "cgrpstorage", linux.FnInodeStorageGet: "inodestorage",
		linux.FnInodeStorageDelete: "inodestorage", linux.FnTimerInit: "timed",
	}
)

// Where calls find things: r6 is the context, r7 a pointer that was got before
// the call, r8 one into the packet. Memory starts 64 bytes below the frame
// pointer; dynptrs are made 32 bytes lower.
const (
	memoryAt = -64
	dynptrAt = -96
	sliceAt  = -128
)

// start saves the context and writes zeros to the stack.
func start() []bpf.Instruction {
	insns := []bpf.Instruction{mov(6, 1)}
	for off := memoryAt; off < 0; off += 8 {
		insns = append(insns, storeImm(10, off, 0))
	}
	return insns
}

// mapAddress loads a map's address; mapValue that of an array's value.
func (p *prober) mapAddress(r bpf.Register, name string) []bpf.Instruction {
	a := bpf.LoadImm64(r, bpf.PseudoMapIdx, uint64(p.maps[name]))
	return a[:]
}

func (p *prober) mapValue(r bpf.Register, name string, off int) []bpf.Instruction {
	a := bpf.LoadImm64(r, bpf.PseudoMapIdxValue, uint64(p.maps[name])|uint64(off)<<32)
	return a[:]
}

// socketAt has the offset of a socket in the context, and what it gives.
var socketAt = map[linux.ProgramType]int{
	linux.ProgSocketFilter: 168, linux.ProgSchedCLS: 168, linux.ProgSchedACT: 168, linux.ProgCgroupSKB: 168, linux.ProgLWTIn: 168,
	linux.ProgLWTOut: 168, linux.ProgLWTXmit: 168, linux.ProgLWTSeg6local: 168, linux.ProgSkSKB: 168, linux.ProgSockOps: 184,
	linux.ProgSkMsg: 72, linux.ProgCgroupSockAddr: 64, linux.ProgSkReuseport: 40, linux.ProgCgroupSockopt: 0, linux.ProgSkLookup: 0,
}

// unlessNull ends the program where r is null.
func unlessNull(r bpf.Register) []bpf.Instruction {
	return []bpf.Instruction{skipUnless(r, 2), imm(0, 1), exit}
}

// object gets what an argument needs that is no constant into r7; false if that
// can't be had in such programs.
func (p *prober) object(at place, a linux.Arg) ([]bpf.Instruction, bool) {
	switch a.Kind {
	case linux.ArgSockCommon, linux.ArgBTFSockCommon, linux.ArgSocket:
		if off, ok := socketAt[at.t]; ok && a.Flags&linux.ArgRelease == 0 {
			return append([]bpf.Instruction{load(8, 7, 6, off)}, unlessNull(7)...), true
		}
		lookup, _ := linux.HelperByID(linux.FnSkcLookupTcp)
		if !lookup.AllowedIn(at.t, at.a) {
			return nil, false
		}
		insns := []bpf.Instruction{mov(1, 6), mov(2, 10), add(2, memoryAt), imm(3, 12), imm(4, 0), imm(5, 0), call(lookup.ID), mov(7, 0)}
		return append(insns, unlessNull(7)...), true
	case linux.ArgBTFID:
		if a.Type != "task_struct" && a.Type != "" {
			return nil, a.Flags&linux.ArgMaybeNull != 0
		}
		return []bpf.Instruction{call(linux.FnGetCurrentTaskBtf), mov(7, 0)}, true
	case linux.ArgRingbufMem:
		insns := append(p.mapAddress(1, "ring"), imm(2, 8), imm(3, 0), call(linux.FnRingbufReserve), mov(7, 0))
		return append(insns, unlessNull(7)...), true
	case linux.ArgDynptr:
		if a.Flags&linux.ArgUninit != 0 {
			return nil, true
		}
		if a.Flags&linux.ArgDynptrRingbuf != 0 {
			return append(p.mapAddress(1, "ring"), imm(2, 8), imm(3, 0), mov(4, 10), add(4, dynptrAt), call(linux.FnRingbufReserveDynptr)), true
		}
		return append(p.mapValue(1, "array", 0), imm(2, 64), imm(3, 0), mov(4, 10), add(4, dynptrAt), call(linux.FnDynptrFromMem)), true
	case linux.ArgPercpuBTFID:
		return nil, false // this kernel's table of symbols has no variables
	}
	return nil, true
}

// argument puts what an argument wants into a register.
func (p *prober) argument(h linux.Helper, r bpf.Register, a linux.Arg) []bpf.Instruction {
	switch a.Kind {
	case linux.ArgAnything:
		if h.ID == linux.FnLoop && r == 1 {
			return []bpf.Instruction{imm(r, 1)} // with 0 there would be no call back
		}
	case linux.ArgConstMapPtr:
		return p.mapAddress(r, mapFor(h).Name)
	case linux.ArgMapKey, linux.ArgMapValue, linux.ArgMem, linux.ArgStack:
		if h.ID == linux.FnDynptrFromMem {
			return p.mapValue(r, "array", 0) // no stack
		}
		return []bpf.Instruction{mov(r, 10), add(r, memoryAt)}
	case linux.ArgConstSize, linux.ArgConstSizeOrZero, linux.ArgConstAllocSizeOrZero:
		return []bpf.Instruction{imm(r, 8)}
	case linux.ArgCtx:
		return []bpf.Instruction{mov(r, 6)}
	case linux.ArgBTFID:
		if a.Type != "task_struct" {
			return []bpf.Instruction{imm(r, 0)}
		}
		return []bpf.Instruction{mov(r, 7)}
	case linux.ArgSockCommon, linux.ArgBTFSockCommon, linux.ArgSocket, linux.ArgRingbufMem:
		return []bpf.Instruction{mov(r, 7)}
	case linux.ArgDynptr:
		return []bpf.Instruction{mov(r, 10), add(r, dynptrAt)}
	case linux.ArgFunc:
		a := bpf.LoadImm64(r, bpf.PseudoFunc, 0)
		return a[:]
	case linux.ArgConstStr:
		return p.mapValue(r, "string", 0)
	case linux.ArgTimer:
		return p.mapValue(r, "timed", 0)
	case linux.ArgSpinLock:
		return p.mapValue(r, "locked", 0)
	case linux.ArgKptr:
		return p.mapValue(r, "tasked", 0)
	}
	return []bpf.Instruction{imm(r, 0)}
}

// probeCall is a call of a helper in a place.
type probeCall struct {
	*prober
	at    place
	h     linux.Helper
	proto linux.HelperProto
	end   []bpf.Instruction // what comes behind the call
	// unknown are arguments that such programs can't have, from 0.
	unknown map[int]bool
}

// with calls the helper with something else in argument i, -1 for nothing, made
// by instructions that come right before the call.
func (c *probeCall) with(i int, other ...bpf.Instruction) answer { return c.after(nil, i, other...) }

// after does the same with instructions before everything else about the call.
func (c *probeCall) after(before []bpf.Instruction, i int, other ...bpf.Instruction) answer {
	c.t.Helper()
	return c.load(c.at, "GPL", append(c.program(before, i, other...), c.end...)...)
}

// program is all up to the call.
func (c *probeCall) program(before []bpf.Instruction, i int, other ...bpf.Instruction) []bpf.Instruction {
	insns := append(start(), before...)
	if c.h.ID == linux.FnSpinUnlock {
		insns = append(append(insns, c.mapValue(1, "locked", 0)...), call(linux.FnSpinLock))
	}
	for j, a := range c.proto.Args {
		if j != i {
			object, _ := c.object(c.at, a)
			insns = append(insns, object...)
		}
	}
	for j, a := range c.proto.Args {
		switch {
		case j == i:
			insns = append(insns, other...)
		case c.unknown[j]:
			insns = append(insns, imm(bpf.Register(j+1), 0))
		default:
			insns = append(insns, c.argument(c.h, bpf.Register(j+1), a)...)
		}
	}
	return append(insns, call(c.h.ID))
}

// readOnly makes r8 point to memory that may not be written: a slice of a dynptr.
func (p *prober) readOnly() []bpf.Instruction {
	insns := append(p.mapValue(1, "array", 0), imm(2, 64), imm(3, 0), mov(4, 10), add(4, sliceAt), call(linux.FnDynptrFromMem))
	insns = append(insns, mov(1, 10), add(1, sliceAt), imm(2, 0), imm(3, 0), imm(4, 64),
		bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: int32(p.slice)}, mov(8, 0))
	return append(insns, unlessNull(8)...)
}

// refusedAs finds what the kernel says of a register of a wrong kind.
var refusedAs = regexp.MustCompile(`(?m)^R(\d) type=([a-z_0-9]+) expected=(.*)$`)

// kind gives what the kernel expects in argument i, "" if it takes what it got.
func (a answer) kind(i int) string {
	m := refusedAs.FindStringSubmatch(a.log)
	if m == nil || m[1] != fmt.Sprint(i+1) {
		return ""
	}
	return m[3]
}

// reachable reports whether the kernel comes to look at argument i.
func (c *probeCall) reachable(i int) bool {
	for j := range i {
		if c.unknown[j] {
			return false
		}
	}
	return true
}

// tally counts comparisons by name.
type tally map[string]int

func (n tally) String() string {
	var names []string
	for name := range n {
		names = append(names, name)
	}
	slices.Sort(names)
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "\n\t%6d %s", n[name], name)
	}
	return b.String()
}

// TestHelperProtosInKernel calls every helper in places that may call it, all of
// them in a long test, with arguments of the wrong kind, one at a time.
func TestHelperProtosInKernel(t *testing.T) {
	p := newProber(t, probeMaps...)
	counts := tally{}
	asked := map[linux.HelperID]bool{}
	unasked := map[string]int{}
	done, seen := map[linux.ProgramType]bool{}, map[string]int{}
	for _, at := range append(p.places(), p.loadable(targets)...) {
		if done[at.t] && at.a != linux.AttachCgroupInet4Connect && at.a != linux.AttachCgroupSetsockopt && at.target == "" {
			continue
		}
		done[at.t] = true
		for _, h := range linux.Helpers() {
			if !h.AllowedIn(at.t, at.a) || dependsOnKernel[h.ID] {
				continue
			}
			if !mapsAllowed(at, h) {
				continue
			}
			c := &probeCall{prober: p, at: at, h: h, unknown: map[int]bool{}}
			c.proto, _ = h.Proto(at.t)
			same := fmt.Sprint(h.ID, c.proto.Args)
			if seen[same]++; seen[same] > 3 && at.t != linux.ProgXDP && at.t != linux.ProgCgroupSockopt && !require.Long() {
				continue
			}
			if c.proto.Flags&linux.HelperMightSleep != 0 && at.t != linux.ProgSyscall {
				counts["might sleep"]++
				if got := c.with(-1); !strings.Contains(got.log, "helper call might sleep in a non-sleepable prog") {
					t.Errorf("%v %v: the kernel does not mind that it may sleep: %s", at, h.Name, got.reason())
				}
				continue
			}
			for i, a := range c.proto.Args {
				if _, ok := p.object(at, a); !ok {
					c.unknown[i] = true
				}
			}
			for i := range c.proto.Args {
				if !c.reachable(i) {
					unasked[fmt.Sprintf("%v argument %d", h.Name, i+1)]++
					continue
				}
				asked[h.ID] = true
				c.checkKind(t, counts, i)
				c.checkModifiers(t, counts, i)
			}
			if len(c.unknown) == 0 {
				asked[h.ID] = true
				c.checkResult(t, counts)
			} else {
				unasked[h.Name+" result"]++
			}
		}
	}
	for _, h := range linux.Helpers() {
		if !asked[h.ID] {
			unasked[h.Name] = 0
		}
	}
	t.Logf("%d programs, %d helpers; compared:%v", p.loads, len(asked), counts)
	t.Logf("not asked, and in how many places:%v", tally(unasked))
}

// mapsAllowed reports whether such programs may use the maps that a call takes.
func mapsAllowed(at place, h linux.Helper) bool {
	proto, _ := h.Proto(at.t)
	for _, a := range proto.Args {
		traits := at.t.Traits(at.a)
		switch {
		case a.Kind == linux.ArgSpinLock && traits&linux.TraitSpinLock == 0,
			a.Kind == linux.ArgTimer && traits&linux.TraitTimer == 0,
			a.Kind == linux.ArgConstMapPtr && traits&linux.TraitMustSleep != 0 && !mapFor(h).Type.MaySleep():
			return false
		}
	}
	return true
}

// mapFor is the map that calls of the helper name.
func mapFor(h linux.Helper) *bpf.Map {
	name := cmp.Or(mapOf[h.ID], "hash")
	return probeMaps[slices.IndexFunc(probeMaps, func(m *bpf.Map) bool { return m.Name == name })]
}

// checkKind passes a number for a pointer, and a pointer for a number.
func (c *probeCall) checkKind(t *testing.T, counts tally, i int) {
	a, r := c.proto.Args[i], bpf.Register(i+1)
	want := expected[a.Kind]
	var got answer
	switch a.Kind {
	case linux.ArgAnything, linux.ArgConstSize, linux.ArgConstSizeOrZero, linux.ArgConstAllocSizeOrZero:
		got = c.with(i, mov(r, 10))
	default:
		got = c.with(i, imm(r, 1))
	}
	counts["kinds"]++
	if kind := got.kind(i); kind != want {
		t.Errorf("%v %v argument %d: %q here, %q in the kernel: %s", c.at, c.h.Name, i+1, want, kind, got.reason())
	}
}

// checkModifiers asks about what may be passed besides.
func (c *probeCall) checkModifiers(t *testing.T, counts tally, i int) {
	a, r := c.proto.Args[i], bpf.Register(i+1)
	compare := func(what string, want, got bool, a answer) {
		t.Helper()
		counts[what]++
		if want != got {
			t.Errorf("%v %v argument %d, %s: %v here, %v in the kernel: %s", c.at, c.h.Name, i+1, what, want, got, a.reason())
		}
	}
	switch a.Kind {
	case linux.ArgAnything:
		return
	case linux.ArgConstSize, linux.ArgConstSizeOrZero:
		got := c.with(i, imm(r, 0))
		compare("size of zero", a.Kind == linux.ArgConstSizeOrZero, !strings.Contains(got.log, "invalid zero-sized read"), got)
		return
	case linux.ArgConstAllocSizeOrZero:
		got := c.after([]bpf.Instruction{call(linux.FnKtimeGetNs), mov(8, 0)}, i, mov(r, 8))
		compare("size not constant", false, got.ok, got)
		return
	}
	got := c.with(i, imm(r, 0))
	// Memory that may be null must be so with a size of 0 only.
	taken := got.kind(i) == "" || a.Kind == linux.ArgMem && got.kind(i) == "fp"
	compare("null", a.Flags&linux.ArgMaybeNull != 0, taken, got)
	if a.Kind == linux.ArgBTFID && a.Type != "" && a.Type != "task_struct" {
		got = c.after([]bpf.Instruction{call(linux.FnGetCurrentTaskBtf), mov(8, 0)}, i, mov(r, 8))
		compare("structure", true, got.says(fmt.Sprintf("R%d is of type task_struct but %s is expected", r, a.Type)), got)
	}
	if a.Kind != linux.ArgMem && a.Kind != linux.ArgMapValue && a.Kind != linux.ArgMapKey {
		return
	}
	got = c.with(i, c.mapValue(r, "readonly", 0)...)
	compare("read-only map", a.Flags&linux.ArgWrite == 0, !strings.Contains(got.log, "write into map forbidden"), got)
	if c.slice != 0 {
		got = c.after(c.readOnly(), i, mov(r, 8))
		compare("read-only memory", a.Flags&linux.ArgReadOnly != 0, got.kind(i) == "", got)
	}
	if a.Kind != linux.ArgMapKey && c.h.ID != linux.FnDynptrFromMem {
		got = c.with(i, mov(r, 10), add(r, sliceAt))
		compare("not initialised", a.Flags&linux.ArgUninit != 0, strings.Contains(got.log, fmt.Sprintf("fp%d=m", sliceAt)) ||
			strings.Contains(got.log, fmt.Sprintf("fp%d=????m", sliceAt)), got)
	}
	if data, ok := packetAt[c.at.t]; ok {
		traits := c.at.t.Traits(c.at.a)
		got = c.after(data.proven(), i, mov(r, 8))
		compare("packet", traits&linux.TraitAnyPacket != 0 || traits&linux.TraitReadPacket != 0 && c.proto.Flags&linux.HelperPacketAccess != 0,
			!strings.Contains(got.log, "helper access to the packet is not allowed"), got)
	}
	if a.Flags&linux.ArgFixedSize != 0 {
		got = c.with(i, c.mapValue(r, "array", 60)...)
		compare("fixed size", true, a.Size <= 4 || strings.Contains(got.log, fmt.Sprintf("off=60 size=%d", a.Size)), got)
	}
}

// resultText finds what a call left in r0, once it is in r8.
var resultText = regexp.MustCompile(`\bR8(?:_w)?=([a-z_0-9-]+)(\([^)]*\))?`)

// returned are how the kernel calls results.
var returned = map[linux.RetKind]string{
	linux.RetInteger: "scalar", linux.RetMapValue: "map_value", linux.RetSocket: "sock", linux.RetTCPSock: "tcp_sock",
	linux.RetSockCommon: "sock_common", linux.RetMem: "mem", linux.RetBTFID: "ptr_",
	linux.RetXDPSock: "xdp_sock", linux.RetMap: "map_ptr",
}

// resultName is the text of a register that has a result.
func resultName(r linux.Ret) string {
	name := returned[r.Kind]
	if r.Flags&linux.RetRingbuf != 0 {
		name = "ringbuf_" + name
	}
	if r.Flags&linux.RetTrusted != 0 {
		name = "trusted_" + name
	}
	if r.Flags&linux.RetMaybeNull != 0 {
		if r.Kind == linux.RetBTFID {
			name += "or_null_"
		} else {
			name += "_or_null"
		}
	}
	if r.Kind == linux.RetBTFID && r.Type == "" {
		return name + "task_struct" // of the only map with such pointers
	}
	return name + r.Type
}

// checkResult makes a call that is all right, and looks at what it left.
func (c *probeCall) checkResult(t *testing.T, counts tally) {
	got := c.with(-1)
	counts["calls"]++
	if !got.ok {
		t.Errorf("%v %v: %s", c.at, c.h.Name, got.reason())
		return
	}
	c.end = []bpf.Instruction{mov(8, 0)}
	got = c.with(-1)
	c.end = nil
	counts["results"]++
	if c.proto.Ret.Kind == linux.RetVoid {
		if !got.says("R0 !read_ok") {
			t.Errorf("%v %v: nothing is returned here, but in the kernel", c.at, c.h.Name)
		}
	} else if all := resultText.FindAllStringSubmatch(got.log, -1); len(all) == 0 {
		t.Errorf("%v %v: a result here, but not in the kernel: %s", c.at, c.h.Name, got.reason())
	} else {
		last := all[len(all)-1]
		if want := resultName(c.proto.Ret); !sameValue(last[1], want) {
			t.Errorf("%v %v returns %s here, %s in the kernel", c.at, c.h.Name, want, last[1])
		}
		if c.proto.Ret.Kind == linux.RetInteger {
			counts["ranges"]++
			flags := c.proto.Ret.Flags
			if bounded := strings.Contains(last[2], "max="); bounded != (flags&(linux.RetUpToSize|linux.RetCPU) != 0) ||
				flags&linux.RetUpToSize != 0 && !strings.Contains(last[2], "smin=smin32=-4095,smax=smax32=8") {
				t.Errorf("%v %v returns %s in the kernel", c.at, c.h.Name, last[0])
			}
		}
		counts["references"]++
		want := c.proto.Flags&linux.HelperAcquires != 0 || c.proto.Flags&linux.HelperCasts != 0 && c.at.t == linux.ProgXDP
		if ref := strings.Contains(last[2], "ref_obj_id="); ref != want {
			t.Errorf("%v %v: a reference is %v here, %v in the kernel: %s", c.at, c.h.Name, want, ref, last[0])
		}
	}
	if data, ok := packetAt[c.at.t]; ok {
		c.end = []bpf.Instruction{load(1, 0, 8, 0)}
		got = c.after(data.proven(), -1)
		c.end = nil
		counts["packet kept"]++
		if changes := got.says("R8 invalid mem access 'scalar'"); changes != (c.proto.Flags&linux.HelperChangesPacket != 0) {
			t.Errorf("%v %v: that the packet changes is %v in the kernel: %s", c.at, c.h.Name, changes, got.reason())
		}
	}
}

// packetFields say where the context has the packet, in fields of a size.
type packetFields struct{ data, end, size int }

var (
	skbPacketAt = packetFields{76, 80, 4}
	packetAt    = map[linux.ProgramType]packetFields{
		linux.ProgSchedCLS: skbPacketAt, linux.ProgSchedACT: skbPacketAt, linux.ProgCgroupSKB: skbPacketAt, linux.ProgLWTIn: skbPacketAt,
		linux.ProgLWTOut: skbPacketAt, linux.ProgLWTXmit: skbPacketAt, linux.ProgLWTSeg6local: skbPacketAt, linux.ProgSkSKB: skbPacketAt,
		linux.ProgFlowDissector: skbPacketAt, linux.ProgXDP: {0, 4, 4}, linux.ProgSkMsg: {0, 8, 8}, linux.ProgSkReuseport: {0, 8, 8},
		linux.ProgSockOps: {192, 200, 8}, linux.ProgCgroupSockopt: {8, 16, 8},
	}
)

// proven makes r8 point to 64 bytes of the packet.
func (f packetFields) proven() []bpf.Instruction {
	return []bpf.Instruction{
		load(f.size, 8, 6, f.data), load(f.size, 1, 6, f.end), mov(2, 8), add(2, 64),
		{Op: 0xbd, Dst: 2, Src: 1, Off: 2},
		imm(0, 1), exit, // if r2 <= r1 goto +2
	}
}
