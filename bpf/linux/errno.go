package linux

import "strconv"

// Errno is an error number of Linux as helpers and system calls return it,
// there negated. The numbers are the same on every system this package is
// built for, unlike those of package syscall.
type Errno int32

// Error gives the name and what it means, "ENOENT: no such entry", or
// "errno 999" for a number that no error has.
func (e Errno) Error() string {
	if row := e.row(); row.name != "" {
		return row.name + ": " + row.text
	}
	return "errno " + strconv.Itoa(int(e))
}

// Name gives the name in the headers, "ENOENT", or "" for a number that no
// error has.
func (e Errno) Name() string { return e.row().name }

func (e Errno) row() errnoRow {
	if e < 0 || int(e) >= len(errnoTable) {
		return errnoRow{}
	}
	return errnoTable[e]
}

type errnoRow struct{ name, text string }
