package asm

import (
	"maps"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf/linux"
)

// suggest adds the candidate that is spelled most like name, if one is close.
func (f *fault) suggest(name string, candidates []string) *fault {
	if best := nearest(name, candidates); best != "" {
		f.note("did you mean %s?", best)
	}
	return f
}

// maxCandidates bounds what nearest looks through.
const maxCandidates = 10000

// nearest gives the candidate with the smallest edit distance to name, or ""
// when none is close enough to be what was meant.
func nearest(name string, candidates []string) string {
	if len(name) < 3 || len(name) > 100 || len(candidates) > maxCandidates {
		return ""
	}
	best, limit := "", len(name)/3
	lower := strings.ToLower(name)
	for _, c := range candidates {
		if c == name {
			continue
		}
		if d := editDistance(lower, strings.ToLower(c), limit); d <= limit {
			best, limit = c, d-1
			if limit < 0 {
				break
			}
		}
	}
	return best
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours that make b of a, giving limit+1 when there are more than limit.
func editDistance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		smallest := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
			smallest = min(smallest, d)
		}
		if smallest > limit {
			return limit + 1
		}
	}
	return row[len(b)]
}

// meanings lists what a name that nothing defines could have been meant for: what
// the file defines, the kernel's constants, and members of structures.
func (a *assembler) meanings(name string) []string {
	if a.errors > maxSuggestions {
		return nil
	}
	known := a.definedNames()
	if structure, member, ok := strings.Cut(name, "."); ok {
		return append(known, a.memberNames(structure, member)...)
	}
	if strings.Contains(name, "_") || name == strings.ToUpper(name) {
		known = append(known, linux.ConstantNames()...)
	}
	return known
}

// memberNames lists the members of the context or structure of some name, or of
// that whose name comes nearest.
func (a *assembler) memberNames(structure, member string) []string {
	c, isContext := contexts()[structure]
	s := a.structs[structure]
	if !isContext && s == nil {
		all := slices.AppendSeq(slices.Sorted(maps.Keys(contexts())), maps.Keys(a.structs))
		structure = nearest(structure, all)
		c, s = contexts()[structure], a.structs[structure]
	}
	var names []string
	for _, f := range c.Fields {
		names = append(names, structure+"."+f.Name)
	}
	if s != nil {
		if t, ok := s.typ.(*btf.Struct); ok {
			for _, m := range t.Members {
				names = append(names, structure+"."+m.Name)
			}
		}
	}
	// The part before the point counts for nothing: its length must not let
	// members pass for near that are not.
	var members []string
	for _, n := range names {
		members = append(members, strings.TrimPrefix(n, structure+"."))
	}
	if slices.Contains(members, member) {
		return []string{structure + "." + member}
	}
	if best := nearest(member, members); best != "" {
		return []string{structure + "." + best}
	}
	return nil
}

// undefinedCall says that nothing is known by the name that a call gives.
func (a *assembler) undefinedCall(to *symbol, at span) *fault {
	to.broken = true
	if _, ok := linux.KfuncByName(to.name); ok {
		return faultAt(at, ErrUndefined, "%s is a function of the kernel, not a helper: it must be declared", to.name).
			note("write .extern %s, or .weak %[1]s if the program can do without it", to.name)
	}
	f := faultAt(at, ErrUndefined, "%s is neither a label of this file nor a helper", describe(to))
	return f.suggest(to.name, append(a.definedNames(), calleeNames()...)).
		note("a function of another file or of the kernel is declared with .extern %s", describe(to))
}

// calleeNames lists the kernel's helpers and functions.
func calleeNames() []string {
	var names []string
	for _, h := range linux.Helpers() {
		names = append(names, h.Name)
	}
	for _, k := range linux.Kfuncs() {
		names = append(names, k.Name)
	}
	return names
}
