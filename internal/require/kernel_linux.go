package require

import (
	"sync"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel skips t unless this process may load BPF programs into the kernel.
func Kernel(t testing.TB) {
	t.Helper()
	if err := probe(); err != nil {
		Missing(t, "kernel", "this process can't load BPF programs: %v", err)
	}
}

// probe loads the smallest XDP program (r0 = 2; exit) through the bpf system
// call itself: a program type that needs CAP_BPF and CAP_NET_ADMIN, as the
// tests that ask do.
var probe = sync.OnceValue(func() error {
	insns := [2]uint64{0x2_0000_00b7, 0x95}
	license := []byte("GPL\x00")
	attr := struct {
		progType, insnCnt uint32
		insns, license    uint64
		_                 [96]byte
	}{6, 2, uint64(uintptr(unsafe.Pointer(&insns))), uint64(uintptr(unsafe.Pointer(&license[0]))), [96]byte{}}
	for {
		fd, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		switch errno {
		case 0:
			return unix.Close(int(fd))
		case unix.EAGAIN, unix.EINTR: // a signal of the Go scheduler came in between
		default:
			return errno
		}
	}
})
