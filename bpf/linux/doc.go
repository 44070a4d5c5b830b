// Package linux holds what Linux offers a BPF program, as tables of facts:
// helpers, map types, program and attach types, the section names that stand
// for them in an object file, the layouts of program contexts, the meaning of
// return values, flags, error numbers, and the kernel version each thing
// arrived in; and what the kernel's verifier knows of them: what helpers take
// and give, who may call them, what may be read and written where, what may be
// returned. It has no behaviour, needs no Linux to build or run, and imports
// only the standard library.
//
// The tables describe Linux 6.18, and for section names libbpf of early 2026.
// Where something newer than 6.18 is listed, its Since says so.
//
// Numbers come from the kernel's user-space headers (include/uapi/linux) and
// from the type information (BTF) of a running kernel, which the tests compare
// the tables with. What each file's table was taken from is said in that file.
//
// What the verifier knows is not in any header. The tests ask a running Linux 6.18
// about it, row by row, with programs of a few instructions.
//
// A lookup is an access to a map or an array, a binary search, or a walk along a
// few rows. None of them allocates, except to report an error.
package linux
