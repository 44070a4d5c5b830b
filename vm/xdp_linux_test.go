package vm

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// adjustProgram takes three pairs of a helper (0 head, 1 tail, 2 meta) and a
// delta from the packet's first 24 bytes, calls them, and leaves in the results
// what each returned and how long packet and metadata then were.
func adjustProgram() []bpf.Instruction {
	prog := join(
		move(r6, r1),
		load(4, r7, r6, 0),
		load(4, r8, r6, 4),
		move(r2, r7), add(r2, 24),
		set(r0, linux.XDPDrop),
		jumpIfX(bpf.OpJLE, r2, r8, 1), exit,
	)
	for i := range 3 {
		prog = join(prog, load(8, r1, r7, 8*i), store(8, fp, -24+8*i, r1))
	}
	for i := range 3 {
		prog = join(prog,
			move(r1, r6),
			load(4, r2, fp, -24+8*i+4),
			load(4, r3, fp, -24+8*i),
			jumpIf(bpf.OpJNE, r3, 0, 2), call(int32(linux.FnXdpAdjustHead)), jump(4),
			jumpIf(bpf.OpJNE, r3, 1, 2), call(int32(linux.FnXdpAdjustTail)), jump(1),
			call(int32(linux.FnXdpAdjustMeta)),
			valueAt(r9, 0, uint32(24*i)),
			store(8, r9, 0, r0),
			load(4, r1, r6, 0), load(4, r2, r6, 4), load(4, r3, r6, 8),
			aluX(bpf.OpSub, r2, r1), aluX(bpf.OpSub, r1, r3),
			store(8, r9, 8, r2), store(8, r9, 16, r1),
		)
	}
	return join(prog, set(r0, linux.XDPPass), exit)
}

func adjustPacket(n int, steps ...int32) []byte {
	p := bytesUpTo(n)
	for i, s := range steps {
		binary.LittleEndian.PutUint32(p[4*i:], uint32(s))
	}
	return p
}

func TestKernelAdjust(t *testing.T) {
	b := newBoth(t, results(72))
	b.machine.workers[0].thread.packet.begin(bytesUpTo(3000), nil, 0) // what an earlier packet leaves must not show
	b.machine.workers[0].thread.packet.own()
	fill(b.machine.workers[0].thread.packet.buffer, 0xee)
	var packets [][]byte
	for _, n := range []int{24, 64, 1500, 3520} {
		deltas := [3][]int32{
			{-300, -257, -217, -216, -215, -212, -100, -1, 0, 1, 2, 7, int32(n) - 15, int32(n) - 14, int32(n) - 13, int32(n), 5000, math.MaxInt32, math.MinInt32},
			{
				-5000, -int32(n), 13 - int32(n), 14 - int32(n), 15 - int32(n), -1, 0, 1, 3, 3519 - int32(n), 3520 - int32(n), 3521 - int32(n), 3776 - int32(n),
				3840 - int32(n), math.MaxInt32, math.MinInt32,
			},
			{-260, -256, -252, -220, -217, -216, -212, -208, -64, -36, -32, -28, -8, -4, -3, -2, -1, 0, 1, 4, 8, 300, math.MaxInt32, math.MinInt32},
		}
		for kind := range 3 {
			for _, d := range deltas[kind] {
				for other := range 3 {
					for _, e := range deltas[other] {
						packets = append(packets, adjustPacket(n, int32(kind), d, int32(other), e, int32(kind), 0))
					}
				}
			}
		}
		rng := rand.New(rand.NewPCG(1, uint64(n)))
		for range 500 {
			var steps []int32
			for range 3 {
				kind := rng.IntN(3)
				d := deltas[kind][rng.IntN(len(deltas[kind]))]
				if rng.IntN(2) == 0 {
					d = rng.Int32N(300) - 150
				}
				steps = append(steps, int32(kind), d)
			}
			packets = append(packets, adjustPacket(n, steps...))
		}
	}
	if !b.run(adjustProgram(), packets...) {
		t.Fatal("the kernel refused the program")
	}
	t.Logf("%d packets", len(packets))
}

func fill(b []byte, c byte) {
	for i := range b {
		b[i] = c
	}
}

// TestKernelCopyBytes compares bpf_xdp_load_bytes, bpf_xdp_store_bytes and
// bpf_xdp_get_buff_len over offsets and lengths taken from the packet.
func TestKernelCopyBytes(t *testing.T) {
	const room = 70000
	for _, helper := range []linux.HelperID{linux.FnXdpLoadBytes, linux.FnXdpStoreBytes} {
		b := newBoth(t, results(8), &bpf.Map{Name: "buffer", Type: linux.MapArray, KeySize: 4, ValueSize: room, MaxEntries: 1})
		b.update(1, word(0), bytesUpTo(room), linux.Any)
		prog := join(
			move(r6, r1),
			load(4, r7, r6, 0), load(4, r8, r6, 4),
			move(r2, r7), add(r2, 8),
			set(r0, linux.XDPDrop),
			jumpIfX(bpf.OpJLE, r2, r8, 1), exit,
			load(4, r2, r7, 0), load(4, r4, r7, 4),
			jumpIf(bpf.OpJNE, r4, 0, 1), exit,
			jumpIf(bpf.OpJLE, r4, room, 1), exit,
			valueAt(r3, 1, 0),
			call(int32(helper)),
			valueAt(r9, 0, 0),
			store(8, r9, 0, r0),
			move(r1, r6),
			call(int32(linux.FnXdpGetBuffLen)),
			exit,
		)
		var packets [][]byte
		for _, n := range []int{14, 60, 3520} {
			end := int32(n)
			for _, off := range []int32{0, 1, 8, 13, end - 1, end, end + 1, 0xfffe, 0xffff, 0x10000, 0x10001, math.MaxInt32, math.MinInt32, -1} {
				for _, length := range []int32{1, 2, 5, 8, 13, end - 1, end, end + 1, end - off, end - off + 1, 0xfffe, 0xffff, 0x10000, 0x10001, room} {
					packets = append(packets, adjustPacket(n, off, length))
				}
			}
		}
		if !b.run(prog, packets...) {
			t.Fatal("the kernel refused the program")
		}
	}
}

// TestKernelContext compares the fields of struct xdp_md.
func TestKernelContext(t *testing.T) {
	b := newBoth(t, results(40))
	prog := join(move(r6, r1), valueAt(r9, 0, 0))
	for i, off := range []int{12, 16} { // egress_ifindex is for devmap programs only
		prog = join(prog, load(4, r1, r6, off), store(8, r9, 8*i, r1))
	}
	for i, pair := range [][2]int{{4, 0}, {0, 8}} {
		prog = join(prog, load(4, r1, r6, pair[0]), load(4, r2, r6, pair[1]), aluX(bpf.OpSub, r1, r2), store(8, r9, 16+8*i, r1))
	}
	prog = join(prog, set(r0, -1), exit)
	if !b.run(prog, bytesUpTo(14), bytesUpTo(100)) {
		t.Fatal("the kernel refused the program")
	}
}

// TestKernelRedirect compares what the redirect helpers return, over flags.
func TestKernelRedirect(t *testing.T) {
	slots := func(kind linux.MapType) *bpf.Map {
		return &bpf.Map{Name: kind.String(), Type: kind, KeySize: 4, ValueSize: 4, MaxEntries: 4}
	}
	b := newBoth(t, slots(linux.MapDevmap), slots(linux.MapDevmapHash), slots(linux.MapCpumap), slots(linux.MapXskmap))
	b.update(0, word(1), word(1), linux.Any) // interface 1 is the loopback device
	b.update(1, word(1), word(1), linux.Any)
	b.update(1, word(1000), word(1), linux.Any)
	b.update(2, word(uint32(b.cpu)), word(64), linux.Any)
	var packets [][]byte
	for _, key := range []uint32{0, 1, 2, 3, 4, 1000, math.MaxUint32} {
		flags := []uint64{1 << 31, 1 << 32, 1<<32 | 2, math.MaxUint64}
		for f := range uint64(64) {
			flags = append(flags, f)
		}
		for _, f := range flags {
			p := bytesUpTo(20)
			binary.LittleEndian.PutUint32(p, key)
			binary.LittleEndian.PutUint64(p[4:], f)
			packets = append(packets, p)
		}
	}
	begin := join(
		load(4, r7, r1, 0), load(4, r8, r1, 4),
		move(r2, r7), add(r2, 14),
		set(r0, 77),
		jumpIfX(bpf.OpJLE, r2, r8, 1), exit,
	)
	progs := [][]bpf.Instruction{join(begin, load(4, r1, r7, 0), load(8, r2, r7, 4), call(int32(linux.FnRedirect)), exit)}
	for i := range b.machine.maps {
		progs = append(progs, join(begin, mapAt(r1, i), load(4, r2, r7, 0), load(8, r3, r7, 4), call(int32(linux.FnRedirectMap)), exit))
	}
	for i, prog := range progs {
		if !b.run(prog, packets...) {
			t.Errorf("the kernel refused program %d", i)
		}
	}
}
