package vm

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// hooks runs programs on packets here and in the kernel and compares all that they
// leave: verdict, packet, context and the map.
type hooks struct {
	t       *testing.T
	kernel  *kernel.Kernel
	cpu     int
	machine *Machine
	runs    int
}

func newHooks(t *testing.T, opts Options) *hooks {
	t.Helper()
	def := &bpf.Map{Name: "steps", Type: linux.MapArray, KeySize: 4, ValueSize: stepValue, MaxEntries: 1}
	k, cpu := newKernel(t, def)
	opts.CPUs = k.CPUs()
	obj := &bpf.Object{ByteOrder: binary.LittleEndian, Maps: []*bpf.Map{def}, Programs: []*bpf.Program{program(join(exit))}}
	m, err := New(obj, opts)
	if err != nil {
		t.Fatal(err)
	}
	h := &hooks{t: t, kernel: k, cpu: cpu, machine: m}
	t.Cleanup(func() { t.Logf("%d runs compared", h.runs) })
	return h
}

// hookProgram is a program on both sides.
type hookProgram struct {
	*hooks
	here  *Program
	there *kernel.Program
}

func (h *hooks) load(kind linux.ProgramType, insns []bpf.Instruction) hookProgram {
	h.t.Helper()
	p := program(insns)
	p.Type, p.Section = kind, kind.String()
	there, err := h.kernel.Load(p, kernel.LoadOptions{})
	if err != nil {
		h.t.Fatalf("%s: %v", kind, err)
	}
	h.t.Cleanup(there.Close)
	return hookProgram{h, &Program{h.machine, p, decode(p, h.machine.maps)}, there}
}

// context is what BPF_PROG_TEST_RUN takes of the fields of an skb; it refuses a
// context with any other set.
func (r *hookRun) context() []byte {
	c := make([]byte, skbSize)
	word := binary.LittleEndian.PutUint32
	word(c[skbMark:], r.in.Mark)
	word(c[skbPriority:], r.in.Priority)
	word(c[skbIngressIfindex:], r.in.IngressIfindex)
	word(c[skbIfindex:], r.in.Ifindex)
	for i, v := range r.in.CB {
		word(c[skbCB+4*i:], v)
	}
	binary.LittleEndian.PutUint64(c[skbTstamp:], r.in.Tstamp)
	word(c[skbWireLen:], r.in.WireLen)
	word(c[skbGSOSegs:], uint32(r.in.GSOSegs))
	word(c[skbGSOSize:], uint32(r.in.GSOSize))
	binary.LittleEndian.PutUint64(c[skbHWTstamp:], r.in.HWTstamp)
	return c
}

// What BPF_PROG_TEST_RUN gives back of the context.
var contextBack = []int{skbMark, skbPriority, skbIngressIfindex, skbCB, skbTstamp, skbWireLen, skbGSOSegs, skbHWTstamp}

// left is what a run left.
type left struct {
	Err     error
	Return  uint32
	Data    string
	Context string
	Value   string
}

func (p hookProgram) differ(r hookRun) string {
	p.runs++
	value := r.value()
	if err := p.kernel.Update(0, make([]byte, 4), value, 0); err != nil {
		p.t.Fatal(err)
	}
	if err := p.machine.maps[0].Update(make([]byte, 4), value, 0); err != nil {
		p.t.Fatal(err)
	}
	return cmp.Diff(p.inKernel(r), p.inVM(r), cmp.Comparer(func(a, b error) bool { return errnoOf(a) == errnoOf(b) }))
}

func (p hookProgram) inKernel(r hookRun) left {
	in := kernel.Input{Data: r.packet, Context: r.context()}
	if r.complete {
		in.Flags = linux.FTestSKBChecksumComplete
	}
	out, err := p.there.Run(in)
	l := left{Err: err, Return: out.Return}
	if err == nil {
		if !skbKinds[p.here.prog.Type].ethernet {
			out.Data = out.Data[ethHeader:] // zeros, put before it
		}
		l.Data, l.Context = hex.EncodeToString(out.Data), fieldsText(out.Context)
	}
	v, err := p.kernel.Lookup(0, make([]byte, 4), 0)
	if err != nil {
		p.t.Fatal(err)
	}
	l.Value = valueText(v)
	return l
}

func (p hookProgram) inVM(r hookRun) left {
	in := r.testSKB()
	in.CPU = p.cpu
	out, err := p.here.RunSKB(&in)
	if err != nil {
		return left{Err: err}
	}
	l := left{Return: out.Verdict}
	if s := &p.machine.workers[0].thread.packet.skb; r.complete && !s.sumHolds() {
		l.Err, l.Return = linux.EBADMSG, 0
	} else {
		l.Data, l.Context = hex.EncodeToString(out.Data()), fieldsText(s.region.data)
	}
	v, err := p.machine.maps[0].Lookup(make([]byte, 4))
	if err != nil {
		p.t.Fatal(err)
	}
	l.Value = valueText(v)
	return l
}

// sumHolds is what BPF_PROG_TEST_RUN checks at the end of a run.
func (s *skb) sumHolds() bool {
	packet := s.packet.from(s.packet.data + s.networkOffset())
	return checksumFold(s.sum) == checksumFold(checksumPartial(packet, 0))
}

func fieldsText(ctx []byte) string {
	var b strings.Builder
	for _, off := range contextBack {
		n := 4
		switch off {
		case skbTstamp, skbHWTstamp:
			n = 8
		case skbCB:
			n = 20
		}
		fmt.Fprintf(&b, "%d:%x ", off, ctx[off:off+n])
	}
	return b.String()
}

func valueText(v []byte) string {
	var b strings.Builder
	for i := range stepCount {
		fmt.Fprintf(&b, "result %d: %#x\n", i, binary.LittleEndian.Uint64(v[stepResults+8*i:]))
	}
	fmt.Fprintf(&b, "memory %x\n", v[stepMemory:stepFields])
	for off := stepFields; off < len(v); off += 8 {
		if w := binary.LittleEndian.Uint64(v[off:]); w != 0 {
			fmt.Fprintf(&b, "field %d: %#x\n", (off-stepFields)/8, w)
		}
	}
	return b.String()
}

// TestKernelSKB compares random sequences of helpers on random packets, for each
// type of program.
//
// Not compared, because the kernel does not let it: bpf_get_hash_recalc of a packet
// without a hash (its key is random), bpf_get_socket_cookie, bpf_skb_cgroup_id (what
// the run's own socket has), data_meta, which no test run has any of, and programs of type
// lwt_seg6local, which the kernel runs no tests of.
func TestKernelSKB(t *testing.T) {
	filterOps := append([]op{loadOp, relOp, {name: "uid", id: linux.FnGetSocketUid}}, legacy...)
	tcOps := append(append([]op{}, tcOps...), legacy...)
	cgroupOps := []op{
		loadOp, relOp,
		{name: "mark", code: join(store(4, r6, skbMark, r2), set(r0, 0))},
		{name: "priority", code: join(store(4, r6, skbPriority, r2), set(r0, 0))},
		{name: "tstamp", code: join(store(8, r6, skbTstamp, r2), set(r0, 0))},
		{name: "uid", id: linux.FnGetSocketUid},
		{name: "sock", code: sockOp()},
	}
	lwtOps := []op{
		loadOp, pullOp, diffOp,
		{name: "mark", code: join(store(4, r6, skbMark, r2), set(r0, 0))},
		{name: "route realm", id: linux.FnGetRouteRealm},
	}
	xmitOps := append(append([]op{}, lwtOps...), storeOp, l3Op, l4Op, tailOp, headOp, updateOp, levelOp, noHashOp, tunnelOp)
	for _, c := range []struct {
		kind    linux.ProgramType
		ops     []op
		fields  []int
		verdict int32
		layout  *contextLayout
		count   int
	}{
		{linux.ProgSchedCLS, tcOps, tcTestFields, -1, &skbLayout, 12000},
		{linux.ProgSchedACT, tcOps, tcTestFields, 2, &skbLayout, 2000},
		{linux.ProgSocketFilter, filterOps, commonFields, -1, nil, 1500},
		{linux.ProgCgroupSKB, cgroupOps, cgTestFields, 1, &skbLayout, 2000},
		{linux.ProgLWTIn, lwtOps, commonFields, -1, &skbLayout, 1500},
		{linux.ProgLWTOut, lwtOps, commonFields, -1, &skbLayout, 1500},
		{linux.ProgLWTXmit, xmitOps, commonFields, -1, &skbLayout, 5000},
	} {
		t.Run(c.kind.String(), func(t *testing.T) {
			h := newHooks(t, Options{})
			p := h.load(c.kind, stepProgram(c.ops, c.fields, c.verdict, c.layout))
			rng := rand.New(rand.NewPCG(7, uint64(c.kind)))
			count := c.count
			if require.Long() {
				count *= 50
			}
			bad := 0
			worked, failed := make([]int, len(c.ops)), make([]int, len(c.ops))
			for range count {
				r := randomRun(rng, c.ops)
				diff := p.differ(r)
				for i, s := range r.steps {
					if result := p.machine.maps[0].values.bytes(0, 0)[stepResults+8*i:]; int64(binary.LittleEndian.Uint64(result)) < 0 {
						failed[s.op]++
					} else {
						worked[s.op]++
					}
				}
				if diff != "" {
					names := []string{}
					for _, s := range r.steps {
						names = append(names, c.ops[s.op].name)
					}
					t.Errorf("%v\n%s\nkernel (-) and vm (+) differ:\n%s", names, r.describe(), diff)
					if bad++; bad == 3 {
						return
					}
				}
			}
			for i, o := range c.ops {
				t.Logf("%s: %d worked, %d failed", o.name, worked[i], failed[i])
				if worked[i] == 0 {
					t.Errorf("%s never worked", o.name)
				}
			}
		})
	}
}
