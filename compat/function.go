package compat

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// functions adds what programs of several functions need: what may not stand
// beside calls in older kernels, and functions that are verified by themselves.
func (l *list) functions(p *bpf.Program) {
	if len(p.Functions) > 1 {
		for pc, in := range p.Instructions {
			switch {
			case in.IsHelperCall() && linux.HelperID(in.Imm) == linux.FnTailCall:
				l.feature(Call, linux.FeatureTailCallsWithCalls, pc, "of x86-64; other machines came later, arm64 with 6.0")
			case in.Class() == bpf.ClassLD && (in.Mode() == bpf.ModeABS || in.Mode() == bpf.ModeIND):
				l.feature(Call, linux.FeatureLoadAbsWithCalls, pc, "")
			}
		}
	}
	for i, f := range p.Functions {
		if f.Type == nil {
			continue
		}
		for _, tag := range f.Type.Tags {
			if strings.HasPrefix(tag, "exception_callback:") {
				l.feature(GlobalFunction, linux.FeatureExceptionCallback, f.Start, "tag "+tag)
			}
		}
		if i > 0 && f.Type.Linkage == btf.GlobalFunc {
			l.globalFunction(p, f)
		}
	}
}

// globalFunction adds a function that is verified by itself, for all arguments of
// its types. Kernels that can't do so get it as static: loaders say so in the type
// information. What is hard is what lies between: a kernel that verifies the
// function and does not know what its arguments are.
func (l *list) globalFunction(p *bpf.Program, f bpf.Function) {
	l.add(Need{
		Since: linux.FeatureGlobalFuncs.Since(), Kind: GlobalFunction, Name: linux.FeatureGlobalFuncs.String(), PC: f.Start, Optional: true,
		Detail: f.Name + ": loaders make it static for older kernels, which verify it with each call",
	})
	proto, ok := f.Type.Type.(*btf.FuncProto)
	if !ok {
		return
	}
	for i, param := range proto.Params {
		var tags []string
		if i < len(f.Type.ParamTags) {
			tags = f.Type.ParamTags[i]
		}
		where := fmt.Sprintf("argument %d of %s", i+1, f.Name)
		for _, tag := range tags {
			if feature, ok := argTags[tag]; ok {
				l.add(Need{
					Since: feature.Since(), Kind: GlobalFunction, Name: tag, PC: f.Start, Detail: where,
					Optional: tag == "arg:ctx", // loaders change the argument's type for older kernels
				})
			}
		}
		if len(tags) == 0 && isMemory(p, param.Type) {
			l.feature(GlobalFunction, linux.FeatureGlobalFuncPointers, f.Start, where+"; 5.6 to 5.11 verify the function by itself and refuse it")
		}
	}
}

// argTags has the declaration tags of arguments that the verifier knows.
var argTags = map[string]linux.Feature{
	"arg:ctx":       linux.FeatureArgTags,
	"arg:nonnull":   linux.FeatureArgTags,
	"arg:trusted":   linux.FeatureArgTagTrusted,
	"arg:nullable":  linux.FeatureArgTagTrusted,
	"arg:arena":     linux.FeatureArgTagArena,
	"arg:untrusted": linux.FeatureArgTagUntrusted,
}

// isMemory reports whether an argument is a pointer to something other than the
// program's context.
func isMemory(p *bpf.Program, t btf.Type) bool {
	pointer, ok := btf.UnderlyingType(t).(*btf.Pointer)
	if !ok {
		return false
	}
	target := pointer.Target
	switch target := btf.UnderlyingType(target).(type) {
	case *btf.Void, *btf.Fwd:
		return false // kernels that verify the function refuse this, all alike
	case *btf.Struct:
		if c, ok := linux.ContextOf(p.Type); ok && c.Name == target.Name {
			return false
		}
		return !strings.HasSuffix(target.Name, "pt_regs") && !strings.HasPrefix(target.Name, "bpf_perf_event_data")
	case *btf.Int:
		return target.Size < 8 || p.Type != linux.ProgTracing && p.Type != linux.ProgLSM &&
			p.Type != linux.ProgRawTracepoint && p.Type != linux.ProgStructOps
	}
	return true
}

// loops adds the first jump that closes a loop. Kernels before FeatureLoops
// refuse any, as found by walking the program's jumps depth-first (check_cfg of
// kernel/bpf/verifier.c): a jump back that closes none is no loop.
func (l *list) loops(p *bpf.Program) {
	if pc, to, ok := backEdge(p); ok {
		l.feature(Loop, linux.FeatureLoops, pc, fmt.Sprintf("control comes back from instruction %d to %d", pc, to))
	}
}

func backEdge(p *bpf.Program) (from, to int, ok bool) {
	const (
		open = 1 // on the way to the instruction at hand
		done = 2
	)
	insns := p.Instructions
	state := make([]uint8, len(insns))
	var path []int
	for _, f := range p.Functions {
		if f.Start < 0 || f.Start >= len(insns) || state[f.Start] != 0 {
			continue
		}
		path = append(path[:0], f.Start)
		for len(path) > 0 {
			pc := path[len(path)-1]
			if state[pc] == done {
				path = path[:len(path)-1]
				continue
			}
			next, n := successors(insns, pc)
			if state[pc] == 0 {
				state[pc] = open
				for _, to := range next[:n] {
					if to >= 0 && to < len(insns) && state[to] == open {
						return pc, to, true
					}
				}
			}
			pushed := false
			for _, to := range next[:n] {
				if to >= 0 && to < len(insns) && state[to] == 0 {
					path, pushed = append(path, to), true
					break
				}
			}
			if !pushed {
				state[pc] = done
				path = path[:len(path)-1]
			}
		}
	}
	return 0, 0, false
}

// successors lists where control may go from pc, calls left out.
func successors(insns []bpf.Instruction, pc int) (next [2]int, n int) {
	in := insns[pc]
	if in.FallsThrough() {
		next[n] = pc + 1
		if in.IsLoadImm64() {
			next[n]++
		}
		n++
	}
	if in.IsJump() {
		next[n] = pc + 1 + in.JumpOffset()
		n++
	}
	return next, n
}
