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
// Helpers are called by name or by number. Symbols get the types and sizes that
// loaders ask for, and the object gets BTF for its maps, variables and
// functions, and its source lines, unless the text brings its own.
//
// [Printer] writes a [bpf.Program] as text that assembles back to the same
// instructions.
//
// How the assembler works: the scanner cuts a file into statements of tokens.
// A statement is a label, a directive (one table), or an instruction, which a
// tree built from [bpf.Forms] recognises. Bytes go straight into the section;
// what depends on a symbol becomes a fixup, settled in one walk at the end of
// the file into a number or a relocation.
package asm
