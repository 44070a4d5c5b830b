package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/internal/ctype"
	"ebtools/internal/show"
)

// The shape of --json. A part that was not asked for is left out; one that was
// asked for and is empty is an empty list. Sizes and offsets are in bytes, but for
// those called insn, pc, start or slots, which count slots of 8 bytes.
type jsonObject struct {
	Name      string          `json:"name"`
	ByteOrder string          `json:"byte_order"`
	License   string          `json:"license"`
	Kernel    string          `json:"kernel,omitempty"` // what CO-RE was resolved against
	Programs  []jsonProgram   `json:"programs,omitzero"`
	Maps      []jsonMap       `json:"maps,omitzero"`
	Variables []jsonVariable  `json:"variables,omitzero"`
	Externs   []jsonExtern    `json:"externs,omitzero"`
	Sections  []jsonSection   `json:"sections,omitzero"`
	Symbols   []jsonSymbol    `json:"symbols,omitzero"`
	Relocs    []jsonReloc     `json:"relocations,omitzero"`
	Types     []jsonType      `json:"types,omitzero"`
	Problems  []jsonProblem   `json:"problems"`
	Requires  *jsonRequires   `json:"requires,omitempty"` // of all that is shown, needs beside its programs'
	Fits      *bool           `json:"fits,omitempty"`     // whether the release of --requires=VERSION has it all
	Total     *jsonStatistics `json:"statistics,omitempty"`
}

type jsonProgram struct {
	Name         string            `json:"name"`
	Section      string            `json:"section"`
	Type         string            `json:"type"`
	Attach       string            `json:"attach,omitempty"`
	Target       string            `json:"target,omitempty"`
	Slots        int               `json:"slots"`
	Functions    []jsonFunction    `json:"functions"`
	Instructions []jsonInstruction `json:"instructions,omitzero"`
	CORE         []jsonCORE        `json:"core_relocations,omitzero"`
	Requires     *jsonRequires     `json:"requires,omitempty"`
	Statistics   *jsonStatistics   `json:"statistics,omitempty"`
}

type jsonFunction struct {
	Name  string `json:"name"`
	Start int    `json:"start"`
	Slots int    `json:"slots"`
	Stack int    `json:"stack"`
	Type  string `json:"type,omitempty"`
}

type jsonInstruction struct {
	PC      int       `json:"pc"`
	Bytes   string    `json:"bytes"`
	Text    string    `json:"text"`
	Comment string    `json:"comment,omitempty"`
	Label   string    `json:"label,omitempty"`
	Target  *int      `json:"target,omitempty"`
	Source  *jsonLine `json:"source,omitempty"`
}

type jsonLine struct {
	File string `json:"file"`
	Line int    `json:"line"`
	Col  int    `json:"column,omitempty"`
	Text string `json:"text,omitempty"`
}

type jsonCORE struct {
	PC     int     `json:"pc"`
	Kind   string  `json:"kind"`
	Root   string  `json:"root"`
	Access string  `json:"access,omitempty"`
	Local  *uint64 `json:"local,omitempty"` // unless unresolved
	Target *uint64 `json:"target,omitempty"`
	Result string  `json:"result"` // "applied", "poisoned", "unresolved"
	Why    string  `json:"why,omitempty"`
}

type jsonRequires struct {
	Linux string     `json:"linux"` // oldest release, empty when none that is known will do
	Needs []jsonNeed `json:"needs"`
}

type jsonNeed struct {
	Since    string    `json:"since"`              // empty when no release is known to have it
	AtLeast  bool      `json:"at_least,omitempty"` // it may be later
	Kind     string    `json:"kind"`
	Name     string    `json:"name"`
	Detail   string    `json:"detail,omitempty"`
	Optional bool      `json:"optional,omitempty"`
	PC       *int      `json:"pc,omitempty"`
	Source   *jsonLine `json:"source,omitempty"`
}

type jsonMap struct {
	Name       string         `json:"name"`
	Type       string         `json:"type"`
	KeySize    uint32         `json:"key_size"`
	ValueSize  uint32         `json:"value_size"`
	MaxEntries uint32         `json:"max_entries"`
	Flags      []string       `json:"flags"`
	Extra      uint64         `json:"map_extra,omitempty"`
	NumaNode   *uint32        `json:"numa_node,omitempty"`
	Pinning    uint32         `json:"pinning,omitempty"`
	Section    string         `json:"section,omitempty"` // of variables that the map holds
	Frozen     bool           `json:"frozen,omitempty"`
	Key        string         `json:"key,omitempty"` // in C
	Value      string         `json:"value,omitempty"`
	Inner      *jsonMap       `json:"inner,omitempty"`
	Values     []jsonMapValue `json:"values,omitempty"`
}

type jsonMapValue struct {
	Index uint32 `json:"index"`
	Name  string `json:"name"`
}

type jsonVariable struct {
	Name    string `json:"name"`
	Section string `json:"section"`
	Offset  uint32 `json:"offset"`
	Size    uint32 `json:"size"`
	Linkage string `json:"linkage,omitempty"`
	Type    string `json:"type,omitempty"`
	// Value is null where a variable is not within its section, and where a large
	// section is nothing but zeros, or variables over each other.
	Value any `json:"value"`
}

type jsonExtern struct {
	Name     string `json:"name"`
	Function bool   `json:"function"`
	Weak     bool   `json:"weak"`
	Type     string `json:"type,omitempty"`
	ID       uint32 `json:"kernel_type_id,omitempty"`
	Module   string `json:"module,omitempty"`
}

type jsonSection struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Flags       string `json:"flags"`
	Size        uint64 `json:"size"`
	Align       uint64 `json:"align"`
	Relocations int    `json:"relocations"`
}

type jsonSymbol struct {
	Name    string `json:"name"`
	Value   uint64 `json:"value"`
	Size    uint64 `json:"size"`
	Type    string `json:"type"`
	Binding string `json:"binding"`
	Section string `json:"section"`
}

type jsonReloc struct {
	Section string `json:"section"`
	Offset  uint64 `json:"offset"`
	Type    string `json:"type"`
	Symbol  string `json:"symbol"`
	Addend  int64  `json:"addend,omitempty"`
}

type jsonType struct {
	ID      uint32       `json:"id"`
	Kind    string       `json:"kind"`
	Name    string       `json:"name,omitempty"`
	Size    *int         `json:"size,omitempty"`
	Type    string       `json:"type,omitempty"`
	Tags    []string     `json:"tags,omitempty"`
	Members []jsonMember `json:"members,omitempty"`
}

type jsonMember struct {
	Name   string   `json:"name"`
	Type   string   `json:"type,omitempty"`
	Offset *int     `json:"bit_offset,omitempty"`
	Bits   uint32   `json:"bit_size,omitempty"` // of a bit field
	Tags   []string `json:"tags,omitempty"`
	Value  any      `json:"value,omitempty"` // of an enumerator
}

type jsonProblem struct {
	Warning bool   `json:"warning"`
	Program string `json:"program,omitempty"`
	PC      *int   `json:"pc,omitempty"`
	Message string `json:"message"`
}

type jsonStatistics struct {
	Instructions    int            `json:"instructions"`
	Slots           int            `json:"slots"`
	Classes         map[string]int `json:"kinds"`
	Forms           map[string]int `json:"forms"`
	Helpers         map[string]int `json:"helpers"`
	KernelFunctions map[string]int `json:"kernel_functions"`
	Maps            map[string]int `json:"maps"`
}

func (d *dump) writeJSON(w io.Writer) error {
	b, err := json.MarshalIndent(d.toJSON(), "", "  ")
	if err != nil {
		return err
	}
	// Characters that can't be printed are escaped, so that this may be looked at
	// in a terminal.
	out := make([]byte, 0, len(b)+1)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == '\n' || strconv.IsPrint(r):
			out = append(out, b[:n]...)
		case r < 0x10000:
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = fmt.Appendf(out, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
		b = b[n:]
	}
	if _, err := w.Write(append(out, '\n')); err != nil {
		return err
	}
	return d.tooNewError()
}

func (d *dump) toJSON() *jsonObject {
	s := d.o.parts
	out := &jsonObject{
		Name: d.obj.Name, License: d.obj.License, Kernel: d.obj.Kernel,
		ByteOrder: map[bool]string{false: "little", true: "big"}[bpf.IsBigEndian(d.obj.ByteOrder)],
		Problems:  []jsonProblem{},
	}
	for _, p := range d.problems {
		problem := jsonProblem{Warning: p.Warn, Program: p.Prog, Message: p.Err.Error()}
		if p.PC != bpf.NoPC {
			problem.PC = &p.PC
		}
		out.Problems = append(out.Problems, problem)
	}
	if s.programs || s.code || s.relocs || s.requires || s.stats {
		out.Programs = []jsonProgram{}
		total := newStats()
		for _, p := range d.programs {
			out.Programs = append(out.Programs, d.programJSON(p, total))
		}
		if s.stats {
			out.Total = statsJSON(total)
		}
	}
	if s.maps {
		out.Maps = []jsonMap{}
		for _, m := range d.obj.Maps {
			out.Maps = append(out.Maps, d.mapJSON(m, 0))
		}
	}
	if s.variables {
		out.Variables = []jsonVariable{}
		for _, m := range d.dataMaps() {
			for _, v := range variables(m) {
				out.Variables = append(out.Variables, d.variableJSON(&v))
			}
		}
	}
	if s.externs {
		out.Externs = []jsonExtern{}
		for _, e := range d.obj.Externs {
			out.Externs = append(out.Externs, jsonExtern{name(e.Name), e.IsFunc(), e.Weak, externType(e), uint32(e.ID), e.Module})
		}
	}
	d.imageJSON(out)
	if s.types {
		out.Types = []jsonType{}
		if d.obj.Types != nil {
			rows, err := typeRows(d.obj.Types)
			for _, r := range rows {
				out.Types = append(out.Types, typeJSON(r))
			}
			if err != nil {
				out.Problems = append(out.Problems, jsonProblem{Warning: true, Message: err.Error()})
			}
		}
	}
	if s.requires {
		out.Requires = requiresJSON(d.rest())
		out.Requires.Linux = versionText(compat.Oldest(d.allNeeds()))
	}
	if s.requires && d.o.version != (linux.Version{}) {
		fits := d.tooNewError() == nil
		out.Fits = &fits
	}
	return out
}

// name clips a name from the file; see show.Clip.
func name(s string) string { return show.Clip(s, 1<<10) }

// imageJSON adds what the file is made of.
func (d *dump) imageJSON(out *jsonObject) {
	s := d.o.parts
	if s.sections {
		out.Sections = []jsonSection{}
		for _, sec := range d.sections() {
			out.Sections = append(out.Sections, jsonSection{name(sec.Name), sectionType(sec), sectionFlags(sec.Flags), sec.Len(), sec.Align, len(sec.Relocs)})
		}
	}
	if s.symbols {
		out.Symbols = []jsonSymbol{}
		if d.img != nil {
			for _, sym := range d.img.Symbols {
				out.Symbols = append(out.Symbols, jsonSymbol{name(sym.Name), sym.Value, sym.Size, symbolType(sym), symbolBinding(sym), name(symbolSection(sym))})
			}
		}
	}
	if s.relocs {
		out.Relocs = []jsonReloc{}
		for _, sec := range d.sections() {
			for _, r := range sec.Relocs {
				if !isDebug(sec.Name) {
					out.Relocs = append(out.Relocs, jsonReloc{name(sec.Name), r.Offset, r.Type.String(), name(symbolText(r.Symbol)), d.addend(sec, &r)})
				}
			}
		}
	}
}

func (d *dump) programJSON(p *bpf.Program, total *stats) jsonProgram {
	out := jsonProgram{
		Name: name(p.Name), Section: name(p.Section), Type: p.Type.String(), Target: name(p.Target),
		Slots: len(p.Instructions), Functions: []jsonFunction{},
	}
	if p.Attach != 0 {
		out.Attach = p.Attach.String()
	}
	for _, f := range flowOf(p) {
		fn := jsonFunction{Name: name(functionName(p, f.Function)), Start: f.Start, Slots: f.Len, Stack: f.Stack(p.Instructions)}
		if f.Type != nil {
			fn.Type = declare(f.Type, f.Name)
		}
		out.Functions = append(out.Functions, fn)
	}
	s := d.o.parts
	if s.code {
		out.Instructions = []jsonInstruction{}
		for _, r := range d.rows(p) {
			in := jsonInstruction{PC: r.PC, Text: name(r.Text), Comment: show.Clip(r.Comment, 1<<12), Label: r.Label}
			in.Bytes = hex.EncodeToString(bpf.Encode(p.Instructions[r.PC:r.PC+r.Slots], d.obj.ByteOrder))
			if r.Target != asm.NoTarget {
				in.Target = &r.Target
			}
			if r.Line != nil && d.o.withSource {
				in.Source = lineJSON(r.Line)
			}
			out.Instructions = append(out.Instructions, in)
		}
	}
	if s.relocs {
		out.CORE = []jsonCORE{}
		for _, r := range p.CORE {
			row := jsonCORE{PC: r.PC, Kind: r.Kind.String(), Root: name(r.Root), Access: name(r.Access), Result: "unresolved", Why: name(r.Why)}
			switch r.Result {
			case bpf.COREApplied:
				row.Local, row.Target, row.Result = &r.Local, &r.Target, "applied"
			case bpf.COREPoisoned:
				row.Local, row.Result = &r.Local, "poisoned"
			}
			out.CORE = append(out.CORE, row)
		}
	}
	if s.requires {
		out.Requires = requiresJSON(d.needsOf(p))
	}
	if s.stats {
		counts := d.count(p)
		total.add(counts)
		out.Statistics = statsJSON(counts)
	}
	return out
}

func lineJSON(l *bpf.Line) *jsonLine {
	return &jsonLine{name(l.Pos.File), l.Pos.Line, l.Pos.Col, show.Clip(l.Text, 1<<12)}
}

func requiresJSON(needs []compat.Need) *jsonRequires {
	out := &jsonRequires{Needs: []jsonNeed{}}
	out.Linux = versionText(compat.Oldest(needs))
	for _, n := range needs {
		entry := jsonNeed{Since: versionText(n.Since), AtLeast: n.AtLeast, Kind: n.Kind.String(), Name: n.Name, Detail: n.Detail, Optional: n.Optional}
		if n.PC != bpf.NoPC {
			entry.PC = &n.PC
		}
		if n.Line.Pos.IsValid() {
			entry.Source = lineJSON(&n.Line)
		}
		out.Needs = append(out.Needs, entry)
	}
	return out
}

// versionText writes a release, nothing for none.
func versionText(v linux.Version) string {
	if v == (linux.Version{}) {
		return ""
	}
	return v.String()
}

func statsJSON(s *stats) *jsonStatistics {
	return &jsonStatistics{s.instructions, s.slots, s.classes, s.forms, s.helpers, s.kfuncs, s.maps}
}

// maxInner is how deep maps of maps are followed.
const maxInner = 4

func (d *dump) mapJSON(m *bpf.Map, depth int) jsonMap {
	out := jsonMap{
		Name: name(m.Name), Type: m.Type.String(), KeySize: m.KeySize, ValueSize: m.ValueSize, MaxEntries: m.MaxEntries,
		Flags: mapFlagList(m.Flags), Extra: m.Extra, Pinning: m.Pinning, Section: name(m.Section), Frozen: m.Frozen,
	}
	if m.Flags&linux.FNUMANode != 0 {
		out.NumaNode = &m.NumaNode
	}
	if m.Key != nil {
		out.Key = ctype.Name(m.Key)
	}
	if m.Value != nil && m.Section == "" {
		out.Value = ctype.Name(m.Value)
	}
	if m.Inner != nil && depth < maxInner {
		inner := d.mapJSON(m.Inner, depth+1)
		out.Inner = &inner
	}
	for _, v := range m.Values {
		out.Values = append(out.Values, jsonMapValue{v.Index, name(v.Name)})
	}
	return out
}

func (d *dump) variableJSON(v *variable) jsonVariable {
	out := jsonVariable{Name: name(v.name), Section: name(v.section.Section), Offset: v.offset, Size: v.size, Linkage: v.linkage}
	if v.typ != nil {
		out.Type = ctype.Name(v.typ)
	}
	b, ok := v.bytes()
	if ok = ok && d.mayShow(v.size); ok {
		if b == nil {
			b = make([]byte, v.size)
		}
		out.Value = show.ValueIn(d.obj.ByteOrder, v.typ, b)
	}
	return out
}

func typeJSON(r typeRow) jsonType {
	out := jsonType{ID: uint32(r.id), Kind: r.kind, Name: name(r.name), Type: show.Clip(r.refers, 1<<12), Tags: r.tags}
	if r.size >= 0 {
		out.Size = &r.size
	}
	for _, m := range r.members {
		member := jsonMember{Name: name(m.name), Type: show.Clip(m.typ, 1<<12), Bits: m.bits, Tags: m.tags}
		switch {
		case m.isValue && m.signed:
			member.Value = int64(m.value)
		case m.isValue:
			member.Value = m.value
		default:
			bit := int(m.offset)*8 + int(m.bit)
			member.Offset = &bit
		}
		out.Members = append(out.Members, member)
	}
	return out
}
