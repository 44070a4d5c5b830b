package vm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// The value of the map that these tests' programs work with: the steps to take,
// what each returned, memory for helpers, and the context after all of them.
const (
	stepCount   = 4
	stepSize    = 40 // which helper, and r2 to r5
	stepResults = stepCount * stepSize
	stepMemory  = 192 // 256 bytes
	stepFields  = 448
	stepValue   = 1024
	memoryRoom  = 128 // most bytes that a helper works on
)

// step is one helper to call: its index in the list of a program and arguments.
type step struct {
	op   int
	args [4]uint64
}

// hookRun is the input of a run.
type hookRun struct {
	packet   []byte
	steps    []step
	memory   []byte
	in       SKB     // Data is packet
	mac      [6]byte // of the interface
	complete bool    // with BPF_F_TEST_SKB_CHECKSUM_COMPLETE
}

func (r *hookRun) value() []byte {
	v := make([]byte, stepValue)
	for i := range stepCount {
		op := uint64(1 << 32)
		if i < len(r.steps) {
			op = uint64(r.steps[i].op)
			for j, a := range r.steps[i].args {
				binary.LittleEndian.PutUint64(v[i*stepSize+8+8*j:], a)
			}
		}
		binary.LittleEndian.PutUint64(v[i*stepSize:], op)
	}
	copy(v[stepMemory:], r.memory)
	return v
}

// testSKB is the skb that BPF_PROG_TEST_RUN makes of the input: on the loopback
// device, with a socket of its own whose addresses are the packet's.
func (r *hookRun) testSKB() SKB {
	s := r.in
	s.Data = r.packet
	if s.Ifindex == 0 {
		s.Ifindex = 1
	}
	switch to := r.packet[:6]; { // as eth_type_trans has it
	case bytes.Equal(to, r.mac[:]):
	case to[0]&1 != 0:
		s.PktType = 2
	default:
		s.PktType = 3
	}
	if r.complete {
		s.Checksum = ChecksumComplete
	}
	sock := &Socket{State: 7, RxQueueMapping: -1}
	at := func(off, n int) netip.AddrPort {
		b := make([]byte, n)
		if len(r.packet) >= off+n {
			copy(b, r.packet[off:])
		}
		a, _ := netip.AddrFromSlice(b)
		return netip.AddrPortFrom(a, 0)
	}
	whole := func(n int) int {
		if len(r.packet) < ethHeader+n {
			return 1 << 20
		}
		return ethHeader
	}
	switch etherType(r.packet[12:], r.packet[14:]) {
	case ethPIP:
		start := whole(ipv4Size)
		sock.Local, sock.Remote = at(start+12, 4), at(start+16, 4)
	case ethPIPv6:
		start := whole(ipv6Size)
		sock.Local, sock.Remote = at(start+8, 16), at(start+24, 16)
	}
	s.Socket = sock
	return s
}

func (r *hookRun) describe() string {
	in := r.in
	in.Data = nil
	return fmt.Sprintf("%d bytes %x\nsteps %+v\ncomplete %v in %+v", len(r.packet), r.packet[:min(80, len(r.packet))], r.steps, r.complete, in)
}

// op is a helper as a step may call it: what to do with the arguments first. r6
// is the context; r1 to r5 are set to it and the step's arguments.
type op struct {
	name string
	id   linux.HelperID
	prep []bpf.Instruction
	// args are where its arguments come from; any by default.
	args [4]argument
	code []bpf.Instruction // instead of a helper, leaving its result in r0
}

// stepProgram does the steps, then writes down what the fields of the context are.
// It ends with verdict, or what the last step returned if verdict is -1.
func stepProgram(ops []op, fields []int, verdict int32, layout *contextLayout) []bpf.Instruction {
	prog := join(move(r6, r1))
	for i := range stepCount {
		at := func(dst bpf.Register, off int) [2]bpf.Instruction { return valueAt(dst, 0, uint32(i*stepSize+off)) }
		var bodies [][]bpf.Instruction
		for _, o := range ops {
			body := join(at(r9, 0), load(8, r2, r9, 8), load(8, r3, r9, 16), load(8, r4, r9, 24), load(8, r5, r9, 32))
			body = join(body, o.prep)
			if o.code != nil {
				body = join(body, o.code)
			} else {
				body = join(body, move(r1, r6), call(int32(o.id)))
			}
			bodies = append(bodies, body)
		}
		prog = join(prog, dispatch(at(r9, 0), bodies), valueAt(r9, 0, uint32(stepResults+8*i)), store(8, r9, 0, r0))
	}
	prog = join(prog, store(8, fp, -8, r0), valueAt(r9, 0, stepFields))
	slot := 0
	note := func(code ...any) {
		prog = join(prog, join(code...), store(8, r9, 8*slot, r1))
		slot++
	}
	for _, f := range fields {
		switch f {
		case skbTstamp, skbHWTstamp, skbCB:
			note(load(8, r1, r6, f))
		case skbTstampType:
			note(load(1, r1, r6, f))
		default:
			note(load(4, r1, r6, f))
		}
	}
	if layout != nil {
		note(load(4, r1, r6, int(layout.end)), load(4, r2, r6, int(layout.data)), aluX(bpf.OpSub, r1, r2))
	}
	if layout == &xdpLayout {
		note(load(4, r1, r6, int(layout.data)), load(4, r2, r6, int(layout.meta)), aluX(bpf.OpSub, r1, r2))
	}
	if verdict >= 0 {
		return join(prog, set(r0, verdict), exit)
	}
	return join(prog, load(8, r0, fp, -8), exit)
}

// dispatch runs the body whose index is at an address; r0 is 0 without one.
func dispatch(index [2]bpf.Instruction, bodies [][]bpf.Instruction) []bpf.Instruction {
	length := 0 // of all behind the first two
	for _, b := range bodies {
		length += len(b) + 2
	}
	prog := join(set(r0, 0), index, load(8, r8, index[0].Dst, 0))
	for i, b := range bodies {
		length -= len(b) + 2
		prog = join(prog, jumpIf(bpf.OpJNE, r8, int32(i), int16(len(b)+1)), b, jump(int16(length)))
	}
	return prog
}

// argument is a kind of values to choose from.
type argument int

const (
	anyArg argument = iota
	offsetArg
	lengthArg
	flagsArg
	smallArg
	protoArg
	growArg
	sizeArg // of a checksum's field, with flags
	roomFlagsArg
	bitArg
	l3SizeArg
	keySizeArg
	keyFlagsArg
	legacyArg
	fragArg
	metaArg
)

var interesting = []uint64{
	0, 1, 2, 3, 4, 7, 8, 0xff, 0x100, 0x7fff, 0x8000, 0xfffe, 0xffff, 0x10000, 0x10001, 0x7fffffff, 0x80000000, 0xffffffff,
	1 << 32, 1<<63 - 1, 1 << 63, 1<<64 - 1,
}

func (a argument) pick(rng *rand.Rand, packet []byte) uint64 {
	n := len(packet)
	some := func(list ...int) uint64 { return uint64(int64(list[rng.IntN(len(list))])) }
	if rng.IntN(30) == 0 {
		a = anyArg
	}
	switch a {
	case offsetArg:
		if rng.IntN(3) == 0 {
			return some(0, 2, 12, 14, 24, 34, 40, 50, n-15, n-14, n-3, n-2, n-1, n, n+1, 0xffff, -1)
		}
		return uint64(rng.IntN(n + 2))
	case lengthArg:
		return some(1, 2, 3, 4, 6, 8, 13, 16, 20, 40, memoryRoom)
	case flagsArg:
		return some(0, 0, 0, 1, 2, 3, 4)
	case smallArg:
		return uint64(rng.IntN(6))
	case protoArg:
		if rng.IntN(2) == 0 {
			return []uint64{0xdd86, 0x0008}[packet[12]>>1&1] // mostly the other one
		}
		return some(0x0008, 0xdd86, 0x0081, 0xa888, 0x0608, 0)
	case growArg:
		return some(0, 1, 4, 8, 14, 18, 20, 28, 40, 50, 66, 100, 128, 200, 500, 2000, 4095, 4096, -1, -4, -14, -20, -28, -40, -66, -4095, -4096, n, -n, n-14, 14-n)
	case legacyArg:
		if rng.IntN(4) == 0 {
			return some(0, 14, n, -1, -0x1000, -0x1001, -0x100000, -0x100001, -0x200000, -0x200001) + uint64(rng.IntN(40))
		}
		return uint64(rng.IntN(n))
	case fragArg:
		k := rng.IntN(5)*fragRoom + 3520
		return some(k-n, k-n-1, k-n+1, -n, 13-n, 14-n, 1, 7, 100, 1000, 2000, 3000)
	case metaArg:
		return some(-4, -8, -32, -100, 4, 8, -216, -252, -256, 3)
	case bitArg:
		return some(0, 1, 0, 1, 0, 1, 2)
	case l3SizeArg:
		return some(0, 2, 4, 2, 4, 3)
	case keySizeArg:
		return some(tunnelSize, 8, 22, 24, 28, 21)
	case keyFlagsArg:
		return some(0, 1, 16, 17, 0, 1, 16, 17, 2)
	case sizeArg:
		v := some(0, 2, 4, 4, 2, 3, 8)
		for _, flag := range []uint64{linux.FPseudoHdr, linux.FMarkMangled0, linux.FMarkEnforce, linux.FIPv6} {
			if rng.IntN(4) == 0 {
				v |= flag
			}
		}
		return v
	case roomFlagsArg:
		v := uint64(0)
		for range rng.IntN(5) {
			v |= 1 << rng.IntN(9)
		}
		if rng.IntN(6) == 0 {
			v |= uint64(rng.IntN(256)) << encapL2At
		}
		return v
	}
	switch rng.IntN(4) {
	case 0:
		return rng.Uint64()
	case 1:
		return uint64(rng.Uint32())
	case 2:
		return uint64(rng.IntN(n + 64))
	}
	return interesting[rng.IntN(len(interesting))]
}

// testPacket makes a packet of some kind.
func testPacket(rng *rand.Rand) []byte {
	sizes := []int{14, 15, 16, 18, 20, 22, 30, 33, 34, 42, 54, 60, 62, 64, 74, 100, 128, 590, 1500, 3712}
	n := sizes[rng.IntN(len(sizes))]
	if rng.IntN(4) == 0 {
		n = 14 + rng.IntN(200)
	}
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(rng.Uint32())
	}
	if rng.IntN(3) == 0 {
		clear(p[:6])
	}
	at := 12
	put := func(off int, b ...byte) {
		if off < n {
			copy(p[off:], b)
		}
	}
	for rng.IntN(4) == 0 {
		put(at, 0x81, 0x00)
		if rng.IntN(3) == 0 {
			put(at, 0x88, 0xa8)
		}
		at += 4
	}
	switch rng.IntN(12) {
	case 0: // as it is
	case 1:
		put(at, byte(rng.IntN(6)), byte(rng.Uint32()), 0xff, 0xff)
	case 2, 3, 4, 5, 6:
		put(at, 0x86, 0xdd, 0x60)
		put(at+8, []byte{6, 17, 44, 0, 59, 58}[rng.IntN(6)])
	default:
		put(at, 0x08, 0x00, 0x45)
		put(at+2+6, byte([]int{0, 0, 0x40, 0x20}[rng.IntN(4)]), byte(rng.IntN(2)))
		put(at+2+9, []byte{6, 17, 1, 47}[rng.IntN(4)])
	}
	// A test run refuses IP packets without a whole header.
	switch kind := etherType(p[12:], p[14:]); {
	case kind == ethPIP && n < ethHeader+ipv4Size, kind == ethPIPv6 && n < ethHeader+ipv6Size:
		p[12], p[13] = 0x08, 0x06
	}
	return p
}

// randomRun makes a run of some steps.
func randomRun(rng *rand.Rand, ops []op) hookRun {
	r := hookRun{packet: testPacket(rng), memory: make([]byte, memoryRoom), complete: rng.IntN(3) == 0}
	for i := range r.memory {
		r.memory[i] = byte(rng.Uint32())
	}
	for range 1 + rng.IntN(stepCount) {
		s := step{op: rng.IntN(len(ops))}
		for i, a := range ops[s.op].args {
			s.args[i] = a.pick(rng, r.packet)
		}
		r.steps = append(r.steps, s)
	}
	r.in.Mark, r.in.Priority = rng.Uint32(), rng.Uint32()
	r.in.IngressIfindex = uint32(rng.IntN(5))
	for i := range r.in.CB {
		r.in.CB[i] = rng.Uint32()
	}
	if rng.IntN(2) == 0 {
		r.in.Tstamp, r.in.HWTstamp = rng.Uint64()>>1, rng.Uint64()>>1
	}
	if rng.IntN(4) == 0 {
		r.in.WireLen = uint32(len(r.packet) + rng.IntN(2000))
	}
	if rng.IntN(6) == 0 {
		r.in.GSOSegs, r.in.GSOSize = uint16(rng.IntN(100)), uint16(1+rng.IntN(1500))
	}
	return r
}

// aLength makes r4, the size of memory, one that the kernel's verifier lets pass.
var aLength = join(alu(bpf.OpAnd, r4, memoryRoom-1), jumpIf(bpf.OpJNE, r4, 0, 1), set(r4, memoryRoom))

var memoryR3 = join(valueAt(r3, 0, stepMemory), aLength)

// Helpers that copy, by the types of programs that have them.
var (
	loadOp  = op{name: "load_bytes", id: linux.FnSkbLoadBytes, prep: memoryR3, args: [4]argument{offsetArg, anyArg, lengthArg}}
	relOp   = op{name: "load_bytes_relative", id: linux.FnSkbLoadBytesRelative, prep: memoryR3, args: [4]argument{offsetArg, anyArg, lengthArg, bitArg}}
	storeOp = op{name: "store_bytes", id: linux.FnSkbStoreBytes, prep: memoryR3, args: [4]argument{offsetArg, anyArg, lengthArg, flagsArg}}
	pullOp  = op{name: "pull_data", id: linux.FnSkbPullData, args: [4]argument{offsetArg}}
	diffOp  = op{
		name: "csum_diff",
		code: join(
			valueAt(r1, 0, stepMemory), alu(bpf.OpAnd, r2, 0x3c), valueAt(r3, 0, stepMemory+64), alu(bpf.OpAnd, r4, 0x3c),
			call(int32(linux.FnCsumDiff)),
		),
	}
	l3Op     = op{name: "l3_csum_replace", id: linux.FnL3CsumReplace, args: [4]argument{offsetArg, anyArg, anyArg, l3SizeArg}}
	l4Op     = op{name: "l4_csum_replace", id: linux.FnL4CsumReplace, args: [4]argument{offsetArg, anyArg, anyArg, sizeArg}}
	tailOp   = op{name: "change_tail", id: linux.FnSkbChangeTail, args: [4]argument{growArg, flagsArg}}
	headOp   = op{name: "change_head", id: linux.FnSkbChangeHead, args: [4]argument{growArg, flagsArg}}
	updateOp = op{
		name: "csum_update",
		// The sum is compared by its checksum: the kernel's representation of 32
		// bits may differ from a sum over the whole.
		code: join(move(r1, r6), call(int32(linux.FnCsumUpdate)), jumpIf(bpf.OpJSLT, r0, 0, 5),
			move(r1, r0), alu(bpf.OpRsh, r1, 16), alu(bpf.OpAnd, r0, 0xffff), aluX(bpf.OpAdd, r0, r1),
			alu(bpf.OpMod, r0, 0xffff)),
	}
	levelOp   = op{name: "csum_level", id: linux.FnCsumLevel, args: [4]argument{smallArg}}
	hashOp    = op{name: "set_hash", id: linux.FnSetHash}
	noHashOp  = op{name: "set_hash_invalid", id: linux.FnSetHashInvalid}
	hashNowOp = op{
		name: "set_hash, get_hash_recalc",
		code: join(move(r1, r6), call(int32(linux.FnSetHash)), move(r1, r6), call(int32(linux.FnGetHashRecalc))),
	}
	tunnelOp = op{
		name: "set_tunnel_key, get_tunnel_key",
		code: join(
			store(8, fp, -16, r2), store(8, fp, -24, r5),
			valueAt(r2, 0, stepMemory), alu(bpf.OpAnd, r3, 63), jumpIf(bpf.OpJNE, r3, 0, 1), set(r3, tunnelSize),
			// Mostly without what is refused.
			load(1, r1, r2, 0), jumpIf(bpf.OpJLT, r1, 20, 1), storeK(2, r2, tunnelFlags, 0),
			move(r1, r4), alu(bpf.OpAnd, r1, 1), jumpIf(bpf.OpJNE, r1, 0, 1), storeK(4, r2, tunnelLabel, 0),
			move(r1, r6), call(int32(linux.FnSkbSetTunnelKey)), move(r7, r0),
			valueAt(r2, 0, stepMemory+64), load(8, r3, fp, -16), alu(bpf.OpAnd, r3, 63), jumpIf(bpf.OpJNE, r3, 0, 1), set(r3, tunnelSize),
			load(8, r4, fp, -24), move(r1, r6), call(int32(linux.FnSkbGetTunnelKey)), alu(bpf.OpLsh, r7, 16), aluX(bpf.OpAdd, r0, r7),
		),
		args: [4]argument{keySizeArg, keySizeArg, smallArg, keyFlagsArg},
	}
)

// legacy are loads that end the program when they miss.
var legacy = []op{
	legacyOp(bpf.SizeB, 0), legacyOp(bpf.SizeH, 0), legacyOp(bpf.SizeW, 0), legacyOp(bpf.SizeW, 3),
	legacyOp(bpf.SizeW, -0x100000), legacyOp(bpf.SizeH, -0x200000), legacyOp(bpf.SizeB, -0x1000),
	{name: "ld_abs", code: join(bpf.Instruction{Op: bpf.ClassLD | bpf.ModeABS | bpf.SizeH, Imm: 12})},
	{name: "ld_abs of the network header", code: join(bpf.Instruction{Op: bpf.ClassLD | bpf.ModeABS | bpf.SizeW, Imm: -0x100000 + 8})},
	{name: "ld_abs of the link-layer header", code: join(bpf.Instruction{Op: bpf.ClassLD | bpf.ModeABS | bpf.SizeH, Imm: -0x200000 + 12})},
}

func legacyOp(size uint8, off int32) op {
	return op{
		name: fmt.Sprintf("ld_ind size %#x at %d", size, off),
		code: join(bpf.Instruction{Op: bpf.ClassLD | bpf.ModeIND | size, Src: r2, Imm: off}),
		args: [4]argument{legacyArg},
	}
}

var tcOps = []op{
	loadOp, relOp, storeOp, pullOp, diffOp, l3Op, l4Op, tailOp, headOp, updateOp, levelOp, hashOp, noHashOp, hashNowOp,
	tunnelOp,
	{name: "change_proto", id: linux.FnSkbChangeProto, args: [4]argument{protoArg, flagsArg}},
	{name: "change_type", id: linux.FnSkbChangeType, args: [4]argument{smallArg}},
	{name: "adjust_room", id: linux.FnSkbAdjustRoom, args: [4]argument{growArg, bitArg, bitArg}},
	{name: "adjust_room", id: linux.FnSkbAdjustRoom, args: [4]argument{growArg, bitArg, roomFlagsArg}},
	{name: "vlan_push", id: linux.FnSkbVlanPush, args: [4]argument{protoArg}},
	{name: "vlan_push", id: linux.FnSkbVlanPush, args: [4]argument{protoArg}},
	{name: "vlan_pop", id: linux.FnSkbVlanPop},
	{name: "vlan_pop", id: linux.FnSkbVlanPop},
	{name: "mark", code: join(store(4, r6, skbMark, r2), set(r0, 0))},
	{name: "priority", code: join(store(4, r6, skbPriority, r2), set(r0, 0))},
	{name: "queue_mapping", code: join(store(4, r6, skbQueueMapping, r2), set(r0, 0))},
	{name: "tc_index", code: join(store(4, r6, skbTCIndex, r2), set(r0, 0))},
	{name: "tc_classid", code: join(store(4, r6, skbTCClassID, r2), set(r0, 0))},
	{name: "tstamp", code: join(store(8, r6, skbTstamp, r2), set(r0, 0))},
	{name: "cb", code: join(store(8, r6, skbCB, r2), store(1, r6, skbCB+9, r3), store(2, r6, skbCB+14, r4), store(4, r6, skbCB+16, r5), set(r0, 0))},
}

var (
	commonFields = []int{
		skbLen, skbPktType, skbMark, skbQueueMapping, skbProtocol, skbVLANPresent, skbVLANTCI, skbVLANProto, skbPriority,
		skbIngressIfindex, skbIfindex, skbTCIndex, skbCB, skbCB + 4, skbCB + 8, skbCB + 12, skbCB + 16, skbHash, skbNAPIID,
		skbGSOSegs, skbGSOSize,
	}
	tcTestFields = append(append([]int{}, commonFields...), skbTCClassID, skbWireLen, skbTstamp, skbHWTstamp, skbTstampType)
	cgTestFields = append(append([]int{}, commonFields...), skbTstamp, skbHWTstamp, skbFamily, skbRemoteIP4, skbLocalIP4,
		skbRemoteIP6, skbRemoteIP6+4, skbRemoteIP6+8, skbRemoteIP6+12, skbLocalIP6, skbLocalIP6+4, skbLocalIP6+8, skbLocalIP6+12,
		skbRemotePort, skbLocalPort)
)

// sockOp reads what skb->sk is.
func sockOp() []bpf.Instruction {
	fields := []int{
		sockBound, sockFamily, sockType, sockProtocol, sockMark, sockPriority, sockSrcIP4, sockSrcIP6, sockSrcIP6 + 12,
		sockSrcPort, sockDstPort, sockDstIP4, sockDstIP6, sockDstIP6 + 12, sockState, sockRxQueue,
	}
	body := join(move(r1, r0), valueAt(r9, 0, stepMemory))
	for i, f := range fields {
		size := 4
		if f == sockDstPort {
			size = 2
		}
		// The kernel gives a queue of -1 in 64 bits; what a program of C sees is
		// the lower 32.
		body = join(body, load(size, r2, r1, f), store(4, r9, 8*i, r2))
	}
	full := join(move(r1, r0), call(int32(linux.FnSkFullsock)), jumpIf(bpf.OpJEQ, r0, 0, int16(len(body))), body)
	return join(load(8, r0, r6, skbSk), jumpIf(bpf.OpJEQ, r0, 0, int16(len(full))), full, set(r0, 5))
}

var redirectOps = []op{
	{name: "redirect", code: join(move(r1, r2), move(r2, r3), call(int32(linux.FnRedirect)))},
	{name: "redirect_peer", code: join(move(r1, r2), move(r2, r3), call(int32(linux.FnRedirectPeer)))},
	{
		name: "redirect_neigh",
		code: join(move(r1, r2), move(r4, r3), valueAt(r2, 0, stepMemory), set(r3, redirNeighSize), call(int32(linux.FnRedirectNeigh))),
	},
	{name: "clone_redirect", id: linux.FnCloneRedirect},
}
