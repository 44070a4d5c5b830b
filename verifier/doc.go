// Package verifier says whether Linux takes a program, and why not.
//
// [Check] judges a program's structure, what the kernel calls for before it
// follows a single path: valid instructions, jumps that stay inside their
// function, functions that end, no unreachable code, calls that lead somewhere
// and do not nest too deep, accesses through r10 that stay inside the stack.
// The rules and their wording are those of Linux 6.18, kernel/bpf/verifier.c.
//
// The kernel applies some of the rules to the whole text of a program and some
// only to instructions that it gets to: it does not enter a branch when it
// knows which way the jump goes, and accepts whatever lies there. Programs
// lean on that, to call a helper only where the kernel has it for instance.
// So a breach of the second kind of rule is an error where every run comes
// past, and elsewhere a warning ([bpf.Diagnostic] Warn).
package verifier
