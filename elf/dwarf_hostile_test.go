package elf

import (
	"bytes"
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ebtools/bpf"
	"ebtools/internal/require"
)

// TestDWARFMutated damages the debug information of objects at random, the same
// way every time, and loads what is left of them.
func TestDWARFMutated(t *testing.T) {
	rounds := 100
	if require.Long() {
		rounds = 5000
	}
	random := rand.New(rand.NewPCG(3, 4))
	damaged, loaded := 0, 0
	for _, path := range checkedIn(t) {
		whole := readImage(t, path)
		drop(whole, btfSection, btfExtSection)
		for range rounds {
			img := *whole
			img.Sections = slices.Clone(whole.Sections)
			for i, s := range img.Sections {
				if !strings.HasPrefix(s.Name, ".debug_") || len(s.Data) == 0 || s.Name != debugLineSection && random.IntN(3) > 0 {
					continue
				}
				c := *s
				c.Data, c.Relocs = bytes.Clone(s.Data), slices.Clone(s.Relocs)
				for range 1 + random.IntN(4) {
					c.Data[random.IntN(len(c.Data))] = []byte{0, 1, 0x7f, 0x80, 0xff, byte(random.Uint32())}[random.IntN(6)]
				}
				if len(c.Relocs) > 0 && random.IntN(4) == 0 {
					c.Relocs[random.IntN(len(c.Relocs))].Symbol = whole.Symbols[random.IntN(len(whole.Symbols))]
				}
				if random.IntN(8) == 0 {
					c.Data = c.Data[:random.IntN(len(c.Data))]
				}
				img.Sections[i] = &c
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			obj, problems, err := Load(&img, "x.o", Options{})
			runtime.ReadMemStats(&after)
			if used := after.TotalAlloc - before.TotalAlloc; used > 4<<20 {
				t.Errorf("%s: %d bytes were allocated", path, used)
			}
			if spent := time.Since(start); spent > 5*time.Second {
				t.Fatalf("%s: %v", path, spent)
			}
			if err != nil {
				t.Fatal(err)
			}
			checkObject(t, obj)
			loaded++
			for _, p := range problems {
				if errors.Is(p, errDWARF) {
					damaged++
					if !p.Warn || len(p.Error()) > 1000 {
						t.Errorf("%s: problem is %.1000v", path, p)
					}
				}
			}
		}
	}
	if damaged == 0 || damaged == loaded {
		t.Errorf("%d of %d were found damaged", damaged, loaded)
	}
	t.Logf("%d of %d were found damaged", damaged, loaded)
}

// lineSection makes a .debug_line of one table in DWARF 5 or 4, whose first
// address is that of the program's section.
func lineSection(img *Image, version byte, tables, program []byte) *Section {
	header := []byte{8, 1, 1, 0xfb, 14, 13, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}
	header = append(header, tables...)
	unit := []byte{version, 0}
	if version == 5 {
		unit = append(unit, 8, 0)
	}
	unit = binary.LittleEndian.AppendUint32(unit, uint32(len(header)))
	unit = append(unit, header...)
	unit = append(unit, 0, 9, lneSetAddress)
	at := uint64(4 + len(unit))
	unit = append(append(unit, make([]byte, 8)...), program...)
	data := append(binary.LittleEndian.AppendUint32(nil, uint32(len(unit))), unit...)
	s := &Section{Name: debugLineSection, Type: stdelf.SHT_PROGBITS, Data: data}
	s.Relocs = []Relocation{{Offset: at, Type: RelocABS64, Symbol: img.Symbols[0]}}
	return s
}

// TestDWARFHostile has line tables that would take memory or time out of
// proportion, or lead out of what they are about.
func TestDWARFHostile(t *testing.T) {
	const many = 200_000
	long := strings.Repeat("x", 1<<17)
	v4 := []byte("\x00a.c\x00\x00\x00\x00\x00")
	end := []byte{0, 1, lneEndSequence}
	files := func(n int) []byte { // each with another tail of one long string
		b := binary.AppendUvarint([]byte{1, lnctPath, formString, 1, 0, 1, lnctPath, formLineStrp}, uint64(n))
		for i := range n {
			b = binary.LittleEndian.AppendUint32(b, uint32(i%len(long)))
		}
		return b
	}
	folders := append([]byte(long), "\x00\x00"...) // one, of many files
	folders = append(append(folders, bytes.Repeat([]byte("a\x00\x01\x00\x00"), many)...), 0)
	var uses []byte
	for i := range many {
		uses = append(binary.AppendUvarint(append(uses, lnsSetFile), uint64(i+1)), lnsCopy, lnsAdvancePC, 1)
	}
	for name, c := range map[string]struct {
		version byte
		tables  []byte
		program []byte
		want    string // "" when nothing is wrong
	}{
		"fine":                    {4, v4, slices.Concat([]byte{0x14, lnsAdvancePC, 1}, end), ""},
		"no end":                  {4, v4, []byte{0x14}, ""},
		"rows of one instruction": {4, v4, append(bytes.Repeat([]byte{lnsCopy}, many), end...), ""},
		"sequences without end":   {4, v4, bytes.Repeat(slices.Concat([]byte{lnsCopy}, end), many), ""},
		"to and fro":              {4, v4, bytes.Repeat([]byte{lnsCopy, lnsAdvancePC, 1, lnsCopy, lnsAdvancePC, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, many/4), "more lines than instructions"},
		"beyond the section":      {4, v4, []byte{lnsAdvancePC, 0xff, 0xff, 0x7f, lnsCopy}, "no instruction at offset"},
		"no such file":            {4, v4, []byte{lnsSetFile, 9, lnsCopy}, "file 9 of 2"},
		"a line below 0":          {4, v4, []byte{lnsAdvanceLine, 0x70, lnsCopy}, "line -15"},
		"a column without end":    {4, v4, []byte{lnsSetColumn, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, lnsCopy}, "column"},
		"a number without end":    {4, v4, append([]byte{lnsAdvancePC}, bytes.Repeat([]byte{0xff}, many)...), "a number without end"},
		"an extended instruction": {4, v4, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x0f, 1}, "an instruction of"},
		"an unknown form":         {5, []byte{1, lnctPath, 0x7f, 1, 0}, nil, "form 0x7f"},
		"files without names":     {5, []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, nil, "without names"},
		"files without end":       {5, []byte{1, lnctPath, formString, 0xff, 0xff, 0xff, 0xff, 0x7f}, nil, "a string without end"},
		"files of one string":     {5, files(many), nil, "share more of their table"},
		"files of one folder":     {4, folders, uses, "share more of their folders"},
	} {
		t.Run(name, func(t *testing.T) {
			img := program(slices.Repeat([]bpf.Instruction{{Op: bpf.OpcodeJA}}, 3000)...)
			img.Symbols = append(img.Symbols, &Symbol{Name: "end"})
			img.Sections = append(img.Sections, lineSection(img, c.version, c.tables, c.program),
				&Section{Name: ".debug_line_str", Type: stdelf.SHT_PROGBITS, Data: []byte(long + "\x00")})
			start := time.Now()
			digest(t, write(t, img))
			if spent := time.Since(start); spent > 5*time.Second {
				t.Error(spent)
			}
			lines, err := dwarfLines(img)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error is %v, want %q; %d lines", err, c.want, len(lines["xdp"]))
			}
		})
	}
}

// TestDWARFUnitsHostile has many units that share one long list of
// abbreviations.
func TestDWARFUnitsHostile(t *testing.T) {
	img := program(bpf.Instruction{Op: bpf.OpcodeExit})
	abbrevs := bytes.Repeat([]byte{1, 0x11, 0, 0, 0}, 100_000)
	var info []byte
	for range 50_000 {
		info = append(info, 8, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8, 2)
	}
	img.Sections = append(img.Sections,
		lineSection(img, 4, []byte("\x00a.c\x00\x00\x00\x00\x00"), []byte{lnsCopy}),
		&Section{Name: ".debug_info", Type: stdelf.SHT_PROGBITS, Data: info},
		&Section{Name: ".debug_abbrev", Type: stdelf.SHT_PROGBITS, Data: abbrevs})
	start := time.Now()
	digest(t, write(t, img))
	if spent := time.Since(start); spent > 5*time.Second {
		t.Error(spent)
	}
}
