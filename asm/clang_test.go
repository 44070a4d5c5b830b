package asm

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebtools/internal/require"
)

// made lists sections that llvm-mc makes of directives, beyond what is written.
var made = []string{".debug_line", ".debug_line_str", ".debug_frame", ".llvm_addrsig"}

// contents is what matters of an object: for every section its bytes and what
// its relocations say.
func contents(t *testing.T, file []byte) map[string]string {
	t.Helper()
	f, err := stdelf.NewFile(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	symbols, err := f.Symbols()
	if err != nil && err != stdelf.ErrNoSymbols {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i, s := range f.Sections {
		switch {
		case s.Name == "" || slices.Contains(made, s.Name):
			continue
		case s.Type == stdelf.SHT_NOBITS:
			out[s.Name] = fmt.Sprintf("%d bytes", s.Size)
			continue
		case s.Type == stdelf.SHT_PROGBITS:
			data, err := s.Data()
			if err != nil {
				t.Fatal(err)
			}
			out[s.Name] = fmt.Sprintf("%v %x", s.Flags, data)
			continue
		case s.Type != stdelf.SHT_REL:
			continue
		}
		to := f.Sections[f.Sections[i].Info].Name
		data, err := s.Data()
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for ; len(data) >= 16 && !slices.Contains(made, to); data = data[16:] {
			info := f.ByteOrder.Uint64(data[8:])
			name := "?"
			if n := int(info >> 32); n > 0 && n <= len(symbols) {
				sym := symbols[n-1]
				name = fmt.Sprintf("%s %v %v", sym.Name, stdelf.ST_BIND(sym.Info), stdelf.ST_TYPE(sym.Info))
				if stdelf.ST_TYPE(sym.Info) == stdelf.STT_SECTION {
					name = "section " + f.Sections[sym.Section].Name
				}
			}
			lines = append(lines, fmt.Sprintf("%x: type %d %s", f.ByteOrder.Uint64(data), uint32(info), name))
		}
		if len(lines) > 0 {
			out["relocations of "+to] = strings.Join(lines, "\n")
		}
	}
	for _, s := range symbols {
		if stdelf.ST_BIND(s.Info) != stdelf.STB_LOCAL && s.Name != "" {
			where := s.Section.String()
			if int(s.Section) < len(f.Sections) {
				where = f.Sections[s.Section].Name
			}
			out["symbol "+s.Name] = fmt.Sprintf("%v %v %v %s+%d size %d", stdelf.ST_BIND(s.Info), stdelf.ST_TYPE(s.Info), stdelf.ST_VISIBILITY(s.Other), where, s.Value, s.Size)
		}
	}
	return out
}

// sameAsLLVM assembles a file with llvm-mc and here, and compares the objects.
func sameAsLLVM(t *testing.T, path, triple string, order binary.ByteOrder) {
	t.Helper()
	obj := path + ".llvm.o"
	run(t, "llvm-mc-19", "-triple", triple, "-mcpu=v4", "-filetype=obj", path, "-o", obj)
	theirs, err := os.ReadFile(obj)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, diags := Assemble(filepath.Base(path), src, Options{ByteOrder: order, NoDebug: true})
	if img == nil {
		var b bytes.Buffer
		for _, d := range diags {
			_ = d.Render(&b)
		}
		t.Fatalf("%s", b.String())
	}
	ours, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	want, got := contents(t, theirs), contents(t, ours)
	if want[".BTF"] == "" {
		delete(got, ".BTF") // made for the variables
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s: %s differs:\n got %s\nwant %s", triple, name, excerpt(got[name], want[name]), excerpt(want[name], got[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s: llvm-mc has no %s: %s", triple, name, excerpt(got[name], ""))
		}
	}
}

// excerpt cuts a long text down to where it begins to differ from another.
func excerpt(s, other string) string {
	i := 0
	for i < min(len(s), len(other)) && s[i] == other[i] {
		i++
	}
	from := max(0, i-60)
	return fmt.Sprintf("(%d at %d) …%s", len(s), i, s[from:min(len(s), i+200)])
}

// TestClangOutput assembles what clang -S prints as llvm-mc does.
func TestClangOutput(t *testing.T) {
	require.LLVM(t)
	sources, err := filepath.Glob("testdata/clang/*.c")
	if err != nil || len(sources) == 0 {
		t.Fatal("no sources", err)
	}
	type variant struct {
		triple string
		order  binary.ByteOrder
		flags  []string
	}
	for _, v := range []variant{
		{"bpfel", binary.LittleEndian, []string{"-O2", "-g", "-mcpu=v4"}},
		{"bpfeb", binary.BigEndian, []string{"-O2", "-g", "-mcpu=v3"}},
		{"bpfel", binary.LittleEndian, []string{"-O2", "-mcpu=v1"}},
		{"bpfel", binary.LittleEndian, []string{"-O1", "-mcpu=v2", "-ffunction-sections", "-fdata-sections"}},
	} {
		for _, source := range sources {
			name := filepath.Base(source)
			t.Run(v.triple+strings.Join(v.flags, "")+"/"+name, func(t *testing.T) {
				out := filepath.Join(t.TempDir(), strings.TrimSuffix(name, ".c")+".s")
				run(t, "clang-19", append(v.flags, "-target", v.triple, "-w", "-S", source, "-o", out)...)
				sameAsLLVM(t, out, v.triple, v.order)
			})
		}
	}
}

// TestSourcesAgainstLLVM compares objects made of whole files.
func TestSourcesAgainstLLVM(t *testing.T) {
	require.LLVM(t)
	for _, path := range glob(t, "testdata/llvm/*.s") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			src, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			copied := filepath.Join(t.TempDir(), filepath.Base(path))
			if err := os.WriteFile(copied, src, 0o644); err != nil {
				t.Fatal(err)
			}
			sameAsLLVM(t, copied, "bpfel", binary.LittleEndian)
			sameAsLLVM(t, copied, "bpfeb", binary.BigEndian)
		})
	}
}
