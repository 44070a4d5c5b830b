package elf

import (
	"errors"
	"fmt"

	"ebtools/bpf/linux"
	"ebtools/elf/core"
)

// Options say how an image is loaded. The zero value is what most want.
type Options struct {
	// Type is given to programs whose section's name does not say what type
	// they are of.
	Type linux.ProgramType
	// Kernel gives what the programs are to run on, nil when that is not known. It
	// is called once, and only if the object depends on it. Without a kernel,
	// CO-RE relocations are resolved against the object's own types, and the
	// functions, variables and settings that it takes from a kernel stay open.
	Kernel func() (*Kernel, error)
}

// Kernel is what programs are resolved against.
type Kernel struct {
	Name    string // for messages: where the types came from
	Types   *core.Types
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
	Types *core.Types
}

// targets are the types that CO-RE relocations are resolved against.
func (k *Kernel) targets() *core.Targets {
	if k == nil {
		return core.NewTargets(nil)
	}
	modules := make([]*core.Types, len(k.Modules))
	for i, m := range k.Modules {
		modules[i] = m.Types
	}
	return core.NewTargets(k.Types, modules...)
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
	case k == nil:
		err = errors.New("no kernel's types are at hand")
	case k.Types == nil:
		err = fmt.Errorf("%s has no types", k.Name)
	case k.Types.ByteOrder() != l.obj.ByteOrder:
		err = fmt.Errorf("%s is for machines of the other byte order", k.Name)
	default:
		l.target, l.obj.Kernel = k, k.Name
		return l.target
	}
	l.problem(true, "", err, l.withoutKernel()...)
	return nil
}

// withoutKernel says what becomes of an object's wishes when no kernel hears
// them.
func (l *loader) withoutKernel() []string {
	var notes []string
	if len(l.core) > 0 {
		notes = append(notes, "CO-RE relocations are resolved against the object's own types")
	}
	if len(l.obj.Externs) > 0 || len(l.externs.settings) > 0 {
		notes = append(notes, "the functions, variables and settings that it takes from the kernel stay open")
	}
	return notes
}
