package vm

import (
	"fmt"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// fields are the parts of a value that belong to the kernel and are left out when
// values are copied: a spin lock, timers, pointers to kernel objects
// (kernel/bpf/btf.c, btf_parse_fields).
type fields struct {
	lock  part
	other []part
}

// part is a run of bytes of a value that is one field.
type part struct{ off, size uint32 }

func (s part) of(value []byte) []byte { return value[s.off : s.off+s.size] }

// maxFields is how many a value may have (Linux, BTF_FIELDS_MAX).
const maxFields = 11

// kernelStructs are the types that are such fields.
var kernelStructs = map[string]bool{
	"bpf_timer": true, "bpf_wq": true, "bpf_task_work": true, "bpf_list_head": true, "bpf_list_node": true,
	"bpf_rb_root": true, "bpf_rb_node": true, "bpf_refcount": true,
}

// kernelPointers are the type tags of pointers that are such fields.
var kernelPointers = map[string]bool{"kptr": true, "kptr_untrusted": true, "percpu_kptr": true, "uptr": true}

// findFields finds the fields of def's values by their type.
func findFields(def *bpf.Map) (fields, error) {
	if def.Value == nil || untyped(def.Type) {
		return fields{}, nil
	}
	f := finder{size: def.ValueSize}
	if err := f.add(def.Value, 0, 0); err != nil {
		return fields{}, fmt.Errorf("the type of its values: %w", err)
	}
	if f.lock.size == 0 && f.other == nil {
		return fields{}, nil
	}
	switch {
	case def.Flags&(linux.FRdonlyProg|linux.FWronlyProg) != 0:
		return fields{}, linux.EACCES
	case f.lock.size > 0 && !mayHaveLock(def.Type):
		return fields{}, linux.EOPNOTSUPP
	}
	return f.fields, nil
}

// untyped reports whether loaders keep the types of such maps from the kernel
// (libbpf's bpf_object__create_map), which then sees no fields.
func untyped(t linux.MapType) bool {
	switch t {
	case linux.MapPerfEventArray, linux.MapCgroupArray, linux.MapStackTrace, linux.MapArrayOfMaps, linux.MapHashOfMaps,
		linux.MapDevmap, linux.MapDevmapHash, linux.MapCpumap, linux.MapXskmap, linux.MapQueue, linux.MapStack:
		return true
	}
	return false
}

// mayHaveLock reports whether values of such maps may have a spin lock.
func mayHaveLock(t linux.MapType) bool {
	switch t {
	case linux.MapArray, linux.MapHash, linux.MapSkStorage, linux.MapTaskStorage, linux.MapInodeStorage, linux.MapCgrpStorage:
		return true
	}
	return false
}

// finder collects fields, and counts what it looks at, since types may be hostile.
type finder struct {
	fields
	size  uint32 // of the value
	steps int
}

// Types that nest deeper or have more members are not looked through.
const (
	maxFieldDepth = 8
	maxFieldSteps = 1 << 16
)

func (f *finder) add(t btf.Type, off uint32, depth int) error {
	if f.steps++; f.steps > maxFieldSteps || depth > maxFieldDepth {
		return linux.E2BIG
	}
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		switch {
		case t.Name == "bpf_spin_lock", t.Name == "bpf_res_spin_lock":
			if f.lock.size > 0 {
				return linux.E2BIG
			}
			return f.take(&f.lock, off, t.Size)
		case kernelStructs[t.Name]:
			return f.addOther(off, t.Size)
		}
		for _, m := range t.Members {
			if m.BitfieldSize == 0 {
				if err := f.add(m.Type, off+m.Offset.Bytes(), depth+1); err != nil {
					return err
				}
			}
		}
	case *btf.Datasec:
		for _, v := range t.Vars {
			if variable, ok := v.Type.(*btf.Var); ok {
				if err := f.add(variable.Type, off+v.Offset, depth+1); err != nil {
					return err
				}
			}
		}
	case *btf.Array:
		return f.addArray(t, off, depth)
	case *btf.Pointer:
		if tag, ok := t.Target.(*btf.TypeTag); ok && kernelPointers[tag.Value] {
			return f.addOther(off, 8)
		}
	}
	return nil
}

// addArray adds the fields of each element; most arrays have none.
func (f *finder) addArray(t *btf.Array, off uint32, depth int) error {
	size, err := btf.Sizeof(t.Type)
	if err != nil || size <= 0 {
		return nil
	}
	before, lock := len(f.other), f.lock
	for i := range t.Nelems {
		if err := f.add(t.Type, off+i*uint32(size), depth+1); err != nil {
			return err
		}
		if len(f.other) == before && f.lock == lock {
			return nil
		}
	}
	return nil
}

func (f *finder) addOther(off, size uint32) error {
	if len(f.other) == maxFields {
		return linux.E2BIG
	}
	f.other = append(f.other, part{})
	return f.take(&f.other[len(f.other)-1], off, size)
}

// take sets s to a field, which must lie inside the value.
func (f *finder) take(s *part, off, size uint32) error {
	if off > f.size || size > f.size-off || size == 0 || off%4 != 0 {
		return linux.EINVAL
	}
	*s = part{off, size}
	return nil
}

// write copies src to the value dst, all but the kernel's fields. Those are cleared,
// but for the lock of a value that was there before.
func (f *fields) write(dst, src []byte, fresh bool) {
	if f.lock.size == 0 && f.other == nil {
		copy(dst, src)
		return
	}
	var kept [8]byte
	lock := f.lock.of(dst)
	copy(kept[:], lock)
	copy(dst, src)
	if fresh {
		clear(lock)
	} else {
		copy(lock, kept[:])
	}
	for _, s := range f.other {
		clear(s.of(dst))
	}
}

// hide clears the kernel's fields in a copy for user space.
func (f *fields) hide(value []byte) {
	clear(f.lock.of(value))
	for _, s := range f.other {
		clear(s.of(value))
	}
}
