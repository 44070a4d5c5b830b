package kernel

import (
	"encoding/binary"
	"errors"
	"fmt"

	"ebtools/bpf/linux"
)

// Operations on maps by their index. Keys and values are as programs see them;
// of a per-CPU map a value holds that of every possible CPU, one directly behind
// the other. A nil key stands for none: of a queue, stack or bloom filter, and
// for NextKey. Errors are *Error with the kernel's number.

func number(v uint32) []byte { return binary.NativeEndian.AppendUint32(nil, v) }

func (k *Kernel) element(c command, index int, key, value []byte, flags uint64) error {
	var a attribute
	a.fd(0, k.fds[index])
	a.bytes(8, key)
	a.bytes(16, value)
	a.u64(24, flags)
	_, err := a.call(c)
	return err
}

// layout is how many values the system call takes at once, their size, and how
// far apart they are.
func (k *Kernel) layout(index int) (count, size, stride int) {
	def := k.defs[index]
	size = int(def.ValueSize)
	switch def.Type {
	case linux.MapProgArray, linux.MapPerfEventArray, linux.MapCgroupArray, linux.MapArrayOfMaps, linux.MapHashOfMaps:
		size = 4
	case linux.MapReuseportSockarray, linux.MapSockmap, linux.MapSockhash:
		if size != 8 {
			size = 4
		}
	}
	if def.Type.PerCPU() {
		return k.cpus, size, (size + 7) &^ 7
	}
	return 1, size, size
}

// Lookup gives the value of key; flags may be linux.FLock.
func (k *Kernel) Lookup(index int, key []byte, flags uint64) ([]byte, error) {
	return k.lookup(mapLookup, "lookup in", index, key, flags)
}

// LookupAndDelete gives the value of key and removes it, or takes from a queue
// or stack.
func (k *Kernel) LookupAndDelete(index int, key []byte, flags uint64) ([]byte, error) {
	return k.lookup(mapLookupAndDelete, "lookup and deletion in", index, key, flags)
}

func (k *Kernel) lookup(c command, what string, index int, key []byte, flags uint64) ([]byte, error) {
	count, size, stride := k.layout(index)
	raw := make([]byte, count*stride)
	if err := k.element(c, index, key, raw, flags); err != nil {
		return nil, failed(err, "%s map %s", what, k.defs[index].Name)
	}
	if stride == size {
		return raw, nil
	}
	out := make([]byte, 0, count*size)
	for i := range count {
		out = append(out, raw[i*stride:i*stride+size]...)
	}
	return out, nil
}

// Contains asks a bloom filter for a value: nil, or ENOENT.
func (k *Kernel) Contains(index int, value []byte) error {
	return failed(k.element(mapLookup, index, nil, value, 0), "lookup in map %s", k.defs[index].Name)
}

// Update sets the value of key, or puts it into a queue, stack or bloom filter.
func (k *Kernel) Update(index int, key, value []byte, flags uint64) error {
	count, size, stride := k.layout(index)
	if len(value) != count*size {
		return fmt.Errorf("value of %d bytes for map %s, expected %d", len(value), k.defs[index].Name, count*size)
	}
	if stride != size {
		raw := make([]byte, count*stride)
		for i := range count {
			copy(raw[i*stride:], value[i*size:(i+1)*size])
		}
		value = raw
	}
	return failed(k.element(mapUpdate, index, key, value, flags), "update of map %s", k.defs[index].Name)
}

// Delete removes key.
func (k *Kernel) Delete(index int, key []byte) error {
	return failed(k.element(mapDelete, index, key, nil, 0), "deletion from map %s", k.defs[index].Name)
}

// NextKey gives the key that follows key, in the kernel's order, or the first;
// ENOENT after the last.
func (k *Kernel) NextKey(index int, key []byte) ([]byte, error) {
	next := make([]byte, k.defs[index].KeySize)
	if err := k.element(mapNextKey, index, key, next, 0); err != nil {
		return nil, failed(err, "next key of map %s", k.defs[index].Name)
	}
	return next, nil
}

// Freeze ends all writes by system calls.
func (k *Kernel) Freeze(index int) error {
	var a attribute
	a.fd(0, k.fds[index])
	_, err := a.call(mapFreeze)
	return failed(err, "freeze map %s", k.defs[index].Name)
}

// UpdateProgram puts a program into a prog array, or a devmap or cpumap's
// program is part of the value there.
func (k *Kernel) UpdateProgram(index int, key uint32, p *Program) error {
	return k.Update(index, number(key), number(uint32(p.fd)), linux.Any)
}

// AllCPUs asks Contents for the values of all CPUs.
const AllCPUs = -1

// Contents is all of a map: values by keys, of a per-CPU map the value of the
// given CPU, or of all CPUs. What a prog array or a map of maps holds comes as
// ids. Keys that have no value, of empty slots, are left out.
func (k *Kernel) Contents(index, cpu int) (map[string]string, error) {
	all := map[string]string{}
	var at []byte
	for {
		next := make([]byte, k.defs[index].KeySize)
		if err := k.element(mapNextKey, index, at, next, 0); err == linux.ENOENT {
			return all, nil
		} else if err != nil {
			return nil, failed(err, "next key of map %s", k.defs[index].Name)
		}
		value, err := k.Lookup(index, next, 0)
		switch {
		case errors.Is(err, linux.ENOENT):
		case err != nil:
			return nil, err
		default:
			if count, size, _ := k.layout(index); count > 1 && cpu != AllCPUs {
				value = value[cpu*size : (cpu+1)*size]
			}
			all[string(next)] = string(value)
		}
		at = next
	}
}
