package linux_test

import (
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// objectsIn give programs a pointer to an object in r7.
func (p *prober) objectsIn() []objectSource {
	sock := append([]bpf.Instruction{mov(6, 1), load(8, 7, 6, 168)}, unlessNull(7)...)
	from := func(id linux.HelperID) []bpf.Instruction {
		insns := append(append([]bpf.Instruction(nil), sock...), mov(1, 7), call(id), mov(7, 0))
		return append(insns, unlessNull(7)...)
	}
	tc := place{t: linux.ProgSchedCLS}
	xsk := append([]bpf.Instruction{storeImm(10, -8, 0)}, p.mapAddress(1, "xsk")...)
	xsk = append(append(xsk, mov(2, 10), add(2, -8), call(linux.FnMapLookupElem), mov(7, 0)), unlessNull(7)...)
	return []objectSource{
		{linux.ObjectSockCommon, tc, sock},
		{linux.ObjectSock, tc, from(linux.FnSkFullsock)},
		{linux.ObjectTCPSock, tc, from(linux.FnTcpSock)},
		{linux.ObjectXDPSock, place{t: linux.ProgXDP}, xsk},
		{linux.ObjectFlowKeys, place{linux.ProgFlowDissector, linux.AttachFlowDissector, ""}, []bpf.Instruction{load(8, 7, 1, 144)}},
	}
}

type objectSource struct {
	object linux.Object
	at     place
	insns  []bpf.Instruction
}

// TestObjectAccessInKernel asks for every size at every offset of the objects.
func TestObjectAccessInKernel(t *testing.T) {
	p := newProber(t, &bpf.Map{Name: "xsk", Type: linux.MapXskmap, KeySize: 4, ValueSize: 4, MaxEntries: 4})
	compared, allowed := 0, 0
	for _, source := range p.objectsIn() {
		if got := p.load(source.at, "GPL", source.insns...); !got.ok {
			t.Errorf("%v: %s", source.object, got.reason())
			continue
		}
		for offset := -8; offset < 136; offset++ {
			for _, size := range []int{1, 2, 4, 8} {
				for _, write := range []bool{false, true} {
					access := load(size, 2, 7, offset)
					if write {
						access = store(size, 7, offset, 10)
						if size < 8 {
							access = bpf.Instruction{Op: 0x62 | sizeBits[size], Dst: 7, Off: int16(offset)}
						}
					}
					got := p.load(source.at, "GPL", append(append([]bpf.Instruction(nil), source.insns...), imm(0, 1), access)...)
					want := linux.ObjectAccess(source.object, offset, size, write)
					compared++
					if want {
						allowed++
					}
					if want != got.ok {
						t.Errorf("%v, %d bytes at %d, write %v: %v here, %v in the kernel: %s", source.object, size, offset, write, want, got.ok, got.reason())
					}
				}
			}
		}
	}
	t.Logf("%d accesses compared, %d of them allowed", compared, allowed)
}
