package vm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/require"
)

// kernel is the other side of the differential tests: maps and programs in the
// running kernel, by the bpf system call itself, so that what is loaded is
// bit by bit what runs here.
type kernel struct {
	defs []*bpf.Map
	fds  []int
	cpus int // possible CPUs: how many values a per-CPU entry has
	cpu  int // the one that this test is bound to
}

// newKernel makes the maps. It binds the test to one CPU, whose per-CPU values
// the programs then work on.
func newKernel(t testing.TB, maps ...*bpf.Map) *kernel {
	t.Helper()
	require.Kernel(t)
	k := &kernel{defs: maps, cpus: possibleCPUs(t), cpu: bindCPU(t)}
	t.Cleanup(func() {
		for _, fd := range k.fds {
			unix.Close(fd)
		}
	})
	for i, def := range maps {
		fd, err := createMap(def)
		if err != nil {
			t.Fatalf("map %d, %s: %v", i, def.Type, err)
		}
		k.fds = append(k.fds, fd)
		if def.Contents != nil {
			if err := k.update(i, make([]byte, 4), def.Contents, linux.Any); err != nil {
				t.Fatal(err)
			}
		}
		if def.Frozen {
			attr := struct{ fd uint32 }{uint32(fd)}
			if _, err := bpfCall(unix.BPF_MAP_FREEZE, unsafe.Pointer(&attr), unsafe.Sizeof(attr)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return k
}

func possibleCPUs(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile("/sys/devices/system/cpu/possible")
	if err != nil {
		t.Fatal(err)
	}
	_, last, _ := strings.Cut(strings.TrimSpace(string(text)), "-")
	n, _ := strconv.Atoi(last)
	return n + 1
}

func bindCPU(t testing.TB) int {
	t.Helper()
	runtime.LockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !before.IsSet(cpu) {
		cpu++
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = unix.SchedSetaffinity(0, &before)
		runtime.UnlockOSThread()
	})
	return cpu
}

func bpfCall(command int, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(command), uintptr(attr), size)
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR, unix.EAGAIN:
		default:
			return 0, linux.Errno(errno)
		}
	}
}

func createMap(def *bpf.Map) (int, error) {
	attr := struct{ mapType, keySize, valueSize, maxEntries, flags uint32 }{
		uint32(def.Type), def.KeySize, def.ValueSize, def.MaxEntries, def.Flags,
	}
	return bpfCall(unix.BPF_MAP_CREATE, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
}

// load gives the program to the kernel as it is, map indexes replaced by
// descriptors. What the kernel refuses is an error with the end of its log.
func (k *kernel) load(insns []bpf.Instruction) (int, error) {
	insns = append([]bpf.Instruction(nil), insns...)
	for i := range insns {
		if !insns[i].IsLoadImm64() {
			continue
		}
		switch insns[i].Src {
		case bpf.PseudoMapIdx:
			insns[i].Src, insns[i].Imm = bpf.PseudoMapFD, int32(k.fds[insns[i].Imm])
		case bpf.PseudoMapIdxValue:
			insns[i].Src, insns[i].Imm = bpf.PseudoMapValue, int32(k.fds[insns[i].Imm])
		}
	}
	fd, err := progLoad(insns, nil)
	if err != nil {
		log := make([]byte, 1<<20)
		if fd, err = progLoad(insns, log); err != nil {
			return 0, fmt.Errorf("%w: %s", err, logEnd(log))
		}
	}
	return fd, nil
}

// logEnd is the verifier's last word.
func closeFD(fd int) { _ = unix.Close(fd) }

func logEnd(log []byte) string {
	text, _, _ := bytes.Cut(log, []byte{0})
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var last string
	for _, line := range lines {
		if !strings.HasPrefix(line, "processed ") {
			last = line
		}
	}
	return last
}

func progLoad(insns []bpf.Instruction, log []byte) (int, error) {
	raw := bpf.Encode(insns, binary.NativeEndian)
	license := []byte("GPL\x00")
	attr := struct {
		progType, count     uint32
		insns, license      uint64
		logLevel, logSize   uint32
		logBuf              uint64
		version, flags      uint32
		name                [16]byte
		ifindex, attachType uint32
	}{
		progType: uint32(linux.ProgXDP), count: uint32(len(insns)),
		insns: address(raw), license: address(license),
	}
	if log != nil {
		attr.logLevel, attr.logSize, attr.logBuf = 1, uint32(len(log)), address(log)
	}
	fd, err := bpfCall(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(raw)
	runtime.KeepAlive(license)
	runtime.KeepAlive(log)
	return fd, err
}

func address(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// ran is what a run left: what both sides are compared by.
type ran struct {
	ret            uint32
	metadata, data []byte
}

// run runs the program once on the packet, which must have at least 14 bytes.
func (k *kernel) run(fd int, packet []byte) (ran, error) {
	out := make([]byte, 1<<14)
	var ctxIn, ctxOut [24]byte
	binary.NativeEndian.PutUint32(ctxIn[4:], uint32(len(packet)))
	attr := struct {
		fd, ret               uint32
		sizeIn, sizeOut       uint32
		dataIn, dataOut       uint64
		repeat, duration      uint32
		ctxSizeIn, ctxSizeOut uint32
		ctxIn, ctxOut         uint64
		flags, cpu, batch     uint32
		_                     uint32
	}{
		fd: uint32(fd), sizeIn: uint32(len(packet)), sizeOut: uint32(len(out)), dataIn: address(packet), dataOut: address(out),
		repeat: 1, ctxSizeIn: 24, ctxSizeOut: 24, ctxIn: address(ctxIn[:]), ctxOut: address(ctxOut[:]),
	}
	_, err := bpfCall(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(packet)
	runtime.KeepAlive(&ctxIn)
	runtime.KeepAlive(&ctxOut)
	if err != nil {
		return ran{}, fmt.Errorf("test run: %w", err)
	}
	out = out[:attr.sizeOut]
	data := binary.NativeEndian.Uint32(ctxOut[:])
	return ran{attr.ret, out[:data], out[data:]}, nil
}

type elemAttr struct {
	fd         uint32
	_          uint32
	key, value uint64
	flags      uint64
}

func (k *kernel) elem(command, index int, key, value []byte, flags uint64) error {
	attr := elemAttr{fd: uint32(k.fds[index]), key: address(key), value: address(value), flags: flags}
	_, err := bpfCall(command, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(key)
	runtime.KeepAlive(value)
	return err
}

// values is how many values an entry of the map has.
func (k *kernel) values(index int) int {
	if k.defs[index].Type.PerCPU() {
		return k.cpus
	}
	return 1
}

// update sets an entry. The system call pads per-CPU values to multiples of 8
// bytes; here they follow each other directly.
func (k *kernel) update(index int, key, value []byte, flags uint64) error {
	size, stride := k.sizes(index)
	raw := make([]byte, stride*k.values(index))
	for i := range k.values(index) {
		copy(raw[i*stride:], value[i*size:(i+1)*size])
	}
	return k.elem(unix.BPF_MAP_UPDATE_ELEM, index, key, raw, flags)
}

func (k *kernel) sizes(index int) (size, stride int) {
	size = int(k.defs[index].ValueSize)
	if k.defs[index].Type.PerCPU() {
		return size, (size + 7) &^ 7
	}
	return size, size
}

func (k *kernel) lookup(index int, key []byte) ([]byte, error) {
	size, stride := k.sizes(index)
	raw := make([]byte, stride*k.values(index))
	if err := k.elem(unix.BPF_MAP_LOOKUP_ELEM, index, key, raw, 0); err != nil {
		return nil, err
	}
	var out []byte
	for i := range k.values(index) {
		out = append(out, raw[i*stride:i*stride+size]...)
	}
	return out, nil
}

func (k *kernel) delete(index int, key []byte) error {
	return k.elem(unix.BPF_MAP_DELETE_ELEM, index, key, nil, 0)
}

// contents is all of a map.
func (k *kernel) contents(t testing.TB, index int) map[string]string {
	t.Helper()
	all := map[string]string{}
	var at []byte
	for {
		next := make([]byte, k.defs[index].KeySize)
		if err := k.elem(unix.BPF_MAP_GET_NEXT_KEY, index, at, next, 0); err == linux.ENOENT {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		value, err := k.lookup(index, next)
		if err != nil {
			t.Fatal(err)
		}
		all[string(next)] = string(value)
		at = next
	}
}
