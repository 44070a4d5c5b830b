package ebtools_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"ebtools/asm"
	"ebtools/bpf"
	"ebtools/internal/require"
)

// everyWord has what the kernel prints in words of its own, and what else the
// gallery does not use; of version 4 nothing, which bpftool of Debian 12 does not
// know.
const everyWord = `
	.license "GPL"
	.program socket, every_word
	r6 = r1
	call bpf_get_prandom_u32
	r7 = r0
	*(u64 *)(r10 - 8) = r7
	*(u32 *)(r10 - 16) = 7
	*(u64 *)(r10 - 24) = -1
	r1 = 0x123456789abc ll
	r2 = -1
	w3 = -5
	w4 = w7
	r1 += r2 ; r1 -= 3 ; r1 *= r7 ; r1 /= 7 ; r1 %= 9 ; r1 |= 5 ; r1 &= -4 ; r1 ^= r7 ; r1 <<= 3 ; r1 >>= 2 ; r1 s>>= 1
	w3 += w4 ; w3 -= 3 ; w3 *= w4 ; w3 /= 7 ; w3 %= 9 ; w3 |= 5 ; w3 &= -4 ; w3 ^= w4 ; w3 <<= 3 ; w3 >>= 2 ; w3 s>>= 1
	r1 = -r1 ; w3 = -w3
	r1 = be16 r1 ; r1 = be64 r1 ; r1 = le32 r1
	lock *(u64 *)(r10 - 8) += r2
	lock *(u32 *)(r10 - 16) |= w2
	r2 = atomic_fetch_add((u64 *)(r10 - 8), r2)
	w2 = atomic_fetch_xor((u32 *)(r10 - 8), w2)
	r2 = xchg_64(r10 - 8, r2)
	w2 = xchg32_32(r10 - 8, w2)
	r0 = 1
	r0 = cmpxchg_64(r10 - 8, r0, r2)
	w0 = cmpxchg32_32(r10 - 8, w0, w2)
	r1 = *(u8 *)(r10 - 24)
	r1 = *(u16 *)(r10 - 24)
	if r7 == 5 goto 1f
	if r7 s> -5 goto 1f
	if r7 > -5 goto 1f
	if w7 s<= 3 goto 1f
	if w7 != w4 goto 1f
	if r7 & 0x80 goto 1f
	goto 2f
1:	r1 = 3
2:	call sub
	exit
	.func sub
	r0 = 1
	exit
`

// everyNewWord is what version 4 adds, without a branch: the verifier's log has
// it in order.
const everyNewWord = `
	.license "GPL"
	.program socket, every_new_word
	call bpf_get_prandom_u32
	r7 = r0
	r1 = r0
	*(u64 *)(r10 - 8) = r7
	w3 = w7
	r1 s/= 3 ; r1 s%= 5 ; w3 s/= 3 ; w3 s%= 5 ; r1 s/= r7 ; w3 s%= w7
	r1 = (s8)r7 ; r1 = (s16)r7 ; r1 = (s32)r7 ; w3 = (s8)w7 ; w3 = (s16)w7
	r1 = bswap16 r1 ; r1 = bswap32 r1 ; r1 = bswap64 r1
	r1 = *(s8 *)(r10 - 8) ; r1 = *(s16 *)(r10 - 8) ; r1 = *(s32 *)(r10 - 8)
	r2 = r7
	lock *(u64 *)(r10 - 8) += r2 ; lock *(u32 *)(r10 - 8) += w2
	lock *(u64 *)(r10 - 8) |= r2 ; lock *(u64 *)(r10 - 8) &= r2 ; lock *(u32 *)(r10 - 8) ^= w2
	r2 = atomic_fetch_add((u64 *)(r10 - 8), r2) ; r2 = atomic_fetch_or((u64 *)(r10 - 8), r2)
	w2 = atomic_fetch_and((u32 *)(r10 - 8), w2) ; w2 = atomic_fetch_xor((u32 *)(r10 - 8), w2)
	r2 = xchg_64(r10 - 8, r2) ; w2 = xchg32_32(r10 - 8, w2)
	r0 = 1
	r0 = cmpxchg_64(r10 - 8, r0, r2) ; w0 = cmpxchg32_32(r10 - 8, w0, w2)
	r1 = 0x123456789abc ll
	gotol +0
	goto +0
	r0 = 1
	exit
`

// TestVerifierLog loads a program, and assembles what the verifier says.
func TestVerifierLog(t *testing.T) {
	require.Kernel(t)
	img, diags := asm.Assemble("every_new_word.s", []byte(everyNewWord), asm.Options{})
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	object, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelInstruction}})
	if err != nil {
		t.Fatalf("the kernel does not take it: %+v", err)
	}
	defer loaded.Close()
	log := loaded.Programs["every_new_word"].VerifierLog
	again, diags := asm.Assemble("verifier.log", []byte(log), asm.Options{NoDebug: true})
	if len(diags) > 0 {
		t.Fatalf("%v\n%s", diags, log)
	}
	want := img.Section("socket").Data
	if got := again.Section(".text").Data; !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x\n%s", got, want, log)
	}
	t.Logf("%d slots", len(want)/bpf.InstructionSize)
}

// TestKernelListing loads programs, and assembles what bpftool prints of them:
// it must give the instructions that the kernel has, but for those that name
// what is only in the kernel.
func TestKernelListing(t *testing.T) {
	require.Kernel(t)
	require.Tools(t, "bpftool")
	images := map[string][]byte{}
	for name, ways := range gallery(t) {
		object, err := ways["source"].Image.Write()
		if err != nil {
			t.Fatal(err)
		}
		images[name] = object
	}
	img, diags := asm.Assemble("every_word.s", []byte(everyWord), asm.Options{})
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	object, err := img.Write()
	if err != nil {
		t.Fatal(err)
	}
	images["every_word"] = object
	for name, image := range images {
		t.Run(name, func(t *testing.T) {
			spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(image))
			if err != nil {
				t.Fatal(err)
			}
			loaded, err := ebpf.NewCollection(spec)
			if err != nil {
				t.Fatalf("the kernel does not take it: %+v", err)
			}
			defer loaded.Close()
			for _, program := range loaded.Programs {
				checkListing(t, program)
			}
		})
	}
}

var (
	// A map's address, which the listing replaces by its number.
	mapNumber = regexp.MustCompile(`map\[id:\d+\](\[0\]\+\d+)?`)
	// A helper that the kernel replaced by a function with another name.
	replacedCall = regexp.MustCompile(`call \w+#-?\d+`)
	// An instruction of the kernel's own; older versions of bpftool show a move.
	kernelOnly = regexp.MustCompile(`(r\d+) = &\(void __percpu \*\)\((r\d+)\)`)
)

func checkListing(t *testing.T, program *ebpf.Program) {
	t.Helper()
	info, err := program.Info()
	if err != nil {
		t.Fatal(err)
	}
	id, _ := info.ID()
	dump := func(args ...string) string {
		out, err := exec.Command("bpftool", append([]string{"prog", "dump", "xlated", "id", strconv.Itoa(int(id))}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("bpftool: %v\n%s", err, out)
		}
		return string(out)
	}
	file := filepath.Join(t.TempDir(), "xlated")
	dump("file", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	insns, err := bpf.Decode(raw, binary.LittleEndian)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{nil, {"linum"}, {"opcodes"}} {
		text := dump(args...)
		_, diags := asm.Assemble("listing", []byte(text), asm.Options{})
		if named := mapNumber.MatchString(text); named != strings.Contains(diags.Error(), "a map of a loaded program") {
			t.Errorf("a listing that names maps (%v) gives %v", named, diags)
		}
		text = mapNumber.ReplaceAllString(text, "0x0")
		text = replacedCall.ReplaceAllString(text, "call unknown#1")
		text = kernelOnly.ReplaceAllString(text, "$1 = $2")
		img, diags := asm.Assemble("listing", []byte(text), asm.Options{NoDebug: true})
		if len(diags) > 0 {
			t.Fatalf("%v\n%s", diags, text)
		}
		got, err := bpf.Decode(img.Section(".text").Data, binary.LittleEndian)
		if err != nil || len(got) != len(insns) {
			t.Fatalf("%d instructions, the kernel has %d: %v\n%s", len(got), len(insns), err, text)
		}
		for pc, want := range insns {
			in := got[pc]
			switch {
			case want.IsHelperCall():
				in.Imm = want.Imm
			case want.IsLocalCall(): // the kernel has put a function's number in it
				want.Imm, want.Off = int32(want.Off), 0
			case isAddress(insns, pc):
				in.Imm, in.Src = want.Imm, want.Src
			case want.Op == bpf.ClassALU64|bpf.OpMov|bpf.SourceX && want.Off == -1:
				continue // an instruction that only the kernel makes
			}
			if in != want {
				t.Errorf("instruction %d: %v, the kernel has %v", pc, in, want)
			}
		}
	}
	t.Logf("%d slots", len(insns))
}

// isAddress reports whether the slot is one of a 64-bit load of more than a
// number.
func isAddress(insns []bpf.Instruction, pc int) bool {
	return insns[pc].IsLoadImm64() && insns[pc].Src != 0 ||
		pc > 0 && insns[pc-1].IsLoadImm64() && insns[pc-1].Src != 0
}
