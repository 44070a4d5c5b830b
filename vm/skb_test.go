package vm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// skbMachine makes a machine of one program of a type.
func skbMachine(t *testing.T, kind linux.ProgramType, opts Options, insns []bpf.Instruction, maps ...*bpf.Map) *Program {
	t.Helper()
	p := program(insns)
	p.Type = kind
	m, err := New(&bpf.Object{Maps: maps, Programs: []*bpf.Program{p}}, opts)
	if err != nil {
		t.Fatal(err)
	}
	return m.Programs()[0]
}

// ipv4Frame is an Ethernet frame with an IPv4 packet of n bytes.
func ipv4Frame(n int) []byte {
	f := bytesUpTo(ethHeader + n)
	copy(f[12:], []byte{0x08, 0x00, 0x45})
	return f
}

// TestSKBContext: offsets are those of bpf/linux.
func TestSKBContext(t *testing.T) {
	ctx, _ := linux.ContextOf(linux.ProgSchedCLS)
	offsets := map[string]int{
		"len": skbLen, "pkt_type": skbPktType, "mark": skbMark, "queue_mapping": skbQueueMapping, "protocol": skbProtocol,
		"vlan_present": skbVLANPresent, "vlan_tci": skbVLANTCI, "vlan_proto": skbVLANProto, "priority": skbPriority,
		"ingress_ifindex": skbIngressIfindex, "ifindex": skbIfindex, "tc_index": skbTCIndex, "cb": skbCB, "hash": skbHash,
		"tc_classid": skbTCClassID, "data": skbData, "data_end": skbDataEnd, "napi_id": skbNAPIID, "family": skbFamily,
		"remote_ip4": skbRemoteIP4, "local_ip4": skbLocalIP4, "remote_ip6": skbRemoteIP6, "local_ip6": skbLocalIP6,
		"remote_port": skbRemotePort, "local_port": skbLocalPort, "data_meta": skbDataMeta, "flow_keys": skbFlowKeys,
		"tstamp": skbTstamp, "wire_len": skbWireLen, "gso_segs": skbGSOSegs, "sk": skbSk, "gso_size": skbGSOSize,
		"tstamp_type": skbTstampType, "hwtstamp": skbHWTstamp,
	}
	if len(offsets) != len(ctx.Fields) || ctx.Size != skbSize {
		t.Errorf("%d fields, %d bytes, want %d, %d", len(offsets), skbSize, len(ctx.Fields), ctx.Size)
	}
	for name, off := range offsets {
		if f, ok := ctx.Field(name); !ok || f.Offset != off {
			t.Errorf("%s at %d, want %d", name, off, f.Offset)
		}
	}
}

// TestSKBFields: what goes in is what the program sees, and what it writes comes
// out.
func TestSKBFields(t *testing.T) {
	in := SKB{
		Data: ipv4Frame(40), Metadata: []byte("metadata"), Mark: 1, Priority: 2, QueueMapping: 3, TCIndex: 4, TCClassID: 5, PktType: 1,
		VLANProto: ethP8021Q, VLANTCI: 6, IngressIfindex: 7, Ifindex: 8, CB: [5]uint32{9, 10, 11, 12, 13}, Hash: 14, NAPIID: 15,
		Tstamp: 16, HWTstamp: 17, TstampType: 1, WireLen: 100, GSOSegs: 18, GSOSize: 19, GSOType: gsoTCPv4,
	}
	prog := join(move(r6, r1), set(r0, 0))
	for _, c := range []struct{ off, size, want int }{
		{skbMark, 4, 1},
		{skbPriority, 4, 2},
		{skbQueueMapping, 4, 3},
		{skbTCIndex, 4, 4},
		{skbTCClassID, 4, 5},
		{skbPktType, 4, 1},
		{skbVLANPresent, 4, 1},
		{skbVLANProto, 4, 0x81},
		{skbVLANTCI, 4, 6},
		{skbIngressIfindex, 4, 7},
		{skbIfindex, 4, 8},
		{skbCB + 16, 4, 13},
		{skbHash, 4, 14},
		{skbNAPIID, 4, 15},
		{skbTstamp, 8, 16},
		{skbHWTstamp, 8, 17},
		{skbTstampType, 1, 1},
		{skbWireLen, 4, 100},
		{skbGSOSegs, 4, 18},
		{skbGSOSize, 4, 19},
		{skbLen, 4, 54},
		{skbProtocol, 4, 8},
		{skbSk, 8, 0},
	} {
		prog = join(prog, load(c.size, r1, r6, c.off), jumpIf(bpf.OpJEQ, r1, int32(c.want), 2), set(r0, int32(1000+c.off)), exit)
	}
	prog = join(prog, load(4, r1, r6, skbData), load(4, r2, r6, skbDataMeta), aluX(bpf.OpSub, r1, r2), // 8 bytes of metadata
		load(1, r2, r2, 0), alu(bpf.OpLsh, r1, 8), aluX(bpf.OpOr, r1, r2),
		jumpIf(bpf.OpJEQ, r1, 8<<8|'m', 2), set(r0, 2000), exit)
	for off, v := range map[int]int32{skbMark: 101, skbPriority: 102, skbTCIndex: 0x10103, skbTCClassID: 104, skbQueueMapping: 105, skbCB + 4: 106} {
		prog = join(prog, set(r1, v), store(4, r6, off, r1))
	}
	prog = join(prog, storeK(4, r6, skbQueueMapping, -1), storeK(8, r6, skbTstamp, 107), exit)
	o, err := skbMachine(t, linux.ProgSchedCLS, Options{}, prog).RunSKB(&in)
	if err != nil || o.Verdict != 0 {
		t.Fatalf("%d, %v", o.Verdict, err)
	}
	out := o.SKB()
	if out.Mark != 101 || out.Priority != 102 || out.TCIndex != 0x103 || out.TCClassID != 104 || out.QueueMapping != 105 || out.CB[1] != 106 || out.Tstamp != 107 {
		t.Errorf("%+v", out)
	}
	if out.Protocol != ethPIP || out.VLANProto != ethP8021Q || !bytes.Equal(out.Data, in.Data) || !bytes.Equal(out.Metadata, in.Metadata) {
		t.Errorf("%+v", out)
	}
}

// TestSKBWrites: stores that the verifier would not let pass end the run.
func TestSKBWrites(t *testing.T) {
	data := join(load(4, r2, r1, skbData), storeK(1, r2, 0, 1), set(r0, 0), exit)
	field := func(size, off int) []bpf.Instruction { return join(storeK(size, r1, off, 1), set(r0, 0), exit) }
	for _, c := range []struct {
		kind linux.ProgramType
		prog []bpf.Instruction
		want error
	}{
		{linux.ProgSchedCLS, data, nil},
		{linux.ProgLWTXmit, data, nil},
		{linux.ProgCgroupSKB, data, ErrReadOnly},
		{linux.ProgLWTIn, data, ErrReadOnly},
		{linux.ProgSchedCLS, field(4, skbMark), nil},
		{linux.ProgSchedCLS, field(2, skbMark), ErrReadOnly},
		{linux.ProgSchedCLS, field(4, skbLen), ErrReadOnly},
		{linux.ProgSchedCLS, field(4, skbTstamp), ErrReadOnly},
		{linux.ProgCgroupSKB, field(4, skbTCIndex), ErrReadOnly},
		{linux.ProgSocketFilter, field(4, skbMark), ErrReadOnly},
		{linux.ProgSocketFilter, field(1, skbCB+19), nil},
		{linux.ProgSocketFilter, field(2, skbCB+19), ErrReadOnly},
		{linux.ProgSchedCLS, field(8, skbSize), ErrOutOfBounds},
	} {
		if _, err := skbMachine(t, c.kind, Options{}, c.prog).RunSKB(&SKB{Data: ipv4Frame(40)}); !errors.Is(err, c.want) {
			t.Errorf("%s, %s: %v, want %v", c.kind, listing(c.prog[:2]), err, c.want)
		}
	}
}

// TestSKBKinds: where the packet of each type of program begins.
func TestSKBKinds(t *testing.T) {
	length := join(load(4, r0, r1, skbLen), exit)
	frame := ipv4Frame(40)
	for kind := range skbKinds {
		want := frame[ethHeader:]
		if skbKinds[kind].ethernet {
			want = frame
		}
		p := skbMachine(t, kind, Options{}, length)
		for _, metadata := range []string{"", "metadata"} {
			o, err := p.RunSKB(&SKB{Data: frame, Metadata: []byte(metadata)})
			if err != nil || o.Verdict != uint32(len(want)) || !bytes.Equal(o.Data(), want) || !bytes.Equal(o.SKB().Data, frame) ||
				string(o.SKB().Metadata) != metadata {
				t.Errorf("%s: %d, %x, %v", kind, o.Verdict, o.Data(), err)
			}
		}
		if o, err := p.RunSKB(&SKB{Data: frame, WholeFrame: true}); err != nil || !bytes.Equal(o.Data(), frame) {
			t.Errorf("%s, whole frame: %x, %v", kind, o.Data(), err)
		}
		for _, bad := range []SKB{{}, {Data: frame[:13]}, {Data: frame, Metadata: make([]byte, 3)}, {Data: frame, Metadata: make([]byte, 220)}, {Data: frame, CPU: 1}} {
			if _, err := p.RunSKB(&bad); !errors.Is(err, ErrFrame) {
				t.Errorf("%s, %d bytes: %v", kind, len(bad.Data), err)
			}
		}
	}
	if _, err := machine(t, length).RunSKB(&SKB{Data: frame}); !errors.Is(err, ErrFrame) {
		t.Errorf("an XDP program: %v", err)
	}
}

// TestSKBSocket: the socket and what helpers tell of it, and of a packet without.
func TestSKBSocket(t *testing.T) {
	sock := &Socket{
		Local: netip.MustParseAddrPort("192.0.2.1:80"), Remote: netip.MustParseAddrPort("192.0.2.2:1234"), Type: 1, Protocol: 6,
		Cookie: 1001, UID: 1002, CgroupID: 1003, CgroupClassID: 1004,
	}
	for _, c := range []struct {
		helper        linux.HelperID
		with, without uint32
	}{
		{linux.FnGetSocketCookie, 1001, 0},
		{linux.FnGetSocketUid, 1002, overflowUID},
		{linux.FnSkbCgroupId, 1003, 0},
		{linux.FnGetCgroupClassid, 1004, 0},
		{linux.FnSkbCgroupClassid, 1004, 0},
	} {
		p := skbMachine(t, linux.ProgSchedCLS, Options{}, join(call(int32(c.helper)), exit))
		if o, err := p.RunSKB(&SKB{Data: ipv4Frame(40), Socket: sock}); err != nil || o.Verdict != c.with {
			t.Errorf("%s: %d, %v", c.helper, o.Verdict, err)
		}
		if o, err := p.RunSKB(&SKB{Data: ipv4Frame(40)}); err != nil || o.Verdict != c.without {
			t.Errorf("%s without socket: %d, %v", c.helper, o.Verdict, err)
		}
	}
	for _, c := range []struct{ off, size, want int }{
		{sockFamily, 4, afINET}, {sockSrcPort, 4, 80}, {sockDstPort, 2, 0xd204}, {sockProtocol, 4, 6}, {sockSrcIP4, 4, 0x010200c0}, {sockDstIP4, 4, 0x020200c0},
	} {
		prog := join(load(8, r1, r1, skbSk), call(int32(linux.FnSkFullsock)), load(c.size, r0, r0, c.off), exit)
		if o, err := skbMachine(t, linux.ProgCgroupSKB, Options{}, prog).RunSKB(&SKB{Data: ipv4Frame(40), Socket: sock}); err != nil || o.Verdict != uint32(c.want) {
			t.Errorf("bpf_sock at %d: %#x, %v", c.off, o.Verdict, err)
		}
	}
	prog := join(load(4, r0, r1, skbRemotePort), alu(bpf.OpRsh, r0, 16), exit) // as programs shift it
	if o, _ := skbMachine(t, linux.ProgCgroupSKB, Options{}, prog).RunSKB(&SKB{Data: ipv4Frame(40), Socket: sock}); o.Verdict != 0xd204 {
		t.Errorf("remote_port %#x", o.Verdict)
	}
}

// TestSKBRedirect: what redirect helpers leave.
func TestSKBRedirect(t *testing.T) {
	frame := ipv4Frame(40)
	neigh := join(storeK(8, fp, -8, 0), storeK(8, fp, -16, 0), storeK(8, fp, -24, 0), storeK(4, fp, -24, afINET), storeK(4, fp, -20, 0x0100000a),
		set(r1, 5), move(r2, fp), add(r2, -24), set(r3, redirNeighSize), set(r4, 0), call(int32(linux.FnRedirectNeigh)), exit)
	for _, c := range []struct {
		name string
		prog []bpf.Instruction
		ret  uint32
		want Redirect
	}{
		{"redirect", join(set(r1, 5), set(r2, 0), call(int32(linux.FnRedirect)), exit), linux.TCActRedirect, Redirect{Ifindex: 5}},
		{"ingress", join(set(r1, 5), set(r2, 1), call(int32(linux.FnRedirect)), exit), linux.TCActRedirect, Redirect{Ifindex: 5, Ingress: true}},
		{"flags", join(set(r1, 5), set(r2, 2), call(int32(linux.FnRedirect)), exit), linux.TCActShot, Redirect{}},
		{"peer", join(set(r1, 5), set(r2, 0), call(int32(linux.FnRedirectPeer)), exit), linux.TCActRedirect, Redirect{Ifindex: 5, Peer: true}},
		{"neigh", neigh, linux.TCActRedirect, Redirect{Ifindex: 5, Neigh: true, NextHop: netip.MustParseAddr("10.0.0.1")}},
	} {
		o, err := skbMachine(t, linux.ProgSchedCLS, Options{}, c.prog).RunSKB(&SKB{Data: frame})
		if err != nil || o.Verdict != c.ret || o.Redirect() != c.want {
			t.Errorf("%s: %d, %+v, %v", c.name, o.Verdict, o.Redirect(), err)
		}
	}
	twice := join(move(r6, r1), set(r2, 5), set(r3, 0), call(int32(linux.FnCloneRedirect)), load(4, r1, r6, skbData), storeK(1, r1, 0, 0x77),
		move(r1, r6), set(r2, 6), set(r3, 1), call(int32(linux.FnCloneRedirect)), exit)
	p := skbMachine(t, linux.ProgSchedCLS, Options{}, twice)
	o, err := p.RunSKB(&SKB{Data: frame})
	changed := slices.Clone(frame)
	changed[0] = 0x77
	clones := o.Clones()
	if err != nil || len(clones) != 2 || !bytes.Equal(clones[0].Data, frame) || !bytes.Equal(clones[1].Data, changed) ||
		clones[1].Redirect != (Redirect{Ifindex: 6, Ingress: true}) {
		t.Errorf("%+v, %v", clones, err)
	}
}

// TestNoNetwork: without a network nothing is made up.
func TestNoNetwork(t *testing.T) {
	for _, prog := range [][]bpf.Instruction{
		join(move(r2, fp), add(r2, -64), set(r3, 64), set(r4, 0), call(int32(linux.FnFibLookup)), exit),
		join(set(r2, 0), move(r3, fp), add(r3, -4), set(r4, 0), set(r5, 0), call(int32(linux.FnCheckMtu)), exit),
	} {
		if _, err := skbMachine(t, linux.ProgSchedCLS, Options{}, prog).RunSKB(&SKB{Data: ipv4Frame(40)}); !errors.Is(err, ErrNotEmulated) {
			t.Error(err)
		}
	}
}

// TestHash: the same for the packets of a flow, and not for those of another.
func TestHash(t *testing.T) {
	p := skbMachine(t, linux.ProgSchedCLS, Options{}, join(move(r6, r1), call(int32(linux.FnGetHashRecalc)), load(4, r1, r6, skbHash), aluX(bpf.OpSub, r1, r0),
		jumpIf(bpf.OpJEQ, r1, 0, 1), set(r0, 0), exit))
	hash := func(in SKB) uint32 {
		o, err := p.RunSKB(&in)
		if err != nil {
			t.Fatal(err)
		}
		return o.Verdict
	}
	a, b := ipv4Frame(40), ipv4Frame(40)
	b[50]++ // not in addresses or ports
	if hash(SKB{Data: a}) == 0 || hash(SKB{Data: a}) != hash(SKB{Data: b}) {
		t.Error("two packets of a flow differ")
	}
	b[30]++
	if hash(SKB{Data: a}) == hash(SKB{Data: b}) {
		t.Error("another destination has the same hash")
	}
	if got := hash(SKB{Data: a, Hash: 77}); got != 77 {
		t.Errorf("the network card's hash became %d", got)
	}
	for _, n := range []int{14, 20, 33, 34, 37} {
		for _, proto := range []uint16{ethPIP, ethPIPv6, 0x1234} {
			f := bytesUpTo(n)
			binary.BigEndian.PutUint16(f[12:], proto)
			if hash(SKB{Data: f}) == 0 {
				t.Errorf("no hash of %d bytes", n)
			}
		}
	}
}

// TestWrongHook: helpers of one kind of hook in a program of another end the run.
func TestWrongHook(t *testing.T) {
	skb := join(set(r2, 0), call(int32(linux.FnSkbPullData)), exit)
	xdp := join(set(r2, 0), call(int32(linux.FnXdpAdjustHead)), exit)
	if _, err := machine(t, skb).RunXDP(&Frame{Data: make([]byte, 60)}); !errors.Is(err, ErrArgument) {
		t.Errorf("skb helper on XDP: %v", err)
	}
	if _, err := skbMachine(t, linux.ProgSchedCLS, Options{}, xdp).RunSKB(&SKB{Data: ipv4Frame(40)}); !errors.Is(err, ErrArgument) {
		t.Errorf("XDP helper on an skb: %v", err)
	}
}

// TestChain: metadata that an XDP program leaves is the next one's data_meta.
func TestChain(t *testing.T) {
	first := machine(t, join(move(r6, r1), set(r2, -4), call(int32(linux.FnXdpAdjustMeta)), load(4, r1, r6, 8), storeK(4, r1, 0, 0x1234), set(r0, linux.XDPPass), exit))
	o, err := first.RunXDP(&Frame{Data: ipv4Frame(40)})
	if err != nil {
		t.Fatal(err)
	}
	in := o.SKB()
	second := skbMachine(t, linux.ProgSchedCLS, Options{}, join(load(4, r1, r1, skbDataMeta), load(4, r0, r1, 0), exit))
	if o, err = second.RunSKB(&in); err != nil || o.Verdict != 0x1234 {
		t.Errorf("%#x, %v", o.Verdict, err)
	}
}

// TestSKBRandom: helpers in any order, also on packets that no interface has, end in
// no panic and no fault. What they answer is compared in TestKernelSKB.
func TestSKBRandom(t *testing.T) {
	ops := append(append([]op{}, tcOps...), redirectOps...)
	p := skbMachine(t, linux.ProgSchedCLS, Options{}, stepProgram(ops, tcTestFields, -1, &skbLayout),
		&bpf.Map{Name: "steps", Type: linux.MapArray, KeySize: 4, ValueSize: stepValue, MaxEntries: 1})
	rng := rand.New(rand.NewPCG(11, 11))
	for range 5000 {
		r := randomRun(rng, ops)
		in := r.testSKB()
		if rng.IntN(2) == 0 {
			in.GSOSize, in.GSOType = uint16(rng.Uint32()), rng.Uint32()
		}
		for i := range r.steps { // sizes that only segments may have
			if rng.IntN(4) == 0 {
				r.steps[i].args[0] = uint64(rng.IntN(1 << 20))
			}
		}
		if err := p.machine.maps[0].Update(make([]byte, 4), r.value(), linux.Any); err != nil {
			t.Fatal(err)
		}
		o, err := p.RunSKB(&in)
		if err != nil {
			t.Fatalf("%s: %v", r.describe(), err)
		}
		_ = o.SKB()
	}
}

// TestSKBLoop: changing a packet for ever takes no more memory than a few packets.
func TestSKBLoop(t *testing.T) {
	change := func(helper linux.HelperID, a, b int32) []bpf.Instruction {
		return join(move(r1, r6), set(r2, a), set(r3, b), set(r4, 0), call(int32(helper)))
	}
	for name, body := range map[string][]bpf.Instruction{
		"head and tail": join(change(linux.FnSkbChangeHead, 15000, 0), change(linux.FnSkbChangeTail, 200, 0)),
		"room and tail": join(change(linux.FnSkbAdjustRoom, -1000, adjRoomMAC), change(linux.FnSkbChangeTail, 2000, 0)),
		"clones":        change(linux.FnCloneRedirect, 5, 0),
	} {
		prog := join(move(r6, r1), set(r7, 5000), body, add(r7, -1), jumpIf(bpf.OpJNE, r7, 0, int16(-len(body)-2)), set(r0, 0), exit)
		p := skbMachine(t, linux.ProgSchedCLS, Options{}, prog)
		if _, err := p.RunSKB(&SKB{Data: ipv4Frame(2000)}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(p.machine.workers[0].thread.packet.buffer); n > 1<<16 {
			t.Errorf("%s: a buffer of %d bytes", name, n)
		}
	}
}

// TestSKBAllocations: a run on an skb takes no memory of its own.
func TestSKBAllocations(t *testing.T) {
	prog := join(move(r6, r1), storeK(4, r6, skbMark, 7), load(4, r1, r6, skbData), storeK(1, r1, 0, 1),
		move(r1, r6), set(r2, 40), set(r3, 0), set(r4, 0), call(int32(linux.FnSkbAdjustRoom)), set(r0, 0), exit)
	p := skbMachine(t, linux.ProgSchedCLS, Options{}, prog)
	in := &SKB{Data: ipv4Frame(100), Socket: &Socket{Local: netip.MustParseAddrPort("192.0.2.1:80")}}
	run := func() {
		if _, err := p.RunSKB(in); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}
