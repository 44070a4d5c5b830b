package linux

import (
	"slices"
	"strings"
)

// Section is one definition of what a program section's name in an object file
// says about the programs in it.
type Section struct {
	// Pattern is the name itself, "xdp", or ends in "+", "kprobe+": then the
	// section is called "kprobe", or "kprobe/" and the target to attach to.
	Pattern string
	Type    ProgramType
	// Attach is the expected attach type to load programs with, 0 for none.
	// AttachCgroupInetIngress is 0 too: only "cgroup_skb/ingress" means it.
	Attach AttachType
	Flags  SectionFlags
	// Source says who defines the section if libbpf doesn't: "iproute2" or
	// "ebtools".
	Source string
}

// SectionFlags say more about the programs of a section.
type SectionFlags uint8

const (
	// SecSleepable programs may sleep: they are loaded with FSleepable.
	SecSleepable SectionFlags = 1 << iota
	// SecFrags programs take packets of several buffers: they are loaded with
	// FXDPHasFrags.
	SecFrags
	// SecAttachOptional programs are loaded with Attach as 0 by a kernel that
	// doesn't know expected attach types for them yet.
	SecAttachOptional
	// SecTargetRequired programs can't be loaded without a target, which is
	// found by its name in the type information of the kernel, or for freplace
	// of another program.
	SecTargetRequired
	// SecUSDT programs are attached to statically defined probes of user
	// programs; a kernel that has AttachTraceUprobeMulti loads them with it.
	SecUSDT
	// SecNoAutoload is set by SectionByName when the name began with "?": the
	// program is to be loaded only if it is asked for.
	SecNoAutoload
)

// TakesTarget reports whether the section's name may go on with "/" and the
// target to attach to. That of "struct_ops" is only a comment.
func (s Section) TakesTarget() bool { return strings.HasSuffix(s.Pattern, "+") }

// LoadFlags returns the flags to load a program of the section with:
// FSleepable, FXDPHasFrags or 0.
func (s Section) LoadFlags() uint32 {
	var flags uint32
	if s.Flags&SecSleepable != 0 {
		flags |= FSleepable
	}
	if s.Flags&SecFrags != 0 {
		flags |= FXDPHasFrags
	}
	return flags
}

// SectionByName returns the definition that a program section's name matches,
// and the target in it: "sched/sched_switch" of "tp/sched/sched_switch".
//
// It matches as libbpf 1.0 and later do (sec_def_matches of libbpf.c): a
// pattern that ends in "+" matches its own name and its name with "/" and
// anything, even nothing, after it; every other pattern matches only itself.
// So "xdp/eth0" and "xdp_drop", which older loaders took for "xdp", match
// nothing. A leading "?" is dropped first and sets SecNoAutoload.
func SectionByName(section string) (s Section, target string, ok bool) {
	name, noAutoload := strings.CutPrefix(section, "?")
	i, ok := sectionsExact[name]
	if !ok {
		name, target, _ = strings.Cut(name, "/")
		i, ok = sectionsOpen[name]
	}
	if !ok {
		return Section{}, "", false
	}
	s = sectionTable[i]
	if noAutoload {
		s.Flags |= SecNoAutoload
	}
	return s, target, true
}

// Sections returns all section definitions, libbpf's first and in its order.
func Sections() []Section { return slices.Clone(sectionTable[:]) }

// Indexes into sectionTable, by pattern; those that end in "+" without it.
var sectionsExact, sectionsOpen = func() (exact, open map[string]int) {
	exact, open = map[string]int{}, map[string]int{}
	for i, s := range sectionTable {
		if s.TakesTarget() {
			open[strings.TrimSuffix(s.Pattern, "+")] = i
		} else {
			exact[s.Pattern] = i
		}
	}
	return exact, open
}()
