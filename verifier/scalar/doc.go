// Package scalar is what the verifier knows of a number that a register or a
// stack slot holds: the bits that are certain, and the least and the greatest
// value, read as signed and as unsigned, of all 64 bits and of the low 32.
//
// [Scalar] holds that, [Scalar.Apply] says what an arithmetic instruction makes
// of it, [Taken] which way a conditional jump goes, and [Refine] what either
// way teaches. All of it gives what Linux 6.18 gives (kernel/bpf/verifier.c and
// tnum.c), including where more could be known: a verifier that knew more or
// less would accept other programs. [Scalar.String] writes a scalar as the
// kernel's log does.
//
// Nothing here allocates, but for text.
package scalar
