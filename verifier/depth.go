package verifier

import (
	"fmt"
	"slices"
	"strings"

	"ebtools/bpf"
)

// callGraph walks the calls of functions, depth first. There are few enough
// functions (maxFunctions) to recurse.
type callGraph struct {
	c      *checker
	frames []int // most frames at once from a function on, itself included; 0 before it is walked
	deeper []int // pc of the call that leads to them, -1 without
	path   []int // functions that are being walked
}

// The kernel logs the first where it follows the calls, and the second where it
// only adds them up: those of global functions and those in dead branches.
const (
	kernelNinthFrame = "the call stack of 9 frames is too deep"
	kernelEighthCall = "the call stack of 8 frames is too deep !"
)

// checkCallDepth reports recursion and calls nested deeper than the kernel's
// eight frames, from the program's start and from functions that are called
// back.
func (c *checker) checkCallDepth() {
	g := callGraph{c: c, frames: make([]int, len(c.functions)), deeper: make([]int, len(c.functions))}
	roots := []int{0}
	for pc, in := range c.insns {
		if in.IsLoadImm64() && in.Src == bpf.PseudoFunc && c.reachable[pc] {
			if t := c.target(pc); c.inside(t) && c.functions[c.owner[t]].start == t {
				roots = append(roots, int(c.owner[t]))
			}
		}
	}
	reported := map[int]bool{}
	for _, root := range roots {
		g.walk(root)
		if g.frames[root] <= bpf.MaxCallDepth {
			continue
		}
		if pc := g.ninth(root); !reported[pc] {
			reported[pc] = true
			c.reportDepth(pc, fmt.Errorf("%w: %d frames at once, at most %d are allowed: %s",
				ErrCallDepth, g.frames[root], bpf.MaxCallDepth, g.names(g.chain(root))))
		}
	}
}

func (g *callGraph) walk(f int) {
	if g.frames[f] > 0 {
		return
	}
	g.frames[f], g.deeper[f] = 1, -1
	g.path = append(g.path, f)
	var recursive []int // functions whose recursion has been reported
	for _, pc := range g.c.functions[f].calls {
		callee := int(g.c.owner[g.c.target(pc)])
		if i := slices.Index(g.path, callee); i >= 0 {
			if !slices.Contains(recursive, callee) {
				recursive = append(recursive, callee)
				g.c.reportDepth(pc, fmt.Errorf("%w: %s", ErrRecursion, g.names(append(slices.Clone(g.path[i:]), callee))))
			}
			continue
		}
		g.walk(callee)
		if n := g.frames[callee] + 1; n > g.frames[f] {
			g.frames[f], g.deeper[f] = n, pc
		}
	}
	g.path = g.path[:len(g.path)-1]
}

// chain is the functions of the deepest nesting from f on.
func (g *callGraph) chain(f int) []int {
	chain := []int{f}
	for g.deeper[f] >= 0 {
		f = int(g.c.owner[g.c.target(g.deeper[f])])
		chain = append(chain, f)
	}
	return chain
}

// ninth is the call in the deepest nesting from f on that is one too many.
func (g *callGraph) ninth(f int) int {
	return g.deeper[g.chain(f)[bpf.MaxCallDepth-1]]
}

func (g *callGraph) names(functions []int) string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = g.c.functions[f].name
	}
	const most = 12
	if len(names) > most {
		names = append(names[:most-1], fmt.Sprintf("%d more", len(names)-most+1))
	}
	return strings.Join(names, " -> ")
}

func (c *checker) reportDepth(pc int, err error) {
	d := c.report(pc, violation{err: err, kernel: kernelNinthFrame})
	d.Note = append(d.Note, kernelNote(kernelEighthCall))
}
