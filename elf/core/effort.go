package core

import "errors"

// ErrEffort says that types are so many or so entangled that a relocation would
// take for ever. No compiler writes such types: what makes them is that a struct
// may hold two of another, which holds two of a third, and so on.
var ErrEffort = errors.New("the types are too entangled to compare")

// effort is how many more types, members and enumerators may be looked at.
type effort int

// maxEffort is what one Resolver may look at, a second's worth. The largest object
// of the kernel's own tests takes a ten-thousandth.
const maxEffort effort = 1 << 24

// effortBytes is how many bytes of a name cost as much as a member.
const effortBytes = 32

func (e *effort) spend(n int) error {
	if *e < effort(n) {
		*e = 0
		return ErrEffort
	}
	*e -= effort(n)
	return nil
}
