package asm

import (
	"cmp"
	stdelf "debug/elf"
	"math"
	"slices"

	"ebtools/bpf"
)

// encodingSigned8 is the encoding of addresses in .eh_frame: 8 bytes, signed
// (LSB, DWARF extensions: DW_EH_PE_sdata8).
const encodingSigned8 = 0x0c

// writeFrames makes the sections that the file asked for.
func (a *assembler) writeFrames() {
	t := &a.debug.frameTable
	if t.open != nil {
		a.report(faultAt(t.open.at, ErrSyntax, "this .cfi_startproc has no .cfi_endproc"))
	}
	if len(t.frames) == 0 || a.errors > 0 {
		return
	}
	if t.sections.eh || !t.sections.said {
		w := a.dwarfSection(".eh_frame", false)
		w.s.flags |= stdelf.SHF_ALLOC
		w.frames(t.frames, true)
	}
	if t.sections.debug {
		a.dwarfSection(".debug_frame", false).frames(t.frames, false)
	}
}

// frames writes what is common to functions, and then each of them. In
// .eh_frame, what is common stands again wherever it changes.
func (w *dwarfWriter) frames(frames []*callFrame, eh bool) {
	w.s.align = max(w.s.align, addressSize)
	w.pad(addressSize)
	frames = slices.Clone(frames)
	slices.SortStableFunc(frames, compareKinds)
	common := 0
	for i, f := range frames {
		if i == 0 || eh && compareKinds(frames[i-1], f) != 0 {
			common = w.len()
			w.common(f, eh)
		}
		w.frame(f, common, eh)
	}
}

// compareKinds orders frames by what they may have in common, as LLVM does.
func compareKinds(x, y *callFrame) int {
	return cmp.Or(order(x.signal, y.signal), order(x.simple, y.simple), cmp.Compare(x.column, y.column))
}

func order(x, y bool) int {
	switch {
	case x == y:
		return 0
	case y:
		return -1
	}
	return 1
}

// common writes a common information entry.
func (w *dwarfWriter) common(f *callFrame, eh bool) {
	end := w.length()
	align := uint64(addressSize)
	if eh {
		align = 4
		w.number(0, 4)
		w.bytes(1)
		augmentation := "zR"
		if f.signal {
			augmentation += "S"
		}
		w.text(augmentation)
	} else {
		w.number(math.MaxUint32, 4)
		w.bytes(4, 0, addressSize, 0) // version, no augmentation, no segments
	}
	w.unsigned(bpf.InstructionSize)
	w.signed(dataAlign)
	if eh {
		w.bytes(byte(f.column), 1, encodingSigned8)
	} else {
		w.unsigned(f.column)
	}
	w.pad(align)
	end()
}

// frame writes a frame description entry; common is where what it builds on
// begins.
func (w *dwarfWriter) frame(f *callFrame, common int, eh bool) {
	end := w.length()
	if eh {
		w.number(uint64(w.len()-common), 4)
	} else {
		w.offset(w.s, uint64(common))
	}
	at := f.section.address(f.start)
	w.address(f.section, at)
	w.number(f.section.address(f.end)-at, addressSize)
	if eh {
		w.bytes(0) // no further data
	}
	for _, r := range f.rules {
		here := f.section.address(r.place)
		w.moveTo(units(here - at))
		w.bytes(r.code...)
		at = here
	}
	w.pad(addressSize)
	end()
}

// moveTo lets the following rules hold some instructions further on.
func (w *dwarfWriter) moveTo(slots uint64) {
	switch {
	case slots == 0:
	case slots < 64:
		w.bytes(cfaAdvance | byte(slots))
	case slots <= math.MaxUint8:
		w.bytes(cfaAdvance1, byte(slots))
	case slots <= math.MaxUint16:
		w.bytes(cfaAdvance2)
		w.number(slots, 2)
	default:
		w.bytes(cfaAdvance4)
		w.number(slots, 4)
	}
}
