package elf

import (
	"cmp"
	stdelf "debug/elf"
	"errors"
	"slices"

	"ebtools/bpf"
)

// errDWARF is what every error in debug information is.
var errDWARF = errors.New("damaged DWARF")

const debugLineSection = ".debug_line"

// loadLines takes source lines from DWARF where .BTF.ext has none. Compilers
// other than clang, and clang without -g, leave no other.
func (l *loader) loadLines() {
	if len(l.lines) > 0 {
		return
	}
	lines, err := dwarfLines(l.img)
	if err != nil {
		l.problem(true, "", err, "the object is loaded without its source lines")
	}
	l.lines = lines
}

// dwarfLines reads the source lines in .debug_line, by section name and
// ascending slot. They have no text.
func dwarfLines(img *Image) (map[string][]sourceLine, error) {
	s := img.Section(debugLineSection)
	if s == nil || len(s.Data) == 0 {
		return nil, nil
	}
	t := newLineTables(img, s)
	if s.Flags&stdelf.SHF_COMPRESSED != 0 {
		t.fail("it is compressed")
	}
	for t.err == nil && t.at < t.end {
		t.readTable()
	}
	if t.err != nil {
		return nil, t.err
	}

	names := map[string]int{}
	for _, s := range img.Sections {
		if s.IsExecutable() {
			names[s.Name]++
		}
	}
	lines := map[string][]sourceLine{}
	for s, rows := range t.rows {
		if names[s.Name] == 1 { // else a name does not tell whose they are
			lines[s.Name] = inOrder(rows)
		}
	}
	return lines, nil
}

// lineRow says where the instructions from a slot on come from. One that ends a
// sequence gives way to one that begins another there.
type lineRow struct {
	slot int
	ends bool
	pos  bpf.Pos
}

// inOrder puts the rows of a section in order. Of those for one slot the last
// counts: no instruction is left for the others.
func inOrder(rows []lineRow) []sourceLine {
	slices.SortStableFunc(rows, func(a, b lineRow) int {
		if a.ends != b.ends && a.slot == b.slot {
			if a.ends {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.slot, b.slot)
	})
	lines := make([]sourceLine, 0, len(rows))
	for i, row := range rows {
		if i+1 < len(rows) && rows[i+1].slot == row.slot {
			continue
		}
		lines = append(lines, sourceLine{slot: row.slot, pos: row.pos})
	}
	return lines
}
