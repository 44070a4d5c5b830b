// Package elf reads and writes eBPF object files.
//
// An [Image] is the file as it is: sections, symbols and relocations, nothing
// lost. [Read] takes one apart, [Image.Write] puts one together, and [Load]
// makes of it what the rest of the toolchain works on, a [bpf.Object] whose
// programs are linked and whose maps are described. [Image.AddTypeInfo] gives an
// image that was made by hand what loaders want to know of its maps, variables,
// functions and source lines.
//
// Files may come from anywhere: what is wrong with one is an error that says
// what and where, and no length in it is believed before it is checked.
//
// Files are ELF64 relocatable objects for machine EM_BPF of either byte order,
// as clang, gcc and rustc write them and libbpf, cilium/ebpf and iproute2 load
// them. The types that describe maps and variables are BTF (.BTF, .BTF.ext).
package elf
