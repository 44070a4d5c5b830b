package kernel

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"ebtools/bpf/linux"
)

// sysBPF is bpf(2). A signal, of which Go's scheduler sends many, may end it
// with EINTR, and the verifier with EAGAIN.
func sysBPF(c command, attr []byte) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(c), uintptr(unsafe.Pointer(&attr[0])), uintptr(len(attr)))
		switch {
		case errno == 0:
			return int(r), nil
		case errno == unix.EINTR, errno == unix.EAGAIN && c == progLoad:
		default:
			return -1, linux.Errno(errno)
		}
	}
}

func closeFD(fd int) { _ = unix.Close(fd) }

// mapMemory maps length bytes of a descriptor from off on.
func mapMemory(fd int, off int64, length int, write bool) ([]byte, error) {
	prot := unix.PROT_READ
	if write {
		prot |= unix.PROT_WRITE
	}
	b, err := unix.Mmap(fd, off, length, prot, unix.MAP_SHARED)
	return b, errnoOf(err)
}

func unmapMemory(b []byte) {
	if b != nil {
		_ = unix.Munmap(b)
	}
}

// openPerf opens a perf event that BPF programs write to, on a CPU.
func openPerf(cpu int) (int, error) {
	fd, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})), Config: unix.PERF_COUNT_SW_BPF_OUTPUT,
		Sample_type: unix.PERF_SAMPLE_RAW, Sample: 1, Wakeup: 1,
	}, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return -1, errnoOf(err)
	}
	if err := unix.IoctlSetInt(fd, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		closeFD(fd)
		return -1, errnoOf(err)
	}
	return fd, nil
}

func errnoOf(err error) error {
	if errno, ok := err.(unix.Errno); ok {
		return linux.Errno(errno)
	}
	return err
}

func readPossibleCPUs() (string, error) {
	text, err := os.ReadFile("/sys/devices/system/cpu/possible")
	return string(text), err
}

// BindCPU binds the calling goroutine to one CPU, whose number it gives, until
// release is called by the same goroutine: per-CPU values that programs work on
// are then those of that CPU.
func BindCPU() (cpu int, release func(), err error) {
	runtime.LockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		runtime.UnlockOSThread()
		return 0, nil, failed(errnoOf(err), "ask for CPUs")
	}
	for !before.IsSet(cpu) {
		cpu++
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		runtime.UnlockOSThread()
		return 0, nil, failed(errnoOf(err), "bind to CPU %d", cpu)
	}
	return cpu, func() {
		_ = unix.SchedSetaffinity(0, &before)
		runtime.UnlockOSThread()
	}, nil
}
