package asm

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"ebtools/bpf"
)

// TestNotText assembles what no editor writes.
func TestNotText(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"object file", "\x7fELF\x02\x01\x01\x00", "x.s:1:1: this is an object file, not assembly text"},
		{"zero byte", "r0 = 1\nr1 = \x00 2\n", "x.s:2:6: a zero byte: this is not a text file"},
		{"zero byte in a string", "\t.ascii \"a\x00b\"\n", "x.s:1:11: a zero byte: this is not a text file"},
		{"Latin-1", "r0 = \xe4\n", "x.s:1:6: byte 0xe4 is not valid UTF-8: this is not a text file, or not in UTF-8"},
		{"Latin-1 in a string", ".ascii \"\xe4\"\n", "x.s:1:9: byte 0xe4 is not valid UTF-8: this is not a text file, or not in UTF-8"},
		{"Latin-1 in a comment", "exit # \xe4\n", ""},
		{"umlaut in a string", ".ascii \"ä\"\n", ""},
		{"nothing", "", ""},
		{"no newline at the end", "exit", ""},
	} {
		img, diags := Assemble("x.s", []byte(c.src), Options{})
		if got := diags.Error(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
		if (img == nil) != (c.want != "") {
			t.Errorf("%s: image %v", c.name, img)
		}
	}
}

// TestDepth gives the assembler more than it wants of nesting and repetition.
func TestDepth(t *testing.T) {
	for name, src := range map[string]string{
		"parentheses":   ".long " + strings.Repeat("(", 100000) + "1",
		"signs":         ".long " + strings.Repeat("-", 100000) + "1",
		"operators":     ".long " + strings.Repeat("a*", 100000) + "1",
		"sums":          ".long " + strings.Repeat("a-b+", 100000) + "1",
		"structures":    ".map m, type=hash, max_entries=1, value=8, key=" + strings.Repeat("{", 100000),
		"inner maps":    ".map m, " + strings.Repeat("inner={type=array, ", 1000),
		"conditions":    strings.Repeat(".if 1\n", 100000),
		"loops":         strings.Repeat(".rept 1000\n", 1000),
		"macros":        ".macro m\nm\nm\n.endm\nm\n",
		"growing macro": ".macro m a\nm \\a\\a\n.endm\nm 1234567890",
		"endless gap":   ".data\na: .zero b-a+1\nb:\n",
		"shaky gap":     ".data\na: .zero 1-(b-a)\nb:\n",
		"huge":          ".data\n.zero 0x7fffffff\n.org 0x7fffffff\n.p2align 31\n",
		"definitions":   ".set a, b+1\n.set b, c+1\n.set c, a+1\n.long a",
		"errors":        strings.Repeat("nonsense\n", 100000),
		"bad bytes":     strings.Repeat("\xff\n", 100000),
		"bad labels":    strings.Repeat("goto nowhere\ngoto 1f\n", 100000),
	} {
		t.Run(name, func(t *testing.T) {
			img, diags := Assemble("x.s", []byte(src), Options{})
			if img != nil || diags.Err() == nil {
				t.Errorf("no error for %.60q", src)
			}
			if len(diags) > maxErrors+1 {
				t.Errorf("%d errors", len(diags))
			}
		})
	}
}

// TestErrorKinds asks errors what they are.
func TestErrorKinds(t *testing.T) {
	for src, want := range map[string]error{
		"r1 + r2":          ErrSyntax,
		"goto nowhere":     ErrUndefined,
		"a: exit\na: exit": ErrRedefined,
		".data\n.byte 256": ErrRange,
		".popsection":      ErrMisuse,
	} {
		_, diags := Assemble("x.s", []byte(src), Options{})
		if err := diags.Err(); !errors.Is(err, want) {
			t.Errorf("%q: %v is not %v", src, err, want)
		}
	}
}

// TestLines looks where the instructions of a program say they came from.
func TestLines(t *testing.T) {
	written := load(t, "dir/prog.s", "\t.program xdp, f\n\tr0 = 1; r1 = 2\n\n.rept 2\n\tr0 += 1\n.endr\n.macro leave\n\texit\n.endm\n\tleave\n").Programs[0]
	compiled := load(t, "c.s", "\t.file 1 \"/src\" \"prog.c\"\n\t.program xdp, f\n\t.loc 1 7 2 prologue_end\n\tr0 = 1\n\t.loc 1 9\n\texit\n").Programs[0]
	for _, c := range []struct {
		p    *bpf.Program
		pc   int
		want bpf.Pos
		text string
	}{
		{written, 0, bpf.Pos{File: "dir/prog.s", Line: 2, Col: 2}, "\tr0 = 1; r1 = 2"},
		{written, 1, bpf.Pos{File: "dir/prog.s", Line: 2, Col: 10}, "\tr0 = 1; r1 = 2"},
		{written, 2, bpf.Pos{File: "dir/prog.s", Line: 5, Col: 2}, "\tr0 += 1"},
		{written, 3, bpf.Pos{File: "dir/prog.s", Line: 5, Col: 2}, "\tr0 += 1"},
		{written, 4, bpf.Pos{File: "dir/prog.s", Line: 10, Col: 2}, "\tleave"},
		{compiled, 0, bpf.Pos{File: "/src/prog.c", Line: 7, Col: 2}, ""},
		{compiled, 1, bpf.Pos{File: "/src/prog.c", Line: 9}, ""},
	} {
		line, ok := c.p.LineAt(c.pc)
		if !ok || line.Pos != c.want || line.Text != c.text {
			t.Errorf("instruction %d: %v %q, want %v %q", c.pc, line.Pos, line.Text, c.want, c.text)
		}
	}
	img, _ := Assemble("x.s", []byte(".program xdp, f\nexit"), Options{NoDebug: true})
	if img.Section(".BTF.ext") != nil {
		t.Error(".BTF.ext without debugging information")
	}
}

// TestRender makes sure that a caret stands under what is meant.
func TestRender(t *testing.T) {
	_, diags := Assemble("x.s", []byte("loop:\tr1 = 2\n\tif r1 != 0 goto lopp\n"), Options{})
	var b bytes.Buffer
	if err := bpf.Render(&b, diags); err != nil {
		t.Fatal(err)
	}
	want := "x.s:2:18: label lopp is not defined\n    2 | \tif r1 != 0 goto lopp\n      | \t                ^~~~\n      = did you mean loop?\n"
	if b.String() != want {
		t.Errorf("got\n%swant\n%s", b.String(), want)
	}
}
