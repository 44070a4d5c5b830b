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
	id     int
	plus   bool
	narrow bool // the sum is one of 32 bits
	delta  int32
}

// explorer follows a program as the kernel does: first where jumps are not
// taken, the other ways later.
type explorer struct {
	prog    []bpf.Instruction
	now     path
	pending []pending
	ids     int
	live    map[int]string // for each pc, the registers whose contents matter: "01.3......"
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
	case in.Code() == bpf.OpEnd && in.Class() == bpf.ClassALU && !in.UsesSourceRegister() && in.Imm == 64:
		// le64 does nothing, and the link stays.
	case in.Code() == bpf.OpAdd || in.Code() == bpf.OpSub:
		wide := in.Class() == bpf.ClassALU64
		delta, ok := x.delta(in, s, wide)
		if l.plus || !ok || !wide && x.now.regs[in.Dst].R64.Umax > 1<<32-1 {
			*l = link{}
		} else if l.id != 0 {
			l.plus, l.narrow, l.delta = true, !wide, delta
		}
	default:
		*l = link{}
	}
}

// delta is the constant that in adds, if it is one that links have.
func (x *explorer) delta(in bpf.Instruction, s *Scalar, wide bool) (delta int32, ok bool) {
	low, known := s.Const32()
	switch {
	case in.UsesSourceRegister() && in.Src == in.Dst, wide && !s.IsConst(), !wide && !known:
		return 0, false
	case wide && s.Bits.Value != uint64(int64(int32(low))):
		return 0, false
	case in.Code() == bpf.OpAdd:
		return int32(low), true
	}
	return -int32(low), low != 1<<31
}

func (x *explorer) jump(pc int, in bpf.Instruction) {
	op, wide := in.Code(), in.Class() == bpf.ClassJMP
	var imm, otherImm Scalar
	other := pending{pc, pc + 1 + int(in.Off), x.now}
	d, s := &x.now.regs[in.Dst], x.now.operand(in, &imm)
	if Taken(op, wide, d, s) != Maybe {
		return // the log shows which way it goes
	}
	linked := x.now.linked(in, x.live[pc])
	other.path = x.now
	Refine(op, wide, false, d, s)
	Refine(op, wide, true, &other.regs[in.Dst], other.operand(in, &otherImm))
	for _, p := range []*path{&x.now, &other.path} {
		if in.UsesSourceRegister() {
			p.spread(in.Src, linked)
		}
		p.spread(in.Dst, linked)
	}
	x.pending = append(x.pending, other)
}

// linked is the registers linked with those that in compares, and these, if they
// are still needed; an empty live is all. The kernel has room for six, counting
// a register for each that it is linked with. The others lose their links.
func (p *path) linked(in bpf.Instruction, live string) (list []bpf.Register) {
	compared := []bpf.Register{in.Dst}
	if in.UsesSourceRegister() {
		compared = []bpf.Register{in.Src, in.Dst}
	}
	for _, r := range compared {
		id := p.link[r].id
		for i := range p.link {
			switch {
			case id == 0 || p.link[i].id != id || live != "" && live[i] == '.':
			case len(list) == 6:
				p.link[i] = link{}
			default:
				list = append(list, bpf.Register(i))
			}
		}
	}
	return list
}

// spread tells the linked registers what is known of r.
func (p *path) spread(r bpf.Register, linked []bpf.Register) {
	known := p.link[r]
	for _, i := range linked {
		l := p.link[i]
		if known.id == 0 || l.id != known.id || i == r || l.plus && known.plus && l.narrow != known.narrow {
			continue // sums of 32 and of 64 bits say nothing of each other
		}
		p.regs[i] = p.regs[r]
		if l.delta == known.delta || !l.plus && !known.plus {
			p.link[i] = known
			continue
		}
		p.regs[i].AddConst(int64(l.delta)-int64(known.delta), !l.narrow && !known.narrow)
	}
}
