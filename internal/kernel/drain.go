package kernel

import (
	"encoding/binary"
	"time"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// drainLimit is how long Drain waits at most.
const drainLimit = 10 * time.Second

// Drain waits until the kernel has freed the programs that were closed before.
// It does so later, by work that it queues, one item for each program; Linux
// 6.18 comes to a standstill in which no process can load a program any more
// (until it is booted again) when 1024 of them wait for the lock of the JIT's
// memory, whose holder waits for work behind them in the queue. So whoever
// loads many programs a second must drain every few hundred. Drain reports
// whether it saw the end of them.
func (k *Kernel) Drain() (bool, error) {
	// The queue is in order. A program is the last to hold a map, whose number
	// is gone when the program is.
	def := &bpf.Map{Name: "drain", Type: linux.MapArray, KeySize: 4, ValueSize: 4, MaxEntries: 1}
	last := &Kernel{cpus: k.cpus}
	defer last.Close()
	if _, err := last.Add(def); err != nil {
		return false, err
	}
	id, err := mapID(last.fds[0])
	if err != nil {
		return false, err
	}
	address := bpf.LoadImm64(bpf.R1, bpf.PseudoMapIdx, 0)
	p, err := last.Load(&bpf.Program{Name: "drain", Type: linux.ProgXDP, Instructions: []bpf.Instruction{
		address[0], address[1], {Op: 0xb7, Dst: bpf.R0}, {Op: bpf.OpcodeExit},
	}}, LoadOptions{})
	if err != nil {
		return false, err
	}
	p.Close()
	last.Close()
	for wait, end := time.Millisecond, time.Now().Add(drainLimit); time.Now().Before(end); wait = min(2*wait, 50*time.Millisecond) {
		time.Sleep(wait)
		if !mapExists(id) {
			return true, nil
		}
	}
	return false, nil
}

// mapID asks for a map's number (struct bpf_map_info).
func mapID(fd int) (uint32, error) {
	info := make([]byte, 8)
	var a attribute
	a.fd(0, fd)
	a.u32(4, uint32(len(info)))
	a.bytes(8, info)
	if _, err := a.call(objectInfo); err != nil {
		return 0, failed(err, "ask for a map's id")
	}
	return binary.NativeEndian.Uint32(info[4:]), nil
}

func mapExists(id uint32) bool {
	var a attribute
	a.u32(0, id)
	fd, err := a.call(mapByID)
	if err == nil {
		closeFD(fd)
	}
	return err == nil
}
