package elf

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
)

// digest reads and loads a file that may be anything, and checks what must hold
// whatever it is.
func digest(t testing.TB, file []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	img, err := Read(file)
	if err != nil {
		if !errors.Is(err, ErrFormat) || len(err.Error()) > 1000 {
			t.Errorf("error is %.2000v", err)
		}
		return
	}
	obj, problems, err := Load(img, "hostile.o", Options{Kernel: func() (*Kernel, error) { return nil, nil }})
	runtime.ReadMemStats(&after)
	if used, limit := after.TotalAlloc-before.TotalAlloc, uint64(8<<20+200*len(file)); used > limit {
		t.Errorf("%d bytes were allocated for a file of %d", used, len(file))
	}
	if err == nil {
		checkObject(t, obj)
	}
	for _, p := range problems {
		if len(p.Error()) > 2000 {
			t.Errorf("a message of %d bytes", len(p.Error()))
		}
	}

	written, err := img.Write()
	if err != nil {
		t.Fatalf("what was read can't be written: %v", err)
	}
	again, err := Read(written)
	if err != nil {
		t.Fatalf("what was written can't be read: %v", err)
	}
	slices.SortStableFunc(img.Symbols, localsFirst)
	if !reflect.DeepEqual(img, again) {
		t.Error("what was written is not what was read")
	}
}

// localsFirst is the one thing that Write puts in order.
func localsFirst(a, b *Symbol) int {
	rank := func(sym *Symbol) int {
		if sym.Bind == stdelf.STB_LOCAL {
			return 0
		}
		return 1
	}
	return rank(a) - rank(b)
}

func checkObject(t testing.TB, obj *bpf.Object) {
	t.Helper()
	for _, p := range obj.Programs {
		pc := 0
		for _, f := range p.Functions {
			if f.Start != pc || f.Len <= 0 {
				t.Errorf("program %.50s: functions %v don't follow each other", p.Name, p.Functions)
				break
			}
			pc += f.Len
		}
		if pc != len(p.Instructions) || pc == 0 {
			t.Errorf("program %.50s: functions of %d instructions, of %d", p.Name, pc, len(p.Instructions))
		}
		for i, l := range p.Lines {
			if l.PC < 0 || l.PC >= pc || i > 0 && l.PC <= p.Lines[i-1].PC {
				t.Errorf("program %.50s: line %d is for instruction %d", p.Name, i, l.PC)
			}
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, path := range checkedIn(f) {
		f.Add(readFile(f, path))
	}
	small, err := small().Write()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(small)
	f.Fuzz(func(t *testing.T, file []byte) { digest(t, file) })
}

// FuzzLoad varies the sections' contents one by one, so that the file stays
// well-formed and what is in it gets strange.
func FuzzLoad(f *testing.F) {
	for _, path := range checkedIn(f) {
		img := readImage(f, path)
		for i, s := range img.Sections {
			if !strings.HasPrefix(s.Name, ".debug") && len(s.Data) > 0 {
				f.Add(readFile(f, path), uint8(i), s.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, section uint8, data []byte) {
		img, err := Read(file)
		if err != nil || int(section) >= len(img.Sections) {
			return
		}
		if s := img.Sections[section]; s.Type == stdelf.SHT_PROGBITS {
			s.Data = data
			digest(t, write(t, img))
		}
	})
}

// TestMutated damages objects at random, the same way every time.
func TestMutated(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, path := range checkedIn(t) {
		whole := readFile(t, path)
		for range 150 {
			file := bytes.Clone(whole)
			switch random.IntN(3) {
			case 0: // bytes anywhere
				for range 1 + random.IntN(20) {
					file[random.IntN(len(file))] = byte(random.Uint32())
				}
			case 1: // a field of a section header
				at := binary.LittleEndian.Uint64(file[40:])
				if at > uint64(len(file)) {
					at = binary.BigEndian.Uint64(file[40:])
				}
				field := at + uint64(random.IntN((len(file)-int(at))/4)*4)
				binary.LittleEndian.PutUint32(file[field:], []uint32{0, 1, 7, 1 << 31, 1<<32 - 1}[random.IntN(5)])
			case 2: // cut short
				file = file[:random.IntN(len(file))]
			}
			digest(t, file)
		}
	}
}

// TestHostile has files that would take memory or time out of proportion.
func TestHostile(t *testing.T) {
	exit := bpf.Instruction{Op: bpf.OpcodeExit}
	long := strings.Repeat("x", 1<<17)

	t.Run("names that share bytes", func(t *testing.T) {
		img := program(exit)
		for i := range 4000 {
			img.Symbols = append(img.Symbols, &Symbol{Name: fmt.Sprint(i)})
		}
		img.Symbols = append(img.Symbols, &Symbol{Name: long, Bind: stdelf.STB_GLOBAL})
		f := fileOf{write(t, img), binary.LittleEndian}
		table := f.find(stdelf.SHT_STRTAB)
		at := bytes.Index(f.content(table), []byte("xxxx"))
		symbols := f.content(f.find(stdelf.SHT_SYMTAB))
		for i := range 4000 {
			binary.LittleEndian.PutUint32(symbols[(i+1)*symbolSize:], uint32(at+i))
		}
		if _, err := Read(f.b); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "names share more") {
			t.Errorf("error is %v", err)
		}
	})

	t.Run("variables without end", func(t *testing.T) {
		img := program(exit)
		img.Sections = append(img.Sections, &Section{Name: ".bss", Type: stdelf.SHT_NOBITS, Size: 1 << 60, Align: 1 << 60})
		img.Symbols = append(img.Symbols, &Symbol{Name: "v", Section: img.Sections[1]})
		digest(t, write(t, img))
		_, problems, err := Load(img, "x.o", Options{})
		if err != nil || !strings.Contains(problems.Error(), "more than a map can hold") {
			t.Error(err, problems)
		}
	})

	t.Run("every program calls everything", func(t *testing.T) {
		var insns []bpf.Instruction
		const programs = 3000
		for range programs {
			insns = append(insns, bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: -1}, exit)
		}
		img := program(insns...)
		text := &Section{Name: ".text", Type: stdelf.SHT_PROGBITS, Flags: stdelf.SHF_EXECINSTR, Data: bytes.Repeat(bpf.Encode([]bpf.Instruction{exit}, img.ByteOrder), 1<<15)}
		img.Sections = append(img.Sections, text)
		all := &Symbol{Name: "all", Type: stdelf.STT_FUNC, Bind: stdelf.STB_GLOBAL, Section: text, Size: uint64(len(text.Data))}
		img.Symbols = []*Symbol{all}
		for i := range uint64(programs) {
			img.Symbols = append(img.Symbols, &Symbol{Name: fmt.Sprint("p", i), Type: stdelf.STT_FUNC, Bind: stdelf.STB_GLOBAL, Section: img.Sections[0], Value: i * 16, Size: 16})
			img.Sections[0].Relocs = append(img.Sections[0].Relocs, Relocation{Offset: i * 16, Type: Reloc64_32, Symbol: all})
		}
		obj, problems, err := Load(img, "x.o", Options{})
		if err != nil || len(obj.Programs) == 0 || !errors.Is(problems.Err(), ErrTooLarge) {
			t.Errorf("error %v, %d programs, %d problems", err, len(obj.Programs), len(problems))
		}
	})

	t.Run("source lines that share a string", func(t *testing.T) {
		const lines = 100_000
		info := &TypeInfo{}
		img := program(slices.Repeat([]bpf.Instruction{{Op: bpf.OpcodeJA}}, lines)...)
		img.Sections[0].Data = append(img.Sections[0].Data, bpf.Encode([]bpf.Instruction{exit}, img.ByteOrder)...)
		whole := &Symbol{Name: "whole", Type: stdelf.STT_FUNC, Bind: stdelf.STB_GLOBAL, Section: img.Sections[0], Size: uint64(len(img.Sections[0].Data))}
		img.Symbols = []*Symbol{whole}
		info.Funcs = []FuncInfo{{Symbol: whole, Type: &btf.FuncProto{Return: &btf.Int{Name: "int", Size: 4}}}}
		for i := range uint64(lines) {
			info.Lines = append(info.Lines, LineInfo{Section: img.Sections[0], Offset: i * 8, Pos: bpf.Pos{File: "a.c", Line: 1}, Text: long})
		}
		if err := img.AddTypeInfo(info); err != nil {
			t.Fatal(err)
		}
		ext := img.Section(btfExtSection).Data
		record := int(binary.LittleEndian.Uint32(ext[4:])+binary.LittleEndian.Uint32(ext[16:])) + 4 + 8
		for i := range min(lines, len(long)) { // each line's text is another tail of the first's
			text := ext[record+i*lineRecordSize+8:]
			binary.LittleEndian.PutUint32(text, binary.LittleEndian.Uint32(text)+uint32(i))
		}
		_, problems, err := Load(img, "x.o", Options{})
		if err != nil || !strings.Contains(problems.Error(), "share more of their table") {
			t.Error(err, problems)
		}
	})

	t.Run("types without end", func(t *testing.T) {
		for name, c := range map[string]struct {
			typ  btf.Type
			want string
		}{
			"deep": {deepType(10000), "deep"},
			"wide": {&btf.Enum{Name: "e", Size: 4, Values: slices.Repeat([]btf.EnumValue{{Name: long}}, 100)}, "long name"},
		} {
			var b btf.Builder
			if _, err := b.Add(c.typ); err != nil {
				t.Fatal(err)
			}
			blob, err := b.Marshal(nil, &btf.MarshalOptions{Order: binary.LittleEndian})
			if err != nil {
				t.Fatal(err)
			}
			img := program(exit)
			img.Sections = append(img.Sections, &Section{Name: ".BTF", Type: stdelf.SHT_PROGBITS, Data: blob})
			digest(t, write(t, img))
			_, problems, err := Load(img, "x.o", Options{})
			if err != nil || !strings.Contains(problems.Error(), c.want) || problems.Err() != nil {
				t.Errorf("%s: error %v, problems %v", name, err, problems)
			}
		}
	})
}

// deepType is a pointer to a pointer and so on.
func deepType(n int) btf.Type {
	var typ btf.Type = &btf.Int{Name: "int", Size: 4}
	for range n {
		typ = &btf.Pointer{Target: typ}
	}
	return typ
}
