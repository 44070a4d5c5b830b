package elf

import (
	stdelf "debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// lineOf gives the place that the instruction at slot comes from.
func lineOf(lines []sourceLine, slot int) bpf.Pos {
	i, ok := slices.BinarySearchFunc(lines, slot, func(l sourceLine, slot int) int { return l.slot - slot })
	if !ok {
		i--
	}
	if i < 0 {
		return bpf.Pos{}
	}
	return lines[i].pos
}

// begins reports whether a function begins at a slot of a section.
func begins(img *Image, section string, slot int) bool {
	return slices.ContainsFunc(img.Symbols, func(sym *Symbol) bool {
		return sym.Section != nil && sym.Section.Name == section && sym.Type == stdelf.STT_FUNC && sym.Value == uint64(slot)*bpf.InstructionSize
	})
}

// btfLines gives the lines in .BTF.ext, nil when there are none.
func btfLines(img *Image) map[string][]sourceLine {
	types, ext := img.Section(btfSection), img.Section(btfExtSection)
	if types == nil || ext == nil {
		return nil
	}
	raw, err := parseBTF(types.Data, img.ByteOrder)
	if err != nil {
		return nil
	}
	lines, _ := parseLines(ext.Data, raw)
	return lines
}

// compareWithBTF holds the lines of DWARF to those of .BTF.ext, and counts these.
// At a function's entry clang writes another line into each: that of the
// declaration into .BTF.ext, that of the brace into DWARF.
func compareWithBTF(t *testing.T, img *Image) (records, entries int) {
	t.Helper()
	want := btfLines(img)
	got, err := dwarfLines(img)
	if err != nil {
		t.Error(err)
	}
	for section, lines := range want {
		for _, l := range lines {
			records++
			pos := lineOf(got[section], l.slot)
			switch {
			case pos == l.pos, pos.Line == 0 && l.pos.Line == 0:
			case l.pos.Col == 0 && pos.Col == 0 && (pos.File == l.pos.File && pos.Line > l.pos.Line || pos.Line == 0) && begins(img, section, l.slot):
				entries++
			default:
				t.Errorf("section %s instruction %d: %s, .BTF.ext has %s", section, l.slot, pos, l.pos)
			}
		}
	}
	return records, entries
}

// TestDWARFLikeBTF holds the lines of DWARF to those of .BTF.ext in objects that
// have both.
func TestDWARFLikeBTF(t *testing.T) {
	objects, records, entries := 0, 0, 0
	for _, path := range slices.Concat(ciliumObjects(t), checkedIn(t), require.Corpus(t, 150)) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := Read(file)
		if err != nil || img.Section(debugLineSection) == nil {
			continue
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			r, e := compareWithBTF(t, img)
			if r > 0 {
				objects, records, entries = objects+1, records+r, entries+e
			}
		})
	}
	t.Logf("%d objects, %d records, %d of them entries that differ", objects, records, entries)
}

var (
	dumpedFolder = regexp.MustCompile(`^include_directories\[ *(\d+)\] = .*"(.*)"`)
	dumpedFile   = regexp.MustCompile(`^file_names\[ *(\d+)\]:`)
	dumpedName   = regexp.MustCompile(`^ +name: .*"(.*)"`)
	dumpedIndex  = regexp.MustCompile(`^ +dir_index: (\d+)`)
	dumpedRow    = regexp.MustCompile(`^ +0x([0-9a-f]{16}) +(\d+) +(\d+) +(\d+) `)
	dumpedReloc  = regexp.MustCompile(`^[0-9a-f]{16}  [0-9a-f]{16} .* [0-9a-f]{16} (.*)$`)
)

// dumped is a sequence of rows as llvm-dwarfdump prints it; paths are as the
// table has them, without the folder that the compiler ran in.
type dumped struct {
	places int // how many addresses are said in full before the sequence
	end    int
	rows   []sourceLine
}

func dwarfdump(t *testing.T, path string) []dumped {
	t.Helper()
	out, err := exec.Command("llvm-dwarfdump-19", "--debug-line", "--verbose", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var sequences []dumped
	var now dumped
	var folders, files map[int]string
	version, file, places, name := 0, 0, 0, ""
	atoi := func(s string) int {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for line := range strings.Lines(string(out)) {
		line = strings.TrimRight(line, "\n")
		if v, ok := strings.CutPrefix(line, "         version: "); ok {
			version, folders, files = atoi(v), map[int]string{}, map[int]string{}
		} else if m := dumpedFolder.FindStringSubmatch(line); m != nil {
			folders[atoi(m[1])] = m[2]
		} else if m := dumpedFile.FindStringSubmatch(line); m != nil {
			file = atoi(m[1])
		} else if m := dumpedName.FindStringSubmatch(line); m != nil {
			name = m[1]
		} else if m := dumpedIndex.FindStringSubmatch(line); m != nil {
			if dir := folders[atoi(m[1])]; dir != "" && !strings.HasPrefix(name, "/") && (version < 5 || m[1] != "0") {
				name = dir + "/" + name
			}
			files[file] = name
		} else if strings.Contains(line, " DW_LNE_set_address ") {
			places++
		} else if m := dumpedRow.FindStringSubmatch(line); m != nil {
			address, err := strconv.ParseUint(m[1], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			slot := int(address) / bpf.InstructionSize
			if strings.Contains(line, " end_sequence") {
				now.end = slot
				sequences = append(sequences, now)
				now = dumped{places: places}
				continue
			}
			now.rows = append(now.rows, sourceLine{slot: slot, pos: bpf.Pos{File: files[atoi(m[4])], Line: atoi(m[2]), Col: atoi(m[3])}})
		}
	}
	return sequences
}

// placedIn lists the sections that the addresses in line tables are for, as
// llvm-readelf lists their relocations.
func placedIn(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("llvm-readelf-19", "-r", "--wide", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	_, table, _ := strings.Cut(string(out), "Relocation section '.rel.debug_line'")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if m := dumpedReloc.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil && !strings.HasPrefix(m[1], ".debug_") {
			names = append(names, m[1])
		}
	}
	return names
}

// compareWithDump holds what dwarfLines says of every instruction to what
// llvm-dwarfdump prints, and counts the instructions.
func compareWithDump(t *testing.T, path string) (instructions int) {
	t.Helper()
	img := readImage(t, path)
	got, err := dwarfLines(img)
	if err != nil {
		t.Fatal(err)
	}
	sections := placedIn(t, path)
	want := map[string]map[int]bpf.Pos{} // by section and slot
	for _, sequence := range dwarfdump(t, path) {
		name := sections[sequence.places]
		if want[name] == nil {
			want[name] = map[int]bpf.Pos{}
		}
		rows := append(sequence.rows, sourceLine{slot: sequence.end})
		for j, row := range rows[:len(rows)-1] {
			for slot := row.slot; slot < rows[j+1].slot; slot++ {
				want[name][slot] = row.pos
			}
		}
	}
	for _, s := range img.Sections {
		if !s.IsExecutable() {
			continue
		}
		for slot := range len(s.Data) / bpf.InstructionSize {
			pos, w := lineOf(got[s.Name], slot), want[s.Name][slot]
			instructions++
			if w.Line == 0 {
				w = bpf.Pos{}
			}
			if pos.Line != w.Line || pos.Col != w.Col || pos.File != w.File && !strings.HasSuffix(pos.File, "/"+w.File) {
				t.Errorf("section %s instruction %d: %s, llvm-dwarfdump has %s", s.Name, slot, pos, w)
			}
		}
	}
	return instructions
}

// TestDWARFLikeDump compares with llvm-dwarfdump what several compilers write.
func TestDWARFLikeDump(t *testing.T) {
	require.LLVM(t)
	require.Tools(t, "llvm-readelf-19")
	total := 0
	count := func(name, path string) {
		t.Run(name, func(t *testing.T) { total += compareWithDump(t, path) })
	}
	for _, path := range slices.Concat(checkedIn(t), require.Corpus(t, 40)) {
		if readImage(t, path).Section(debugLineSection) != nil {
			count(filepath.Base(path), path)
		}
	}

	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{
		"clang-13 -target bpf -gdwarf-2", "clang-13 -target bpfeb -gdwarf-4",
		"clang-14 -target bpf -gdwarf-3 -ffunction-sections", "clang-14 -target bpf -gdwarf-5",
		"clang-16 -target bpfeb -gdwarf-5", "clang-16 -target bpf -gdwarf-4 -gdwarf64",
		"clang-19 -target bpf -gdwarf-5 -mcpu=v4", "clang-19 -target bpf -gdwarf-5 -gdwarf64", "clang-19 -target bpfeb -gdwarf-4",
		"clang-19 -target bpf -gdwarf-2", "clang-19 -target bpf -gdwarf-3 -O0", "clang-19 -target bpf -gline-tables-only",
		"bpf-gcc -g", "bpf-gcc -g -mbig-endian", "bpf-gcc -gdwarf-4", "bpf-gcc -gdwarf-3 -mbig-endian", "bpf-gcc -gdwarf-2",
	} {
		compiler := strings.Fields(command)[0]
		if _, err := exec.LookPath(compiler); err != nil {
			t.Run(command, func(t *testing.T) { require.Missing(t, "tools", "%s is not on PATH", compiler) })
			continue
		}
		for _, source := range []string{"testdata/linked.c", "testdata/oldmaps.c"} {
			object := filepath.Join(t.TempDir(), "x.o")
			flags := append([]string{"-O2", "-w", "-c", source, "-o", object}, strings.Fields(command)[1:]...)
			if out, err := exec.Command(compiler, flags...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %s", command, err, out)
			}
			name := command + " " + filepath.Base(source)
			count(name, object)
			t.Run(name+" without .BTF", func(t *testing.T) {
				img := readImage(t, object)
				if btfLines(img) != nil {
					compareWithBTF(t, img)
				}
				drop(img, btfSection, btfExtSection)
				obj, _, err := Load(img, "x.o", Options{})
				if err != nil {
					t.Fatal(err)
				}
				known := 0
				for _, p := range obj.Programs {
					for _, l := range p.Lines {
						if l.Pos.IsValid() {
							known++
							if want := filepath.Join(here, source); l.Pos.File != want {
								t.Errorf("program %s: %s, not of %s", p.Name, l.Pos, want)
							}
						}
					}
				}
				if known == 0 && len(obj.Programs) > 0 {
					t.Error("no lines")
				}
			})
		}
	}
	t.Logf("%d instructions", total)
}

// drop removes sections from an image.
func drop(img *Image, names ...string) {
	img.Sections = slices.DeleteFunc(img.Sections, func(s *Section) bool { return slices.Contains(names, s.Name) })
	img.Symbols = slices.DeleteFunc(img.Symbols, func(sym *Symbol) bool {
		return sym.Section != nil && slices.Contains(names, sym.Section.Name)
	})
}
