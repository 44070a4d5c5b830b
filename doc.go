// Package ebtools opens eBPF programs: assembly source and object files alike
// become a [bpf.Object], which package vm runs, package verifier checks and the
// commands (ebas, ebrun) print.
//
// A Go test of an XDP program takes five lines: see the example of [Open].
package ebtools

// The gallery's C programs, as tests use them.
//
//go:generate clang-19 -O2 -g -Wall -Werror -target bpf -mcpu=v3 -fdebug-compilation-dir=. -I/usr/include/x86_64-linux-gnu -c programs/xdp_drop_icmp/xdp_drop_icmp.c -o testdata/objects/xdp_drop_icmp.o
//go:generate clang-19 -O2 -g -Wall -Werror -target bpf -mcpu=v3 -fdebug-compilation-dir=. -I/usr/include/x86_64-linux-gnu -c programs/xdp_count/xdp_count.c -o testdata/objects/xdp_count.o
