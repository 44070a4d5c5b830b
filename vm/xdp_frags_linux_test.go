package vm

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// xdpOps are the helpers of XDP programs, as steps.
var xdpOps = []op{
	{name: "load_bytes", id: linux.FnXdpLoadBytes, prep: memoryR3, args: [4]argument{offsetArg, anyArg, lengthArg}},
	{name: "store_bytes", id: linux.FnXdpStoreBytes, prep: memoryR3, args: [4]argument{offsetArg, anyArg, lengthArg}},
	{name: "get_buff_len", id: linux.FnXdpGetBuffLen},
	{name: "adjust_head", id: linux.FnXdpAdjustHead, args: [4]argument{growArg}},
	{name: "adjust_tail", id: linux.FnXdpAdjustTail, args: [4]argument{growArg}},
	{name: "adjust_tail", id: linux.FnXdpAdjustTail, args: [4]argument{fragArg}},
	{name: "adjust_meta", id: linux.FnXdpAdjustMeta, args: [4]argument{metaArg}},
	{
		name: "write directly",
		code: join(load(4, r1, r6, 0), load(4, r2, r6, 4), move(r3, r1), add(r3, 14), set(r0, -1), jumpIfX(bpf.OpJGT, r3, r2, 2),
			store(8, r1, 3, r5), set(r0, 0)),
	},
}

// TestKernelXDPFrags compares random sequences of helpers on packets in one buffer
// and in several, with metadata and without.
func TestKernelXDPFrags(t *testing.T) {
	h := newHooks(t, Options{})
	p := program(stepProgram(xdpOps, []int{12, 16}, -1, &xdpLayout))
	p.SectionFlags = linux.SecFrags
	there, err := h.kernel.Load(p, kernel.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(there.Close)
	both := hookProgram{h, &Program{h.machine, p, decode(p, h.machine.maps)}, there}
	rng := rand.New(rand.NewPCG(9, 9))
	count := 4000
	if require.Long() {
		count = 100000
	}
	room := frameRoom - frameTail - headroom
	sizes := []int{14, 60, 100, 1500, room - 1, room, room + 1, room + 20, room + fragRoom, room + fragRoom + 1, room + 3*fragRoom + 7, 60000, room + maxFrags*fragRoom}
	for range count {
		r := randomRun(rng, xdpOps)
		r.packet = bytesUpTo(sizes[rng.IntN(len(sizes))])
		for i := range r.steps {
			for j, a := range xdpOps[r.steps[i].op].args {
				r.steps[i].args[j] = a.pick(rng, r.packet)
			}
		}
		metadata := bytesUpTo([]int{0, 0, 0, 4, 32, 216}[rng.IntN(6)])
		if diff := both.differXDP(r, metadata); diff != "" {
			t.Fatalf("%s\n%d bytes of metadata\nkernel (-) and vm (+) differ:\n%s", r.describe(), len(metadata), diff)
		}
	}
}

func (p hookProgram) differXDP(r hookRun, metadata []byte) string {
	p.runs++
	value, key := r.value(), make([]byte, 4)
	if err := p.kernel.Update(0, key, value, 0); err != nil {
		p.t.Fatal(err)
	}
	if err := p.machine.maps[0].Update(key, value, 0); err != nil {
		p.t.Fatal(err)
	}
	data := append(append([]byte{}, metadata...), r.packet...)
	theirs, err := p.there.Run(kernel.Input{Data: data, Context: kernel.XDPContext(len(data), len(metadata), 0, 0)})
	want := left{Err: err, Return: theirs.Return}
	if err == nil {
		want.Data, want.Context = hex.EncodeToString(theirs.Data[theirs.Metadata():]), hex.EncodeToString(theirs.Data[:theirs.Metadata()])
	}
	v, err := p.kernel.Lookup(0, key, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	want.Value = valueText(v)
	out, err := p.here.RunXDP(&Frame{Data: r.packet, Metadata: metadata, IngressIfindex: 1, CPU: p.cpu})
	got := left{Err: err}
	if err == nil {
		got.Return, got.Data, got.Context = out.Verdict, hex.EncodeToString(out.Data()), hex.EncodeToString(out.Metadata())
	}
	v, _ = p.machine.maps[0].Lookup(key)
	got.Value = valueText(v)
	return cmp.Diff(want, got, cmp.Comparer(func(a, b error) bool { return errnoOf(a) == errnoOf(b) }))
}

// TestLinear: a frame whose first buffer is short, as the caller says.
func TestLinear(t *testing.T) {
	prog := join(load(4, r2, r1, 0), load(4, r0, r1, 4), aluX(bpf.OpSub, r0, r2), move(r6, r0),
		call(int32(linux.FnXdpGetBuffLen)), alu(bpf.OpLsh, r6, 16), aluX(bpf.OpOr, r0, r6), exit)
	p := machine(t, prog)
	data := bytesUpTo(9000)
	for _, linear := range []int{0, 14, 100, 9000} {
		out, err := p.RunXDP(&Frame{Data: data, Linear: linear})
		first := linear
		if linear == 0 {
			first = len(data)
		}
		if err != nil || out.Verdict != uint32(first<<16|len(data)) || string(out.Data()) != string(data) {
			t.Errorf("%d bytes in the first buffer: %#x, %v", linear, out.Verdict, err)
		}
	}
	for _, linear := range []int{-1, 9001} {
		if _, err := p.RunXDP(&Frame{Data: data, Linear: linear}); err == nil {
			t.Errorf("%d bytes in the first buffer: no error", linear)
		}
	}
}

// hintsProgram calls a kernel function that takes the context and two pointers into
// a map's value.
func hintsProgram(name string) *bpf.Program {
	p := program(join(valueAt(r2, 0, 0), valueAt(r3, 0, 8), bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: -1}, exit))
	p.Externs = []bpf.ExternRef{{PC: 4, Extern: &bpf.Extern{Name: name}}}
	return p
}

// TestHints are the kernel functions for what a card tells; the kernel runs no
// tests of programs that call them.
func TestHints(t *testing.T) {
	all := &RxHints{Timestamp: 1 << 40, Hash: 0xfeed, HashType: 9, VLANProto: ethP8021Q, VLANTCI: 0x123}
	le := binary.LittleEndian
	for _, c := range []struct {
		name          string
		hints         *RxHints
		want          linux.Errno
		first, second uint64
	}{
		{"bpf_xdp_metadata_rx_timestamp", nil, linux.EOPNOTSUPP, 0, 0},
		{"bpf_xdp_metadata_rx_timestamp", &RxHints{}, linux.ENODATA, 0, 0},
		{"bpf_xdp_metadata_rx_timestamp", all, 0, 1 << 40, 0},
		{"bpf_xdp_metadata_rx_hash", nil, linux.EOPNOTSUPP, 0, 0},
		{"bpf_xdp_metadata_rx_hash", &RxHints{}, linux.ENODATA, 0, 0},
		{"bpf_xdp_metadata_rx_hash", all, 0, 0xfeed, 9},
		{"bpf_xdp_metadata_rx_vlan_tag", nil, linux.EOPNOTSUPP, 0, 0},
		{"bpf_xdp_metadata_rx_vlan_tag", &RxHints{}, linux.ENODATA, 0, 0},
		{"bpf_xdp_metadata_rx_vlan_tag", all, 0, 0x0081, 0x123},
	} {
		m, err := New(&bpf.Object{Maps: []*bpf.Map{results(16)}, Programs: []*bpf.Program{hintsProgram(c.name)}}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		out, err := m.Programs()[0].RunXDP(&Frame{Data: make([]byte, 60), Hints: c.hints})
		value, _ := m.maps[0].Lookup(make([]byte, 4))
		if err != nil || int32(out.Verdict) != -int32(c.want) || le.Uint64(value) != c.first || le.Uint64(value[8:]) != c.second {
			t.Errorf("%s: %d, %x, %v", c.name, int32(out.Verdict), value, err)
		}
	}
}
