package asm

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/elf"
	"ebtools/internal/require"
)

// mapKinds defines a map of every type, as .map does in one line. The other
// fields are what is said of a type that can't be expressed: all but one can,
// with both loaders.
var mapKinds = map[linux.MapType]struct {
	words   string
	libbpf  string // bpftool 7.1 with libbpf 1.1
	cilium  string // cilium/ebpf 0.22
	refused string // by the assembler
}{
	linux.MapHash:                {words: "key=struct k {be32 a; be16 b, c}, value={u64 n, u32 m[3]}, max_entries=16"},
	linux.MapArray:               {words: "value=struct v {struct bpf_spin_lock lock, u32 n}, max_entries=2"},
	linux.MapProgArray:           {words: "values={look, [3]=other}, max_entries=5"},
	linux.MapPerfEventArray:      {words: ""},
	linux.MapPercpuHash:          {words: "key=4, value=u32[4], max_entries=8"},
	linux.MapPercpuArray:         {words: "value=u64, max_entries=2"},
	linux.MapStackTrace:          {words: "key=4, value=8 * 16, max_entries=4"},
	linux.MapCgroupArray:         {words: "max_entries=2"},
	linux.MapLRUHash:             {words: "key=u32, value=8, max_entries=8"},
	linux.MapLRUPercpuHash:       {words: "key=u32, value=u64, max_entries=8"},
	linux.MapLPMTrie:             {words: "key={u32 length, u8 address[4]}, value=u32, max_entries=8, flags=BPF_F_NO_PREALLOC"},
	linux.MapArrayOfMaps:         {words: "values={given, [2]=given}"},
	linux.MapHashOfMaps:          {words: "key=u32, max_entries=4, inner={type=array, key=u32, value=u64, max_entries=1}, values={[1]=given}"},
	linux.MapDevmap:              {words: "max_entries=2"},
	linux.MapSockmap:             {words: "max_entries=2"},
	linux.MapCpumap:              {words: "max_entries=1"},
	linux.MapXskmap:              {words: "max_entries=2"},
	linux.MapSockhash:            {words: "key=8, max_entries=2"},
	linux.MapCgroupStorage:       {words: "key=u64, value=u32"},
	linux.MapReuseportSockarray:  {words: "max_entries=2"},
	linux.MapPercpuCgroupStorage: {words: "key=u64, value=u32"},
	linux.MapQueue:               {words: "value=u32, max_entries=4"},
	linux.MapStack:               {words: "value=u32, max_entries=4"},
	linux.MapSkStorage:           {words: "value=u64, flags=BPF_F_NO_PREALLOC"},
	linux.MapDevmapHash:          {words: "key=u32, max_entries=2"},
	linux.MapStructOps:           {words: "value=8, max_entries=1", refused: "can't be made by .map: its value is a structure of the kernel's own"},
	linux.MapRingbuf:             {words: "max_entries=4096"},
	linux.MapInodeStorage:        {words: "value=u64, flags=BPF_F_NO_PREALLOC"},
	linux.MapTaskStorage:         {words: "value={u64 a, u32 b}, flags=BPF_F_NO_PREALLOC"},
	linux.MapBloomFilter:         {words: "value=u32, max_entries=100, map_extra=3"},
	linux.MapUserRingbuf:         {words: "max_entries=4096"},
	linux.MapCgrpStorage:         {words: "value=u64, flags=BPF_F_NO_PREALLOC"},
	linux.MapArena:               {words: "max_entries=2, flags=BPF_F_MMAPABLE"},
}

// mapSource is a program with a map of a type.
func mapSource(typ linux.MapType, words string) string {
	if words != "" {
		words = ", " + words
	}
	return fmt.Sprintf(`.license "GPL"
.map given, type=array, key=u32, value=u64, max_entries=1
.map it, type=%s%s
.program xdp, look
	r0 = XDP_PASS
	exit
.program xdp, other
	r0 = XDP_DROP
	exit
`, typ, words)
}

// TestMapTypes loads a map of every type of the kernel, through bpftool and
// through cilium/ebpf.
func TestMapTypes(t *testing.T) {
	for _, typ := range linux.MapTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			kind, ok := mapKinds[typ]
			if !ok {
				t.Fatal("no map of this type is in the table")
			}
			img, diags := Assemble("map.s", []byte(mapSource(typ, kind.words)), Options{})
			if kind.refused != "" {
				if err := diags.Err(); err == nil || !strings.Contains(err.Error(), kind.refused) {
					t.Errorf("got %v, want %q", err, kind.refused)
				}
				return
			}
			if img == nil || len(diags) > 0 {
				t.Fatal(rendered(t, diags))
			}
			file, err := img.Write()
			if err != nil {
				t.Fatal(err)
			}
			checkReadBack(t, file)
			require.Kernel(t)
			t.Run("bpftool", func(t *testing.T) {
				require.Tools(t, "bpftool")
				checkRefusal(t, bpftoolLoad(t, file), kind.libbpf)
			})
			t.Run("cilium", func(t *testing.T) { checkRefusal(t, ciliumLoad(file), kind.cilium) })
		})
	}
}

// checkReadBack compares the maps of an object with what the text of each makes.
func checkReadBack(t *testing.T, file []byte) {
	t.Helper()
	first := loadedObject(t, file)
	var text strings.Builder
	for _, m := range first.Maps {
		if m.Section == "" {
			fmt.Fprintf(&text, "\t.map %s, %s\n", symbolText(m.Name), MapText(m))
		}
	}
	for _, p := range first.Programs {
		fmt.Fprintf(&text, "\t.program %s, %s\n\texit\n", p.Section, symbolText(p.Name))
	}
	img, diags := Assemble("printed.s", []byte(text.String()), Options{})
	if img == nil {
		t.Fatalf("%s%s", rendered(t, diags), text.String())
	}
	again, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	second := loadedObject(t, again)
	noTypes := cmpopts.IgnoreFields(bpf.Map{}, "Key", "Value")
	if diff := cmp.Diff(first.Maps, second.Maps, noTypes); diff != "" {
		t.Errorf("-object +printed and assembled:\n%s\n%s", diff, text.String())
	}
}

func loadedObject(t *testing.T, file []byte) *bpf.Object {
	t.Helper()
	img, err := elf.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	obj, diags, err := elf.Load(img, "a.o", elf.Options{})
	if err != nil || len(diags) > 0 {
		t.Fatal(err, rendered(t, diags))
	}
	return obj
}

func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%+v", err)
	case want != "" && err == nil:
		t.Errorf("loaded, and should be refused with %q", want)
	case want != "" && !strings.Contains(fmt.Sprintf("%+v", err), want):
		t.Errorf("refused with %+v, not %q", err, want)
	}
}

// bpftoolLoad loads an object, pins its programs where nobody looks, and takes
// them away again.
func bpftoolLoad(t *testing.T, file []byte) error {
	t.Helper()
	obj := filepath.Join(t.TempDir(), "a.o")
	if err := os.WriteFile(obj, file, 0o644); err != nil {
		t.Fatal(err)
	}
	fs := filepath.Join(t.TempDir(), "bpf")
	if err := os.Mkdir(fs, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "mount", "-t", "bpf", "bpf", fs)
	defer run(t, "umount", fs)
	out, err := exec.Command("bpftool", "prog", "loadall", obj, filepath.Join(fs, "progs")).CombinedOutput()
	if err != nil || strings.Contains(string(out), "Retrying without BTF") {
		return fmt.Errorf("bpftool: %v\n%s", err, out)
	}
	return nil
}

// ciliumLoad loads an object through cilium/ebpf and lets go of it.
func ciliumLoad(file []byte) error {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(file))
	if err != nil {
		return err
	}
	loaded, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	loaded.Close()
	return nil
}
