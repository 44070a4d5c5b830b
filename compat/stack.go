package compat

import (
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// privateStack reports whether programs of the type get a stack of their own for
// each function from FeaturePrivateStack on (bpf_enable_priv_stack of
// kernel/bpf/verifier.c): those that may interrupt themselves.
func privateStack(p *bpf.Program) bool {
	switch p.Type {
	case linux.ProgKprobe, linux.ProgTracepoint, linux.ProgPerfEvent, linux.ProgRawTracepoint:
		return true
	case linux.ProgTracing:
		return p.Attach != linux.AttachTraceIter
	}
	return false
}

// stack adds the private stack where all frames of a chain of calls take more
// than one may. How much a function takes is seen from its accesses by r10 and by
// what was just made of r10; where there are others it is more.
func (l *list) stack(p *bpf.Program) {
	if len(p.Functions) < 2 || !privateStack(p) {
		return
	}
	frames := make([]frame, len(p.Functions))
	at := make(map[int]int, len(p.Functions))
	for i, f := range p.Functions {
		at[f.Start] = i
	}
	for i, f := range p.Functions {
		frames[i] = frameOf(p.Instructions, f, at)
	}
	if total := deepest(frames); total > bpf.StackSize {
		l.feature(Stack, linux.FeaturePrivateStack, bpf.NoPC, fmt.Sprintf("%d bytes over all frames; older kernels take %d", total, bpf.StackSize))
	}
}

// frame is what a function takes of the stack, and which functions it calls.
type frame struct {
	size  int
	calls []int
}

func frameOf(insns []bpf.Instruction, f bpf.Function, at map[int]int) frame {
	var fr frame
	var isFP [16]bool
	var off [16]int
	isFP[bpf.R10] = true
	low := 0
	for pc := f.Start; pc < f.Start+f.Len && pc < len(insns); pc++ {
		in := insns[pc]
		switch class := in.Class(); {
		case class == bpf.ClassLDX:
			if isFP[in.Src] {
				low = min(low, off[in.Src]+int(in.Off))
			}
			isFP[in.Dst] = false
		case class == bpf.ClassST || class == bpf.ClassSTX:
			if isFP[in.Dst] {
				low = min(low, off[in.Dst]+int(in.Off))
			}
			if class == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC && in.Src != bpf.R10 {
				isFP[in.Src] = false
			}
		case in.Op == bpf.ClassALU64|bpf.OpMov|bpf.SourceX && in.Off == 0:
			isFP[in.Dst], off[in.Dst] = isFP[in.Src], off[in.Src]
		case in.Op == bpf.ClassALU64|bpf.OpAdd|bpf.SourceK && in.Dst != bpf.R10:
			off[in.Dst] += int(in.Imm)
			if isFP[in.Dst] && off[in.Dst] < low && off[in.Dst] >= -bpf.StackSize {
				low = off[in.Dst]
			}
		case in.IsALU():
			isFP[in.Dst] = in.Dst == bpf.R10
		case in.Op == bpf.OpcodeCall:
			if i, ok := at[pc+1+in.JumpOffset()]; ok && in.IsLocalCall() {
				fr.calls = append(fr.calls, i)
			}
			for r := bpf.R0; r <= bpf.R5; r++ {
				isFP[r] = false
			}
		case class == bpf.ClassLD:
			isFP[in.Dst] = in.Dst == bpf.R10
			if in.IsLoadImm64() {
				pc++
			}
		case in.IsJump():
			// Another way may lead to what follows: only r10 is certain.
			isFP = [16]bool{bpf.R10: true}
		}
	}
	// The kernel rounds a frame up, to 16 bytes since it compiles programs.
	fr.size = (max(-low, 1) + 15) &^ 15
	return fr
}

// deepest is the most bytes that a chain of calls from the first function takes.
func deepest(frames []frame) int {
	const open, done = 1, 2
	state := make([]uint8, len(frames))
	total := make([]int, len(frames))
	next := make([]int, len(frames))
	path := []int{0}
	for len(path) > 0 {
		i := path[len(path)-1]
		state[i] = open
		if next[i] < len(frames[i].calls) {
			callee := frames[i].calls[next[i]]
			switch state[callee] {
			case 0:
				path = append(path, callee)
				continue
			case done:
				total[i] = max(total[i], total[callee])
			} // else it is recursive, which no kernel takes
			next[i]++
			continue
		}
		total[i] += frames[i].size
		state[i] = done
		path = path[:len(path)-1]
	}
	return total[0]
}
