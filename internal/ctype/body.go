package ctype

import (
	"math"
	"strings"

	"github.com/cilium/ebpf/btf"
)

// body writes the members of a structure in braces, and its attributes.
func (p *printer) body(t btf.Type, members []btf.Member, at place) string {
	if p.full(at) {
		return ""
	}
	p.records = true
	l := p.layouts.plan(t, 0)
	inner := at.inside()
	inner.members = at.members
	if inner.members == nil {
		inner.members = newSpace()
		p.reserve(members, inner.members, at.depth)
	}
	b := block{p: p, at: inner}
	b.open()
	if l.opaque != "" {
		_, size, _, _ := composite(t)
		b.line("/* " + l.opaque + " */")
		b.line("unsigned char " + inner.members.invent("bytes") + "[" + decimal(uint64(size)) + "];")
	} else {
		for i, m := range members {
			if p.full(inner) {
				return ""
			}
			b.gap(l.pads[i])
			b.line(p.member(m, inner))
		}
		if _, _, union, _ := composite(t); union {
			b.unionGap(l.pads[len(members)])
		} else {
			b.gap(l.pads[len(members)])
		}
	}
	text := b.close()
	if l.packed {
		text += " __attribute__((packed))"
	}
	return text
}

// anonymous reports whether the members of a member are those of the structure
// around it, and gives them.
func (b *budget) anonymous(m btf.Member) (members []btf.Member, ok bool) {
	if m.Name != "" || m.BitfieldSize > 0 {
		return nil, false
	}
	members, _, _, ok = composite(b.skip(m.Type, false))
	return members, ok
}

// keyword is what the declaration of a structure, a union or an enum begins with.
func keyword(t btf.Type) string {
	switch t := t.(type) {
	case *btf.Union:
		return "union"
	case *btf.Enum:
		return "enum"
	case *btf.Fwd:
		return t.Kind.String()
	}
	return "struct"
}

// reserve notes the names of a structure's members.
func (p *printer) reserve(members []btf.Member, in *space, depth int) {
	for _, m := range members {
		if p.spend(m.Name); p.full(place{depth: depth}) {
			return
		}
		if inner, inline := p.anonymous(m); inline {
			p.reserve(inner, in, depth+1)
		}
		in.reserved[identifier(m.Name)] = true
	}
}

// member writes a member with its semicolon.
func (p *printer) member(m btf.Member, at place) string {
	text := ""
	list, inline := p.anonymous(m)
	switch {
	case m.Name == "" && m.BitfieldSize > 0:
		text = p.declare(m.Type, "", at)
	case inline:
		// In C it may not have a name of its own.
		bare := p.skip(m.Type, false)
		note := ""
		if name := bare.TypeName(); name != "" {
			note = "/* " + comment(name) + " */ "
		}
		var quals qualifiers
		quals.addAll(m.Type)
		text = quals.before(keyword(bare) + " " + note + p.body(bare, list, at))
	default:
		name := m.Name
		if name == "" {
			name = "__unnamed"
		}
		text = p.declare(m.Type, at.members.assign(identifier(name)), place{indent: at.indent, depth: at.depth})
	}
	if m.BitfieldSize > 0 {
		text += ": " + decimal(uint64(m.BitfieldSize))
	}
	return text + ";" + tags(m.Tags)
}

// tags writes declaration tags as a comment.
func tags(list []string) string {
	if len(list) == 0 {
		return ""
	}
	quoted := make([]string, len(list))
	for i, tag := range list {
		quoted[i] = quote(tag)
	}
	word := "tag "
	if len(list) > 1 {
		word = "tags "
	}
	return " /* " + word + comment(strings.Join(quoted, ", ")) + " */"
}

// inlineEnum writes an enum that has no name where it is used. In a header its
// enumerators may be declared once: the second time its integer stands for it.
func (p *printer) inlineEnum(t *btf.Enum, at place) string {
	if p.names.written[t] {
		text := intText(t.Size, encodingOf(t))
		if len(t.Values) > 0 {
			text += " /* enum of " + p.names.enumerator(t, 0) + " */"
		}
		return text
	}
	p.names.written[t] = true
	return "enum " + p.enumerators(t, at)
}

func encodingOf(t *btf.Enum) btf.IntEncoding {
	if t.Signed {
		return btf.Signed
	}
	return btf.Unsigned
}

// enumerators writes the enumerators of an enum in braces, and the attribute that
// gives it its size.
func (p *printer) enumerators(t *btf.Enum, at place) string {
	b := block{p: p, at: at.inside(), comma: true}
	b.open()
	for i, v := range t.Values {
		if p.full(at) {
			return ""
		}
		b.line(p.names.enumerator(t, i) + " = " + valueText(t, v.Value))
	}
	if len(t.Values) == 0 {
		// C wants one.
		b.line(p.names.ordinary.assign(identifier("__"+t.Name+"_none")) + " /* it has no enumerators */")
	}
	return b.close() + sizeAttribute(t)
}

// valueText writes a value so that C reads it as one.
func valueText(t *btf.Enum, value uint64) string {
	suffix := ""
	switch {
	case t.Signed && int64(value) == math.MinInt64:
		return "-9223372036854775807LL - 1"
	case t.Signed:
		n := int64(value)
		if n != int64(int32(n)) {
			suffix = "LL"
		}
		if n < 0 {
			return "-" + decimal(-value) + suffix
		}
	case value > math.MaxUint32:
		suffix = "ULL"
	case value > math.MaxInt32:
		suffix = "U"
	}
	return decimal(value) + suffix
}

// sizeAttribute is what gives an enum its size where its values alone don't: 4
// bytes is what C takes when they fit.
func sizeAttribute(t *btf.Enum) string {
	low, high := int64(0), uint64(0)
	for _, v := range t.Values {
		if t.Signed && int64(v.Value) < 0 {
			low = min(low, int64(v.Value))
		} else {
			high = max(high, v.Value)
		}
	}
	fits := func(bits int) bool {
		if low < 0 {
			return low >= -1<<(bits-1) && high < 1<<(bits-1)
		}
		return bits == 64 || high < 1<<bits
	}
	switch {
	case t.Size == 1 && fits(8), t.Size == 2 && fits(16) && !fits(8):
		return " __attribute__((packed))" // as small as it can be
	case t.Size == 1:
		return " __attribute__((mode(QI)))"
	case t.Size == 2:
		return " __attribute__((mode(HI)))"
	case t.Size == 8 && fits(32):
		return " __attribute__((mode(DI)))"
	}
	return ""
}

// block is text in braces, one line for each part of it.
type block struct {
	p     *printer
	at    place // of the parts
	comma bool  // between parts, where structures have semicolons
	text  strings.Builder
	parts int
}

func (b *block) open() { b.text.WriteString("{") }

func (b *block) line(text string) {
	b.p.spend(text)
	b.newline(b.at.indent)
	b.text.WriteString(text)
	if b.comma {
		b.text.WriteByte(',')
	}
	b.parts++
}

func (b *block) newline(indent int) {
	b.text.WriteByte('\n')
	for range indent {
		b.text.WriteByte('\t')
	}
	b.p.left -= indent
}

func (b *block) close() string {
	if b.parts > 0 {
		b.newline(b.at.indent - 1)
	}
	b.text.WriteByte('}')
	return b.p.spend(b.text.String())
}

// manyBits is how large a gap may be, in bits, to be filled by bit fields without
// a name: a cache line of most machines, and then some.
const manyBits = 8 * 256

// gap fills a gap. Bit fields without a name leave the structure's members and its
// alignment as they are.
func (b *block) gap(g gap) {
	if g.empty() {
		return
	}
	if g.to-g.from > manyBits && g.to%8 == 0 {
		if first := roundUp(g.from, 8); first > g.from {
			b.bits(g.from, first-g.from)
			g.from = first
		}
		b.bytes(g.to - g.from)
		return
	}
	for at := g.from; at < g.to; {
		width := min(g.to-at, 64-at%64)
		b.bits(at, width)
		at += width
	}
}

// unionGap makes a union as large as it is.
func (b *block) unionGap(g gap) {
	switch {
	case g.empty():
	case g.to <= 64:
		b.bits(0, g.to)
	default:
		b.bytes(g.to)
	}
}

// bits writes a bit field without a name, of the smallest type that has it within
// one unit.
func (b *block) bits(at, width uint64) {
	for _, unit := range []struct {
		name string
		bits uint64
	}{{"char", 8}, {"short", 16}, {"int", 32}, {"long", 64}} {
		if at%unit.bits+width <= unit.bits {
			b.line(unit.name + ": " + decimal(width) + ";")
			return
		}
	}
}

// bytes fills so many bits with a member that has a name.
func (b *block) bytes(bits uint64) {
	b.line("unsigned char " + b.at.members.invent("__pad") + "[" + decimal(bits/8) + "];")
}
