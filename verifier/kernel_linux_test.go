package verifier

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/internal/kernel"
	"ebtools/internal/require"
)

// kernelVerdict is what BPF_PROG_LOAD said: the log's lines, and as a line more
// the error number E2BIG, which is all there is for a program of a bad size.
type kernelVerdict struct {
	accepted bool
	log      []string
}

// inKernel is where the tests' programs are loaded, with the maps they use.
func inKernel(t testing.TB, maps ...*bpf.Map) *kernel.Kernel {
	t.Helper()
	require.Kernel(t)
	k, err := kernel.New(maps)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

// loadIntoKernel loads p, its map indexes counting k's maps, and unloads it.
func loadIntoKernel(t testing.TB, k *kernel.Kernel, p *bpf.Program) kernelVerdict {
	t.Helper()
	loaded, err := k.Load(p, kernel.LoadOptions{LogLevel: 1, Functions: true})
	if err == nil {
		loaded.Close()
		return kernelVerdict{accepted: true}
	}
	var refusal *kernel.Error
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	v := kernelVerdict{log: strings.Split(strings.TrimSpace(refusal.Log), "\n")}
	if refusal.Errno == linux.E2BIG {
		v.log = append(v.log, "argument list too long (E2BIG)")
	}
	return v
}

// says reports whether the log has the line that a finding quotes.
func (v kernelVerdict) says(d *bpf.Diagnostic) bool {
	for _, note := range d.Note {
		if line, ok := strings.CutPrefix(note, "kernel: "); ok && slices.ContainsFunc(v.log, func(l string) bool { return strings.TrimSpace(l) == line }) {
			return true
		}
	}
	return false
}

// Each case of the tables: the kernel refuses what has an error, in the words
// that it quotes, and takes the rest.
func TestKernelCases(t *testing.T) {
	k := inKernel(t, testMaps...)
	cases, refused := 0, 0
	for _, c := range allCases() {
		if c.noKernel {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			p, obj := c.program()
			got := Check(p, obj)
			kernel := loadIntoKernel(t, k, p)
			cases++
			if kernel.accepted != (got.Err() == nil) {
				t.Fatalf("the kernel accepts: %v; Check says %v\n%s", kernel.accepted, got, strings.Join(kernel.log, "\n"))
			}
			if kernel.accepted {
				return
			}
			refused++
			if !slices.ContainsFunc(got, kernel.says) {
				t.Errorf("%v\nnotes %q are not what the kernel says:\n%s", got[0], got[0].Note, strings.Join(kernel.log, "\n"))
			}
		})
	}
	t.Logf("%d programs, of which the kernel refuses %d in the words we quote", cases, refused)
}

// structural matches the lines of the kernel's log that are this stage's.
var structural = regexp.MustCompile(`uses reserved fields$|^R1[1-5] is invalid$|^unknown opcode|bpf_ld_imm64 insn$|^invalid shift|^div by zero$|` +
	`^frame pointer is read only$|^invalid func unknown#|bpf_unspec#0$|^invalid (write to|read from) stack R10 off=-?\d+ size=\d+$|` +
	`^misaligned stack access off 0\+0\+|invalid atomic op|^invalid may_goto imm|^jump (out of range|into the middle)|^last insn is not|` +
	`^unreachable insn|^call to invalid destination$|can only convert between|frames is too deep|^too many subprograms$|` +
	`not allowed for this program type$|^direct value offset|^invalid access to map value pointer|^no direct value access`)

// structuralLine is the log's line about this stage, "" without.
func (v kernelVerdict) structuralLine() string {
	for _, l := range slices.Backward(v.log) {
		if l = strings.TrimSpace(l); structural.MatchString(l) {
			return l
		}
	}
	return ""
}

// tally compares verdicts on many programs.
type tally struct {
	programs, accepted, refused int // by the kernel
	structural                  int // refused with a line of this stage
	same                        int // of these, those with an error of ours
	quoted                      int // of these, those whose line is among our notes
	warned                      int // accepted with a warning of ours
}

// compare fails t where Check refuses what the kernel accepts, or has nothing to
// say of what the kernel refuses for its structure.
func (n *tally) compare(t *testing.T, name string, p *bpf.Program, got bpf.Diagnostics, kernel kernelVerdict) {
	t.Helper()
	n.programs++
	if kernel.accepted {
		n.accepted++
		if got.Err() != nil {
			t.Errorf("%s: the kernel accepts it, Check says %v\n%s", name, got, listing(p))
		}
		if got != nil {
			n.warned++
		}
		return
	}
	n.refused++
	line := kernel.structuralLine()
	if line == "" {
		return
	}
	n.structural++
	if got == nil {
		t.Errorf("%s: Check has nothing to say, the kernel: %s\n%s", name, line, listing(p))
	}
	if got.Err() != nil {
		n.same++
	}
	if slices.ContainsFunc(got, kernel.says) {
		n.quoted++
	}
}

func (n *tally) String() string {
	return fmt.Sprintf("%d programs: the kernel accepts %d (we warn about %d of them) and refuses %d, %d for their structure: of these we refuse %d and quote the kernel's line for %d",
		n.programs, n.accepted, n.warned, n.refused, n.structural, n.same, n.quoted)
}

func listing(p *bpf.Program) string {
	var b strings.Builder
	for pc := 0; pc < len(p.Instructions); {
		text, slots := bpf.Disassemble(p.Instructions, pc)
		fmt.Fprintf(&b, "%4d: %s\n", pc, text)
		pc += slots
	}
	return b.String()
}

// Every opcode with every field changed in turn, and pairs of fields.
func TestKernelEncodings(t *testing.T) {
	k := inKernel(t)
	var n tally
	for op := range 256 {
		seen := map[bpf.Instruction]bool{}
		for _, base := range bases(uint8(op)) {
			for _, in := range variations(base) {
				if seen[in] {
					continue
				}
				seen[in] = true
				var second []bpf.Instruction
				if in.IsLoadImm64() {
					second = prog(bpf.Instruction{})
				}
				p := &bpf.Program{Type: linux.ProgSocketFilter, Instructions: prog(
					bpf.Instruction{Op: 0xbf, Dst: 6, Src: 1}, mov(0, 1), store(8, 10, -8), in, second, mov(0, 0), exit)}
				if in.Op == bpf.OpcodeExit {
					p.Instructions = p.Instructions[:4]
				}
				n.compare(t, in.String(), p, Check(p, nil), loadIntoKernel(t, k, p))
			}
		}
	}
	t.Log(&n)
	if n.same != n.structural {
		t.Errorf("we refuse %d of %d", n.same, n.structural)
	}
}

// bases gives an instruction of each form with the opcode, or one without a form.
func bases(op uint8) []bpf.Instruction {
	var list []bpf.Instruction
	for _, f := range bpf.Forms() {
		if f.Op == op && !f.Alias {
			in := bpf.Instruction{Op: op, Src: f.Src, Off: f.Off, Imm: f.Imm}
			switch in.Class() {
			case bpf.ClassST, bpf.ClassSTX:
				in.Dst, in.Off = 10, -8
				if in.Imm == bpf.AtomicLoadAcq {
					in.Dst, in.Src = 0, 10
				}
			case bpf.ClassLDX:
				in.Src, in.Off = 10, -8
			}
			list = append(list, in)
		}
	}
	if list == nil {
		list = []bpf.Instruction{{Op: op}}
	}
	return list
}

func variations(in bpf.Instruction) []bpf.Instruction {
	list := []bpf.Instruction{in}
	change := func(f func(*bpf.Instruction)) {
		v := in
		f(&v)
		list = append(list, v)
	}
	for _, dst := range []bpf.Register{0, 1, 10, 11, 15} {
		change(func(v *bpf.Instruction) { v.Dst = dst })
	}
	for _, src := range []bpf.Register{0, 1, 2, 3, 4, 7, 10, 11, 15} {
		change(func(v *bpf.Instruction) { v.Src = src })
	}
	for _, off := range []int16{-512, -16, -8, -7, -1, 0, 1, 2, 8, 16, 32, 64} {
		change(func(v *bpf.Instruction) { v.Off = off })
	}
	for _, imm := range []int32{-1, 0, 1, 2, 16, 31, 32, 63, 64, 0x40, 0xe1, 0xf1, 0x100, 0x110, 1 << 16} {
		change(func(v *bpf.Instruction) { v.Imm = imm })
	}
	change(func(v *bpf.Instruction) { v.Dst, v.Src = 11, 12 })
	change(func(v *bpf.Instruction) { v.Dst, v.Imm = 1, 7 })
	change(func(v *bpf.Instruction) { v.Src, v.Imm = 1, 7 })
	change(func(v *bpf.Instruction) { v.Off, v.Imm = 1, 7 })
	return list
}

// Short programs made at random: what Check refuses, the kernel refuses.
func TestKernelRandom(t *testing.T) {
	k := inKernel(t)
	programs := 6000
	if testing.Short() {
		programs = 600
	}
	rng := rand.New(rand.NewPCG(9669, 618))
	var n tally
	for i := range programs {
		p := &bpf.Program{Type: linux.ProgSocketFilter, Instructions: randomProgram(rng)}
		if strings.Contains(listing(p), "kfunc") {
			continue // needs the types of the running kernel
		}
		n.compare(t, fmt.Sprint("program ", i), p, Check(p, nil), loadIntoKernel(t, k, p))
	}
	t.Log(&n)
}

// The programs of the kernel's own array of tests, and its verdicts.
func TestKernelCorpus(t *testing.T) {
	file, err := os.Open(require.Shared(t, "corpus", "array-tests.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	types := map[string]linux.ProgramType{
		"SocketFilter": linux.ProgSocketFilter, "SchedCLS": linux.ProgSchedCLS, "SchedACT": linux.ProgSchedACT,
		"TracePoint": linux.ProgTracepoint, "SkLookup": linux.ProgSkLookup, "XDP": linux.ProgXDP, "SkSKB": linux.ProgSkSKB,
		"CGroupSKB": linux.ProgCgroupSKB, "Tracing": linux.ProgTracing, "CGroupSock": linux.ProgCgroupSock,
		"Extension": linux.ProgExt, "LSM": linux.ProgLSM, "Kprobe": linux.ProgKprobe,
	}
	var n tally
	for decoder := json.NewDecoder(file); decoder.More(); {
		var row struct {
			ID, Type, Truth, Reason string
			Code                    string `json:"insns_hex"`
			Fixups                  map[string][]int
		}
		if err := decoder.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if row.Truth == "none" || row.Code == "" {
			continue
		}
		progType, ok := types[row.Type]
		if !ok {
			t.Fatalf("%s: program type %q is new", row.ID, row.Type)
		}
		p := &bpf.Program{Name: row.ID, Type: progType, Instructions: decodeHex(t, row.Code)}
		obj := fixMaps(t, p, row.Fixups)
		got := Check(p, obj)
		kernel := kernelVerdict{accepted: row.Truth == "accept", log: strings.Split(row.Reason, "\n")}
		n.compare(t, row.ID, p, got, kernel)
	}
	t.Log(&n)
	if n.quoted != n.structural {
		t.Errorf("we quote %d lines of %d", n.quoted, n.structural)
	}
}

// fixMaps gives the program's map references the maps that they mean.
func fixMaps(t *testing.T, p *bpf.Program, fixups map[string][]int) *bpf.Object {
	t.Helper()
	obj := &bpf.Object{}
	for kind, pcs := range fixups {
		m := &bpf.Map{Name: kind, Type: linux.MapHash, KeySize: 8, ValueSize: 8, MaxEntries: 1}
		switch kind {
		case "map_array_48b", "map_kptr":
			m.Type, m.ValueSize = linux.MapArray, 48
		case "map_array_small":
			m.Type, m.ValueSize = linux.MapArray, 1
		}
		for _, pc := range pcs {
			switch in := &p.Instructions[pc]; in.Src {
			case bpf.PseudoMapFD:
				in.Src, in.Imm = bpf.PseudoMapIdx, int32(len(obj.Maps))
			case bpf.PseudoMapValue:
				in.Src, in.Imm = bpf.PseudoMapIdxValue, int32(len(obj.Maps))
			default:
				t.Fatalf("%s: insn %d refers to no map", p.Name, pc)
			}
		}
		obj.Maps = append(obj.Maps, m)
	}
	return obj
}

func decodeHex(t *testing.T, s string) []bpf.Instruction {
	t.Helper()
	var code []byte
	if _, err := fmt.Sscanf(s, "%x", &code); err != nil {
		t.Fatal(err)
	}
	insns, err := bpf.Decode(code, little)
	if err != nil {
		t.Fatal(err)
	}
	return insns
}
