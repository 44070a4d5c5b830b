package elf

import (
	"bytes"
	"cmp"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// dwarfSection is a section of debug information as it is read. Numbers that
// depend on a symbol are looked up among its relocations; how compilers number
// the types of these does not matter, since what is read says how wide it is.
type dwarfSection struct {
	name   string
	data   []byte
	order  binary.ByteOrder
	rela   bool
	gnu    bool
	relocs []Relocation // ascending
}

func newDWARFSection(img *Image, s *Section) *dwarfSection {
	d := &dwarfSection{name: s.Name, data: s.Data, order: img.ByteOrder, rela: s.Rela, gnu: madeByGNU(img), relocs: s.Relocs}
	byOffset := func(a, b Relocation) int { return cmp.Compare(a.Offset, b.Offset) }
	if !slices.IsSortedFunc(d.relocs, byOffset) {
		d.relocs = slices.Clone(d.relocs)
		slices.SortStableFunc(d.relocs, byOffset)
	}
	return d
}

// relocation finds the one for the place at offset, nil when there is none.
func (d *dwarfSection) relocation(offset int) *Relocation {
	i, ok := slices.BinarySearchFunc(d.relocs, uint64(offset), func(r Relocation, at uint64) int { return cmp.Compare(r.Offset, at) })
	if !ok || d.relocs[i].Type == RelocNone || d.relocs[i].Symbol == nil {
		return nil
	}
	return &d.relocs[i]
}

// dwarfReader reads a stretch of a section of debug information. The first
// thing that is wrong stays in err, and everything read after it is zero.
type dwarfReader struct {
	*dwarfSection
	at, end int
	wide    bool // the 64-bit format: offsets have 8 bytes
	err     error
}

func (r *dwarfReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s at offset %d: %s", errDWARF, r.name, r.at, fmt.Sprintf(format, args...))
	}
}

// bytes gives the next n bytes, or nil when there are fewer.
func (r *dwarfReader) bytes(n uint64) []byte {
	if r.err == nil && n > uint64(r.end-r.at) {
		r.fail("%d bytes are missing", n-uint64(r.end-r.at))
	}
	if r.err != nil {
		return nil
	}
	b := r.data[r.at : r.at+int(n)]
	r.at += int(n)
	return b
}

// number reads a number of 1, 2, 3, 4 or 8 bytes as it stands.
func (r *dwarfReader) number(size uint64) uint64 {
	b := r.bytes(size)
	switch len(b) {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(r.order.Uint16(b))
	case 3:
		if r.order == binary.ByteOrder(binary.BigEndian) {
			return uint64(b[0])<<16 | uint64(b[1])<<8 | uint64(b[2])
		}
		return uint64(b[2])<<16 | uint64(b[1])<<8 | uint64(b[0])
	case 4:
		return uint64(r.order.Uint32(b))
	case 8:
		return r.order.Uint64(b)
	case 0:
		return 0
	}
	r.fail("a number of %d bytes", size)
	return 0
}

// relocated reads a number that a relocation may apply to, and says by which.
func (r *dwarfReader) relocated(size uint64) (uint64, *Relocation) {
	rel := r.relocation(r.at)
	n := r.number(size)
	switch {
	case rel == nil || r.err != nil:
		return n, nil
	case r.rela:
		n = uint64(rel.Addend)
	case r.gnu && rel.Symbol.Type != stdelf.STT_SECTION && n >= rel.Symbol.Value:
		return n, rel // the GNU assembler 2.40 puts the symbol's value in
	}
	return n + rel.Symbol.Value, rel
}

// offset reads an offset into another section.
func (r *dwarfReader) offset() uint64 {
	size := uint64(4)
	if r.wide {
		size = 8
	}
	n, _ := r.relocated(size)
	return n
}

// unsigned reads an unsigned LEB128 number.
func (r *dwarfReader) unsigned() uint64 {
	if r.err != nil {
		return 0
	}
	n, size := binary.Uvarint(r.data[r.at:r.end])
	if size <= 0 {
		r.fail("a number without end, or of more than 64 bits")
		return 0
	}
	r.at += size
	return n
}

// signed reads a signed LEB128 number.
func (r *dwarfReader) signed() int64 {
	var n int64
	for shift := 0; ; shift += 7 {
		b := r.number(1)
		if r.err != nil {
			return 0
		}
		if shift > 63 {
			r.fail("a number of more than 64 bits")
			return 0
		}
		n |= int64(b&0x7f) << shift
		if b&0x80 == 0 {
			if shift += 7; shift < 64 && b&0x40 != 0 {
				n |= -1 << shift
			}
			return n
		}
	}
}

// text reads a string that ends in a zero byte.
func (r *dwarfReader) text() string {
	if r.err != nil {
		return ""
	}
	n := bytes.IndexByte(r.data[r.at:r.end], 0)
	if n < 0 {
		r.fail("a string without end")
		return ""
	}
	text := string(r.data[r.at : r.at+n])
	r.at += n + 1
	return text
}

// unit reads the length that a unit begins with, which bounds what follows, and
// gives a reader of the rest of the unit.
func (r *dwarfReader) unit() *dwarfReader {
	u := &dwarfReader{dwarfSection: r.dwarfSection}
	length := r.number(4)
	switch {
	case length == 0xffff_ffff:
		u.wide, length = true, r.number(8)
	case length >= 0xffff_fff0:
		r.fail("a unit of reserved length %#x", length)
	}
	u.at = r.at
	r.bytes(length)
	u.end, u.err = r.at, r.err
	return u
}

// form reads past a value of some form (DWARF 5, 7.5.6) or gives it: a number,
// or a string. Forms of strings that lie elsewhere than in .debug_str and
// .debug_line_str give an empty string: no line table has them.
func (r *dwarfReader) form(form uint64, str *dwarfStrings) (n uint64, text string) {
	switch form {
	case formString:
		return 0, r.text()
	case formStrp, formLineStrp:
		at := r.offset()
		if r.err == nil {
			var err error
			if text, err = str.at(form, at); err != nil {
				r.fail("%v", err)
			}
		}
		return 0, text
	case formSecOffset:
		return r.offset(), ""
	case formData1, formFlag, formRef1, formStrx1, formAddrx1:
		return r.number(1), ""
	case formData2, formRef2, formStrx2, formAddrx2:
		return r.number(2), ""
	case formStrx3, formAddrx3:
		return r.number(3), ""
	case formData4, formRef4, formStrx4, formAddrx4, formRefSup4:
		n, _ = r.relocated(4) // an offset before DWARF 4
		return n, ""
	case formData8, formRef8, formRefSig8, formRefSup8, formAddr:
		n, _ = r.relocated(8) // an offset before DWARF 4
		return n, ""
	case formData16:
		r.bytes(16)
	case formSdata:
		r.signed()
	case formUdata, formRefUdata, formStrx, formAddrx, formLoclistx, formRnglistx:
		return r.unsigned(), ""
	case formRefAddr, formStrpSup:
		r.offset()
	case formBlock1:
		r.bytes(r.number(1))
	case formBlock2:
		r.bytes(r.number(2))
	case formBlock4:
		r.bytes(r.number(4))
	case formBlock, formExprloc:
		r.bytes(r.unsigned())
	case formFlagPresent:
	default:
		r.fail("form %#x is not known", form)
	}
	return 0, ""
}

// The forms of values (DWARF 5, 7.5.6).
const (
	formAddr        = 0x01
	formBlock2      = 0x03
	formBlock4      = 0x04
	formData2       = 0x05
	formData4       = 0x06
	formData8       = 0x07
	formString      = 0x08
	formBlock       = 0x09
	formBlock1      = 0x0a
	formData1       = 0x0b
	formFlag        = 0x0c
	formSdata       = 0x0d
	formStrp        = 0x0e
	formUdata       = 0x0f
	formRefAddr     = 0x10
	formRef1        = 0x11
	formRef2        = 0x12
	formRef4        = 0x13
	formRef8        = 0x14
	formRefUdata    = 0x15
	formSecOffset   = 0x17
	formExprloc     = 0x18
	formFlagPresent = 0x19
	formStrx        = 0x1a
	formAddrx       = 0x1b
	formRefSup4     = 0x1c
	formStrpSup     = 0x1d
	formData16      = 0x1e
	formLineStrp    = 0x1f
	formRefSig8     = 0x20
	formImplicit    = 0x21 // the value stands in the abbreviation
	formLoclistx    = 0x22
	formRnglistx    = 0x23
	formRefSup8     = 0x24
	formStrx1       = 0x25
	formStrx2       = 0x26
	formStrx3       = 0x27
	formStrx4       = 0x28
	formAddrx1      = 0x29
	formAddrx2      = 0x2a
	formAddrx3      = 0x2b
	formAddrx4      = 0x2c
)

// dwarfStrings are the sections that hold nothing but strings, by the form of
// an offset into them.
type dwarfStrings map[uint64]*extStrings

func newDWARFStrings(img *Image) *dwarfStrings {
	d := dwarfStrings{}
	for form, name := range map[uint64]string{formStrp: ".debug_str", formLineStrp: ".debug_line_str"} {
		if s := img.Section(name); s != nil {
			d[form] = &extStrings{table: string(s.Data), seen: map[uint32]string{}, left: nameBudget(len(s.Data))}
		}
	}
	return &d
}

func (d *dwarfStrings) at(form, offset uint64) (string, error) {
	table := (*d)[form]
	if table == nil {
		return "", errors.New("a string in a section that is missing")
	}
	if offset >= uint64(len(table.table)) {
		return "", fmt.Errorf("a string at offset %d of %d bytes of strings", offset, len(table.table))
	}
	return table.at(uint32(offset))
}
