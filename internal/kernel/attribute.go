package kernel

import (
	"encoding/binary"
	"runtime"
	"unsafe"
)

// attribute is a union bpf_attr under construction, by the offsets of
// include/uapi/linux/bpf.h.
type attribute struct {
	b   [152]byte
	pin runtime.Pinner
}

func (a *attribute) u32(off int, v uint32) { binary.NativeEndian.PutUint32(a.b[off:], v) }
func (a *attribute) u64(off int, v uint64) { binary.NativeEndian.PutUint64(a.b[off:], v) }
func (a *attribute) fd(off, fd int)        { a.u32(off, uint32(fd)) }

func (a *attribute) get32(off int) uint32 { return binary.NativeEndian.Uint32(a.b[off:]) }

// bytes sets the field at off to the address of b, which stays where it is
// until the call has been made.
func (a *attribute) bytes(off int, b []byte) {
	if len(b) == 0 {
		return
	}
	p := unsafe.SliceData(b)
	a.pin.Pin(p)
	a.u64(off, uint64(uintptr(unsafe.Pointer(p))))
}

// name sets a field of 16 bytes to a name, made of what the kernel allows.
func (a *attribute) name(off int, name string) {
	for i := range min(len(name), 15) {
		c := name[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.':
		default:
			c = '_'
		}
		a.b[off+i] = c
	}
}

// call makes the system call and lets go of what the attribute points to.
func (a *attribute) call(c command) (int, error) {
	r, err := sysBPF(c, a.b[:])
	a.pin.Unpin()
	return r, err
}

// command is a command of the bpf system call, enum bpf_cmd.
type command int

const (
	mapCreate          command = 0
	mapLookup          command = 1
	mapUpdate          command = 2
	mapDelete          command = 3
	mapNextKey         command = 4
	progLoad           command = 5
	progTestRun        command = 10
	mapByID            command = 14
	objectInfo         command = 15
	btfLoad            command = 18
	mapLookupAndDelete command = 21
	mapFreeze          command = 22
)
