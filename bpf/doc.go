// Package bpf says what an eBPF program is: its instructions and the one table
// of their forms, what ALU and conditional instructions mean, and the objects,
// programs and maps that the rest of the toolchain hands around. It also holds
// Diagnostic, the one kind of error that knows its place in a source file.
//
// The instruction set is that of RFC 9669, whose names are used throughout,
// plus the instructions Linux and LLVM have added since: may_goto,
// addr_space_cast, load_acquire, store_release and callx.
//
// One [Instruction] is one 64-bit slot, so an index into a program is the
// kernel's program counter. The only instruction of two slots is the 64-bit
// immediate load (lddw); its second slot is an Instruction with Op 0.
package bpf
