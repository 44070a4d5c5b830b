package vm

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// faultCases are programs that fault, where, and what is said.
var faultCases = []struct {
	name    string
	prog    []bpf.Instruction
	kind    error
	message string
}{
	{
		"packet read", join(load(4, r2, r1, 0), load(4, r0, r2, 58), exit), ErrOutOfBounds,
		"prog: insn 1: read of 4 bytes at offset 58 of the packet, which is 60 bytes long: out of bounds",
	},
	{
		"before the packet", join(load(4, r2, r1, 0), load(1, r0, r2, -1), exit), ErrOutOfBounds,
		"prog: insn 1: read of 1 byte at offset -1 of the packet, which is 60 bytes long: out of bounds",
	},
	{
		"null", join(set(r2, 0), load(8, r0, r2, 16), exit), ErrNull,
		"prog: insn 1: read of 8 bytes at 0x10: null pointer",
	},
	{
		"lookup not checked", join(
			storeK(4, fp, -4, 9), mapAt(r1, 0), move(r2, fp), add(r2, -4), call(int32(linux.FnMapLookupElem)), load(8, r0, r0, 0), exit,
		), ErrNull,
		"prog: insn 6: read of 8 bytes at 0x0: null pointer",
	},
	{
		"an error number", join(set(r2, -14), storeK(2, r2, 0, 1), exit), ErrOutOfBounds,
		"prog: insn 1: write of 2 bytes at address -14, which looks like an error number: out of bounds",
	},
	{
		"above the stack", join(storeK(8, fp, -4, 1), exit), ErrOutOfBounds,
		"prog: insn 0: write of 8 bytes at r10-4, outside the 512 bytes of the stack frame: out of bounds",
	},
	{
		"below the stack", join(store(8, fp, -520, r1), exit), ErrOutOfBounds,
		"prog: insn 0: write of 8 bytes at r10-520, outside the 512 bytes of the stack frame: out of bounds",
	},
	{
		"a callee's stack", join(callLocal(1), exit, load(1, r0, fp, 0), exit), ErrOutOfBounds,
		"prog: insn 2: read of 1 byte at r10+0, outside the 512 bytes of the stack frame of call depth 1: out of bounds",
	},
	{
		"map value", join(valueAt(r2, 1, 0), load(4, r0, r2, 6), exit), ErrOutOfBounds,
		"prog: insn 2: read of 4 bytes at offset 6 of map values, which is 8 bytes long: out of bounds",
	},
	{
		"write to .rodata", join(valueAt(r2, 2, 0), storeK(1, r2, 2, 0), exit), ErrReadOnly,
		"prog: insn 2: write of 1 byte at offset 2 of section .rodata: read-only memory",
	},
	{
		"write to the context", join(storeK(4, r1, 12, 0), exit), ErrReadOnly,
		"prog: insn 0: write of 4 bytes at offset 12 of the context (struct xdp_md): read-only memory",
	},
	{
		"a map as memory", join(mapAt(r2, 0), load(8, r0, r2, 0), exit), ErrOutOfBounds,
		"prog: insn 2: read of 8 bytes at 0xffffb9f000000000, which stands for a map and is not memory: out of bounds",
	},
	{
		"nowhere", join(long(r2, 0x7fff00000000), load(8, r0, r2, 0), exit), ErrOutOfBounds,
		"prog: insn 2: read of 8 bytes at 0x7fff00000000, where the program was given no memory: out of bounds",
	},
	{
		"misaligned atomic", join(atomicOp(8, bpf.AtomicAdd, fp, -12, r1), exit), ErrOutOfBounds,
		"prog: insn 0: atomic access of 8 bytes at 0x201f4, which is not a multiple of 8: out of bounds",
	},
	{
		"helper not emulated", join(call(int32(linux.FnOverrideReturn)), exit), ErrNotEmulated,
		"prog: insn 0: helper bpf_override_return is not emulated",
	},
	{
		"no such helper", join(call(9999), exit), ErrInvalid,
		"prog: insn 0: call of helper 9999, which Linux does not have: invalid instruction",
	},
	{
		"kernel function", join(bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: 77}, exit), ErrNotEmulated,
		"prog: insn 0: the kernel function with BTF id 77 is not emulated",
	},
	{
		"not a map", join(set(r1, 5), call(int32(linux.FnMapLookupElem)), exit), ErrArgument,
		"prog: insn 1: bpf_map_lookup_elem: argument 1: 0x5 is not a map: invalid helper argument",
	},
	{
		"inside a map", join(mapAt(r1, 0), add(r1, 1), call(int32(linux.FnMapLookupElem)), exit), ErrArgument,
		"prog: insn 3: bpf_map_lookup_elem: argument 1: 0xffffb9f000000001 is not a map: invalid helper argument",
	},
	{
		"key out of bounds", join(mapAt(r1, 0), move(r2, fp), add(r2, -2), call(int32(linux.FnMapLookupElem)), exit), ErrOutOfBounds,
		"prog: insn 4: bpf_map_lookup_elem: argument 2: read of 4 bytes at r10-2, outside the 512 bytes of the stack frame: out of bounds",
	},
	{
		"not the context", join(set(r1, 0), call(int32(linux.FnXdpAdjustHead)), exit), ErrArgument,
		"prog: insn 1: bpf_xdp_adjust_head: argument 1: 0x0 is not the context: invalid helper argument",
	},
	{
		"wrong kind of map", join(mapAt(r1, 0), call(int32(linux.FnRedirectMap)), exit), ErrArgument,
		"prog: insn 2: bpf_redirect_map: argument 1: map counts is a hash, expected a devmap, devmap_hash, cpumap or xskmap: invalid helper argument",
	},
	{
		"endless loop", join(set(r2, 1), jump(-1), exit), ErrLimit,
		"prog: insn 1: too many instructions: the limit is 1000",
	},
	{
		"endless loop of a pair", join(set(r2, 1), add(r2, 2), jumpIf(bpf.OpJNE, r2, 0, -2), exit), ErrLimit,
		"prog: insn 2: too many instructions: the limit is 1000",
	},
	{
		"calls without end", join(callLocal(-1), exit), ErrCallDepth,
		"prog: insn 0: a call in frame 8 of 8: calls nest too deep",
	},
	{
		"jump into the middle", join(jump(1), long(r0, 1), exit), ErrInvalid,
		"prog: insn 2: jump into the middle of a 64-bit immediate load: invalid instruction",
	},
	{
		"half a load", join(bpf.Instruction{Op: bpf.OpcodeLoadImm64}), ErrInvalid,
		"prog: insn 0: 64-bit immediate load without its second slot: invalid instruction",
	},
	{
		"jump out", join(jump(5), exit), ErrInvalid,
		"prog: insn 0: jump to insn 6, outside the program: invalid instruction",
	},
	{
		"jump before", join(jumpIf(bpf.OpJEQ, r2, 0, -2), exit), ErrInvalid,
		"prog: insn 0: jump to insn -1, outside the program: invalid instruction",
	},
	{
		"call out", join(callLocal(7), exit), ErrInvalid,
		"prog: insn 0: call of insn 8, outside the program: invalid instruction",
	},
	{
		"past the end", join(set(r0, 1)), ErrInvalid,
		"prog: insn 1: the program ran past its last instruction: invalid instruction",
	},
	{
		"no program", nil, ErrInvalid,
		"prog: insn 0: the program ran past its last instruction: invalid instruction",
	},
	{
		"no instruction", join(bpf.Instruction{Op: 0xff, Dst: 3, Imm: 1}), ErrInvalid,
		"prog: insn 0: .byte 0xff, 0x03, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00 is no instruction: invalid instruction",
	},
	{
		"write to r10", join(move(fp, r1), exit), ErrInvalid,
		"prog: insn 0: write to the frame pointer r10: invalid instruction",
	},
	{
		"atomic result in r10", join(atomicOp(8, bpf.AtomicXchg, r1, 0, fp), exit), ErrInvalid,
		"prog: insn 0: write to the frame pointer r10: invalid instruction",
	},
	{
		"acquire into r10", join(atomicOp(8, bpf.AtomicLoadAcq, fp, 0, r1), exit), ErrInvalid,
		"prog: insn 0: write to the frame pointer r10: invalid instruction",
	},
	{
		"callx", join(bpf.Instruction{Op: bpf.OpcodeCallX, Dst: 1}, exit), ErrInvalid,
		"prog: insn 0: callx, a call through a register, which Linux refuses: invalid instruction",
	},
	{
		"map by descriptor", join(bpf.LoadImm64(r1, bpf.PseudoMapFD, 4), exit), ErrInvalid,
		"prog: insn 0: map by file descriptor 4, which means nothing outside the kernel: invalid instruction",
	},
	{
		"map not emulated", join(mapAt(r1, 3), exit), ErrNotEmulated,
		"prog: insn 0: map routes of type sockmap is not emulated",
	},
	{
		"map not emulated, without its load", join(long(r1, mapHandle(3)), call(int32(linux.FnMapUpdateElem)), exit), ErrNotEmulated,
		"prog: insn 2: bpf_map_update_elem: argument 1: map routes of type sockmap is not emulated",
	},
	{
		"map that is not there", join(mapAt(r1, 4), exit), ErrInvalid,
		"prog: insn 0: map 4 of 4: invalid instruction",
	},
	{
		"value of a hash", join(valueAt(r1, 0, 0), exit), ErrInvalid,
		"prog: insn 0: address of a value of map counts, a hash: invalid instruction",
	},
}

func faultMaps() []*bpf.Map {
	rodata := arrayMap(".rodata", 4, 1)
	rodata.Section, rodata.Frozen = ".rodata", true
	return []*bpf.Map{{Name: "counts", Type: linux.MapHash, KeySize: 4, ValueSize: 8, MaxEntries: 4}, arrayMap("values", 8, 1), rodata, {
		Name: "routes", Type: linux.MapSockmap, KeySize: 4, ValueSize: 4, MaxEntries: 1,
	}}
}

func TestFaults(t *testing.T) {
	for _, c := range faultCases {
		obj := &bpf.Object{Name: "o", ByteOrder: binary.LittleEndian, Maps: faultMaps(), Programs: []*bpf.Program{program(c.prog)}}
		m, err := New(obj, Options{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Programs()[0].RunXDP(&Frame{Data: make([]byte, 60)})
		var f *Fault
		if !errors.As(err, &f) {
			t.Errorf("%s: %v, expected a fault", c.name, err)
			continue
		}
		if !errors.Is(err, c.kind) || f.Error() != c.message {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, f, c.message)
		}
		if out, err := m.Programs()[0].RunXDP(&Frame{Data: make([]byte, 60)}); err == nil || out.thread != nil {
			t.Errorf("%s: the second run gave %+v, %v", c.name, out, err)
		}
	}
}

// TestFaultRegisters: registers are those before the instruction, whatever it
// would have done to them.
func TestFaultRegisters(t *testing.T) {
	sx := load(4, r4, r2, 8)
	sx.Op = bpf.ClassLDX | bpf.ModeMEMSX | bpf.SizeW
	for _, in := range []bpf.Instruction{
		load(8, r4, r2, 8), load(4, r2, r2, 8), sx, store(8, r2, 0, r4), atomicOp(8, bpf.AtomicXchg, r2, 0, r4), atomicOp(8, bpf.AtomicCmpXchg, r2, 0, r4),
		atomicOp(4, bpf.AtomicLoadAcq, r4, 0, r2), call(int32(linux.FnMapLookupElem)), call(int32(linux.FnXdpAdjustHead)), call(int32(linux.FnTailCall)),
		call(int32(linux.FnTracePrintk)), callLocal(100),
		{Op: 0xff},
	} {
		prog := join(set(r0, 10), set(r1, 11), set(r2, 1), set(r3, 13), set(r4, 14), set(r5, 15), set(r6, 16), set(r9, 19), in, exit)
		p := machine(t, prog)
		_, err := p.RunRaw(nil)
		var f *Fault
		if !errors.As(err, &f) {
			t.Fatalf("%s: %v", in, err)
		}
		want := [11]uint64{10, 11, 1, 13, 14, 15, 16, 0, 0, 19, f.Registers[10]}
		if f.PC != 8 || f.Registers != want {
			t.Errorf("%s: insn %d, registers %v, want %v", in, f.PC, f.Registers, want)
		}
	}
}

// TestFaultPlace: a fault knows its source line.
func TestFaultPlace(t *testing.T) {
	p := machine(t, join(set(r2, 0), load(8, r0, r2, 0), exit))
	p.prog.Lines = []bpf.Line{{PC: 0, Pos: bpf.Pos{File: "prog.s", Line: 3, Col: 1}}, {PC: 1, Pos: bpf.Pos{File: "prog.s", Line: 4, Col: 9}, Text: "        r0 = *(u64 *)(r2 + 0)"}}
	_, err := p.RunRaw(nil)
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatal(err)
	}
	d := f.Diagnostic()
	if f.Error() != "prog.s:4:9: prog: insn 1: read of 8 bytes at 0x0: null pointer" || d.Line == "" || len(d.Note) != 3 {
		t.Errorf("%s\n%+v", f, d)
	}
	if d.Note[0] != "insn 1 is r0 = *(u64 *)(r2 + 0)" || d.Note[1][:6] != "r0=0x0" || d.Note[2][:6] != "r6=0x0" {
		t.Errorf("notes %q", d.Note)
	}
}

// TestLimit: the budget is that of one run, and a loop within it ends by itself.
func TestLimit(t *testing.T) {
	loop := join(set(r0, 0), add(r0, 1), jumpIf(bpf.OpJLT, r0, 300, -2), exit)
	m, err := New(&bpf.Object{Programs: []*bpf.Program{program(loop)}}, Options{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if r0, err := m.Programs()[0].RunRaw(nil); err != nil || r0 != 300 {
			t.Fatalf("%d, %v", r0, err)
		}
	}
	forever := machine(t, join(set(r0, 0), mayGoto(2), add(r0, 1), jump(-3), exit))
	if r0, err := forever.RunRaw(nil); err != nil || r0 != maxMayGoto {
		t.Errorf("may_goto ended after %d, %v", r0, err)
	}
	if _, err := New(&bpf.Object{Name: "o", ByteOrder: binary.BigEndian}, Options{}); !errors.Is(err, ErrByteOrder) {
		t.Errorf("a big-endian object: %v", err)
	}
}

// TestPoison: what CO-RE found nothing for says so when it is reached.
func TestPoison(t *testing.T) {
	p := program(join(call(bpf.COREPoison), exit))
	p.CORE = []bpf.CORERelocation{{PC: 0, Root: "struct task_struct", Access: ".gone", Result: bpf.COREPoisoned, Why: `struct task_struct has no member "gone"`}}
	m, err := New(&bpf.Object{Programs: []*bpf.Program{p}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Programs()[0].RunRaw(nil)
	const want = `the kernel that the program was resolved against has no struct task_struct.gone (struct task_struct has no member "gone")`
	if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
