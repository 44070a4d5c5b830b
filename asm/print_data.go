package asm

import (
	"fmt"
	"slices"
	"strings"

	"ebtools/bpf"
)

// variables writes a section of variables: its bytes, with a label where a
// variable begins.
func (l *listing) variables(m *bpf.Map) {
	if flags, ok := wellKnown(m.Section); ok && flags != 0 {
		fmt.Fprintf(l.w, "\n\t.section %s\n", sectionText(m.Section))
	} else {
		fmt.Fprintf(l.w, "\n\t.section %s, \"aw\", @progbits\n", quote(m.Section))
	}
	at, vars := uint32(0), variablesOf(m)
	if len(vars) == 0 {
		// Loaders leave out sections that nothing has a name in.
		fmt.Fprintf(l.w, "%s:\n", l.sectionLabel(m.Section))
	}
	for _, v := range vars {
		if v.offset > at {
			l.data(m, at, v.offset)
			at = v.offset
		}
		if v.global {
			fmt.Fprintf(l.w, "\t.globl %s\n", symbolText(v.name))
		}
		fmt.Fprintf(l.w, "\t.size %s, %d\n", symbolText(v.name), v.size)
		// A variable that lies over another one is set to its place.
		if v.offset < at {
			fmt.Fprintf(l.w, "\t.set %s, %s+%d\n", symbolText(v.name), symbolText(m.Section), v.offset)
			continue
		}
		fmt.Fprintf(l.w, "%s:\n", symbolText(v.name))
		l.data(m, at, at+v.size)
		at += v.size
	}
	l.data(m, at, m.ValueSize)
}

// sectionLabel makes a name for all of a section: rodata_str1_1.
func (l *listing) sectionLabel(section string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 0x80 || charClass[r]&charName == 0 || r == '.' || r == '$' {
			return '_'
		}
		return r
	}, strings.TrimLeft(section, "."))
	if !isName(name) || isRegisterName(name) {
		name = "data_" + name
	}
	for l.taken[name] {
		name += "_"
	}
	l.taken[name] = true
	return name
}

// data writes the bytes from start to end of a section.
func (l *listing) data(m *bpf.Map, start, end uint32) {
	if start >= end {
		return
	}
	b := make([]byte, 0)
	if uint64(end) <= uint64(len(m.Contents)) {
		b = m.Contents[start:end]
	}
	if !slices.ContainsFunc(b, func(c byte) bool { return c != 0 }) {
		fmt.Fprintf(l.w, "\t.zero %d\n", end-start)
		return
	}
	switch len(b) {
	case 2:
		fmt.Fprintf(l.w, "\t.short %#x\n", l.order.Uint16(b))
		return
	case 4:
		fmt.Fprintf(l.w, "\t.long %#x\n", l.order.Uint32(b))
		return
	case 8:
		fmt.Fprintf(l.w, "\t.quad %#x\n", l.order.Uint64(b))
		return
	}
	if text, ok := printableText(b); ok {
		fmt.Fprintf(l.w, "\t.asciz %s\n", quote(text))
		return
	}
	for chunk := range slices.Chunk(b, 16) {
		words := make([]string, len(chunk))
		for i, c := range chunk {
			words[i] = fmt.Sprintf("%#02x", c)
		}
		fmt.Fprintf(l.w, "\t.byte %s\n", strings.Join(words, ", "))
	}
}

// printableText reports whether bytes are text with a zero behind it.
func printableText(b []byte) (string, bool) {
	n := len(b) - 1
	if n < 1 || b[n] != 0 {
		return "", false
	}
	for _, c := range b[:n] {
		if (c < ' ' || c >= 0x7f) && c != '\n' && c != '\t' {
			return "", false
		}
	}
	return string(b[:n]), true
}
