package elf_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/require"
)

// located is a program of two sections with the places that a compiler would
// give its instructions.
const located = `
	.file %s
	.section xdp, "ax", @progbits
	.globl one
	.type one, @function
one:
	.loc 1 10 2
	r1 = 5
	.loc 1 11 7
	call two
	.loc 2 300 1
	r0 = 0x123456789a ll
	.loc 1 9
	exit
	.size one, .-one

	.text
	.type two, @function
two:
	.loc 2 20 3
	r0 = r1
	.loc 2 21 3
	exit
	.size two, .-two
`

// TestDWARFOfAssembler has llvm-objcopy take .BTF out of what the assembler
// wrote: the lines in its DWARF are the same.
func TestDWARFOfAssembler(t *testing.T) {
	require.Tools(t, "llvm-objcopy-19")
	for name, files := range map[string]string{
		"version 4": "1 \"/src\" \"a.c\"\n\t.file 2 \"/usr/include/b.h\"",
		"version 5": "0 \"/src\" \"a.c\"\n\t.file 1 \"/src\" \"a.c\"\n\t.file 2 \"/usr/include\" \"b.h\"",
	} {
		t.Run(name, func(t *testing.T) {
			img, problems := asm.Assemble("x.s", fmt.Appendf(nil, located, files), asm.Options{})
			if err := problems.Err(); err != nil {
				t.Fatal(err)
			}
			file, err := img.Write()
			if err != nil {
				t.Fatal(err)
			}
			object := filepath.Join(t.TempDir(), "x.o")
			if err := os.WriteFile(object, file, 0o666); err != nil {
				t.Fatal(err)
			}
			want := linesOf(t, object)
			if out, err := exec.Command("llvm-objcopy-19", "--remove-section=.BTF", "--remove-section=.BTF.ext", object).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			got := linesOf(t, object)
			if diff := cmp.Diff(want, got); diff != "" || len(got) < 5 {
				t.Errorf("%d lines; -.BTF.ext +DWARF\n%s", len(got), diff)
			}
		})
	}
}

// linesOf lists the places of all instructions of an object.
func linesOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	img, err := elf.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	obj, _, err := elf.Load(img, "x.o", elf.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, p := range obj.Programs {
		for pc := range p.Instructions {
			line, _ := p.LineAt(pc)
			lines = append(lines, fmt.Sprintf("%s %d: %s", p.Name, pc, line.Pos))
		}
	}
	if !slices.ContainsFunc(lines, func(s string) bool {
		return strings.Contains(s, (bpf.Pos{File: "/usr/include/b.h", Line: 300, Col: 1}).String())
	}) {
		t.Errorf("lines are %q", lines)
	}
	return lines
}
