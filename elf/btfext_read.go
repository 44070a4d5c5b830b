package elf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// extPart is one of the three lists in .BTF.ext. Each is a number, the size of
// its records in bytes, and then for each section the offset of its name, a
// count and so many records, which begin with the offset of an instruction.
type extPart struct {
	what   string // for errors
	header int    // where the header has its offset and size
	record uint64 // bytes at least
}

var (
	funcPart = extPart{"types of functions", 8, funcRecordSize}
	linePart = extPart{"source lines", 16, lineRecordSize}
)

// extStrings reads strings of .BTF for the records of .BTF.ext. There may be many
// records for one long string: each string is looked for once, and together they
// are in proportion to the table, however they share it.
type extStrings struct {
	table string
	seen  map[uint32]string
	left  int // bytes that may still be looked at
}

func newExtStrings(raw *rawBTF) *extStrings {
	return &extStrings{table: raw.strings, seen: map[uint32]string{}, left: nameBudget(len(raw.strings))}
}

func (x *extStrings) at(offset uint32) (string, error) {
	if s, ok := x.seen[offset]; ok {
		return s, nil
	}
	if uint64(offset) >= uint64(len(x.table)) {
		return "", fmt.Errorf("a string at offset %d of %d bytes of strings", offset, len(x.table))
	}
	rest := x.table[offset:]
	s, _, ok := strings.Cut(rest[:min(len(rest), x.left)], "\x00")
	if !ok {
		return "", errors.New("its strings share more of their table than any compiler's do")
	}
	x.left -= len(s) + 1
	x.seen[offset] = s
	return s, nil
}

// each calls f with every record of a part: the section it is for, the slot
// that it is about, and its bytes.
func (p extPart) each(ext []byte, raw *rawBTF, f func(section string, slot int, record []byte) error) error {
	order := raw.order
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", errBTF, btfExtSection, fmt.Sprintf(format, args...))
	}
	if len(ext) < extHeaderMinSize {
		return fail("header cut short: %d bytes", len(ext))
	}
	if magic := order.Uint16(ext); magic != btfMagic || ext[2] != btfVersion {
		return fail("magic number %#x version %d, not %#x version %d", magic, ext[2], btfMagic, btfVersion)
	}
	header := uint64(order.Uint32(ext[4:]))
	if header < extHeaderMinSize || header > uint64(len(ext)) {
		return fail("header of %d bytes", header)
	}
	if header < uint64(p.header)+8 {
		return nil // an older header has no such part
	}
	offset, size := header+uint64(order.Uint32(ext[p.header:])), uint64(order.Uint32(ext[p.header+4:]))
	if !fits(offset, size, len(ext)) {
		return fail("%d bytes of %s at offset %d of %d bytes", size, p.what, offset, len(ext))
	}
	b := ext[offset : offset+size]
	if len(b) == 0 {
		return nil
	}
	if len(b) < 4 {
		return fail("%s cut short", p.what)
	}
	record := uint64(order.Uint32(b))
	if record < p.record || record%4 != 0 {
		return fail("%s in records of %d bytes; they have %d", p.what, record, p.record)
	}
	names := newExtStrings(raw)
	for b = b[4:]; len(b) > 0; {
		if len(b) < 8 {
			return fail("%s cut short", p.what)
		}
		section, err := names.at(order.Uint32(b))
		if err != nil {
			return fail("%s: name of a section: %v", p.what, err)
		}
		count := uint64(order.Uint32(b[4:]))
		b = b[8:]
		if count > uint64(len(b))/record {
			return fail("%d %s of section %q in %d bytes", count, p.what, shorten(section), len(b))
		}
		for range count {
			at := order.Uint32(b)
			if at%bpf.InstructionSize != 0 {
				return fail("%s: offset %d of section %q is between two instructions", p.what, at, shorten(section))
			}
			if err := f(section, int(at/bpf.InstructionSize), b[:record]); err != nil {
				return fail("%s: offset %d of section %q: %v", p.what, at, shorten(section), err)
			}
			b = b[record:]
		}
	}
	return nil
}

// sourceLine is where the instructions of a section from slot on come from.
type sourceLine struct {
	slot int
	pos  bpf.Pos
	text string
}

// parseLines reads the source lines in .BTF.ext, by section name and ascending
// slot. Texts share memory with the strings of .BTF.
func parseLines(ext []byte, raw *rawBTF) (map[string][]sourceLine, error) {
	lines := map[string][]sourceLine{}
	texts := newExtStrings(raw)
	err := linePart.each(ext, raw, func(section string, slot int, b []byte) error {
		file, err := texts.at(raw.order.Uint32(b[4:]))
		if err != nil {
			return err
		}
		text, err := texts.at(raw.order.Uint32(b[8:]))
		if err != nil {
			return err
		}
		place := raw.order.Uint32(b[12:])
		lines[section] = append(lines[section], sourceLine{
			slot: slot,
			pos:  bpf.Pos{File: file, Line: int(place >> 10), Col: int(place & maxColumn)},
			text: text,
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for section, list := range lines {
		slices.SortStableFunc(list, func(a, b sourceLine) int { return a.slot - b.slot })
		lines[section] = slices.CompactFunc(list, func(a, b sourceLine) bool { return a.slot == b.slot })
	}
	return lines, nil
}

// parseFuncs reads the types of functions in .BTF.ext, by section name and slot.
func parseFuncs(ext []byte, raw *rawBTF, types *btf.Spec) (map[string]map[int]*btf.Func, error) {
	funcs := map[string]map[int]*btf.Func{}
	err := funcPart.each(ext, raw, func(section string, slot int, b []byte) error {
		id := raw.order.Uint32(b[4:])
		t, err := types.TypeByID(btf.TypeID(id))
		if err != nil {
			return err
		}
		fn, ok := t.(*btf.Func)
		if !ok {
			return fmt.Errorf("type %d is no function", id)
		}
		if funcs[section] == nil {
			funcs[section] = map[int]*btf.Func{}
		}
		funcs[section][slot] = fn
		return nil
	})
	if err != nil {
		return nil, err
	}
	return funcs, nil
}
