package bpf

import (
	"errors"
	"strings"
	"testing"
)

var errSample = errors.New("expected a register")

func TestRender(t *testing.T) {
	tests := []struct {
		name string
		d    Diagnostic
		want string
	}{
		{
			"span",
			Diagnostic{Pos: Pos{"prog.s", 12, 7}, PC: NoPC, Err: errSample, Line: "\tr1 = foo(bar)", Len: 3, Note: []string{"a note"}},
			"prog.s:12:7: expected a register\n   12 | \tr1 = foo(bar)\n      | \t     ^~~\n      = a note\n",
		},
		{
			"instruction",
			Diagnostic{Pos: Pos{File: "prog.c", Line: 3}, PC: 7, Prog: "count", Err: errSample, Line: "  x = *p;\n"},
			"prog.c:3: count: insn 7: expected a register\n    3 |   x = *p;\n",
		},
		{
			"end of line",
			Diagnostic{Pos: Pos{"prog.s", 1, 5}, PC: NoPC, Err: errSample, Line: "r1 ="},
			"prog.s:1:5: expected a register\n    1 | r1 =\n      |     ^\n",
		},
		{
			"characters that disturb a terminal",
			Diagnostic{Pos: Pos{"prog.s", 1, 1}, PC: NoPC, Err: errSample, Line: "\x1b[31m"},
			"prog.s:1:1: expected a register\n    1 | \ufffd[31m\n      | ^\n",
		},
		{
			"no place",
			Diagnostic{PC: NoPC, Err: errSample, Warn: true},
			"warning: expected a register\n",
		},
	}
	for _, test := range tests {
		var b strings.Builder
		if err := test.d.Render(&b); err != nil || b.String() != test.want {
			t.Errorf("%s:\n%s(%v)\nwant\n%s", test.name, b.String(), err, test.want)
		}
	}
}

func TestRenderClipsLongLines(t *testing.T) {
	long := strings.Repeat("é", 500)
	for _, col := range []int{0, 1, 101, 499, 501, 999, 1001} {
		var b strings.Builder
		d := Diagnostic{Pos: Pos{"f", 1, col}, PC: NoPC, Err: errSample, Line: long + "x" + long, Len: 5000}
		if err := d.Render(&b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(b.String(), "\n")
		if len(lines[1]) > 230 || len(lines) > 2 && len(lines[2]) > 230 || !strings.Contains(lines[1], "…") {
			t.Errorf("column %d:\n%s", col, b.String())
		}
		if shown := []rune(lines[1]); col == 1001 && shown[len([]rune(lines[2]))-len(strings.TrimLeft(lines[2], " |"))] != 'x' {
			t.Errorf("column %d: the caret is not under the x:\n%s", col, b.String())
		}
	}
}

func TestDiagnostics(t *testing.T) {
	at := func(line, col int, warn bool) *Diagnostic {
		return &Diagnostic{Pos: Pos{"f", line, col}, PC: NoPC, Err: errSample, Warn: warn}
	}
	list := Diagnostics{at(3, 1, false), at(1, 9, true), at(1, 2, true), at(3, 1, false)}
	list.Sort()
	if len(list) != 3 || list[0].Pos.Col != 2 || list[2].Pos.Line != 3 {
		t.Errorf("sorted to %v", list)
	}
	if list.Err() == nil || !errors.Is(list.Err(), errSample) {
		t.Errorf("Err is %v", list.Err())
	}
	if err := list[:2].Err(); err != nil {
		t.Errorf("warnings alone are the error %v", err)
	}
	if err := Diagnostics(nil).Err(); err != nil {
		t.Errorf("an empty list is the error %v", err)
	}
}

func TestProgramPlaces(t *testing.T) {
	p := &Program{
		Name:         "prog",
		Instructions: make([]Instruction, 6),
		Functions:    []Function{{Name: "prog", Len: 4}, {Name: "helper", Start: 4, Len: 2}},
		Lines:        []Line{{1, Pos{File: "a", Line: 1}, "one"}, {4, Pos{File: "b", Line: 2}, "two"}},
	}
	if _, ok := p.LineAt(0); ok {
		t.Error("insn 0 has a line")
	}
	if l, ok := p.LineAt(3); !ok || l.Text != "one" {
		t.Errorf("insn 3 is of line %v", l)
	}
	if _, ok := p.LineAt(6); ok {
		t.Error("insn 6, beyond the program, has a line")
	}
	if f, ok := p.FunctionAt(5); !ok || f.Name != "helper" {
		t.Errorf("insn 5 is of function %v", f)
	}
	if _, ok := p.FunctionAt(6); ok {
		t.Error("insn 6, beyond the program, has a function")
	}
	if got := p.Diagnose(4, errSample).Error(); got != "b:2: prog: insn 4: expected a register" {
		t.Error(got)
	}
}
