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
		for i := 0; i < len(d.list); i += len(d.list) / (4 * atOnce) {
			list = append(list, d.list[i])
		}
	}
	members := compileHeader(t, d, list).compare(list)
	sameNames(t, "/sys/kernel/btf/vmlinux", d)
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
			spec, err := btf.LoadSpecFromReader(bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			d := header(t, spec)
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
