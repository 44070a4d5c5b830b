package asm

import (
	"strings"

	"ebtools/bpf"
)

// register is a register as it is written: r3 is all of it, w3 its low half.
type register struct {
	num  bpf.Register
	half bool
}

func (r register) String() string {
	if r.half {
		return "w" + itoa(int(r.num))
	}
	return r.num.String()
}

// parseRegister knows r0 to r10 and w0 to w10.
func parseRegister(s string) (register, bool) {
	if len(s) < 2 || len(s) > 3 || s[0] != 'r' && s[0] != 'w' {
		return register{}, false
	}
	n := s[1] - '0'
	if len(s) == 3 {
		if s[1:] != "10" {
			return register{}, false
		}
		n = 10
	}
	return register{bpf.Register(n), s[0] == 'w'}, n <= 10
}

// otherRegisters are names that registers have elsewhere, with the one meant.
var otherRegisters = map[string]string{"fp": "r10", "sp": "r10", "bp": "r10", "rfp": "r10", "ctx": "r1", "pc": "", "lr": ""}

// isRegisterName reports whether a word is meant as a register, if only one of
// another machine: such a word is no name for a number.
func isRegisterName(word string) bool {
	lower := strings.ToLower(word)
	if _, ok := otherRegisters[lower]; ok {
		return true
	}
	return len(lower) > 1 && (lower[0] == 'r' || lower[0] == 'w') && onlyDigits(lower[1:])
}

// wrongRegister says what is wrong with a word that is meant as a register; nil
// if it is one, or is not meant as one.
func wrongRegister(word string, at span) *fault {
	lower := strings.ToLower(word)
	if !isRegisterName(word) {
		return nil
	}
	if _, ok := parseRegister(lower); ok {
		if lower == word {
			return nil
		}
		return faultAt(at, ErrSyntax, "registers are written in lower case: %s", lower)
	}
	f := faultAt(at, ErrSyntax, "there is no register %s: they are r0 to r10, and w0 to w10 for their low halves", word)
	switch otherRegisters[lower] {
	case "r10":
		f.note("the frame pointer is r10")
	case "r1":
		f.note("a program's context is in r1 when it begins")
	}
	return f
}
