// Package vm runs eBPF programs: the reference for what a program means.
//
// A [Machine] is made from a [bpf.Object]. It has the object's maps and
// programs, and runs a program on an input the way the kernel's hook of its
// type would: [Program.RunXDP] for packets at a network driver, [Program.RunSKB]
// for those at tc, sockets, cgroups and tunnels, [Program.RunFlow] for the flow
// dissector. The maps can be read and written between runs, and several
// goroutines may run programs, with a [Worker] each.
//
// Programs need not be verified. Every access to memory is checked against the
// object it belongs to, and a program that leaves it, divides its way into
// trouble, or loops for ever ends with a [Fault] that names the instruction and
// its source line. What is valid but not emulated ends with a Fault that is
// ErrNotEmulated: nothing silently returns 0.
//
// Program addresses are 32 bits wide, so the data and data_end fields of
// struct xdp_md hold them and nothing needs rewriting. The stack of each frame
// is cleared when it begins, so a run depends on its input and the maps only.
package vm
