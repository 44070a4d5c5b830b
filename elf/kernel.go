package elf

import (
	"errors"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// Options say how an image is loaded. The zero value is what most want.
type Options struct {
	// Type is given to programs whose section's name does not say what type
	// they are of.
	Type linux.ProgramType
	// Kernel gives what the programs are to run on, nil when that is not known. It
	// is called once, and only if the object takes functions, variables or
	// settings from it. Without a kernel these stay open.
	Kernel func() (*Kernel, error)
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

// kernel is what the object is resolved against, nil for nothing.
func (l *loader) kernel() *Kernel {
	if l.opts.Kernel == nil || l.asked {
		return l.target
	}
	l.asked = true
	k, err := l.opts.Kernel()
	switch {
	case err != nil:
		l.problem(true, "", err, "what the object takes from the kernel stays open")
	case k != nil:
		l.target, l.obj.Kernel = k, k.Name
	default:
		l.problem(true, "", errors.New("no kernel's types are at hand: what the object takes from the kernel stays open"))
	}
	return l.target
}
