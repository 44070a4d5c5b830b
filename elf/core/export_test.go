package core

// Offsets gives where each type begins in the section's types.
func (t *Types) Offsets() []uint32 { return t.offsets }

// IsOrdered reports whether every type leads somewhere when typedefs and
// qualifiers are left out.
func (t *Types) IsOrdered() bool {
	for id := uint32(1); id < t.end(); id++ {
		if _, err := t.strip(id); err != nil {
			return false
		}
	}
	return true
}
