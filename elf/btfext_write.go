package elf

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// The layout of .BTF.ext (kernel, Documentation/bpf/btf.rst, and libbpf's
// struct btf_ext_header): a header, then the functions, lines and CO-RE
// relocations of every section. Each of the three begins with the size of its
// records; offsets count from the end of the header. All is in the byte order
// of the file, sizes are in bytes.
const (
	btfMagic         = 0xeb9f
	btfVersion       = 1
	btfHeaderSize    = 24
	extHeaderSize    = 32 // with the place of the CO-RE relocations
	extHeaderMinSize = 24 // without
	funcRecordSize   = 8  // place of the instruction in bytes, type id
	lineRecordSize   = 16 // place of the instruction in bytes, file, text, line<<10 | column
	maxLine          = 1<<22 - 1
	maxColumn        = 1<<10 - 1
)

// extWriter makes .BTF.ext.
type extWriter struct {
	img     *Image
	order   byteOrder
	strings stringsBuilder
	base    uint32 // length of the strings of .BTF
}

// encode returns the contents of .BTF with the strings added that .BTF.ext
// needs, and those of .BTF.ext; nil when there are no functions.
func (w *extWriter) encode(blob []byte, funcs []FuncInfo, ids []btf.TypeID, lines []LineInfo) (btfBlob, ext []byte, err error) {
	if len(funcs) == 0 {
		if len(lines) > 0 {
			return nil, nil, errors.New("source lines are given, but no functions they could belong to")
		}
		return blob, nil, nil
	}
	const stringsLength = 20 // offset in the header of .BTF, whose strings come last
	w.base = w.order.Uint32(blob[stringsLength:])

	funcsOf := map[*Section][]funcRecord{}
	for i, f := range funcs {
		funcsOf[f.Symbol.Section] = append(funcsOf[f.Symbol.Section], funcRecord{f.Symbol, ids[i]})
	}
	linesOf, err := w.sortLines(lines, funcsOf)
	if err != nil {
		return nil, nil, err
	}

	funcInfo := w.order.AppendUint32(nil, funcRecordSize)
	lineInfo := w.order.AppendUint32(nil, lineRecordSize)
	for _, s := range w.img.Sections {
		if len(funcsOf[s]) == 0 {
			continue
		}
		name, err := w.string(s.Name)
		if err != nil {
			return nil, nil, err
		}
		funcInfo = w.order.AppendUint32(funcInfo, name)
		funcInfo = w.order.AppendUint32(funcInfo, uint32(len(funcsOf[s])))
		for _, f := range funcsOf[s] {
			funcInfo = w.order.AppendUint32(funcInfo, uint32(f.sym.Value))
			funcInfo = w.order.AppendUint32(funcInfo, uint32(f.id))
		}
		lineInfo = w.order.AppendUint32(lineInfo, name)
		lineInfo = w.order.AppendUint32(lineInfo, uint32(len(linesOf[s])))
		for _, l := range linesOf[s] {
			if lineInfo, err = w.line(lineInfo, l); err != nil {
				return nil, nil, err
			}
		}
	}

	ext = w.order.AppendUint16(nil, btfMagic)
	ext = append(ext, btfVersion, 0)
	for _, field := range []int{
		extHeaderSize,
		0, len(funcInfo),
		len(funcInfo), len(lineInfo),
		len(funcInfo) + len(lineInfo), 0,
	} {
		ext = w.order.AppendUint32(ext, uint32(field))
	}
	ext = slices.Concat(ext, funcInfo, lineInfo)

	btfBlob = append(blob, w.strings.b...)
	w.order.PutUint32(btfBlob[stringsLength:], w.base+uint32(len(w.strings.b)))
	return btfBlob, ext, nil
}

type funcRecord struct {
	sym *Symbol
	id  btf.TypeID
}

// string returns the offset of s among the strings of .BTF.
func (w *extWriter) string(s string) (uint32, error) {
	s, _, _ = strings.Cut(s, "\x00")
	at, err := w.strings.add(s)
	if err != nil || s == "" {
		return 0, err
	}
	return w.base + at, nil
}

func (w *extWriter) line(b []byte, l LineInfo) ([]byte, error) {
	file, err := w.string(l.Pos.File)
	if err != nil {
		return nil, err
	}
	text, err := w.string(l.Text)
	if err != nil {
		return nil, err
	}
	line, col := max(l.Pos.Line, 0), max(l.Pos.Col, 0)
	if line > maxLine {
		line = 0
	}
	if col > maxColumn {
		col = 0
	}
	b = w.order.AppendUint32(b, uint32(l.Offset))
	b = w.order.AppendUint32(b, file)
	b = w.order.AppendUint32(b, text)
	return w.order.AppendUint32(b, uint32(line)<<10|uint32(col)), nil
}

// sortLines sorts lines by section and place, one for each place, and gives
// every function one where it begins.
func (w *extWriter) sortLines(lines []LineInfo, funcsOf map[*Section][]funcRecord) (map[*Section][]LineInfo, error) {
	linesOf := map[*Section][]LineInfo{}
	for _, l := range lines {
		s := l.Section
		switch {
		case s == nil || len(funcsOf[s]) == 0:
			return nil, fmt.Errorf("source line %s: its section has no functions", l.Pos)
		case l.Offset%bpf.InstructionSize != 0 || l.Offset >= uint64(len(s.Data)):
			return nil, fmt.Errorf("source line %s: no instruction at offset %d of section %s", l.Pos, l.Offset, s.Name)
		case s.Data[l.Offset] == 0:
			continue // the second slot of a 64-bit immediate load
		}
		linesOf[s] = append(linesOf[s], l)
	}
	byOffset := func(a, b LineInfo) int { return cmp.Compare(a.Offset, b.Offset) }
	for s, funcs := range funcsOf {
		ls := linesOf[s]
		slices.SortStableFunc(ls, byOffset)
		ls = slices.CompactFunc(ls, func(a, b LineInfo) bool { return a.Offset == b.Offset })
		known := ls
		for _, f := range funcs {
			start := f.sym.Value
			i, found := slices.BinarySearchFunc(known, LineInfo{Offset: start}, byOffset)
			if found {
				continue
			}
			first := LineInfo{Section: s, Offset: start}
			if i < len(known) && known[i].Offset < start+f.sym.Size {
				first.Pos, first.Text = known[i].Pos, known[i].Text
			}
			ls = append(ls[:len(ls):len(ls)], first)
		}
		slices.SortStableFunc(ls, byOffset)
		linesOf[s] = ls
	}
	return linesOf, nil
}
