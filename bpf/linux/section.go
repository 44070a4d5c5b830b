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

// Since returns the first release that can load programs of such sections and
// attach them where the name says, but for the target in it. An attach type that
// is only an older way's newer name is not counted: XDP programs had devices to
// be attached to before there was AttachXDP.
func (s Section) Since() Version {
	since := s.Type.Since()
	if v, ok := sectionSince[s.Pattern]; ok {
		return v
	}
	if s.Attach == 0 || attachOptional[s.Attach] {
		return since
	}
	if v := s.Attach.Since(); since.Less(v) {
		since = v
	}
	return since
}

// attachOptional has attach types that say nothing their program types do not.
var attachOptional = map[AttachType]bool{
	AttachXDP: true, AttachPerfEvent: true, AttachStructOps: true, AttachSkReuseportSelect: true,
}

// sectionSince has the sections that need more than their program and attach
// types. BPF took uprobes two releases after kprobes, and what may sleep came
// type by type.
var sectionSince = map[string]Version{
	"uprobe+":          {4, 3},
	"uretprobe+":       {4, 3},
	"usdt+":            {4, 3},
	"uprobe.s+":        {6, 0},
	"uretprobe.s+":     {6, 0},
	"usdt.s+":          {6, 0},
	"fentry.s+":        {5, 10},
	"fexit.s+":         {5, 10},
	"fmod_ret.s+":      {5, 10},
	"lsm.s+":           {5, 10},
	"iter.s+":          {5, 18},
	"struct_ops.s+":    {6, 3},
	"xdp.frags":        {5, 18},
	"xdp.frags/devmap": {5, 18},
	"xdp.frags/cpumap": {5, 18},
	"tc/ingress":       {4, 1}, // tc(8) takes them where there is no tcx
	"tc/egress":        {4, 1},
}
