package asm

import (
	stdelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ebtools/elf"
	"ebtools/internal/require"
)

// TestPrintDamaged changes objects at random, within what an image can hold, and
// prints them: symbols without names, of one name, at odd places and of odd
// types, relocations where none belong, sections of one name.
func TestPrintDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	printed, refused, rounds := 0, 0, 10
	if require.Long() {
		rounds = 1000
	}
	for _, path := range objectsAtHand(t) {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(file) > 64<<10 {
			continue
		}
		for range rounds {
			img, err := elf.Read(file)
			if err != nil {
				break
			}
			var done []string
			for range 1 + r.IntN(4) {
				done = append(done, damage(r, img))
			}
			if _, err := img.Write(); err != nil {
				continue
			}
			text, diff, err := backAgain(Printer{}, img)
			switch {
			case errors.Is(err, ErrUnprintable):
				refused++
			case err != nil:
				t.Fatal(err)
			case diff != "":
				t.Fatalf("%s after %q:\n%s\n%s", path, done, diff, text)
			default:
				printed++
			}
		}
	}
	t.Logf("%d printed, %d refused", printed, refused)
}

// damage changes one thing of an image and says what.
func damage(r *rand.Rand, img *elf.Image) string {
	pick := func() *elf.Section { return img.Sections[r.IntN(len(img.Sections))] }
	sym := &elf.Symbol{Special: stdelf.SHN_UNDEF}
	if len(img.Symbols) > 0 {
		sym = img.Symbols[r.IntN(len(img.Symbols))]
	}
	offset := func(s *elf.Section) uint64 {
		n := uint64(r.IntN(int(min(s.Len(), 1<<20)) + 9))
		if r.IntN(3) > 0 {
			n &^= 7
		}
		return n
	}
	names := []string{"", ".Lhidden", "r1", "if", "a b", "say \"x\"", "two", "two", ".maps", "ll", "skb", "xdp", "w3", ".", "back\\slash", "caf\xc3\xa9", "\xff", "pc", "XDP_DROP", "bpf_map_lookup_elem", "__ebas__", "sym$3", "1f", "lock"}
	switch n := r.IntN(14); n {
	case 0:
		sym.Name = names[r.IntN(len(names))]
		return fmt.Sprintf("name %q", sym.Name)
	case 1:
		sym.Bind = stdelf.SymBind(r.IntN(3))
		return fmt.Sprintf("binding of %q", sym.Name)
	case 2:
		sym.Type = stdelf.SymType(r.IntN(11))
		return fmt.Sprintf("type of %q", sym.Name)
	case 3:
		sym.Visibility = stdelf.SymVis(r.IntN(4))
		return "visibility"
	case 4:
		if s := sym.Section; s != nil {
			sym.Value = offset(s)
		}
		return fmt.Sprintf("value of %q", sym.Name)
	case 5:
		sym.Size = uint64(r.IntN(64))
		return fmt.Sprintf("size of %q", sym.Name)
	case 6:
		s := pick()
		img.Symbols = append(img.Symbols, &elf.Symbol{Name: names[r.IntN(len(names))], Section: s, Value: offset(s), Size: uint64(r.IntN(32)), Type: stdelf.SymType(r.IntN(4)), Bind: stdelf.SymBind(r.IntN(3))})
		return "a symbol more"
	case 7, 8:
		s := pick()
		types := []elf.RelocType{0, 1, 2, 3, 4, 10, 12}
		s.Relocs = append(s.Relocs, elf.Relocation{Offset: offset(s), Type: types[r.IntN(len(types))], Symbol: sym})
		return fmt.Sprintf("a relocation of %s more", s.Name)
	case 9:
		if s := pick(); len(s.Relocs) > 0 {
			rel := &s.Relocs[r.IntN(len(s.Relocs))]
			rel.Symbol = sym
			return fmt.Sprintf("symbol of a relocation of %s", s.Name)
		}
	case 10, 11:
		if s := pick(); len(s.Data) > 0 {
			s.Data = slices.Clone(s.Data)
			for range 1 + r.IntN(4) {
				s.Data[r.IntN(len(s.Data))] = byte(r.IntN(256))
			}
			return fmt.Sprintf("bytes of %s", s.Name)
		}
	case 12:
		s := pick()
		s.Name = pick().Name
		return fmt.Sprintf("section name %s", s.Name)
	case 13:
		s := pick()
		s.Flags ^= []stdelf.SectionFlag{1, 2, 4, 0x10, 0x20, 0x80, 0x200, 0x400, 0x80000000}[r.IntN(9)]
		s.Align = 1 << r.IntN(5)
		return fmt.Sprintf("flags of %s", s.Name)
	}
	return "nothing"
}

// TestPrintCrafted prints images that are made to be expensive: many symbols that
// all reach to the end of their section, references to long names, types that
// refer to each other. The text stays in proportion, and so does the time.
func TestPrintCrafted(t *testing.T) {
	const n = 20000
	crafted := map[string]func(*elf.Image, *elf.Section){
		"open symbols": func(img *elf.Image, s *elf.Section) {
			for i := range uint64(n) {
				img.Symbols = append(img.Symbols, &elf.Symbol{Name: fmt.Sprint("s", i), Section: s, Value: i, Size: 8*n - 2*i, Type: stdelf.STT_OBJECT})
			}
		},
		"long names": func(img *elf.Image, s *elf.Section) {
			long := &elf.Symbol{Name: strings.Repeat("\xff", 1<<13), Bind: stdelf.STB_GLOBAL}
			img.Symbols = append(img.Symbols, long)
			for i := range uint64(n) {
				s.Relocs = append(s.Relocs, elf.Relocation{Offset: 8 * i, Type: elf.RelocABS64, Symbol: long})
			}
		},
		"one place": func(img *elf.Image, s *elf.Section) {
			sym := &elf.Symbol{Name: "s", Bind: stdelf.STB_GLOBAL}
			img.Symbols = append(img.Symbols, sym)
			for range n {
				s.Relocs = append(s.Relocs, elf.Relocation{Type: elf.RelocABS64, Symbol: sym})
			}
		},
		"structures": func(img *elf.Image, s *elf.Section) {
			types := make([]byte, 0, 1<<20)
			word := func(v ...uint32) {
				for _, v := range v {
					types = binary.LittleEndian.AppendUint32(types, v)
				}
			}
			word(1, btfInt<<24, 1, 8)        // 1: a byte
			word(0, btfStruct<<24|0xffff, 1) // 2
			for range 0xffff {
				word(0, 3, 0)
			}
			word(0, btfTypedef<<24, 1) // 3
			word(1, btfVar<<24, 2, 1)  // 4: a variable of the structure
			text := "\x00" + strings.Repeat("v", 1<<16) + "\x00s\x00"
			b := []byte{0x9f, 0xeb, 1, 0}
			for _, v := range []int{24, 0, len(types), len(types), len(text)} {
				b = binary.LittleEndian.AppendUint32(b, uint32(v))
			}
			img.Sections = append(img.Sections, &elf.Section{Name: ".BTF", Type: stdelf.SHT_PROGBITS, Data: append(append(b, types...), text...), Align: 4})
			for i := range s.Data {
				s.Data[i] = 1
			}
			for i := range uint64(n) {
				img.Symbols = append(img.Symbols, &elf.Symbol{Name: strings.Repeat("v", 200), Section: s, Value: i, Size: 1, Type: stdelf.STT_OBJECT})
			}
		},
	}
	for name, craft := range crafted {
		t.Run(name, func(t *testing.T) {
			s := &elf.Section{Name: ".data", Type: stdelf.SHT_PROGBITS, Flags: stdelf.SHF_ALLOC | stdelf.SHF_WRITE, Data: make([]byte, 8*n), Align: 8}
			img := &elf.Image{ByteOrder: binary.LittleEndian, Sections: []*elf.Section{s}}
			craft(img, s)
			file, err := img.Write()
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			text, err := imageText(Printer{Source: true}, img)
			t.Logf("%d bytes of %d in %v, %v", len(text), len(file), time.Since(start), err)
			if len(text) > 64*len(file) {
				t.Errorf("%d bytes of text for a file of %d", len(text), len(file))
			}
			checkBack(t, Printer{}, img)
		})
	}
}
