// Command bench measures how fast programs run here: beside the kernel's own
// run of them (the time that BPF_PROG_TEST_RUN reports), and ebrun beside
// tcpdump on a large capture. Both sides take turns in one run, and what is
// printed are medians.
//
//	go run -pgo cmd/ebrun/default.pgo ./bench [-o docs/performance.md]
//
// The profile makes this program what a plain go build makes ebrun. It is
// recorded with
//
//	go run -pgo cmd/ebrun/default.pgo ./bench -profile cmd/ebrun/default.pgo
package main

//go:generate clang-19 -O2 -g -Wall -Werror -fno-unroll-loops -target bpf -mcpu=v3 -fdebug-compilation-dir=. -I/usr/include/x86_64-linux-gnu -c workloads/workloads.c -o workloads/workloads.o
