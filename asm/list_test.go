package asm

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
	"github.com/google/go-cmp/cmp"

	"ebtools/bpf"
	"ebtools/elf"
	"ebtools/internal/require"
)

// TestRows lists the programs of objects at hand and holds the rows to what the
// programs say.
func TestRows(t *testing.T) {
	programs, rows, relocations, externs := 0, 0, 0, 0
	for _, path := range append(objectsAtHand(t), require.Corpus(t, 40)...) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		img, err := elf.Read(file)
		if err != nil {
			continue
		}
		obj, _, err := elf.Load(img, path, elf.Options{})
		if err != nil {
			continue
		}
		for _, p := range obj.Programs {
			list := Rows(p, obj)
			if problem := checkRows(p, obj, list); problem != "" {
				t.Errorf("%s: %s: %s", path, p.Name, problem)
			}
			programs, rows, relocations, externs = programs+1, rows+len(list), relocations+len(p.CORE), externs+len(p.Externs)
		}
	}
	t.Logf("%d programs, %d rows, %d CO-RE relocations, %d externs", programs, rows, relocations, externs)
}

func checkRows(p *bpf.Program, obj *bpf.Object, rows []Row) string {
	functions := map[int]string{}
	for i, f := range p.Functions {
		if functions[f.Start] = f.Name; i == 0 {
			functions[f.Start] = p.Name
		}
	}
	byPC := map[int]Row{}
	pc, core := 0, 0
	for _, r := range rows {
		if r.PC != pc || r.Slots < 1 || r.Slots > 2 || r.Text == "" {
			return fmt.Sprintf("row %+v where pc %d should stand", r, pc)
		}
		byPC[pc] = r
		pc += r.Slots
		core += strings.Count(r.Comment, "CO-RE ")
	}
	if pc != len(p.Instructions) || core < len(p.CORE) {
		return fmt.Sprintf("%d slots and %d CO-RE relocations, want %d and %d", pc, core, len(p.Instructions), len(p.CORE))
	}
	for _, r := range rows {
		in := p.Instructions[r.PC]
		if r.Function != functions[r.PC] {
			return fmt.Sprintf("%d: function %q, want %q", r.PC, r.Function, functions[r.PC])
		}
		if line, ok := p.LineAt(r.PC); r.Line != nil && (!ok || *r.Line != line) {
			return fmt.Sprintf("%d: line %v, want %v", r.PC, *r.Line, line)
		}
		switch {
		case in.IsJump():
			if to, ok := byPC[r.Target]; !ok || to.Label == "" || !strings.HasSuffix(r.Text, " "+to.Label) {
				return fmt.Sprintf("%d: %s leads to %d, which is %q", r.PC, r.Text, r.Target, to.Label)
			}
		case in.IsLocalCall():
			if to := byPC[r.Target]; r.Text != "call "+callText(to.Function) {
				return fmt.Sprintf("%d: %s leads to %d, which is %q", r.PC, r.Text, r.Target, to.Function)
			}
		case r.Target != NoTarget:
			return fmt.Sprintf("%d: %s leads to %d", r.PC, r.Text, r.Target)
		}
		switch e := p.ExternAt(r.PC); {
		case e != nil:
			if !strings.Contains(r.Text, symbolText(e.Name)) || !strings.Contains(r.Comment, "kernel ") {
				return fmt.Sprintf("%d: %s # %s, want %s", r.PC, r.Text, r.Comment, e.Name)
			}
		case in.IsLoadImm64() && in.Src == bpf.PseudoMapIdx:
			if !strings.Contains(r.Text, symbolText(obj.Maps[in.Imm].Name)) {
				return fmt.Sprintf("%d: %s, want map %s", r.PC, r.Text, obj.Maps[in.Imm].Name)
			}
		case in.IsLoadImm64() && in.Src == bpf.PseudoMapIdxValue:
			if !strings.HasSuffix(r.Text, " ll") || strings.Contains(r.Text, "ld_pseudo") {
				return fmt.Sprintf("%d: %s, want a variable of %s", r.PC, r.Text, obj.Maps[in.Imm].Name)
			}
		}
	}
	return ""
}

// TestRowsInWords lists a program of what has names and comments.
func TestRowsInWords(t *testing.T) {
	u32 := &btf.Int{Name: "u32", Size: 4}
	char := &btf.Int{Name: "char", Size: 1, Encoding: btf.Signed}
	rodata := &bpf.Map{
		Name: ".rodata", Section: ".rodata", Frozen: true, ValueSize: 16,
		Contents: []byte("\x07\x00\x00\x00hello\n\x00\x00\xff\xff\xff\xff"),
		Value: &btf.Datasec{Name: ".rodata", Size: 16, Vars: []btf.VarSecinfo{
			{Type: &btf.Var{Name: "limit", Type: &btf.Const{Type: u32}, Linkage: btf.GlobalVar}, Offset: 0, Size: 4},
			{Type: &btf.Var{Name: "format", Type: &btf.Array{Type: char, Nelems: 8}}, Offset: 4, Size: 8},
			{Type: &btf.Var{Name: "low", Type: &btf.Int{Name: "int", Size: 4, Encoding: btf.Signed}}, Offset: 12, Size: 4},
		}},
	}
	obj := &bpf.Object{ByteOrder: binary.LittleEndian, Maps: []*bpf.Map{{Name: "L1"}, rodata}}
	var insns []bpf.Instruction
	wide := func(src bpf.Register, imm, next int32) {
		insns = append(insns, bpf.Instruction{Op: bpf.OpcodeLoadImm64, Dst: 1, Src: src, Imm: imm}, bpf.Instruction{Imm: next})
	}
	wide(bpf.PseudoMapIdx, 0, 0)      // 0
	wide(bpf.PseudoMapIdxValue, 1, 0) // 2
	wide(bpf.PseudoMapIdxValue, 1, 6) // 4
	wide(bpf.PseudoMapIdxValue, 1, 12)
	wide(bpf.PseudoBTFID, 77, 0) // 8
	insns = append(insns,
		bpf.Instruction{Op: bpf.OpcodeCall, Imm: 1},                           // 10
		bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: -1},      // 11
		bpf.Instruction{Op: 0x15, Dst: 0, Off: 1},                             // 12
		bpf.Instruction{Op: bpf.OpcodeCall, Imm: 0xbad2310},                   // 13
		bpf.Instruction{Op: 0x61, Dst: 2, Src: 1, Off: 2468},                  // 14
		bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: 1},       // 15
		bpf.Instruction{Op: bpf.OpcodeExit},                                   // 16
		bpf.Instruction{Op: 0xb7, Dst: 0, Imm: -3},                            // 17
		bpf.Instruction{Op: 0xff, Dst: 0, Src: 0, Off: 0, Imm: 0x01020304},    // 18
		bpf.Instruction{Op: bpf.OpcodeLoadImm64, Dst: 1, Src: 0, Imm: 1 << 8}, // 19
	)
	line := bpf.Line{PC: 10, Pos: bpf.Pos{File: "a.c", Line: 3}, Text: "f();"}
	p := &bpf.Program{
		Name: "prog", Instructions: insns,
		Functions: []bpf.Function{{Name: "prog", Len: 17}, {Name: "pc", Start: 17, Len: 3}},
		Lines:     []bpf.Line{line, {PC: 12, Pos: line.Pos, Text: line.Text}, {PC: 17}},
		Externs: []bpf.ExternRef{
			{PC: 8, Extern: &bpf.Extern{Name: "jiffies", Type: &btf.Void{}, ID: 77}},
			{PC: 11, Extern: &bpf.Extern{Name: "bpf_gone", Type: &btf.FuncProto{}, Weak: true}},
		},
		CORE: []bpf.CORERelocation{
			{PC: 13, Kind: bpf.COREFieldByteOffset, Root: "struct gone", Access: ".x", Result: bpf.COREPoisoned, Why: "no struct gone"},
			{PC: 14, Kind: bpf.COREFieldByteOffset, Root: "struct task_struct", Access: ".pid", Local: 1456, Target: 2468, Result: bpf.COREApplied},
			{PC: 17, Kind: bpf.COREEnumvalValue, Root: "enum e", Access: "MINUS", Local: 1<<64 - 3},
		},
	}
	want := []string{
		"prog: | | r1 = L1 ll |",
		"| | r1 = limit ll | 7",
		`| | r1 = format+2 ll | "llo\n"`,
		"| | r1 = low ll | -1",
		"| | r1 = jiffies ll | kernel variable, type 77",
		"| | call 1 | bpf_map_lookup_elem a.c:3",
		"| | call bpf_gone | weak kernel function",
		"| | if r0 == 0 goto L2 |",
		"| | call 195896080 | CO-RE byte_off struct gone.x: poisoned: no struct gone",
		"| L2 | r2 = *(u32 *)(r1 + 2468) | CO-RE byte_off struct task_struct.pid: 1456 -> 2468",
		`| | call "pc" |`,
		"| | exit |",
		"pc: | | r0 = -3 | CO-RE enumval_value enum e::MINUS",
		"| | .byte 0xff, 0x00, 0x00, 0x00, 0x04, 0x03, 0x02, 0x01 |",
		"| | .byte 0x18, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00 |",
	}
	var got []string
	for _, r := range Rows(p, obj) {
		text := r.Text
		if r.Function != "" {
			r.Function += ":"
		}
		words := strings.Fields(fmt.Sprintf("%s | %s | %s | %s", r.Function, r.Label, text, r.Comment))
		if r.Line != nil {
			words = append(words, r.Line.Pos.String())
		}
		got = append(got, strings.Join(words, " "))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
