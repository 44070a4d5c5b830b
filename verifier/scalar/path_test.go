package scalar

import "ebtools/bpf"

// registers is how many of them there are, without the frame pointer.
const registers = 10

// path is what is known at a place of a program, along one way through it.
type path struct {
	regs [registers]Scalar
	link [registers]link
}

// link says that registers with the same id hold the same number, each plus its
// delta if it has one (plus): what one of them learns of a jump, all do.
type link struct {
	id    int
	plus  bool
	delta int32
}

// explorer follows a program as the kernel does: first where jumps are not
// taken, the other ways later.
type explorer struct {
	prog    []bpf.Instruction
	now     path
	pending []pending
	ids     int
}

// pending is a way still to go, from the instruction at from, at to.
type pending struct {
	from, to int
	path
}

// step executes the instruction at pc.
func (x *explorer) step(pc int) {
	in := x.prog[pc]
	switch {
	case in.IsALU():
		x.alu(pc, in)
	case in.IsConditional():
		x.jump(pc, in)
	case in.Class() == bpf.ClassLDX && in.Dst < registers:
		if in.Mode() == bpf.ModeMEMSX {
			x.now.set(in.Dst, LoadedSigned(in.Size()))
		} else {
			x.now.set(in.Dst, Loaded(in.Size()))
		}
	case in.IsHelperCall():
		x.now.set(bpf.R0, Unknown())
	}
}

func (p *path) set(r bpf.Register, s Scalar) { p.regs[r], p.link[r] = s, link{} }

// operand is the second operand of in, in memory of its own if it is no register.
func (p *path) operand(in bpf.Instruction, imm *Scalar) *Scalar {
	if in.UsesSourceRegister() && !(in.IsALU() && in.Code() == bpf.OpEnd) {
		return &p.regs[in.Src]
	}
	*imm = Const(uint64(int64(in.Imm)))
	return imm
}

func (x *explorer) alu(pc int, in bpf.Instruction) {
	var imm Scalar
	d, s := &x.now.regs[in.Dst], x.now.operand(in, &imm)
	if zero, forks := d.Forks(in, s); forks {
		other := pending{pc, pc, x.now}
		other.regs[in.Dst] = zero
		x.pending = append(x.pending, other)
	}
	x.relink(in, s)
	d.Apply(in, s)
}

// relink says what the destination register is linked with after in.
func (x *explorer) relink(in bpf.Instruction, s *Scalar) {
	l := &x.now.link[in.Dst]
	switch {
	case in.Code() == bpf.OpMov && in.UsesSourceRegister():
		copies := true // is the number as it was
		switch {
		case in.Off != 0:
			copies = s.R64.Umax < 1<<(in.Off-1)
		case in.Class() == bpf.ClassALU:
			copies = s.R64.Umax <= 1<<32-1
		}
		if !copies {
			*l = link{}
			return
		}
		from := &x.now.link[in.Src]
		if from.plus {
			*from = link{}
		}
		if from.id == 0 && !s.IsConst() {
			x.ids++
			from.id = x.ids
		}
		*l = *from
	case in.Code() == bpf.OpAdd && in.Class() == bpf.ClassALU64 && l.id != 0 && s.IsConst() &&
		!l.plus && s.Bits.Value <= 1<<31-1 && !(in.UsesSourceRegister() && in.Src == in.Dst):
		l.plus, l.delta = true, int32(s.Bits.Value)
	default:
		*l = link{}
	}
}

func (x *explorer) jump(pc int, in bpf.Instruction) {
	op, wide := in.Code(), in.Class() == bpf.ClassJMP
	var imm, otherImm Scalar
	other := pending{pc, pc + 1 + int(in.Off), x.now}
	d, s := &x.now.regs[in.Dst], x.now.operand(in, &imm)
	if Taken(op, wide, d, s) != Maybe {
		return // the log shows which way it goes
	}
	Refine(op, wide, false, d, s)
	Refine(op, wide, true, &other.regs[in.Dst], other.operand(in, &otherImm))
	for _, p := range []*path{&x.now, &other.path} {
		if in.UsesSourceRegister() {
			p.spread(in.Src)
		}
		p.spread(in.Dst)
	}
	x.pending = append(x.pending, other)
}

// spread tells the registers linked with r what is known of it.
func (p *path) spread(r bpf.Register) {
	known := p.link[r]
	if known.id == 0 {
		return
	}
	for i := range p.regs {
		l := p.link[i]
		if l.id != known.id || bpf.Register(i) == r {
			continue
		}
		p.regs[i] = p.regs[r]
		if l.delta == known.delta {
			p.link[i] = known
			continue
		}
		p.regs[i].AddConst(int64(l.delta) - int64(known.delta))
	}
}
