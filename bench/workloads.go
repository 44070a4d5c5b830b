package main

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"time"

	"ebtools"
	"ebtools/bpf"
	"ebtools/internal/kernel"
	"ebtools/vm"
)

//go:embed workloads/workloads.o
var object []byte

// workload is one program on its packets, here and in the kernel.
type workload struct {
	name    string
	about   string
	mixed   bool // runs on many packets, not on a large one
	packets [][]byte
	program *vm.Program
	kernel  *kernel.Program // nil where there is none
	why     string          // there is none

	passes, repeat int       // so many fill a batch
	ours, theirs   []float64 // ns a run, by round
}

// list is what is measured, in the order it is printed.
var list = []workload{
	{name: "xorshift", about: "64-bit arithmetic in a loop"},
	{name: "csum", about: "16-bit loads over 1500 bytes, 8 times"},
	{name: "memrw", about: "64-bit loads and stores over 1 KiB, 16 times"},
	{name: "rc4", about: "a table of bytes on the stack"},
	{name: "parse", about: "headers of layers 2 to 4, mixed packets", mixed: true},
	{name: "collatz", about: "branches that nothing predicts"},
	{name: "helper", about: "2000 helper calls"},
	{name: "map", about: "an array and a hash lookup, mixed packets", mixed: true},
	{name: "calls", about: "2000 calls of functions"},
	{name: "lookup_array", about: "1000 lookups, array"},
	{name: "lookup_percpu", about: "1000 lookups, per-CPU array"},
	{name: "lookup_hash", about: "1000 lookups, hash"},
	{name: "tailcall", about: "33 tail calls"},
	{name: "drop_icmp", about: "the smallest filter, mixed packets", mixed: true},
	{name: "empty", about: "nothing"},
}

// open loads the programs here, and into the kernel where that is allowed.
func open() ([]workload, error) {
	file, err := ebtools.OpenReader("workloads.o", bytes.NewReader(object), ebtools.Options{})
	if err != nil {
		return nil, err
	}
	machine, err := vm.New(file.Object, vm.Options{})
	if err != nil {
		return nil, err
	}
	k, refusal := openKernel(file.Object.Maps)
	if err := fill(machine, k); err != nil {
		return nil, err
	}
	large, mixed := [][]byte{largePacket()}, packets(32, 7)
	all := append([]workload(nil), list...)
	for i := range all {
		w := &all[i]
		w.packets = large
		if w.mixed {
			w.packets = mixed
		}
		if w.program = machine.Program(w.name); w.program == nil {
			return nil, fmt.Errorf("no program %s in workloads.o", w.name)
		}
		err := refusal
		if k != nil {
			w.kernel, err = k.Load(w.program.Spec(), kernel.LoadOptions{})
		}
		if err != nil {
			w.kernel, w.why = nil, err.Error()
		}
	}
	return all, nil
}

// openKernel makes the maps in the kernel, unless the environment says that it
// must be left alone.
func openKernel(maps []*bpf.Map) (*kernel.Kernel, error) {
	if why := os.Getenv("EBTOOLS_NO_KERNEL"); why != "" {
		return nil, errors.New(why)
	}
	return kernel.New(maps)
}

// fill puts the keys into the hash map that lookup_hash looks for.
func fill(m *vm.Machine, k *kernel.Kernel) error {
	index := 0
	for m.Maps()[index].Spec().Name != "sources" {
		index++
	}
	for n := range uint32(256) {
		key, value := binary.LittleEndian.AppendUint32(nil, n), make([]byte, 8)
		if err := m.Maps()[index].Update(key, value, 0); err != nil {
			return err
		}
		if k == nil {
			continue
		}
		if err := k.Update(index, key, value, 0); err != nil {
			return err
		}
	}
	return nil
}

// batch is about how long each side runs a program in a round: short, so that
// most rounds are not interrupted.
const batch = time.Millisecond

// measure takes one round's times of both sides.
func (w *workload) measure() error {
	if err := w.measureHere(); err != nil {
		return err
	}
	if w.kernel == nil {
		return nil
	}
	return w.measureKernel()
}

func (w *workload) measureHere() error {
	if w.passes == 0 {
		w.passes = 1
	}
	for {
		var frame vm.Frame
		start := time.Now()
		for range w.passes {
			for _, p := range w.packets {
				frame.Data = p
				if _, err := w.program.RunXDP(&frame); err != nil {
					return err
				}
			}
		}
		if took := time.Since(start); took >= batch/2 {
			w.ours = append(w.ours, float64(took.Nanoseconds())/float64(w.passes*len(w.packets)))
			return nil
		}
		w.passes *= 2
	}
}

// measureKernel goes by the duration that the kernel reports: repeated runs take
// it tens of milliseconds more than that.
func (w *workload) measureKernel() error {
	if w.repeat == 0 {
		out, err := w.kernel.Run(kernel.Input{Data: w.packets[0], Repeat: 1000})
		if err != nil {
			return err
		}
		w.repeat = int(batch / max(out.Duration, 1))
	}
	total := 0.0
	for _, p := range w.packets {
		out, err := w.kernel.Run(kernel.Input{Data: p, Repeat: max(100, w.repeat)})
		if err != nil {
			return err
		}
		total += float64(out.Duration.Nanoseconds())
	}
	w.theirs = append(w.theirs, total/float64(len(w.packets)))
	return nil
}
