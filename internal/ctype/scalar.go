package ctype

import (
	"strings"

	"github.com/cilium/ebpf/btf"
)

// intSizes are the sizes that integers of C have on BPF, in bytes, by the words
// of their names without signed, unsigned and a superfluous int, in the order in
// which they are counted here: char, short, long, int, __int128, _Bool.
var intSizes = map[[6]int]uint32{
	{1, 0, 0, 0, 0, 0}: 1,  // char
	{0, 1, 0, 0, 0, 0}: 2,  // short
	{0, 0, 0, 1, 0, 0}: 4,  // int
	{0, 0, 0, 0, 0, 0}: 4,  // unsigned
	{0, 0, 1, 0, 0, 0}: 8,  // long
	{0, 0, 2, 0, 0, 0}: 8,  // long long
	{0, 0, 0, 0, 1, 0}: 16, // __int128
	{0, 0, 0, 0, 0, 1}: 1,  // _Bool
}

// intWords are the words that names of integers in C are made of. The place is
// that in a key of intSizes, -1 for a sign.
var intWords = map[string]int{
	"char": 0, "short": 1, "long": 2, "int": 3, "__int128": 4, "_Bool": 5,
	"signed": -1, "unsigned": -1,
}

// longestInt is more than the length of "unsigned long long int".
const longestInt = 32

// intName reports whether a name is that of an integer in C ("long unsigned int",
// "unsigned long": compilers differ), and its size on BPF in bytes.
func intName(name string) (size uint32, ok bool) {
	if len(name) > longestInt {
		return 0, false
	}
	var counts [6]int
	words := strings.Fields(name)
	signs := 0
	for _, word := range words {
		place, known := intWords[word]
		switch {
		case !known:
			return 0, false
		case place < 0:
			signs++
		default:
			counts[place]++
		}
	}
	if counts[3] == 1 && counts[1]+counts[2] > 0 {
		counts[3] = 0 // short int, long int
	}
	size, ok = intSizes[counts]
	return size, ok && len(words) > 0 && signs <= 1 && (counts[5] == 0 || signs == 0)
}

// intText writes an integer type that has no name of its own, or none that C
// knows with this size.
func intText(size uint32, encoding btf.IntEncoding) string {
	if encoding == btf.Bool && size == 1 {
		return "_Bool"
	}
	if encoding == btf.Char && size == 1 {
		return "char"
	}
	text := ""
	switch size {
	case 1:
		if encoding == btf.Signed {
			return "signed char"
		}
		text = "char"
	case 2:
		text = "short"
	case 4:
		text = "int"
	case 8:
		text = "long long"
	case 16:
		text = "__int128"
	default:
		return bytesText(size, 1)
	}
	if encoding != btf.Signed {
		text = "unsigned " + text
	}
	return text
}

// bytesText writes a type of so many bytes that C has no other type for.
func bytesText(size, align uint32) string {
	text := "struct { unsigned char bytes[" + decimal(uint64(size)) + "]; }"
	if align > 1 {
		text += " __attribute__((aligned(" + decimal(uint64(align)) + ")))"
	}
	return text
}

// isInt reports whether C has an integer of this size, in bytes.
func isInt(size uint32) bool {
	return size == 1 || size == 2 || size == 4 || size == 8 || size == 16
}

// floatSizes are the sizes of C's floating-point types on BPF, in bytes. A long
// double has 16 on most other systems, 12 on some.
var floatSizes = map[string]uint32{"float": 4, "double": 8, "long double": 8}

// floatText writes a floating-point type, and gives its alignment in bytes.
func floatText(t *btf.Float) (text string, align uint32) {
	if size, ok := floatSizes[t.Name]; ok && size == t.Size {
		return t.Name, size
	}
	switch t.Size {
	case 4:
		return "float", 4
	case 8:
		return "double", 8
	case 2, 16:
		align = t.Size
	case 12: // as i386 has it
		align = 4
	default:
		align = 1
	}
	return bytesText(t.Size, align), align
}
