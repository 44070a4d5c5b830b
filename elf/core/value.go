package core

import (
	"fmt"

	"ebtools/bpf"
)

// value is what a relocation asks for, on one side.
type value struct {
	n uint64
	// size is what an access to the field moves, in bytes, and field its type;
	// size is 0 when that is not for sure, as with bitfields.
	size  uint32
	field typ
	// sure says that the compiler can't but have come to the same value.
	sure bool
}

// value works out what the relocation asks of a path. For the questions that a
// missing type or field answers as well see absent.
func (p *path) value(kind bpf.COREKind) (value, error) {
	switch {
	case kind == bpf.COREFieldExists, kind == bpf.CORETypeExists, kind == bpf.CORETypeMatches, kind == bpf.COREEnumvalExists:
		return value{n: 1, sure: true}, nil
	case kind == bpf.CORETypeIDLocal, kind == bpf.CORETypeIDTarget:
		// Linkers of objects number types anew, and leave instructions as they are.
		return value{n: uint64(p.root.id)}, nil
	case kind == bpf.CORETypeSize:
		size, err := p.root.of.size(p.root.id)
		return value{n: uint64(size), sure: true}, err
	case kind == bpf.COREEnumvalValue:
		last := p.last()
		_, n := last.in.enumerator(last.index)
		return value{n: n, sure: true}, nil
	case p.last().name == "":
		return p.elementValue(kind)
	}
	return p.memberValue(kind)
}

// absent is the value where the kernel has no such type, field or enumerator;
// not ok when there is none.
func absent(kind bpf.COREKind) (n uint64, ok bool) {
	return 0, kind == bpf.COREFieldExists || kind == bpf.COREEnumvalExists || isType(kind)
}

// elementValue is the value when the path ends with an element.
func (p *path) elementValue(kind bpf.COREKind) (value, error) {
	field := p.last().in
	size, err := field.of.size(field.id)
	if err != nil {
		return value{}, err
	}
	switch kind {
	case bpf.COREFieldByteOffset:
		return value{uint64(p.offset / 8), size, field, true}, nil
	case bpf.COREFieldByteSize:
		return value{n: uint64(size), sure: true}, nil
	}
	return value{}, fmt.Errorf("%w: %s of an element of an array", ErrRelocation, kind)
}

// memberValue is the value when the path ends with a member.
func (p *path) memberValue(kind bpf.COREKind) (value, error) {
	last := p.last()
	m := last.in.member(last.index)
	field, err := last.in.of.strip(m.typ)
	if err != nil {
		return value{}, err
	}
	var start, size, bits uint32 // of the load: bytes; of the field: bits
	if m.bits == 0 {
		if size, err = field.of.size(field.id); err != nil {
			return value{}, err
		}
		start, bits = p.offset/8, size*8
	} else {
		bits = m.bits
		if start, size, err = storage(field, p.offset, bits); err != nil {
			return value{}, fmt.Errorf("bitfield %q: %w", clip(last.name), err)
		}
	}
	sure := m.bits == 0 // which storage a bitfield is loaded from, compilers choose
	switch kind {
	case bpf.COREFieldByteOffset:
		if m.bits != 0 {
			return value{n: uint64(start)}, nil
		}
		return value{uint64(start), size, field, sure}, nil
	case bpf.COREFieldByteSize:
		return value{n: uint64(size), sure: sure}, nil
	case bpf.COREFieldSigned:
		v := value{sure: true}
		if field.isSigned() {
			v.n = 1
		}
		return v, nil
	case bpf.COREFieldLShift64:
		// After the load the field is to be at the top of 64 bits.
		if bpf.IsBigEndian(last.in.of.order) {
			return value{n: uint64((8-size)*8 + (p.offset - start*8)), sure: sure}, nil
		}
		return value{n: uint64(64 - (p.offset + bits - start*8)), sure: sure}, nil
	case bpf.COREFieldRShift64:
		return value{n: uint64(64 - bits), sure: true}, nil
	}
	return value{}, fmt.Errorf("%w: there is no kind of relocation %d", ErrRelocation, uint32(kind))
}

// isSigned reports whether a field's value has a sign.
func (t typ) isSigned() bool {
	if t.kind == kindInt {
		encoding, _ := t.integer()
		return encoding&intSigned != 0
	}
	return t.kind.isEnum() && t.flag
}

// storage gives the smallest load that has a bitfield of so many bits at an
// offset in bits: where it starts and its size, in bytes. It begins with the
// size of the bitfield's type, at a multiple of that.
func storage(field typ, offset, bits uint32) (start, size uint32, err error) {
	size = field.word
	if !(field.kind == kindInt || field.kind.isEnum()) || size == 0 || size > 16 || size&(size-1) != 0 {
		return 0, 0, fmt.Errorf("%w: %s can't have bitfields", ErrTypes, field.of.describe(field.id))
	}
	for {
		start = offset / 8 / size * size
		if offset+bits-start*8 <= size*8 {
			return start, size, nil
		}
		if size >= 8 {
			return 0, 0, fmt.Errorf("%w: no load of up to 8 bytes has all of it", ErrRelocation)
		}
		size *= 2
	}
}
