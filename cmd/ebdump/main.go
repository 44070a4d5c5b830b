// Command ebdump shows what is in an eBPF object: programs, maps, variables,
// types and relocations, and the instructions with the source they come from.
//
// With --json it prints one object:
//
//	name, byte_order ("little", "big"), license
//	kernel           what CO-RE relocations were resolved against, if anything was
//	problems         [{warning, program, pc, message}]
//	programs         [{name, section, type, attach, target, slots,
//	                   functions: [{name, start, slots, stack, type}],
//	                   instructions: [{pc, bytes, text, comment, label, target,
//	                                   source: {file, line, column, text}}],
//	                   core_relocations: [{pc, kind, root, access, local, target, result, why}],
//	                   requires: {linux, needs: [{since, at_least, kind, name, detail, optional, pc, source}]},
//	                   statistics}]
//	maps             [{name, type, key_size, value_size, max_entries, flags, map_extra, numa_node,
//	                   pinning, section, frozen, key, value, inner, values: [{index, name}]}]
//	variables        [{name, section, offset, size, linkage, type, value}]
//	externs          [{name, function, weak, type, kernel_type_id, module}]
//	sections         [{name, type, flags, size, align, relocations}]
//	symbols          [{name, value, size, type, binding, section}]
//	relocations      [{section, offset, type, symbol, addend}]
//	types            [{id, kind, name, size, type, tags,
//	                   members: [{name, type, bit_offset, bit_size, tags, value}]}]
//	statistics       {instructions, slots, kinds, forms, helpers, kernel_functions, maps}
//	requires         the same for all that is shown; the needs are those beside programs'
//	fits             with --requires=VERSION: whether that release has all that is needed
//
// Sizes and offsets are in bytes, but for those of instructions (pc, start, slots),
// which count slots of 8 bytes. Flags that show a part (--maps, --types, …) choose
// what is in it; without any, all is but symbols, types and statistics.
package main

import "ebtools/internal/cli"

func main() { cli.Main(command()) }
