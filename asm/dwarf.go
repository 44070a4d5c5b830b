package asm

import (
	stdelf "debug/elf"

	"ebtools/bpf"
	"ebtools/elf"
)

// addressSize is the size of an address in debug information, in bytes.
const addressSize = 8

// dwarfWriter adds debug information to the end of a section, once all sections
// have their sizes. What names a place becomes a relocation.
type dwarfWriter struct {
	a *assembler
	s *section
}

// dwarfSection gives a writer for the section of some name, which is made when
// the file has none. strings says that it holds nothing but strings.
func (a *assembler) dwarfSection(name string, strings bool) *dwarfWriter {
	s, ok := a.byName[name]
	if !ok {
		s = a.newSection(name, stdelf.SHT_PROGBITS, 0)
		if strings {
			s.flags, s.entry = stdelf.SHF_MERGE|stdelf.SHF_STRINGS, 1
		}
	}
	if s.typ == stdelf.SHT_NOBITS {
		a.report(faultAt(span{buf: a.file}, ErrMisuse, "section %s must have content: debug information goes there", name))
		s.typ = stdelf.SHT_PROGBITS
	}
	return &dwarfWriter{a, s}
}

func (w *dwarfWriter) len() int { return len(w.s.data) }

func (w *dwarfWriter) bytes(b ...byte)   { w.s.data = append(w.s.data, b...) }
func (w *dwarfWriter) text(s string)     { w.s.data = append(append(w.s.data, s...), 0) }
func (w *dwarfWriter) unsigned(n uint64) { w.s.data = appendUnsigned(w.s.data, n, 0) }
func (w *dwarfWriter) signed(n int64)    { w.s.data = appendSigned(w.s.data, n, 0) }

// number writes n in size bytes, in the object's byte order.
func (w *dwarfWriter) number(n uint64, size int) {
	w.s.data = grow(w.s.data, size)
	w.a.putInt(w.s.data[w.len()-size:], n)
}

// length leaves room for a length of 4 bytes. What it gives is called when all
// that counts has been written.
func (w *dwarfWriter) length() (done func()) {
	at := w.len()
	w.number(0, 4)
	return func() { w.a.putInt(w.s.data[at:at+4], uint64(w.len()-at-4)) }
}

// offset writes an offset into another section, in 4 bytes.
func (w *dwarfWriter) offset(to *section, off uint64) {
	w.relocate(elf.RelocABS32, to)
	w.number(off, 4)
}

// address writes the address of a place, in 8 bytes.
func (w *dwarfWriter) address(to *section, off uint64) {
	w.relocate(elf.RelocABS64, to)
	w.number(off, addressSize)
}

func (w *dwarfWriter) relocate(typ elf.RelocType, to *section) {
	to.sym.use(span{buf: w.a.file})
	w.s.relocs = append(w.s.relocs, relocation{uint64(w.len()), typ, to.sym})
}

// pad adds zeros up to a multiple of align bytes.
func (w *dwarfWriter) pad(align uint64) {
	w.s.data = appendFill(w.s.data, padding(uint64(w.len()), align), nil)
}

// units gives a distance in instructions: what DWARF counts code in.
func units(bytes uint64) uint64 { return bytes / bpf.InstructionSize }
