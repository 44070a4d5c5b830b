package elf

import (
	"bytes"
	stdelf "debug/elf"
	"strings"
	"unicode/utf8"
)

const compileForBPF = "compile with clang -target bpf -O2 -g -c"

// magics are the beginnings of files that are taken for objects by mistake.
var magics = []struct{ magic, what string }{
	{"BC\xc0\xde", "this is LLVM bitcode: compile it with llc -march=bpf -filetype=obj"},
	{"\xde\xc0\x17\x0b", "this is LLVM bitcode: compile it with llc -march=bpf -filetype=obj"},
	{"!<arch>\n", "this is an archive: extract the objects in it with ar x"},
	{"!<thin>\n", "this is a thin archive: it only names the objects"},
	{"\xcf\xfa\xed\xfe", "this is a Mach-O object: " + compileForBPF},
	{"\xce\xfa\xed\xfe", "this is a Mach-O object: " + compileForBPF},
	{"\xca\xfe\xba\xbe", "this is a Mach-O or Java file: " + compileForBPF},
	{"\x00asm", "this is a WebAssembly module: " + compileForBPF},
	{"MZ", "this is a Windows executable: " + compileForBPF},
	{"\x9f\xeb", "this is BTF on its own, not the object it describes"},
	{"\xeb\x9f", "this is BTF on its own, not the object it describes"},
	{"\x1f\x8b", "this is a gzip file: decompress it first"},
	{"\xd4\xc3\xb2\xa1", "this is a packet capture, not an object"},
	{"\xa1\xb2\xc3\xd4", "this is a packet capture, not an object"},
	{"\x0a\x0d\x0d\x0a", "this is a packet capture, not an object"},
}

// machineNames says what people call the machines whose objects are most
// likely to be met by mistake.
var machineNames = map[stdelf.Machine]string{
	stdelf.EM_X86_64:    "x86-64",
	stdelf.EM_386:       "32-bit x86",
	stdelf.EM_AARCH64:   "arm64",
	stdelf.EM_ARM:       "32-bit arm",
	stdelf.EM_RISCV:     "RISC-V",
	stdelf.EM_LOONGARCH: "LoongArch",
	stdelf.EM_S390:      "s390",
	stdelf.EM_PPC64:     "64-bit PowerPC",
	stdelf.EM_PPC:       "PowerPC",
	stdelf.EM_MIPS:      "MIPS",
}

func machineName(m stdelf.Machine) string {
	if name, ok := machineNames[m]; ok {
		return name
	}
	name, _ := strings.CutPrefix(m.String(), "EM_")
	return name
}

// notELF says what a file without ELF's magic number looks like.
func notELF(b []byte) error {
	if len(b) == 0 {
		return malformed("the file is empty")
	}
	for _, m := range magics {
		if bytes.HasPrefix(b, []byte(m.magic)) {
			return malformed("not an object file: %s", m.what)
		}
	}
	if isText(b) {
		return malformed("not an object file: this is text: assemble it if it is assembly, " + compileForBPF + " if it is C")
	}
	return malformed("not an object file: it starts with % x, not with 7f 45 4c 46 (ELF)", b[:min(len(b), 4)])
}

// isText looks at the start of a file.
func isText(b []byte) bool {
	const enough = 512
	cut := len(b) > enough
	for b = b[:min(len(b), enough)]; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n <= 1:
			return cut && !utf8.FullRune(b)
		case r < ' ' && r != '\n' && r != '\r' && r != '\t' && r != '\f':
			return false
		}
		b = b[n:]
	}
	return true
}
