package compat_test

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"ebtools/bpf"
	"ebtools/bpf/linux"
	"ebtools/compat"
	"ebtools/internal/require"
)

// find gives the need of that kind and name.
func find(needs []compat.Need, kind compat.Kind, name string) (compat.Need, bool) {
	for _, n := range needs {
		if n.Kind == kind && n.Name == name {
			return n, true
		}
	}
	return compat.Need{}, false
}

func helperCall(id linux.HelperID) bpf.Instruction {
	return bpf.Instruction{Op: bpf.OpcodeCall, Imm: int32(id)}
}

var (
	r0  = bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov}
	end = bpf.Instruction{Op: bpf.OpcodeExit}
	u32 = &btf.Int{Name: "unsigned int", Size: 4}
)

func program(t linux.ProgramType, insns ...bpf.Instruction) (*bpf.Object, *bpf.Program) {
	p := &bpf.Program{Name: "prog", Type: t, Instructions: insns, Functions: []bpf.Function{{Name: "prog", Len: len(insns)}}}
	return &bpf.Object{Programs: []*bpf.Program{p}}, p
}

// What is only called where CO-RE or LINUX_KERNEL_VERSION says that it is there is
// not needed, what is called otherwise is.
func TestAsking(t *testing.T) {
	jeq := func(r bpf.Register, imm int32, off int16) bpf.Instruction {
		return bpf.Instruction{Op: bpf.ClassJMP | bpf.OpJEQ, Dst: r, Imm: imm, Off: off}
	}
	check := func(t *testing.T, needs []compat.Need, oldest linux.Version) {
		t.Helper()
		loop, ok := find(needs, compat.Helper, "bpf_ringbuf_output")
		if !ok || !loop.Optional || loop.Detail == "" {
			t.Errorf("bpf_ringbuf_output: %+v", loop)
		}
		other, ok := find(needs, compat.Helper, "bpf_perf_event_output")
		if !ok || other.Optional {
			t.Errorf("bpf_perf_event_output: %+v", other)
		}
		if got := compat.Oldest(needs); got != oldest {
			t.Errorf("oldest is %v, want %v\n%s", got, oldest, text(needs))
		}
	}
	t.Run("enumerator", func(t *testing.T) {
		for _, result := range []int32{0, 1} { // what the kernel at hand says does not matter
			obj, p := program(linux.ProgKprobe,
				bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov, Dst: 1, Imm: result},
				jeq(1, 0, 2),
				helperCall(linux.FnRingbufOutput),
				bpf.Instruction{Op: bpf.OpcodeJA, Off: 1},
				helperCall(linux.FnPerfEventOutput),
				r0, end)
			p.CORE = []bpf.CORERelocation{{PC: 0, Kind: bpf.COREEnumvalExists, Root: "enum bpf_func_id", Access: "::BPF_FUNC_ringbuf_output"}}
			check(t, compat.Of(obj, p), linux.Version{Major: 4, Minor: 4})
		}
	})
	t.Run("version", func(t *testing.T) {
		load := bpf.LoadImm64(1, bpf.PseudoMapIdxValue, 0|4<<32)
		obj, p := program(linux.ProgKprobe,
			load[0], load[1],
			bpf.Instruction{Op: bpf.ClassLDX | bpf.ModeMEM | bpf.SizeW, Dst: 1, Src: 1},
			bpf.Instruction{Op: bpf.ClassJMP | bpf.OpJGT, Dst: 1, Imm: 5<<16 | 7<<8 | 255, Off: 2},
			helperCall(linux.FnPerfEventOutput),
			bpf.Instruction{Op: bpf.OpcodeJA, Off: 1},
			helperCall(linux.FnRingbufOutput),
			r0, end)
		obj.Maps = []*bpf.Map{{
			Name: ".kconfig", Section: ".kconfig", Type: linux.MapArray, KeySize: 4, ValueSize: 8, MaxEntries: 1,
			Value: &btf.Datasec{Name: ".kconfig", Size: 8, Vars: []btf.VarSecinfo{
				{Type: &btf.Var{Name: "CONFIG_HZ", Type: u32}, Size: 4},
				{Type: &btf.Var{Name: "LINUX_KERNEL_VERSION", Type: u32}, Offset: 4, Size: 4},
			}},
		}}
		check(t, compat.Of(obj, p), linux.Version{Major: 5, Minor: 2}) // the setting is a global variable
	})
	t.Run("called later without asking", func(t *testing.T) {
		obj, p := program(linux.ProgKprobe,
			bpf.Instruction{Op: bpf.ClassALU64 | bpf.OpMov, Dst: 1, Imm: 1},
			jeq(1, 0, 1),
			helperCall(linux.FnRingbufOutput),
			helperCall(linux.FnRingbufOutput),
			r0, end)
		p.CORE = []bpf.CORERelocation{{PC: 0, Kind: bpf.COREEnumvalExists}}
		n, _ := find(compat.Of(obj, p), compat.Helper, "bpf_ringbuf_output")
		if n.Optional || n.PC != 3 {
			t.Errorf("%+v", n)
		}
	})
}

func TestStructOps(t *testing.T) {
	for name, want := range map[string]string{
		"tcp_congestion_ops": "5.6", "sched_ext_ops": "6.12", "hid_bpf_ops": "6.11", "Qdisc_ops___mine": "6.16", "my_ops": "5.6",
	} {
		obj, p := program(linux.ProgStructOps, r0, end)
		obj.Maps = []*bpf.Map{{
			Name: "ops", Type: linux.MapStructOps, Value: &btf.Struct{Name: name, Size: 8},
			Values: []bpf.MapValue{{Name: "prog"}},
		}}
		needs := compat.Of(obj, p)
		if got := compat.Oldest(needs).String(); got != want {
			t.Errorf("%s: oldest is %s, want %s", name, got, want)
		}
		if n, _ := find(needs, compat.Target, "struct my_ops"); name == "my_ops" && !n.AtLeast {
			t.Errorf("my_ops: %+v", n)
		}
	}
}

func TestMapFields(t *testing.T) {
	pointer := func(tag string) btf.Type {
		return &btf.Pointer{Target: &btf.TypeTag{Value: tag, Type: &btf.Struct{Name: "task_struct", Size: 8}}}
	}
	member := func(t btf.Type) *btf.Struct {
		return &btf.Struct{Name: "value", Size: 16, Members: []btf.Member{{Name: "m", Type: t}}}
	}
	for _, tt := range []struct {
		name  string
		value btf.Type
		want  string
	}{
		{"nothing", member(u32), "4.8"},
		{"spin lock", member(&btf.Struct{Name: "bpf_spin_lock", Size: 4}), "5.1"},
		{"kptr_ref", member(pointer("kptr_ref")), "5.19"},
		{"kptr", member(pointer("kptr")), "6.4"},
		{"percpu_kptr", member(pointer("percpu_kptr")), "6.7"},
		{"uptr", member(pointer("uptr")), "6.13"},
		{"other tag", member(pointer("user")), "4.8"},
		{"list head", member(&btf.Struct{Name: "bpf_list_head", Size: 16}), "6.2"},
		{"tree", member(&btf.Struct{Name: "bpf_rb_root", Size: 16}), "6.3"},
		{"resilient lock", member(&btf.Struct{Name: "bpf_res_spin_lock", Size: 8}), "6.15"},
		{"nested kptr", member(member(pointer("kptr"))), "6.11"},
		{"array of kptr", member(&btf.Array{Type: pointer("kptr"), Nelems: 2}), "6.11"},
		{"itself", &btf.Struct{Name: "bpf_timer", Size: 16}, "5.15"},
	} {
		load := bpf.LoadImm64(1, bpf.PseudoMapIdx, 0)
		obj, p := program(linux.ProgXDP, load[0], load[1], r0, end)
		obj.Maps = []*bpf.Map{{Name: "m", Type: linux.MapHash, Value: tt.value}}
		needs := compat.Of(obj, p)
		if got := compat.Oldest(needs).String(); got != tt.want {
			t.Errorf("%s: oldest is %s, want %s\n%s", tt.name, got, tt.want, text(needs))
		}
	}
}

func TestGlobalFunctions(t *testing.T) {
	memory := &btf.Pointer{Target: &btf.Struct{Name: "mine", Size: 8}}
	context := &btf.Pointer{Target: &btf.Struct{Name: "xdp_md", Size: 24}}
	for _, tt := range []struct {
		name    string
		arg     btf.Type
		tags    []string
		linkage btf.FuncLinkage
		want    string
	}{
		{"static", memory, nil, btf.StaticFunc, "4.16"},
		{"number", u32, nil, btf.GlobalFunc, "4.16"},
		{"context", context, nil, btf.GlobalFunc, "4.16"},
		{"memory", memory, nil, btf.GlobalFunc, "5.12"},
		{"context by tag", memory, []string{"arg:ctx"}, btf.GlobalFunc, "4.16"},
		{"nonnull", memory, []string{"arg:nonnull"}, btf.GlobalFunc, "6.8"},
		{"trusted", memory, []string{"arg:trusted"}, btf.GlobalFunc, "6.9"},
		{"arena", memory, []string{"arg:arena"}, btf.GlobalFunc, "6.9"},
		{"untrusted", memory, []string{"arg:untrusted"}, btf.GlobalFunc, "6.17"},
		{"other tag", u32, []string{"mine"}, btf.GlobalFunc, "4.16"},
	} {
		obj, p := program(linux.ProgXDP, bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: 1}, end, r0, end)
		p.Functions = []bpf.Function{{Name: "prog", Len: 2}, {Name: "f", Start: 2, Len: 2, Type: &btf.Func{
			Name: "f", Linkage: tt.linkage, ParamTags: [][]string{tt.tags},
			Type: &btf.FuncProto{Return: u32, Params: []btf.FuncParam{{Name: "a", Type: tt.arg}}},
		}}}
		needs := compat.Of(obj, p)
		if got := compat.Oldest(needs).String(); got != tt.want {
			t.Errorf("%s: oldest is %s, want %s\n%s", tt.name, got, tt.want, text(needs))
		}
		if n, ok := find(needs, compat.GlobalFunction, "global functions"); ok != (tt.linkage == btf.GlobalFunc) || ok && !n.Optional {
			t.Errorf("%s: global functions: %+v", tt.name, n)
		}
	}
}

func TestKfuncs(t *testing.T) {
	for _, tt := range []struct {
		typ     linux.ProgramType
		extern  bpf.Extern
		want    string
		atLeast bool
	}{
		{linux.ProgSchedCLS, bpf.Extern{Name: "bpf_skb_ct_lookup"}, "5.18", false},
		{linux.ProgXDP, bpf.Extern{Name: "bpf_dynptr_from_xdp"}, "6.4", false},
		{linux.ProgKprobe, bpf.Extern{Name: "bpf_rcu_read_lock"}, "6.2", false},
		{linux.ProgKprobe, bpf.Extern{Name: "bpf_session_cookie"}, "6.10", false},
		{linux.ProgPerfEvent, bpf.Extern{Name: "bpf_task_acquire"}, "6.12", false},
		{linux.ProgTracing, bpf.Extern{Name: "bpf_task_acquire___mine"}, "6.2", false},
		{linux.ProgStructOps, bpf.Extern{Name: "scx_bpf_kick_cpu"}, "6.12", false},
		{linux.ProgXDP, bpf.Extern{Name: "my_kfunc"}, "5.13", true},
		{linux.ProgXDP, bpf.Extern{Name: "my_kfunc", Module: "mine"}, "5.16", true},
	} {
		obj, p := program(tt.typ, bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallKfunc, Imm: -1}, r0, end)
		e := tt.extern
		e.Type = &btf.FuncProto{Return: u32}
		p.Externs = []bpf.ExternRef{{PC: 0, Extern: &e}}
		name, _, _ := strings.Cut(e.Name, "___")
		n, ok := find(compat.Of(obj, p), compat.Kfunc, name)
		if !ok || n.Since.String() != tt.want || n.AtLeast != tt.atLeast || n.Optional {
			t.Errorf("%s in %v programs: %+v, want %s", e.Name, tt.typ, n, tt.want)
		}
	}
}

// The types that the kernel gives a private stack are those that need it here.
func TestPrivateStackAgainstProbes(t *testing.T) {
	file, err := os.ReadFile(require.Shared(t, "kernel-6.18", "probes_6.18.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for line := range strings.Lines(string(file)) {
		var row struct{ Probe, Type, Verdict string }
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(row.Probe, "_400+400") {
			continue
		}
		var typ linux.ProgramType
		for _, p := range linux.ProgramTypes() {
			if strings.EqualFold(strings.ReplaceAll(p.String(), "_", ""), row.Type) {
				typ = p
			}
		}
		store := bpf.Instruction{Op: bpf.ClassST | bpf.ModeMEM | bpf.SizeDW, Dst: bpf.R10, Off: -400}
		obj, p := program(typ, store, bpf.Instruction{Op: bpf.OpcodeCall, Src: bpf.CallLocal, Imm: 1}, end, store, r0, end)
		p.Functions = []bpf.Function{{Name: "prog", Len: 3}, {Name: "f", Start: 3, Len: 3}}
		_, ok := find(compat.Of(obj, p), compat.Stack, "private stack")
		if ok != (row.Verdict == "accept") {
			t.Errorf("%s: the kernel says %s, private stack is %v", row.Probe, row.Verdict, ok)
		}
		compared++
	}
	if compared < 5 {
		t.Errorf("%d probes compared", compared)
	}
}

// Nothing that a loader could make of a file makes it panic or go on for ever.
func TestHostile(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	forms := bpf.Forms()
	for range 3000 {
		insns := make([]bpf.Instruction, 1+random.IntN(40))
		for i := range insns {
			f := forms[random.IntN(len(forms))]
			insns[i] = bpf.Instruction{
				Op: f.Op, Dst: bpf.Register(random.IntN(16)), Src: bpf.Register(random.IntN(16)),
				Off: int16(random.IntN(80) - 40), Imm: int32(random.IntN(80) - 40),
			}
			if random.IntN(4) > 0 {
				insns[i].Src, insns[i].Imm = f.Src, f.Imm
			}
		}
		obj, p := program(linux.ProgramType(random.IntN(34)), insns...)
		p.Attach = linux.AttachType(random.IntN(70))
		p.Section = linux.Sections()[random.IntN(len(linux.Sections()))].Pattern
		half := len(insns) / 2
		p.Functions = []bpf.Function{{Len: half}, {Start: half, Len: len(insns)}, {Start: len(insns) + 7, Len: 1 << 30}}
		inner := &bpf.Map{Type: linux.MapArrayOfMaps}
		inner.Inner = inner
		self := &btf.Struct{Name: "self"}
		self.Members = []btf.Member{{Type: self}, {Type: &btf.Array{Type: self}}}
		obj.Maps = []*bpf.Map{inner, nil, {Type: 77, Flags: random.Uint32(), Value: self}, {Section: ".kconfig"}}
		p.CORE = []bpf.CORERelocation{{PC: random.IntN(50), Kind: bpf.COREKind(random.IntN(14)), Result: bpf.COREPoisoned}}
		p.Externs = []bpf.ExternRef{{PC: random.IntN(50), Extern: &bpf.Extern{Weak: random.IntN(2) == 0}}}
		needs := compat.Of(obj, p)
		compat.TooNew(needs, linux.Version{Major: 6})
		compat.Read(obj)
	}
}
