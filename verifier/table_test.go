package verifier

import (
	"slices"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// allCases is every case of the tables.
func allCases() []testCase {
	return slices.Concat(encodingCases(), constantCases(), flowCases(), functionCases(), environmentCases(), stackCases(), visitCases())
}

func encodingCases() []testCase {
	set := func(in bpf.Instruction, change func(*bpf.Instruction)) bpf.Instruction {
		change(&in)
		return in
	}
	one := func(name string, in bpf.Instruction, text string) testCase {
		return testCase{name: name, insns: prog(mov(0, 0), in, exit), want: []finding{{pc: 1, err: ErrInvalidInstruction, text: text}}}
	}
	add := bpf.Instruction{Op: 0x07, Imm: 1}
	lddw := bpf.LoadImm64(1, 0, 1)
	return []testCase{
		one("unknown opcode", bpf.Instruction{Op: 0xff}, "there is no opcode 0xff"),
		one("opcode 0", bpf.Instruction{}, "there is no opcode 0x00"),
		one("load of no mode", bpf.Instruction{Op: 0x01}, "there is no opcode 0x01"),
		one("callx", bpf.Instruction{Op: 0x8d, Dst: 1}, "callx, a call through a register, is not in Linux"),
		one("register 11", mov(11, 0), "opcode 0xb7: there is no register r11"),
		one("source register 12", bpf.Instruction{Op: 0xbf, Src: 12}, "opcode 0xbf: there is no register r12"),
		one("alu source field", set(add, func(in *bpf.Instruction) { in.Src = 3 }), "opcode 0x07: the source field is 3, expected 0"),
		one("alu offset field", set(add, func(in *bpf.Instruction) { in.Off = 1 }), "opcode 0x07: the offset is 1, expected 0"),
		one("mov of 3 bits", bpf.Instruction{Op: 0xbf, Off: 3}, "opcode 0xbf: the offset is 3, expected 0"),
		one("neg source field", bpf.Instruction{Op: 0x87, Src: 1}, "opcode 0x87: the source field is 1, expected 0"),
		one("swap of 7 bits", bpf.Instruction{Op: 0xd4, Imm: 7}, "a byte swap of 7 bits, expected 16, 32 or 64"),
		one("goto immediate", bpf.Instruction{Op: 0x05, Imm: 7}, "opcode 0x05: the immediate is 7, expected 0"),
		one("jump source field", bpf.Instruction{Op: 0x15, Src: 1}, "opcode 0x15: the source field is 1, expected 0"),
		one("may_goto destination", bpf.Instruction{Op: 0xe5, Dst: 1}, "opcode 0xe5: the destination field is 1, expected 0"),
		one("helper call destination", set(helper(5), func(in *bpf.Instruction) { in.Dst = 3 }), "opcode 0x85: the destination field is 3, expected 0"),
		one("call of kind 3", set(helper(5), func(in *bpf.Instruction) { in.Src = 3 }), "there is no kind 3 of call, the source field may be 0 to 2"),
		one("load immediate", set(load(4, 0, 1, 0), func(in *bpf.Instruction) { in.Imm = 4 }), "opcode 0x61: the immediate is 4, expected 0"),
		one("store source field", set(store(8, 10, -8), func(in *bpf.Instruction) { in.Src = 3 }), "opcode 0x7a: the source field is 3, expected 0"),
		one("register store immediate", bpf.Instruction{Op: 0x7b, Dst: 10, Off: -8, Imm: 3}, "opcode 0x7b: the immediate is 3, expected 0"),
		one("atomic operation 3", atomic(0xdb, 10, 0, -8, 3), "there is no atomic operation 0x03"),
		one("atomic add of a byte", atomic(0xd3, 10, 0, -8, 0), "an atomic operation on 1 byte, expected 4 or 8"),
		one("address space 5", bpf.Instruction{Op: 0xbf, Off: 1, Imm: 5}, "`r0 = addr_space_cast(r0, 0, 5)` has to cast from address space 0 to 1 or from 1 to 0"),
		{
			name: "exit destination", insns: prog(mov(0, 0), bpf.Instruction{Op: 0x95, Dst: 1}),
			want: []finding{{pc: 1, err: ErrInvalidInstruction, text: "opcode 0x95: the destination field is 1, expected 0"}},
		},
		{
			name: "two wrong fields", insns: prog(mov(0, 0), bpf.Instruction{Op: 0x07, Src: 2, Off: 9}, exit),
			want: []finding{{pc: 1, err: ErrInvalidInstruction, text: "opcode 0x07: the source field is 2, expected 0, the offset is 9, expected 0"}},
		},
		{
			name: "64-bit load without its second slot", insns: prog(mov(0, 0), lddw[0], mov(0, 1), exit),
			want: []finding{{pc: 1, err: ErrInvalidInstruction, text: "a 64-bit immediate load takes two slots, the second with opcode 0"}},
		},
		{
			name: "64-bit load at the end", insns: prog(mov(0, 0), lddw[0]),
			want: []finding{{pc: 1, err: ErrInvalidInstruction, text: "a 64-bit immediate load takes two slots, the second with opcode 0"}},
		},
		{
			name: "64-bit load with a dirty second slot", insns: prog(lddw[0], bpf.Instruction{Dst: 1}, mov(0, 0), exit),
			want: []finding{{pc: 0, err: ErrInvalidInstruction, text: "the second slot of a 64-bit immediate load may hold the immediate only"}},
		},
		{
			name: "64-bit load of kind 7", insns: prog(bpf.LoadImm64(1, 7, 0), mov(0, 0), exit),
			want: []finding{{pc: 0, err: ErrInvalidInstruction, text: "there is no kind 7 of 64-bit immediate, the source field may be 0 to 6"}},
		},
		{
			name: "64-bit load offset field", insns: prog(bpf.Instruction{Op: 0x18, Dst: 1, Off: 3}, lddw[1], mov(0, 0), exit),
			want: []finding{{pc: 0, err: ErrInvalidInstruction, text: "opcode 0x18: the offset is 3, expected 0"}},
		},
		{
			name: "map with a second immediate", insns: prog(bpf.LoadImm64(1, bpf.PseudoMapIdx, 1<<32), mov(0, 0), exit), maps: testMaps,
			want: []finding{{pc: 0, err: ErrInvalidInstruction, text: "the second immediate of a map's address is 1, expected 0"}},
		},
		{
			name: "unknown opcode at the end", insns: prog(mov(0, 0), bpf.Instruction{Op: 0xff}),
			want: []finding{{pc: 1, err: ErrInvalidInstruction, text: "there is no opcode 0xff"}},
		},
		{name: "exit offset", insns: prog(mov(0, 0), bpf.Instruction{Op: 0x95, Off: 512})},
		{name: "64-bit load", insns: prog(lddw, mov(0, 0), exit)},
		{name: "sign-extending mov", insns: prog(mov(0, 0), bpf.Instruction{Op: 0xbf, Off: 32}, exit)},
		{name: "long goto", insns: prog(mov(0, 0), bpf.Instruction{Op: 0x06}, exit)},
	}
}

func constantCases() []testCase {
	one := func(name string, in bpf.Instruction, err error, text string) testCase {
		c := testCase{name: name, insns: prog(mov(0, 1), in, mov(0, 0), exit)}
		if err != nil {
			c.want = []finding{{pc: 1, err: err, text: text}}
		}
		return c
	}
	return []testCase{
		one("shift by 64", bpf.Instruction{Op: 0x67, Imm: 64}, ErrShift, "`r0 <<= 64` shifts a 64-bit register by 64, expected 0 to 63"),
		one("shift by 63", bpf.Instruction{Op: 0x67, Imm: 63}, nil, ""),
		one("shift by -1", bpf.Instruction{Op: 0xc7, Imm: -1}, ErrShift, "`r0 s>>= -1` shifts a 64-bit register by -1, expected 0 to 63"),
		one("32-bit shift by 32", bpf.Instruction{Op: 0x74, Imm: 32}, ErrShift, "`w0 >>= 32` shifts a 32-bit register by 32, expected 0 to 31"),
		one("32-bit shift by 31", bpf.Instruction{Op: 0x74, Imm: 31}, nil, ""),
		one("shift by a register", bpf.Instruction{Op: 0x6f, Src: 0}, nil, ""),
		one("division by 0", bpf.Instruction{Op: 0x37}, ErrDivision, "`r0 /= 0`"),
		one("signed 32-bit modulo 0", bpf.Instruction{Op: 0x94, Off: 1}, ErrDivision, "`w0 s%= 0`"),
		one("division by 1", bpf.Instruction{Op: 0x37, Imm: 1}, nil, ""),
		one("division by a register", bpf.Instruction{Op: 0x3f}, nil, ""),
		one("mov to r10", mov(10, 0), ErrFramePointer, "`r10 = 0` writes to it"),
		one("neg of r10", bpf.Instruction{Op: 0x87, Dst: 10}, ErrFramePointer, "`r10 = -r10` writes to it"),
		one("swap of r10", bpf.Instruction{Op: 0xd4, Dst: 10, Imm: 16}, ErrFramePointer, "`r10 = le16 r10` writes to it"),
		one("load into r10", load(4, 10, 1, 0), ErrFramePointer, "`r10 = *(u32 *)(r1 + 0)` writes to it"),
		{
			name: "64-bit load into r10", insns: prog(bpf.LoadImm64(10, 0, 1<<33), mov(0, 0), exit),
			want: []finding{{pc: 0, err: ErrFramePointer, text: "`r10 = 8589934592 ll` writes to it"}},
		},
		{
			name: "fetch into r10", insns: prog(store(8, 10, -8), atomic(0xdb, 10, 10, -8, 1), mov(0, 0), exit),
			want: []finding{{pc: 1, err: ErrFramePointer, text: "`r10 = atomic_fetch_add((u64 *)(r10 - 8), r10)` writes to it"}},
		},
		{
			name: "load_acquire into r10", insns: prog(store(8, 10, -8), atomic(0xdb, 10, 10, -8, 0x100), mov(0, 0), exit),
			want: []finding{{pc: 1, err: ErrFramePointer, text: "`r10 = load_acquire((u64 *)(r10 - 8))` writes to it"}},
		},
		{name: "r10 read", insns: prog(bpf.Instruction{Op: 0xbf, Dst: 1, Src: 10}, mov(0, 0), exit)},
	}
}

func flowCases() []testCase {
	lddw := bpf.LoadImm64(2, 0, 1)
	return []testCase{
		{name: "empty", want: []finding{{pc: -1, err: ErrSize, text: "there are no instructions, at least an exit is needed"}}},
		{
			name: "too long", insns: append(repeat(MaxInstructions, mov(0, 0)), exit),
			want: []finding{{pc: -1, err: ErrSize, text: "1000001 instructions, at most 1000000 are allowed"}},
		},
		{name: "exit only reached by a jump back", insns: prog(mov(0, 0), jump(1), exit, jump(-2))},
		{name: "may_goto loop", insns: prog(mov(0, 0), bpf.Instruction{Op: 0xe5, Off: 1}, jump(-2), exit)},
		{name: "bounded loop", insns: prog(mov(0, 0), bpf.Instruction{Op: 0x07, Imm: 1}, bpf.Instruction{Op: 0xa5, Off: -2, Imm: 9}, exit)},
		{
			name: "jump past the end", insns: prog(mov(0, 0), ifZero(1, 1), exit),
			want: []finding{{pc: 1, err: ErrJump, text: "`if r1 == 0 goto +1` goes to insn 3, function main is insns 0 to 2"}},
		},
		{
			name: "jump to before the start", insns: prog(mov(0, 0), jump(-3), exit),
			want: []finding{{pc: 1, err: ErrJump, text: "`goto -3` goes to insn -1, function main is insns 0 to 2"}},
		},
		{
			name: "long goto past the end", insns: prog(mov(0, 0), bpf.Instruction{Op: 0x06, Imm: 1 << 30}),
			want: []finding{{pc: 1, err: ErrJump, text: "`gotol +1073741824` goes to insn 1073741826, function main is insns 0 to 1"}},
		},
		{
			name: "jump into a 64-bit load", insns: prog(mov(0, 0), ifZero(1, 1), lddw, exit),
			want: []finding{{pc: 1, err: ErrJump, text: "`if r1 == 0 goto +1` goes to insn 3, the second half of a 64-bit load"}},
		},
		{name: "jump past a 64-bit load", insns: prog(mov(0, 0), ifZero(1, 2), lddw, exit)},
		{
			name: "no exit", insns: prog(mov(0, 0)),
			want: []finding{{pc: 0, err: ErrFallThrough, text: "main ends in `r0 = 0`, expected exit or goto"}},
		},
		{
			name: "64-bit load last", insns: prog(mov(0, 0), lddw),
			want: []finding{{pc: 1, err: ErrFallThrough, text: "main ends in `r2 = 1 ll`, expected exit or goto"}},
		},
		{
			name: "may_goto last", insns: prog(mov(0, 0), bpf.Instruction{Op: 0xe5, Off: -2}),
			want: []finding{{pc: 1, err: ErrFallThrough, text: "main ends in `may_goto -2`, expected exit or goto"}},
		},
		{
			name: "unreachable", insns: prog(mov(0, 0), jump(2), mov(0, 1), mov(0, 2), exit),
			want: []finding{{pc: 2, err: ErrUnreachable, text: "no path leads to insns 2 to 3"}},
		},
		{
			name: "unreachable 64-bit load", insns: prog(mov(0, 0), exit, lddw, exit),
			want: []finding{{pc: 2, err: ErrUnreachable, text: "no path leads to insns 2 to 4"}},
		},
		{
			name: "code behind exit", insns: prog(mov(0, 0), exit, mov(0, 1)),
			want: []finding{{pc: 2, err: ErrUnreachable, text: "no path leads to insn 2"}},
		},
		{
			name: "two stretches", insns: prog(mov(0, 0), jump(1), mov(0, 1), jump(1), mov(0, 2), exit),
			want: []finding{{pc: 2, err: ErrUnreachable, text: "no path leads to insn 2"}, {pc: 4, err: ErrUnreachable, text: "no path leads to insn 4"}},
		},
		{ // what the jump was to reach is not called unreachable
			name: "one finding for a bad goto", insns: prog(mov(0, 0), jump(9), mov(0, 1), exit),
			want: []finding{{pc: 1, err: ErrJump, text: "`goto +9` goes to insn 11, function main is insns 0 to 3"}},
		},
	}
}

func functionCases() []testCase {
	lddw := bpf.LoadImm64(2, 0, 1)
	recursive := prog(call(1), exit, mov(0, 0), call(-2), exit)
	return []testCase{
		{name: "call", insns: prog(call(1), exit, mov(0, 0), exit)},
		{
			name: "call past the end", insns: prog(mov(0, 0), call(9), exit),
			want: []finding{{pc: 1, err: ErrUnknownFunction, text: "`call pc+9` leads to insn 11, the program is insns 0 to 2"}},
		},
		{
			name: "call to before the start", insns: prog(mov(0, 0), call(-9), exit),
			want: []finding{{pc: 1, err: ErrUnknownFunction, text: "`call pc-9` leads to insn -7, the program is insns 0 to 2"}},
		},
		{
			name: "call into a 64-bit load", insns: prog(mov(0, 0), call(1), lddw, exit),
			want: []finding{{pc: 1, err: ErrUnknownFunction, text: "`call pc+1` leads to insn 3, the second half of a 64-bit load"}},
		},
		{
			name: "address of no function", insns: prog(bpf.LoadImm64(2, bpf.PseudoFunc, 99), mov(0, 0), exit),
			want: []finding{{pc: 0, err: ErrUnknownFunction, text: "`ld_pseudo r2, 4, 99` leads to insn 100, the program is insns 0 to 3"}},
		},
		{
			name: "jump into the next function", insns: prog(call(2), ifZero(0, 1), exit, mov(0, 0), exit),
			want: []finding{{pc: 1, err: ErrJump, text: "`if r0 == 0 goto +1` goes to insn 3, function main is insns 0 to 2"}},
		},
		{
			name: "jump into the function before", insns: prog(call(1), exit, mov(0, 0), jump(-3)),
			want: []finding{{pc: 3, err: ErrJump, text: "`goto -3` goes to insn 1, function func@2 is insns 2 to 3"}},
		},
		{
			name: "runs into the next function", insns: prog(call(1), mov(0, 0), mov(0, 0), exit),
			want: []finding{{pc: 1, err: ErrFallThrough, text: "main ends in `r0 = 0`, expected exit or goto"}},
		},
		{
			name: "declared functions", insns: prog(call(1), exit, mov(0, 0), exit),
			functions: []bpf.Function{{Name: "main", Len: 2}, {Name: "sub", Start: 2, Len: 2}},
		},
		{
			name: "call into a function", insns: prog(call(3), exit, mov(0, 0), exit, mov(0, 1), exit),
			functions: []bpf.Function{{Name: "main", Len: 2}, {Name: "sub", Start: 2, Len: 4}},
			want:      []finding{{pc: 0, err: ErrUnknownFunction, text: "`call pc+3` leads to insn 4, which is inside function sub"}},
		},
		{
			name: "function that nothing calls", insns: prog(mov(0, 0), exit, mov(0, 1), exit),
			functions: []bpf.Function{{Name: "main", Len: 2}, {Name: "sub", Start: 2, Len: 2}},
			want:      []finding{{pc: 2, err: ErrUnreachable, text: "nothing calls function sub"}}, noKernel: true, // it refuses the BTF
		},
		{
			name: "functions overlap", insns: prog(call(1), exit, mov(0, 0), exit),
			functions: []bpf.Function{{Name: "main", Len: 3}, {Name: "sub", Start: 2, Len: 2}},
			want:      []finding{{pc: 3, err: ErrFunctions, text: "function sub begins at insn 2 and has 2, expected it at insn 3 with 1 to 1"}}, noKernel: true, // its records have no lengths
		},
		{
			name: "functions end early", insns: prog(call(1), exit, mov(0, 0), exit),
			functions: []bpf.Function{{Name: "main", Len: 2}},
			want:      []finding{{pc: 2, err: ErrFunctions, text: "insns 2 to 3 belong to none"}}, noKernel: true,
		},
		{
			name: "function longer than the program", insns: prog(mov(0, 0), exit),
			functions: []bpf.Function{{Name: "main", Len: 3}},
			want:      []finding{{pc: 0, err: ErrFunctions, text: "function main begins at insn 0 and has 3, expected it at insn 0 with 1 to 2"}}, noKernel: true,
		},
		{name: "256 functions", insns: fan(256)},
		{name: "257 functions", insns: fan(257), want: []finding{{pc: -1, err: ErrSize, text: "257 functions, at most 256 are allowed"}}},
		{name: "8 frames", insns: chain(8)},
		{name: "9 frames", insns: chain(9), want: []finding{{pc: 14, err: ErrCallDepth, text: "9 frames at once, at most 8 are allowed: main -> func@2 -> func@4 -> func@6 -> func@8 -> func@10 -> func@12 -> func@14 -> func@16"}}},
		{
			name: "20 frames", insns: chain(20),
			want: []finding{{pc: 14, err: ErrCallDepth, text: "20 frames at once, at most 8 are allowed: main -> func@2 -> func@4 -> func@6 -> func@8 -> func@10 -> func@12 -> func@14 -> func@16 -> func@18 -> func@20 -> 9 more"}},
		},
		{
			name: "9 frames in a dead branch", insns: append(prog(mov(0, 0), ifZero(0, 1)), chain(9)...),
			want: []finding{{pc: 16, err: ErrCallDepth, text: "9 frames at once, at most 8 are allowed: main -> func@4 -> func@6 -> func@8 -> func@10 -> func@12 -> func@14 -> func@16 -> func@18"}},
		},
		{
			name: "program calls itself", insns: prog(mov(0, 0), call(-2), exit),
			want: []finding{{pc: 1, err: ErrRecursion, text: "main -> main"}},
		},
		{
			name: "function calls itself", insns: recursive,
			functions: []bpf.Function{{Name: "main", Len: 2}, {Name: "sub", Start: 2, Len: 3}},
			want:      []finding{{pc: 3, err: ErrRecursion, text: "sub -> sub"}},
		},
		{
			name: "functions call each other", insns: prog(call(1), exit, call(1), exit, call(-3), exit),
			want: []finding{{pc: 4, err: ErrRecursion, text: "func@2 -> func@4 -> func@2"}},
		},
		{
			name: "recursion in a dead branch", insns: prog(call(1), exit, mov(0, 0), ifZero(0, 1), call(-3), exit),
			want: []finding{{pc: 4, err: ErrRecursion, text: "func@2 -> func@2"}},
		},
	}
}

func environmentCases() []testCase {
	packetLoad := prog(bpf.Instruction{Op: 0xbf, Dst: 6, Src: 1}, bpf.Instruction{Op: 0x30}, mov(0, 0), exit)
	mapUse := func(kind bpf.Register, index, off uint32) []bpf.Instruction {
		return prog(mapLoad(kind, index, off), mov(0, 0), exit)
	}
	return []testCase{
		{name: "helper", insns: prog(helper(5), exit)},
		{name: "helper 999", insns: prog(helper(999), exit), want: []finding{{pc: 0, err: ErrUnknownHelper, text: "number 999, those of Linux are 1 to 211"}}},
		{name: "helper 0", insns: prog(helper(0), exit), want: []finding{{pc: 0, err: ErrUnknownHelper, text: "number 0, those of Linux are 1 to 211"}}},
		{name: "helper -1", insns: prog(helper(-1), exit), want: []finding{{pc: 0, err: ErrUnknownHelper, text: "number -1, those of Linux are 1 to 211"}}},
		{name: "poisoned by CO-RE", insns: prog(helper(poison), exit), want: []finding{{pc: 0, err: ErrUnknownHelper, text: "CO-RE found nothing in the kernel's types for this instruction, and nothing keeps it from running"}}},
		{name: "poisoned by CO-RE in a dead branch", insns: dead(helper(poison))},
		{name: "packet load, socket filter", insns: packetLoad},
		{name: "packet load, tc", insns: packetLoad, prog: linux.ProgSchedCLS},
		{name: "packet load, action", insns: packetLoad, prog: linux.ProgSchedACT},
		{
			name: "packet load, xdp", insns: packetLoad, prog: linux.ProgXDP,
			want: []finding{{pc: 1, err: ErrPacketLoad, text: "`r0 = *(u8 *)skb[0]` in a program of type xdp, expected socket_filter, sched_cls or sched_act"}},
		},
		{
			name: "packet load, cgroup_skb", insns: packetLoad, prog: linux.ProgCgroupSKB,
			want: []finding{{pc: 1, err: ErrPacketLoad, text: "`r0 = *(u8 *)skb[0]` in a program of type cgroup_skb, expected socket_filter, sched_cls or sched_act"}},
		},
		{name: "map", insns: mapUse(bpf.PseudoMapIdx, 2, 0), maps: testMaps},
		{
			name: "map that is not there", insns: mapUse(bpf.PseudoMapIdx, 3, 0), maps: testMaps,
			want: []finding{{pc: 0, err: ErrMap, text: "map 3, there are 3"}},
		},
		{
			name: "map -1", insns: mapUse(bpf.PseudoMapIdxValue, 1<<32-1, 0), maps: testMaps, noKernel: true, // it reads before the table
			want: []finding{{pc: 0, err: ErrMap, text: "map -1, there are 3"}},
		},
		{name: "last byte of a map's value", insns: mapUse(bpf.PseudoMapIdxValue, 0, 47), maps: testMaps},
		{
			name: "behind a map's value", insns: mapUse(bpf.PseudoMapIdxValue, 0, 48), maps: testMaps,
			want: []finding{{pc: 0, err: ErrMap, text: "offset 48 into the value of config, which has 48 bytes"}},
		},
		{
			name: "far behind a map's value", insns: mapUse(bpf.PseudoMapIdxValue, 0, 1<<29), maps: testMaps,
			want: []finding{{pc: 0, err: ErrMap, text: "offset 536870912 into the value of config, at most 536870911 is allowed"}},
		},
		{name: "address in an arena", insns: mapUse(bpf.PseudoMapIdxValue, 0, 4096), maps: []*bpf.Map{arena}, noKernel: true},
		{
			name: "value of an array of 4", insns: mapUse(bpf.PseudoMapIdxValue, 1, 0), maps: testMaps,
			want: []finding{{pc: 0, err: ErrMap, text: "the address of the value of wide, which has 4 entries, expected 1"}},
		},
		{
			name: "value of a hash", insns: mapUse(bpf.PseudoMapIdxValue, 2, 0), maps: testMaps,
			want: []finding{{pc: 0, err: ErrMap, text: "the address of the value of flows, which is a hash: only an array's value has one"}},
		},
	}
}

func stackCases() []testCase {
	one := func(name string, in bpf.Instruction, err error, text string) testCase {
		c := testCase{name: name, insns: prog(mov(0, 0), store(8, 10, -8), in, mov(0, 0), exit)}
		if err != nil {
			c.want = []finding{{pc: 2, err: err, text: text}}
		}
		return c
	}
	return []testCase{
		one("store above the frame", store(8, 10, 8), ErrStack, "write of 8 bytes at r10+8, the frame is r10-512 to r10-1"),
		one("store at r10", store(4, 10, 0), ErrStack, "write of 4 bytes at r10+0, the frame is r10-512 to r10-1"),
		one("byte below r10", store(1, 10, -1), nil, ""),
		one("lowest slot", store(8, 10, -512), nil, ""),
		one("store below the frame", store(8, 10, -520), ErrStack, "write of 8 bytes at r10-520, the frame is r10-512 to r10-1"),
		one("read below the frame", load(1, 0, 10, -513), ErrStack, "read of 1 byte at r10-513, the frame is r10-512 to r10-1"),
		one("store over the end", store(8, 10, -4), ErrStack, "write of 8 bytes at r10-4, the frame is r10-512 to r10-1"),
		one("load over the end", load(2, 0, 10, -1), ErrStack, "read of 2 bytes at r10-1, the frame is r10-512 to r10-1"),
		one("register store above", bpf.Instruction{Op: 0x7b, Dst: 10, Off: 16}, ErrStack, "write of 8 bytes at r10+16, the frame is r10-512 to r10-1"),
		one("atomic add above", atomic(0xdb, 10, 0, 8, 0), ErrStack, "read of 8 bytes at r10+8, the frame is r10-512 to r10-1"),
		one("atomic add", atomic(0xdb, 10, 0, -8, 0), nil, ""),
		one("load_acquire above", atomic(0xdb, 0, 10, 8, 0x100), ErrStack, "read of 8 bytes at r10+8, the frame is r10-512 to r10-1"),
		one("store_release above", atomic(0xdb, 10, 0, 8, 0x110), ErrStack, "write of 8 bytes at r10+8, the frame is r10-512 to r10-1"),
		one("misaligned store of 8", store(8, 10, -9), ErrAlignment, "write of 8 bytes at r10-9, expected a multiple of 8"),
		one("misaligned load of 4", load(4, 0, 10, -6), ErrAlignment, "read of 4 bytes at r10-6, expected a multiple of 4"),
		one("misaligned store of 2", store(2, 10, -3), ErrAlignment, "write of 2 bytes at r10-3, expected a multiple of 2"),
		one("4 bytes at a multiple of 4", store(4, 10, -12), nil, ""),
	}
}

// visitCases break rules that the kernel keeps to where it goes.
func visitCases() []testCase {
	warn := func(name string, in bpf.Instruction, err error, text string) testCase {
		return testCase{name: name + " in a dead branch", insns: dead(in), want: []finding{{pc: 2, err: err, text: text, warn: true}}}
	}
	// The same behind a join, where every path comes past.
	joined := prog(mov(0, 0), ifZero(1, 1), mov(0, 1), mov(10, 0), exit)
	inCallee := prog(call(2), mov(0, 0), exit, ifZero(1, 0), mov(10, 0), exit)
	return []testCase{
		warn("write to r10", mov(10, 0), ErrFramePointer, "`r10 = 0` writes to it"),
		warn("reserved field", bpf.Instruction{Op: 0x07, Src: 3}, ErrInvalidInstruction, "opcode 0x07: the source field is 3, expected 0"),
		warn("register 11", mov(11, 0), ErrInvalidInstruction, "opcode 0xb7: there is no register r11"),
		warn("shift", bpf.Instruction{Op: 0x67, Imm: 64}, ErrShift, "`r0 <<= 64` shifts a 64-bit register by 64, expected 0 to 63"),
		warn("division", bpf.Instruction{Op: 0x37}, ErrDivision, "`r0 /= 0`"),
		warn("helper 999", helper(999), ErrUnknownHelper, "number 999, those of Linux are 1 to 211"),
		warn("stack", store(8, 10, 8), ErrStack, "write of 8 bytes at r10+8, the frame is r10-512 to r10-1"),
		{
			name: "unknown opcode in a dead branch", insns: dead(bpf.Instruction{Op: 0xff}),
			want: []finding{{pc: 2, err: ErrInvalidInstruction, text: "there is no opcode 0xff"}},
		},
		{
			name: "load immediate in a dead branch", insns: dead(bpf.Instruction{Op: 0x61, Imm: 1}),
			want: []finding{{pc: 2, err: ErrInvalidInstruction, text: "opcode 0x61: the immediate is 1, expected 0"}},
		},
		{name: "write to r10 behind a join", insns: joined, want: []finding{{pc: 3, err: ErrFramePointer, text: "`r10 = 0` writes to it"}}},
		{name: "write to r10 in a callee", insns: inCallee, want: []finding{{pc: 4, err: ErrFramePointer, text: "`r10 = 0` writes to it"}}},
		{
			name: "several findings", insns: prog(mov(0, 0), mov(10, 0), store(8, 10, 8), jump(1), mov(0, 1), jump(7)),
			want: []finding{
				{pc: 1, err: ErrFramePointer, text: "`r10 = 0` writes to it"},
				{pc: 2, err: ErrStack, text: "write of 8 bytes at r10+8, the frame is r10-512 to r10-1"},
				{pc: 5, err: ErrJump, text: "`goto +7` goes to insn 13, function main is insns 0 to 5"},
			},
		},
	}
}
