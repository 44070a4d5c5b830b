package require

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kernel skips t unless this process may load BPF programs into the kernel.
func Kernel(t testing.TB) {
	t.Helper()
	if why := os.Getenv("EBTOOLS_NO_KERNEL"); why != "" {
		Missing(t, "kernel", "EBTOOLS_NO_KERNEL says: %s", why)
	}
	if err := probe(); err != nil {
		Missing(t, "kernel", "this process can't load BPF programs: %v", err)
	}
}

// probeEnv tells a process that it is to load a program and end with the error's
// number.
const probeEnv = "EBTOOLS_PROBE_KERNEL"

func init() {
	if os.Getenv(probeEnv) != "" {
		os.Exit(int(loadSmallest()))
	}
}

// errHangs: kernels have been seen that never come back from loading a program,
// once many were freed at a time. Only a restart helps those.
var errHangs = errors.New("loading one never ends, the kernel hangs")

// probe has a process of its own load a program: not even SIGKILL ends one that
// hangs in the kernel.
var probe = sync.OnceValue(func() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), probeEnv+"=1")
	if err := cmd.Start(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() > 0 {
			return unix.Errno(exit.ExitCode())
		}
		return err
	case <-time.After(30 * time.Second):
		return errHangs
	}
})

// loadSmallest loads the smallest XDP program (r0 = 2; exit) through the bpf
// system call itself: a program type that needs CAP_BPF and CAP_NET_ADMIN, as the
// tests that ask do.
func loadSmallest() unix.Errno {
	insns := [2]uint64{0x2_0000_00b7, 0x95}
	license := []byte("GPL\x00")
	attr := struct {
		progType, insnCnt uint32
		insns, license    uint64
		_                 [96]byte
	}{6, 2, uint64(uintptr(unsafe.Pointer(&insns))), uint64(uintptr(unsafe.Pointer(&license[0]))), [96]byte{}}
	for {
		_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
		if errno != unix.EAGAIN && errno != unix.EINTR { // a signal of the Go scheduler came in between
			return errno
		}
	}
}
