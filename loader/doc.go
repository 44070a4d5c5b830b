// Package loader is where programs meet the real kernel: loading, attaching,
// pinning and streaming through github.com/cilium/ebpf, from the object images
// that package elf writes. It is for Linux only; nothing is in it yet.
package loader
