package scalar

// width is a number of bits, as the length of an array without contents. The
// operations are written once for any width: the whole register and its low
// half are two of them, and tests enumerate every value of a few bits. Every
// length is a shape of its own to the compiler, which makes a function for it
// with the length as a constant.
type width interface {
	[64]struct{} | [32]struct{} | // registers and their low halves
		[6]struct{} | [4]struct{} | [3]struct{} | [2]struct{} // tests
}

type (
	w64 = [64]struct{}
	w32 = [32]struct{}
)

// size is the number of bits.
func size[W width]() uint {
	var w W
	return uint(len(w))
}

// ones is the greatest unsigned number.
func ones[W width]() uint64 { return ^uint64(0) >> (64 - size[W]()) }

// trunc is the low bits of v.
func trunc[W width](v uint64) uint64 { return v & ones[W]() }

// sext is the low bits of v as a signed number.
func sext[W width](v uint64) int64 { return int64(v<<(64-size[W]())) >> (64 - size[W]()) }

// smallest and largest are the bounds of signed numbers.
func smallest[W width]() int64 { return -1 << (size[W]() - 1) }
func largest[W width]() int64  { return 1<<(size[W]()-1) - 1 }
