package vm

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// TestKernelFlow compares flow dissectors: what they are given, what becomes of what
// they leave, and that bpf_skb_load_bytes has no skb.
func TestKernelFlow(t *testing.T) {
	h := newHooks(t, Options{})
	prog := join(move(r6, r1), load(8, r7, r6, skbFlowKeys), valueAt(r9, 0, stepFields))
	for off := 0; off < flowKeysSize; off += 8 {
		prog = join(prog, load(8, r1, r7, off), store(8, r9, off, r1))
	}
	prog = join(prog, load(4, r1, r6, skbDataEnd), load(4, r2, r6, skbData), aluX(bpf.OpSub, r1, r2), store(8, r9, flowKeysSize, r1))
	prog = join(prog, valueAt(r3, 0, stepMemory), move(r1, r6), set(r2, 0), set(r4, 8), call(int32(linux.FnSkbLoadBytes)), store(8, r9, 64, r0))
	prog = join(prog, valueAt(r8, 0, 0))
	for off := 0; off < flowKeysSize; off += 8 {
		prog = join(prog, load(8, r1, r8, off), store(8, r7, off, r1))
	}
	prog = join(prog, load(4, r0, r8, 64), exit)
	p := h.load(linux.ProgFlowDissector, prog)
	rng := rand.New(rand.NewPCG(8, 8))
	count := 1000
	if require.Long() {
		count = 50000
	}
	for range count {
		packet := testPacket(rng)
		value := make([]byte, stepValue)
		for i := range 80 {
			value[i] = byte(rng.Uint32())
		}
		if rng.IntN(2) == 0 {
			binary.LittleEndian.PutUint16(value, uint16(rng.IntN(100)))
			binary.LittleEndian.PutUint16(value[2:], uint16(rng.IntN(100)))
		}
		if rng.IntN(2) == 0 {
			binary.LittleEndian.PutUint16(value[flowAddrProto:], []uint16{ethPIP, ethPIPv6}[rng.IntN(2)])
		}
		p.flow(packet, value, uint32(rng.IntN(8)))
	}
}

func (p hookProgram) flow(packet, value []byte, flags uint32) {
	p.t.Helper()
	p.runs++
	key := make([]byte, 4)
	if err := p.kernel.Update(0, key, value, 0); err != nil {
		p.t.Fatal(err)
	}
	if err := p.machine.maps[0].Update(key, value, 0); err != nil {
		p.t.Fatal(err)
	}
	ctx := make([]byte, flowKeysSize)
	binary.LittleEndian.PutUint32(ctx[flowFlags:], flags)
	want, err := p.there.Run(kernel.Input{Data: packet, Context: ctx})
	if err != nil {
		p.t.Fatal(err)
	}
	verdict, keys, err := p.here.RunFlow(&Frame{Data: packet, CPU: p.cpu}, flags)
	if err != nil {
		p.t.Fatal(err)
	}
	raw := p.machine.workers[0].thread.packet.flow.keys.data
	theirs, err := p.kernel.Lookup(0, key, 0)
	if err != nil {
		p.t.Fatal(err)
	}
	ours, _ := p.machine.maps[0].Lookup(key)
	if want.Return != verdict || string(want.Data) != string(raw) || string(theirs) != string(ours) {
		p.t.Fatalf("packet %x, value %x: the kernel says %d, %x, %x, the vm %d, %x, %x",
			packet, value[:80], want.Return, want.Data, theirs[stepMemory:], verdict, raw, ours[stepMemory:])
	}
	if keys.NetworkOffset != binary.LittleEndian.Uint16(raw) || keys.Source.Port() != binary.BigEndian.Uint16(raw[flowSrcPort:]) {
		p.t.Fatalf("%+v of %x", keys, raw)
	}
}
