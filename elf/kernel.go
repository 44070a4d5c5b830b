package elf

import (
	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// Options say how an image is loaded. The zero value is what most want.
type Options struct {
	// Type is given to programs whose section's name does not say what type
	// they are of.
	Type linux.ProgramType
	// Kernel is what the programs are to run on; nil leaves as compiled what
	// depends on it.
	Kernel *Kernel
}

// Kernel is what programs are resolved against.
type Kernel struct {
	Name    string // for messages: where the types came from
	Types   *btf.Spec
	Modules []Module
	// Config holds the settings that the kernel was built with, such as
	// CONFIG_HZ=250, values as they are written there; nil when not known.
	Config map[string]string
	// Version is LINUX_KERNEL_VERSION: major<<16 | minor<<8 | patch; 0 when not
	// known.
	Version uint32
}

// Module is a kernel module that has types of its own.
type Module struct {
	Name  string
	Types *btf.Spec
}
