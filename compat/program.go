package compat

import (
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

func (l *list) programType(p *bpf.Program) {
	n := Need{Since: p.Type.Since(), Kind: ProgramType, Name: "BPF_PROG_TYPE_" + strings.ToUpper(p.Type.String()), PC: bpf.NoPC}
	switch {
	case p.Type == linux.ProgUnspec:
		n.Name, n.Detail = "none", "section "+p.Section+" says no type of program, and no kernel loads a program without one"
	case n.Since == (linux.Version{}):
		n.Name, n.Detail = p.Type.String(), "no release up to 6.18 has this type of program"
	}
	l.add(n)
}

// section adds what the attach type and the section's name need.
func (l *list) section(p *bpf.Program) {
	s, _, known := linux.SectionByName(p.Section)
	known = known && s.Type == p.Type && s.Attach == p.Attach
	hooked := linux.Section{Type: p.Type, Attach: p.Attach}
	if p.Attach != 0 && p.Type.Since() != (linux.Version{}) {
		n := Need{Since: p.Attach.Since(), Kind: AttachType, Name: "BPF_" + strings.ToUpper(p.Attach.String()), PC: bpf.NoPC}
		switch {
		case n.Since == (linux.Version{}):
			n.Name, n.Detail = p.Attach.String(), "no release that is known has this attach type"
		case hooked.Since().Less(n.Since):
			n.Optional, n.Detail = true, "older kernels attach such programs without it"
		case known && s.Since().Less(n.Since):
			n.Optional, n.Detail = true, "older kernels attach them with tc(8)"
		}
		l.add(n)
	}
	if known && hooked.Since().Less(s.Since()) {
		l.add(Need{Since: s.Since(), Kind: Section, Name: strings.TrimSuffix(s.Pattern, "+"), PC: bpf.NoPC, Detail: sectionDetail(s)})
		return
	}
	// Sections that loaders read as another, and programs that were given a type.
	if p.SectionFlags&linux.SecFrags != 0 {
		l.feature(Section, linux.FeatureXDPFrags, bpf.NoPC, "")
	}
	if p.SectionFlags&linux.SecSleepable != 0 && p.Type != linux.ProgSyscall {
		l.feature(Section, linux.FeatureSleepable, bpf.NoPC, "")
	}
}

func sectionDetail(s linux.Section) string {
	switch {
	case s.Flags&linux.SecFrags != 0:
		return "packets of several buffers (BPF_F_XDP_HAS_FRAGS)"
	case s.Flags&linux.SecSleepable != 0:
		return "programs of this kind that may sleep (BPF_F_SLEEPABLE)"
	}
	return "attached to functions of user programs"
}

// target adds what the program is attached to, where kernels differ in that, and
// the kernel's type information that finding it needs. ops is the struct_ops map
// that holds the program, if one does.
func (l *list) target(p *bpf.Program, ops *bpf.Map) {
	switch {
	case p.Type == linux.ProgStructOps:
		if ops != nil {
			if n, ok := structOpsNeed(ops); ok {
				l.add(n)
			}
		}
	case p.Type == linux.ProgTracing && p.Attach == linux.AttachTraceIter && p.Target != "":
		n := Need{Since: linux.IterSince(p.Target), Kind: Target, Name: "iter/" + p.Target, PC: bpf.NoPC}
		if n.Since == (linux.Version{}) {
			n.Since, n.AtLeast = p.Attach.Since(), true
			n.Detail = "it is not known which release made this an iterator"
		}
		l.add(n)
	case p.Type == linux.ProgTracing, p.Type == linux.ProgLSM:
	default:
		return
	}
	l.add(Need{
		Since: linux.FeatureKernelBTF.Since(), Kind: KernelBTF, Name: "CONFIG_DEBUG_INFO_BTF", PC: bpf.NoPC,
		Detail: "what the program is attached to is found in the type information of the kernel that runs",
	})
}

// structOpsNeed is the struct of the kernel that a struct_ops map holds. A name
// ends before "___", as those of flavors do.
func structOpsNeed(m *bpf.Map) (Need, bool) {
	if m.Value == nil {
		return Need{}, false
	}
	s, ok := btf.As[*btf.Struct](m.Value)
	if !ok {
		return Need{}, false
	}
	name, _, _ := strings.Cut(s.Name, "___")
	n := Need{Since: linux.StructOpsSince(name), Kind: Target, Name: "struct " + name, PC: bpf.NoPC}
	if n.Since == (linux.Version{}) {
		n.Since, n.AtLeast = linux.ProgStructOps.Since(), true
		n.Detail = "it is not known which release lets programs implement this struct"
	}
	return n, true
}

// maxOldProgram is how many instructions kernels took before
// FeatureLargePrograms, maxProgram how many they take since
// (BPF_COMPLEXITY_LIMIT_INSNS).
const (
	maxOldProgram = 4096
	maxProgram    = 1_000_000
)

func (l *list) size(p *bpf.Program) {
	switch n := len(p.Instructions); {
	case n > maxProgram:
		l.add(Need{Kind: ProgramSize, Name: "more than 1000000 instructions", PC: bpf.NoPC, Detail: "no kernel takes that many"})
	case n > maxOldProgram:
		l.feature(ProgramSize, linux.FeatureLargePrograms, bpf.NoPC, "older kernels take no more, however simple the program is")
	}
}
