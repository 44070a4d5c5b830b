package ctype

import (
	"github.com/cilium/ebpf/btf"
)

// maxSize bounds sizes in bytes, so that those in bits can be computed with.
const maxSize = 1 << 40

// plan says how the members of a structure must be written for C to place them
// where BTF has them.
type plan struct {
	align  uint64 // in bytes, as C will see it
	packed bool
	// opaque says why the members can't be written at all.
	opaque string
	// pads are the gaps to be filled before each member and behind the last.
	pads []gap
}

// gap is a stretch of a structure, in bits, that a compiler would not leave free
// by itself.
type gap struct{ from, to uint64 }

func (g gap) empty() bool { return g.from >= g.to }

// layouts computes what C makes of types, remembering it for structures.
type layouts struct {
	*budget
	plans map[btf.Type]*plan // nil while being computed
}

func newLayouts(b *budget) *layouts { return &layouts{budget: b, plans: map[btf.Type]*plan{}} }

// composite takes a structure or a union apart.
func composite(t btf.Type) (members []btf.Member, size uint32, union, ok bool) {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members, t.Size, false, true
	case *btf.Union:
		return t.Members, t.Size, true, true
	}
	return nil, 0, false, false
}

// sizeof gives the size and alignment in bytes that C gives to what is written for
// t. It reports false for a type that has none.
func (l *layouts) sizeof(t btf.Type, depth int) (size, align uint64, ok bool) {
	count := uint64(1)
	for range maxChain {
		switch v := l.skip(t, true).(type) {
		case *btf.Array:
			if count *= uint64(v.Nelems); count > maxSize {
				return 0, 0, false
			}
			t = v.Type
			continue
		case *btf.Int:
			size, align = uint64(v.Size), 1
			if isInt(v.Size) {
				align = size
			}
		case *btf.Float:
			_, a := floatText(v)
			size, align = uint64(v.Size), uint64(a)
		case *btf.Enum:
			size, align = uint64(v.Size), uint64(v.Size)
			if !isInt(v.Size) || v.Size > 8 {
				return 0, 0, false
			}
		case *btf.Pointer:
			size, align = 8, 8
		case *btf.Struct, *btf.Union:
			p := l.plan(v, depth)
			if p == nil {
				return 0, 0, false
			}
			_, n, _, _ := composite(v)
			size, align = uint64(n), p.align
		default:
			return 0, 0, false
		}
		if size > 0 && count > maxSize/size {
			return 0, 0, false
		}
		return size * count, align, true
	}
	return 0, 0, false
}

// plan lays out a structure or a union. It gives nil for one that is being laid out
// already, as it contains itself, and where they are nested too deep.
func (l *layouts) plan(t btf.Type, depth int) *plan {
	if p, known := l.plans[t]; known {
		return p
	}
	if depth > maxNesting {
		return nil
	}
	l.plans[t] = nil
	p := l.compute(t, depth)
	l.plans[t] = p
	return p
}

// member is what placing a member depends on, in bits.
type member struct {
	at, size, align uint64 // its type's size and alignment
	width           uint64 // of a bit field, else 0
	named           bool
}

func (l *layouts) compute(t btf.Type, depth int) *plan {
	list, size, union, _ := composite(t)
	members := make([]member, len(list))
	for i, m := range list {
		size, align, ok := l.sizeof(m.Type, depth+1)
		if !ok {
			return &plan{align: 1, opaque: "member " + decimal(uint64(i+1)) + " is of a type that has no size, or lies too deep"}
		}
		members[i] = member{
			at: uint64(m.Offset), size: size * 8, align: align * 8,
			width: uint64(m.BitfieldSize), named: m.Name != "",
		}
		if m.BitfieldSize > 0 && !l.canBeBits(m) {
			return &plan{align: 1, opaque: "member " + decimal(uint64(i+1)) + " is a bit field of a type that can't be one"}
		}
	}
	place := placeStruct
	if union {
		place = placeUnion
	}
	for _, packed := range []bool{false, true} {
		if p := place(members, uint64(size)*8, packed); p != nil {
			return p
		}
	}
	return &plan{align: 1, opaque: "members overlap or reach beyond the end"}
}

// canBeBits reports whether a member may be a bit field of its width.
func (l *layouts) canBeBits(m btf.Member) bool {
	switch t := l.skip(m.Type, true).(type) {
	case *btf.Int:
		return isInt(t.Size) && uint64(m.BitfieldSize) <= uint64(t.Size)*8 &&
			(t.Encoding != btf.Bool || t.Size != 1 || m.BitfieldSize == 1)
	case *btf.Enum:
		return uint64(m.BitfieldSize) <= uint64(t.Size)*8
	}
	return false
}

func roundUp(n, to uint64) uint64 { return (n + to - 1) / to * to }

// placeStruct places the members of a structure as C does (System V ABI, chapter
// 3: a bit field may not cross a boundary that its type is aligned to), with as much
// padding as it takes to have them where they are. It gives nil when padding
// can't do that.
func placeStruct(members []member, size uint64, packed bool) *plan {
	p := &plan{align: 1, packed: packed, pads: make([]gap, len(members)+1)}
	end := uint64(0)
	for i, m := range members {
		align := m.align
		if packed {
			align = 8
		}
		next := roundUp(end, align)
		if m.width > 0 {
			crosses := !packed && m.at%m.align+m.width > m.size
			if next = end; !packed && end%m.align+m.width > m.size {
				next = roundUp(end, m.align)
			}
			if crosses {
				return nil
			}
		} else if m.at%align != 0 {
			return nil
		}
		switch {
		case m.at < next:
			return nil
		case m.at > next:
			p.pads[i] = gap{end, m.at}
		}
		if end = m.at + m.width; m.width == 0 {
			end = m.at + m.size
		}
		if !packed && (m.width == 0 || m.named) {
			p.align = max(p.align, m.align/8)
		}
	}
	return p.close(len(members), end, size)
}

// placeUnion does the same for a union.
func placeUnion(members []member, size uint64, packed bool) *plan {
	p := &plan{align: 1, packed: packed, pads: make([]gap, len(members)+1)}
	end := uint64(0)
	for _, m := range members {
		if m.at != 0 {
			return nil
		}
		if m.width > 0 {
			end = max(end, m.width)
		} else {
			end = max(end, m.size)
		}
		if !packed && (m.width == 0 || m.named) {
			p.align = max(p.align, m.align/8)
		}
	}
	if end < size {
		if p = p.close(len(members), end, size); p != nil && !p.pads[len(members)].empty() {
			p.pads[len(members)].from = 0 // all of a union begins at its beginning
		}
		return p
	}
	return p.close(len(members), end, size)
}

// close adds what is free behind the last member.
func (p *plan) close(i int, end, size uint64) *plan {
	switch natural := roundUp(end, p.align*8); {
	case natural > size || size%(p.align*8) != 0:
		return nil
	case natural < size:
		p.pads[i] = gap{end, size}
	}
	return p
}
