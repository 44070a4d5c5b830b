package main

import (
	"fmt"
	"io"

	"ebtools/internal/cli"
	"ebtools/internal/ctype"
	"ebtools/internal/show"
)

// writeHeader writes the object's types as a header in C.
func (d *dump) writeHeader(w io.Writer) error {
	if d.obj.Types == nil {
		return cli.Exit(cli.BadObject, fmt.Errorf("%s has no types (BTF): compile it with -g", show.Name(d.obj.Name)))
	}
	if err := ctype.Dump(w, d.obj.Types); err != nil {
		return cli.Exit(cli.BadObject, fmt.Errorf("%s: %w", show.Name(d.obj.Name), err))
	}
	return nil
}
