package compat

import (
	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// Of lists what program p of object obj needs, newest first. Each thing is there
// once, at the first place that asks for it, or at the first that insists on it if
// others do not. The maps that p refers to are among it. Neither is changed.
func Of(obj *bpf.Object, p *bpf.Program) []Need {
	return newReader(obj).program(p)
}

// Report is what an object needs.
type Report struct {
	Programs [][]Need // what each program needs, as Object.Programs
	// Rest is what the object needs beside: its type information, and maps that
	// no program refers to.
	Rest []Need
}

// Read lists what all of an object needs, as [Of] does for a program, with less
// work than that many calls of it.
func Read(obj *bpf.Object) Report {
	r := newReader(obj)
	report := Report{Programs: make([][]Need, len(obj.Programs))}
	for i, p := range obj.Programs {
		report.Programs[i] = r.program(p)
	}
	l := list{seen: map[key]int{}}
	for i := range obj.Maps {
		if !r.used[i] {
			l.addAll(r.mapNeeds(i))
		}
	}
	l.types(obj.Types)
	sortNeeds(l.needs)
	report.Rest = l.needs
	return report
}

// Oldest is the oldest release that takes all programs of the object: see the
// function of this name.
func (r Report) Oldest() linux.Version {
	all := r.Rest[:len(r.Rest):len(r.Rest)]
	for _, needs := range r.Programs {
		all = append(all, needs...)
	}
	return Oldest(all)
}

// reader reads an object, and keeps what programs share.
type reader struct {
	obj       *bpf.Object
	maps      map[int][]Need // of a map, by its index
	used      map[int]bool   // maps that a program refers to
	structOps map[string]*bpf.Map
}

func newReader(obj *bpf.Object) *reader {
	r := &reader{obj: obj, maps: map[int][]Need{}, used: map[int]bool{}, structOps: map[string]*bpf.Map{}}
	for _, m := range obj.Maps {
		if m == nil || m.Type != linux.MapStructOps {
			continue
		}
		for _, v := range m.Values {
			if r.structOps[v.Name] == nil {
				r.structOps[v.Name] = m
			}
		}
	}
	return r
}

func (r *reader) program(p *bpf.Program) []Need {
	l := &list{program: p, seen: map[key]int{}}
	if p.Type == linux.ProgSeccomp {
		l.add(Need{
			Since: p.Type.Since(), Kind: ProgramType, Name: p.Type.String(), PC: bpf.NoPC,
			Detail: "filters are translated to classic BPF, which every kernel with seccomp filters runs",
		})
		return l.needs
	}
	l.programType(p)
	l.section(p)
	l.target(p, r.structOps[p.Name])
	l.size(p)
	l.functions(p)
	l.loops(p)
	l.instructions(r, p)
	l.stack(p)
	l.core(p)
	sortNeeds(l.needs)
	return l.needs
}

// key tells things apart.
type key struct {
	kind Kind
	name string
}

// list collects needs, each thing once.
type list struct {
	program *bpf.Program // nil for what is about no program
	needs   []Need
	seen    map[key]int // index in needs
}

// add adds n with its source line. Of two that are the same thing, one that is
// not optional stays, and then the first.
func (l *list) add(n Need) {
	k := key{n.Kind, n.Name}
	i, seen := l.seen[k]
	if seen && (n.Optional || !l.needs[i].Optional) {
		return
	}
	if l.program != nil && n.PC != bpf.NoPC && n.Line == (bpf.Line{}) {
		n.Line, _ = l.program.LineAt(n.PC)
	}
	if seen {
		l.needs[i] = n
		return
	}
	l.seen[k] = len(l.needs)
	l.needs = append(l.needs, n)
}

// has reports whether there is such a need, and not an optional one.
func (l *list) has(kind Kind, name string) bool {
	i, ok := l.seen[key{kind, name}]
	return ok && !l.needs[i].Optional
}

func (l *list) addAll(needs []Need) {
	for _, n := range needs {
		l.add(n)
	}
}

// feature adds one of linux's features.
func (l *list) feature(kind Kind, f linux.Feature, pc int, detail string) {
	l.add(Need{Since: f.Since(), Kind: kind, Name: f.String(), PC: pc, Detail: detail})
}
