package asm

import "math"

// frameTable is what the .cfi directives say: how a debugger finds the caller of
// a function at each of its instructions. It becomes .debug_frame (DWARF 5,
// chapter 6.4), or .eh_frame, its sibling for programs that unwind themselves.
type frameTable struct {
	frames   []*callFrame
	open     *callFrame
	sections frameSections
}

// frameSections says which sections the file wants; none is .eh_frame.
type frameSections struct{ debug, eh, said bool }

// callFrame is one function, from .cfi_startproc to .cfi_endproc.
type callFrame struct {
	section    *section
	start, end place
	rules      []frameRule
	offset     int64 // from its register to the frame, as things stand
	signal     bool
	simple     bool   // begins without the rules of the machine, which has none
	column     uint64 // that stands for the return address
	at         span
}

// frameRule is an encoded rule that holds from a place on.
type frameRule struct {
	place place
	code  []byte
}

// returnColumn is the number of the column for the return address: one behind
// the registers.
const returnColumn = 11

// dataAlign is the unit that offsets of saved registers are counted in.
const dataAlign = -4

// Call frame instructions (DWARF 5, 7.24).
const (
	cfaAdvance         = 0x40
	cfaOffset          = 0x80
	cfaRestore         = 0xc0
	cfaAdvance1        = 0x02
	cfaAdvance2        = 0x03
	cfaAdvance4        = 0x04
	cfaOffsetExtended  = 0x05
	cfaRestoreExtended = 0x06
	cfaUndefined       = 0x07
	cfaSameValue       = 0x08
	cfaRegister        = 0x09
	cfaRememberState   = 0x0a
	cfaRestoreState    = 0x0b
	cfaDefine          = 0x0c
	cfaDefineRegister  = 0x0d
	cfaDefineOffset    = 0x0e
	cfaOffsetSigned    = 0x11
	cfaWindowSave      = 0x2d // GNU's
)

var frameDirectives = map[string]handler{
	".cfi_sections":          (*assembler).doFrameSections,
	".cfi_startproc":         (*assembler).doStartFrame,
	".cfi_endproc":           (*assembler).doEndFrame,
	".cfi_def_cfa":           frameRules(cfaDefine, operandRegister, operandOffset),
	".cfi_def_cfa_offset":    frameRules(cfaDefineOffset, operandOffset),
	".cfi_def_cfa_register":  frameRules(cfaDefineRegister, operandRegister),
	".cfi_adjust_cfa_offset": frameRules(cfaDefineOffset, operandAdjust),
	".cfi_offset":            frameRules(cfaOffset, operandRegister, operandSaved),
	".cfi_rel_offset":        frameRules(cfaOffset, operandRegister, operandSavedRelative),
	".cfi_remember_state":    frameRules(cfaRememberState),
	".cfi_restore_state":     frameRules(cfaRestoreState),
	".cfi_restore":           frameRules(cfaRestore, operandRegister),
	".cfi_same_value":        frameRules(cfaSameValue, operandRegister),
	".cfi_undefined":         frameRules(cfaUndefined, operandRegister),
	".cfi_register":          frameRules(cfaRegister, operandRegister, operandRegister),
	".cfi_window_save":       frameRules(cfaWindowSave),
	".cfi_escape":            (*assembler).doFrameEscape,
	".cfi_return_column":     (*assembler).doReturnColumn,
	".cfi_signal_frame":      (*assembler).doSignalFrame,
	".cfi_personality":       (*assembler).doHandler,
	".cfi_lsda":              (*assembler).doHandler,
}

// frameOperand says what an operand of a rule is, and how it is written.
type frameOperand uint8

const (
	operandRegister      frameOperand = iota
	operandOffset                     // from the register to the frame
	operandAdjust                     // and how it changes
	operandSaved                      // where a register is kept, from the frame
	operandSavedRelative              // the same, from the register
)

// frameRules makes a directive that adds a rule.
func frameRules(op byte, operands ...frameOperand) handler {
	return func(a *assembler, d token) *fault {
		frame, f := a.openFrame(d)
		if f != nil {
			return f
		}
		var n [2]int64
		for i, o := range operands {
			if i > 0 {
				if _, f := a.expect(tokComma, "a comma"); f != nil {
					return f
				}
			}
			if o == operandRegister {
				n[i], f = a.frameRegister()
			} else {
				n[i], f = a.absoluteIn("the offset", math.MinInt32, math.MaxInt32)
			}
			if f != nil {
				return f
			}
			switch o {
			case operandAdjust:
				n[i] += frame.offset
				frame.offset = n[i]
			case operandOffset:
				frame.offset = n[i]
			case operandSavedRelative:
				n[i] -= frame.offset
			}
		}
		frame.add(a.section.here(), encodeRule(op, n, operands))
		return nil
	}
}

// encodeRule chooses the shortest of the ways to write a rule.
func encodeRule(op byte, n [2]int64, operands []frameOperand) []byte {
	switch {
	case op == cfaOffset:
		units := n[1] / dataAlign
		switch {
		case units < 0:
			return appendSigned(appendUnsigned([]byte{cfaOffsetSigned}, uint64(n[0]), 0), units, 0)
		case n[0] < 64:
			return appendUnsigned([]byte{op | byte(n[0])}, uint64(units), 0)
		}
		return appendUnsigned(appendUnsigned([]byte{cfaOffsetExtended}, uint64(n[0]), 0), uint64(units), 0)
	case op == cfaRestore && n[0] < 64:
		return []byte{op | byte(n[0])}
	case op == cfaRestore:
		op = cfaRestoreExtended
	}
	code := []byte{op}
	for i := range operands {
		code = appendUnsigned(code, uint64(n[i]), 0)
	}
	return code
}

func (c *callFrame) add(at place, code []byte) {
	c.rules = append(c.rules, frameRule{at, code})
}

// frameRegister takes r0 to r10, or a column's number.
func (a *assembler) frameRegister() (int64, *fault) {
	if t := a.toks[a.i]; t.kind == tokIdent {
		if r, ok := parseRegister(a.text(t)); ok {
			a.i++
			return int64(r.num), nil
		}
	}
	return a.absoluteIn("the register", 0, math.MaxInt32)
}

// openFrame gives the function that the directive d is about.
func (a *assembler) openFrame(d token) (*callFrame, *fault) {
	frame := a.debug.open
	switch {
	case frame == nil:
		return nil, faultAt(a.span(d), ErrMisuse, "%s stands between .cfi_startproc and .cfi_endproc", a.text(d))
	case frame.section != a.section:
		return nil, faultAt(a.span(d), ErrMisuse, "the .cfi_startproc before this is in section %s", frame.section.name)
	}
	return frame, nil
}

// doFrameSections is .cfi_sections .debug_frame, .eh_frame: either or both.
func (a *assembler) doFrameSections(token) *fault {
	want := frameSections{said: true}
	if !a.atEnd() {
		f := a.list(func() *fault {
			name, t, f := a.name(".debug_frame or .eh_frame")
			switch {
			case f != nil:
				return f
			case name == ".debug_frame":
				want.debug = true
			case name == ".eh_frame":
				want.eh = true
			default:
				return a.unexpected(t, ".debug_frame or .eh_frame")
			}
			return nil
		})
		if f != nil {
			return f
		}
	}
	a.debug.sections = want
	return nil
}

// doStartFrame is .cfi_startproc [simple].
func (a *assembler) doStartFrame(d token) *fault {
	if open := a.debug.open; open != nil {
		return faultAt(a.span(d), ErrMisuse, "this .cfi_startproc stands within another").note("which is at %s", open.at.at())
	}
	frame := &callFrame{section: a.section, start: a.section.here(), column: returnColumn, at: a.span(d)}
	if t := a.toks[a.i]; t.kind == tokIdent && a.text(t) == "simple" {
		a.i++
		frame.simple = true
	}
	a.debug.open = frame
	return nil
}

func (a *assembler) doEndFrame(d token) *fault {
	frame, f := a.openFrame(d)
	if f != nil {
		return f
	}
	frame.end = a.section.here()
	a.debug.frames, a.debug.open = append(a.debug.frames, frame), nil
	return nil
}

// doFrameEscape is .cfi_escape BYTE, …: rules as they are.
func (a *assembler) doFrameEscape(d token) *fault {
	frame, f := a.openFrame(d)
	if f != nil {
		return f
	}
	var code []byte
	f = a.list(func() *fault {
		n, f := a.absoluteIn("the byte", math.MinInt8, math.MaxUint8)
		code = append(code, byte(n))
		return f
	})
	frame.add(a.section.here(), code)
	return f
}

// doReturnColumn is .cfi_return_column REGISTER.
func (a *assembler) doReturnColumn(d token) *fault {
	frame, f := a.openFrame(d)
	if f != nil {
		return f
	}
	n, f := a.frameRegister()
	if f == nil && n > math.MaxUint8 {
		f = faultAt(a.span(d), ErrRange, "column %d is out of range: at most 255", n)
	}
	frame.column = uint64(n)
	return f
}

func (a *assembler) doSignalFrame(d token) *fault {
	frame, f := a.openFrame(d)
	if f == nil {
		frame.signal = true
	}
	return f
}

// doHandler is .cfi_personality or .cfi_lsda: what an exception runs.
func (a *assembler) doHandler(d token) *fault {
	if _, f := a.openFrame(d); f != nil {
		return f
	}
	const none = 0xff // DW_EH_PE_omit
	n, at, f := a.absolute()
	if f == nil && n != none {
		return faultAt(at, ErrMisuse, "no exception passes through a BPF function: %s has no meaning", a.text(d))
	}
	return f
}
