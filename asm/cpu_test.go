package asm

import (
	"fmt"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/elf"
)

// TestCPU assembles an instruction of every form for every version.
func TestCPU(t *testing.T) {
	for _, form := range bpf.Forms() {
		in := bpf.Instruction{Op: form.Op, Src: form.Src, Off: form.Off, Imm: form.Imm}
		if form.Alias {
			continue
		}
		text, _ := bpf.Disassemble([]bpf.Instruction{in, {}}, 0)
		for cpu := bpf.V1; cpu <= bpf.V4; cpu++ {
			_, diags := Assemble("a.s", []byte(text), Options{CPU: cpu})
			refused := diags.Err() != nil && strings.Contains(diags.Err().Error(), "came with ISA "+form.Since.String())
			if refused != (form.Since > cpu) {
				t.Errorf("%s, of %s, for %s: %v", text, form.Since, cpu, diags.Err())
			}
		}
	}
}

// TestCPUWords compares what is said of instructions that came too late.
func TestCPUWords(t *testing.T) {
	for _, test := range []struct {
		cpu       bpf.ISA
		src, want string
	}{
		{bpf.V1, "if r1 < r2 goto +0", `a.s:1:1: a jump on less came with ISA v2, and this object is for v1
    1 | if r1 < r2 goto +0
      | ^~~~~~~~~~~~~~~~~~
      = swap the registers: r1 < r2 is r2 > r1
      = --cpu v2 allows it: Linux has it since 4.14
`},
		{bpf.V2, "if w1 == 1 goto +0", `a.s:1:1: a jump that compares w registers came with ISA v3, and this object is for v2
    1 | if w1 == 1 goto +0
      | ^~~~~~~~~~~~~~~~~~
      = copy with w1 = w1, which clears the upper half, and compare r1
      = --cpu v3 allows it: Linux has it since 5.1
`},
		{bpf.V3, "exit\nr1 s/= 3", `a.s:2:1: a signed division came with ISA v4, and this object is for v3
    2 | r1 s/= 3
      | ^~~~~~~~
      = --cpu v4 allows it: Linux has it since 6.6
`},
		{bpf.V3, "goto far\n.rept 32768\nr0 = 0\n.endr\nfar: exit", `a.s:1:6: label far is 32768 instructions away, and this jump reaches 32767
    1 | goto far
      |      ^~~
      = jump to a goto far halfway: gotol, which reaches any label, needs --cpu v4
`},
		{bpf.V1, "w1 += w2\nlock *(u64 *)(r1 + 0) += r2\nexit", ""},
	} {
		_, diags := Assemble("a.s", []byte(test.src), Options{CPU: test.cpu})
		if got := rendered(t, diags); got != test.want {
			t.Errorf("for %s:\n%swant:\n%s", test.cpu, got, test.want)
		}
	}
}

// TestFarGoto jumps further than an offset says, both ways.
func TestFarGoto(t *testing.T) {
	src := "back: goto far\n.rept 32767\nr0 = 0\n.endr\nnear: goto far\nfar: goto near\ngoto back\nexit\n"
	img, diags := Assemble("a.s", []byte(src), Options{})
	if img == nil {
		t.Fatal(rendered(t, diags))
	}
	insns, err := bpf.Decode(img.Section(".text").Data, img.ByteOrder)
	if err != nil {
		t.Fatal(err)
	}
	for pc, want := range map[int]string{0: "gotol +32768", 32768: "goto +0", 32769: "goto -2", 32770: "gotol -32771"} {
		if got := insns[pc].String(); got != want {
			t.Errorf("pc %d: %s, want %s", pc, got, want)
		}
	}
}

func ExampleOptions() {
	_, diags := Assemble("prog.s", []byte("r1 = bswap16 r1\nexit\n"), Options{CPU: bpf.V3})
	fmt.Println(diags.Err())
	// Output: prog.s:1:1: bswap came with ISA v4, and this object is for v3
}

// TestInitialValues follows the values of maps from the text into the object and
// back.
func TestInitialValues(t *testing.T) {
	src := `.map first, type=array, value=8, max_entries=1
.map outer, type=array_of_maps, max_entries=4, values={[1]=first, first}, numa_node=1
.map jumps, type=prog_array, values={a, [7]=b}
.program xdp, a
	exit
.program tc, b
	exit
`
	img, diags := Assemble("a.s", []byte(src), Options{})
	if img == nil {
		t.Fatal(rendered(t, diags))
	}
	obj, diags, err := elf.Load(img, "a.o", elf.Options{})
	if err != nil || len(diags) > 0 {
		t.Fatal(err, rendered(t, diags))
	}
	if got, want := fmt.Sprint(obj.Maps[1].Values, obj.Maps[1].NumaNode, obj.Maps[2].Values, obj.Maps[2].MaxEntries), "[{1 first} {2 first}] 1 [{0 a} {7 b}] 8"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	text := MapText(obj.Maps[1]) + "\n" + MapText(obj.Maps[2])
	for _, want := range []string{"values={[1]=first, first}", "numa_node=1", "values={a, [7]=b}"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in\n%s", want, text)
		}
	}
}
