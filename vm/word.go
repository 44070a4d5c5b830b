package vm

import (
	"math/bits"
	"runtime"
	"unsafe"
)

// hostIsLittle reports whether program memory, always little-endian, has the
// byte order of this host.
const hostIsLittle = runtime.GOARCH != "s390x" && runtime.GOARCH != "ppc64" && runtime.GOARCH != "mips" && runtime.GOARCH != "mips64"

// host64, host32 and host16 turn a number in host order into one in program
// order, and back.
func host64(v uint64) uint64 {
	if hostIsLittle {
		return v
	}
	return bits.ReverseBytes64(v)
}

func host32(v uint32) uint32 {
	if hostIsLittle {
		return v
	}
	return bits.ReverseBytes32(v)
}

func host16(v uint16) uint16 {
	if hostIsLittle {
		return v
	}
	return bits.ReverseBytes16(v)
}

// What follows reads and writes program memory at any address that was checked.
// The compiler puts only the smallest functions into one as large as the
// interpreter's loop: encoding/binary's are not among them.

func load16(p unsafe.Pointer) uint16 { return host16(*(*uint16)(p)) }

func load32(p unsafe.Pointer) uint32 { return host32(*(*uint32)(p)) }

func load64(p unsafe.Pointer) uint64 { return host64(*(*uint64)(p)) }

func store16(p unsafe.Pointer, v uint16) { *(*uint16)(p) = host16(v) }

func store32(p unsafe.Pointer, v uint32) { *(*uint32)(p) = host32(v) }

func store64(p unsafe.Pointer, v uint64) { *(*uint64)(p) = host64(v) }
