package asm

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"ebtools/bpf"
	"ebtools/elf"
)

// extText is .BTF.ext divided into lines, and what it says of instructions. The
// layout is that of the kernel's Documentation/bpf/btf.rst.
type extText struct {
	s     *elf.Section
	order binary.ByteOrder
	types *btfText
	lines []dataLine

	source map[string][]extLine           // by section, ascending
	core   map[string]map[uint64][]string // by section and offset: CO-RE relocations
	places []extPlace
}

// extLine is the source of an instruction.
type extLine struct {
	off  uint64
	file string
	line uint32
	text string
}

// extPlace is a word that says where an instruction is.
type extPlace struct {
	off     uint64 // in .BTF.ext
	section string
}

// extPart is one of the kinds of records.
type extPart struct {
	name    string
	at      int // offset of its place and size in the header
	record  int // bytes a record has at least
	comment func(t *extText, section string, record []byte) string
}

var extParts = []extPart{
	{"func_info", 8, 8, (*extText).function},
	{"line_info", 16, 16, (*extText).line},
	{"core_relo", 24, 16, (*extText).relocation},
}

// newExtText divides .BTF.ext, as far as it makes sense. It gives nil when it
// does not begin as it should.
func newExtText(s *elf.Section, order binary.ByteOrder, types *btfText) *extText {
	b := s.Data
	if len(b) < 24 || order.Uint16(b) != 0xeb9f {
		return nil
	}
	header := uint64(order.Uint32(b[4:]))
	if header < 24 || header > uint64(len(b)) {
		return nil
	}
	t := &extText{s: s, order: order, types: types, source: map[string][]extLine{}, core: map[string]map[uint64][]string{}}
	t.lines = []dataLine{
		{off: 0, size: 2, words: 1, hex: true, comment: "magic"},
		{off: 2, size: 1, words: 2, comment: "version, flags"},
		{off: 4, size: 4, words: 1, comment: "bytes of this header"},
	}
	defer func() {
		slices.SortStableFunc(t.lines, func(a, b dataLine) int { return cmp.Compare(a.off, b.off) })
		for _, lines := range t.source {
			slices.SortStableFunc(lines, func(a, b extLine) int { return cmp.Compare(a.off, b.off) })
		}
	}()
	end := header
	for _, part := range extParts {
		if uint64(part.at)+8 > header {
			break
		}
		t.lines = append(t.lines, dataLine{off: uint64(part.at), size: 4, words: 2, comment: part.name + ": offset, bytes"})
		start := header + uint64(order.Uint32(b[part.at:]))
		size := uint64(order.Uint32(b[part.at+4:]))
		if start < end || start+size > uint64(len(b)) {
			return t // not one behind the other
		}
		if size > 0 {
			t.part(part, start, b[start:start+size])
		}
		end = start + size
	}
	return t
}

// part makes the lines of one of the parts: the size of a record, and for each
// section its name, how many records it has, and those.
func (t *extText) part(part extPart, start uint64, b []byte) {
	if len(b) < 4 {
		return
	}
	size := int(t.order.Uint32(b))
	if size < part.record || size%4 != 0 || size > 256 {
		return
	}
	t.lines = append(t.lines, dataLine{off: start, size: 4, words: 1, comment: part.name + ": bytes of a record", blank: true})
	for at := 4; at+8 <= len(b); {
		section, count := t.types.string(t.order.Uint32(b[at:])), uint64(t.order.Uint32(b[at+4:]))
		if count*uint64(size) > uint64(len(b)-at-8) {
			return
		}
		t.lines = append(t.lines, dataLine{off: start + uint64(at), size: 4, words: 2, comment: fmt.Sprintf("section %s, %d records", section, count)})
		at += 8
		for range count {
			t.places = append(t.places, extPlace{start + uint64(at), section})
			t.lines = append(t.lines, dataLine{off: start + uint64(at), size: 4, words: size / 4, comment: "  " + part.comment(t, section, b[at:at+size])})
			at += size
		}
	}
}

// function is about a record of func_info: offset, type.
func (t *extText) function(_ string, b []byte) string {
	id := t.order.Uint32(b[4:])
	return fmt.Sprintf("[%d] %s", id, t.types.nameOf(id))
}

// line is about a record of line_info: offset, file name, line, its number and
// column.
func (t *extText) line(section string, b []byte) string {
	file, text, place := t.order.Uint32(b[4:]), t.order.Uint32(b[8:]), t.order.Uint32(b[12:])
	l := extLine{uint64(t.order.Uint32(b)), t.types.string(file), place >> 10, strings.TrimSpace(t.types.string(text))}
	t.source[section] = append(t.source[section], l)
	return fmt.Sprintf("%s:%d:%d", l.file, l.line, place&0x3ff)
}

// relocation is about a record of core_relo: offset, type, string of the access,
// kind.
func (t *extText) relocation(section string, b []byte) string {
	kind := bpf.COREKind(t.order.Uint32(b[12:]))
	text := fmt.Sprintf("CO-RE %s %s", kind, t.access(t.order.Uint32(b[4:]), t.types.string(t.order.Uint32(b[8:])), kind))
	if t.core[section] == nil {
		t.core[section] = map[uint64][]string{}
	}
	off := uint64(t.order.Uint32(b))
	t.core[section][off] = append(t.core[section][off], text)
	return text
}

// access writes a type and an access string ("0:2:1") as C would.
func (t *extText) access(id uint32, path string, kind bpf.COREKind) string {
	text := t.types.nameOf(id)
	steps := strings.Split(path, ":")
	switch kind {
	case bpf.CORETypeIDLocal, bpf.CORETypeIDTarget, bpf.CORETypeExists, bpf.CORETypeSize, bpf.CORETypeMatches:
		return text
	case bpf.COREEnumvalExists, bpf.COREEnumvalValue:
		if r := t.types.resolved(id); r != nil && (r.kind == btfEnum || r.kind == btfEnum64) {
			if i, ok := parseDigits(path, 10); ok && onlyDigits(path) && i < uint64(r.vlen) {
				words, _ := btfExtra(r.kind, r.vlen)
				return text + "::" + t.types.string(t.order.Uint32(r.extra[4*words*int(i):]))
			}
		}
		return text + " " + path
	}
	for n, step := range steps {
		i, ok := parseDigits(step, 10)
		if !ok || step == "" || !onlyDigits(step) {
			return text + " " + path
		}
		if n == 0 {
			if i > 0 {
				text += fmt.Sprintf("[%d]", i)
			}
			continue
		}
		r := t.types.resolved(id)
		switch {
		case r == nil:
			return text + " " + path
		case r.kind == btfArray:
			id, text = t.order.Uint32(r.extra), text+fmt.Sprintf("[%d]", i)
		case (r.kind == btfStruct || r.kind == btfUnion) && i < uint64(r.vlen):
			member := r.extra[12*i:]
			id = t.order.Uint32(member[4:])
			if name := t.types.string(t.order.Uint32(member)); name != "" {
				text += "." + name
			}
		default:
			return text + " " + path
		}
	}
	return text
}

// resolved gives a type behind typedefs and qualifiers.
func (t *btfText) resolved(id uint32) *btfRecord {
	for range 32 {
		if t == nil || id == 0 || uint64(id) >= uint64(len(t.types)) {
			return nil
		}
		r := &t.types[id]
		switch r.kind {
		case btfTypedef, btfConst, btfVolatile, btfRestrict, btfTypeTag:
			id = r.sizeType
		default:
			return r
		}
	}
	return nil
}

// planDistances has offsets of instructions in .BTF.ext that no relocation is
// about, as linked objects have them, written as distances of labels: so they
// stay right when the text is changed.
func (p *imagePrinter) planDistances() {
	if p.ext == nil {
		return
	}
	plan, byName := p.planOf[p.ext.s], map[string]*sectionPlan{}
	for _, to := range p.plans {
		if to.starts != nil && to.unique == 0 {
			byName[to.s.Name] = to
		}
	}
	for _, place := range p.ext.places {
		to, off := byName[place.section], uint64(p.order.Uint32(p.ext.s.Data[place.off:]))
		if to == nil || off == 0 || plan.refs[place.off] != nil || plan.relocated(place.off) || !to.canLabel(off) {
			continue
		}
		to.ask(off, false)
		to.ask(0, false)
		plan.distances[place.off] = to
	}
}

// distanceText is the offset of a label in its section.
func (p *imagePrinter) distanceText(to *sectionPlan, off uint64) string {
	return to.labels[off] + "-" + to.labels[0]
}

// comment adds to the comment of an instruction which CO-RE relocation is about
// it.
func (t *extText) comment(plan *sectionPlan, off uint64, comment string) string {
	if t == nil {
		return comment
	}
	for _, text := range t.core[plan.s.Name][off] {
		if comment != "" {
			comment += "; "
		}
		comment += text
	}
	return comment
}

// sourceLines writes the source lines of a section between its instructions.
type sourceLines struct {
	p     *imagePrinter
	lines []extLine
	shown extLine
}

func (p *imagePrinter) newSourceLines(plan *sectionPlan) *sourceLines {
	s := &sourceLines{p: p}
	if p.ext != nil && p.opts.Source {
		s.lines = p.ext.source[plan.s.Name]
	}
	return s
}

// at writes the line that the instruction at a place begins.
func (s *sourceLines) at(off uint64) {
	for len(s.lines) > 0 && s.lines[0].off <= off {
		l := s.lines[0]
		s.lines = s.lines[1:]
		if l.file == s.shown.file && l.line == s.shown.line || len(s.lines) > 0 && s.lines[0].off <= off {
			continue
		}
		s.shown = l
		text := fmt.Sprintf("%s:%d", l.file, l.line)
		if l.text != "" {
			text += ": " + l.text
		}
		s.p.printf("\t# %s\n", oneLine(shortText(text)))
	}
}
