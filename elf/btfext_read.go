package elf

import (
	"fmt"
	"slices"

	"ebtools/bpf"
)

// sourceLine is where the instructions of a section from slot on come from.
type sourceLine struct {
	slot int
	pos  bpf.Pos
	text string
}

// parseLines reads the source lines in .BTF.ext, by section name and ascending
// slot. Texts share memory with the strings of .BTF.
func parseLines(ext []byte, raw *rawBTF) (map[string][]sourceLine, error) {
	order := raw.order
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%w: %s: %s", errBTF, btfExtSection, fmt.Sprintf(format, args...))
	}
	if len(ext) < extHeaderMinSize {
		return nil, fail("header cut short: %d bytes", len(ext))
	}
	if magic := order.Uint16(ext); magic != btfMagic || ext[2] != btfVersion {
		return nil, fail("magic number %#x version %d, not %#x version %d", magic, ext[2], btfMagic, btfVersion)
	}
	header := uint64(order.Uint32(ext[4:]))
	offset, size := header+uint64(order.Uint32(ext[16:])), uint64(order.Uint32(ext[20:]))
	if header < extHeaderMinSize || !fits(offset, size, len(ext)) {
		return nil, fail("%d bytes of source lines at offset %d of %d bytes", size, offset, len(ext))
	}
	b := ext[offset : offset+size]
	if len(b) == 0 {
		return nil, nil
	}
	if len(b) < 4 {
		return nil, fail("source lines cut short")
	}
	record := uint64(order.Uint32(b))
	if record < lineRecordSize || record%4 != 0 {
		return nil, fail("source lines in records of %d bytes; they have %d", record, lineRecordSize)
	}
	lines := map[string][]sourceLine{}
	for b = b[4:]; len(b) > 0; {
		if len(b) < 8 {
			return nil, fail("source lines cut short")
		}
		section, ok := raw.string(order.Uint32(b))
		count := uint64(order.Uint32(b[4:]))
		b = b[8:]
		if !ok || count > uint64(len(b))/record {
			return nil, fail("%d source lines of section %q in %d bytes", count, shorten(section), len(b))
		}
		list := slices.Grow(lines[section], int(count))
		for range count {
			file, ok1 := raw.string(order.Uint32(b[4:]))
			text, ok2 := raw.string(order.Uint32(b[8:]))
			at, place := order.Uint32(b), order.Uint32(b[12:])
			if !ok1 || !ok2 || at%bpf.InstructionSize != 0 {
				return nil, fail("source line for the instruction at offset %d of section %q", at, shorten(section))
			}
			list = append(list, sourceLine{
				slot: int(at / bpf.InstructionSize),
				pos:  bpf.Pos{File: file, Line: int(place >> 10), Col: int(place & maxColumn)},
				text: text,
			})
			b = b[record:]
		}
		lines[section] = list
	}
	for section, list := range lines {
		slices.SortStableFunc(list, func(a, b sourceLine) int { return a.slot - b.slot })
		lines[section] = slices.CompactFunc(list, func(a, b sourceLine) bool { return a.slot == b.slot })
	}
	return lines, nil
}
