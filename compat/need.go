package compat

import (
	"cmp"
	"slices"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Need is one thing that a program uses and that not every kernel has.
type Need struct {
	// Since is the first release that has it, zero if none is known to: a helper
	// number that no kernel gives to anything, an unknown map type.
	Since linux.Version
	// AtLeast says that Since is only a bound: no release before it can have it,
	// but when it arrived is not known.
	AtLeast bool
	Kind    Kind
	Name    string // "bpf_ringbuf_reserve", "BPF_MAP_TYPE_RINGBUF"
	Detail  string // why, for people, where it is not obvious
	PC      int    // bpf.NoPC if it is not about an instruction
	// Line is the source line of the instruction, its Pos invalid if not known.
	Line bpf.Line
	// Optional says that the program runs without it as well.
	Optional bool
}

// Met reports whether a kernel of release v has it. What no release is known to
// have is never met.
func (n Need) Met(v linux.Version) bool {
	return n.Since != linux.Version{} && !v.Less(n.Since)
}

// Kind is what kind of thing a program needs.
type Kind uint8

// The kinds.
const (
	ProgramType    Kind = iota
	AttachType          // where within its type a program is attached
	Section             // a way of attaching, such as to a user function or sleepable
	Target              // what is attached to: an iterator, a struct of the kernel
	Helper              // function called by number
	Kfunc               // function of the kernel called by name
	Ksym                // variable of the kernel
	MapType             // type of map
	MapFlag             // flag or setting of a map
	MapField            // special type in a map's values
	GlobalData          // global variables
	Instruction         // instructions of a newer set
	Loop                // jumps back
	ProgramSize         // number of instructions
	Call                // functions of the program
	Stack               // more stack than one frame may have
	GlobalFunction      // functions verified by themselves, and tags of their arguments
	BTF                 // type information of the object
	KernelBTF           // type information of the kernel
	kindCount
)

var kindNames = [kindCount]string{
	"program type", "attach type", "section", "attach target", "helper", "kfunc", "kernel variable", "map type", "map flag",
	"map field", "global data", "instruction", "loop", "program size", "call", "stack", "global function", "BTF", "kernel BTF",
}

// String gives the kind in words: "program type".
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return "unknown kind"
}

// first is the first release that runs programs of user space.
var first = linux.Version{Major: 3, Minor: 19}

// Oldest returns the oldest release that has all that is needed and not optional:
// the zero Version if something is in no release that is known, and 3.19, the
// first that loads programs, if nothing is needed.
func Oldest(needs []Need) linux.Version {
	oldest := linux.Version{}
	for _, n := range needs {
		if n.Optional {
			continue
		}
		if n.Since == (linux.Version{}) {
			return linux.Version{}
		}
		if oldest.Less(n.Since) {
			oldest = n.Since
		}
	}
	if oldest == (linux.Version{}) {
		return first
	}
	return oldest
}

// TooNew returns what a kernel of release v does not have, optional needs not
// counted, in the order given.
func TooNew(needs []Need, v linux.Version) []Need {
	var tooNew []Need
	for _, n := range needs {
		if !n.Optional && !n.Met(v) {
			tooNew = append(tooNew, n)
		}
	}
	return tooNew
}

// sortNeeds sorts newest first, what is in no release before all, and what is of
// one release as the constants of the kinds are.
func sortNeeds(needs []Need) {
	slices.SortStableFunc(needs, func(a, b Need) int {
		return cmp.Or(
			age(b.Since)-age(a.Since),
			cmp.Compare(a.Kind, b.Kind),
			cmp.Compare(a.PC, b.PC),
			cmp.Compare(a.Name, b.Name),
		)
	})
}

func age(v linux.Version) int {
	if v == (linux.Version{}) {
		return 1 << 16
	}
	return int(v.Major)<<8 | int(v.Minor)
}
