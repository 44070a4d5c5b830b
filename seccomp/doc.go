// Package seccomp is where eBPF policies (struct seccomp_data in, a SECCOMP_RET
// value out) become classic BPF, the only kind that seccomp(2) takes. It will
// be pure and build everywhere; nothing is in it yet.
package seccomp
