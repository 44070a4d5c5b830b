package linux

import (
	"sort"
	"strings"
)

// constant is a name of the kernel's headers and its value.
type constant struct {
	name  string
	value int64
}

// Constant returns the value of a name of the kernel's headers, exactly as it
// is written there: the verdicts (XDP_DROP, TC_ACT_OK, SECCOMP_RET_ALLOW, …),
// flags (BPF_ANY, BPF_F_CURRENT_CPU, …), numbers of map, program and attach
// types and of helpers (BPF_MAP_TYPE_HASH, BPF_FUNC_map_lookup_elem, …), of
// errors (ENOENT, positive), and of packet headers (ETH_P_IP, IPPROTO_TCP,
// AF_INET6, …).
//
// Names for an unsigned 32-bit value give it as it is, BPF_F_CURRENT_CPU
// 0xffffffff and SECCOMP_RET_KILL_PROCESS 0x80000000; those the headers define
// as negative are negative, TC_ACT_UNSPEC -1.
func Constant(name string) (int64, bool) {
	value, ok := constants[name]
	return value, ok
}

var constants = func() map[string]int64 {
	values := make(map[string]int64, 1024)
	for _, table := range [][]constant{bpfConstants[:], netConstants[:], seccompConstants[:]} {
		for _, c := range table {
			values[c.name] = c.value
		}
	}
	for _, v := range verdictTable {
		if v.fromHeaders() {
			values[v.name] = v.value
		}
	}
	addEnum(values, "BPF_MAP_TYPE_", mapTypeTable[:])
	values["BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED"] = int64(MapCgroupStorage)
	values["BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED"] = int64(MapPercpuCgroupStorage)
	addEnum(values, "BPF_PROG_TYPE_", progTypeTable[:])
	addEnum(values, "BPF_", attachTypeTable[:])
	values["BPF_FUNC_unspec"] = 0
	for _, h := range helperTable {
		values["BPF_FUNC_"+strings.TrimPrefix(h.Name, "bpf_")] = int64(h.ID)
	}
	for number, e := range errnoTable {
		if e.name != "" {
			values[e.name] = int64(number)
		}
	}
	values["EWOULDBLOCK"] = int64(EAGAIN)
	values["EDEADLOCK"] = int64(EDEADLK)
	return values
}()

// addEnum adds the kernel's names for the rows of table, which are their names
// here in upper case behind prefix.
func addEnum(values map[string]int64, prefix string, table []enumRow) {
	for value, row := range table {
		values[prefix+strings.ToUpper(row.name)] = int64(value)
	}
}

// ConstantNames returns all names that Constant knows, sorted.
func ConstantNames() []string {
	names := make([]string, 0, len(constants))
	for name := range constants {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}
