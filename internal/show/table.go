package show

import (
	"io"
	"strings"
)

// Table is rows of cells whose columns are written aligned, two spaces apart.
type Table struct {
	// Right says which columns are aligned to the right, as numbers are.
	Right []bool
	// Indent stands before each row.
	Indent string
	rows   [][]string
}

// Row adds a row. Cells may have colours in them.
func (t *Table) Row(cells ...string) { t.rows = append(t.rows, cells) }

// Write writes the table.
func (t *Table) Write(w io.Writer) error {
	var widths []int
	for _, row := range t.rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], Width(cell))
		}
	}
	var b strings.Builder
	for _, row := range t.rows {
		line := t.Indent
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-Width(cell))
			if i > 0 {
				line += "  "
			}
			if i < len(t.Right) && t.Right[i] {
				line += pad + cell
			} else {
				line += cell + pad
			}
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
