package linux_test

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
)

// TestTraitsInKernel asks what a type of program may do beside calls.
func TestTraitsInKernel(t *testing.T) {
	p := newProber(t, probeMaps...)
	compared := 0
	for _, at := range append(p.places(), p.loadable(targets)...) {
		traits := at.t.Traits(at.a)
		compare := func(what string, want, got bool, a answer) {
			compared++
			if want != got {
				t.Errorf("%v, %s: %v here, %v in the kernel: %s", at, what, want, got, a.reason())
			}
		}
		got := p.load(at, "GPL", p.mapValue(1, "locked", 0)...)
		compare("spin lock", traits&linux.TraitSpinLock != 0, got.ok, got)
		got = p.load(at, "GPL", p.mapValue(1, "timed", 0)...)
		compare("timer", traits&linux.TraitTimer != 0, got.ok, got)
		got = p.load(at, "GPL", mov(6, 1), bpf.Instruction{Op: 0x30}) // r0 = *(u8 *)skb[0]
		compare("legacy load", traits&linux.TraitLoadSkb != 0, got.ok, got)
		if data, ok := packetAt[at.t]; ok {
			got = p.load(at, "GPL", append(append([]bpf.Instruction{mov(6, 1)}, data.proven()...), imm(0, 1), store(1, 8, 0, 0))...)
			compare("write to the packet", traits&linux.TraitWritePacket != 0, got.ok, got)
		}
		for _, flags := range []uint32{0, linux.FSleepable} {
			got = p.loadFlags(at, "GPL", flags)
			want := traits&linux.TraitMustSleep == 0
			if flags != 0 {
				want = traits&linux.TraitSleep != 0
			}
			compare("sleeping", want, got.ok, got)
		}
		got = p.loadStacks(at)
		shared := got.says("combined stack size of 2 calls is ")
		if own := got.says("the call stack of 8 frames is too deep"); own == shared {
			t.Errorf("%v, stacks: %s", at, got.reason())
		}
		compare("private stack", traits&linux.TraitPrivateStack != 0, !shared, got)
	}
	t.Logf("%d traits compared", compared)
}

// loadStacks loads two functions of 400 bytes of stack each, which is too much
// for one stack. Behind them is a chain of calls that is too deep for any, and that
// no run enters.
func (p *prober) loadStacks(at place) answer {
	callNext := bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: 2}
	insns := []bpf.Instruction{storeImm(10, -400, 0), callNext, imm(0, 1), exit}
	functions := []bpf.Function{{Name: "main", Len: len(insns)}}
	add := func(f ...bpf.Instruction) {
		functions = append(functions, bpf.Function{Name: "callee", Start: len(insns), Len: len(f)})
		insns = append(insns, f...)
	}
	add(storeImm(10, -400, 0), imm(0, 1), skipUnless(0, 1), callNext, imm(0, 1), exit)
	for range 8 {
		add(callNext, imm(0, 1), exit)
	}
	add(imm(0, 1), exit)
	opts := kernel.LoadOptions{License: "GPL", LogLevel: 2}
	if at.t.Traits(at.a)&linux.TraitMustSleep != 0 {
		opts.Flags = linux.FSleepable
	}
	p.loads++
	return p.ask(at, &bpf.Program{Name: "stacks", Type: at.t, Attach: at.a, Instructions: insns, Functions: functions}, opts)
}

// TestContextTypesAgainstKernel reads the structure that the kernel itself takes
// the types of contexts from.
func TestContextTypesAgainstKernel(t *testing.T) {
	newProber(t)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	var table *btf.Struct
	if err := spec.TypeByName("bpf_ctx_convert", &table); err != nil {
		t.Skipf("skipped: %v", err)
	}
	compared := 0
	for _, m := range table.Members {
		name, ok := strings.CutSuffix(m.Name, "_prog")
		if !ok {
			continue
		}
		program, err := linux.ParseProgramType(name)
		if err != nil {
			t.Logf("%v, which is newer", err)
			continue
		}
		compared++
		if got := program.ContextType(); got != m.Type.TypeName() {
			t.Errorf("%v: the context is %q here, %q in the kernel", program, got, m.Type.TypeName())
		}
	}
	t.Logf("%d types compared", compared)
}
