package compat

import (
	"fmt"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// formFeature says which feature an instruction of the form is, ok false for those
// that every kernel with BPF runs. known is false for a form that no kernel runs.
func formFeature(f *bpf.Form) (feature linux.Feature, ok, known bool) {
	switch {
	case f.Group == bpf.LLVM:
		return 0, false, false
	case f.Op == bpf.OpcodeLoadImm64:
		switch f.Src {
		case bpf.PseudoMapValue, bpf.PseudoMapIdxValue:
			return linux.FeatureGlobalData, true, true
		case bpf.PseudoBTFID:
			return linux.FeatureKsyms, true, true
		case bpf.PseudoFunc:
			return linux.FeatureFuncPointers, true, true
		}
		return 0, false, true
	case f.Op == bpf.OpcodeCall:
		switch f.Src {
		case bpf.CallLocal:
			return linux.FeatureCalls, true, true
		case bpf.CallKfunc:
			return linux.FeatureKfuncs, true, true
		}
		return 0, false, true
	case f.Op == bpf.OpcodeMayGoto:
		return linux.FeatureMayGoto, true, true
	case f.Op == bpf.ClassALU64|bpf.OpMov|bpf.SourceX && f.Off == 1:
		return linux.FeatureAddrSpaceCast, true, true
	case f.Op&^uint8(bpf.SourceX) == bpf.ClassALU|bpf.OpArsh:
		return linux.FeatureArsh32, true, true
	}
	in := bpf.Instruction{Op: f.Op, Imm: f.Imm}
	atomic := in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC
	switch {
	case atomic && (f.Imm == bpf.AtomicLoadAcq || f.Imm == bpf.AtomicStoreRel):
		return linux.FeatureLoadAcquire, true, true
	case f.Since == bpf.V4:
		return linux.FeatureISAv4, true, true
	case f.Since == bpf.V3 && atomic:
		return linux.FeatureAtomics, true, true
	case f.Since == bpf.V3:
		return linux.FeatureJump32, true, true
	case f.Since == bpf.V2:
		return linux.FeatureJumpLess, true, true
	}
	return 0, false, true
}

// instructions adds what single instructions need: their set, what they call and
// what they refer to.
func (l *list) instructions(r *reader, p *bpf.Program) {
	sure := sureOf(p, r.obj.Maps)
	poison := poisoned(p)
	maps := map[int]bool{}
	externs := p.Externs
	for pc := 0; pc < len(p.Instructions); pc++ {
		in := p.Instructions[pc]
		for len(externs) > 0 && externs[0].PC < pc {
			externs = externs[1:]
		}
		var extern *bpf.Extern
		if len(externs) > 0 && externs[0].PC == pc {
			extern = externs[0].Extern
		}
		switch {
		case extern != nil && in.Op == bpf.OpcodeCall:
			l.kfunc(p, pc, extern, sure[pc])
		case extern != nil && in.IsLoadImm64():
			l.ksym(pc, extern)
			pc++
		case poison[pc]:
			// A CO-RE relocation that the kernel at hand can't fulfil: what
			// it was is not known.
		case in.IsHelperCall():
			l.helper(p, pc, linux.HelperID(in.Imm), sure[pc])
		default:
			if !r.isVariable(in) { // else its section says so
				l.form(pc, in)
			}
			if in.IsLoadImm64() {
				if (in.Src == bpf.PseudoMapIdx || in.Src == bpf.PseudoMapIdxValue) && !maps[int(in.Imm)] {
					maps[int(in.Imm)] = true
					l.mapAt(r, pc, int(in.Imm))
				}
				pc++
			}
		}
	}
}

// isVariable reports whether the instruction loads the address of a global
// variable, and not that of something else in a map's value.
func (r *reader) isVariable(in bpf.Instruction) bool {
	if !in.IsLoadImm64() || in.Src != bpf.PseudoMapIdxValue || in.Imm < 0 || int(in.Imm) >= len(r.obj.Maps) {
		return false
	}
	m := r.obj.Maps[in.Imm]
	return m != nil && m.Section != ""
}

// poisoned lists the calls that stand for CO-RE relocations without a result.
func poisoned(p *bpf.Program) map[int]bool {
	pcs := map[int]bool{}
	for _, c := range p.CORE {
		if c.Result == bpf.COREPoisoned {
			pcs[c.PC] = true
		}
	}
	return pcs
}

func (l *list) form(pc int, in bpf.Instruction) {
	f := in.Form()
	if f == nil {
		l.add(Need{Kind: Instruction, Name: fmt.Sprintf("opcode %#02x", in.Op), PC: pc, Detail: "this is no instruction of any kernel that is known"})
		return
	}
	feature, ok, known := formFeature(f)
	switch {
	case !known:
		l.add(Need{Kind: Instruction, Name: in.String(), PC: pc, Detail: "compilers know this instruction, but no kernel runs it"})
	case !ok:
	case feature == linux.FeatureCalls:
		l.feature(Call, feature, pc, "")
	case feature == linux.FeatureFuncPointers:
		l.feature(Call, feature, pc, "a function's address is taken, as a callback")
	case feature == linux.FeatureGlobalData:
		l.feature(GlobalData, feature, pc, "")
	case feature == linux.FeatureKfuncs:
		l.add(Need{Since: feature.Since(), AtLeast: true, Kind: Kfunc, Name: fmt.Sprintf("kernel function %d", in.Imm), PC: pc, Detail: "the object does not say what it is called"})
	case feature == linux.FeatureKsyms:
		l.feature(Ksym, feature, pc, "")
	case !l.has(Instruction, feature.String()): // many are of one set, and their text takes time
		l.feature(Instruction, feature, pc, in.String())
	}
}

// helper adds a helper: since when the kernel has it, or since when programs of
// this type may call it if that is later. sure says that the call is reached on
// every kernel.
func (l *list) helper(p *bpf.Program, pc int, id linux.HelperID, sure bool) {
	h, ok := linux.HelperByID(id)
	n := Need{Kind: Helper, Name: id.String(), PC: pc, Optional: !sure}
	switch {
	case !ok:
		n.Detail = "no release up to 6.18 has a helper of this number"
	case p.Type == linux.ProgExt:
		n.Since = h.Since // the program that is extended says what may be called
	default:
		n.Since = h.SinceIn(p.Type)
		if h.Since.Less(n.Since) && p.Type.Since().Less(n.Since) {
			n.Detail = fmt.Sprintf("%s programs may call it since then; the helper is of %v", p.Type, h.Since)
		} else {
			n.Since = h.Since
		}
	}
	if !sure && n.Detail == "" {
		n.Detail = "only called where the kernel is found to be new enough"
	}
	l.add(n)
}

// kfunc adds a function of the kernel. A name ends before "___", as those of
// flavors do. A weak one is not needed where the program asks for it first; a call
// that is always reached is refused by kernels that lack it, weak or not.
func (l *list) kfunc(p *bpf.Program, pc int, e *bpf.Extern, sure bool) {
	optional := e.Weak && !sure
	name := essential(e.Name)
	k, ok := linux.KfuncRelease(name)
	n := Need{Kind: Kfunc, Name: name, PC: pc, Since: k.Since, Optional: optional}
	if !ok || k.Since == (linux.Version{}) {
		n.Since, n.AtLeast = linux.FeatureKfuncs.Since(), true
		n.Detail = "it is not known which release has it; it is not before this that programs call functions of the kernel"
		if e.Module != "" {
			n.Since = linux.FeatureModuleKfuncs.Since()
			n.Detail = "it is not known which release of module " + e.Module + " has it; it is not before this that programs call functions of modules"
		}
	}
	if ok && !k.Common {
		if v := p.Type.KfuncsSince(); n.Since.Less(v) {
			n.Since, n.Detail = v, fmt.Sprintf("%s programs may call functions of the kernel that are not for all since then; this one is of %v", p.Type, k.Since)
		}
	}
	if optional && n.Detail == "" {
		n.Detail = "only called where the kernel has it"
	}
	l.add(n)
	l.add(Need{
		Since: linux.FeatureKernelBTF.Since(), Kind: KernelBTF, Name: "CONFIG_DEBUG_INFO_BTF", PC: bpf.NoPC, Optional: optional,
		Detail: "functions and variables of the kernel are found in its type information",
	})
}

// ksym adds a load of the address of something of the kernel. One without a type
// is a number that loaders take from /proc/kallsyms: that needs nothing of BPF.
func (l *list) ksym(pc int, e *bpf.Extern) {
	if !typed(e) {
		return
	}
	f := linux.FeatureKsyms
	detail := "loaded by its type"
	switch {
	case e.IsFunc():
		return // only to ask whether there is such a function; calls tell the rest
	case e.Module != "":
		f, detail = linux.FeatureModuleKsyms, "a variable of module "+e.Module
	}
	l.add(Need{Since: f.Since(), Kind: Ksym, Name: essential(e.Name), PC: pc, Optional: e.Weak, Detail: detail})
	l.add(Need{
		Since: linux.FeatureKernelBTF.Since(), Kind: KernelBTF, Name: "CONFIG_DEBUG_INFO_BTF", PC: bpf.NoPC, Optional: e.Weak,
		Detail: "functions and variables of the kernel are found in its type information",
	})
}
