package replay

import (
	"compress/gzip"
)

// gunzip returns a window on the unpacked contents of w, which starts with
// gzip's magic number. Several members after each other are one stream (RFC 1952,
// section 2.2).
func gunzip(w *window, chunk int) (*window, error) {
	z, err := gzip.NewReader(w)
	if err != nil {
		return nil, w.shortAt("the gzip header", 0, w.offset(), 10, err)
	}
	inner := newWindow(z, chunk)
	inner.unit = "unpacked byte"
	return inner, nil
}
