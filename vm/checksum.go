package vm

import (
	"encoding/binary"
	"math/bits"
)

// The kernel's arithmetic on Internet checksums. Sums are ones' complement, where
// zero has two representations; these are kept as the kernel has them on x86-64,
// since programs see them (arch/x86/lib/csum-partial_64.c,
// include/net/checksum.h).

// checksumPartial adds b to a sum of 32 bits (csum_partial).
func checksumPartial(b []byte, sum uint32) uint32 {
	s := uint64(sum)
	add := func(v uint64) {
		var carry uint64
		s, carry = bits.Add64(s, v, 0)
		s += carry
	}
	for len(b) >= 8 {
		add(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	if len(b) > 0 {
		var rest [8]byte
		copy(rest[:], b)
		add(binary.LittleEndian.Uint64(rest[:]))
	}
	return checksumAdd(uint32(s), uint32(s>>32))
}

// checksumAdd and checksumSub are csum_add and csum_sub.
func checksumAdd(a, b uint32) uint32 {
	sum, carry := bits.Add32(a, b, 0)
	return sum + carry
}

func checksumSub(a, b uint32) uint32 { return checksumAdd(a, ^b) }

// checksumTo16 makes a sum of 16 bits (csum_from32to16), checksumFold its
// complement, which headers have (csum_fold).
func checksumTo16(sum uint32) uint16 {
	sum = sum&0xffff + sum>>16
	return uint16(sum + sum>>16)
}

func checksumFold(sum uint32) uint16 { return ^checksumTo16(sum) }

// checksumShift moves a sum to where it begins at an odd byte, or back
// (csum_shift).
func checksumShift(sum uint32, off int) uint32 {
	if off&1 != 0 {
		return bits.RotateLeft32(sum, -8)
	}
	return sum
}

// The following change a checksum in a header, given as the program would load
// it, for a change of what it covers (csum_replace_by_diff, csum_replace2 and
// csum_replace4).

func checksumByDiff(check uint16, diff uint32) uint16 {
	return checksumFold(checksumAdd(diff, ^uint32(check)))
}

func checksumReplace2(check, from, to uint16) uint16 {
	return ^add16(add16(^check, ^from), to)
}

func checksumReplace4(check uint16, from, to uint32) uint16 {
	return checksumFold(checksumAdd(checksumSub(^uint32(check), from), to))
}

// add16 is csum16_add.
func add16(a, b uint16) uint16 {
	sum := uint32(a) + uint32(b)
	return uint16(sum + sum>>16)
}
