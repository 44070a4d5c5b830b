package linux

import (
	"errors"
	"fmt"
	"strconv"
)

// ErrUnknownName is wrapped by the errors of the Parse functions.
var ErrUnknownName = errors.New("unknown name")

func unknownName(what, name, example string) error {
	return fmt.Errorf("%s %q: %w, expected one such as %s", what, name, ErrUnknownName, example)
}

// enumRow describes one value of a kernel enumeration whose tables are indexed
// by value. The kernel's own name is a prefix and name in upper case.
type enumRow struct {
	name  string // "unspec" where the value means none
	since Version
}

func enumName(table []enumRow, value uint32, what string) string {
	if int64(value) < int64(len(table)) {
		return table[value].name
	}
	return what + "(" + strconv.FormatUint(uint64(value), 10) + ")"
}

func enumSince(table []enumRow, value uint32) Version {
	if int64(value) < int64(len(table)) {
		return table[value].since
	}
	return Version{}
}

func enumValues[T ~uint32](table []enumRow) []T {
	values := make([]T, 0, len(table))
	for i, row := range table {
		if row.name != "unspec" {
			values = append(values, T(i))
		}
	}
	return values
}

func enumByName[T ~uint32](table []enumRow) map[string]T {
	byName := make(map[string]T, len(table))
	for _, value := range enumValues[T](table) {
		byName[table[value].name] = value
	}
	return byName
}

// foldedLookup looks name up in a map whose keys are in lower case, after
// lowering name's ASCII letters and dropping prefix if it is there. Names that
// are longer than any key are not found.
func foldedLookup[T any](byName map[string]T, prefix, name string) (T, bool) {
	var buf [64]byte // on the stack: nothing is allocated
	if len(name) > len(buf) {
		var zero T
		return zero, false
	}
	folded := buf[:copy(buf[:], name)]
	for i, c := range folded {
		if 'A' <= c && c <= 'Z' {
			folded[i] = c + 'a' - 'A'
		}
	}
	if len(folded) > len(prefix) && string(folded[:len(prefix)]) == prefix {
		folded = folded[len(prefix):]
	}
	value, ok := byName[string(folded)]
	return value, ok
}
