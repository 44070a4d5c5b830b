package elf

import (
	stdelf "debug/elf"
	"errors"
	"fmt"
	"strings"
)

// ErrFormat is what every error of Read is: the file is not a BPF object, or is
// one that is damaged. The error's text says which, and where.
var ErrFormat = errors.New("not a well-formed BPF object file")

// formatError is an ErrFormat with its own text.
type formatError string

func (e formatError) Error() string      { return string(e) }
func (formatError) Is(target error) bool { return target == ErrFormat }

func malformed(format string, args ...any) error {
	return formatError(fmt.Sprintf(format, args...))
}

// Sizes in bytes of what an ELF64 file is made of (System V ABI, chapter 4).
const (
	fileHeaderSize    = 64
	sectionHeaderSize = 64
	symbolSize        = 24
	relSize           = 16
	relaSize          = 24
)

// typeAddrsig is SHT_LLVM_ADDRSIG, which debug/elf doesn't name: a list of
// symbol indexes in ULEB128 (LLVM, llvm/BinaryFormat/ELF.h).
const typeAddrsig stdelf.SectionType = 0x6fff4c03

// A group (SHT_GROUP) is a word of flags and a word for each member.
const groupWord = 4

// maxFileAlign bounds the padding in front of a section in the file. Readers
// need no more: what a section is aligned to counts when it is in memory.
const maxFileAlign = 64

// sectionHeader is a section header as it stands in the file.
type sectionHeader struct {
	name      uint32
	typ       stdelf.SectionType
	flags     stdelf.SectionFlag
	addr      uint64
	offset    uint64
	size      uint64
	link      uint32
	info      uint32
	align     uint64
	entrySize uint64
}

// inFile reports whether the section has bytes in the file.
func (h *sectionHeader) inFile() bool {
	return h.typ != stdelf.SHT_NULL && h.typ != stdelf.SHT_NOBITS
}

// nameBudget bounds what names taken from a string table of n bytes may add up
// to. Names share bytes where one is the tail of another, but a compiler's do
// so a little; a file that makes each of a million symbols a tail of one long
// string would take gigabytes to write out again.
func nameBudget(n int) int { return 16*n + 64 }

// stringTable is a section of names, each ending in a zero byte.
type stringTable struct {
	bytes  string
	seen   map[uint32]bool
	budget int
}

func newStringTable(b []byte) *stringTable {
	return &stringTable{bytes: string(b), seen: map[uint32]bool{}, budget: nameBudget(len(b))}
}

// at returns the name at offset, sharing memory with the table.
func (t *stringTable) at(offset uint32) (string, error) {
	if offset == 0 && t.bytes == "" {
		return "", nil
	}
	if uint64(offset) >= uint64(len(t.bytes)) {
		return "", fmt.Errorf("name at offset %d of a string table of %d bytes", offset, len(t.bytes))
	}
	name, _, ok := strings.Cut(t.bytes[offset:], "\x00")
	if !ok {
		return "", fmt.Errorf("name at offset %d runs beyond its string table", offset)
	}
	if !t.seen[offset] {
		t.seen[offset] = true
		if t.budget -= len(name); t.budget < 0 {
			return "", fmt.Errorf("names share more of their string table than any compiler's do")
		}
	}
	return name, nil
}

// shorten cuts a name for an error message.
func shorten(name string) string {
	const limit = 100
	if len(name) <= limit {
		return name
	}
	return name[:limit] + "…"
}
