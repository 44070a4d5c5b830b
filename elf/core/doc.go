// Package core works out what CO-RE relocations become on a kernel ("compile
// once, run everywhere").
//
// A compiler records of an instruction that its immediate, its offset or its
// size is a fact about a type of the kernel: the offset of a member, the value of
// an enumerator, whether there is such a type. The record ([Relocation]) says
// which fact, and of which type among the object's own, its local types. A
// [Resolver] finds the type of the same name among those of the kernel
// ([Targets]), follows the same path in it by the names of members, and gives
// both values ([Result]), which [Result.Apply] puts into the instruction.
//
// What counts as the same type and the same path, and what an instruction then
// becomes, is as in libbpf (tools/lib/bpf/relo_core.c of Linux 6.12). It differs in
// what libbpf can't do or does not guard against: shifts of a bitfield follow the
// byte order of the object instead of that of the machine, a path whose offset
// does not fit 32 bits is an error instead of a smaller offset, and types that
// lead nowhere or everywhere give an error.
//
// [Types] reads BTF in place. The values depend on what a reader made for other
// ends leaves out: the kind an enumeration was written as, the offset of an
// integer in its storage, the size of the kernel's pointers.
package core
