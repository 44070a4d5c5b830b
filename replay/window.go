package replay

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// chunkSize is how many bytes are asked of the input at a time.
const chunkSize = 1 << 20

// window is a buffered reader that hands out parts of its own buffer. The bytes
// buf[start:end] have been read and not yet consumed.
type window struct {
	r          io.Reader
	buf        []byte
	start, end int
	base       int64  // place of buf[0] in the input
	err        error  // what r returned last; surfaces once the bytes are used up
	unit       string // "byte", or "unpacked byte" behind a decompressor
}

func newWindow(r io.Reader, size int) *window {
	return &window{r: r, buf: make([]byte, size), unit: "byte"}
}

// offset returns the place of the next unconsumed byte in the input.
func (w *window) offset() int64 { return w.base + int64(w.start) }

// fill makes at least n unconsumed bytes available at buf[start:], which moves
// them and so ends the validity of all that was handed out before. The buffer
// grows only as bytes arrive: n may come from the input. When the input ends
// first, fill returns the reader's error and all there is stays available.
func (w *window) fill(n int) error {
	idle := 0
	for w.end-w.start < n {
		if w.err != nil {
			return w.err
		}
		if w.start > 0 {
			w.base += int64(w.start)
			w.end = copy(w.buf, w.buf[w.start:w.end])
			w.start = 0
		}
		if w.end == len(w.buf) {
			grown := make([]byte, 2*len(w.buf))
			copy(grown, w.buf)
			w.buf = grown
		}
		var got int
		got, w.err = w.r.Read(w.buf[w.end:])
		if got < 0 || got > len(w.buf)-w.end {
			return fmt.Errorf("reader returned an impossible count of %d bytes", got)
		}
		w.end += got
		if idle++; got > 0 {
			idle = 0
		} else if w.err == nil && idle == 100 {
			w.err = io.ErrNoProgress
		}
	}
	return nil
}

// skip consumes n bytes without holding them all.
func (w *window) skip(n int64) error {
	for {
		step := min(n, int64(w.end-w.start))
		w.start += int(step)
		if n -= step; n == 0 {
			return nil
		}
		if err := w.fill(1); err != nil {
			return err
		}
	}
}

// Read and ReadByte make the window a source for a decompressor, which then
// needs no buffer of its own.
func (w *window) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if w.start == w.end {
		if err := w.fill(1); err != nil {
			return 0, err
		}
	}
	n := copy(p, w.buf[w.start:w.end])
	w.start += n
	return n, nil
}

func (w *window) ReadByte() (byte, error) {
	if w.start == w.end {
		if err := w.fill(1); err != nil {
			return 0, err
		}
	}
	b := w.buf[w.start]
	w.start++
	return b, nil
}

// short explains why fill could not provide the need bytes of what.
func (w *window) short(what string, need int64, err error) error {
	return w.shortAt(what, w.offset(), int64(w.end-w.start), need, err)
}

// shortAt is short for something that begins at offset at, of which have bytes
// are there.
func (w *window) shortAt(what string, at, have, need int64, err error) error {
	var broken flate.CorruptInputError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: %s, at %s %d, has %d of %d bytes", ErrTruncated, what, w.unit, at, have, need)
	case errors.As(err, &broken), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader):
		return fmt.Errorf("%w: %s, at %s %d: %w", ErrDamaged, what, w.unit, at, err)
	}
	return fmt.Errorf("reading %s, at %s %d: %w", what, w.unit, at, err)
}

// damaged reports something untrue about what, which begins at the window's
// start.
func (w *window) damaged(what, format string, args ...any) error {
	return fmt.Errorf("%w: %s, at %s %d: %s", ErrDamaged, what, w.unit, w.offset(), fmt.Sprintf(format, args...))
}
