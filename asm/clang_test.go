package asm

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// contents is what matters of an object: for every section its header, its
// bytes and what its relocations say; and the symbols that linkers and loaders
// look at.
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
	add := func(name, what string) {
		key := name
		for n := 2; out[key] != ""; n++ {
			key = fmt.Sprintf("%s (%d)", name, n)
		}
		out[key] = what
	}
	sectionName := func(i uint32) string {
		if int(i) < len(f.Sections) {
			return f.Sections[i].Name
		}
		return stdelf.SectionIndex(i).String()
	}
	symbolName := func(n uint64) string {
		if n == 0 || n > uint64(len(symbols)) {
			return "?"
		}
		sym := symbols[n-1]
		if stdelf.ST_TYPE(sym.Info) == stdelf.STT_SECTION {
			return "section " + sectionName(uint32(sym.Section))
		}
		return fmt.Sprintf("%s %v %v", sym.Name, stdelf.ST_BIND(sym.Info), stdelf.ST_TYPE(sym.Info))
	}
	for i, s := range f.Sections {
		var data []byte
		if s.Type != stdelf.SHT_NOBITS && s.Type != stdelf.SHT_NULL {
			if data, err = s.Data(); err != nil {
				t.Fatal(err)
			}
		}
		if s.Flags&stdelf.SHF_EXECINSTR != 0 {
			s.Addralign = max(s.Addralign, bpf.InstructionSize) // ours always is, whatever the text says
		}
		if strings.HasPrefix(s.Name, ".BTF") {
			s.Addralign = max(s.Addralign, 4) // as clang has it, which does not print it
		}
		head := fmt.Sprintf("%v %v entries of %d, align %d: ", s.Type, s.Flags, s.Entsize, s.Addralign)
		switch s.Type {
		case stdelf.SHT_NULL, stdelf.SHT_SYMTAB, stdelf.SHT_STRTAB:
		case stdelf.SHT_NOBITS:
			add(s.Name, fmt.Sprintf("%s%d bytes", head, s.Size))
		case stdelf.SHT_GROUP:
			head += fmt.Sprintf("%d for %s of", f.ByteOrder.Uint32(data), symbolName(uint64(s.Info)))
			for j := 4; j < len(data); j += 4 {
				head += " " + sectionName(f.ByteOrder.Uint32(data[j:]))
			}
			add(s.Name, head)
		case typeAddrsig:
			for len(data) > 0 {
				sym, n := binary.Uvarint(data)
				data = data[n:]
				head += symbolName(sym) + " "
			}
			add(s.Name, head)
		case stdelf.SHT_REL:
			var lines []string
			for ; len(data) >= 16; data = data[16:] {
				info := f.ByteOrder.Uint64(data[8:])
				lines = append(lines, fmt.Sprintf("%08x: type %d %s", f.ByteOrder.Uint64(data), uint32(info), symbolName(info>>32)))
			}
			slices.Sort(lines)
			add(s.Name, head+"\n"+strings.Join(lines, "\n"))
		default:
			if s.Flags&stdelf.SHF_LINK_ORDER != 0 {
				head += "of " + sectionName(s.Link) + " "
			}
			add(f.Sections[i].Name, fmt.Sprintf("%s%x", head, data))
		}
	}
	for _, s := range symbols {
		bind, typ := stdelf.ST_BIND(s.Info), stdelf.ST_TYPE(s.Info)
		if bind == stdelf.STB_LOCAL && typ != stdelf.STT_FUNC && typ != stdelf.STT_OBJECT && typ != stdelf.STT_FILE {
			continue
		}
		add("symbol "+s.Name, fmt.Sprintf("%v %v %v %s+%d size %d", bind, typ, stdelf.ST_VISIBILITY(s.Other), sectionName(uint32(s.Section)), s.Value, s.Size))
	}
	return out
}

const typeAddrsig = 0x6fff4c03 // SHT_LLVM_ADDRSIG

// sameAsLLVM assembles a file with llvm-mc and here, and compares the objects.
func sameAsLLVM(t *testing.T, path, triple string, order binary.ByteOrder) {
	t.Helper()
	obj := path + ".llvm.o"
	run(t, "llvm-mc-19", "-triple", triple, "-mcpu=v4", "-filetype=obj", path, "-o", obj)
	sameObject(t, triple, path, obj, order, byHand)
}

// comparison says what is expected of two objects.
type comparison int

const (
	// byHand: local symbols may have the types and sizes that the text lacks. The
	// debug information is decoded as well.
	byHand comparison = iota
	// fromText: all is the same.
	fromText
	// decoded: all is the same, and the debug information is decoded as well.
	decoded
	// fromClang: all is the same but debug information.
	fromClang
)

// sameObject assembles a file and compares with an object of the same text. It
// gives the number of lines, and whether all was the same.
func sameObject(t *testing.T, title, path, obj string, order binary.ByteOrder, how comparison) (lines int, same bool) {
	t.Helper()
	theirs, err := os.ReadFile(obj)
	if err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines = bytes.Count(src, []byte("\n"))
	img, diags := Assemble(path, src, Options{ByteOrder: order, NoDebug: true})
	if img == nil {
		t.Errorf("%s: %s", title, rendered(t, diags[:min(len(diags), 5)]))
		return lines, false
	}
	ours, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	want, got := contents(t, theirs), contents(t, ours)
	if want[".BTF"] == "" {
		delete(got, ".BTF") // made for the variables
	}
	if how == fromClang {
		for _, c := range []map[string]string{want, got} {
			maps.DeleteFunc(c, func(name, _ string) bool { return strings.Contains(name, ".debug_") })
		}
	}
	same = true
	for name := range want {
		if got[name] != want[name] {
			same = false
			t.Errorf("%s: %s differs:\n got %s\nwant %s", title, name, excerpt(got[name], want[name]), excerpt(want[name], got[name]))
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			if how == byHand && strings.HasPrefix(got[name], "STB_LOCAL") {
				continue // local symbols of text by hand get the types and sizes it does not give
			}
			same = false
			t.Errorf("%s: LLVM has no %s: %s", title, name, excerpt(got[name], ""))
		}
	}
	if (how == byHand || how == decoded) && hasDWARF(want) {
		same = sameDWARF(t, title, obj, ours) && same
	}
	return lines, same
}

func hasDWARF(contents map[string]string) bool {
	for name := range contents {
		if strings.HasPrefix(name, ".debug_") || name == ".eh_frame" {
			return true
		}
	}
	return false
}

// sameDWARF compares what llvm-dwarfdump makes of an object and of ours.
func sameDWARF(t *testing.T, title, obj string, ours []byte) bool {
	t.Helper()
	path := obj + ".ours"
	if err := os.WriteFile(path, ours, 0o644); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	dump := func(path string) string {
		// It fails on rules it does not know, after it has printed the rest.
		out, _ := exec.Command("llvm-dwarfdump-19", "--debug-line", "--debug-frame", "--eh-frame", "--debug-info", path).CombinedOutput()
		return strings.ReplaceAll(string(out), path, "object")
	}
	want, got := dump(obj), dump(path)
	if got != want {
		t.Errorf("%s: llvm-dwarfdump says:\n got %s\nwant %s", title, excerpt(got, want), excerpt(want, got))
		return false
	}
	return true
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
