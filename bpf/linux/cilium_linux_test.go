package linux

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"

	"ebtools/internal/require"
)

// objectWithSections gives a BPF object with one program, "r0 = 0; exit", in a
// section of each name; the program's symbol is p and the section's place.
func objectWithSections(names []string) []byte {
	program := []byte{0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}
	shstrtab, strtab := []byte("\x00.symtab\x00.strtab\x00.shstrtab\x00"), []byte{0}
	symbols := make([]elf.Sym64, 1)
	headers := make([]elf.Section64, 1)
	var body bytes.Buffer
	const start = 64 // behind the file header
	add := func(h elf.Section64, content []byte) {
		h.Off, h.Size, h.Addralign = uint64(start+body.Len()), uint64(len(content)), 8
		body.Write(content)
		body.Write(make([]byte, -len(content)&7))
		headers = append(headers, h)
	}
	for i, name := range names {
		symbols = append(symbols, elf.Sym64{
			Name: uint32(len(strtab)), Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: uint16(i + 1), Size: uint64(len(program)),
		})
		strtab = fmt.Appendf(strtab, "p%d\x00", i)
		add(elf.Section64{Name: uint32(len(shstrtab)), Type: uint32(elf.SHT_PROGBITS), Flags: uint64(elf.SHF_ALLOC | elf.SHF_EXECINSTR)}, program)
		shstrtab = append(append(shstrtab, name...), 0)
	}
	var symtab bytes.Buffer
	binary.Write(&symtab, binary.LittleEndian, symbols)
	n := uint32(len(names))
	add(elf.Section64{Name: 1, Type: uint32(elf.SHT_SYMTAB), Link: n + 2, Info: 1, Entsize: 24}, symtab.Bytes())
	add(elf.Section64{Name: 9, Type: uint32(elf.SHT_STRTAB)}, strtab)
	add(elf.Section64{Name: 17, Type: uint32(elf.SHT_STRTAB)}, shstrtab)

	header := elf.Header64{
		Type: uint16(elf.ET_REL), Machine: uint16(elf.EM_BPF), Version: 1, Ehsize: start,
		Shoff: uint64(start + body.Len()), Shentsize: 64, Shnum: uint16(len(headers)), Shstrndx: uint16(n + 3),
	}
	copy(header.Ident[:], elf.ELFMAG)
	header.Ident[elf.EI_CLASS], header.Ident[elf.EI_DATA], header.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), 1
	var file bytes.Buffer
	binary.Write(&file, binary.LittleEndian, header)
	file.Write(body.Bytes())
	binary.Write(&file, binary.LittleEndian, headers)
	return file.Bytes()
}

// The loader of cilium/ebpf must make of every section what the table says. Its
// own table is made from libbpf's, and is newer than libbpf 1.1.
func TestSectionsAgainstCilium(t *testing.T) {
	var names []string
	for _, s := range sectionTable {
		if s.Source != "" {
			continue
		}
		if base, open := strings.CutSuffix(s.Pattern, "+"); open {
			names = append(names, base+"/some/target")
		} else {
			names = append(names, s.Pattern)
		}
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(objectWithSections(names)))
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range names {
		p := spec.Programs[fmt.Sprintf("p%d", i)]
		if p == nil || p.SectionName != name {
			t.Fatalf("section %q: its program is %v", name, p)
		}
		s, target, ok := SectionByName(name)
		if !ok {
			t.Errorf("SectionByName(%q) finds nothing", name)
			continue
		}
		if s.Type == ProgStructOps {
			target = "" // which says nothing
		}
		if uint32(s.Type) != uint32(p.Type) || uint32(s.Attach) != uint32(p.AttachType) || target != p.AttachTo || s.LoadFlags() != p.Flags {
			t.Errorf("section %q is %v, attach %v to %q, flags %#x here;\n%v, %v to %q, flags %#x for cilium",
				name, s.Type, s.Attach, target, s.LoadFlags(), p.Type, p.AttachType, p.AttachTo, p.Flags)
		}
	}
	t.Logf("%d sections agree", len(names))
}

// Numbers of #defines that the kernel's BTF can't tell.
func TestConstantsAgainstSys(t *testing.T) {
	for name, want := range map[string]int64{
		"BPF_F_AFTER":                      unix.BPF_F_AFTER,
		"BPF_F_ALLOW_MULTI":                unix.BPF_F_ALLOW_MULTI,
		"BPF_F_ALLOW_OVERRIDE":             unix.BPF_F_ALLOW_OVERRIDE,
		"BPF_F_ANY_ALIGNMENT":              unix.BPF_F_ANY_ALIGNMENT,
		"BPF_F_BEFORE":                     unix.BPF_F_BEFORE,
		"BPF_F_ID":                         unix.BPF_F_ID,
		"BPF_F_NETFILTER_IP_DEFRAG":        unix.BPF_F_NETFILTER_IP_DEFRAG,
		"BPF_F_PREORDER":                   unix.BPF_F_PREORDER,
		"BPF_F_QUERY_EFFECTIVE":            unix.BPF_F_QUERY_EFFECTIVE,
		"BPF_F_REDIRECT_FLAGS":             unix.BPF_F_REDIRECT_FLAGS,
		"BPF_F_REPLACE":                    unix.BPF_F_REPLACE,
		"BPF_F_SLEEPABLE":                  unix.BPF_F_SLEEPABLE,
		"BPF_F_STRICT_ALIGNMENT":           unix.BPF_F_STRICT_ALIGNMENT,
		"BPF_F_TEST_REG_INVARIANTS":        unix.BPF_F_TEST_REG_INVARIANTS,
		"BPF_F_TEST_RND_HI32":              unix.BPF_F_TEST_RND_HI32,
		"BPF_F_TEST_RUN_ON_CPU":            unix.BPF_F_TEST_RUN_ON_CPU,
		"BPF_F_TEST_SKB_CHECKSUM_COMPLETE": unix.BPF_F_TEST_SKB_CHECKSUM_COMPLETE,
		"BPF_F_TEST_STATE_FREQ":            unix.BPF_F_TEST_STATE_FREQ,
		"BPF_F_TEST_XDP_LIVE_FRAMES":       unix.BPF_F_TEST_XDP_LIVE_FRAMES,
		"BPF_F_XDP_DEV_BOUND_ONLY":         unix.BPF_F_XDP_DEV_BOUND_ONLY,
		"BPF_F_XDP_HAS_FRAGS":              unix.BPF_F_XDP_HAS_FRAGS,
		"AUDIT_ARCH_LOONGARCH64":           unix.AUDIT_ARCH_LOONGARCH64,
		"IPPROTO_SMC":                      unix.IPPROTO_SMC,
		"AF_MCTP":                          unix.AF_MCTP,
	} {
		if got, ok := Constant(name); !ok || got != want {
			t.Errorf("Constant(%q) = %#x, %v; want %#x", name, got, ok, want)
		}
	}
}

// The kernel must refuse a helper to a program that isn't licensed under the
// GPL exactly if the table says so.
func TestHelperGPLAgainstKernel(t *testing.T) {
	require.Kernel(t)
	running := kernelVersion(t)
	types := []ebpf.ProgramSpec{
		{Type: ebpf.SchedCLS},
		{Type: ebpf.XDP},
		{Type: ebpf.Kprobe},
		{Type: ebpf.PerfEvent},
		{Type: ebpf.SockOps, AttachType: ebpf.AttachCGroupSockOps},
		{Type: ebpf.SkMsg, AttachType: ebpf.AttachSkMsgVerdict},
		{Type: ebpf.SkSKB},
		{Type: ebpf.CGroupSockAddr, AttachType: ebpf.AttachCGroupInet4Connect},
		{Type: ebpf.CGroupSysctl, AttachType: ebpf.AttachCGroupSysctl},
		{Type: ebpf.CGroupSockopt, AttachType: ebpf.AttachCGroupSetsockopt},
		{Type: ebpf.CGroupSKB},
		{Type: ebpf.SkReuseport, AttachType: ebpf.AttachSkReuseportSelect},
		{Type: ebpf.LWTXmit},
		{Type: ebpf.LWTSeg6Local},
		{Type: ebpf.LWTIn},
		{Type: ebpf.Syscall, Flags: unix.BPF_F_SLEEPABLE},
		{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: "bpf_map"},
		{Type: ebpf.Tracing, AttachType: ebpf.AttachTraceFEntry, AttachTo: "vfs_read"},
		{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "bprm_committed_creds"},
		{Type: ebpf.LSM, AttachType: ebpf.AttachLSMMac, AttachTo: "file_open", Flags: unix.BPF_F_SLEEPABLE},
	}
	asked := 0
	for _, h := range Helpers() {
		if running.Less(h.Since) {
			continue
		}
		answered := false
		for _, spec := range types {
			spec.Instructions = asm.Instructions{asm.BuiltinFunc(h.ID).Call(), asm.Mov.Imm(asm.R0, 0), asm.Return()}
			spec.License = "Proprietary"
			prog, err := ebpf.NewProgram(&spec)
			if err == nil {
				prog.Close()
			}
			var rejected *ebpf.VerifierError
			if err != nil && !errors.As(err, &rejected) {
				continue // the kernel has no such programs
			}
			log := fmt.Sprintf("%+v", rejected)
			if rejected != nil && (len(rejected.Log) == 0 || // not even the program type
				strings.Contains(log, "program of this type cannot use helper") || strings.Contains(log, "unknown func")) {
				continue
			}
			answered = true
			if gpl := rejected != nil && strings.Contains(log, "cannot call GPL-restricted function"); gpl != h.GPL {
				t.Errorf("%s: GPL only is %v here, %v for the kernel in %v programs:\n%s", h.Name, h.GPL, gpl, spec.Type, log)
			}
			break
		}
		if answered {
			asked++
		} else {
			t.Logf("%s: no program of the types that were tried may call it", h.Name)
		}
	}
	t.Logf("the kernel agrees on %d of %d helpers", asked, len(helperTable))
	if asked < 150 {
		t.Errorf("the kernel answered for only %d helpers, expected at least 150", asked)
	}
}
