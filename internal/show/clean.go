package show

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of what is shown of a name and of a line, in bytes. No tool makes names as
// long; a file that refers to a very long one very often would come out as
// gigabytes.
const (
	maxName = 1 << 10
	maxLine = 1 << 12
)

// Clip cuts text from a file that is longer than any name or line of source: to
// at most max bytes and an ellipsis.
func Clip(s string, max int) string {
	if len(s) <= max {
		return s
	}
	for max > 0 && !utf8.RuneStart(s[max]) {
		max--
	}
	return s[:max] + "…"
}

// Name writes a name from a file, which may hold anything: as it is when all of
// it can be printed, else in quotes with escapes. So no name moves a terminal's
// cursor, or looks like another one by characters that show nothing. One longer
// than 1 KiB is cut.
func Name(s string) string {
	s = Clip(s, maxName)
	if isPlain(s) {
		return s
	}
	return strconv.Quote(s)
}

// Line writes a line of text from a file: tabs as four spaces, and escapes for
// what can't be printed. One longer than 4 KiB is cut.
func Line(s string) string { return clean(Clip(s, maxLine)) }

// clean is Line for a line of any length.
func clean(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\t':
			b.WriteString("    ")
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(escape(r))
		}
		i += n
	}
	return b.String()
}

// escape writes a character as Go and C do: \x1b, \u202e.
func escape(r rune) string {
	switch {
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

func isPlain(s string) bool {
	for _, r := range s {
		if r == utf8.RuneError || !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}

// Printable gives a writer that passes text on to w with escapes for what can't
// be printed, but for newlines and tabs. A character must not be spread over two
// writes.
func Printable(w io.Writer) io.Writer { return printable{w} }

type printable struct{ w io.Writer }

func (p printable) Write(b []byte) (int, error) {
	lines := strings.Split(string(b), "\n")
	for i, line := range lines {
		cells := strings.Split(line, "\t")
		for k, cell := range cells {
			cells[k] = clean(cell)
		}
		lines[i] = strings.Join(cells, "\t")
	}
	if _, err := io.WriteString(p.w, strings.Join(lines, "\n")); err != nil {
		return 0, err
	}
	return len(b), nil
}
