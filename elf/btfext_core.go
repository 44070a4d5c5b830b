package elf

import (
	"fmt"
	"slices"
	"strings"

	"ebtools/bpf"
)

// corePart is the list of CO-RE relocations (kernel, struct bpf_core_relo): the
// offset of an instruction, the id of a type, the offset of the access among the
// strings, and the kind.
var corePart = extPart{"CO-RE relocations", 24, 16}

// maxAccess bounds the text of an access, in bytes: at most 64 numbers of up to
// ten digits count, with colons between them.
const maxAccess = 64 * 11

// coreRecord is the CO-RE relocation of the instruction in a slot.
type coreRecord struct {
	slot   int
	id     uint32 // of the type that the access starts from; not checked
	access string // numbers with colons between them; not checked
	kind   bpf.COREKind
}

// parseCORE reads the CO-RE relocations in .BTF.ext, by section name and
// ascending slot; those of one slot stay in the file's order, in which they are
// to be applied. There are none when the header is too short to say where they
// are, as in the first version of the format. Texts share memory with the strings
// of .BTF.
func parseCORE(ext []byte, raw *rawBTF) (map[string][]coreRecord, error) {
	records := map[string][]coreRecord{}
	err := corePart.each(ext, raw, func(section string, slot int, b []byte) error {
		access, err := raw.access(raw.order.Uint32(b[8:]))
		if err != nil {
			return err
		}
		records[section] = append(records[section], coreRecord{
			slot:   slot,
			id:     raw.order.Uint32(b[4:]),
			access: access,
			kind:   bpf.COREKind(raw.order.Uint32(b[12:])),
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, list := range records {
		slices.SortStableFunc(list, func(a, b coreRecord) int { return a.slot - b.slot })
	}
	return records, nil
}

// access returns the text of an access. It looks no further than the longest
// that makes sense, so that many records of one long string take no time.
func (raw *rawBTF) access(offset uint32) (string, error) {
	if uint64(offset) >= uint64(len(raw.strings)) {
		return "", fmt.Errorf("access at offset %d of %d bytes of strings", offset, len(raw.strings))
	}
	rest := raw.strings[offset:]
	s, _, ok := strings.Cut(rest[:min(len(rest), maxAccess+1)], "\x00")
	if !ok {
		return "", fmt.Errorf("access %q… is longer than any can be", s[:32])
	}
	return s, nil
}
