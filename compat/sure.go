package compat

import (
	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// Programs ask before they call: whether the kernel has a type, a field or an
// enumerator (CO-RE), whether it has a function (a weak extern), which release it
// is (LINUX_KERNEL_VERSION of .kconfig). sureOf answers such questions with no and
// with the oldest release, follows numbers through registers, and says which
// instructions are still reached. Verifiers do the same with the answers of their
// kernel, and don't look at what a branch leaves out.

// oldestCode is what LINUX_KERNEL_VERSION is there.
var oldestCode = uint64(first.Major)<<16 | uint64(first.Minor)<<8

// sureOf says, instruction by instruction, which are reached on every kernel.
func sureOf(p *bpf.Program, maps []*bpf.Map) []bool {
	s := sureness{p: p, maps: maps, asks: asksOf(p, maps)}
	s.reached = make([]bool, len(p.Instructions))
	if len(s.asks) == 0 {
		for i := range s.reached {
			s.reached[i] = true
		}
		return s.reached
	}
	s.run()
	return s.reached
}

// asksOf says what the instructions that ask load: a number if the answer is
// known, else the setting whose address it is.
func asksOf(p *bpf.Program, maps []*bpf.Map) map[int]value {
	asks := map[int]value{}
	for _, c := range p.CORE {
		switch c.Kind {
		case bpf.COREFieldExists, bpf.CORETypeExists, bpf.COREEnumvalExists, bpf.CORETypeMatches:
			asks[c.PC] = value{kind: number}
		default:
			asks[c.PC] = value{} // the instruction holds what one kernel has
		}
	}
	for _, e := range p.Externs {
		if e.Extern != nil && e.Extern.Weak && e.PC < len(p.Instructions) && p.Instructions[e.PC].IsLoadImm64() {
			asks[e.PC] = value{kind: number}
		}
	}
	for pc, in := range p.Instructions {
		if in.IsLoadImm64() && in.Src == bpf.PseudoMapIdxValue && in.Imm >= 0 && int(in.Imm) < len(maps) && pc+1 < len(p.Instructions) {
			if m := maps[in.Imm]; m != nil && m.Section == kconfig {
				asks[pc] = value{kind: setting, n: uint64(in.Imm)<<32 | uint64(uint32(p.Instructions[pc+1].Imm))}
			}
		}
	}
	return asks
}

// value is what is known of a register.
type value struct {
	kind valueKind
	n    uint64 // the number, or the setting: index of the map, offset in it
}

type valueKind uint8

const (
	anything valueKind = iota
	number
	setting // address of a setting
)

type registers [11]value

// sureness runs a program on the oldest kernel.
type sureness struct {
	p       *bpf.Program
	maps    []*bpf.Map
	asks    map[int]value
	reached []bool
	in      map[int]*registers // where control joins
	todo    []int
}

func (s *sureness) run() {
	insns := s.p.Instructions
	s.in = map[int]*registers{}
	join := map[int]bool{} // jump targets, where ways meet
	for pc, in := range insns {
		if in.IsJump() {
			join[pc+1+in.JumpOffset()] = true
		}
	}
	s.enter(0, registers{})
	for len(s.todo) > 0 {
		pc := s.todo[len(s.todo)-1]
		s.todo = s.todo[:len(s.todo)-1]
		regs := *s.in[pc]
		for start := pc; pc >= 0 && pc < len(insns); {
			if pc != start && join[pc] {
				s.enter(pc, regs)
				break
			}
			s.reached[pc] = true
			pc = s.step(pc, &regs)
		}
	}
}

// enter notes that control comes to pc with these registers, and has the way from
// there looked at if that is news. What is known only becomes less.
func (s *sureness) enter(pc int, regs registers) {
	if pc < 0 || pc >= len(s.p.Instructions) {
		return
	}
	old := s.in[pc]
	if old == nil {
		s.in[pc] = &regs
		s.todo = append(s.todo, pc)
		return
	}
	changed := false
	for i := range old {
		if old[i].kind != anything && old[i] != regs[i] {
			old[i], changed = value{}, true
		}
	}
	if changed {
		s.todo = append(s.todo, pc)
	}
}

// step runs the instruction at pc and gives the next, -1 where control does not
// simply go on.
func (s *sureness) step(pc int, regs *registers) int {
	in := s.p.Instructions[pc]
	if in.Dst > bpf.R10 || in.Src > bpf.R10 {
		return pc + 1 // no instruction
	}
	next := pc + 1
	if in.IsLoadImm64() {
		next++
	}
	if v, ok := s.asks[pc]; ok && (in.IsLoadImm64() || in.IsALU()) {
		regs[in.Dst] = v
		return next
	}
	operand := func(x bool) (uint64, bool) {
		if x {
			return regs[in.Src].n, regs[in.Src].kind == number
		}
		return uint64(int64(in.Imm)), true
	}
	switch {
	case in.IsLoadImm64():
		regs[in.Dst] = value{}
		if in.Src == 0 && pc+1 < len(s.p.Instructions) {
			regs[in.Dst] = value{number, bpf.Imm64(in, s.p.Instructions[pc+1])}
		}
		if in.Src == bpf.PseudoFunc {
			s.enter(pc+1+in.JumpOffset(), registers{})
		}
	case in.IsALU():
		regs[in.Dst] = s.alu(in, regs[in.Dst], operand, regs)
	case in.Class() == bpf.ClassLDX:
		regs[in.Dst] = s.load(in, regs[in.Src])
	case in.Class() == bpf.ClassSTX && in.Mode() == bpf.ModeATOMIC:
		regs[in.Src], regs[bpf.R0] = value{}, value{}
		if in.Imm == bpf.AtomicLoadAcq {
			regs[in.Dst] = value{}
		}
	case in.Op == bpf.OpcodeExit:
		return -1
	case in.Op == bpf.OpcodeCall || in.Op == bpf.OpcodeCallX || in.Class() == bpf.ClassLD:
		if in.IsLocalCall() {
			s.enter(pc+1+in.JumpOffset(), registers{})
		}
		for r := range 6 {
			regs[r] = value{}
		}
	case in.IsConditional():
		b, ok := operand(in.UsesSourceRegister())
		if a := regs[in.Dst]; ok && a.kind == number {
			if bpf.Condition(in, a.n, b) {
				s.enter(pc+1+in.JumpOffset(), *regs)
				return -1
			}
			return next
		}
		s.enter(pc+1+in.JumpOffset(), *regs)
	case in.IsJump():
		s.enter(pc+1+in.JumpOffset(), *regs)
		if !in.FallsThrough() {
			return -1
		}
	}
	return next
}

func (s *sureness) alu(in bpf.Instruction, dst value, operand func(bool) (uint64, bool), regs *registers) value {
	mov := in.Code() == bpf.OpMov && in.Off == 0
	if mov && in.Class() == bpf.ClassALU64 && in.UsesSourceRegister() {
		return regs[in.Src]
	}
	b, ok := operand(in.UsesSourceRegister() && in.Code() != bpf.OpEnd)
	if !ok || in.Form() == nil || in.Op == bpf.ClassALU64|bpf.OpMov|bpf.SourceX && in.Off == 1 || !mov && dst.kind != number {
		return value{}
	}
	return value{number, bpf.ALU(in, dst.n, b)}
}

// load answers a load of a setting that tells kernels apart by their age.
func (s *sureness) load(in bpf.Instruction, address value) value {
	if address.kind != setting || in.Mode() != bpf.ModeMEM {
		return value{}
	}
	at := uint32(address.n) + uint32(int32(in.Off))
	datasec, ok := s.maps[address.n>>32].Value.(*btf.Datasec)
	if !ok {
		return value{}
	}
	for _, v := range datasec.Vars {
		if v.Offset == at && v.Type != nil {
			switch v.Type.TypeName() {
			case "LINUX_KERNEL_VERSION":
				return value{number, oldestCode}
			case "LINUX_HAS_BPF_COOKIE", "LINUX_HAS_SYSCALL_WRAPPER":
				return value{kind: number}
			}
		}
	}
	return value{}
}
