package kernel

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
)

// needsTypes reports whether the kernel has to know the types of a map's keys
// and values: storage that belongs to objects, and values with something in them
// that is the kernel's. Others do without, and so nothing about types that the
// kernel does not like can be in the way.
func needsTypes(def *bpf.Map) bool {
	return isStorage(def.Type) || def.Value != nil && hasKernelField(def.Value, 0)
}

func isStorage(t linux.MapType) bool {
	switch t {
	case linux.MapSkStorage, linux.MapInodeStorage, linux.MapTaskStorage, linux.MapCgrpStorage:
		return true
	}
	return false
}

// kernelFields are structures that the kernel handles itself within values.
var kernelFields = map[string]bool{
	"bpf_spin_lock": true, "bpf_res_spin_lock": true, "bpf_timer": true, "bpf_wq": true, "bpf_task_work": true,
	"bpf_list_head": true, "bpf_list_node": true, "bpf_rb_root": true, "bpf_rb_node": true, "bpf_refcount": true,
}

func hasKernelField(t btf.Type, depth int) bool {
	if depth > 16 {
		return false
	}
	switch t := btf.UnderlyingType(t).(type) {
	case *btf.Struct:
		return kernelFields[t.Name] || anyMember(t.Members, depth)
	case *btf.Union:
		return anyMember(t.Members, depth)
	case *btf.Array:
		return hasKernelField(t.Type, depth+1)
	case *btf.Datasec:
		for _, v := range t.Vars {
			if v, ok := v.Type.(*btf.Var); ok && hasKernelField(v.Type, depth+1) {
				return true
			}
		}
	case *btf.Pointer:
		tag, ok := t.Target.(*btf.TypeTag)
		return ok && (strings.HasPrefix(tag.Value, "kptr") || tag.Value == "percpu_kptr" || tag.Value == "uptr")
	}
	return false
}

func anyMember(members []btf.Member, depth int) bool {
	for _, m := range members {
		if hasKernelField(m.Type, depth+1) {
			return true
		}
	}
	return false
}

// loadedTypes is a BTF object in the kernel.
type loadedTypes struct {
	fd         int
	key, value uint32 // type ids
}

func loadMapTypes(def *bpf.Map) (loadedTypes, error) {
	key, value := def.Key, def.Value
	if isStorage(def.Type) {
		if key == nil {
			key = intType
		}
		if value == nil {
			value = bytesType(def.ValueSize)
		}
	}
	var b btf.Builder
	var ids [2]btf.TypeID
	for i, t := range []btf.Type{key, value} {
		if _, isVoid := t.(*btf.Void); t == nil || isVoid {
			continue
		}
		id, err := b.Add(t)
		if err != nil {
			return loadedTypes{}, fmt.Errorf("types of map %s: %w", def.Name, err)
		}
		ids[i] = id
	}
	fd, err := loadBTF(&b)
	if err != nil {
		return loadedTypes{}, fmt.Errorf("types of map %s: %w", def.Name, err)
	}
	return loadedTypes{fd, uint32(ids[0]), uint32(ids[1])}, nil
}

var intType = &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}

func bytesType(n uint32) btf.Type {
	return &btf.Struct{Name: "value", Size: n, Members: []btf.Member{
		{Name: "bytes", Type: &btf.Array{Index: intType, Type: &btf.Int{Name: "char", Size: 1}, Nelems: n}},
	}}
}

func loadBTF(b *btf.Builder) (int, error) {
	blob, err := b.Marshal(nil, nil)
	if err != nil {
		return -1, err
	}
	log := make([]byte, 1<<16)
	var a attribute
	a.bytes(0, blob)
	a.bytes(8, log)
	a.u32(16, uint32(len(blob)))
	a.u32(20, uint32(len(log)))
	a.u32(24, 1)
	fd, err := a.call(btfLoad)
	return fd, withLog(failed(err, "load BTF"), log)
}

// loadFunctions loads the types of a program's functions and gives the
// program's func_info: 8 bytes for each, its first instruction and its type. A
// function without a type is made a static one.
func loadFunctions(p *bpf.Program) (fd int, info []byte, err error) {
	var b btf.Builder
	for i, f := range p.Functions {
		t := f.Type
		if t == nil {
			t = &btf.Func{Name: identifier(f.Name, i), Type: &btf.FuncProto{Return: intType}, Linkage: btf.StaticFunc}
		}
		id, err := b.Add(t)
		if err != nil {
			return -1, nil, fmt.Errorf("type of function %s: %w", f.Name, err)
		}
		info = binary.NativeEndian.AppendUint32(info, uint32(f.Start))
		info = binary.NativeEndian.AppendUint32(info, uint32(id))
	}
	fd, err = loadBTF(&b)
	return fd, info, err
}

// identifier is name as C would have it, or one made of the function's number.
func identifier(name string, i int) string {
	for j, c := range []byte(name) {
		switch {
		case c == '_', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', j > 0 && c >= '0' && c <= '9':
		default:
			name = ""
		}
		if name == "" {
			break
		}
	}
	if name == "" || len(name) > 127 {
		return fmt.Sprintf("function_%d", i)
	}
	return name
}

// needsFunctions reports whether the kernel has to know the types of the
// program's functions: those whose address is taken must be known as static, and
// global ones are verified by their type.
func needsFunctions(p *bpf.Program) bool {
	for _, in := range p.Instructions {
		if in.IsLoadImm64() && in.Src == bpf.PseudoFunc {
			return len(p.Functions) > 0
		}
	}
	for i, f := range p.Functions {
		if i > 0 && f.Type != nil && f.Type.Linkage == btf.GlobalFunc {
			return true
		}
	}
	return false
}
