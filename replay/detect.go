package replay

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// kind is what an input was recognised as.
type kind int

const (
	kindUnknown kind = iota
	kindPcap
	kindPcapng
	kindGzip
)

// detect looks at the first four bytes, without consuming them. Fewer are an
// error.
func detect(w *window) (kind, error) {
	if err := w.fill(4); err != nil {
		have := w.buf[w.start:w.end]
		switch {
		case !errors.Is(err, io.EOF):
			return 0, w.short("the file header", 4, err)
		case len(have) > 0:
			return 0, fmt.Errorf("%w: only %d bytes: % x", ErrFormat, len(have), have)
		case w.unit != "byte":
			return 0, fmt.Errorf("%w: empty input inside gzip", ErrFormat)
		}
		return 0, fmt.Errorf("%w: empty input", ErrFormat)
	}
	head := w.buf[w.start:w.end]
	if _, ok := pcapMagics[binary.LittleEndian.Uint32(head)]; ok {
		return kindPcap, nil
	}
	switch {
	case binary.LittleEndian.Uint32(head) == ngSection:
		return kindPcapng, nil
	case head[0] == 0x1f && head[1] == 0x8b && w.unit == "byte":
		return kindGzip, nil
	}
	return kindUnknown, nil
}

// mistakes are files that are given in place of captures, by what they hold at
// an offset.
var mistakes = []struct {
	offset int
	magic  string
	hint   string
}{
	{0, "\x7fELF", "an ELF file; is it the program to be run?"},
	{0, "\x28\xb5\x2f\xfd", "packed with zstd; unpack it first: zstd -dc FILE"},
	{0, "\xfd7zXZ\x00", "packed with xz; unpack it first: xz -dc FILE"},
	{0, "BZh", "packed with bzip2; unpack it first: bzip2 -dc FILE"},
	{0, "\x04\x22\x4d\x18", "packed with lz4; unpack it first: lz4 -dc FILE"},
	{0, "\x1f\x8b", "gzip within gzip; unpack it once: gzip -dc FILE"},
	{0, "PK\x03\x04", "a zip archive; unpack it first"},
	{257, "ustar", "a tar archive; unpack it first: tar -xOf FILE"},
	{0, "snoop\x00\x00\x00", "a snoop capture; convert it first: editcap -F pcap FILE OUT"},
	{0, "btsnoop\x00", "a Bluetooth capture"},
	{0, "GMBU", "a Network Monitor capture; convert it first: editcap -F pcap FILE OUT"},
	{0, "PERFILE2", "a perf.data recording"},
	{0, "\x9f\xeb\x01\x00", "BTF type information"},
	{0, "\xff\xfe", "text in UTF-16"},
}

// notCapture says what the input may be instead, for one that detect does not
// know.
func notCapture(w *window) error {
	const look = 512
	_ = w.fill(look) // what there is will do
	data := w.buf[w.start:min(w.end, w.start+look)]
	found := fmt.Sprintf("starts with % x", data[:min(8, len(data))])
	for _, m := range mistakes {
		if len(data) > m.offset && bytes.HasPrefix(data[m.offset:], []byte(m.magic)) {
			return fmt.Errorf("%w: %s: %s", ErrFormat, found, m.hint)
		}
	}
	if isText(data) {
		hint := "text; a capture is binary, as tcpdump -w FILE writes it"
		if c := bytes.TrimSpace(data); len(c) > 0 && (c[0] == '{' || c[0] == '[') {
			hint = "JSON or other text; a capture is binary, as tcpdump -w FILE writes it"
		}
		return fmt.Errorf("%w: %s: %s", ErrFormat, found, hint)
	}
	return fmt.Errorf("%w: %s; expected pcap (d4 c3 b2 a1 and its variants), pcapng (0a 0d 0d 0a) or gzip (1f 8b)", ErrFormat, found)
}

// isText reports whether data is UTF-8 without control characters; a character
// that is cut at the end does not count against it.
func isText(data []byte) bool {
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		if r == utf8.RuneError && n == 1 {
			return !utf8.FullRune(data)
		}
		if unicode.IsControl(r) && !unicode.IsSpace(r) && r != 0x1b {
			return false
		}
		data = data[n:]
	}
	return true
}
