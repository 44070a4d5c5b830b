package linux

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/internal/require"
)

const kernelBTF = "/sys/kernel/btf/vmlinux"

var loadKernelSpec = sync.OnceValues(btf.LoadKernelSpec)

// kernelSpec gives the types of the running kernel.
func kernelSpec(t *testing.T) *btf.Spec {
	t.Helper()
	require.Kernel(t)
	if _, err := os.Stat(kernelBTF); err != nil {
		if require.Demanded("kernel") {
			t.Fatalf("EBTOOLS_REQUIRE names kernel, but %v", err)
		}
		t.Skipf("skipped: %v", err)
	}
	spec, err := loadKernelSpec()
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// kernelVersion gives the running kernel's release.
func kernelVersion(t *testing.T) Version {
	t.Helper()
	release, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	var v Version
	if _, err := fmt.Sscanf(string(release), "%d.%d", &v.Major, &v.Minor); err != nil {
		t.Fatalf("kernel release %q: %v", release, err)
	}
	return v
}

// checkKernelEnum compares a table's names and numbers with an enumeration of
// the running kernel: all that is in a kernel of up to 6.18 must be in the
// table, and all that the table says the kernel has must be there.
func checkKernelEnum(t *testing.T, enum string, table map[string]int64, since func(value int64) Version, aliases ...string) {
	t.Helper()
	spec, running := kernelSpec(t), kernelVersion(t)
	var e *btf.Enum
	if err := spec.TypeByName(enum, &e); err != nil {
		t.Fatal(err)
	}
	values := map[string]int64{}
	for _, v := range e.Values {
		values[v.Name] = int64(v.Value)
		if strings.HasPrefix(v.Name, "__") || slices.Contains(aliases, v.Name) {
			continue
		}
		value, ok := table[v.Name]
		switch {
		case ok && value != int64(v.Value):
			t.Errorf("%s is %d here, but %d in the kernel", v.Name, value, v.Value)
		case !ok && (Version{6, 18}).Less(running):
			t.Logf("%s is newer than the table", v.Name)
		case !ok:
			t.Errorf("the kernel's %s is not in the table", v.Name)
		}
	}
	for name, value := range table {
		if _, ok := values[name]; !ok && !running.Less(since(value)) {
			t.Errorf("%s should be in a kernel since %v, but isn't in this %v", name, since(value), running)
		}
	}
	t.Logf("%s: %d names of the running kernel %v", enum, len(values), running)
}

func TestHelpersAgainstKernel(t *testing.T) {
	table := map[string]int64{"BPF_FUNC_unspec": 0}
	for _, h := range Helpers() {
		table["BPF_FUNC_"+strings.TrimPrefix(h.Name, "bpf_")] = int64(h.ID)
	}
	checkKernelEnum(t, "bpf_func_id", table, func(id int64) Version {
		h, _ := HelperByID(HelperID(id))
		return h.Since
	})
}

func enumTable(prefix string, rows []enumRow) map[string]int64 {
	table := map[string]int64{}
	addEnum(table, prefix, rows)
	return table
}

func TestEnumsAgainstKernel(t *testing.T) {
	checkKernelEnum(t, "bpf_map_type", enumTable("BPF_MAP_TYPE_", mapTypeTable[:]),
		func(v int64) Version { return MapType(v).Since() },
		"BPF_MAP_TYPE_CGROUP_STORAGE_DEPRECATED", "BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE_DEPRECATED")
	checkKernelEnum(t, "bpf_prog_type", enumTable("BPF_PROG_TYPE_", progTypeTable[:]),
		func(v int64) Version { return ProgramType(v).Since() })
	checkKernelEnum(t, "bpf_attach_type", enumTable("BPF_", attachTypeTable[:]),
		func(v int64) Version { return AttachType(v).Since() })
}

func TestConstantsAgainstKernel(t *testing.T) {
	spec := kernelSpec(t)
	enumerators := map[string][]int64{}
	for typ, err := range spec.All() {
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := typ.(*btf.Enum); ok {
			for _, v := range e.Values {
				enumerators[v.Name] = append(enumerators[v.Name], int64(v.Value))
			}
		}
	}
	compared := 0
	for name, value := range constants {
		values, ok := enumerators[name]
		if !ok {
			continue
		}
		compared++
		// Two enumerations of the kernel may use one name.
		if !slices.Contains(values, value) {
			t.Errorf("Constant(%q) = %#x, but the kernel says %#x", name, value, values)
		}
	}
	t.Logf("%d of %d constants are enumerators of the running kernel", compared, len(constants))
	if compared < 400 {
		t.Errorf("only %d of %d constants are enumerators of the running kernel, expected at least 400", compared, len(constants))
	}
}

func TestContextsAgainstKernel(t *testing.T) {
	spec := kernelSpec(t)
	older := kernelVersion(t).Less(Version{6, 18})
	compared := map[string]bool{}
	for _, c := range contexts {
		if (c.Name == "pt_regs" || c.Name == "bpf_perf_event_data") && runtime.GOARCH != "amd64" {
			continue
		}
		var s *btf.Struct
		if err := spec.TypeByName(c.Name, &s); errors.Is(err, btf.ErrNotFound) {
			t.Logf("%s: the kernel is built without its program type", c.Name)
			continue
		} else if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		compared[c.Name] = true
		kernel, err := structFields(s.Members, 0)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if older {
			// An older kernel's structure has the first of the fields.
			for _, f := range kernel {
				if got, ok := c.Field(f.Name); !ok || !sameField(got, f) {
					t.Errorf("%s: %+v here, %+v in the kernel", c.Name, got, f)
				}
			}
			continue
		}
		if int(s.Size) != c.Size {
			t.Errorf("%s has %d bytes here, %d in the kernel", c.Name, c.Size, s.Size)
		}
		if !slices.EqualFunc(c.Fields, kernel, sameField) {
			t.Errorf("%s:\n%+v here,\n%+v in the kernel", c.Name, c.Fields, kernel)
		}
	}
	t.Logf("%d layouts compared", len(compared))
	if !compared["xdp_md"] || !compared["__sk_buff"] {
		t.Errorf("only the layouts of %v were compared", compared)
	}
}

// sameField compares a field of the table with one of the kernel, which can't
// tell that a number of a context will be made a pointer.
func sameField(here, kernel Field) bool {
	if here.Kind != kernel.Kind && (!here.Pointer() || kernel.Kind == FieldSigned) {
		return false
	}
	here.Kind, kernel.Kind = 0, 0
	return here == kernel
}

// structFields lists the members of a structure at base, with those of
// anonymous unions in the place of the unions. Pointers are of kind
// FieldPointer. Of the unions with the kernel's own view of segment registers
// in pt_regs only the plain 64-bit member counts, under the old name.
func structFields(members []btf.Member, base int) ([]Field, error) {
	var fields []Field
	for _, m := range members {
		offset := base + int(m.Offset.Bytes())
		typ := btf.UnderlyingType(m.Type)
		if union, ok := typ.(*btf.Union); ok && m.Name == "" {
			inner := union.Members
			if i := slices.IndexFunc(inner, func(m btf.Member) bool { return m.Name == "csx" || m.Name == "ssx" }); i >= 0 {
				inner = []btf.Member{{Name: inner[i].Name[:2], Type: inner[i].Type}}
			}
			more, err := structFields(inner, offset)
			if err != nil {
				return nil, err
			}
			fields = append(fields, more...)
			continue
		}
		if m.Name == "" {
			continue // padding
		}
		f := Field{Name: m.Name, Offset: offset, Elems: 1}
		if a, ok := typ.(*btf.Array); ok {
			f.Elems, typ = int(a.Nelems), btf.UnderlyingType(a.Type)
		}
		switch typ := typ.(type) {
		case *btf.Pointer:
			f.Kind = FieldPointer
		case *btf.Struct:
			f.Kind = FieldStruct
		case *btf.Int:
			if typ.Encoding == btf.Signed {
				f.Kind = FieldSigned
			}
		}
		size, err := btf.Sizeof(typ)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		f.Size = size
		fields = append(fields, f)
	}
	return fields, nil
}
