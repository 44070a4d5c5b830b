package ctype

import (
	"bytes"
	"debug/elf"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/internal/require"
)

// header dumps the types of spec.
func header(t testing.TB, spec *btf.Spec) *dumper {
	t.Helper()
	d := newDumper()
	if err := d.collect(spec); err != nil {
		t.Fatal(err)
	}
	if d.types(); d.stopped() {
		t.Fatal(ErrTooLarge)
	}
	return d
}

// TestKernelHeader holds the kernel's own types, as clang reads them from the
// header, to what they are in the kernel; some of them unless there is time.
func TestKernelHeader(t *testing.T) {
	require.LLVM(t)
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		t.Skipf("skipped: no types of the kernel: %v", err)
	}
	d := header(t, spec)
	list := d.list
	if !require.Long() {
		list = nil
		for i := 0; i < len(d.list); i += len(d.list)/atOnce + 1 {
			list = append(list, d.list[i])
		}
	}
	members := compileHeader(t, d, list).compare(list)
	if require.Long() {
		sameNames(t, "/sys/kernel/btf/vmlinux", d)
	}
	t.Logf("%d of %d types, %d bytes, %d members compared", len(list), len(d.list), d.out.Len(), members)
}

// objects lists the objects of this repository and a sample of the corpus, those
// that have types.
func objects(t testing.TB, sample int) []string {
	var list []string
	for _, pattern := range []string{"../../testdata/objects/*.o", "../../elf/testdata/*.o"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return append(list, require.Corpus(t, sample)...)
}

// typesOf returns the type information of an object, nil if it has none.
func typesOf(t testing.TB, name string) []byte {
	t.Helper()
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	section := f.Section(".BTF")
	if section == nil {
		return nil
	}
	data, err := section.Data()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// specOf reads type information.
func specOf(t testing.TB, raw []byte) *btf.Spec {
	t.Helper()
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// TestObjectHeaders does for objects what TestKernelHeader does for the kernel, and
// holds the names to those that bpftool gives.
func TestObjectHeaders(t *testing.T) {
	require.LLVM(t)
	var total, types, opaque, members, same int
	for _, name := range objects(t, 12) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			raw := typesOf(t, name)
			if raw == nil {
				return
			}
			d := header(t, specOf(t, raw))
			c := compileHeader(t, d, d.list)
			members += c.compare(d.list)
			total, types, opaque = total+1, types+len(d.list), opaque+c.opaque
			if sameNames(t, name, d) {
				same++
			}
		})
	}
	t.Logf("%d objects, %d types, %d members compared, %d structures opaque, names as in %d headers of bpftool", total, types, members, opaque, same)
}

// TestRareTypes does for types that few objects have what TestKernelHeader does for
// the kernel's. The compiler's own description of them is the measure.
func TestRareTypes(t *testing.T) {
	require.LLVM(t)
	for _, compiler := range [][]string{{"clang-19", "--target=bpf", "-g"}, {"gcc", "-gbtf"}} {
		t.Run(compiler[0], func(t *testing.T) {
			require.Tools(t, compiler[0])
			object := filepath.Join(t.TempDir(), "types.o")
			args := append(compiler[1:], "-w", "-c", "testdata/types.c", "-o", object)
			if out, err := exec.Command(compiler[0], args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			d := header(t, specOf(t, typesOf(t, object)))
			c := compileHeader(t, d, d.list)
			if n := c.compare(d.list); n < 150 || c.opaque > 0 {
				t.Errorf("%d members compared, %d structures opaque", n, c.opaque)
			}
		})
	}
}

// TestOddNames has names that C does not take, or not twice.
func TestOddNames(t *testing.T) {
	require.LLVM(t)
	i32 := &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	second := &btf.Struct{Name: "twice", Size: 1, Members: []btf.Member{{Name: "c", Type: char}}}
	named := &btf.Struct{Name: "named", Size: 4, Members: []btf.Member{{Name: "n", Type: i32}}}
	types := []btf.Type{
		&btf.Struct{Name: "twice", Size: 4, Members: []btf.Member{{Name: "n", Type: i32}}},
		second,
		&btf.Union{Name: "twice", Size: 4, Members: []btf.Member{{Name: "n", Type: i32}}},
		&btf.Fwd{Name: "twice", Kind: btf.FwdStruct},
		&btf.Fwd{Name: "elsewhere", Kind: btf.FwdUnion},
		&btf.Fwd{Name: "elsewhere", Kind: btf.FwdStruct},
		&btf.Enum{Name: "twice", Size: 4, Values: []btf.EnumValue{{Name: "A"}, {Name: "A", Value: 1}, {Name: "while", Value: 2}}},
		&btf.Enum{Name: "empty", Size: 4},
		&btf.Enum{Name: "empty", Size: 2, Signed: true},
		&btf.Enum{Size: 8, Values: []btf.EnumValue{{Name: "A", Value: 1 << 40}}},
		&btf.Enum{Name: "all", Size: 1, Signed: true, Values: []btf.EnumValue{{Name: "ALL", Value: 1}}},
		&btf.Typedef{Name: "A", Type: second},
		&btf.Typedef{Name: "A", Type: i32},
		&btf.Typedef{Name: "unsigned", Type: i32},
		&btf.Typedef{Name: "__builtin_va_list", Type: i32},
		&btf.Typedef{Name: "core::option::Option<&str>", Type: &btf.Int{Name: "usize", Size: 8}},
		&btf.Typedef{Name: "*/ 1é", Type: &btf.Int{Name: "long", Size: 4, Encoding: btf.Signed}},
		&btf.Typedef{Name: "chars", Type: &btf.Int{Name: "u16", Size: 2, Encoding: btf.Char}},
		&btf.Typedef{Name: "odd", Type: &btf.Int{Name: "i24", Size: 3}},
		&btf.Typedef{Name: "f16", Type: &btf.Float{Name: "_Float16", Size: 2}},
		&btf.Typedef{Name: "f80", Type: &btf.Float{Name: "long double", Size: 12}},
		&btf.Typedef{Name: "f128", Type: &btf.Float{Name: "long double", Size: 16}},
		&btf.Typedef{Name: "fn", Type: &btf.FuncProto{Return: i32, Params: []btf.FuncParam{
			{Name: "A", Type: i32}, {Name: "x", Type: i32}, {Name: "x", Type: i32}, {Name: "for", Type: i32}, {Name: "self.0", Type: i32},
		}}},
		&btf.Struct{Name: "(i32, u8)", Size: 64, Members: []btf.Member{
			{Name: "0", Type: i32},
			{Name: "0", Type: i32, Offset: 32},
			{Name: "if", Type: i32, Offset: 64},
			{Type: i32, Offset: 96},
			{Type: named, Offset: 128},
			{Name: "n", Type: i32, Offset: 160},
			{Type: &btf.Const{Type: &btf.Union{Name: "of", Size: 8, Members: []btf.Member{{Name: "n", Type: i32}}}}, Offset: 192},
			{Type: i32, Offset: 256, BitfieldSize: 3},
			{Name: "last", Type: i32, Offset: 260, BitfieldSize: 3},
		}},
		&btf.Struct{Name: "overlap", Size: 6, Members: []btf.Member{{Name: "a", Type: i32}, {Name: "b", Type: i32, Offset: 16}}},
		&btf.Struct{Name: "short", Size: 2, Members: []btf.Member{{Name: "a", Type: i32}}},
		&btf.Struct{Name: "of_nothing", Size: 2, Members: []btf.Member{{Name: "a", Type: &btf.Void{}}, {Name: "b", Type: char, Offset: 8}}},
	}
	self := &btf.Struct{Name: "itself", Size: 8}
	self.Members = []btf.Member{{Name: "n", Type: i32}, {Name: "self", Type: &btf.Array{Type: self, Nelems: 1, Index: i32}, Offset: 32}}
	b, err := btf.NewBuilder(append(types, self), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := b.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := header(t, specOf(t, raw))
	c := compileHeader(t, d, d.list)
	c.compare(d.list)
	if c.opaque != 4 {
		t.Errorf("%d structures opaque, want 4", c.opaque)
	}
	if t.Failed() {
		t.Logf("%s", d.text())
	}
}

// declaration finds in clang's listing of what it read the names that are declared:
// structures and unions with their members, typedefs, enums and their enumerators.
var declaration = regexp.MustCompile(`(?m)^[| ` + "`" + `-]*(?:` +
	`(RecordDecl) 0x.* ((?:struct|union) \w+) definition$` +
	`|(TypedefDecl) 0x.*?> \S+ (?:referenced )?(\w+) '` +
	`|(EnumDecl) 0x.*?> \S+ (?:referenced )?(\w+)$` +
	`|(EnumConstantDecl) 0x.*?> \S+ (?:referenced )?(\w+) '` + `)`)

// namesIn lists the names that a header declares. It reports false if it does not
// compile.
func namesIn(t *testing.T, header []byte) (names map[string]bool, ok bool) {
	t.Helper()
	cmd := exec.Command("clang-19", "--target=bpf", "-w", "-fsyntax-only", "-fno-color-diagnostics", "-Xclang", "-ast-dump", "-x", "c", "-")
	cmd.Stdin = bytes.NewReader(header)
	out, err := cmd.Output()
	if err != nil {
		return nil, false
	}
	names = map[string]bool{}
	for _, m := range declaration.FindAllSubmatch(out, -1) {
		for i := 1; i < len(m); i += 2 {
			if name := string(m[i+1]); len(m[i]) > 0 && !strings.HasPrefix(name, "__builtin_") {
				names[string(m[i])+" "+name] = true
			}
		}
	}
	return names, true
}

// sameNames holds the names of a header to those that bpftool's has. It reports
// false if that does not compile.
func sameNames(t *testing.T, file string, d *dumper) bool {
	t.Helper()
	out, err := exec.Command("bpftool", "btf", "dump", "file", file, "format", "c").Output()
	if err != nil {
		return false
	}
	theirs, ok := namesIn(t, out)
	if !ok {
		return false
	}
	ours, _ := namesIn(t, d.text())
	for name := range theirs {
		if !ours[name] {
			t.Errorf("bpftool has %s, we do not", name)
		}
	}
	for name := range ours {
		// bpftool leaves out enums without a name that only variables are of.
		if !theirs[name] && !strings.HasPrefix(name, "EnumConstantDecl") {
			t.Errorf("bpftool has no %s", name)
		}
	}
	return true
}
