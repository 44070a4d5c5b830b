// Package asm turns assembly text into object files, and programs back into
// text.
//
// The language is LLVM's for BPF: what clang -S prints and llvm-mc reads.
// [Assemble] makes an [elf.Image] of it, with the relocations LLVM would write,
// and reports every error of a file at once, each with its place. On top of
// that language stand a few directives that make whole programs pleasant to
// write by hand and loadable without a compiler:
//
//	.license "GPL"
//	.map counts, type=hash, key=u32, value={u64 packets, u64 bytes}, max_entries=256
//	.program xdp, drop_all
//		r0 = XDP_DROP
//		exit
//
// Names of the kernel's headers (XDP_DROP, ETH_P_IP) and of context fields
// (xdp_md.data_end) are numbers wherever a file does not define them itself.
// Helpers are called by name or by number. [Options] choose the version of the
// instruction set; a goto that is too far becomes a gotol where there is one.
//
// Instructions may be written with mnemonics as well, each statement as its
// first word tells: as GNU as, uBPF, the bpf_conformance suite and rbpf have them
// (mov %r0, 1; ldxw r2, [r1+4]; jeq r1, 2, +3). [Dialect] settles what these
// read differently. And as the kernel prints them (if r1 == 0x0 goto pc+3):
// verifier logs and what bpftool prog dump xlated shows are sources too.
//
// .map knows type, key, value, max_entries, flags, pinning, map_extra, numa_node,
// inner={…} for what a map of maps holds, and values={first, [5]=sixth} for the
// programs of a prog_array and the maps of a map of maps, by name. All types of
// map can be made so but struct_ops, whose value is the kernel's.
//
// .type gives variables and functions their types in words of C, for BTF:
//
//	.type limits, struct limits {u32 low, high}[2]
//	.type twice, u64 (u32 n)
//
// What .extern or .weak names and the file does not define is the kernel's, and
// gets BTF too: functions whose type is known (those of [linux.Kfuncs], or by
// .type), and variables, of which without .type only the address is asked for.
//
// Symbols get the types and sizes that loaders ask for, and the object gets BTF
// for its maps, variables and functions, and its source lines, unless the text
// brings its own.
//
// What compilers say of their sources becomes debug information as llvm-mc writes
// it: .file and .loc a line table (.debug_line), the .cfi directives the frames of
// functions (.debug_frame). Where the text has no .BTF of its own, .loc also gives
// the lines of .BTF.ext.
//
// [Printer.PrintImage] writes a whole object file as text that assembles to the
// same object, here and, as a rule, with llvm-mc. What LLVM's directives leave to the
// assembler is said with three of our own:
//
//	.exact                          nothing is added: no types, no .text, no alignment of code
//	.reloc 16, R_BPF_64_64, counts  a relocation as such, against the symbol or section itself
//	.rename counts.2, "counts"      what a symbol is called in the object's symbol table
//
// .exact stands before everything else. The type of .reloc may be a number; a
// symbol of .type may have one, too (.type f, @10). A label within a function is in
// the symbol table when .type speaks of it. .ifdef __ebas__ holds here alone.
//
// [Rows] lists a linked [bpf.Program], [Format] writes one instruction of it, and
// [MapText] a map.
//
// How the assembler works: the scanner cuts a file into statements of tokens.
// A statement is a label, a directive (one table), or an instruction, which a
// tree built from [bpf.Forms] recognises. Bytes go straight into the section;
// what depends on a symbol becomes a fixup, settled in one walk at the end of
// the file into a number or a relocation.
package asm
